"""Acts on a day's rounds: look for them, take a plan or leave it, take it back; teams of the day."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from starlette.requests import Request

from floor import doorstep_words as telling
from floor.acts.doorstep import envelopes_of, find, on_visit
from floor.acts.ground import hall_of, pressed, ring
from floor.database import Db, acquire
from floor.rounds import look_for, seen_day
from floor.signin import require
from queueing.errors import BadInput
from queueing.halls import Hall
from scheduling import doorstep, teams
from scheduling.doorstep import Done
from scheduling.rounds import ground, store
from scheduling.rounds.travel import Measured, Point

DECIDES = ("manager", "leader")


async def _dispatcher(request: Request, hall_code: str) -> tuple[Hall, str]:
    hall = await hall_of(request, hall_code)
    return hall, (await require(request, *DECIDES, hall=hall.id)).actor


async def start(request: Request, hall_code: str, day: date, *, cause: str = "asked") -> None:
    """Begin to look for a day's rounds; they are proposed once they are found. RoundsSought while another run looks."""
    hall, actor = await _dispatcher(request, hall_code)
    state = request.app.state
    async with acquire(state.pool) as db:
        seen = await seen_day(db, hall, day, envelopes_of(request), state.places, actor=actor)
        number = await store.begin(db, hall, day, cause, actor=actor)
    task = asyncio.create_task(look_for(state.pool, state.doorbell, hall, number, seen))
    state.tasks.add(task)
    task.add_done_callback(state.tasks.discard)


async def stop(request: Request, hall_code: str, day: date) -> None:
    """Let the run that looks for this day's rounds end without a plan."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await store.stop(db, hall, day, actor=actor)


async def take(request: Request, hall_code: str, number: int) -> None:
    """Do what a plan says, and tell everybody whose time it set or changed. PlanOvertaken."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await store.take(db, hall, number, actor=actor)
        await tell(
            db, hall, {stop.visit: stop.was_start for stop in await store.stops(db, number) if stop.start != stop.was_start}
        )
    ring(request, hall.id)


async def take_back(request: Request, hall_code: str, number: int) -> None:
    """Let all stand as before the plan, and tell everybody whose time that changes again. PlanOvertaken."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await store.take_back(db, hall, number, actor=actor)
        moved = [stop for stop in await store.stops(db, number) if stop.start != stop.was_start]
        await tell(db, hall, {stop.visit: stop.start for stop in moved})
    ring(request, hall.id)


async def tell(db: Db, hall: Hall, before: Mapping[int, datetime | None]) -> None:
    """Owe each of these visits word of the time it has now, or that the one it had `before` is no more."""
    for number, was in before.items():
        visit = await doorstep.by_number(db, hall, number)
        if visit.state == "scheduled":
            await telling.tell(db, hall, visit)
        elif visit.state == "accepted" and was is not None:
            await telling.tell_open(db, hall, visit, was)


async def unschedule(request: Request, key: str, *, press: str | None = None) -> None:
    """Take one visit out of the plan: it waits for another time. VisitIs."""
    hall, before = await find(request, key)
    actor = (await require(request, *DECIDES, hall=hall.id)).actor
    once_only = pressed(request, actor, press, ())

    async def act(db: Db) -> Done:
        done = await doorstep.unschedule(db, hall, key, actor=actor, press=once_only)
        if not done.replayed:
            await tell(db, hall, {before.id: before.start})
        return done

    await on_visit(request, hall, act, silent=True)


async def refuse(request: Request, hall_code: str, number: int) -> None:
    """Leave the day as it is."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await store.refuse(db, hall, number, actor=actor)


async def drop_out(request: Request, hall_code: str, day: date, team: int) -> None:
    """A team can't go on: look at once for who takes over what it had."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await ground.drop_out(db, hall, team, actor=actor)
    ring(request, hall.id)
    await start(request, hall_code, day, cause="team")


async def come_back(request: Request, hall_code: str, team: int) -> None:
    """A team goes out again."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await ground.come_back(db, hall, team, actor=actor)
    ring(request, hall.id)


@dataclass(frozen=True, slots=True)
class Crew:
    """A team as somebody typed it; times of day like 08:30. No skill named: all that either of the two can do."""

    name: str
    members: tuple[str, str]
    hours: tuple[str, str]
    lunch: tuple[str, str] | None
    skills: Sequence[str] = ()
    kits: Sequence[str] = ()


async def save_team(request: Request, hall_code: str, day: date, typed: Crew, number: int | None = None) -> None:
    """Put two people together for a day, or change the team of this number. BadInput, BadTeam."""
    hall, actor = await _dispatcher(request, hall_code)
    begins, ends = (moment(hall, day, word, field) for word, field in zip(typed.hours, ("starts", "ends"), strict=True))
    pause = None if typed.lunch is None else tuple(moment(hall, day, word, "lunch_from") for word in typed.lunch)
    async with acquire(request.app.state.pool) as db:
        before = await teams.team(db, hall, number) if number is not None else None
        start = (before.start_lat, before.start_lon) if before is not None else lat_lon(await ground.centre_of(db, hall))
        known = list(typed.skills) or await ground.skills_of(db, hall, typed.members, day)
        await teams.save_team(
            db, hall, day, typed.name, typed.members, skills=known, kits=typed.kits, starts=begins, ends=ends, start=start,
            lunch=(pause[0], pause[1]) if pause is not None else None, number=number, actor=actor,
        )  # fmt: skip
    ring(request, hall.id)


def lat_lon(point: Point) -> tuple[float, float]:
    return point.lat, point.lon


async def drop_team(request: Request, hall_code: str, team: int) -> None:
    """Take a team away that goes to nobody. BadTeam."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await teams.drop_team(db, hall, team, actor=actor)
    ring(request, hall.id)


async def set_place(request: Request, hall_code: str, lat: float, lon: float) -> None:
    """Say where the hall stands, in WGS 84 degrees. BadInput."""
    hall, _ = await _dispatcher(request, hall_code)
    for field, value, most in (("lat", lat, 90), ("lon", lon, 180)):
        if not -most <= value <= most:
            raise BadInput(field=field, message="degrees of latitude and longitude")
    async with acquire(request.app.state.pool) as db:
        await ground.set_place(db, hall, lat, lon)


async def set_ways(request: Request, hall_code: str, lines: str) -> None:
    """What was measured between areas, a line for each way: from, to, kilometres, minutes. BadInput."""
    hall, _ = await _dispatcher(request, hall_code)
    ways = {}
    for line in filter(str.strip, lines.replace("，", ",").splitlines()):
        try:
            start, goal, km, minutes = (word.strip() for word in line.split(","))
            ways[start, goal] = Measured(round(float(km) * 1000), round(float(minutes) * 60))
        except (ValueError, OverflowError):
            raise BadInput(field="ways", message="from, to, kilometres and minutes between two areas") from None
    async with acquire(request.app.state.pool) as db:
        await ground.set_ways(db, hall, ways)


def moment(hall: Hall, day: date, clock: str, field: str) -> datetime:
    """14:05 of a day, on the hall's clock. BadInput for anything else."""
    try:
        return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(hall.time_zone))
    except ValueError:
        raise BadInput(field=field, message="a time of day like 08:30") from None
