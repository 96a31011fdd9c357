"""The frames of a second-generation identity card reader, and the number out of a card's data.

A request is AA AA AA 96 69, a length of two bytes, command, parameter, and the exclusive or of all after the preamble; an
answer has three status bytes in place of the command. A card says much more than its number: none of it is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from operator import xor

PREAMBLE = bytes.fromhex("AA AA AA 96 69")
FIND, SELECT, READ = b"\x20\x01", b"\x20\x02", b"\x30\x01"
FOUND, GOOD = b"\x00\x00\x9f", b"\x00\x00\x90"
LARGEST = 4096  # bytes of an answer; text and picture of a card are 1280

# The text of a card is 256 bytes of UTF-16LE in fields of fixed length: name 30, sex 2, nation 4, birth 16, address 70,
# then the number.
NUMBER_AT, NUMBER_LONG = 30 + 2 + 4 + 16 + 70, 36
NUMBER = re.compile(r"\d{17}[\dX]")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643: what the last sign is computed from
CHECK = "10X98765432"


class BadAnswer(Exception):
    """What came is no answer of a reader, or no card's data."""


@dataclass(frozen=True)
class Answer:
    """A reader's answer. `data` may hold a whole card: it is never shown."""

    status: bytes
    data: bytes

    def __repr__(self) -> str:
        return f"Answer(status={self.status.hex()}, {len(self.data)} bytes)"


def request(command: bytes) -> bytes:
    """The frame that asks for something."""
    return _framed(command)


def _framed(body: bytes) -> bytes:
    told = (len(body) + 1).to_bytes(2, "big") + body
    return PREAMBLE + told + bytes([reduce(xor, told)])


def take_answer(heard: bytearray) -> Answer | None:
    """The first whole answer, taken out of what was heard; None while it is not whole. BadAnswer for a broken one."""
    start = heard.find(PREAMBLE)
    if start < 0:
        del heard[: max(0, len(heard) - len(PREAMBLE) + 1)]
        return None
    del heard[:start]
    if len(heard) < 7:
        return None
    length = int.from_bytes(heard[5:7], "big")
    if not 4 <= length <= LARGEST:
        _forget(heard)
        raise BadAnswer("an answer of impossible length")
    if len(heard) < 7 + length:
        return None
    told, check = bytes(heard[5 : 6 + length]), heard[6 + length]
    _forget(heard, 7 + length)
    if reduce(xor, told) != check:
        raise BadAnswer("an answer that does not add up")
    return Answer(told[2:5], told[5:])


def read_number(answer: Answer) -> str:
    """The ID number of a card's data. BadAnswer when there is none that can be one; never says what there was."""
    text = answer.data[4 : 4 + int.from_bytes(answer.data[:2], "big")]
    written = text[NUMBER_AT : NUMBER_AT + NUMBER_LONG].decode("utf-16-le", "replace").strip("\0 ")
    if not NUMBER.fullmatch(written) or CHECK[_weighed(written)] != written[17]:
        raise BadAnswer("a card without a number")
    return written


def _weighed(number: str) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number[:17], WEIGHTS, strict=True)) % 11


def _forget(heard: bytearray, count: int | None = None) -> None:
    """What was heard is overwritten before it goes: it may have been a card."""
    count = len(heard) if count is None else count
    heard[:count] = bytes(count)
    del heard[:count]
