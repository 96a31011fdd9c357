"""Acts on a day's rounds: look for them, take a plan or leave it, take it back; teams of the day."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request

from floor import doorstep_words as telling
from floor.acts.doorstep import envelopes_of, on_visit
from floor.acts.ground import hall_by_id, hall_of, pressed, ring
from floor.acts.visit_names import find
from floor.database import Db, acquire
from floor.people import list_users
from floor.rounds import look_for, seen_day
from floor.signin import require
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall, business_day
from scheduling import doorstep, teams, visit_notes
from scheduling.doorstep import Done, Visit
from scheduling.errors import AtWindow, BadTeam, DayOver, NothingToPlan, RoundsSought
from scheduling.roster.planned import at_windows, clock, minute_of
from scheduling.rounds import ground, store, taking
from scheduling.rounds.travel import Measured, Point

DECIDES = ("manager", "leader")
GOES = ("doorstep", "clerk")  # who can be put into a team
BACK_DAYS = 14  # how far back teams are looked for that another day may have again


async def _dispatcher(request: Request, hall_code: str) -> tuple[Hall, str]:
    hall = await hall_of(request, hall_code)
    return hall, (await require(request, *DECIDES, hall=hall.id)).actor


async def start(request: Request, hall_code: str, day: date, *, cause: str = "asked") -> None:
    """Begin to look for a day's rounds; they are proposed once they are found.

    RoundsSought while another run looks, DayOver, NothingToPlan; envelopes.Unreadable.
    """
    hall, actor = await _dispatcher(request, hall_code)
    state = request.app.state
    async with acquire(state.pool) as db:
        if day < await business_day(db, hall):
            raise DayOver()
        seen = await seen_day(db, hall, day, envelopes_of(request), state.places, actor=actor)
        if not seen.problem.visits:
            raise NothingToPlan()
        number = await store.begin(db, hall, day, cause, actor=actor)
    task = asyncio.create_task(look_for(state.pool, state.doorbell, hall, number, seen))
    state.tasks.add(task)
    task.add_done_callback(state.tasks.discard)


async def stop(request: Request, hall_code: str, day: date) -> None:
    """Let the run that looks for this day's rounds end without a plan."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await store.stop(db, hall, day, actor=actor)


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a plan: its version, how many visits it gave a time or changed, how many hear of it, how many must be
    called."""

    version: int
    new: int
    moved: int
    told: int
    call: int


async def take(request: Request, hall_code: str, number: int) -> Settled:
    """Do what a plan says, and tell everybody whose time it set or changed. PlanOvertaken, NotFound."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        plan = await _plan(db, hall, number)
        await taking.take(db, hall, number, actor=actor)
        stops = [stop for stop in await store.stops(db, number) if stop.moves]
        told, call = await tell(db, hall, {it.visit: it.was_start for it in stops if it.start != it.was_start})
    ring(request, hall.id)
    new = sum(it.was_start is None for it in stops)
    return Settled(plan.version, new, len(stops) - new, told, call)


async def take_back(request: Request, hall_code: str, number: int) -> Settled:
    """Let all stand as before the plan, and tell everybody whose time that changes again. PlanOvertaken, NotFound."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        plan = await _plan(db, hall, number)
        await taking.take_back(db, hall, number, actor=actor)
        stops = [stop for stop in await store.stops(db, number) if stop.moves]
        told, call = await tell(db, hall, {it.visit: it.start for it in stops if it.start != it.was_start})
    ring(request, hall.id)
    return Settled(plan.version, 0, len(stops), told, call)


async def _plan(db: Db, hall: Hall, number: int) -> store.Kept:
    plan = await store.plan_of(db, hall, number)
    if plan is None:
        raise NotFound(what="plan")
    return plan


async def tell(db: Db, hall: Hall, before: Mapping[int, datetime | None]) -> tuple[int, int]:
    """Owe each of these visits word of the time it has now, or that the one it had `before` is no more: how many hear of it,
    and how many can't be written to."""
    owed = []
    for number, was in before.items():
        visit = await doorstep.by_number(db, hall, number)
        if visit.state == "scheduled":
            await telling.tell(db, hall, visit)
            owed.append(telling.Owed(visit.key, "visit_planned", visit.start))
        elif visit.state == "accepted" and was is not None:
            await telling.tell_open(db, hall, visit, was)
            owed.append(telling.Owed(visit.key, "visit_open", was))
    heard = await telling.heard(db, hall, owed)
    told = sum(heard.get(it.key) in telling.GOES_OUT for it in owed)
    return told, len(owed) - told


async def unschedule(request: Request, key: str, *, press: str | None = None) -> Done:
    """Take one visit out of the plan: it waits for another time. VisitIs."""
    hall, before = await find(request, key)
    actor = (await require(request, *DECIDES, hall=hall.id)).actor
    once_only = pressed(request, actor, press, ())

    async def act(db: Db) -> Done:
        done = await doorstep.unschedule(db, hall, key, actor=actor, press=once_only)
        if not done.replayed:
            await tell(db, hall, {before.id: before.start})
        return done

    return await on_visit(request, hall, act, silent=True)


async def refuse(request: Request, hall_code: str, number: int) -> int:
    """Leave the day as it is; the version of the plan that was left. NotFound."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        plan = await _plan(db, hall, number)
        await taking.refuse(db, hall, number, actor=actor)
    return plan.version


async def drop_out(request: Request, hall_code: str, day: date, team: int) -> bool:
    """A team can't go on: look at once for who takes over what it had; False where it had nothing. NotFound, and of `start`."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await _of_day(db, hall, day, team)
        await ground.drop_out(db, hall, team, actor=actor)
        had = await doorstep.find(db, hall, day=day, team=team, states=("scheduled",), limit=1)
    ring(request, hall.id)
    if had:
        with suppress(RoundsSought):  # whoever looks already; if this team is still in what they find, the clock looks again
            await start(request, hall_code, day, cause="team")
    return bool(had)


