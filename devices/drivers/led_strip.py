"""The strip of dots over a window, drawn: for the demo, and to see what a strip would say before one is bought.

It draws the strip's dots into `<out>/<name>.png` at their real number and tells its state in `<name>.json`:
{"device", "state", "text", "width", "height", "flash", "scrolls"}. A text that no shorter wording makes fit runs as an
animated PNG. The drivers that send the same words to a maker's control card stand beside this one in DRIVERS.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from devices.drivers import Hall
from devices.drivers.drawing.dots import CELL
from devices.drivers.strips.picture import Row, frames, keep
from devices.drivers.strips.sign import Lang, Line, Sign


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`out` is a folder; `width` and `height` in dots."""

    out: str
    width: int = 128
    height: int = CELL
    colour: Literal["red", "amber", "green"] = "red"
    lang: Lang = "zh-Hans"


class LedStrip(Sign):
    """Keeps the drawn strip in step with its window (or zone)."""

    def __init__(self, name: str, settings: Settings, hall: Hall) -> None:
        if settings.height < CELL or settings.width < CELL:
            raise ValueError(f"a strip has at least {CELL} by {CELL} dots")
        super().__init__(settings.lang, settings.width, hall)
        self.name, self.settings = name, settings
        self.folder = Path(settings.out)
        self._drawn: tuple[Line, str, bool] | None = None

    async def open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._changed()

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        return {"strip": {"state": "ok"}}

    def _changed(self) -> None:
        line = self.lines()[0]
        now = (line, self.state, self.flashing)
        if now == self._drawn:
            return
        self._drawn = now
        across, down = self.settings.width, self.settings.height
        row = Row(line.text, height=down, colour=self.settings.colour, runs=line.runs)
        state = {
            "device": self.name,
            "state": self.state,
            "text": line.text,
            "width": across,
            "height": down,
            "flash": self.flashing,
            "scrolls": line.runs,
        }
        keep(self.folder, self.name, frames([row], across, down), state)


def make(name: str, settings: Mapping[str, Any], hall: Hall) -> LedStrip:
    """The driver of one drawn strip. ValueError or msgspec.ValidationError for settings that can't be used."""
    return LedStrip(name, msgspec.convert(settings, Settings), hall)
