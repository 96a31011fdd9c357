"""A dispenser that goes on alone: when it may give out numbers itself, and how each of them gets its paper and gets home.

    ONLINE -lost-> OFFLINE -last number-> EXHAUSTED      OFFLINE, EXHAUSTED -welcome-> SYNCING -all brought home-> ONLINE

Lost means two missed beats, or a number that the hall's own page could not give.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

import structlog

from devices import wire
from devices.agent.boots import Instant
from devices.agent.numbers import Given, Held, Numbers
from devices.drivers import Ending, Job

log = structlog.get_logger()

BATCH = 200  # tickets brought home at a time: 40 KB of the 64 a frame may have
PATIENCE = timedelta(minutes=10)  # so long after the take a paper is still worth printing
ATTEMPTS = 5
OURS = "of_"  # jobs of our own: of_<attempt>_<seq>; the hall never hears of them


class Mode(StrEnum):
    """Where the dispenser is (protocol section 11)."""

    ONLINE = "online"
    SYNCING = "syncing"
    OFFLINE = "offline"
    EXHAUSTED = "exhausted"


AWAY = (Mode.OFFLINE, Mode.EXHAUSTED)


@dataclass
class Dispenser:
    """One dispenser's numbers and state. `patience_s` of silence is two beats.

    `do` puts a paper among the machine's jobs; its `expires` is by the machine's own clock.
    """

    name: str
    numbers: Numbers
    do: Callable[[Job], None]
    now: Callable[[], Instant]
    patience_s: float = 2 * wire.BEAT_S
    live: bool = False
    failed: bool = False
    mode: Mode = Mode.ONLINE
    ran_out: bool = False  # used up while the hall was away: it is told so when it is back
    _lost_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._lost_at = self.now().up

    # ---- what happens around it

    def moved(self, live: bool, silent_s: float = 0.0) -> None:
        """The link is live, or not; it was `silent_s` since the hall was heard."""
        if self.live and not live:
            self._lost_at = self.now().up - silent_s
        self.live = live
        self.look()

    def page_failed(self, failed: bool) -> None:
        """The hall's own page could not give a number, or answers again."""
        self.failed = failed
        self.look()

    def lend(self, lease: wire.Lease, offset: timedelta) -> None:
        self.numbers.keep(lease, self.now(), offset)
        self.look()

    def home(self, through: int | None) -> Sequence[wire.IssuedTicket]:
        """The hall has everything up to `through`; the next tickets it doesn't have."""
        if through is not None and through != self.numbers.through():
            self.numbers.brought(through, self.now())
        self.look()
        return self.numbers.unbrought(BATCH, self.now())

    def look(self) -> bool:
        """Be in the state that things are in; whether that is another one."""
        now, before = self.now(), (self.mode, self.ran_out)
        away = self.failed or (not self.live and now.up - self._lost_at >= self.patience_s)
        if away:
            self.mode = Mode.OFFLINE if self.numbers.held(now) else Mode.EXHAUSTED
            self.ran_out = self.ran_out or (self.mode is Mode.EXHAUSTED and bool(self.numbers.known()))
        elif self.live:
            self.mode = Mode.SYNCING if self.numbers.unbrought(1, now) else Mode.ONLINE
            self.ran_out = self.ran_out and not (self.mode is Mode.ONLINE and self.numbers.held(now))
        if before != (self.mode, self.ran_out):
            log.info("dispenser", device=self.name, was=str(before[0]), now=str(self.mode), ran_out=self.ran_out)
        return before != (self.mode, self.ran_out)

    def parts(self) -> dict[str, dict[str, str]]:
        return {"numbers": {"state": "exhausted" if self.ran_out else "ok"}}

    # ---- giving out

    def services(self) -> list[Held]:
        """What may be taken here now: one lease of each service; nothing while the hall gives the numbers."""
        self.look()
        first: dict[str, Held] = {}
        for held in self.numbers.held(self.now()) if self.mode is Mode.OFFLINE else ():
            first.setdefault(held.service, held)
        return list(first.values())

    def take(self, service: str, lang: str, press: str) -> Given | None:
        """Give out a number: on disk first, then on its way to the printer. None when there is none to give."""
        self.look()
        if self.mode is not Mode.OFFLINE:
            return None
        before = self.numbers.newest()
        given = self.numbers.issue(service, lang, press, self.now())
        if given is not None and given.seq > before:
            self.do(paper_of(given, 1))
            log.info("given out alone", device=self.name, seq=given.seq, number=given.printed)
        self.look()
        return given

    # ---- its paper

    def recover(self, last: Callable[[str], str | None]) -> None:
        """After a start: papers that were never begun are printed, those that may be out are printed again and marked.

        `last` tells how far a job came: None for one never begun.
        """
        for given in self.numbers.unsettled():
            states = [last(job_of(given.seq, attempt)) for attempt in range(1, ATTEMPTS + 1)]
            begun = [state for state in states if state is not None]
            if "done" in begun or self.too_late(given):
                self.numbers.settle(given.seq)
            elif len(begun) < ATTEMPTS:
                self.do(paper_of(given, len(begun) + 1))

    def printed(self, job: Job, ending: Ending) -> None:
        """One attempt is over. A paper that may not have come out is printed again, marked as a copy."""
        attempt, seq = read_job(job.job)
        given = self.numbers.given(seq)
        if given is None:
            return
        if ending.state == "done":
            self.numbers.settle(seq)
        elif attempt >= ATTEMPTS or self.too_late(given):
            log.error("alarm", device=self.name, message=f"{given.printed} has no paper: {ending.reason}")
            self.numbers.settle(seq)
        else:
            self.do(paper_of(given, attempt + 1))

    def too_late(self, given: Given) -> bool:
        return abs(self.now().wall - given.at) > PATIENCE


def job_of(seq: int, attempt: int) -> str:
    return f"{OURS}{attempt}_{seq}"


def read_job(job: str) -> tuple[int, int]:
    """Attempt and seq."""
    attempt, seq = job.removeprefix(OURS).split("_")
    return int(attempt), int(seq)


def paper_of(given: Given, attempt: int) -> Job:
    """The job of a paper; it waits for a new roll as long as anybody waits for it."""
    marked = {"template": "reprint", "copy": attempt} if attempt > 1 else {}
    data = {**given.data, **marked}
    return Job(job_of(given.seq, attempt), "print", f"offline:{given.seq}:{attempt}", given.at + PATIENCE, data)
