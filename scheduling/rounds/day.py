"""A day of the hall as a problem of rounds: what is asked for, promised and under way, and where each team can go on from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import msgspec

from queueing.db import Db
from queueing.halls import Hall
from scheduling import doorstep
from scheduling.doorstep import Visit as Asked
from scheduling.rounds.ground import LUNCH, MOVE, NOTICE, REACH, ROOM, centre_of, teams_out, travel_of
from scheduling.rounds.problem import Lunch, Problem, Team, Visit
from scheduling.rounds.travel import Point, minutes
from scheduling.teams import Team as Crew
from scheduling.teams import teams

CREDITED = 720  # minutes of head start from which leaving somebody out weighs twice
PLANNED = ("accepted", "scheduled")
UNDER_WAY = ("on_the_way", "on_site")


@dataclass(frozen=True, slots=True)
class Ready:
    """Where a team can go on from, when, and the visit it has in hand."""

    point: Point
    at: int
    visit: int | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """Everything of a day that is planned or made. Seconds of the problem count from `midnight`; `now` is one of them, or
    below zero on the day before. `nowhere`: visits without a point; `out`: which of all `crews` dropped out; `given`: the time
    that was told first, of visits a plan has moved since."""

    day: date
    midnight: datetime
    now: int
    crews: tuple[Crew, ...]
    out: frozenset[int]
    visits: Mapping[int, Asked]
    points: Mapping[int, Point]
    nowhere: tuple[int, ...]
    centre: Point
    ready: Mapping[int, Ready]
    problem: Problem
    given: Mapping[int, datetime] = field(default_factory=dict)

    def at(self, second: int) -> datetime:
        """The moment of a second of the day."""
        return self.midnight + timedelta(seconds=second)

    def second(self, moment: datetime) -> int:
        """The second of the day of a moment."""
        return round((moment - self.midnight).total_seconds())


NOW = "SELECT hall_now()"
GIVEN = "SELECT id, given FROM doorstep_visits WHERE hall = $1 AND day = $2 AND given IS NOT NULL AND state = 'scheduled'"


async def visits_of(db: Db, hall: Hall, day: date) -> dict[int, Asked]:
    """The visits that bear on a day: planned or made on it, or accepted and wanted then, at any time, or at times all over
    by then: somebody has to call those, and nowhere else would they be seen."""
    zone = ZoneInfo(hall.time_zone)
    known = await doorstep.find(db, hall, day=day, states=("scheduled", *UNDER_WAY, "completed"), limit=1000)
    waiting = await doorstep.find(db, hall, states=("accepted",), limit=1000)
    wanted = [it for it in waiting if bears_on(zone, day, it)]
    return {it.id: it for it in (*known, *wanted)}


def bears_on(zone: ZoneInfo, day: date, asked: Asked) -> bool:
    """Whether a visit without a time may be made on a day, or has outlived every time it was wanted at."""
    over = all(span["to"].astimezone(zone).date() < day for span in asked.preferred)
    return over or any(on_day(zone, day, span) for span in asked.preferred)


def on_day(zone: ZoneInfo, day: date, span: Mapping[str, datetime]) -> bool:
    """Whether a wanted time touches a day."""
    return span["from"].astimezone(zone).date() <= day <= span["to"].astimezone(zone).date()


async def day_of(db: Db, hall: Hall, day: date, visits: Mapping[int, Asked], points: Mapping[int, Point]) -> Day:
    """The day as it stands now. `visits` are those of `visits_of`, `points` where they are, as far as that is known."""
    midnight = datetime.combine(day, time(), ZoneInfo(hall.time_zone))
    now = round((await db.fetchval(NOW) - midnight).total_seconds())
    crews = tuple(sorted(await teams(db, hall, day), key=lambda it: it.id))
    out = await teams_out(db, hall, day)
    centre = await centre_of(db, hall, crews)
    travel = await travel_of(db, hall)
    given = {row["id"]: row["given"] for row in await db.fetch(GIVEN, hall.id, day)}
    bare = Day(day, midnight, now, crews, out, visits, points, (), centre, {}, Problem((), (), travel, centre), given)
    ready = {crew.id: ready_of(bare, crew) for crew in crews}
    asked = [it for it in visits.values() if it.state in PLANNED]
    going = [crew for crew in crews if crew.id not in out]
    problem = Problem(
        tuple(visit_of(bare, hall, it) for it in sorted(asked, key=asked_first) if it.id in points),
        tuple(team_of(bare, hall, crew, ready[crew.id]) for crew in going),
        travel, centre, hall.value(REACH) * 1000,
    )  # fmt: skip
    nowhere = tuple(it.id for it in asked if it.id not in points)
    return Day(day, midnight, now, crews, out, visits, points, nowhere, centre, ready, problem, given)


def asked_first(visit: Asked) -> tuple[datetime, int]:
    """The order in which requests are answered: as they were asked, less the head start of their reason."""
    return visit.asked_at - timedelta(minutes=visit.credit), visit.id


def visit_of(day: Day, hall: Hall, asked: Asked) -> Visit:
    """A visit that may be planned. One with a time keeps it: by `MOVE` minutes either way of what was told first, however often
    it is planned anew, and within `NOTICE` of it never sooner."""
    weight = 2 if asked.credit >= CREDITED else 1
    lasts = asked.minutes * 60
    plain = Visit(
        str(asked.id), day.points[asked.id], windows(day, asked, lasts), lasts, frozenset(asked.skills), frozenset(asked.kits),
        weight, asked=round(asked_first(asked)[0].timestamp()),
    )  # fmt: skip
    if asked.state != "scheduled" or asked.start is None:
        return plain
    start, move = day.second(asked.start), hall.value(MOVE) * 60
    told = day.second(day.given.get(asked.id, asked.start))
    soon = start - day.now <= hall.value(NOTICE) * 60
    span = (start if soon else min(start, told - move), max(start, told + move))
    home = next(((first, last) for first, last in plain.windows if first <= start <= last), span)
    span = (max(span[0], home[0]), min(span[1], home[1]))  # a time they asked for is not left by being moved
    stays = soon and asked.team is not None and asked.team not in day.out
    return msgspec.structs.replace(plain, windows=(span,), promised=True, only=str(asked.team) if stays else None, told=start)


def windows(day: Day, asked: Asked, lasts: int) -> tuple[tuple[int, int], ...]:
    """When a visit may begin on this day, so that it ends while somebody is at home; none named is any time."""
    if not asked.preferred:
        return ((0, 24 * 3600),)
    found = []
    for span in asked.preferred:
        first, last = day.second(span["from"]), day.second(span["to"])
        if last > 0 and first < 24 * 3600:
            found.append((max(0, first), max(first, last - lasts)))
    return tuple(sorted(found))


def team_of(day: Day, hall: Hall, crew: Crew, ready: Ready) -> Team:
    """A team from where and when it can go on."""
    made = sum(it.team == crew.id and it.state in (*UNDER_WAY, "completed") for it in day.visits.values())
    lunch = None
    if crew.lunch_from is not None and crew.lunch_to is not None:
        first, last = day.second(crew.lunch_from), day.second(crew.lunch_to)
        lasts = min(hall.value(LUNCH) * 60, last - first)
        lunch = Lunch(first, last - lasts, lasts) if ready.at <= last - lasts else None
    home = Point(crew.start_lat, crew.start_lon)
    return Team(
        str(crew.id), ready.point, home, ready.at, day.second(crew.ends), frozenset(crew.skills), frozenset(crew.kits),
        max(0, hall.value(ROOM) - made), lunch,
    )  # fmt: skip


def ready_of(day: Day, crew: Crew) -> Ready:
    """Where and when a team is free: after the visit it is on, where it was last, or at its start."""
    mine = [it for it in day.visits.values() if it.team == crew.id and it.id in day.points]
    home = Point(crew.start_lat, crew.start_lon)
    done = [it for it in mine if it.state == "completed" and it.ended_at is not None]
    last = max(done, key=lambda it: (it.ended_at, it.id), default=None)
    here = day.points[last.id] if last is not None else home
    hand = next((it for it in mine if it.state in UNDER_WAY), None)
    if hand is None:
        # Late for the next door by their own word: they set out for it that much later.
        coming = [
            day.second(it.expected_at) - day.problem.travel.way(here, day.points[it.id])[1] for it in mine
            if it.state == "scheduled" and it.expected_at is not None
        ]  # fmt: skip
        return Ready(here, minutes(max(day.second(crew.starts), day.now, min(coming, default=0))))
    point, lasts = day.points[hand.id], hand.minutes * 60
    if hand.state == "on_site" and hand.arrived_at is not None:
        there = day.second(hand.arrived_at)
    else:
        left = day.second(hand.departed_at) if hand.departed_at is not None else day.now
        said = day.second(hand.expected_at) if hand.expected_at is not None else 0  # by a team that runs late
        there = max(day.now, said, left + day.problem.travel.way(here, point)[1])
    return Ready(point, minutes(max(day.now, there + lasts)), hand.id)
