"""A week's roster as it is kept: built from people, leave and demand, solved, changed by hand, published."""

from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from queueing.db import Db, changed
from queueing.halls import Hall
from scheduling.day_types import day_types, kind_on
from scheduling.days import Calendar, calendar
from scheduling.errors import NoSuchRoster, NoSuchShift, NotSkilledForZone, OnLeave, ShiftTaken, Solving
from scheduling.roster.patterns import patterns
from scheduling.roster.problem import Clerk, Plan, Problem, Shift

LOOK_BACK = timedelta(days=91)  # days off worked are shared out over three months
SILENT_S = 15  # a run that said nothing for so long has died with its process


@dataclass(frozen=True, slots=True)
class Roster:
    """A week from its Monday, draft or published. `gap` and `seconds` are of the last solving, `status` how it went."""

    week: date
    state: str
    made_by: str
    made_at: datetime
    published_by: str | None
    published_at: datetime | None
    status: str | None
    gap: float | None
    seconds: float | None
    solving: str | None
    solving_s: float | None


@dataclass(frozen=True, slots=True)
class Placed:
    """A clerk's day on the roster; no pattern: taken off it by hand. `fixed`: set by hand, solving leaves it."""

    day: date
    clerk: str
    pattern: str | None
    zone: str | None
    window_no: str | None
    fixed: bool


