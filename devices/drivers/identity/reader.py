"""The card reader of a kiosk: somebody lays a card down, and its number goes to the hall once, to be forgotten here.

The number is held only for the moment of the press; neither it nor anything else of a card is written down, logged, or
kept to compare: whether a card is laid down anew is seen by the reader finding none in between.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from devices.drivers import Hall
from devices.drivers.buttons.cable import Cable
from devices.drivers.identity.frames import FIND, FOUND, GOOD, READ, SELECT, Answer, BadAnswer, read_number, request, take_answer

log = structlog.get_logger()

LOOK_S = 0.3  # between two looks for a card
ANSWER_S = 3.0  # a card's data takes about one
GOOD_FOR_S = 20.0  # a number the hall did not take by then is forgotten; the visitor lays the card down again


class CardReader:
    """One reader, on a line that comes back by itself."""

    def __init__(self, name: str, address: str, baud: int, hall: Hall) -> None:
        self.name, self.hall = name, hall
        self._cable = Cable(address, baud, self._hears, hall.health_changed)
        self._heard = bytearray()
        self._more = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._mute = False
        self.lying = False  # a card whose number went to the hall

    async def open(self) -> None:
        await self._cable.open()
        self._life = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._life:
            self._life.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._life
        await self._cable.close()

    @property
    def state(self) -> str:
        """ok, offline where the line is gone, or mute where nobody answers on it."""
        return "offline" if not self._cable.present else "mute" if self._mute else "ok"

    def _hears(self, data: bytes) -> None:
        self._heard += data
        self._more.set()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                found = self._cable.present and (await self._ask(FIND)).status == FOUND
                if found and not self.lying:
                    await self._read()
                self.lying = found
                self._is_mute(False)
            except TimeoutError:
                self._is_mute(self._cable.present)
            except BadAnswer as wrong:
                self.lying = False
                log.info("card not read", device=self.name, why=str(wrong))

    async def _read(self) -> None:
        """A card that just came: its number to the hall."""
        if (await self._ask(SELECT)).status != GOOD:
            raise BadAnswer("the card was gone")
        answer = await self._ask(READ)
        if answer.status != GOOD:
            raise BadAnswer("the card was gone")
        told = await self.hall.press("card", {"number": read_number(answer)}, within_s=GOOD_FOR_S)
        log.info("card", device=self.name, refused=told.code)

    async def _ask(self, command: bytes) -> Answer:
        """TimeoutError for a silent reader, BadAnswer."""
        self._heard.clear()
        self._cable.send(request(command))
        async with asyncio.timeout(ANSWER_S):
            while (answer := take_answer(self._heard)) is None:
                self._more.clear()
                await self._more.wait()
        return answer

    def _is_mute(self, mute: bool) -> None:
        if mute is not self._mute:
            self._mute = mute
            self.hall.health_changed()
