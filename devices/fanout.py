"""One change, many boards: a frame is encoded once and the same bytes are laid on every line; who can't read is let go.

The bytes go straight to each connection's transport, which is the cheapest a write can be (half of what the library's
own broadcast costs). That is sound only while the connection is open and not in the middle of a message in fragments.
Nobody ever waits for a reader: a line whose buffer does not drain is closed with 4002 and takes a snapshot later.
"""

import socket
import struct
from collections.abc import Callable

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from devices.wire import Close

QUEUED_FRAMES = 64  # frames laid on a line since it last drained
QUEUED_BYTES = 128 * 1024
GRACE_S = 0.25  # a burst within one turn of the loop is not a slow reader
STUCK_S = 5.0
FLOOD_BYTES = 4 * 1024 * 1024  # no grace beyond this
CLOSING_S = 2.0  # a closing line is cut after this, read or not
KERNEL_BYTES = 64 * 1024  # the kernel's own queue: a larger one would hide a slow reader for minutes


def text_frame(payload: bytes) -> bytes:
    """The bytes of a whole unmasked websocket text frame (RFC 6455, 5.2)."""
    size = len(payload)
    if size < 126:
        return struct.pack("!BB", 0x81, size) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x81, 126, size) + payload
    return struct.pack("!BBQ", 0x81, 127, size) + payload


class Outlet:
    """The writing end of one connection. Nothing here waits. `on_drop` is called once when a slow reader is let go."""

    __slots__ = ("_queued", "_stuck_since", "_transport", "connection", "on_drop")

    def __init__(self, connection: ServerConnection, on_drop: Callable[[], None] = lambda: None) -> None:
        self.connection = connection
        self.on_drop = on_drop
        self._transport = connection.transport
        self._queued = 0
        self._stuck_since: float | None = None
        kernel: socket.socket | None = self._transport.get_extra_info("socket")
        if kernel is not None:
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES)

    def send(self, payload: bytes) -> None:
        """Write one text frame; a line that can't take it is dropped."""
        if not self.write(text_frame(payload)):
            self.drop()

    def write(self, raw: bytes) -> bool:
        """Write an encoded frame. False when the line is too slow and should be dropped; a closing line takes nothing."""
        connection, transport = self.connection, self._transport
        if connection.protocol.state is not State.OPEN or transport.is_closing():
            return True
        if connection.send_in_progress is not None:
            return False
        waiting = transport.get_write_buffer_size()
        if waiting == 0:
            self._queued, self._stuck_since = 1, None
        elif self._too_slow(waiting):
            return False
        transport.write(raw)
        return True

    def _too_slow(self, waiting: int) -> bool:
        self._queued += 1
        now = self.connection.loop.time()
        if self._stuck_since is None:
            self._stuck_since = now
        full = self._queued > QUEUED_FRAMES or waiting > QUEUED_BYTES
        return waiting > FLOOD_BYTES or (full and now - self._stuck_since > GRACE_S) or now - self._stuck_since > STUCK_S

    def sweep(self) -> None:
        """Called every second: drop a line that has not drained for 5 s, though nothing new was written to it."""
        if self._stuck_since is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() == 0:
            self._queued, self._stuck_since = 0, None
        elif self.connection.loop.time() - self._stuck_since > STUCK_S:
            self.drop()

    def drop(self) -> None:
        """Let a slow reader go."""
        if self.connection.protocol.state is State.OPEN:
            self.close(Close.TOO_SLOW)
            self.on_drop()

    def close(self, code: int, reason: str = "") -> None:
        """Send the close frame and cut the line 2 s later, whether or not the other side has answered."""
        connection = self.connection
        if connection.protocol.state is not State.OPEN:
            return
        connection.protocol.send_close(code, reason or (code.reason if isinstance(code, Close) else ""))
        connection.send_data()
        connection.loop.call_later(CLOSING_S, self._transport.abort)


class Fanout:
    """Who follows which feed: a view (`zone:A`, `window:3`, `hall`) of a hall, and the outlets on it."""

    def __init__(self) -> None:
        self._feeds: dict[tuple[int, str], set[Outlet]] = {}

    def join(self, hall: int, view: str, outlet: Outlet) -> None:
        """From now on this outlet gets every frame of the feed."""
        self._feeds.setdefault((hall, view), set()).add(outlet)

    def leave(self, hall: int, view: str, outlet: Outlet) -> None:
        """No more."""
        feed = self._feeds.get((hall, view))
        if feed is not None:
            feed.discard(outlet)
            if not feed:
                del self._feeds[hall, view]

    def publish(self, hall: int, view: str, payload: bytes) -> int:
        """Write one encoded frame to all of a feed; slow readers are dropped. Gives how many follow it.

        Publish no more than a few dozen frames without yielding to the loop, so that lines can drain in between.
        """
        feed = self._feeds.get((hall, view))
        if not feed:
            return 0
        raw = text_frame(payload)
        for outlet in [outlet for outlet in feed if not outlet.write(raw)]:
            outlet.drop()
        return len(feed)

    def followed(self) -> set[tuple[int, str]]:
        """The feeds somebody follows."""
        return set(self._feeds)
