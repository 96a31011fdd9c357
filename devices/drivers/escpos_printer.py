"""The ticket printer of a kiosk: it looks first, prints the paper as a picture or as text, and asks whether it came out.

A ticket goes: is there paper and a shut cover -> one stream of paper and cut -> an answer that the printer gives only
when everything before it is printed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import structlog
from usb.backend import IBackend

from devices.drivers import Ending, Hall, Job
from devices.drivers.identity.reader import CardReader
from devices.drivers.printing.lines import Gone, SerialSettings, one_way, open_line, read_address
from devices.drivers.printing.stream import Cut, Style, stream
from devices.drivers.printing.talk import CAN_PRINT, CLEAR_BUFFER, DONE_YET, Seen, State, Talk, Trust

log = structlog.get_logger()

STRIKES = 3  # unreadable or missing answers in a row before the state is more than a hiccup
AGAIN_S = 1.0  # between two looks at a printer that gave no good answer
HALF_TRUSTED_S = 3.0  # how long a printer whose answers are half true is given to say that the paper is out

T = TypeVar("T")


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`printer` is its address, `width` in dots, times in seconds; `status` says how far its answers can be believed.
    `card_reader` is where the kiosk's reader of identity cards hangs, if it has one."""

    printer: str
    width: int = 576
    mode: Literal["image", "text"] = "image"
    qr: Literal["image", "native"] = "image"
    cut: Cut = "partial"
    status: Trust = "full"
    near_end_sensor: bool = True
    card_reader: str | None = None
    card_baud: int = 115200
    baud: int = 9600
    flow: Literal["none", "xonxoff", "rtscts", "dsrdtr"] = "none"
    timeout_s: float = 10.0
    poll_s: float = 3.0


