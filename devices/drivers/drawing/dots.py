"""Text as the dots of an LED strip: sixteen high, a Chinese character sixteen wide, a letter or digit eight."""

from __future__ import annotations

import unicodedata
from functools import cache

from PIL import Image, ImageDraw, ImageFont

from devices.drivers.drawing.fonts import bitmap16, outline

CELL = 16
HALF = CELL // 2
LIT = 255


def width(text: str) -> int:
    """Dots a text needs, by the cell rule every strip of this kind follows."""
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
    return CELL if unicodedata.east_asian_width(char) in "WF" else HALF


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
    """15 pixels and a cut at half grey came out most even of the sizes and cuts tried; 14 rows stand on the base line."""
    font = outline(15)
    left, _, right, _ = font.getbbox(char, anchor="ls")
    cell = Image.new("L", (_cell(char), CELL), 0)
    ImageDraw.Draw(cell).text(((cell.width - (right - left)) / 2 - left, 13), char, font=font, fill=LIT, anchor="ls")
    return cell.point([0] * 128 + [LIT] * 128)
