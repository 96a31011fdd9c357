"""The ticket printer of a kiosk: it looks first, prints the paper as a picture, and asks whether it came out.

A ticket goes: is there paper and a shut cover -> one stream of picture and cut -> an answer that the printer gives only
when everything before it is printed. Status bytes are read by hand: python-escpos 3.1 calls an unreadable answer
"no paper" and no answer "plenty", and an alarm must mean something.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec
import structlog
from escpos.capabilities import Profile, get_profile
from escpos.exceptions import DeviceNotFoundError
from escpos.exceptions import Error as EscposError
from escpos.printer import File, Network

from devices.drivers import Ending, Hall, Job
from devices.drivers.drawing.ticket import draw_test, draw_ticket

log = structlog.get_logger()

LOOK_S = 1.0  # how long a printer may take to be reached, and for one answer about its state
STRIKES = 3  # unreadable or missing answers in a row before the state is more than a hiccup
CLEAR_BUFFER = b"\x10\x05\x02"  # DLE ENQ 2: forget what is half printed, so that it doesn't come out later unmarked
DONE_YET = b"\x1dr\x01"  # GS r 1: answered in its turn, after the cut before it
GONE = (OSError, DeviceNotFoundError)


T = TypeVar("T")


class State(StrEnum):
    """What a printer can be, as the hall words it."""

    OK = "ok"
    PAPER_LOW = "paper_low"
    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


CAN_PRINT = frozenset({State.OK, State.PAPER_LOW, State.UNKNOWN})


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`printer` is tcp://HOST:PORT or file:///PATH; `width` in dots; times in seconds."""

    printer: str
    width: int = 576
    timeout_s: float = 10.0
    poll_s: float = 3.0


class Silent(Exception):
    """The printer said nothing, or something no printer says."""


class EscposPrinter:
    """One printer; all talk with it happens on one thread, in turn, over a connection as short as the talk."""

    caps = frozenset({"print", "print_test"})

    def __init__(self, name: str, settings: Settings, hall: Hall) -> None:
        self.name, self.settings, self.hall = name, settings, hall
        self._place = urlsplit(settings.printer)
        if self._place.scheme not in ("tcp", "file"):
            raise ValueError(f"printer must be tcp://HOST:PORT or file:///PATH, not {settings.printer}")
        self._profile = Profile()
        self._profile.profile_data = {**get_profile().profile_data, "media": {"width": {"pixels": settings.width}}}
        self.state = State.UNKNOWN  # what the hall is told
        self._seen = State.UNKNOWN  # what the printer said last
        self._strikes = 0
        self._thread: ThreadPoolExecutor | None = None
        self._poll: asyncio.Task[None] | None = None
        self._looked = asyncio.Event()

    async def open(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"printer-{self.name}")
        await self._look()
        self._poll = asyncio.create_task(self._keep_looking())

    async def close(self) -> None:
        if self._poll:
            self._poll.cancel()
        if self._thread:
            self._thread.shutdown(wait=False, cancel_futures=True)

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        return {"printer": {"state": str(self.state)}}

    def configure(self, data: Mapping[str, Any]) -> None:
        """A printer has no settings of the hall's; all words come with the job."""

    async def ready(self, job: Job) -> None:
        """Returns when there is paper and a shut cover, or when only printing can tell."""
        await self._look()
        while self._seen not in CAN_PRINT:
            self._looked.clear()
            await self._looked.wait()

    async def act(self, job: Job, waiting: int) -> Ending:
        ending = await self._on_thread(self._print, job)
        await self._look()
        return ending

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(min(self.settings.poll_s, 1.0) if self._strikes else self.settings.poll_s)
            await self._look()

    async def _look(self) -> None:
        """Asks for the state; it counts as unreadable or gone only when three answers in a row were."""
        self._seen = seen = await self._on_thread(self._ask)
        unsure = seen in (State.UNKNOWN, State.OFFLINE)
        self._strikes = self._strikes + 1 if unsure else 0
        if seen is not self.state and (not unsure or self._strikes >= STRIKES):
            as_it_should = self._poll is None and seen is State.OK  # found well when it was opened: no news
            tell = log.debug if as_it_should else log.info
            tell("printer", device=self.name, was=str(self.state), now=str(seen))
            self.state = seen
            self.hall.health_changed()
        self._looked.set()

    async def _on_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    @contextmanager
    def _connected(self) -> Iterator[Network | File]:
        """A connection for one talk. OSError, DeviceNotFoundError."""
        printer = (
            Network(self._place.hostname, self._place.port or 9100, timeout=LOOK_S, profile=self._profile)
            if self._place.scheme == "tcp"
            else File(self._place.path, auto_flush=True, profile=self._profile)
        )
        printer.open()
        try:
            yield printer
        finally:
            printer.close()

    def _ask(self) -> State:
        if self._place.scheme == "file":
            return State.OK if Path(self._place.path).parent.exists() else State.OFFLINE
        try:
            with self._connected() as printer:
                return self._read_state(Talk(printer))
        except GONE:
            return State.OFFLINE

    def _read_state(self, talk: Talk) -> State:
        """DLE EOT 1, and 2 and 4 for the reason; UNKNOWN for an answer no printer gives, or none. OSError."""
        if isinstance(talk.printer, File):
            return State.OK
        try:
            online, why, paper = not talk.ask(1) & 0x08, talk.ask(2), talk.ask(4)
        except Silent:
            return State.UNKNOWN
        if why & 0x04:
            return State.COVER_OPEN
        if paper & 0x60 or why & 0x20:
            return State.PAPER_OUT
        if not online:
            return State.OFFLINE
        return State.PAPER_LOW if paper & 0x0C else State.OK

    def _print(self, job: Job) -> Ending:
        draw = draw_test if job.kind == "print_test" else draw_ticket
        image = draw(job.data, self.settings.width)
        sent = False
        try:
            with self._connected() as printer:
                talk = Talk(printer)
                state = self._read_state(talk)
                if state not in CAN_PRINT:
                    return Ending("failed", str(state), {"paper": str(state)})
                sent = True
                talk.wait_at_most(self.settings.timeout_s)
                printer.image(image)
                printer.cut(feed=False)  # GS V 66: the printer itself feeds as far as its knife needs
                return self._confirm(talk)
        except (*GONE, EscposError) as error:
            log.warning("printer broke off", device=self.name, job=job.job, error=str(error))
            return Ending("uncertain" if sent else "failed", "offline")

    def _confirm(self, talk: Talk) -> Ending:
        """Waits for the answer behind the cut. An ended roll or open cover says for certain that the cut didn't come.

        A printer that is known not to answer (a file, a one-way cable) is taken at its word: were each of its papers
        `uncertain`, each would be printed again for ever."""
        if isinstance(talk.printer, File) or self.state is State.UNKNOWN:
            return Ending("done", detail={"paper": "unconfirmed"})
        talk.tell(DONE_YET)
        talk.wait_at_most(0.25)
        until = time.monotonic() + self.settings.timeout_s
        state = State.UNKNOWN
        while time.monotonic() < until:
            if talk.printed():
                return Ending("done", detail={"paper": "low" if talk.roll_low else "ok"})
            state = self._read_state(talk)
            if state not in CAN_PRINT:
                talk.tell(CLEAR_BUFFER)
                return Ending("failed", str(state), {"paper": str(state)})
        return Ending("uncertain", str(state))


