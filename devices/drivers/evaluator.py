"""The box with five buttons at a window: it asks after a visit, and a press becomes a rating. No press, no rating.

It hangs on a serial line or USB (`box`), or connects over TCP (`listen`). A box that talks in lines reads `idle`,
`ask <ticket> <seconds>`, `thanks`, `sorry <why>`; it writes a key and, if it likes, reasons: `4`, or `2 205 207`. One
that talks in bytes has keys written `0x…` and gets what `shows` says. Makers number their keys either way round (the best
is 5 for one and 0 for another, even within one maker's kit), so `keys` says which level each key means.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec
import structlog

from devices.drivers import Ending, Hall, Job
from devices.drivers.buttons.cable import Cable
from devices.drivers.buttons.frames import Frames, read_bytes

log = structlog.get_logger()

LONGEST_LINE = 256  # bytes; a box has nothing longer to say
MOST_REASONS = 8


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`listen` is HOST:PORT for a box that dials, `box` where one hangs that doesn't; `keys` maps what it sends to a level,
    1 (very dissatisfied) to 5 (very satisfied), `shows` what it is told to bytes."""

    listen: str | None = None
    box: str | None = None
    baud: int = 9600
    keys: dict[str, int] = msgspec.field(default_factory=lambda: {str(level): level for level in range(1, 6)})
    shows: dict[Literal["ask", "idle", "thanks", "sorry"], str] = msgspec.field(default_factory=dict)


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
        if (settings.listen is None) == (settings.box is None):
            raise ValueError("an evaluator has either listen, for a box that dials, or box, the line one hangs on")
        frames = {read_bytes(key): key for key in settings.keys if key.startswith("0x")}
        if frames and len(frames) < len(settings.keys):
            raise ValueError("either all keys are bytes (0x…) or none")
        self._frames = Frames(frames) if frames else None
        self._shows: dict[str, bytes] = {what: read_bytes(written) for what, written in settings.shows.items()}
        self._cable = Cable(settings.box, settings.baud, self._heard, self._came_or_went) if settings.box else None
        self._line = b""
        self._asking: set[asyncio.Task[None]] = set()
        self.name, self.settings, self.hall = name, settings, hall
        self.question: Question | None = None
        self._server: asyncio.Server | None = None
        self._box: asyncio.StreamWriter | None = None
        self._seen = False

    async def open(self) -> None:
        if self._cable:
            return await self._cable.open()
        host, _, port = str(self.settings.listen).rpartition(":")
        self._server = await asyncio.start_server(self._serve, host, int(port), limit=LONGEST_LINE)
        return None

    async def close(self) -> None:
        for asking in self._asking:
            asking.cancel()
        if self._cable:
            await self._cable.close()
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
        present = self._cable.present if self._cable else self._box is not None
        return {"buttons": {"state": "ok" if present else "offline" if self._seen or self._cable else "unknown"}}

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

    def _came_or_went(self) -> None:
        self.hall.health_changed()
        if self._cable and self._cable.present:
            self._say(self._greeting())

    def _heard(self, data: bytes) -> None:
        """Bytes of a box on a line: frames, or lines as over TCP."""
        if self._frames:
            for key in self._frames.feed(data, time.monotonic()):
                self._begin(self._pressed([key]))
            if self._frames.noise.strip(b"\0"):
                log.info("keys nobody mapped", device=self.name, bytes=self._frames.noise.hex(" "))
            return
        *lines, self._line = (self._line + data).replace(b"\r", b"\n").split(b"\n")
        self._line = self._line[-LONGEST_LINE:]
        for line in filter(None, lines):
            self._begin(self._pressed(line.decode("ascii", "replace").split()))

    def _begin(self, pressed: Coroutine[Any, Any, None]) -> None:
        asking = asyncio.get_running_loop().create_task(pressed)
        self._asking.add(asking)
        asking.add_done_callback(self._asking.discard)

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
        if self._cable:
            what = line.partition(" ")[0]
            self._cable.send(self._shows.get(what, b"") if self._frames else f"{line}\n".encode())
        elif self._box and not self._box.is_closing():
            self._box.write(f"{line}\n".encode())


def make(name: str, settings: Mapping[str, Any], hall: Hall) -> Evaluator:
    """The driver of one button box. ValueError or msgspec.ValidationError for settings that can't be used."""
    return Evaluator(name, msgspec.convert(settings, Settings), hall)
