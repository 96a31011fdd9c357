"""Which day is what: public holidays and make-up workdays as published, the hall's own days, and deadlines in working days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from queueing.db import Db
from queueing.halls import Hall

SATURDAY = 5
WARN_FROM_MONTH = 11  # the notice for a year comes out about early November of the year before (hall-rules E)


@dataclass(frozen=True, slots=True)
class Statutory:
    """A date the state named: a `holiday`, or a `make_up` day worked for one."""

    day: date
    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class HallDay:
    """What the hall decided for one date. `working`: whether deadlines count it; None leaves that to the state."""

    day: date
    day_type: str
    name: str | None = None
    working: bool | None = None


@dataclass(frozen=True, slots=True)
class Deadline:
    """The last day of a term. `provisional`: it rests on a year whose holidays are not published, and may move."""

    day: date
    provisional: bool


@dataclass(frozen=True, slots=True)
class Calendar:
    """All that is known of days: `published` years, dates the state named, and the hall's own word for single dates."""

    published: frozenset[int]
    statutory: Mapping[date, Statutory]
    own: Mapping[date, HallDay]

    def kind(self, day: date) -> str:
        """weekday, saturday, sunday, holiday, holiday_end (the last day of a holiday) or make_up."""
        named = self.statutory.get(day)
        if named is not None and named.kind == "make_up":
            return "make_up"
        if named is not None:
            after = self.statutory.get(day + timedelta(1))
            return "holiday" if after is not None and after.kind == "holiday" else "holiday_end"
        return {SATURDAY: "saturday", SATURDAY + 1: "sunday"}.get(day.weekday(), "weekday")

    def day_type(self, day: date) -> str:
        """The code of the day's type: the hall's own word, else its kind."""
        return self.own[day].day_type if day in self.own else self.kind(day)

    def name(self, day: date) -> str | None:
        """What the day is called, where it has a name: 国庆节, 三月三."""
        if day in self.own and self.own[day].name:
            return self.own[day].name
        return self.statutory[day].name if day in self.statutory else None

    def is_provisional(self, day: date) -> bool:
        """Whether the state has yet to say what this day is."""
        return day.year not in self.published

    def is_working(self, day: date) -> bool:
        """Whether deadlines count it (工作日): by the hall's own word, else by the state's."""
        own = self.own.get(day)
        return own.working if own is not None and own.working is not None else self.kind(day) in ("weekday", "make_up")

    def working_days_after(self, start: date, days: int) -> Deadline:
        """The `days`-th working day after `start`, which itself is not counted."""
        day, provisional, left = start, False, days
        while left > 0:
            day += timedelta(1)
            provisional = provisional or self.is_provisional(day)
            left -= self.is_working(day)
        return Deadline(day, provisional)

    def next_working_day(self, start: date) -> Deadline:
        """The first working day after `start`."""
        return self.working_days_after(start, 1)

    def awaited(self, today: date) -> int | None:
        """The year whose notice is due and not imported yet: next year's from November, this year's always."""
        return awaited(self.published, today)

    def questions(self, year: int) -> list[date]:
        """The Saturdays on which "open every Saturday" says nothing: inside a holiday, or worked as a make-up day.

        In 2026 these are 7 and 4 (hall-rules E); a hall that answered for a date is not asked again.
        """
        days = (date(year, 1, 1) + timedelta(n) for n in range(366))
        return [
            day for day in days
            if day.year == year and day.weekday() == SATURDAY and day in self.statutory and day not in self.own
        ]  # fmt: skip


def awaited(published: frozenset[int], today: date) -> int | None:
    """The year whose notice is due by `today` and not among those published."""
    due = [today.year, *([today.year + 1] if today.month >= WARN_FROM_MONTH else [])]
    return next((year for year in due if year not in published), None)


YEARS = "SELECT year FROM statutory_years WHERE published"


async def published_years(db: Db) -> frozenset[int]:
    """The years whose notice is in."""
    return frozenset(row["year"] for row in await db.fetch(YEARS))


STATUTORY = "SELECT day, kind, name FROM statutory_days"
OWN = "SELECT day, day_type, name, working FROM hall_days WHERE hall = $1"


async def calendar(db: Db, hall: Hall) -> Calendar:
    """The calendar of a hall: a few hundred rows, read whole."""
    return Calendar(
        await published_years(db),
        {row["day"]: Statutory(**row) for row in await db.fetch(STATUTORY)},
        {row["day"]: HallDay(**row) for row in await db.fetch(OWN, hall.id)},
    )
