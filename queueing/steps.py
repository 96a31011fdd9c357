"""A change that could help an overloaded floor, told without the play that weighs it: that one needs 17 MB of numbers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from queueing.changes import Change, Close, Extend, Move, Open, Serve, StopWalkIns

SOON_S = 1800.0  # whose waits are promised: all who wait, and all who come in the next half hour
SURE = 0.9  # share of the runs in which a change must help
IDLE = 0.7  # a window that works less than this share can help elsewhere
EXTEND_S = 1800.0


@dataclass(frozen=True, slots=True)
class Step:
    """A change for the sake of one service. `kind`: open, help, move, extend or stop; `services` are what `window` then serves,
    `before` what it served."""

    kind: str
    service: str
    window: str | None = None
    services: tuple[str, ...] = ()
    clerk: str | None = None
    from_window: str | None = None
    before: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What it is about, the same in every round: open:7:B."""
        return ":".join(part for part in (self.kind, self.from_window, self.window, self.service) if part)

    @property
    def change(self) -> Change:
        match self.kind:
            case "open" | "help":
                return Open(self.window or "", self.services, self.clerk)
            case "move":
                return Move(self.from_window or "", self.window or "", self.services)
            case "extend":
                return Extend(EXTEND_S)
            case _:
                return StopWalkIns(self.service)

    def undone(self, closes_s: Mapping[str, float]) -> tuple[Change, ...]:
        """What takes it back. `closes_s`: seconds until a service's door shuts, up to when it would give numbers again."""
        match self.kind:
            case "open":
                return (Close(self.window or ""),)
            case "help":
                return (Serve(self.window or "", self.before),)
            case "move":
                return (Close(self.window or ""), Open(self.from_window or "", self.before, self.clerk, 120.0))
            case "extend":
                return (Extend(-EXTEND_S),)
            case _:
                return (StopWalkIns(self.service, max(0.0, closes_s.get(self.service, 0.0))),)


@dataclass(frozen=True, slots=True)
class Place:
    """A window as it may be used: what it serves when nobody says otherwise, and in which zone it stands."""

    window: str
    zone: str
    serves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Hands:
    """Who may do what. `able`: for a window and a service the clerks who may serve it there, the best first; of a window with
    somebody, only them. `zones`: of each service; `closes_s`: seconds until its door shuts."""

    places: tuple[Place, ...]
    zones: Mapping[str, str]
    free: tuple[str, ...]
    able: Mapping[tuple[str, str], tuple[str, ...]]
    closes_s: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Effect:
    """The P90 wait of a service's people, seconds, with nothing changed and with the change. In nine of ten runs it is between
    `low_s` and `high_s`. Infinite: nobody serves them."""

    service: str
    people: float
    before_s: float
    after_s: float
    low_s: float
    high_s: float


@dataclass(frozen=True, slots=True)
class Worth:
    """What a step brings. `end_*`: seconds until the day's last visit ends, None where that is too far to tell. `sure`: the
    share of runs in which it helps."""

    step: Step
    effects: tuple[Effect, ...]
    gain_s: float
    harm_s: float
    sure: float
    end_before_s: float | None = None
    end_after_s: float | None = None
    rule: str | None = None

    def is_worth(self, least_s: float) -> bool:
        """Enough gain, in nearly every run, and nobody else pays half of it."""
        return self.gain_s >= least_s and self.sure >= SURE and self.harm_s <= self.gain_s / 2
