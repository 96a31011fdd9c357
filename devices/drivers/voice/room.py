"""Who may speak now: speakers that are heard in one room say the same sentence together or wait for each other.

A room lives in one program, so the loudspeakers of a zone belong on one agent. A sentence that several of them got is
one announcement: they say it in unison, in the same words, as long as they begin within the same moment; whoever comes
later waits until the room is quiet. What waits is said by rank, then in the order it came.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

UNISON_S = 0.3  # later than this the same words would be an echo


class Room:
    """One place where people hear; `turn` is entered for as long as something sounds."""

    def __init__(self) -> None:
        self._saying: str | None = None
        self._brief = False
        self._since = 0.0
        self._voices = 0
        self._line: list[tuple[int, int, str, asyncio.Future[None]]] = []
        self._order = count()

    @asynccontextmanager
    async def turn(self, key: str, rank: int, brief: bool) -> AsyncIterator[bool]:
        """Holds the room for `key`; gives whether to be brief, alike for all who say it. Cancelled, it leaves the line."""
        now = asyncio.get_running_loop().time()
        if self._saying is None:
            self._begin(key, brief)
        elif self._saying == key and now - self._since <= UNISON_S:
            self._voices += 1
        else:
            await self._wait(key, rank)
        try:
            yield self._brief
        finally:
            self._leave()

    async def _wait(self, key: str, rank: int) -> None:
        """Returns with one voice in the room."""
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((rank, next(self._order), key, place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # the turn had come in the same moment
                self._leave()
            raise

    def _begin(self, key: str, brief: bool) -> None:
        self._saying, self._brief, self._since = key, brief, asyncio.get_running_loop().time()
        self._voices += 1

    def _leave(self) -> None:
        """The last to leave lets the first in line in, and with it all who wait to say the same."""
        self._voices -= 1
        if self._voices:
            return
        self._saying = None
        waiting = [entry for entry in sorted(self._line, key=lambda entry: entry[:2]) if not entry[3].done()]
        self._line = [entry for entry in waiting if entry[2] != waiting[0][2]]
        for _, _, key, place in waiting:
            if key == waiting[0][2]:
                self._begin(key, brief=bool(self._line))
                place.set_result(None)


ROOMS: dict[str, Room] = {}


def room(name: str) -> Room:
    """The room of this name, the same for every speaker of this program."""
    return ROOMS.setdefault(name, Room())
