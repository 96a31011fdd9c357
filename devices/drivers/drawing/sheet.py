"""A strip of paper that grows downwards as things are drawn on it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import segno
from PIL import Image, ImageDraw, ImageFont

from devices.drivers.drawing.fonts import outline, width
from devices.drivers.printing.codes import native_qr

INK = 0
PAPER = 255
LONGEST = 2400  # dots; 30 cm of paper, more than any ticket needs
HERO = 150  # dots; the number is never broken, however small it gets
SMALLEST = 0.75  # of its size: what would have to shrink further is broken into lines
CLOGS = 40  # dots; a Chinese character below this height fills up when it is thickened


@dataclass(frozen=True)
class Style:
    bold: bool = False
    ink: int = INK
    anchor: str = "mm"


class Sheet:
    """Draws in dots of 80 mm paper (576 across) and scales them to the paper's real width."""

    def __init__(self, across: int, native_codes: bool = False) -> None:
        self.across, self._native = across, native_codes
        self._before: list[bytes | Image.Image] = []  # what is above the picture that grows now
        self.scale = across / 576
        self.image = Image.new("L", (across, LONGEST), PAPER)
        self.draw = ImageDraw.Draw(self.image)
        self.y = 0

    def px(self, dots: float) -> int:
        return round(dots * self.scale)

    def gap(self, dots: float) -> None:
        self.y += self.px(dots)

    def font(self, size: float, text: str, room: float) -> ImageFont.FreeTypeFont:
        """The font of `size`, smaller where the text would not fit into `room` real dots."""
        real = self.px(size)
        needed = width(real, text)
        return outline(real) if needed <= room else outline(max(12, int(real * room / needed)))

    def write(self, place: tuple[float, float], text: str, size: float, room: float, style: Style) -> None:
        """Text at a place, never wider than `room`; bold thickens large letters only, small ones would clog."""
        font = self.font(size, text, room)
        stroke = font.size * 0.015 if style.bold and font.size >= CLOGS else 0
        self.draw.text(place, text, font=font, fill=style.ink, anchor=style.anchor, stroke_width=stroke)

    def line(self, text: str, size: float, *, bold: bool = False) -> None:
        """One centred line, as tall as its font; a name too long to be read in one line takes several."""
        room = self.across - self.px(24)
        least = self.px(size * SMALLEST)
        if size < HERO and self.font(size, text, room).size < least:
            rows, size = balance(text, partial(width, least), room), size * SMALLEST
        else:
            rows = [text]
        for row in rows:
            height = round(self.font(size, row, room).size * 1.25)
            self.write((self.across / 2, self.y + height / 2), row, size, room, Style(bold=bold))
            self.y += height

    def paragraph(self, text: str, size: float) -> None:
        """Centred text broken where the paper ends: between any two Chinese characters, at spaces elsewhere."""
        for row in balance(text, partial(width, self.px(size)), self.across - self.px(40)):
            self.line(row, size)

    def rule(self, *, thick: float = 2, inset: float = 8) -> None:
        self.draw.rectangle((self.px(inset), self.y, self.across - self.px(inset) - 1, self.y + max(1, self.px(thick)) - 1), INK)
        self.y += max(1, self.px(thick))

    def band(self, text: str, size: float) -> None:
        """White on black across the whole paper: what must not be overlooked."""
        height = self.px(size * 1.7)
        self.draw.rectangle((0, self.y, self.across, self.y + height - 1), INK)
        self.write((self.across / 2, self.y + height / 2), text, size, self.across - self.px(24), Style(ink=PAPER))
        self.y += height

    def columns(self, pairs: list[tuple[str, str]]) -> None:
        """Label over figure, side by side, parted by a thin line."""
        wide = self.across / len(pairs)
        for nth, (label, figure) in enumerate(pairs):
            middle = wide * (nth + 0.5)
            self.write((middle, self.y + self.px(18)), label, 26, wide - self.px(16), Style())
            self.write((middle, self.y + self.px(66)), figure, 46, wide - self.px(24), Style(bold=True))
            if nth:
                x = round(wide * nth)
                self.draw.rectangle((x, self.y + self.px(8), x + 1, self.y + self.px(88)), INK)
        self.y += self.px(98)

    def code(self, url: str, title: str, more: str) -> None:
        """A QR code at the left, what it is for at the right; one that the printer draws itself stands alone."""
        if self._native:
            self._before += [self.cut(), b"\x1ba\x01" + native_qr(url, self.px(196)) + b"\x1ba\x00"]
            self.image.paste(PAPER, (0, 0, *self.image.size))
            self.y = 0
            self.line(title, 38)
            for row in more.split("\n"):
                self.line(row, 25)
            return
        code = qr(url, self.px(196))
        left = self.px(28)
        self.image.paste(code, (left, self.y))
        x = left + code.width + self.px(20)
        room = self.across - x - self.px(12)
        y = self.y + code.height / 2 - self.px(46)
        for text, size in ((title, 38), *((row, 25) for row in more.split("\n"))):
            self.write((x, y), text, size, room, Style(anchor="lm"))
            y += self.px(size * 1.45)
        self.y += code.height

    def pieces(self) -> list[bytes | Image.Image]:
        """What goes to the printer, in order: pictures, and codes it draws itself."""
        return [*self._before, self.cut()]

    def cut(self) -> Image.Image:
        """The finished paper as a one-bit image: a thermal head knows no grey."""
        return self.image.crop((0, 0, self.across, self.y)).convert("1", dither=Image.Dither.NONE)


def qr(url: str, about: int) -> Image.Image:
    """A QR code with its quiet zone, at the whole number of dots per module that comes nearest to `about` dots."""
    made = segno.make(url, error="m", micro=False)
    modules = int(made.symbol_size(border=2)[0])
    dots = max(3, about // modules)
    rows = [[PAPER if not cell else INK for cell in row] for row in made.matrix_iter(border=2)]
    code = Image.new("L", (modules, modules))
    code.putdata([cell for row in rows for cell in row])
    return code.resize((modules * dots, modules * dots), Image.Resampling.NEAREST)


Measure = Callable[[str], float]


def balance(text: str, measure: Measure, room: float) -> list[str]:
    """Rows of about one length, so that no single character is left for the last. `measure` says how wide a text is."""
    rows = wrap(text, measure, room)
    if len(rows) < 2:
        return rows
    narrow, wide = room / len(rows), room
    for _ in range(5):  # halvings: to within a thirtieth of the room
        middle = (narrow + wide) / 2
        tried = wrap(text, measure, middle)
        if len(tried) > len(rows):
            narrow = middle
        else:
            rows, wide = tried, middle
    return rows


def wrap(text: str, measure: Measure, room: float) -> list[str]:
    """Rows no wider than `room`, in what `measure` counts."""
    rows, row = [], ""
    for piece in _pieces(text):
        if row and measure((row + piece).rstrip()) > room:
            rows.append(row.rstrip())
            row = piece.lstrip()
        else:
            row += piece
    return [*rows, row.rstrip()] if row.strip() else rows


def _pieces(text: str) -> list[str]:
    """What may not be broken: a Latin word with its space, one Chinese character with the mark that follows it."""
    pieces: list[str] = []
    for char in text:
        glued = pieces and (
            (char.isascii() and not char.isspace() and pieces[-1][-1].isascii() and not pieces[-1][-1].isspace())
            or char in " ，。、；：！？）》”"
        )
        if glued:
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces
