"""A job as the bytes that a printer gets: its paper in pieces, and the cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from PIL import Image

from devices.drivers.drawing.outing import lay_out_outing
from devices.drivers.drawing.receipt import lay_out_receipt
from devices.drivers.drawing.sheet import Sheet
from devices.drivers.drawing.ticket import Canvas, lay_out_test, lay_out_ticket
from devices.drivers.drawing.told_once import lay_out_slip
from devices.drivers.printing.slip import Slip

Cut = Literal["partial", "full", "none"]

# GS V 66 and GS V 65: the printer itself feeds as far as its knife needs. Without a knife five lines bring the last one
# past the tear bar.
CUTS: dict[Cut, bytes] = {"partial": b"\x1dV\x42\x00", "full": b"\x1dV\x41\x00", "none": b"\x1bd\x05"}

STRIP = 960  # dots high

TEMPLATES = {"slip": lay_out_slip, "receipt": lay_out_receipt, "visit": lay_out_outing}  # papers that are no ticket's


@dataclass(frozen=True)
class Style:
    """How one printer prints: dots across, picture or text, who draws the QR code, and how the paper is cut."""

    width: int
    mode: Literal["image", "text"] = "image"
    qr: Literal["image", "native"] = "image"
    cut: Cut = "partial"


def stream(kind: str, data: Mapping[str, Any], style: Style) -> list[bytes]:
    """The pieces of a `print` or `print_test` job, in order. KeyError, TypeError, ValueError for a job that is none."""
    native = style.qr == "native"
    canvas: Canvas = Slip(style.width, native) if style.mode == "text" else Sheet(style.width, native)
    lay_out = lay_out_test if kind == "print_test" else TEMPLATES.get(str(data.get("template")), lay_out_ticket)
    lay_out(canvas, data)
    pieces = [piece if isinstance(piece, bytes) else raster(piece) for piece in canvas.pieces()]
    return [*pieces, CUTS[style.cut]]


def raster(image: Image.Image) -> bytes:
    """GS v 0: a one-bit picture dot for dot, in strips that every printer's memory holds."""
    wide = (image.width + 7) // 8
    strips = []
    for top in range(0, image.height, STRIP):
        strip = image.crop((0, top, image.width, min(top + STRIP, image.height)))
        head = b"\x1dv0\x00" + wide.to_bytes(2, "little") + strip.height.to_bytes(2, "little")
        strips.append(head + strip.tobytes("raw", "1;I"))  # ink is 0 in the picture and 1 at the head
    return b"".join(strips)
