"""Shifts that clerks exchange: one asks, the other agrees, a leader or manager approves; nobody gets what they may not work."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise

import asyncpg

from queueing.db import Db, Press, changed, keep, replay
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall
from scheduling.errors import (
    NoRest,
    NoSuchShift,
    NotSkilledForZone,
    OnLeave,
    ShiftTaken,
    SwapGone,
    SwapOpen,
    WeekFull,
)
from scheduling.roster.planned import moment_of, now_of
from scheduling.roster.problem import Pattern
from scheduling.roster.store import SKILLED, ZONES, monday, named, serves_of

AROUND = timedelta(8)  # days looked at before and after: rest and days in a row reach no further
AHEAD = 14  # days within which a shift can be had in return


@dataclass(frozen=True, slots=True)
class Held:
    """A published shift of somebody: which pattern, where."""

    pattern: str
    zone: str
    window: str | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What binds a clerk: zones served, days away, most shifts and hours a week (None: no bound) and days in a row."""

    zones: tuple[str, ...]
    shifts: int
    stretch: int
    away: frozenset[date] = frozenset()
    hours: int | None = None


@dataclass(frozen=True, slots=True)
class World:
    """The published shifts around the days in question, whom they belong to and what binds them."""

    shifts: Mapping[tuple[str, date], Held]
    terms: Mapping[str, Terms]
    not_before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    begins: Mapping[str, int] = field(default_factory=dict)
    minutes: Mapping[str, int] = field(default_factory=dict)  # of a pattern, without its breaks

    def worked(self, clerk: str, week: date) -> tuple[int, int]:
        """Shifts and minutes of a clerk in a week."""
        mine = [self.shifts[at] for n in range(7) if (at := (clerk, week + timedelta(n))) in self.shifts]
        return len(mine), sum(self.minutes.get(held.pattern, 0) for held in mine)


def after(world: World, asker: str, day: date, other: str, other_day: date | None) -> World:
    """The shifts as the swap leaves them.

    What it breaks: NoSuchShift, ShiftTaken, NotSkilledForZone, OnLeave, NoRest, WeekFull.
    """
    shifts = dict(world.shifts)
    taken = [(other, day, shifts.pop((asker, day), None))]
    if other_day is not None:
        taken.append((asker, other_day, shifts.pop((other, other_day), None)))
    for clerk, on, shift in taken:
        if shift is None or clerk not in world.terms:
            raise NoSuchShift()
        if (clerk, on) in shifts:
            raise ShiftTaken(clerk=clerk)
        shifts[clerk, on] = shift
    then = replace(world, shifts=shifts)
    for clerk, on, shift in taken:
        assert shift is not None
        terms = world.terms[clerk]
        if shift.zone not in terms.zones:
            raise NotSkilledForZone(clerk=clerk, zone=shift.zone)
        if on in terms.away:
            raise OnLeave(clerk=clerk)
        if not rests(shifts, world.not_before, clerk, on) or run_around(shifts, clerk, on) > terms.stretch:
            raise NoRest(clerk=clerk)
        (many, long), (had, lasted) = then.worked(clerk, monday(on)), world.worked(clerk, monday(on))
        if many > max(terms.shifts, had) or (terms.hours is not None and long > max(60 * terms.hours, lasted)):
            raise WeekFull(clerk=clerk)
    return then


def rests(shifts: Mapping[tuple[str, date], Held], not_before: Mapping[str, tuple[str, ...]], clerk: str, day: date) -> bool:
    """Whether the shift of a day leaves the rest that its pattern and the one before ask for."""
    three = [shifts.get((clerk, day + timedelta(n))) for n in (-1, 0, 1)]
    pairs = [(one, two) for one, two in pairwise(three) if one is not None and two is not None]
    return all(two.pattern not in not_before.get(one.pattern, ()) for one, two in pairs)


def run_around(shifts: Mapping[tuple[str, date], Held], clerk: str, day: date) -> int:
    """How many days in a row are worked, this one among them."""
    first = last = day
    while (clerk, first - timedelta(1)) in shifts:
        first -= timedelta(1)
    while (clerk, last + timedelta(1)) in shifts:
        last += timedelta(1)
    return (last - first).days + 1


