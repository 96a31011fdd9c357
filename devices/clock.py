"""What time it is here, and how far that is from the hall's time."""

import mmap
import os
import struct
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

JUMP_S = 0.5  # more than a clock is slewed between two looks
WRONG_S = 2.0  # an offset beyond this is an alarm


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant on both clocks: `mono` seconds that only grow, `wall` the aware wall time, which may jump.

    `moved`: seconds by which a rehearsal has put on the wall clocks of the whole hall together.
    """

    mono: float
    wall: datetime
    moved: float = 0.0


SHIFT = struct.Struct("d")


def shared() -> mmap.mmap | None:
    """What the processes of a rehearsal share: the file HALL_CLOCK names, eight bytes of seconds. A real hall has none."""
    if not (path := os.environ.get("HALL_CLOCK")):
        return None
    with Path(path).open("rb") as file:
        return mmap.mmap(file.fileno(), SHIFT.size, access=mmap.ACCESS_READ)


_SHARED = shared()


def now() -> Moment:
    """This instant."""
    if _SHARED is None:
        return Moment(time.monotonic(), datetime.now(UTC))
    (moved,) = SHIFT.unpack_from(_SHARED)
    return Moment(time.monotonic(), datetime.now(UTC) + timedelta(seconds=moved), moved)


def is_rehearsed() -> bool:
    """Whether this process keeps the time of a rehearsal."""
    return _SHARED is not None


@dataclass(slots=True)
class ClockOffset:
    """The hall's time less mine: NTP arithmetic on four times, median of the last five measurements, in seconds."""

    _samples: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=5))
    _base: float | None = None  # my wall clock less the one that only grows, when it was looked at last

    def follow(self, now: Moment) -> None:
        """Notice a jump of my wall clock: what was measured before it is true again when it is moved along.

        Moved together with the hall's it is as far from it as before.
        """
        base = now.wall.timestamp() - now.moved - now.mono
        jump = base - self._base if self._base is not None else 0.0
        if abs(jump) > JUMP_S:
            self._samples = deque(((offset - jump, trip) for offset, trip in self._samples), maxlen=5)
        self._base = base

    def measure(self, sent: datetime, recv: datetime, answered: datetime, heard: datetime) -> None:
        """`sent` and `heard` are mine, `recv` and `answered` the hall's."""
        offset = ((recv - sent) + (answered - heard)).total_seconds() / 2
        trip = ((heard - sent) - (answered - recv)).total_seconds()
        self._samples.append((offset, max(trip, 0.0)))

    @property
    def seconds(self) -> float:
        """0 until something was measured."""
        return median(offset for offset, _ in self._samples) if self._samples else 0.0

    @property
    def trip_s(self) -> float:
        """The round trip, in seconds."""
        return median(trip for _, trip in self._samples) if self._samples else 0.0

    @property
    def wrong(self) -> bool:
        """Whether my clock is so far off that somebody should look at it."""
        return abs(self.seconds) > WRONG_S

    def corrected(self, wall: datetime) -> datetime:
        """The hall's time at my `wall`."""
        return wall + timedelta(seconds=self.seconds)
