"""Strips on Onbon BX-5 and BX-6 control cards: the hall's words as text of a dynamic area, over TCP or a serial line.

A text counts as shown when the card has acknowledged its frame (A0 00). A refusal (A0 01, with its cause), silence or a broken
line is tried again, and after two in a row it is in the device's health as `refused`, `silent` or `offline`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import structlog

from devices.drivers import Hall
from devices.drivers.drawing.dots import CELL
from devices.drivers.strips import bx
from devices.drivers.strips.cable import Trouble, cable_to
from devices.drivers.strips.sign import Lang, Sign
from devices.drivers.strips.spelling import Charset, spell
from devices.drivers.strips.upkeep import Lines, Upkeep

log = structlog.get_logger()


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`card` is tcp://HOST[:5005] or serial:///dev/NAME; sizes in dots; `address` as set on the card.

    A screen of several `rows` shows the newest calls, one in each. No `colour` leaves the card its own.
    """

    card: str
    address: int = 1
    width: int = 128
    height: int = CELL
    rows: int = 1
    colour: bx.Colour | None = None
    lang: Lang = "zh-Hans"
    charset: Charset = "gb2312"
    card_type: int = bx.ANY_CARD
    baud: int = 57600
    timeout_s: float = 2.0
    log_frames: bool = False


class OnbonBx(Sign):
    """Keeps one card in step with its window (or zone)."""

    def __init__(self, name: str, settings: Settings, hall: Hall) -> None:
        if settings.rows < 1 or settings.height < CELL * settings.rows or settings.width < CELL:
            raise ValueError(f"a strip has at least {CELL} dots across, and {CELL} down for each row")
        if not 0 <= settings.address <= 0xFFFF or not 0 <= settings.card_type <= 0xFF:
            raise ValueError("an address has two bytes, a type of card has one")
        if settings.lang == "zh-Hant" and settings.charset == "gb2312":
            raise ValueError('zh-Hant is not in GB 2312: say charset = "gbk" for a card with such a font')
        super().__init__(settings.lang, settings.width, hall, settings.rows)
        self.name, self.settings = name, settings
        self.cable = cable_to(settings.card, settings.baud, settings.log_frames)
        self.upkeep = Upkeep(name, hall, self.cable, self.lines, self._put, self._ask)

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

    async def _put(self, lines: Lines, anew: bool) -> None:
        """Every row is an area of its own. Trouble."""
        row = self.settings.height // self.rows
        areas = [
            bx.Area(
                id=n,
                x=0,
                y=n * row,
                width=self.settings.width,
                height=row,
                text=line.text,
                way=bx.RUN if line.runs else bx.RISE if line.fresh else bx.STILL,
                colour=self.settings.colour,
            )
            for n, line in enumerate(lines)
        ]
        await self._tell(bx.show(areas, self.settings.charset, alone=anew), lambda data: data[:2] in (bx.ACK, bx.NAK))

    async def _ask(self) -> None:
        """Any answer will do: the card is there. Trouble."""
        await self._tell(bx.PING, lambda data: True)

    async def _tell(self, data: bytes, ours: Callable[[bytes], bool]) -> None:
        """Send it and wait for the answer to it, which `ours` knows. Trouble."""
        frames = bx.Frames()

        def answer(raw: bytes) -> bytes | None:
            for frame in frames.feed(raw):
                if isinstance(frame, bx.BadFrame):
                    log.warning("strip answered garbage", device=self.name, error=str(frame))
                elif frame.sender == self.settings.address and ours(frame.data):
                    return frame.data
            return None

        sent = bx.frame(self.settings.address, data, self.settings.card_type)
        said = await self.cable.talk(sent, answer, self.settings.timeout_s)
        if said is not None and said[:2] == bx.NAK:
            raise Trouble("refused", bx.cause(said))


def make(name: str, settings: Mapping[str, Any], hall: Hall) -> OnbonBx:
    """The driver of one card. ValueError or msgspec.ValidationError for settings that can't be used."""
    return OnbonBx(name, msgspec.convert(settings, Settings), hall)
