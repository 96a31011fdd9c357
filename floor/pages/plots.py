"""One machine's day as two small pictures, drawn here: its round trip with the times it was gone, and its paper."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from devices.health import Alarm
from devices.pulse import Sample
from floor.pages.wording import hours
from queueing.halls import Hall

WIDTH, HEIGHT = 960, 120
HOURS = 24
GAP = timedelta(minutes=2)  # samples further apart than this are not joined: nobody knows what was in between
PAPER = {"paper_low": "called", "paper_out": "fault", "cover_open": "fault", "offline": "fault"}
NICE = (5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 30_000, 60_000, 3_600_000)


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of the day: where it lies, its look, and its words for who points at it."""

    x: float
    width: float
    tone: str
    words: str


@dataclass(frozen=True, slots=True)
class Day:
    """The business day that is drawn, from its first hour; nothing is known before the machine was `paired` or after `now`."""

    hall: Hall
    begins: datetime
    paired: datetime | None
    now: datetime

    @property
    def came(self) -> float:
        """Where the machine's own day began."""
        return self.x(self.paired or self.now)

    @property
    def known(self) -> float:
        """How far the day has come."""
        return self.x(self.now)

    def x(self, at: datetime) -> float:
        part = (at - self.begins) / timedelta(hours=HOURS)
        return round(WIDTH * min(max(part, 0.0), 1.0), 1)

    def ticks(self) -> list[dict[str, Any]]:
        """The hours below the picture, every third."""
        at = [self.begins + timedelta(hours=n) for n in range(0, HOURS, 3)]
        return [{"x": self.x(moment), "word": hours(self.hall, moment)} for moment in at]

    def bands(self, alarms: Iterable[Alarm], tones: dict[str, tuple[str, str]]) -> list[Band]:
        """The stretches of these alarms; `tones` gives look and words of each state."""
        return [
            Band(self.x(alarm.since), max(2.0, self.x(alarm.cleared_at or self.now) - self.x(alarm.since)), tone,
                 f"{hours(self.hall, alarm.since)}–{hours(self.hall, alarm.cleared_at) if alarm.cleared_at else ''} {words}")
            for alarm in alarms for tone, words in (tones[alarm.state],)
        ]  # fmt: skip


def line(day: Day, samples: Sequence[Sample]) -> tuple[list[str], int]:
    """The round trip as lines that break where nothing is known, and the number of ms at their top."""
    measured = [(sample.at, sample.rtt_ms) for sample in samples if sample.rtt_ms is not None]
    top = next(nice for nice in NICE if nice >= max((ms for _, ms in measured), default=0.0))
    pieces: list[list[str]] = []
    before: datetime | None = None
    for at, ms in measured:
        if before is None or at - before > GAP:
            pieces.append([])
        pieces[-1].append(f"{day.x(at)},{round(HEIGHT - HEIGHT * ms / top, 1)}")
        before = at
    lone = [f"{float(piece[0].partition(',')[0]) + 1},{piece[0].partition(',')[2]}" for piece in pieces]  # a dot is a short line
    return [" ".join(piece if len(piece) > 1 else [*piece, end]) for piece, end in zip(pieces, lone, strict=True)], top
