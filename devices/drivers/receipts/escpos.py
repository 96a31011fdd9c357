"""ESC/POS as a printer reads it: bytes in, commands out, whatever way the bytes were split under way."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto


class Do(Enum):
    """What a command asks of the printer."""

    TEXT = auto()
    RASTER = auto()
    FEED = auto()
    CUT = auto()
    STATUS = auto()  # DLE EOT n, answered at once even when offline
    RECOVER = auto()  # DLE ENQ n
    ASKED_IN_ORDER = auto()  # GS r n, answered when the paper before it is done
    NAMED = auto()  # GS I n, who the printer is, answered in its turn
    RESET = auto()  # ESC @
    STYLE = auto()  # how what follows is set: size, weight, place, Chinese mode
    SYMBOL = auto()  # GS ( k, a QR code in steps
    OTHER = auto()


@dataclass(frozen=True)
class Command:
    """One command with the very bytes it came in. `n` is its argument; a raster has rows of `across` dots."""

    do: Do
    raw: bytes
    n: int = 0
    across: int = 0
    rows: tuple[bytes, ...] = ()


@dataclass
class Decoder:
    """Cuts a stream of bytes into commands; what is incomplete waits for the rest."""

    _left: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> list[Command]:
        self._left += data
        commands = []
        while self._left:
            command = _first(bytes(self._left))
            if command is None:
                break
            del self._left[: len(command.raw)]
            commands.append(command)
        return commands

    @property
    def waiting(self) -> int:
        """Bytes of a command that isn't whole yet."""
        return len(self._left)


# Length of the commands that carry no picture, by their first two bytes: (what, whole length).
FIXED: dict[bytes, tuple[Do, int]] = {
    b"\x10\x04": (Do.STATUS, 3),
    b"\x10\x05": (Do.RECOVER, 3),
    b"\x10\x14": (Do.OTHER, 5),
    b"\x1b@": (Do.RESET, 2),
    b"\x1bd": (Do.FEED, 3),
    b"\x1bJ": (Do.FEED, 3),
    b"\x1ba": (Do.STYLE, 3),
    b"\x1bt": (Do.OTHER, 3),
    b"\x1b!": (Do.STYLE, 3),
    b"\x1bE": (Do.STYLE, 3),
    b"\x1bM": (Do.OTHER, 3),
    b"\x1bR": (Do.OTHER, 3),
    b"\x1b3": (Do.STYLE, 3),
    b"\x1b2": (Do.STYLE, 2),
    b"\x1dr": (Do.ASKED_IN_ORDER, 3),
    b"\x1dI": (Do.NAMED, 3),
    b"\x1da": (Do.OTHER, 3),
    b"\x1d!": (Do.STYLE, 3),
    b"\x1dL": (Do.OTHER, 4),
    b"\x1c&": (Do.STYLE, 2),
    b"\x1c!": (Do.STYLE, 3),
    b"\x1cW": (Do.STYLE, 3),
    b"\x1dB": (Do.STYLE, 3),
    b"\x1c.": (Do.STYLE, 2),
}
LEADS = frozenset(key[0] for key in FIXED) | {0x1D, 0x1B, 0x1C, 0x10}


def _first(data: bytes) -> Command | None:
    if data[0] == 0x0A:
        return Command(Do.FEED, data[:1])
    if data[0] not in LEADS:
        return _text(data)
    if len(data) < 2:
        return None
    if data[:2] == b"\x1dv":
        return _raster(data)
    if data[:2] == b"\x1dV":
        return _cut(data)
    if data[:2] == b"\x1d(":
        return _function(data)
    do, length = FIXED.get(data[:2], (Do.OTHER, 2))
    if len(data) < length:
        return None
    return Command(do, data[:length], n=data[2] if length > 2 else 0)


def _text(data: bytes) -> Command:
    end = next((at for at, byte in enumerate(data) if byte == 0x0A or byte in LEADS), len(data))
    return Command(Do.TEXT, data[:end])


def _raster(data: bytes) -> Command | None:
    """GS v 0 m xL xH yL yH and the rows, one bit a dot, black is 1."""
    if len(data) < 8:
        return None
    wide, high = int.from_bytes(data[4:6], "little"), int.from_bytes(data[6:8], "little")
    end = 8 + wide * high
    if len(data) < end:
        return None
    rows = tuple(data[8 + wide * y : 8 + wide * (y + 1)] for y in range(high))
    return Command(Do.RASTER, data[:end], across=wide * 8, rows=rows)


def _function(data: bytes) -> Command | None:
    """GS ( and a letter, the length of the rest, and the rest."""
    if len(data) < 5:
        return None
    end = 5 + int.from_bytes(data[3:5], "little")
    return Command(Do.SYMBOL if data[2:3] == b"k" else Do.OTHER, data[:end]) if len(data) >= end else None


def _cut(data: bytes) -> Command | None:
    """GS V m, and n when m is 65 or more: how far to feed before the cut."""
    if len(data) < 3:
        return None
    length = 4 if data[2] >= 65 else 3
    return Command(Do.CUT, data[:length]) if len(data) >= length else None
