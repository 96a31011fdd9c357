"""The printer's own type: letters of 12 by 24 dots, Chinese ones of 24 by 24, magnified in whole steps, set in lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import segno
from PIL import Image, ImageChops, ImageDraw

from devices.drivers.drawing.fonts import outline

CELL, TALL, LEADING = 12, 24, 30  # dots: a Latin letter's width, any letter's height, from line to line


@dataclass
class Style:
    """How the next letters are set. Latin and Chinese have sizes of their own; GS ! sets both, FS ! and FS W Chinese."""

    size: tuple[int, int] = (1, 1)
    chinese_size: tuple[int, int] = (1, 1)
    chinese: bool = False
    bold: bool = False
    reverse: bool = False
    place: int = 0  # 0 left, 1 centre, 2 right
    leading: int = LEADING


@dataclass
class Typesetter:
    """A line of letters grows from bytes until it is fed; what outgrows the paper begins a new line as on a real one."""

    across: int = 576
    style: Style = field(default_factory=Style)
    _line: list[Image.Image] = field(default_factory=list)
    _half: bytes = b""  # the beginning of a Chinese letter whose rest is still to come
    _address: bytes = b""
    _module: int = 3

    def reset(self) -> None:
        self.style, self._line, self._half = Style(), [], b""

    def switch(self, raw: bytes) -> None:
        """One command of style, as it came."""
        style, code, n = self.style, raw[:2], raw[2] if len(raw) > 2 else 0
        match code:
            case b"\x1c&" | b"\x1c.":
                style.chinese = code == b"\x1c&"
            case b"\x1d!":
                style.size = style.chinese_size = ((n >> 4 & 7) + 1, (n & 7) + 1)
            case b"\x1b!":
                style.size, style.bold = (1 + (n >> 5 & 1), 1 + (n >> 4 & 1)), bool(n & 8)
            case b"\x1c!":
                style.chinese_size = (1 + (n >> 2 & 1), 1 + (n >> 3 & 1))
            case b"\x1cW":
                style.chinese_size = (2, 2) if n & 1 else (1, 1)
            case b"\x1bE":
                style.bold = bool(n & 1)
            case b"\x1dB":
                style.reverse = bool(n & 1)
            case b"\x1ba":
                style.place = n % 48 if n % 48 < 3 else 0
            case b"\x1b3":
                style.leading = n
            case b"\x1b2":
                style.leading = LEADING

    def text(self, data: bytes) -> list[bytes]:
        """Letters onto the line; the rows of those lines that got full."""
        rows: list[bytes] = []
        for char, is_chinese in self._letters(data):
            letter = self._letter(char, is_chinese)
            if sum(one.width for one in self._line) + letter.width > self.across:
                rows += self.feed()
            self._line.append(letter)
        return rows

    def feed(self) -> list[bytes]:
        """The line's rows, packed; an empty line is as tall as a line."""
        height = max((letter.height for letter in self._line), default=0)
        row = Image.new("1", (self.across, max(height + self.style.leading - TALL, self.style.leading)), 1)
        x = self._left(sum(letter.width for letter in self._line))
        for letter in self._line:
            row.paste(letter, (x, height - letter.height))  # all letters stand on one line
            x += letter.width
        self._line = []
        return packed(row)

    def picture(self, rows: tuple[bytes, ...], wide: int) -> list[bytes]:
        """A picture goes where the text goes."""
        left = self._left(wide) // 8
        return [bytes(left) + row for row in rows] if left else list(rows)

    def symbol(self, raw: bytes) -> list[bytes]:
        """One step of a QR code: its size, its text, and at last its rows."""
        function, data = raw[6], raw[7:]
        if function == 67 and data:
            self._module = data[0]
        elif function == 80:
            self._address = data[1:]
        elif function == 81 and self._address:
            code = segno.make(self._address, error="m", micro=False)
            modules = int(code.symbol_size(border=4)[0])
            bare = Image.new("1", (modules, modules), 1)
            bare.putdata([0 if cell else 1 for line in code.matrix_iter(border=4) for cell in line])
            drawn = bare.resize((bare.width * self._module, bare.height * self._module))
            row = Image.new("1", (self.across, drawn.height), 1)
            row.paste(drawn, (self._left(drawn.width), 0))
            return packed(row)
        return []

    def _left(self, wide: int) -> int:
        spare = max(0, self.across - wide)
        return (0, spare // 2, spare)[self.style.place]

    def _letters(self, data: bytes) -> list[tuple[str, bool]]:
        """In Chinese mode two or four bytes make a letter, outside of it every byte is one of code page 437."""
        if not self.style.chinese:
            return [(char, False) for char in data.decode("cp437") if char >= " "]
        data, letters = self._half + data, []
        self._half = b""
        while data:
            length = 1 if data[0] < 0x80 else 4 if len(data) > 1 and 0x30 <= data[1] <= 0x39 else 2
            if len(data) < length:
                self._half = data
                break
            letters.append((data[:length].decode("gb18030", "replace"), length > 1))
            data = data[length:]
        return letters

    def _letter(self, char: str, is_chinese: bool) -> Image.Image:
        wide, tall = self.style.chinese_size if is_chinese else self.style.size
        drawn = glyph(char, 2 * CELL if is_chinese else CELL, self.style.bold)
        large = drawn.resize((drawn.width * wide, drawn.height * tall), Image.Resampling.NEAREST)
        return ImageChops.invert(large) if self.style.reverse else large


@cache
def glyph(char: str, wide: int, bold: bool) -> Image.Image:
    """One letter in its cell; the broad ones (m, W) are pressed into it, as in every type of one width."""
    font = outline(22)
    natural = max(wide, round(font.getlength(char)) + bold)
    cell = Image.new("L", (natural, TALL), 255)
    draw = ImageDraw.Draw(cell)
    for shift in (0, 1) if bold else (0,):
        draw.text((natural / 2 + shift, TALL / 2), char, font=font, fill=0, anchor="mm")
    return cell.resize((wide, TALL)).point(lambda dot: 255 if dot > 128 else 0).convert("1")


def packed(image: Image.Image) -> list[bytes]:
    """Rows of dots, black is 1."""
    data, step = image.tobytes(), (image.width + 7) // 8
    return [bytes(byte ^ 0xFF for byte in data[at : at + step]) for at in range(0, len(data), step)]
