"""The frame of a plain serial strip: `AA addr BB 51 54 CK p q 99 00 63 <text> FF`, one way, no answer.

CK is the sum of everything after it, the FF included, modulo 256.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from devices.drivers.strips.spelling import Charset, decode, encode

MARKS = bytes((0xBB, 0x51, 0x54))
TEXT = bytes((0x99, 0x00, 0x63))
ENDS = 0xFF
WINDOW, SCREEN = bytes((0x01, 0x00)), bytes((0x08, 0x02))  # p q of a strip over a window, and of one row of a screen
LARGEST = 512


@dataclass(frozen=True)
class Frame:
    """A text for the strip of one address; `of_screen` for a row of a large screen."""

    address: int
    text: str
    of_screen: bool


def frame(address: int, text: str, charset: Charset, of_screen: bool = False) -> bytes:
    """A whole frame as it goes over the line. ValueError for an address that is not one byte."""
    rest = (SCREEN if of_screen else WINDOW) + TEXT + encode(text, charset) + bytes((ENDS,))
    return bytes((0xAA, address)) + MARKS + bytes((sum(rest) % 256,)) + rest


class Frames:
    """Frames out of a stream of bytes. FF ends one: no byte of the text can be FF."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[Frame | None]:
        """Every frame that is whole by now, None for one whose sum is wrong; noise between frames is skipped."""
        self._held += data
        while (start := _start(self._held)) is not None:
            self._held = self._held[start:]
            end = self._held.find(ENDS, 6)
            if end < 0:
                break
            raw, self._held = self._held[: end + 1], self._held[end + 1 :]
            yield _read(raw)
        self._held = self._held[-LARGEST:]


def _start(held: bytes) -> int | None:
    """Where a frame begins, or None."""
    marks = held.find(MARKS)
    while marks >= 0 and (marks < 2 or held[marks - 2] != 0xAA):
        marks = held.find(MARKS, marks + 1)
    return marks - 2 if marks >= 2 else None


def _read(raw: bytes) -> Frame | None:
    rest = raw[6:]
    if raw[5] != sum(rest) % 256 or rest[2:5] != TEXT:
        return None
    return Frame(raw[1], decode(rest[5:-1]), rest[:2] == SCREEN)
