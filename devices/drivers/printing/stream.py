"""A job as the bytes that a printer gets: its paper in pieces, and the cut."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from escpos.capabilities import Profile, get_profile
from escpos.printer import Dummy
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
    """GS v 0: a picture dot for dot."""
    profile = Profile()
    profile.profile_data = {**get_profile().profile_data, "media": {"width": {"pixels": image.width}}}
    printer = Dummy(profile=profile)
    printer.image(image)
    return bytes(printer.output)
