"""What the calendar says of the fortnight, written down by hand: the judges believe this and nothing the hall computes.

Monday 23 February to Sunday 8 March 2026, with the Sunday before it: the end of the Spring Festival, a make-up Saturday, a
plain Saturday, an overflowing Friday, a clerk off sick, an afternoon without power.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Shanghai")
SERVICES = ("A", "B")
SLOT, BOOKED_SLOT = timedelta(minutes=30), timedelta(minutes=15)


@dataclass(frozen=True)
class Session:
    """Doors open, the last ticket, doors shut; for all or for who has booked."""

    opens: time
    last: time
    closes: time
    booked: bool = False


@dataclass(frozen=True)
class Day:
    """A date, the kind of day it is, and what holds on it. `why`: what makes it worth playing."""

    day: date
    kind: str
    sessions: tuple[Session, ...] = ()
    services: tuple[str, ...] = SERVICES
    accept_only: bool = False
    clerks: tuple[str, ...] = ()
    why: str = ""

    @property
    def hours(self) -> str:
        told = [f"{it.opens:%H:%M}–{it.closes:%H:%M}{' booked' if it.booked else ''}" for it in self.sessions]
        return ", ".join(told) or "shut"

    def at(self, clock: time) -> datetime:
        return datetime.combine(self.day, clock, ZONE)

    def status(self, service: str, moment: datetime) -> str:
        """What a dispenser has to say of a service at a moment of this day."""
        if service not in self.services or not self.sessions or moment >= self.at(self.sessions[-1].closes):
            return "closed"
        now = next((it for it in self.sessions if moment < self.at(it.last)), None)
        if now is None:
            return "past_last_ticket"
        return "not_yet" if moment < self.at(now.opens) else "booking_only" if now.booked else "open"

    def times(self) -> list[datetime]:
        """When a booked place of a service may begin: each session in half hours, one for the booked alone in quarters."""
        found = []
        for session in self.sessions:
            start, length = self.at(session.opens), BOOKED_SLOT if session.booked else SLOT
            while start + length <= self.at(session.closes):
                found.append(start)
                start += length
        return found

    def may_take(self, service: str, moment: datetime) -> bool:
        return self.status(service, moment) == "open"

    def may_check_in(self, service: str, moment: datetime) -> bool:
        """Within half an hour before a session, until it closes."""
        early = timedelta(minutes=30)
        return service in self.services and any(self.at(it.opens) - early <= moment < self.at(it.closes) for it in self.sessions)


def session(hours: str) -> Session:
    """09:00 11:30 12:00, and `booked` behind it."""
    opens, last, closes, *booked = hours.split()
    return Session(time.fromisoformat(opens), time.fromisoformat(last), time.fromisoformat(closes), bool(booked))


def sessions(*hours: str) -> tuple[Session, ...]:
    return tuple(session(it) for it in hours)


# The kinds of day as the manager sets them up, and with how many windows at least.
WEEKDAY = sessions("08:00 08:30 09:00 booked", "09:00 11:30 12:00", "14:00 16:30 17:00")
KINDS: dict[str, tuple[tuple[Session, ...], Sequence[str], bool, bool, dict[str, int]]] = {
    # sessions, services, walk-in, accept only, windows at least
    "weekday": (WEEKDAY, SERVICES, True, False, {"A": 2, "B": 1}),
    "make_up": (WEEKDAY, SERVICES, True, False, {"A": 2, "B": 1}),
    "saturday": (sessions("09:00 11:30 12:00 booked"), ("A",), False, False, {"A": 2}),
    "sunday": (sessions("15:00 16:30 17:00 booked"), ("A",), False, True, {}),
    "holiday": ((), SERVICES, True, False, {}),
    "holiday_end": (sessions("15:00 16:30 17:00 booked"), SERVICES, False, True, {}),
    "special": (sessions("09:00 11:00 12:00"), SERVICES, True, False, {}),
}

TWO, ONE = ("clerk01", "clerk02", "clerk04"), ("clerk01", "clerk04")


def weekday(month: int, day: int, why: str = "", kind: str = "weekday", clerks: tuple[str, ...] = TWO) -> Day:
    return Day(date(2026, month, day), kind, WEEKDAY, clerks=clerks, why=why)


FORTNIGHT = (
    Day(date(2026, 2, 22), "holiday", why="Spring Festival"),
    Day(date(2026, 2, 23), "holiday_end", KINDS["holiday_end"][0], accept_only=True, clerks=ONE, why="last day of it"),
    weekday(2, 24, "clock put back an hour"),
    weekday(2, 25),
    weekday(2, 26, "clock put back over the roll"),
    weekday(2, 27),
    weekday(2, 28, "make-up Saturday", "make_up"),
    Day(date(2026, 3, 1), "sunday", KINDS["sunday"][0], ("A",), True, ("clerk01",), "clocks killed at night"),
    weekday(3, 2),
    weekday(3, 3),
    weekday(3, 4, "clerk02 off sick", clerks=("clerk01", "clerk03", "clerk04")),
    Day(date(2026, 3, 5), "special", KINDS["special"][0], clerks=TWO, why="power cut after noon"),
    weekday(3, 6, "overflowing Friday"),
    Day(date(2026, 3, 7), "saturday", KINDS["saturday"][0], ("A",), clerks=("clerk01", "clerk02"), why="plain Saturday"),
    Day(date(2026, 3, 8), "sunday", KINDS["sunday"][0], ("A",), True, ("clerk01",)),
)
SICK = date(2026, 3, 4)
OVERFLOW = date(2026, 3, 6)
POWER_CUT = date(2026, 3, 5)


def day_of(moment: datetime) -> Day:
    """The day of the fortnight a moment belongs to: it rolls at four."""
    local = (moment.astimezone(ZONE) - timedelta(hours=4)).date()
    return next(it for it in FORTNIGHT if it.day == local)
