"""Acts on the roster: look for a better one, set a shift by hand and take that back, publish."""

import asyncio
import secrets
from datetime import date
from typing import Any

import structlog
from starlette.requests import Request

from floor.acts.ground import hall_of, ring
from floor.database import Pool, acquire
from floor.refusals import NotAllowed
from floor.signin import own_zone, require
from queueing import journal
from queueing.halls import Hall
from scheduling.errors import BeyondTerms
from scheduling.roster import attendance, bounds, leave, plans, store
from scheduling.roster.patterns import lay_patterns
from scheduling.roster.problem import Problem
from scheduling.roster.solver import Unsolved, solve

log = structlog.get_logger("roster")
BEAT_S = 1.0


async def _manager(request: Request, hall_code: str) -> tuple[Hall, str]:
    hall = await hall_of(request, hall_code)
    return hall, (await require(request, "manager", hall=hall.id)).actor


async def start_solving(request: Request, hall_code: str, week: date) -> None:
    """Begin to look for the fairest roster of a week; it is kept when it is found. Solving while another run looks."""
    hall, actor = await _manager(request, hall_code)
    run, app = secrets.token_hex(8), request.app
    async with acquire(app.state.pool) as db, db.transaction():
        await store.begin_solving(db, hall, week, run, actor=actor)
        await lay_patterns(db, hall)
        problem = await store.problem_of(db, hall, week, anew=True)
    task = asyncio.create_task(look_for(app.state.pool, hall, week, run, problem))
    app.state.tasks.add(task)
    task.add_done_callback(app.state.tasks.discard)


async def look_for(pool: Pool, hall: Hall, week: date, run: str, problem: Problem) -> None:
    """Solve beside the floor, saying every second that it goes on, until it is done or somebody stopped it."""
    solving = asyncio.create_task(solve(problem))
    try:
        while not (await asyncio.wait({solving}, timeout=BEAT_S))[0]:
            async with acquire(pool) as db:
                if not await store.beat(db, hall, week, run):
                    return
        async with acquire(pool) as db:
            try:
                plan = solving.result()
            except Unsolved as unsolved:
                log.error("roster.unsolved", hall=hall.code, week=week.isoformat(), why=str(unsolved))
                await store.give_up(db, hall, week, run, "failed")
                return
            if plan.status == "none":
                await store.give_up(db, hall, week, run, "none")
            else:
                await store.save_plan(db, hall, week, run, plan)
    finally:
        if not solving.done():
            solving.cancel()
            await asyncio.gather(solving, return_exceptions=True)


