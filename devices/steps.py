"""What a device's link asks of the program around it, and what it asks of the device's own disk."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from devices import wire


class LinkState(StrEnum):
    """Where the link is (protocol section 11); PENDING is LIVE without a place in the hall."""

    PAIRED = "paired"
    DIALLING = "dialling"
    GREETING = "greeting"
    LIVE = "live"
    PENDING = "pending"
    WAITING = "waiting"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Report:
    """The last state of a job, as the ledger keeps it and the wire carries it."""

    job: str
    state: wire.JobState
    at: datetime
    detail: dict[str, Any] | None = None
    reason: str | None = None


class Ledger(Protocol):
    """What the device's disk knows about jobs. Both are asked on the loop and must be quick."""

    def last_report(self, job: str) -> Report | None:
        """The last state written for a job id, None for one never begun."""

    def begun(self) -> Sequence[str]:
        """Job ids started and not ended."""


@dataclass(frozen=True, slots=True)
class Send:
    """Write this text frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Dial:
    """Open the websocket; answer with `opened`, `refused` or `closed`."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Drop the socket; do not call `closed` for it."""

    why: str


@dataclass(frozen=True, slots=True)
class Show:
    """Show this whole board; nothing of it is spoken or flashes."""

    position: wire.Position
    board: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Apply:
    """Change the board by one event; `flash` when it is a call of this moment."""

    event: wire.Event
    flash: bool


@dataclass(frozen=True, slots=True)
class Stale:
    """Nothing was heard for 25 s: what is shown may be old."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """The hall is heard again."""


@dataclass(frozen=True, slots=True)
class Do:
    """A job never seen before, already reported as accepted: begin it, and `report` its states."""

    job: wire.Job


@dataclass(frozen=True, slots=True)
class Lend:
    """Numbers this device may give out alone: store them."""

    lease: wire.Lease


@dataclass(frozen=True, slots=True)
class Home:
    """The hall has every offline ticket up to `through` (None: as before): `bring` what it doesn't have."""

    through: int | None


@dataclass(frozen=True, slots=True)
class Configure:
    """Take over these settings."""

    rev: int
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keep:
    """Store this secret on disk beside the old one before the next step."""

    secret: str


@dataclass(frozen=True, slots=True)
class Answered:
    """The hall's answer to a press: `data`, or the error."""

    press: str
    data: dict[str, Any] | None
    error: wire.Error | None


@dataclass(frozen=True, slots=True)
class Moved:
    """The link is in another state; `why` is for the screen."""

    state: LinkState
    why: str = ""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Somebody should look at this device."""

    message: str


Step = Send | Dial | Hang | Show | Apply | Stale | Fresh | Do | Lend | Home | Configure | Keep | Answered | Moved | Alarm
