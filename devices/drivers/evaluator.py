"""The box with five buttons at a window: it asks after a visit, and a press becomes a rating. No press, no rating.

The box connects over TCP and talks in lines. It reads `idle`, `ask <ticket> <seconds>`, `thanks`, `sorry <why>`; it
writes a key and, if it likes, reasons: `4`, or `2 205 207`. Makers number their keys either way round (the best is 5
for one and 0 for another, even within one maker's kit), so `keys` says which level each key means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from devices.drivers import Ending, Hall, Job

log = structlog.get_logger()

LONGEST_LINE = 256  # bytes; a box has nothing longer to say
MOST_REASONS = 8


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`listen` is HOST:PORT; `keys` maps what the box sends to a level, 1 (very dissatisfied) to 5 (very satisfied)."""

    listen: str
    keys: dict[str, int] = msgspec.field(default_factory=lambda: {str(level): level for level in range(1, 6)})


@dataclass
class Question:
    """What stands on the box now."""

    job: Job
    pressed: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


class Evaluator:
    """One button box; the newest connection is the box, and without one the question simply goes unanswered."""

    caps = frozenset({"ask_rating"})

    def __init__(self, name: str, settings: Settings, hall: Hall) -> None:
        if not settings.keys or any(not 1 <= level <= 5 for level in settings.keys.values()):
            raise ValueError("keys must map to levels 1 to 5")
        self.name, self.settings, self.hall = name, settings, hall
        self.question: Question | None = None
        self._server: asyncio.Server | None = None
        self._box: asyncio.StreamWriter | None = None
        self._seen = False

    async def open(self) -> None:
        host, _, port = self.settings.listen.rpartition(":")
        self._server = await asyncio.start_server(self._serve, host, int(port), limit=LONGEST_LINE)

    async def close(self) -> None:
        if self._server:
            self._server.close()
        if self._box:
            self._box.close()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        """A box that was here and is gone is a fault; where none ever came, a pad in a browser may do its work."""
        return {"buttons": {"state": "ok" if self._box else "offline" if self._seen else "unknown"}}

    def configure(self, data: Mapping[str, Any]) -> None:
        """A button box has no settings of the hall's."""

    async def ready(self, job: Job) -> None:
        """A question can always be asked; acts come one after the other."""

    async def act(self, job: Job, waiting: int) -> Ending:
        """Asks for `seconds`, and ends early when the answer came and was taken."""
        self.question = Question(job)
        self._say(f"ask {job.data['ticket']} {job.data['seconds']}")
        try:
            async with asyncio.timeout(float(job.data["seconds"])):
                await self.question.pressed
            return Ending("done", detail={"rated": True})
        except TimeoutError:
            return Ending("done", detail={"rated": False})
        finally:
            self.question = None
            self._say("idle")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        old, self._box, self._seen = self._box, writer, True
        if old:
            old.close()
        self.hall.health_changed()
        self._say(self._greeting())
        try:
            while line := await reader.readline():
                await self._pressed(line.decode("ascii", "replace").split())
        except (ConnectionError, ValueError) as error:  # ValueError: a line beyond the limit
            log.warning("button box broke off", device=self.name, error=str(error))
        finally:
            writer.close()
            if self._box is writer:
                self._box = None
                self.hall.health_changed()

    def _greeting(self) -> str:
        return f"ask {self.question.job.data['ticket']} {self.question.job.data['seconds']}" if self.question else "idle"

    async def _pressed(self, words: list[str]) -> None:
        level = self.settings.keys.get(words[0]) if words else None
        question = self.question
        if level is None or question is None or question.pressed.done():
            return self._say("sorry no_question" if level else "sorry unknown_key")
        data = {"ticket_id": question.job.data["ticket_id"], "level": level, "reasons": words[1 : 1 + MOST_REASONS]}
        answer = await self.hall.press("rating", data)
        if answer.accepted and not question.pressed.done():
            question.pressed.set_result(None)
        return self._say("thanks" if answer.accepted else f"sorry {answer.code}")

    def _say(self, line: str) -> None:
        if self._box and not self._box.is_closing():
            self._box.write(f"{line}\n".encode())


def make(name: str, settings: Mapping[str, Any], hall: Hall) -> Evaluator:
    """The driver of one button box. ValueError or msgspec.ValidationError for settings that can't be used."""
    return Evaluator(name, msgspec.convert(settings, Settings), hall)