@dataclass(frozen=True, slots=True)
class Option:
    """A colleague who could take the shift over, with the shift the asker would get in return, if any."""

    other: str
    other_day: date | None
    held: Held | None


def options(world: World, asker: str, day: date, today: date) -> list[Option]:
    """All swaps of a shift that break nothing: first who could take it for nothing, then exchanges in the order of days."""
    found = []
    last = today + timedelta(AHEAD)
    for clerk in sorted(world.terms):
        if clerk == asker:
            continue
        theirs = sorted(on for name, on in world.shifts if name == clerk and today < on <= last and on != day)
        for other_day in (None, *theirs):
            try:
                after(world, asker, day, clerk, other_day)
            except Refused:
                continue
            found.append(Option(clerk, other_day, world.shifts[clerk, other_day] if other_day else None))
    return sorted(found, key=lambda it: (it.other_day is not None, it.other_day or day, it.other))


SHIFTS = """
SELECT s.clerk, s.day, s.pattern, s.zone, s.window_no FROM shifts s JOIN rosters r USING (hall, week)
WHERE s.hall = $1 AND s.day BETWEEN $2 AND $3 AND s.pattern IS NOT NULL AND r.state = 'published'
"""
CONTRACTS = "SELECT clerk, shifts, hours, stretch, home, zones FROM contracts WHERE hall = $1"
AWAY = """
SELECT clerk, first, last FROM leaves WHERE hall = $1 AND state = 'approved' AND first <= $3 AND last >= $2
UNION ALL SELECT clerk, day, day FROM doorstep_members WHERE hall = $1 AND day BETWEEN $2 AND $3
"""
REST = "SELECT code, not_before, begins, ends, breaks FROM shift_patterns WHERE hall = $1"


async def world(db: Db, hall: Hall, first: date, last: date) -> World:
    """Everything a swap between two days bears on."""
    first, last = first - AROUND, last + AROUND
    every = [row["code"] for row in await db.fetch(ZONES, hall.id)]
    skilled: dict[str, set[str]] = {}
    for row in await db.fetch(SKILLED, hall.id, last - AROUND) if hall.skills_required else ():
        skilled.setdefault(row["clerk"], set()).add(row["zone"])
    away: dict[str, set[date]] = {}
    for row in await db.fetch(AWAY, hall.id, first, last):
        days = (row["last"] - row["first"]).days + 1
        away.setdefault(row["clerk"], set()).update(row["first"] + timedelta(n) for n in range(days))
    terms = {}
    for row in await db.fetch(CONTRACTS, hall.id):
        serves = serves_of(row["home"], row["zones"], every)
        if hall.skills_required:
            serves = [zone for zone in serves if zone in skilled.get(row["clerk"], ())]
        terms[row["clerk"]] = Terms(
            tuple(serves), row["shifts"], row["stretch"], frozenset(away.get(row["clerk"], ())), row["hours"]
        )
    rows, rest = await db.fetch(SHIFTS, hall.id, first, last), await db.fetch(REST, hall.id)
    return World(
        {(row["clerk"], row["day"]): Held(row["pattern"], row["zone"], row["window_no"]) for row in rows}, terms,
        {row["code"]: tuple(row["not_before"]) for row in rest}, {row["code"]: row["begins"] for row in rest},
        {row["code"]: Pattern("", row["begins"], row["ends"], tuple((a, b) for a, b in row["breaks"])).minutes for row in rest},
    )  # fmt: skip


async def world_of(db: Db, hall: Hall, day: date, other_day: date | None) -> World:
    """What one swap bears on."""
    days = (day, other_day or day)
    return await world(db, hall, min(days), max(days))


# --- asked, agreed, decided -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Swap:
    """`other` takes over asker's shift of `day`; with `other_day` the asker takes over theirs.

    `state`: asked, agreed, approved, refused or withdrawn; `reason` why it was refused; `zones` of the shifts as they are now.
    """

    id: int
    asker: str
    day: date
    other: str
    other_day: date | None
    state: str
    reason: str | None
    decided_by: str | None
    zones: list[str]


