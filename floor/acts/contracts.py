"""Acts on what binds a roster: a clerk's contract and skills, the ways to work a day. A manager's alone."""

from starlette.requests import Request

from floor.acts.ground import hall_of, ring
from floor.database import acquire
from floor.people import list_users
from floor.signin import require
from queueing import journal
from queueing.errors import NotFound
from scheduling.roster import terms
from scheduling.roster.patterns import follow_sessions, retire_pattern, save_pattern
from scheduling.roster.people import Contract, save_contract
from scheduling.roster.problem import Pattern


async def set_contract(request: Request, hall_code: str, it: Contract) -> None:
    """Make this what a clerk has agreed to and is trained for. NotFound for a name no clerk of the hall has."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, "manager", hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db, db.transaction():
        if it.clerk not in {user.username for user in await list_users(db, hall.id) if "clerk" in user.roles}:
            raise NotFound(what="user")
        before = await terms.contract_now(db, hall, it.clerk)
        await save_contract(db, hall, it)
        if not await terms.note(db, hall, "contract", it.clerk, before, actor=actor):
            return
        told = {"clerk": it.clerk, "shifts": it.shifts, "hours": it.hours, "stretch": it.stretch, "employment": it.employment}
        skills = {code: until and until.isoformat() for code, until in it.skills.items()}
        await journal.append(db, hall.id, "contract.changed", actor, data=told | {"home": it.home, "skills": skills})
    ring(request, hall.id)


async def set_pattern(request: Request, hall_code: str, it: Pattern, kinds: list[str]) -> None:
    """Keep a way to work a day as the hall's own."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, "manager", hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db, db.transaction():
        before = await terms.pattern_now(db, hall, it.code)
        await save_pattern(db, hall, it, kinds)
        await terms.note(db, hall, "pattern", it.code, before, actor=actor)
        told = {"pattern": it.code, "begins": it.begins, "ends": it.ends, "breaks": [list(pause) for pause in it.breaks]}
        await journal.append(db, hall.id, "pattern.changed", actor, data=told | {"day_types": kinds})
    ring(request, hall.id)


async def leave_pattern(request: Request, hall_code: str, code: str, *, follow: bool) -> None:
    """Let no kind of day have a pattern any more, or let it follow the sessions again."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, "manager", hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db, db.transaction():
        before = await terms.pattern_now(db, hall, code)
        done = await (follow_sessions if follow else retire_pattern)(db, hall, code)
        if not done:
            raise NotFound(what="page")
        await terms.note(db, hall, "pattern", code, before, actor=actor)
        await journal.append(db, hall.id, "pattern.changed", actor, data={"pattern": code, "follows": follow})
    ring(request, hall.id)


async def undo(request: Request, hall_code: str, kind: str, number: int) -> None:
    """Take back this change of a contract or of a pattern, while it is the last and still stands; else nothing."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, "manager", hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db, db.transaction():
        change = await terms.take_back(db, hall, kind, number)
        if change is not None:
            told = {"clerk" if kind == "contract" else "pattern": change.subject, "undone": True}
            await journal.append(db, hall.id, f"{kind}.changed", actor, data=told)
    ring(request, hall.id)
