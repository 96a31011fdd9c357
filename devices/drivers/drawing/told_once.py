"""The paper that tells once what is missing (一次性告知单): a list to tick off at home, who said so, and how to come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from devices.drivers.drawing.ticket import Canvas
from devices.drivers.drawing.words import words


def lay_out_slip(sheet: Canvas, data: Mapping[str, Any]) -> None:
    """Only `lacking` and `code` are needed; what the job doesn't say isn't drawn."""
    word = words(str(data.get("lang", "zh-Hans")))
    sheet.gap(14)
    if data.get("hall"):
        sheet.line(str(data["hall"]), 34, bold=True)
        sheet.gap(8)
    sheet.band(word["slip"], 44)
    for matter in data.get("matters", ()):
        sheet.gap(8)
        sheet.paragraph(str(matter), 34)
    sheet.gap(10)
    sheet.line(word["slip_lacking"], 30, bold=True)
    sheet.gap(6)
    for number, lacking in enumerate(data["lacking"], start=1):
        sheet.paragraph(f"□ {number}. {lacking}", 34)
        sheet.gap(6)
    for line in str(data.get("note") or "").splitlines():
        sheet.paragraph(line, 30)
    if data.get("mistakes"):
        sheet.rule(thick=1)
        sheet.gap(8)
        sheet.line(word["slip_mistakes"], 28, bold=True)
        for mistake in data["mistakes"]:
            sheet.paragraph(f"· {mistake}", 28)
    sheet.gap(8)
    sheet.rule()
    sheet.gap(10)
    for line in word["slip_return"].format(until=data.get("until", "")).splitlines():
        sheet.paragraph(line, 30)
    sheet.line(_grouped(str(data["code"])), 64, bold=True)
    if data.get("url"):
        sheet.gap(8)
        sheet.code(str(data["url"]), word["slip_scan"], word["slip_scan_more"])
    sheet.gap(10)
    told = [word["slip_teller"].format(name=data["teller"])] if data.get("teller") else []
    if data.get("at"):
        told.append(datetime.fromisoformat(str(data["at"])).strftime("%Y-%m-%d %H:%M"))
    sheet.line("   ".join(told), 26)
    sheet.gap(10)


def _grouped(code: str) -> str:
    return f"{code[:4]} {code[4:]}" if len(code) == 8 else code
