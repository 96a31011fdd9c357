"""Brings what a strip should say to the strip, until it has it, and finds out when it has gone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

from devices.drivers import Hall
from devices.drivers.strips.cable import Cable, Trouble
from devices.drivers.strips.sign import Line

log = structlog.get_logger()

ASK_S = 3.0  # a strip that says nothing new is asked so often whether it is there: a dead one is told of within ten seconds
REPEAT_S = 60.0  # on a serial line nobody notices a strip that was switched off and on: it is told again
AGAIN_S = (0.2, 0.5, 1.0, 2.0, 5.0)  # after a failure; the last for ever
STRIKES = 2  # failures in a row before it is more than a hiccup

Lines = tuple[Line, ...]


class Upkeep:
    """`put(lines, anew)` brings the lines, `anew` when the strip may know nothing; `ask` is None for one that can't answer.

    Both raise Trouble. Only the newest lines are ever sent: a strip that was away catches up with one frame."""

    def __init__(
        self,
        name: str,
        hall: Hall,
        cable: Cable,
        lines: Callable[[], Lines],
        put: Callable[[Lines, bool], Awaitable[None]],
        ask: Callable[[], Awaitable[None]] | None,
    ) -> None:
        self.name, self.hall, self.cable = name, hall, cable
        self._lines, self._put, self._ask = lines, put, ask
        self.state = "unknown"
        self.detail: str | None = None
        self._news = asyncio.Event()
        self._shown: Lines | None = None
        self._shown_at, self._shown_on = 0.0, 0  # when, and by which connection
        self._strikes = 0
        self._life: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._life = asyncio.create_task(self._run())

    def stop(self) -> None:
        if self._life:
            self._life.cancel()

    def news(self) -> None:
        """The lines may read otherwise now."""
        self._news.set()

    async def _run(self) -> None:
        while True:
            self._news.clear()
            wait_s = await self._try()
            try:
                async with asyncio.timeout(wait_s):
                    await self._news.wait()
            except TimeoutError:
                continue

    async def _try(self) -> float:
        """Brings the strip up to date; how long it may then be left alone."""
        lines = self._lines()
        try:
            if self._ask and lines == self._shown and not self._forgotten():
                await self._ask()
            if lines != self._shown or self._forgotten():
                await self._put(lines, self._shown is None)
                self._shown, self._shown_at, self._shown_on = lines, time.monotonic(), self.cable.connections
        except Trouble as trouble:
            self._shown = None
            self._strikes += 1
            if self._strikes >= STRIKES:
                self._is(trouble.state, trouble.detail)
            return AGAIN_S[min(self._strikes, len(AGAIN_S)) - 1]
        self._strikes = 0
        self._is("ok" if self._ask else "unknown")  # one that can't answer is taken at its cable's word
        return ASK_S

    def _forgotten(self) -> bool:
        """Whether the strip may have lost its text: it was dialled anew, or nobody could have noticed if it had."""
        if self.cable.is_serial:
            return time.monotonic() >= self._shown_at + REPEAT_S
        return self._shown_on != self.cable.connections

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        return {"strip": {"state": self.state, **({"detail": self.detail} if self.detail else {})}}

    def _is(self, state: str, detail: str | None = None) -> None:
        if (state, detail) != (self.state, self.detail):
            tell = log.debug if (self.state, state) == ("unknown", "ok") else log.info  # found well: no news
            tell("strip", device=self.name, was=self.state, now=state, detail=detail)
            self.state, self.detail = state, detail
            self.hall.health_changed()
