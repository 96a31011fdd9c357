"""Text as the dots of an LED strip: sixteen high, a Chinese character sixteen wide, a letter or digit eight."""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import product

from PIL import Image, ImageDraw, ImageFont

from devices.drivers.drawing.fonts import bitmap16, outline

CELL = 16
HALF = CELL // 2
BASE = 13  # rows above the line that letters stand on
LARGE = 8  # how many times larger a character is drawn before it is shrunk to dots
LIT = 255


def width(text: str) -> int:
    """Dots a text needs, by the cell rule every strip of this kind follows: eight for each byte that GB 2312 takes."""
    return sum(_cell(char) for char in text)


def dots(text: str) -> Image.Image:
    """The text as an "L" image of 0 and 255, `width(text)` by 16."""
    strip = Image.new("L", (max(1, width(text)), CELL), 0)
    x = 0
    for char in text:
        strip.paste(_glyph(char), (x, 0))
        x += _cell(char)
    return strip


def _cell(char: str) -> int:
    return CELL if unicodedata.east_asian_width(char) in "WFA" else HALF


@cache
def _glyph(char: str) -> Image.Image:
    exact = bitmap16()
    return _from_bitmap(char, exact) if exact else _from_outline(char)


def _from_bitmap(char: str, font: ImageFont.FreeTypeFont) -> Image.Image:
    cell = Image.new("L", (_cell(char), CELL), 0)
    draw = ImageDraw.Draw(cell)
    draw.fontmode = "1"
    draw.text((0, CELL - 2), char, font=font, fill=LIT, anchor="ls")
    return cell


def _from_outline(char: str) -> Image.Image:
    """A character of the outline font as dots; the sizes are those that came out most even of all that were tried.

    A Latin letter too wide for its cell (W, m, O) is squeezed, not clipped: a clipped O reads as a C."""
    if _cell(char) == CELL:
        return _crispest(char)
    font = outline(14)
    left, _, right, _ = font.getbbox(char, anchor="ls")
    if right - left >= HALF:
        return _squeezed(char, HALF - 1)
    cell = Image.new("L", (HALF, CELL), 0)
    draw = ImageDraw.Draw(cell)
    draw.fontmode = "1"
    draw.text(((HALF - (right - left)) // 2 - left, BASE), char, font=font, fill=LIT, anchor="ls")
    return cell


def _crispest(char: str) -> Image.Image:
    """The character drawn large, shifted by eighths of a dot until most of its strokes fall on whole dots, then cut."""
    font = outline(15 * LARGE)
    left, _, right, _ = font.getbbox(char, anchor="ls")
    x = (CELL * LARGE - (right - left)) // 2 - left
    shifts = product(range(-LARGE // 2, LARGE // 2 + 1), repeat=2)
    best = max((_shrunk(char, font, x + dx, dy, CELL) for dx, dy in shifts), key=_contrast)
    return best.point([0] * 128 + [LIT] * 128)


def _squeezed(char: str, room: int) -> Image.Image:
    """The letter drawn large and shrunk to `room` dots across; a stroke that covers a third of a dot lights it."""
    font = outline(14 * LARGE)
    left, _, right, _ = font.getbbox(char, anchor="ls")
    letter = Image.new("L", (int(right - left), CELL * LARGE), 0)
    ImageDraw.Draw(letter).text((-left, BASE * LARGE), char, font=font, fill=LIT, anchor="ls")
    cell = Image.new("L", (HALF, CELL), 0)
    cell.paste(letter.resize((room, CELL), Image.Resampling.BOX))
    return cell.point([0] * 85 + [LIT] * 171)


def _shrunk(char: str, font: ImageFont.FreeTypeFont, x: float, down: int, across: int) -> Image.Image:
    large = Image.new("L", (across * LARGE, CELL * LARGE), 0)
    ImageDraw.Draw(large).text((x, BASE * LARGE + down), char, font=font, fill=LIT, anchor="ls")
    return large.resize((across, CELL), Image.Resampling.BOX)


def _contrast(cell: Image.Image) -> int:
    """How far its greys are from half grey: the most where strokes fill whole dots."""
    return sum(count * abs(2 * grey - LIT) for grey, count in enumerate(cell.histogram()))
