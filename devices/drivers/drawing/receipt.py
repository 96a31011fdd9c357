"""The paper for what was only taken in (收件回执): its number, what it is about, when it is passed on and decided."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from devices.drivers.drawing.ticket import Canvas
from devices.drivers.drawing.words import words


def lay_out_receipt(sheet: Canvas, data: Mapping[str, Any]) -> None:
    """Only `receipt` is needed; what the job doesn't say isn't drawn. Nothing on it tells whose papers they are."""
    word = words(str(data.get("lang", "zh-Hans")))
    sheet.gap(14)
    if data.get("hall"):
        sheet.line(str(data["hall"]), 34, bold=True)
        sheet.gap(8)
    sheet.band(word["receipt"], 44)
    sheet.gap(10)
    sheet.line(str(data["receipt"]), 64, bold=True)
    for matter in data.get("what", ()):
        sheet.gap(8)
        sheet.paragraph(str(matter), 34)
    sheet.gap(8)
    sheet.rule()
    sheet.gap(8)
    for name in ("pass_on", "due"):
        if data.get(name):
            sheet.paragraph(word[f"receipt_{name}"].format(day=data[name]), 32)
    if data.get("url"):
        sheet.gap(8)
        sheet.code(str(data["url"]), word["receipt_scan"], word["receipt_scan_more"])
    sheet.gap(10)
    if data.get("at"):
        sheet.line(datetime.fromisoformat(str(data["at"])).strftime("%Y-%m-%d %H:%M"), 26)
    sheet.gap(10)
