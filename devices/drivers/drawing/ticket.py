"""The paper a visitor takes away: the number before all else, then how long, where, and how to follow it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from PIL import Image

from devices.drivers.drawing.sheet import Sheet
from devices.drivers.drawing.words import wait_range, words


class Canvas(Protocol):
    """Paper that grows downwards, whether it is drawn dot by dot or set in the printer's own type. Sizes are dots of
    80 mm paper."""

    def gap(self, dots: float) -> None: ...

    def rule(self, *, thick: float = 2, inset: float = 8) -> None: ...

    def line(self, text: str, size: float, *, bold: bool = False) -> None: ...

    def paragraph(self, text: str, size: float) -> None: ...

    def band(self, text: str, size: float) -> None: ...

    def columns(self, pairs: list[tuple[str, str]]) -> None: ...

    def code(self, url: str, title: str, more: str) -> None: ...

    def pieces(self) -> list[bytes | Image.Image]: ...


def draw_ticket(data: Mapping[str, Any], across: int = 576) -> Image.Image:
    """The ticket of a `print` job (device-protocol 5) as a one-bit image `across` dots wide."""
    sheet = Sheet(across)
    lay_out_ticket(sheet, data)
    return sheet.cut()


def draw_test(data: Mapping[str, Any], across: int = 576) -> Image.Image:
    """The page of a `print_test` job as a one-bit image `across` dots wide."""
    sheet = Sheet(across)
    lay_out_test(sheet, data)
    return sheet.cut()


def lay_out_ticket(sheet: Canvas, data: Mapping[str, Any]) -> None:
    """Only `ticket` is needed; what the job doesn't say isn't drawn. A copy says REPRINT at both ends."""
    word = words(str(data.get("lang", "zh-Hans")))
    copy = _copy(data, word)
    if copy:
        sheet.band(copy, 38)
    _head(sheet, data, word)
    _figures(sheet, data, word)
    _where(sheet, data, word)
    if data.get("url"):
        sheet.gap(12)
        sheet.code(str(data["url"]), word["scan"], word["scan_more"])
    _foot(sheet, data, word)
    if copy:
        sheet.band(copy, 30)
    sheet.gap(8)


def lay_out_test(sheet: Canvas, data: Mapping[str, Any]) -> None:
    """Edges, sizes and a code, to be judged by eye."""
    word = words(str(data.get("lang", "zh-Hans")))
    sheet.rule(thick=4, inset=0)
    sheet.gap(16)
    sheet.line(word["test"], 64, bold=True)
    sheet.line("A001 B238 0123456789", 40)
    sheet.gap(8)
    sheet.code(str(data.get("url", "A001")), word["test"], word["test_more"])
    sheet.gap(16)
    if data.get("at"):
        sheet.line(_moment(data), 28)
    sheet.gap(8)
    sheet.rule(thick=4, inset=0)


def _copy(data: Mapping[str, Any], word: Mapping[str, str]) -> str | None:
    nth = int(data.get("copy") or 1)
    if data.get("template") != "reprint" and nth < 2:
        return None
    return word["copy"] + (f"  {word['nth'].format(n=nth)}" if nth > 1 else "")


def _head(sheet: Canvas, data: Mapping[str, Any], word: Mapping[str, str]) -> None:
    sheet.gap(14)
    if data.get("hall"):
        sheet.line(str(data["hall"]), 38, bold=True)
        sheet.gap(10)
    sheet.rule()
    sheet.gap(14)
    name = data.get("service_name") or data.get("service")
    if name:
        sheet.line(str(name), 44, bold=True)
    sheet.line(str(data["ticket"]), 224, bold=True)
    sheet.gap(8)


def _figures(sheet: Canvas, data: Mapping[str, Any], word: Mapping[str, str]) -> None:
    pairs = []
    if data.get("ahead") is not None:
        pairs.append((word["ahead"], word["people"].format(n=data["ahead"])))
    if "wait" in data:
        pairs.append((word["wait"], wait_range(data["wait"], word)))
    if pairs:
        sheet.rule(thick=1)
        sheet.gap(6)
        sheet.columns(pairs)
        sheet.gap(4)
        sheet.rule(thick=1)


def _where(sheet: Canvas, data: Mapping[str, Any], word: Mapping[str, str]) -> None:
    if data.get("where"):
        sheet.gap(12)
        sheet.paragraph(word["where"].format(where=data["where"]), 34)


def _foot(sheet: Canvas, data: Mapping[str, Any], word: Mapping[str, str]) -> None:
    sheet.gap(12)
    sheet.rule(thick=1)
    sheet.gap(8)
    if data.get("line"):
        sheet.paragraph(str(data["line"]), 26)
        sheet.gap(4)
    last = [_moment(data)] if data.get("at") else []
    if word["today"] not in str(data.get("line", "")):
        last.append(word["today"])
    if last:
        sheet.line("   ".join(last), 26)
    sheet.gap(10)


def _moment(data: Mapping[str, Any]) -> str:
    """The moment of the take as the visitor's wall clock shows it; `at` carries the hall's own offset from UTC."""
    return datetime.fromisoformat(str(data["at"])).strftime("%Y-%m-%d  %H:%M")
