"""Plain serial strips (frame A: `AA addr BB 51 54 …`), one over each window or several stacked to a large screen.

The frame goes one way: the strip can't say whether it showed it, so its health is `unknown` while the line is open and
`offline` when it isn't. Each text is sent again once a minute, for a strip that was switched off and on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from devices.drivers import Hall
from devices.drivers.drawing.dots import CELL
from devices.drivers.strips import frame_a
from devices.drivers.strips.cable import cable_to
from devices.drivers.strips.sign import Lang, Sign
from devices.drivers.strips.spelling import Charset, spell
from devices.drivers.strips.upkeep import Lines, Upkeep


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`line` is serial:///dev/NAME, or tcp://HOST:PORT of a converter; `width` in dots.

    `strips` are the addresses from the top: one for a window's strip, several for a screen that moves up with each call.
    """

    line: str
    strips: list[int]
    width: int = 128
    lang: Lang = "zh-Hans"
    charset: Charset = "gbk"
    baud: int = 9600
    timeout_s: float = 2.0
    log_frames: bool = False


class LedSerial(Sign):
    """Keeps the strips of one window, or of one large screen, in step with the hall."""

    def __init__(self, name: str, settings: Settings, hall: Hall) -> None:
        if not settings.strips or not all(0 <= strip <= 0xFF for strip in settings.strips):
            raise ValueError("strips needs at least one address, each from 0 to 255")
        if settings.width < CELL:
            raise ValueError(f"a strip has at least {CELL} dots across")
        if settings.lang == "zh-Hant" and settings.charset == "gb2312":
            raise ValueError('zh-Hant is not in GB 2312: say charset = "gbk" for a strip with such a font')
        super().__init__(settings.lang, settings.width, hall, len(settings.strips))
        self.name, self.settings = name, settings
        self.cable = cable_to(settings.line, settings.baud, settings.log_frames)
        self.upkeep = Upkeep(name, hall, self.cable, self._plain, self._put, None)

    async def open(self) -> None:
        self.cable.hold()
        self.upkeep.start()

    async def close(self) -> None:
        await super().close()
        self.upkeep.stop()
        await self.cable.release()

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        return self.upkeep.parts()

    def spell(self, text: str) -> str:
        return spell(text, self.settings.charset)

    def _changed(self) -> None:
        self.upkeep.news()

    def _plain(self) -> Lines:
        """The frame knows no ways of coming in; a text wider than the strip runs by the strip's own doing."""
        return tuple(replace(line, fresh=False) for line in self.lines())

    async def _put(self, lines: Lines, anew: bool) -> None:
        """Tells each strip its row. Trouble."""
        for address, line in zip(self.settings.strips, lines, strict=True):
            text = line.text or " " * (self.settings.width // 8)  # an empty row is told so too, or it would keep the old text
            frame = frame_a.frame(address, text, self.settings.charset, of_screen=self.rows > 1)
            await self.cable.talk(frame, None, self.settings.timeout_s)


def make(name: str, settings: Mapping[str, Any], hall: Hall) -> LedSerial:
    """The driver of these strips. ValueError or msgspec.ValidationError for settings that can't be used."""
    return LedSerial(name, msgspec.convert(settings, Settings), hall)
