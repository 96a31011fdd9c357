"""The paper of a home visit that was asked for at a kiosk (上门服务): the number to quote, and where it is followed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from devices.drivers.drawing.ticket import Canvas
from devices.drivers.drawing.words import words


def lay_out_outing(sheet: Canvas, data: Mapping[str, Any]) -> None:
    """Only `number` is needed; what the job doesn't say isn't drawn. Nothing on it tells who asked, or opens the visit."""
    word = words(str(data.get("lang", "zh-Hans")))
    sheet.gap(14)
    if data.get("hall"):
        sheet.line(str(data["hall"]), 34, bold=True)
        sheet.gap(8)
    sheet.band(word["outing"], 44)
    sheet.gap(10)
    sheet.line(word["outing_number"], 30)
    sheet.line(str(data["number"]), 96, bold=True)
    sheet.gap(8)
    sheet.rule()
    sheet.gap(8)
    sheet.paragraph(word["outing_next"], 32)
    if data.get("url"):
        sheet.gap(8)
        sheet.code(str(data["url"]), word["outing_scan"], word["outing_scan_more"])
    sheet.gap(10)
    if data.get("at"):
        sheet.line(datetime.fromisoformat(str(data["at"])).strftime("%Y-%m-%d %H:%M"), 26)
    sheet.gap(10)
