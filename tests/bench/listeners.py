"""Many plain websocket clients in one process, on epoll: they only read, and tell when the last of them had each frame.

`python -m tests.bench.listeners` reads one JSON line {"port", "paths", "headers", "greet"} from stdin: a connection is
made per path. It prints {"ready": n}, then one line per marked frame: {"mark", "got", "last"} with monotonic seconds.
A frame is marked by `"mark":<k>` or by the `call` of an event or a job; each connection counts a mark once.
"""

import json
import re
import select
import socket
import sys
import time
from collections import Counter
from typing import Any

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
MARK = re.compile(rb'"(?:mark|call)":"?([\w-]+)')


def upgrade(path: str, port: int, headers: dict[str, str]) -> bytes:
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade"]
    lines += [f"Sec-WebSocket-Key: {KEY}", "Sec-WebSocket-Version: 13", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
    return "\r\n".join(lines).encode()


def masked(text: str) -> bytes:
    """A client's text frame; a mask of zeros leaves the payload as it is."""
    payload = text.encode()
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + bytes(4) + payload


def connect(port: int, path: str, headers: dict[str, str]) -> socket.socket:
    """An upgraded connection; what came right behind the upgrade is thrown away with it."""
    line = socket.create_connection(("127.0.0.1", port), 10)
    line.sendall(upgrade(path, port, headers))
    head = b""
    while b"\r\n\r\n" not in head:
        got = line.recv(4096)
        if not got:
            raise SystemExit(f"refused: {head!r}")
        head += got
    if b" 101 " not in head.split(b"\r\n", 1)[0]:
        raise SystemExit(f"refused: {head!r}")
    line.setblocking(False)
    return line


def main() -> None:
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    lines = {}
    poll = select.epoll()
    for n, path in enumerate(asked["paths"]):
        headers = asked["headers"][n] if isinstance(asked["headers"], list) else asked["headers"]
        line = connect(asked["port"], path, headers)
        if asked.get("greet"):
            line.sendall(masked(asked["greet"]))
        lines[line.fileno()] = line
        poll.register(line, select.EPOLLIN)
    print(json.dumps({"ready": len(lines)}), flush=True)
    listen(lines, poll)


def listen(lines: dict[int, socket.socket], poll: select.epoll) -> None:
    """Until every server has hung up; a beat is answered by nothing, so a run is shorter than the silence allowed."""
    counts: Counter[bytes] = Counter()
    seen: set[tuple[int, bytes]] = set()
    tails: dict[int, bytes] = {}  # a mark may be cut in two by the end of a read
    while lines:
        for fd, _ in poll.poll():
            try:
                data = lines[fd].recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                poll.unregister(fd)
                lines.pop(fd).close()
                continue
            data = tails.get(fd, b"") + data
            tails[fd] = data[-60:]
            for mark in set(MARK.findall(data)):
                if (fd, mark) not in seen:
                    seen.add((fd, mark))
                    counts[mark] += 1
                    if counts[mark] == len(lines):
                        told = {"mark": mark.decode(), "got": counts[mark], "last": time.monotonic()}
                        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