class Talk:
    """One connection's questions and answers. The two kinds of answer differ in their fixed bits: a DLE EOT answer is
    0xx1xx10, a GS r answer 0xx0xxxx; so one that comes while the other is awaited isn't mistaken for it."""

    def __init__(self, printer: Network | File) -> None:
        self.printer = printer
        self._in_order: int | None = None

    def tell(self, command: bytes) -> None:
        self.printer._raw(command)

    def wait_at_most(self, seconds: float) -> None:
        """How long any one answer may take from now on, or the sending of one command."""
        if isinstance(self.printer, Network):
            self.printer.device.settimeout(seconds)

    def ask(self, n: int) -> int:
        """The byte that answers DLE EOT `n`. Silent when none or an impossible one came, OSError."""
        try:
            said = self._sort(self.printer.query_status(bytes((0x10, 0x04, n))))
            while said is None:
                said = self._sort(self.printer._read())
        except TimeoutError as error:
            raise Silent from error
        return said

    def printed(self) -> bool:
        """Whether the answer to GS r has come, waiting for it once. OSError."""
        if self._in_order is None:
            with suppress(TimeoutError, Silent):  # no answer yet, or noise: the caller asks for the state next
                self._sort(self.printer._read())
        return self._in_order is not None

    @property
    def roll_low(self) -> bool:
        return bool(self._in_order and self._in_order & 0x03)

    def _sort(self, said: bytes) -> int | None:
        """Puts each byte where it belongs; the last DLE EOT answer is returned. Silent, ConnectionError."""
        if not said:
            raise ConnectionAbortedError("the printer hung up")
        found = None
        for byte in said:
            if byte & 0x93 == 0x12:
                found = byte
            elif not byte & 0x90:
                self._in_order = byte
            else:
                raise Silent
        return found


def make(name: str, settings: Mapping[str, Any], hall: Hall) -> EscposPrinter:
    """The driver of one printer. ValueError or msgspec.ValidationError for settings that can't be used."""
    return EscposPrinter(name, msgspec.convert(settings, Settings), hall)