def monday(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(day.weekday())


ROSTER = f"""
SELECT week, state, made_by, made_at, published_by, published_at, status, gap, seconds,
       CASE WHEN beat > clock_timestamp() - interval '{SILENT_S} s' THEN solving END AS solving,
       extract(epoch FROM clock_timestamp() - solving_since)::float AS solving_s
FROM rosters WHERE hall = $1 AND week = $2
"""


async def find_roster(db: Db, hall: Hall, week: date) -> Roster | None:
    """The roster of a week; None before anybody began one."""
    row = await db.fetchrow(ROSTER, hall.id, week)
    return Roster(**row) if row else None


PLACED = "SELECT day, clerk, pattern, zone, window_no, fixed FROM shifts WHERE hall = $1 AND week = $2 ORDER BY day, clerk"


async def placed(db: Db, hall: Hall, week: date) -> list[Placed]:
    """Everything that stands on a week's roster."""
    return [Placed(**row) for row in await db.fetch(PLACED, hall.id, week)]


CONTRACTS = "SELECT clerk, shifts, stretch, home, zones, patterns, hours FROM contracts WHERE hall = $1 ORDER BY clerk"
# With skills required a clerk serves a zone when some window there can be opened whole by them.
SKILLED = """
SELECT DISTINCT c.clerk, w.zone FROM contracts c JOIN windows w ON w.hall = c.hall AND w.serves <> '{}'
WHERE c.hall = $1 AND NOT EXISTS (
    SELECT FROM unnest(w.serves) AS s(code) WHERE NOT EXISTS (
        SELECT FROM skills k WHERE k.hall = c.hall AND k.clerk = c.clerk AND k.service = s.code
          AND (k.until IS NULL OR k.until >= $2)))
"""
AWAY = """
SELECT * FROM (
    SELECT clerk, day AS first, day AS last, 'doorstep' AS kind FROM doorstep_members
    WHERE hall = $1 AND day BETWEEN $2::date AND $2 + 6
    UNION ALL
    SELECT clerk, greatest(first, $2) AS first, least(last, $2 + 6) AS last, kind FROM leaves
    WHERE hall = $1 AND state = 'approved' AND first <= $2 + 6 AND last >= $2
) away ORDER BY kind = 'doorstep' DESC, clerk, first
"""
WISHES = "SELECT clerk, day, wish FROM shift_wishes WHERE hall = $1 AND day BETWEEN $2 AND $2 + 6"
WORKED = """
SELECT s.clerk, s.day, s.pattern FROM shifts s JOIN rosters r USING (hall, week)
WHERE s.hall = $1 AND s.pattern IS NOT NULL AND s.day >= $2 AND s.day < $3::date + 14 AND NOT s.day BETWEEN $3 AND $3 + 6
  AND (r.state = 'published' OR s.day >= $3 - 7)
"""
ZONES = "SELECT code FROM zones WHERE hall = $1 ORDER BY rank, code"


async def problem_of(db: Db, hall: Hall, week: date, *, anew: bool = False) -> Problem:
    """What a week asks for and who there is, as the solver takes it; `anew`: to be solved, so that what was worked stays."""
    from scheduling.roster.demand import demand  # numpy is loaded where a roster is asked for

    known, kinds = await calendar(db, hall), await day_types(db, hall)
    days = tuple(week + timedelta(n) for n in range(7))
    of_day = {day: kind_on(known, kinds, day) for day in days}
    shapes, of_kind = await patterns(db, hall)
    stands, over = await placed(db, hall, week), await days_over(db, hall, week) if anew else []
    kept = [it for it in stands if it.fixed or it.day in over]
    worked, people = {(it.day, it.clerk) for it in stands}, await clerks(db, hall, week, known)
    return Problem(
        days,
        tuple(day for day in days if not known.is_working(day)),
        tuple(shapes),
        tuple(people),
        tuple(await demand(db, hall, of_day)),
        tuple(Shift(it.day, it.clerk, it.pattern, it.zone) for it in kept if it.pattern and it.zone),
        tuple((it.day, it.clerk) for it in stands if it.pattern is None)
        + tuple((day, clerk.name) for day in over for clerk in people if (day, clerk.name) not in worked),
        {day: tuple(sorted(of_kind.get(kind.code, ()))) for day, kind in of_day.items()},
    )


OVER = """
SELECT d::date AS day FROM rosters r JOIN halls h ON h.id = r.hall, generate_series(r.week, r.week + 6, interval '1 day') AS d
WHERE r.hall = $1 AND r.week = $2 AND r.state = 'published' AND d::date <= business_day(hall_now(), h.time_zone, h.day_starts)
"""


async def days_over(db: Db, hall: Hall, week: date) -> list[date]:
    """The days of a published week that have begun: what was worked stays as it is, however often the week is solved anew."""
    return [row["day"] for row in await db.fetch(OVER, hall.id, week)]


async def clerks(db: Db, hall: Hall, week: date, known: Calendar) -> list[Clerk]:
    """Everybody with a contract: what zones they serve, who is away, who wishes what, what was worked before."""
    every = [row["code"] for row in await db.fetch(ZONES, hall.id)]
    skilled: dict[str, set[str]] = {}
    for row in await db.fetch(SKILLED, hall.id, week) if hall.skills_required else ():
        skilled.setdefault(row["clerk"], set()).add(row["zone"])
    away: dict[str, dict[date, str]] = {}
    for row in await db.fetch(AWAY, hall.id, week):
        for n in range((row["last"] - row["first"]).days + 1):
            away.setdefault(row["clerk"], {})[row["first"] + timedelta(n)] = row["kind"]
    wishes: dict[str, dict[date, int]] = {}
    for row in await db.fetch(WISHES, hall.id, week):
        wishes.setdefault(row["clerk"], {})[row["day"]] = 1 if row["wish"] == "off" else -1
    around: dict[str, dict[date, str]] = {}
    for row in await db.fetch(WORKED, hall.id, week - LOOK_BACK, week):
        around.setdefault(row["clerk"], {})[row["day"]] = row["pattern"]
    found = []
    for row in await db.fetch(CONTRACTS, hall.id):
        name, mine = row["clerk"], around.get(row["clerk"], {})
        serves = serves_of(row["home"], row["zones"], every)
        if hall.skills_required:
            serves = [zone for zone in serves if zone in skilled.get(name, ())]
        found.append(
            Clerk(
                name, tuple(serves), row["shifts"], row["stretch"], run_before(mine, week),
                sum(day < week and not known.is_working(day) for day in mine), away.get(name, {}), wishes.get(name, {}),
                row["home"], None if row["patterns"] is None else tuple(row["patterns"]), row["hours"],
                run_after(mine, week), mine.get(week - timedelta(1)), mine.get(week + timedelta(7)),
            )
        )  # fmt: skip
    return found


def serves_of(home: str | None, zones: list[str], every: list[str]) -> list[str]:
    """The zones a contract names, the own first; one that names none serves all."""
    named = [*([home] if home else []), *(zone for zone in zones if zone != home)]
    return named or every


def run_after(worked: Container[date], week: date) -> int:
    """How many days in a row are planned from the Monday after."""
    day = week + timedelta(7)
    while day in worked:
        day += timedelta(1)
    return (day - week).days - 7


def run_before(worked: Container[date], week: date) -> int:
    """How many days in a row were worked up to the Sunday before."""
    day = week - timedelta(1)
    while day in worked:
        day -= timedelta(1)
    return (week - day).days - 1


BEGIN = """
INSERT INTO rosters AS r (hall, week, made_by, solving, solving_since, beat)
VALUES ($1, $2, $3, $4, clock_timestamp(), clock_timestamp())
ON CONFLICT (hall, week) DO UPDATE SET solving = $4, solving_since = clock_timestamp(), beat = clock_timestamp()
WHERE r.solving IS NULL OR r.beat <= clock_timestamp() - make_interval(secs => $5)
RETURNING week
"""


async def begin_solving(db: Db, hall: Hall, week: date, run: str, *, actor: str) -> None:
    """Note that `run` looks for a roster of this week. Solving while another does."""
    if await db.fetchval(BEGIN, hall.id, week, actor, run, float(SILENT_S)) is None:
        raise Solving()


BEAT = "UPDATE rosters SET beat = clock_timestamp() WHERE hall = $1 AND week = $2 AND solving = $3"
STOP = "UPDATE rosters SET solving = NULL WHERE hall = $1 AND week = $2 AND solving IS NOT NULL"
FAILED = "UPDATE rosters SET solving = NULL, status = $4, gap = NULL WHERE hall = $1 AND week = $2 AND solving = $3"


async def beat(db: Db, hall: Hall, week: date, run: str) -> bool:
    """Say that a run goes on; False when somebody stopped it."""
    return changed(await db.execute(BEAT, hall.id, week, run)) > 0


async def stop_solving(db: Db, hall: Hall, week: date) -> bool:
    """Let whoever solves this week end without a result."""
    return changed(await db.execute(STOP, hall.id, week)) > 0


async def give_up(db: Db, hall: Hall, week: date, run: str, status: str) -> None:
    """A run that ended without a plan: none (there is no plan) or failed."""
    await db.execute(FAILED, hall.id, week, run, status)


SAVE = """
UPDATE rosters SET solving = NULL, status = $4, gap = $5, seconds = $6, made_at = hall_now()
WHERE hall = $1 AND week = $2 AND solving = $3 RETURNING week
"""
CLEAR = "DELETE FROM shifts WHERE hall = $1 AND week = $2 AND NOT fixed AND NOT day = ANY($3)"
# What changed by hand or by leave while the solver thought stays: the plan gives way.
FILL = """
INSERT INTO shifts (hall, week, day, clerk, pattern, zone)
SELECT $1, $2, x.day, x.clerk, x.pattern, x.zone FROM unnest($3::date[], $4::text[], $5::text[], $6::text[])
    AS x(day, clerk, pattern, zone)
WHERE NOT EXISTS (SELECT FROM leaves l WHERE l.hall = $1 AND l.clerk = x.clerk AND l.state = 'approved'
                  AND x.day BETWEEN l.first AND l.last)
ON CONFLICT ON CONSTRAINT one_shift_a_day DO NOTHING
"""


async def save_plan(db: Db, hall: Hall, week: date, run: str, plan: Plan) -> bool:
    """Put a plan in the place of the last one; False when the run was stopped meanwhile. Hand-set shifts stay."""
    async with db.transaction():
        if await db.fetchval(SAVE, hall.id, week, run, plan.status, plan.gap, plan.seconds) is None:
            return False
        await db.execute(CLEAR, hall.id, week, await days_over(db, hall, week))
        columns: list[list[Any]] = [[getattr(it, name) for it in plan.shifts] for name in ("day", "clerk", "pattern", "zone")]
        await db.execute(FILL, hall.id, week, *columns)
        return True


START = "INSERT INTO rosters (hall, week, made_by) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
PLACE = """
INSERT INTO shifts (hall, week, day, clerk, pattern, zone, window_no, fixed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT ON CONSTRAINT one_shift_a_day DO UPDATE SET pattern = excluded.pattern, zone = excluded.zone,
    window_no = excluded.window_no, fixed = excluded.fixed
"""
FREE = "DELETE FROM shifts WHERE hall = $1 AND day = $2 AND clerk = $3"
BEFORE = "SELECT pattern, zone, window_no, fixed FROM shifts WHERE hall = $1 AND day = $2 AND clerk = $3 FOR UPDATE"
WINDOW_ZONE = "SELECT zone FROM windows WHERE hall = $1 AND no = $2"
CHANGED = """
INSERT INTO shift_changes (hall, week, day, clerk, before, pattern, zone, actor, reason, along)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id
"""


async def place(
    db: Db, hall: Hall, day: date, clerk: str, pattern: str | None, zone: str | None, *, actor: str, window: str | None = None,
    reason: str | None = None, along: int | None = None,
) -> int:  # fmt: skip
    """Set by hand what a clerk does on a day (no pattern: off); the number of the change. What stood there before is kept, to
    take it back, together with the change it came `along` with. `reason`: why, where it is beyond the contract (bounds.py).

    Raises OnLeave, NotSkilledForZone, NoSuchShift (of a pattern or clerk the hall doesn't have, or a window of another zone).
    """
    week = monday(day)
    contract = await db.fetchrow(CONTRACTS.replace("ORDER BY", "AND clerk = $2 ORDER BY"), hall.id, clerk)
    if contract is None:
        raise NoSuchShift()
    every = [row["code"] for row in await db.fetch(ZONES, hall.id)]
    if pattern is not None and zone not in serves_of(contract["home"], contract["zones"], every):
        raise NotSkilledForZone(clerk=clerk, zone=zone)
    if pattern is None:
        zone = window = None
    if window is not None and await db.fetchval(WINDOW_ZONE, hall.id, window) != zone:
        raise NoSuchShift()
    with named(clerk):
        async with db.transaction():
            await db.execute(START, hall.id, week, actor)
            row = await db.fetchrow(BEFORE, hall.id, day, clerk)
            await db.execute(PLACE, hall.id, week, day, clerk, pattern, zone, window, True)
            before = dict(row) if row else None
            change: int = await db.fetchval(CHANGED, hall.id, week, day, clerk, before, pattern, zone, actor, reason, along)
            return change


BELONGS = """
SELECT c.home, s.zone FROM contracts c LEFT JOIN shifts s ON (s.hall, s.clerk, s.day) = (c.hall, c.clerk, $3)
WHERE c.hall = $1 AND c.clerk = $2
"""


async def belongs(db: Db, hall: Hall, day: date, clerk: str) -> tuple[str | None, str | None]:
    """A clerk's own zone, and where they work on a day."""
    row = await db.fetchrow(BELONGS, hall.id, clerk, day)
    return (row["home"], row["zone"]) if row else (None, None)


REASONS = """
SELECT DISTINCT ON (c.day, c.clerk) c.day, c.clerk, c.reason FROM shift_changes c
JOIN shifts s ON (s.hall, s.day, s.clerk) = (c.hall, c.day, c.clerk) AND s.fixed
    AND s.pattern IS NOT DISTINCT FROM c.pattern AND s.zone IS NOT DISTINCT FROM c.zone
WHERE c.hall = $1 AND c.week = $2 AND NOT c.undone ORDER BY c.day, c.clerk, c.id DESC
"""


async def reasons(db: Db, hall: Hall, week: date) -> dict[tuple[str, date], str]:
    """Why shifts of a week that stand were set by hand against a contract or rest."""
    return {(row["clerk"], row["day"]): row["reason"] for row in await db.fetch(REASONS, hall.id, week) if row["reason"]}


# A change that a later solving, leave or swap overtook is not taken back: what it left no longer stands.
LAST_CHANGE = """
SELECT c.id, c.day, c.clerk, c.before, c.along FROM shift_changes c
JOIN shifts s ON (s.hall, s.day, s.clerk) = (c.hall, c.day, c.clerk) AND s.fixed
    AND s.pattern IS NOT DISTINCT FROM c.pattern AND s.zone IS NOT DISTINCT FROM c.zone
WHERE c.hall = $1 AND c.week = $2 AND NOT c.undone AND ($3::text IS NULL OR c.actor = $3) AND ($4::integer IS NULL OR c.id = $4)
ORDER BY c.id DESC LIMIT 1
"""
UNDONE = "UPDATE shift_changes SET undone = true, undone_at = hall_now() WHERE id = $1"


async def last_change(db: Db, hall: Hall, week: date, *, by: str | None = None) -> tuple[int, str] | None:
    """The newest change by hand, of anybody or one, that can be taken back, and whose shift it is."""
    row = await db.fetchrow(LAST_CHANGE, hall.id, week, by, None)
    return (row["id"], row["clerk"]) if row else None


async def undo(db: Db, hall: Hall, week: date, change: int, *, by: str | None = None) -> tuple[date, str] | None:
    """Take back this change by hand, of anybody or one, and let stand what was there before; with it the one it came along
    with: a shift that was dragged goes back. None where it stands no more: a second press takes nothing else back."""
    row = await db.fetchrow(LAST_CHANGE, hall.id, week, by, change)
    if row is None:
        return None
    day, clerk, before = row["day"], row["clerk"], row["before"]
    with named(clerk):
        async with db.transaction():
            await db.execute(UNDONE, row["id"])
            await db.execute(FREE, hall.id, day, clerk)
            if before is not None:
                window = before["window_no"]
                await db.execute(PLACE, hall.id, week, day, clerk, before["pattern"], before["zone"], window, before["fixed"])
            if row["along"] is not None:
                await undo(db, hall, week, row["along"], by=by)
    return day, clerk


@contextmanager
def named(clerk: str) -> Iterator[None]:
    """A broken constraint of shifts as the error that names it."""
    try:
        yield
    except asyncpg.IntegrityConstraintViolationError as broken:
        match broken.constraint_name:
            case "no_shift_on_leave":
                raise OnLeave(clerk=clerk) from broken
            case "one_shift_a_day":
                raise ShiftTaken(clerk=clerk) from broken
            case name if name and name.startswith("shifts_"):
                raise NoSuchShift() from broken
            case _:
                raise


PUBLISH = """
UPDATE rosters SET state = 'published', published_by = $3, published_at = hall_now()
WHERE hall = $1 AND week = $2 AND state = 'draft' AND solving IS NULL RETURNING week
"""


async def publish(db: Db, hall: Hall, week: date, *, actor: str) -> bool:
    """Make a week's draft what counts; False when it is published already. NoSuchRoster, Solving."""
    found = await find_roster(db, hall, week)
    if found is None:
        raise NoSuchRoster()
    if found.solving:
        raise Solving()
    await db.execute("UPDATE rosters SET solving = NULL WHERE hall = $1 AND week = $2", hall.id, week)
    return await db.fetchval(PUBLISH, hall.id, week, actor) is not None


SET_CONTRACT = """
INSERT INTO contracts (hall, clerk, shifts, stretch, home, zones, patterns) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (hall, clerk) DO UPDATE SET shifts = excluded.shifts, stretch = excluded.stretch, home = excluded.home,
    zones = excluded.zones, patterns = excluded.patterns
"""


async def set_contract(db: Db, hall: Hall, clerk: Clerk) -> None:
    """What a clerk has agreed to: shifts a week, days in a row, zones (the own one first among `skills`), patterns."""
    others = [zone for zone in clerk.skills if zone != clerk.home]
    await db.execute(
        SET_CONTRACT, hall.id, clerk.name, clerk.shifts, clerk.stretch, clerk.home, others,
        None if clerk.patterns is None else list(clerk.patterns),
    )  # fmt: skip


async def clerks_with_contract(db: Db, hall: Hall) -> list[str]:
    """Everybody who can be put on a roster."""
    return [row["clerk"] for row in await db.fetch(CONTRACTS, hall.id)]