class EscposPrinter:
    """One printer; all talk with it happens on one thread, in turn, over a connection as short as the talk."""

    caps = frozenset({"print", "print_test"})

    def __init__(self, name: str, settings: Settings, hall: Hall, usb: IBackend | None = None) -> None:
        self.name, self.settings, self.hall = name, settings, hall
        if not 200 <= settings.width <= 832:
            raise ValueError("width must be the dots across the paper: 384 for 58 mm, 576 for 80 mm")
        self._place = read_address(settings.printer)
        self._serial, self._usb = SerialSettings(settings.baud, settings.flow), usb
        self._trust: Trust = "none" if one_way(self._place) else settings.status
        self._style = Style(settings.width, settings.mode, settings.qr, settings.cut)
        self.seen = Seen(State.UNKNOWN)  # what the hall is told
        self._latest = Seen(State.UNKNOWN)  # what the printer said last
        self._strikes = 0
        self.fw: str | None = None
        self._unnamed = self._trust == "full"  # whether it is still to be asked who it is
        reader = settings.card_reader
        self._cards = CardReader(name, reader, settings.card_baud, hall) if reader else None
        self._thread: ThreadPoolExecutor | None = None
        self._poll: asyncio.Task[None] | None = None
        self._looked = asyncio.Event()

    async def open(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"printer-{self.name}")
        await self._look()
        while 0 < self._strikes < STRIKES:  # its first word to the hall shall not be a guess
            await asyncio.sleep(AGAIN_S)
            await self._look()
        self._poll = asyncio.create_task(self._keep_looking())
        if self._cards:
            await self._cards.open()

    async def close(self) -> None:
        if self._cards:
            await self._cards.close()
        if self._poll:
            self._poll.cancel()
        if self._thread:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        printer = {"state": str(self.seen.state), **({"detail": self.seen.detail} if self.seen.detail else {})}
        return {"printer": printer, **({"cards": {"state": self._cards.state}} if self._cards else {})}

    def configure(self, data: Mapping[str, Any]) -> None:
        """A printer has no settings of the hall's; all words come with the job."""

    async def ready(self, job: Job) -> None:
        """Returns when there is paper and a shut cover, or when only printing can tell."""
        await self._look()
        while self._latest.state not in CAN_PRINT:
            self._looked.clear()
            await self._looked.wait()

    async def act(self, job: Job, waiting: int) -> Ending:
        ending = await self._on_thread(self._print, job)
        await self._look()
        return ending

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(min(self.settings.poll_s, AGAIN_S) if self._strikes else self.settings.poll_s)
            await self._look()

    async def _look(self) -> None:
        """Asks for the state; it counts as unreadable or gone only when three answers in a row were."""
        self._latest = seen = await self._on_thread(self._ask)
        unsure = seen.state in (State.UNKNOWN, State.OFFLINE)
        self._strikes = self._strikes + 1 if unsure else 0
        if seen != self.seen and (not unsure or self._strikes >= STRIKES):
            as_it_should = self._poll is None and seen.state is State.OK  # found well when it was opened: no news
            tell = log.debug if as_it_should else log.info
            tell("printer", device=self.name, was=str(self.seen.state), now=str(seen.state), detail=seen.detail)
            self.seen = seen
            self.hall.health_changed()
        self._looked.set()

    async def _on_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    @contextmanager
    def _talking(self) -> Iterator[Talk]:
        """A connection for one talk. Gone."""
        line = open_line(self._place, self._serial, self._usb)
        try:
            yield Talk(line, self._trust, self.settings.near_end_sensor)
        finally:
            line.close()

    def _ask(self) -> Seen:
        if one_way(self._place):  # opening it would be a paper of its own
            there = Path(self._place.path).parent.exists()
            return Seen(State.OK, "paper_not_watched") if there else Seen(State.OFFLINE)
        try:
            with self._talking() as talk:
                seen = talk.state()
                if self._unnamed and seen.state in (State.OK, State.PAPER_LOW):
                    self._unnamed, self.fw = False, talk.name()
                return seen
        except Gone:
            return Seen(State.OFFLINE)

    def _print(self, job: Job) -> Ending:
        pieces = stream(job.kind, job.data, self._style)
        sent = False
        try:
            with self._talking() as talk:
                state = talk.state().state
                if state not in CAN_PRINT:
                    return Ending("failed", str(state), {"paper": str(state)})
                talk.line.wait_at_most(self.settings.timeout_s)
                for piece in pieces:
                    sent = True
                    talk.line.send(piece)
                return self._confirm(talk)
        except Gone as error:
            log.warning("printer broke off", device=self.name, job=job.job, error=str(error))
            return Ending("uncertain" if sent else "failed", "offline")

    def _confirm(self, talk: Talk) -> Ending:
        """Waits for the answer behind the cut. An ended roll or open cover says for certain that the cut didn't come.

        A printer that is known not to answer (a file, a one-way cable) is taken at its word: were each of its papers
        `uncertain`, each would be printed again for ever."""
        unconfirmed = Ending("done", detail={"paper": "unconfirmed"})
        if self._trust == "none" or self.seen.state is State.UNKNOWN:
            return unconfirmed
        talk.line.send(DONE_YET)
        talk.line.wait_at_most(0.25)
        until = time.monotonic() + (self.settings.timeout_s if self._trust == "full" else HALF_TRUSTED_S)
        state = State.UNKNOWN
        while time.monotonic() < until:
            if talk.printed():
                return Ending("done", detail={"paper": "low" if talk.roll_low else "ok"})
            state = talk.state().state
            if state not in CAN_PRINT:
                talk.line.send(CLEAR_BUFFER)
                return Ending("failed", str(state), {"paper": str(state)})
        return Ending("uncertain", str(state)) if self._trust == "full" else unconfirmed


def make(name: str, settings: Mapping[str, Any], hall: Hall) -> EscposPrinter:
    """The driver of one printer. ValueError or msgspec.ValidationError for settings that can't be used."""
    return EscposPrinter(name, msgspec.convert(settings, Settings), hall)
