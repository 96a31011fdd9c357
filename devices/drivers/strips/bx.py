"""The frames of an Onbon BX-5 or BX-6 control card, both ways.

`A5` x 8 | to 2 | from 2 | 6 reserved | type of card 1 | version 1 | length 2 | data | CRC 2 | `5A`; numbers have their
low byte first. The CRC is counted over everything between the A5s and itself, before the escaping; the escaping then
covers the CRC too, and is done in one pass: a second pass would escape what the first one wrote.

The data of an answer: group, command, how it went (one byte), two reserved. The maker's protocol is not on the net. The bytes
of acknowledgement, refusal and ping are those of MyDataType.h of a C++ LedDynamicArea (SEND_ACK A000, SEND_NACK A001, SEND_PING
A200; github.com/Eric-M-Zhu), the fields those of a Delphi UMgrLEDDisp (TResponseData), the causes of a refusal those of both
and of a C BX4K.h; the maker's own Led5kSDK counts its errors alike (github.com/onbonlab/BX-K, Error Code).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from devices.drivers.strips.spelling import Charset, decode, encode

Colour = Literal["red", "green", "amber"]

START, END = 0xA5, 0x5A
ESCAPES = {0xA5: b"\xa6\x02", 0xA6: b"\xa6\x01", 0x5A: b"\x5b\x02", 0x5B: b"\x5b\x01"}
PLAIN = {escaped: byte for byte, escaped in ESCAPES.items()}
HEADER = struct.Struct("<HH6xBBH")  # to, from, reserved, type of card, version, length of the data
US, ANY_CARD, VERSION = 0x8000, 0xFE, 0x02
LARGEST = 4096  # bytes of a frame that never ends; a screen of ten rows takes some 700

PING = bytes((0xA2, 0x00, 0x01, 0x00, 0x00))
CLEAR = bytes((0xA3, 0x10, 0x01, 0x00, 0x00))
SHOW = bytes((0xA3, 0x06))
ACK, NAK = bytes((0xA0, 0x00)), bytes((0xA0, 0x01))
# Why a card refused, of those an installer can do something about.
CAUSES = {
    0x01: "unknown_command", 0x02: "unknown_command", 0x03: "busy", 0x04: "memory_full", 0x05: "bad_checksum", 0x0C: "no_font",
    0x0D: "other_model", 0x11: "other_model", 0x12: "bad_place",
}  # fmt: skip

ALL_AREAS = 0xFF
DOTS = 0x8000  # the highest bit of X and W: counted in dots, not in units of eight
AREA = struct.Struct("<BHHHHBBBHBBBBBBBBBI")
STILL, RUN, RISE = 0x01, 0x03, 0x05  # stand, run from right to left, come up from below
COLOURS: dict[Colour, bytes] = {"red": b"\\C1", "green": b"\\C2", "amber": b"\\C3"}


class BadFrame(Exception):
    """These bytes are no frame of a card."""


@dataclass(frozen=True)
class Frame:
    """What came through whole."""

    to: int
    sender: int
    data: bytes


@dataclass(frozen=True)
class Area:
    """A text in its place on the card, in dots. No colour leaves the card its own."""

    id: int
    x: int
    y: int
    width: int
    height: int
    text: str
    way: int = STILL
    colour: Colour | None = None


def crc(body: bytes) -> int:
    """CRC-16 with the reflected polynomial A001, from 0."""
    value = 0
    for byte in body:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


def cause(refusal: bytes) -> str:
    """Why a card refused, in one word."""
    code = refusal[2] if len(refusal) > 2 else 0
    return CAUSES.get(code, f"error_{code}")


def escape(plain: bytes) -> bytes:
    return b"".join(ESCAPES.get(byte) or bytes((byte,)) for byte in plain)


def unescape(escaped: bytes) -> bytes:
    """BadFrame for a mark without its second byte."""
    plain, at = bytearray(), 0
    while at < len(escaped):
        if escaped[at] in (0xA6, 0x5B):
            pair = escaped[at : at + 2]
            if pair not in PLAIN:
                raise BadFrame(f"escape {pair.hex(' ')}")
            plain.append(PLAIN[pair])
            at += 2
        else:
            plain.append(escaped[at])
            at += 1
    return bytes(plain)


def frame(to: int, data: bytes, card: int = ANY_CARD, sender: int = US) -> bytes:
    """A whole frame as it goes over the line."""
    body = HEADER.pack(to, sender, card, VERSION, len(data)) + data
    return bytes([START] * 8) + escape(body + struct.pack("<H", crc(body))) + bytes([END])


def show(areas: Sequence[Area], charset: Charset, alone: bool = False) -> bytes:
    """The data that puts these areas in the place of those with their ids, or of all (`alone`); the card has to answer."""
    parts = [_area(area, charset) for area in areas]
    sized = b"".join(struct.pack("<H", len(part)) + part for part in parts)
    return SHOW + bytes((0x01, 0x00, 0x00, ALL_AREAS if alone else 0, len(areas))) + sized


def _area(area: Area, charset: Charset) -> bytes:
    # A backslash would begin a colour, so the text's own go out as their full-width twin.
    text = (COLOURS[area.colour] if area.colour else b"") + encode(area.text.replace("\\", "＼"), charset)
    stay = 0 if area.way == RUN else 5
    place = (area.x | DOTS, area.y, area.width | DOTS, area.height)
    # id, line spacing, loop, no time-out, no sound, nothing more, left, one line, no wrap, way in, way out, speed, stay, length
    return AREA.pack(0, *place, area.id, 0, 0, 0, 0, 0, 0, 1, 1, area.way, 0, 4, stay, len(text)) + text


def read_areas(data: bytes) -> tuple[bool, list[Area]]:
    """Whether all areas go before, and the areas of a `show`, as a card reads them. BadFrame."""
    try:
        alone, count = data[5] == ALL_AREAS, data[6]
        at, areas = 7, []
        for _ in range(count):
            (size,) = struct.unpack_from("<H", data, at)
            areas.append(_read_area(data[at + 2 : at + 2 + size]))
            at += 2 + size
    except (struct.error, IndexError) as error:
        raise BadFrame(f"area: {error}") from error
    return alone, areas


def _read_area(raw: bytes) -> Area:
    _, x, y, width, height, id, *_, way, _, _, _, length = AREA.unpack_from(raw)
    text = raw[AREA.size :]
    if len(text) != length:
        raise BadFrame(f"text of {len(text)} bytes, not {length}")
    colour = next((name for name, code in COLOURS.items() if text.startswith(code)), None)
    return Area(id, _dots(x), y, _dots(width), height, decode(text[3:] if colour else text), way, colour)


def _dots(value: int) -> int:
    return value & ~DOTS if value & DOTS else value * 8


class Frames:
    """Frames out of a stream of bytes, however it was cut."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> Iterator[Frame | BadFrame]:
        """Every frame that is whole by now; noise between frames is skipped, a broken one is told."""
        self._held += data
        while END in self._held:
            raw, _, self._held = self._held.partition(bytes([END]))
            body = raw[raw.rfind(START) + 1 :]  # a whole frame has no A5 after those it begins with
            if len(body) < len(raw):
                yield _read(body)
        self._held = self._held[-LARGEST:]


def _read(escaped: bytes) -> Frame | BadFrame:
    try:
        plain = unescape(escaped)
        body, check = plain[:-2], plain[-2:]
        if len(body) < HEADER.size or struct.pack("<H", crc(body)) != check:
            raise BadFrame("check sum")
        to, sender, _, _, length = HEADER.unpack_from(body)
        if length != len(body) - HEADER.size:
            raise BadFrame("length")
    except BadFrame as error:
        return error
    return Frame(to, sender, body[HEADER.size :])