SWAPS = """
SELECT w.id, w.asker, w.day, w.other, w.other_day, w.state, w.reason, w.decided_by, (
    SELECT coalesce(array_agg(DISTINCT s.zone ORDER BY s.zone), '{}') FROM shifts s WHERE s.hall = w.hall AND s.zone IS NOT NULL
      AND ((s.clerk, s.day) = (w.asker, w.day) OR (s.clerk, s.day) = (w.other, w.other_day))) AS zones
FROM shift_swaps w WHERE w.hall = $1
"""


async def swaps(db: Db, hall: Hall, since: date, clerk: str | None = None) -> list[Swap]:
    """The swaps of shifts from a day on, of everybody or one clerk, the newest first."""
    more = " AND greatest(w.day, w.other_day) >= $2 AND ($3::text IS NULL OR $3 IN (w.asker, w.other)) ORDER BY w.id DESC"
    return [Swap(**row) for row in await db.fetch(SWAPS + more, hall.id, since, clerk)]


ASKED_OF = "SELECT count(*) FROM shift_swaps WHERE hall = $1 AND other = $2 AND state = 'asked' AND day >= hall_now()::date - 1"


async def asked_of(db: Db, hall: Hall, clerk: str) -> int:
    """How many swaps wait for this clerk's word."""
    count: int = await db.fetchval(ASKED_OF, hall.id, clerk)
    return count


async def get_swap(db: Db, hall: Hall, swap: int) -> Swap:
    """One swap, or NotFound."""
    row = await db.fetchrow(SWAPS + " AND w.id = $2", hall.id, swap)
    if row is None:
        raise NotFound(what="swap")
    return Swap(**row)


# The shifts two people speak of, as they are. A window is no part of it: within its zone a shift may be at any.
SPOKEN_OF = """
ARRAY(SELECT concat_ws(' ', s.clerk, s.day, s.pattern, s.zone) FROM shifts s WHERE s.hall = w.hall
      AND ((s.clerk, s.day) = (w.asker, w.day) OR (s.clerk, s.day) = (w.other, w.other_day)) ORDER BY 1)"""
ASK = f"""
INSERT INTO shift_swaps (hall, asker, day, other, other_day, meant) SELECT w.*, {SPOKEN_OF}
FROM (SELECT $1::integer, $2::text, $3::date, $4::text, $5::date) AS w(hall, asker, day, other, other_day) RETURNING id
"""


async def ask_swap(
    db: Db, hall: Hall, asker: str, day: date, other: str, other_day: date | None, *, press: Press | None = None
) -> int:  # fmt: skip
    """Ask a colleague to swap, once for a press. SwapOpen, what it would break; NoSuchShift for one begun or not published."""
    async with db.transaction():
        kept = await replay(db, press)
        if kept is not None:
            asked: int = kept.answer["swap"]
            return asked
        around = await world_of(db, hall, day, other_day)
        await still_to_come(db, hall, around, asker, day, other, other_day)
        after(around, asker, day, other, other_day)
        try:
            async with db.transaction():
                asked = await db.fetchval(ASK, hall.id, asker, day, other, other_day)
        except asyncpg.UniqueViolationError as broken:
            raise SwapOpen() from broken
        await keep(db, press, 200, {"swap": asked})
        return asked


async def still_to_come(db: Db, hall: Hall, around: World, asker: str, day: date, other: str, other_day: date | None) -> None:
    """NoSuchShift where a shift of the swap is not there (any more) or has begun."""
    today, minute = await now_of(db, hall)
    now: datetime = moment_of(hall, today, minute)
    for clerk, on in ((asker, day), *(((other, other_day),) if other_day else ())):
        held = around.shifts.get((clerk, on))
        if held is None or moment_of(hall, on, around.begins[held.pattern]) <= now:
            raise NoSuchShift()


ANSWER = f"""
UPDATE shift_swaps w SET state = CASE WHEN $4 THEN 'agreed' ELSE 'refused' END, agreed_at = CASE WHEN $4 THEN hall_now() END,
    decided_by = CASE WHEN $4 THEN NULL ELSE 'clerk:' || $3 END, decided_at = CASE WHEN $4 THEN NULL ELSE hall_now() END
WHERE hall = $1 AND id = $2 AND other = $3 AND state = 'asked' AND (NOT $4 OR meant IS NULL OR meant = {SPOKEN_OF})
"""


