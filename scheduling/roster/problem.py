"""A stretch of days to be staffed, as plain data: who there is, what shifts they can work, what each part of the day needs."""

from collections.abc import Mapping
from datetime import date
from itertools import pairwise

import msgspec


class Pattern(msgspec.Struct, frozen=True):
    """A way to work a day, in minutes after midnight of the hall's clock. `breaks` are taken away from the window.

    `rest` patterns that follow it the next day too early are named in `not_before`: their codes.
    """

    code: str
    begins: int
    ends: int
    breaks: tuple[tuple[int, int], ...] = ()
    not_before: tuple[str, ...] = ()

    def covers(self, begins: int, ends: int) -> bool:
        """Whether somebody on this shift is at a window from `begins` to `ends`."""
        inside = self.begins <= begins and ends <= self.ends
        return inside and all(ends <= away or back <= begins for away, back in self.breaks)

    @property
    def minutes(self) -> int:
        """How long it is without its breaks."""
        return self.ends - self.begins - sum(back - away for away, back in self.breaks)

    @property
    def edges(self) -> set[int]:
        """The minutes at which somebody comes or goes."""
        return {self.begins, self.ends, *(minute for pause in self.breaks for minute in pause)}


class Clerk(msgspec.Struct, frozen=True):
    """One who works at windows. `skills`: the zones this clerk can serve.

    `shifts` is the most of them a week, `stretch` the most days in a row; `run` how many days in a row were worked up to
    the day before the first. `rest_days` (days off worked: weekends and holidays) counts the last three months.
    """

    name: str
    skills: tuple[str, ...]
    shifts: int = 5
    stretch: int = 6
    run: int = 0
    rest_days: int = 0
    away: Mapping[date, str] = {}  # leave, training: the day and why
    wishes: Mapping[date, int] = {}  # points a day: above 0 would like it off, below 0 would like to work
    home: str | None = None  # the zone this clerk belongs to
    patterns: tuple[str, ...] | None = None  # the only shifts this clerk works; None: any
    hours: int | None = None  # a week at most, without breaks; None: the shifts alone bind
    follow: int = 0  # days in a row that are planned already from the day after the last
    last: str | None = None  # the pattern of the day before the first
    next: str | None = None  # and of the day after the last


class Need(msgspec.Struct, frozen=True):
    """`wanted` windows of a zone from `begins` to `ends` (minutes) on a day; below `least` the zone may not open."""

    day: date
    zone: str
    begins: int
    ends: int
    wanted: int
    least: int = 0


class Shift(msgspec.Struct, frozen=True, order=True):
    """Somebody works a pattern in a zone on a day."""

    day: date
    clerk: str
    pattern: str
    zone: str


class Problem(msgspec.Struct, frozen=True):
    """The days in order, and all that bears on them. `fixed` stays as it is; on `rest_days` nobody works by right.

    `closed`: who may not work on a day, by a hand that took them off it.
    """

    days: tuple[date, ...]
    rest_days: tuple[date, ...]
    patterns: tuple[Pattern, ...]
    clerks: tuple[Clerk, ...]
    needs: tuple[Need, ...]
    fixed: tuple[Shift, ...] = ()
    closed: tuple[tuple[date, str], ...] = ()
    allowed: Mapping[date, tuple[str, ...]] = {}  # the patterns of a day that is shorter than others


class Part(msgspec.Struct, frozen=True):
    """A part of a day in which nobody comes or goes, with what it needs there."""

    day: date
    zone: str
    begins: int
    ends: int
    wanted: int
    least: int


class Short(msgspec.Struct, frozen=True):
    """A part of a day with `missing` people fewer than wanted; `least` of them make it open with less than it must."""

    day: date
    zone: str
    begins: int
    ends: int
    missing: int
    least: int


class Plan(msgspec.Struct, frozen=True):
    """Who works when. `gap`: how far the plan can be from the best one there is (0.02 is 2 %); `seconds` it took.

    `status`: optimal, good (stopped with a plan in hand) or none.
    """

    status: str
    shifts: tuple[Shift, ...]
    short: tuple[Short, ...]
    gap: float | None
    seconds: float


def barred_by_rest(problem: Problem, clerk: Clerk, day: date) -> set[str]:
    """The patterns that what is worked before the first day or after the last leaves too little rest for."""
    barred: set[str] = set()
    for pattern in problem.patterns:
        if day == problem.days[0] and pattern.code == clerk.last:
            barred |= set(pattern.not_before)
        if day == problem.days[-1] and clerk.next in pattern.not_before:
            barred.add(pattern.code)
    return barred


def parts(problem: Problem) -> list[Part]:
    """The needs, cut where somebody comes or goes: within a part the strongest need counts, however many quarters it spans."""
    edges = sorted(set().union(*(pattern.edges for pattern in problem.patterns)))
    found: dict[tuple[date, str, int, int], tuple[int, int]] = {}
    for need in problem.needs:
        cuts = [need.begins, *(edge for edge in edges if need.begins < edge < need.ends), need.ends]
        for begins, ends in pairwise(cuts):
            first = max((edge for edge in edges if edge <= begins), default=begins)
            last = min((edge for edge in edges if edge >= ends), default=ends)
            wanted, least = found.get((need.day, need.zone, first, last), (0, 0))
            found[need.day, need.zone, first, last] = (max(wanted, need.wanted), max(least, need.least))
    return [Part(*key, *needed) for key, needed in sorted(found.items())]
