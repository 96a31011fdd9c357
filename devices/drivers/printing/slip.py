"""A ticket as text the printer sets itself, Chinese in GB18030: a tenth of the bytes of a picture, for slow serial lines.

The printer's own letters are 12 dots wide, its Chinese ones 24; each may be magnified up to eight times. Latin goes as it
is, Chinese between FS & and FS . so that a printer whose Chinese mode is off by default reads it right. What a printer's
font lacks comes out as its own blank: the picture mode has no such gaps, and is the default.
"""

from __future__ import annotations

from PIL import Image

from devices.drivers.drawing.sheet import balance, qr
from devices.drivers.printing.codes import native_qr

CELL = 12  # dots across of one Latin letter
RESET, KANJI, PLAIN = b"\x1b@", b"\x1c&", b"\x1c."
LEFT, CENTRE = b"\x1ba\x00", b"\x1ba\x01"
WIDE_MARKS = str.maketrans({"–": "-", "—": "-", " ": " "})


class Slip:
    """Grows line by line; takes the same calls as a `Sheet`, in the same dots of 80 mm paper."""

    def __init__(self, across: int, native_codes: bool = False) -> None:
        self.across, self._native = across, native_codes
        self.columns_across = across // CELL
        self._out: list[bytes | Image.Image] = [RESET, CENTRE]

    def gap(self, dots: float) -> None:
        """Blank paper; the small gaps are in the printer's own line spacing already."""
        if dots > 8:
            self._out.append(b"\x1bJ" + bytes([min(255, round(dots))]))

    def rule(self, *, thick: float = 2, inset: float = 8) -> None:
        self._print(("-" if thick < 4 else "=") * self.columns_across)

    def line(self, text: str, size: float, *, bold: bool = False) -> None:
        """One centred line, as large as its `size` asks and the paper allows; broken where it can't be one."""
        times = _times(size)
        while times > 1 and cells(text) * times > self.columns_across - 2:
            times -= 1
        tall = min(2, _times(size)) if times == 1 else times
        for row in balance(text, cells, self.columns_across // times):
            self._print(row, times, tall, bold=bold)

    def paragraph(self, text: str, size: float) -> None:
        self.line(text, min(size, 34))

    def band(self, text: str, size: float) -> None:
        """White on black; a printer that can't still says the words, in large type."""
        times = 2 if cells(text) * 2 <= self.columns_across else 1
        room = self.columns_across // times
        self._out.append(b"\x1dB\x01")
        self._print(_centred(text, room), times, 2)
        self._out.append(b"\x1dB\x00")

    def columns(self, pairs: list[tuple[str, str]]) -> None:
        """Labels side by side, their figures below in large type."""
        room = self.columns_across // len(pairs)
        self._print("".join(_centred(label, room) for label, _ in pairs))
        fits = all(cells(figure) * 2 < room for _, figure in pairs)
        times = 2 if fits else 1
        self._print("".join(_centred(figure, room // times) for _, figure in pairs), times, 2, bold=True)

    def code(self, url: str, title: str, more: str) -> None:
        """A QR code with what it is for below it."""
        dots = round(196 * self.across / 576)
        self._out.append(native_qr(url, dots) if self._native else qr(url, dots).convert("1"))
        self.line(title, 38)
        for row in more.split("\n"):
            self.line(row, 25)

    def pieces(self) -> list[bytes | Image.Image]:
        """What goes to the printer, in order; bytes that follow each other as one piece."""
        whole: list[bytes | Image.Image] = []
        for piece in self._out:
            if isinstance(piece, bytes) and whole and isinstance(whole[-1], bytes):
                whole[-1] += piece
            else:
                whole.append(piece)
        return whole

    def _print(self, text: str, wide: int = 1, tall: int = 1, *, bold: bool = False) -> None:
        """One row. FS W says "twice as large" to printers whose Chinese letters know no GS !."""
        large = wide == tall == 2
        size = b"\x1d!" + bytes([(wide - 1) << 4 | tall - 1]) + (b"\x1cW\x01" if large else b"")
        back = b"\x1d!\x00" + (b"\x1cW\x00" if large else b"")
        weight = (b"\x1bE\x01", b"\x1bE\x00") if bold else (b"", b"")
        self._out.append(size + weight[0] + encode(text) + b"\n" + weight[1] + back)


def cells(text: str) -> int:
    """How many Latin letters wide a text is in the printer's own type."""
    return sum(1 if char.isascii() else 2 for char in text.translate(WIDE_MARKS))


def encode(text: str) -> bytes:
    """Latin as it is, everything else as GB18030 between FS & and FS . ; a control character would be a command."""
    out, chinese = bytearray(), False
    for char in text.translate(WIDE_MARKS):
        if char.isascii() is chinese:
            out += PLAIN if chinese else KANJI
            chinese = not chinese
        out += (char if char.isprintable() else " ").encode("gb18030")
    return bytes(out + PLAIN if chinese else out)


def _times(size: float) -> int:
    return 8 if size >= 150 else 2 if size >= 36 else 1


def _centred(text: str, room: int) -> str:
    left = max(0, room - cells(text)) // 2
    return " " * left + text + " " * max(0, room - cells(text) - left)