async def answer_swap(db: Db, hall: Hall, swap: int, clerk: str, *, agree: bool) -> bool:
    """Agree to a swap one was asked for, or not; False when that was said before. SwapGone when it ended otherwise,
    NoSuchShift where a shift is no longer the one that was meant."""
    if changed(await db.execute(ANSWER, hall.id, swap, clerk, agree)):
        return True
    found = await get_swap(db, hall, swap)
    if found.other != clerk:
        raise NotFound(what="swap")
    if agree and found.state == "asked":
        raise NoSuchShift()
    if found.state != ("agreed" if agree else "refused") and not (agree and found.state == "approved"):
        raise SwapGone(state=found.state)
    return False


WITHDRAW = """
UPDATE shift_swaps SET state = 'withdrawn' WHERE hall = $1 AND id = $2 AND asker = $3 AND state IN ('asked', 'agreed')
"""


async def withdraw_swap(db: Db, hall: Hall, swap: int, clerk: str) -> bool:
    """Take back what one asked for, before it is decided."""
    return changed(await db.execute(WITHDRAW, hall.id, swap, clerk)) > 0


LOCK = "SELECT state FROM shift_swaps WHERE hall = $1 AND id = $2 FOR UPDATE"
LOCK_BOTH = "SELECT clerk FROM contracts WHERE hall = $1 AND clerk = ANY($2) ORDER BY clerk FOR NO KEY UPDATE"
AS_MEANT = f"SELECT meant IS NULL OR meant = {SPOKEN_OF} FROM shift_swaps w WHERE id = $1"
DECIDED = "UPDATE shift_swaps SET state = $2, decided_by = $3, decided_at = hall_now(), reason = $4 WHERE id = $1"
LEAVES = "DELETE FROM shifts WHERE hall = $1 AND (clerk, day) = ($2, $3) OR hall = $1 AND (clerk, day) = ($4, $5)"
TAKES = """
INSERT INTO shifts (hall, week, day, clerk, pattern, zone, window_no, fixed) VALUES ($1, $2, $3, $4, $5, $6, $7, true)
ON CONFLICT ON CONSTRAINT one_shift_a_day DO UPDATE SET pattern = excluded.pattern, zone = excluded.zone,
    window_no = excluded.window_no, fixed = true WHERE shifts.pattern IS NULL
"""


async def decide_swap(db: Db, hall: Hall, swap: int, *, approve: bool, actor: str, reason: str | None = None) -> bool:
    """Approve an agreed swap, which changes the roster, or refuse it with a reason; False when that has been done already.

    SwapGone when it ended otherwise or nobody has agreed; what it would break by now.
    """
    if not approve and not reason:
        raise BadInput(field="reason", message="it is empty")
    async with db.transaction():
        state = await db.fetchval(LOCK, hall.id, swap)
        found = await get_swap(db, hall, swap)
        if state == ("approved" if approve else "refused"):
            return False
        if state not in (("agreed",) if approve else ("asked", "agreed")):
            raise SwapGone(state=state)
        if approve:
            await exchange(db, hall, found)
        await db.execute(DECIDED, swap, "approved" if approve else "refused", actor, None if approve else (reason or "")[:200])
        return True


async def exchange(db: Db, hall: Hall, swap: Swap) -> None:
    """Let the two have each other's shifts, in the caller's transaction; both are set by hand from then on."""
    await db.fetch(LOCK_BOTH, hall.id, [swap.asker, swap.other])
    if not await db.fetchval(AS_MEANT, swap.id):
        raise NoSuchShift()
    around = await world_of(db, hall, swap.day, swap.other_day)
    await still_to_come(db, hall, around, swap.asker, swap.day, swap.other, swap.other_day)
    then = after(around, swap.asker, swap.day, swap.other, swap.other_day)
    await db.execute(LEAVES, hall.id, swap.asker, swap.day, swap.other, swap.other_day)
    for clerk, day in ((swap.other, swap.day), *(((swap.asker, swap.other_day),) if swap.other_day else ())):
        held = then.shifts[clerk, day]
        with named(clerk):
            if not changed(await db.execute(TAKES, hall.id, monday(day), day, clerk, held.pattern, held.zone, held.window)):
                raise ShiftTaken(clerk=clerk)