async def come_back(request: Request, hall_code: str, day: date, team: int) -> None:
    """A team goes out again. NotFound."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await _of_day(db, hall, day, team)
        await ground.come_back(db, hall, team, actor=actor)
    ring(request, hall.id)


async def _of_day(db: Db, hall: Hall, day: date, team: int) -> teams.Team:
    """The team of this number, which goes out that day. NotFound."""
    crew = await teams.team(db, hall, team)
    if crew.day != day:
        raise NotFound(what="team")
    return crew


async def note(request: Request, visit: Visit, words: str) -> None:
    """Say something to whoever goes there, without opening the envelope; no words take back what was said. BadInput."""
    hall = await hall_by_id(request, visit.hall)
    actor = (await require(request, *DECIDES, hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db:
        if (await visit_notes.of(db, hall, [visit.id], envelopes_of(request))).get(visit.id, "") != words:
            await visit_notes.keep(db, hall, visit, words, envelopes_of(request), actor=actor)
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
    sure: bool = False  # also who works at a window then


async def save_team(request: Request, hall_code: str, day: date, typed: Crew, number: int | None = None) -> None:
    """Put two people together for a day, or change the team of this number. BadInput, BadTeam; AtWindow, unless they are sure,
    for who has a shift at a window at that time."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await _people(db, hall, typed.members)
    begins, ends = (moment(hall, day, word, field) for word, field in zip(typed.hours, ("starts", "ends"), strict=True))
    pause = None if typed.lunch is None else tuple(moment(hall, day, word, "lunch_from") for word in typed.lunch)
    async with acquire(request.app.state.pool) as db:
        if not typed.sure:
            await check_windows(db, hall, day, typed.members, begins, ends)
        before = await teams.team(db, hall, number) if number is not None else None
        start = (before.start_lat, before.start_lon) if before is not None else lat_lon(await ground.centre_of(db, hall))
        known = list(typed.skills) or await ground.skills_of(db, hall, typed.members, day)
        try:
            await teams.save_team(
                db, hall, day, typed.name, typed.members, skills=known, kits=typed.kits, starts=begins, ends=ends, start=start,
                lunch=(pause[0], pause[1]) if pause is not None else None, number=number, actor=actor,
            )  # fmt: skip
        except BadTeam:
            here = [(*same(it), it.starts, it.ends) for it in await teams.teams(db, hall, day)]
            if number is not None or (typed.name, *typed.members, begins, ends) not in here:
                raise  # else the same press again
    ring(request, hall.id)


async def check_windows(
    db: Db, hall: Hall, day: date, members: Sequence[str], begins: datetime, ends: datetime
) -> None:  # fmt: skip
    """AtWindow where the roster has one of them at a window at that time."""
    on, first, last = await at_windows(db, hall, day), minute_of(hall, day, begins), minute_of(hall, day, ends)
    for who in members:
        since, until = on.get(who, (last, first))
        if since < last and until > first:
            named = {user.username: user.name for user in await list_users(db, hall.id)}
            raise AtWindow(who=named.get(who, who), begins=clock(since), ends=clock(until))


async def _people(db: Db, hall: Hall, members: Sequence[str]) -> None:
    """BadInput where one of them is nobody who works here, or goes to no doors."""
    known = {it.username for it in await list_users(db, hall.id) if not it.disabled and set(it.roles) & set(GOES)}
    for field, who in zip(("lead", "second"), members, strict=True):
        if who not in known:
            raise BadInput(field=field, message="no clerk works here by that name")


async def same_teams(request: Request, hall_code: str, day: date) -> date:
    """Let the teams of the last day that had some go out on this one, which has none; that day. NotFound, DayOver, and
    what a new team raises."""
    hall, actor = await _dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        if day < await business_day(db, hall):
            raise DayOver()
        last, here = await last_teams(db, hall, day), await teams.teams(db, hall, day)
        if last and [same(it) for it in here] == [same(it) for it in last]:
            return last[0].day  # the same press again
        if not last or here:
            raise NotFound(what="team")
        async with db.transaction():
            for crew in last:
                await _people(db, hall, (crew.lead, crew.second))
                begins, ends = on_day(hall, day, crew.starts), on_day(hall, day, crew.ends)
                await check_windows(db, hall, day, (crew.lead, crew.second), begins, ends)
                pause = None
                if crew.lunch_from is not None and crew.lunch_to is not None:
                    pause = on_day(hall, day, crew.lunch_from), on_day(hall, day, crew.lunch_to)
                await teams.save_team(
                    db, hall, day, crew.name, (crew.lead, crew.second), skills=crew.skills, kits=crew.kits,
                    starts=begins, ends=ends, start=(crew.start_lat, crew.start_lon), lunch=pause, actor=actor,
                )  # fmt: skip
    ring(request, hall.id)
    return last[0].day


def same(crew: teams.Team) -> tuple[str, str, str]:
    """What makes a team of one day the same as one of another."""
    return crew.name, crew.lead, crew.second


async def last_teams(db: Db, hall: Hall, day: date) -> list[teams.Team]:
    """The teams of the last day before this one that had any."""
    for back in range(1, BACK_DAYS + 1):
        if found := await teams.teams(db, hall, day - timedelta(back)):
            return found
    return []


def on_day(hall: Hall, day: date, at: datetime) -> datetime:
    """The same time of day on another day."""
    zone = ZoneInfo(hall.time_zone)
    return datetime.combine(day, at.astimezone(zone).time(), zone)


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