async def stop_solving(request: Request, hall_code: str, week: date) -> None:
    """Let the run that looks for a roster of this week end without one."""
    hall, _ = await _manager(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await store.stop_solving(db, hall, week)


async def place(
    request: Request, hall_code: str, day: date, clerk: str, pattern: str | None, zone: str | None, window: str | None = None,
    *, source: tuple[str, date] | None = None, reason: str | None = None,
) -> None:  # fmt: skip
    """Set by hand what a clerk does on a day, at any window of the zone or at one; no pattern: off. `source`: the clerk and
    day a shift is dragged from, who has that day off then.

    A manager anybody; a leader the clerks of the own zone, and whoever works there that day, and nowhere else. BeyondTerms where
    the shift goes beyond what its clerk agreed to and no `reason` says why all the same; the record keeps both.
    """
    hall = await hall_of(request, hall_code)
    person = await require(request, "manager", "leader", hall=hall.id)
    actor, own = person.actor, own_zone(person)
    async with acquire(request.app.state.pool) as db, db.transaction():
        for name, on in ((clerk, day), *([source] if source else [])):
            home, there = await store.belongs(db, hall, on, name)
            if own is not None and ((there or home) != own or (pattern is not None and zone != own)):
                raise NotAllowed()
        left = None
        if source is not None and source != (clerk, day):
            left = await store.place(db, hall, source[1], source[0], None, None, actor=actor)
        found = await bounds.beyond_of(db, hall, day, clerk, pattern, zone, window) if pattern and zone else []
        if found and not reason:
            raise BeyondTerms(clerk=clerk, found=found)
        why = (reason or "")[:200] if found else None
        await store.place(db, hall, day, clerk, pattern, zone, actor=actor, window=window, reason=why, along=left)
        told: dict[str, Any] = {"day": day.isoformat(), "clerk": clerk, "pattern": pattern, "zone": zone if pattern else None}
        told |= {"window": window} if pattern and window else {}
        told |= {"from": [source[0], source[1].isoformat()]} if source else {}
        told |= {"beyond": [one.what for one in found], "reason": why} if found else {}
        await journal.append(db, hall.id, "roster.shift", actor, data=told)
    ring(request, hall.id)


async def undo(request: Request, hall_code: str, week: date, change: int) -> bool:
    """Take back a change by hand on a week's roster, a leader one of their own; False when it stands no more."""
    hall = await hall_of(request, hall_code)
    person = await require(request, "manager", "leader", hall=hall.id)
    actor = person.actor
    async with acquire(request.app.state.pool) as db, db.transaction():
        undone = await store.undo(db, hall, week, change, by=None if "manager" in person.roles else actor)
        if undone is None:
            return False
        told = {"day": undone[0].isoformat(), "clerk": undone[1]}
        await journal.append(db, hall.id, "roster.undone", actor, data=told)
    ring(request, hall.id)
    return True


async def set_windows(request: Request, hall_code: str, week: date, *, give: bool) -> None:
    """Give the shifts of a week a window each, or let all but those set by hand be anywhere in their zone again."""
    hall, actor = await _manager(request, hall_code)
    async with acquire(request.app.state.pool) as db, db.transaction():
        moved = await (plans.assign_windows if give else plans.release_windows)(db, hall, week)
        if moved:
            told = {"week": week.isoformat(), "shifts": moved, "given": give}
            await journal.append(db, hall.id, "roster.windows", actor, data=told)
    ring(request, hall.id)


async def decide_leave(request: Request, hall_code: str, asked: int, *, approve: bool) -> None:
    """Approve or refuse leave: a manager anybody's, a leader that of the own zone. What was settled before stays."""
    hall = await hall_of(request, hall_code)
    person = await require(request, "manager", "leader", hall=hall.id)
    async with acquire(request.app.state.pool) as db, db.transaction():
        if await leave.decide_leave(db, hall, asked, approve=approve, actor=person.actor, zone=own_zone(person)):
            told = {"leave": asked, "approved": approve}
            await journal.append(db, hall.id, "leave.decided", person.actor, data=told)
    ring(request, hall.id)


async def revoke_leave(request: Request, hall_code: str, asked: int) -> None:
    """Take the approval of leave back: a manager anybody's, a leader that of the own zone."""
    hall = await hall_of(request, hall_code)
    person = await require(request, "manager", "leader", hall=hall.id)
    async with acquire(request.app.state.pool) as db, db.transaction():
        if await leave.revoke_leave(db, hall, asked, zone=own_zone(person)):
            await journal.append(db, hall.id, "leave.revoked", person.actor, data={"leave": asked})
    ring(request, hall.id)


async def correct_mark(request: Request, hall_code: str, mark: int, judged: str, reason: str | None) -> None:
    """Judge what the clock found of somebody's attendance, with a reason: a manager anybody's, a leader the own zone's."""
    hall = await hall_of(request, hall_code)
    person = await require(request, "manager", "leader", hall=hall.id)
    async with acquire(request.app.state.pool) as db, db.transaction():
        if not await attendance.correct(db, hall, mark, judged, reason, actor=person.actor, zone=own_zone(person)):
            raise NotAllowed()
        await journal.append(db, hall.id, "attendance.corrected", person.actor, data={"mark": mark, "judged": judged})
    ring(request, hall.id)


async def publish(request: Request, hall_code: str, week: date) -> None:
    """Make a week's draft what counts from now on. NoSuchRoster, Solving."""
    hall, actor = await _manager(request, hall_code)
    async with acquire(request.app.state.pool) as db, db.transaction():
        if await store.publish(db, hall, week, actor=actor):
            await journal.append(db, hall.id, "roster.published", actor, data={"week": week.isoformat()})
    ring(request, hall.id)
