"""Acts on a day's rounds: look for them, take a plan or leave it, take it back; a team drops out; the ground they go over."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

from starlette.requests import Request

from floor import doorstep_words as telling
from floor.acts.crews import DECIDES, dispatcher
from floor.acts.doorstep import envelopes_of, on_visit
from floor.acts.ground import hall_by_id, pressed, ring
from floor.acts.visit_names import find
from floor.database import Db, acquire
from floor.rounds import look_for, seen_day
from floor.signin import require
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall, business_day
from scheduling import doorstep, teams, visit_notes
from scheduling.doorstep import Done, Visit
from scheduling.envelopes import Unreadable
from scheduling.errors import DayOver, NothingToPlan, RoundsSought
from scheduling.rounds import ground, store, taking
from scheduling.rounds.travel import Measured


async def start(request: Request, hall_code: str, day: date, *, cause: str = "asked") -> None:
    """Begin to look for a day's rounds; they are proposed once they are found.

    RoundsSought while another run looks, DayOver, NothingToPlan; envelopes.Unreadable.
    """
    hall, actor = await dispatcher(request, hall_code)
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
    hall, actor = await dispatcher(request, hall_code)
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
    hall, actor = await dispatcher(request, hall_code)
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
    hall, actor = await dispatcher(request, hall_code)
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
        done = await doorstep.unschedule(db, hall, before.key, actor=actor, press=once_only)
        if not done.replayed:
            await tell(db, hall, {before.id: before.start})
        return done

    return await on_visit(request, hall, act, silent=True)


async def refuse(request: Request, hall_code: str, number: int) -> int:
    """Leave the day as it is; the version of the plan that was left. NotFound."""
    hall, actor = await dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        plan = await _plan(db, hall, number)
        await taking.refuse(db, hall, number, actor=actor)
    return plan.version


async def drop_out(request: Request, hall_code: str, day: date, team: int) -> bool:
    """A team can't go on: look at once for who takes over what it had; False where it had nothing. NotFound, and of `start`."""
    hall, actor = await dispatcher(request, hall_code)
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
    hall, actor = await dispatcher(request, hall_code)
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
        try:
            said = (await visit_notes.of(db, hall, [visit.id], envelopes_of(request))).get(visit.id, "")
        except Unreadable:  # the hall's secret was changed meanwhile: new words take its place, none leave it
            said = ""
        if said != words:
            await visit_notes.keep(db, hall, visit, words, envelopes_of(request), actor=actor)
    ring(request, hall.id)


async def set_place(request: Request, hall_code: str, lat: float, lon: float) -> None:
    """Say where the hall stands, in WGS 84 degrees. BadInput."""
    hall, _ = await dispatcher(request, hall_code)
    for field, value, most in (("lat", lat, 90), ("lon", lon, 180)):
        if not -most <= value <= most:
            raise BadInput(field=field, message="degrees of latitude and longitude")
    async with acquire(request.app.state.pool) as db:
        await ground.set_place(db, hall, lat, lon)


async def set_ways(request: Request, hall_code: str, lines: str) -> None:
    """What was measured between areas, a line for each way: from, to, kilometres, minutes. BadInput."""
    hall, _ = await dispatcher(request, hall_code)
    ways = {}
    for line in filter(str.strip, lines.replace("，", ",").splitlines()):
        try:
            start, goal, km, minutes = (word.strip() for word in line.split(","))
            ways[start, goal] = Measured(round(float(km) * 1000), round(float(minutes) * 60))
        except (ValueError, OverflowError):
            raise BadInput(field="ways", message="from, to, kilometres and minutes between two areas") from None
    async with acquire(request.app.state.pool) as db:
        await ground.set_ways(db, hall, ways)
