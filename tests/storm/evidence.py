"""Everything the judges look at once the storm is over: the history, the tables, the boards, the paper and the voice."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.storm.history import Op


@dataclass(frozen=True)
class Fault:
    """What was broken, and from when to when (wall clock, seconds)."""

    name: str
    began: float
    ended: float


@dataclass(frozen=True)
class TicketRow:
    id: int
    key: str
    day: date
    day_by_rule: date
    number: str
    state: str


@dataclass(frozen=True)
class JournalRow:
    offset: int
    at: datetime
    kind: str
    ticket: int | None
    window: str | None
    data: dict[str, Any]


@dataclass(frozen=True)
class JobRow:
    id: int
    device: str
    kind: str
    key: str
    state: str
    expires: datetime
    template: str | None
    ticket: str | None


@dataclass(frozen=True)
class RatingRow:
    ticket: int
    key: str
    level: int


@dataclass(frozen=True)
class Seen:
    """One change on a board: an event it applied, or a snapshot it took (kind `snapshot`, ticket None)."""

    at: float
    epoch: str
    offset: int
    kind: str
    ticket: str | None = None
    window: str | None = None


@dataclass
class BoardRecord:
    """What one board showed, in order, and how it stood at the end beside a fresh snapshot."""

    name: str
    view: str
    seen: list[Seen] = field(default_factory=list)
    final: Any = None
    fresh: Any = None
    closes: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Said:
    """A sentence that sounded: by which speaker, for which job, when (wall clock, seconds)."""

    speaker: str
    job: int
    at: float


@dataclass(frozen=True)
class Probe:
    """Bytes thrown at the link or a stranger at the door: how it may end, and how it ended."""

    name: str
    allowed: tuple[str, ...]
    ended: str


@dataclass(frozen=True)
class Alone:
    """A ticket as the ledger of the dispenser has it that gave it out alone; `attempts` at its paper were begun."""

    device: str
    seq: int
    lease: str
    service: str
    number: int
    key: str
    settled: int
    printed: str
    attempts: int


@dataclass(frozen=True)
class Brought:
    """The same as the hall has it; `ticket` is None while it is disputed."""

    device: str
    seq: int
    lease: str
    number: int
    printed: str
    disputed: str | None
    key: str | None
    ticket: str | None
    inside: bool | None


@dataclass
class Evidence:
    """The whole case."""

    zone_of_window: dict[str, str] = field(default_factory=dict)
    ops: list[Op] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    tickets: list[TicketRow] = field(default_factory=list)
    journal: list[JournalRow] = field(default_factory=list)
    jobs: list[JobRow] = field(default_factory=list)
    persons: list[tuple[str, date, int]] = field(default_factory=list)  # a person's hash, the day, numbers taken
    ratings: list[RatingRow] = field(default_factory=list)
    boards: list[BoardRecord] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    tailed: list[int] = field(default_factory=list)
    probes: list[Probe] = field(default_factory=list)
    strangers: list[Probe] = field(default_factory=list)
    papers: list[str] = field(default_factory=list)  # the ticket key behind the QR code, for each whole paper
    tracebacks: list[str] = field(default_factory=list)
    paper_alarm_s: float | None = None
    alone: list[Alone] = field(default_factory=list)
    brought: list[Brought] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)  # numbers that a dispenser's own page has shown
    used_up: bool = False  # a lease was used up

    def acts(self, *names: str, outcome: str | None = None) -> Iterable[Op]:
        return [op for op in self.ops if op.act in names and outcome in (None, op.outcome)]

    def during(self, prefix: str, at: float, margin_s: float = 0.0) -> bool:
        """Was a fault of this family on, or just over, at this moment?"""
        return any(f.name.startswith(prefix) and f.began <= at <= f.ended + margin_s for f in self.faults)

    def faults_within(self, since: float, until: float) -> list[Fault]:
        """Those that were on at some time in between."""
        return [fault for fault in self.faults if fault.began <= until and since <= fault.ended]
