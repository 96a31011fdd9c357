"""The ladder: one step after the other, each offered once, whatever the clock missed, and its end said."""

import asyncio
from dataclasses import replace

import pytest

from floor.database import Connection, Pool
from queueing import calls, journal
from queueing.calls import Seat
from queueing.day_roll import expire_day
from queueing.halls import Hall, get_hall
from queueing.settings import choose
from queueing.windows import close, open_window
from scheduling import escalation, ticks
from scheduling.escalation import LADDER, Case, Queue, climb, hall_steps, thresholds, visitor_steps
from scheduling.ticks import TICKS
from tests.scheduling.clocks import at
from tests.scheduling.halls import DAY, number, slot, until_five

CLIMB = next(tick for tick in TICKS if tick.rule == "ladder.climb")
ROLL = next(tick for tick in TICKS if tick.rule == "tickets.expire")
STEPS = "SELECT step, subject, state, why FROM escalations ORDER BY id"


@pytest.fixture
async def busy(db: Connection, hall: Hall) -> Hall:
    """A hall that closes at five; window 1 serves A, nobody serves B. Slots of both services tomorrow at nine."""
    shut = await until_five(db, hall)
    await open_window(db, shut, "1", "li", services=["A"], actor="clerk:li")
    return shut


async def by(db: Connection, hall: Hall, moment: str, day: str = DAY) -> list[tuple[str, str, str]]:
    """Let it be that time, climb, and say which steps stand how."""
    await at(db, f"{day} {moment}+08")
    await climb(db, hall)
    return [(row["step"], row["subject"], row["state"]) for row in await db.fetch(STEPS)]


def test_the_ladder_is_in_order_and_ends_at_the_door(hall: Hall) -> None:
    assert [rung.step for rung in LADDER] == ["alert", "tidal", "helpers", "extend", "slot", "doorstep"]
    assert list(thresholds(hall).values()) == [20, 30, 40, 60, 90]
    later = replace(hall, chosen={"ladder_alert_min": 45, "ladder_slot_min": 0})
    assert thresholds(later) == {"alert": 45, "tidal": 45, "helpers": 45, "slot": None, "doorstep": 90}


def test_what_is_due_for_a_service() -> None:
    after = {"alert": 20, "tidal": 30, "helpers": None, "slot": 60, "doorstep": 90}
    queue = Queue("A", waiting=3, longest=31.0, closes=None, stays=True)
    assert hall_steps(queue, after) == ["alert", "tidal"]
    assert hall_steps(replace(queue, longest=26.0), after) == ["alert"]
    assert hall_steps(replace(queue, longest=26.0), after, calm=5) == ["alert", "tidal"]
    assert hall_steps(replace(queue, longest=1.0, late=True), after) == ["extend"]
    assert hall_steps(replace(queue, waiting=0, late=True), after) == []


CASE = Case(1, "A", "waiting", 10.0, False, False, True, True, None, False, None)


@pytest.mark.parametrize(
    ("change", "due"),
    [
        ({}, []),
        ({"waited": 60.0}, ["slot"]),
        ({"waited": 60.0, "state": "held"}, []),
        ({"waited": 95.0, "slot": "offered"}, []),
        ({"waited": 95.0, "slot": "offered", "silent": True}, ["doorstep"]),
        ({"waited": 95.0, "slot": "refused"}, ["doorstep"]),
        ({"waited": 95.0, "slot": "refused", "doorstep": "refused"}, []),
        ({"drained": True}, []),  # an open window will serve them: extended hours
        ({"drained": True, "closed": True}, []),
        ({"drained": True, "closed": True, "stays": False}, ["slot"]),
        ({"drained": True, "reached": False}, ["slot"]),
        ({"drained": True, "reached": False, "state": "missed", "slot": "lapsed"}, ["doorstep"]),
    ],
)
def test_what_is_due_for_a_visitor(change: dict[str, object], due: list[str]) -> None:
    after = {"alert": 20, "tidal": 30, "helpers": 40, "slot": 60, "doorstep": 90}
    assert visitor_steps(replace(CASE, **change), after) == due  # type: ignore[arg-type]


async def test_each_step_follows_the_one_before_and_its_end_is_said(db: Connection, busy: Hall) -> None:
    first, second = await number(db, busy), await number(db, busy)
    own = [f"ticket:{act.ticket.id}" for act in (first, second)]
    assert await by(db, busy, "09:19") == []
    assert await by(db, busy, "09:20") == [("alert", "service:A", "offered")]
    steps = [("alert", "service:A", "offered"), ("tidal", "service:A", "offered"), ("helpers", "service:A", "offered")]
    assert await by(db, busy, "09:40") == steps
    assert await by(db, busy, "10:00") == [*steps, ("slot", own[0], "offered"), ("slot", own[1], "offered")]
    assert await by(db, busy, "10:01") == [*steps, ("slot", own[0], "offered"), ("slot", own[1], "offered")]
    await calls.call_next(db, busy, Seat("1", "clerk:li", "li"))
    await calls.finish(db, busy, Seat("1", "clerk:li", "li"))
    found = await by(db, busy, "10:30")
    assert found[3:] == [("slot", own[0], "lapsed"), ("slot", own[1], "offered"), ("doorstep", own[1], "offered")]
    assert await db.fetchval("SELECT why FROM escalations WHERE subject = $1", own[0]) == "served"
    told = [entry for entry in await journal.read(db, busy.id, 0) if entry.kind.startswith("escalation.")]
    assert [(e.kind, e.data["step"]) for e in told] == [
        ("escalation.offered", "alert"), ("escalation.offered", "tidal"), ("escalation.offered", "helpers"),
        ("escalation.offered", "slot"), ("escalation.offered", "slot"), ("escalation.lapsed", "slot"),
        ("escalation.offered", "doorstep"),
    ]  # fmt: skip
    assert told[3].data["start"] == "2027-03-04T01:00:00+00:00" and told[3].ticket == first.ticket.id
    await db.execute("UPDATE tickets SET state = 'cancelled', ended_at = hall_now() WHERE id = $1", second.ticket.id)
    assert {state for _, _, state in await by(db, busy, "10:31")} == {"lapsed"}


async def test_at_the_drain_whom_no_window_serves_is_offered_a_slot_and_the_others_stay(db: Connection, busy: Hall) -> None:
    await at(db, f"{DAY} 16:29+08")
    served, left, held = await number(db, busy), await number(db, busy, "B"), await number(db, busy)
    await db.execute("UPDATE tickets SET state = 'missed' WHERE id = $1", held.ticket.id)
    await by(db, busy, "16:29")
    assert await by(db, busy, "16:30") == [
        ("slot", f"ticket:{left.ticket.id}", "offered"), ("slot", f"ticket:{held.ticket.id}", "offered")
    ]  # fmt: skip
    await db.execute("UPDATE doors SET drain = false")
    assert (await by(db, busy, "17:00"))[2:] == [
        ("alert", "service:A", "offered"), ("tidal", "service:A", "offered"),
        ("extend", "service:A", "offered"), ("alert", "service:B", "offered"), ("tidal", "service:B", "offered"),
        ("slot", f"ticket:{served.ticket.id}", "offered"), ("doorstep", f"ticket:{left.ticket.id}", "offered"),
        ("doorstep", f"ticket:{held.ticket.id}", "offered"),
    ]  # fmt: skip


async def test_without_a_free_slot_the_next_step_is_a_visit_and_nobody_just_expires(db: Connection, busy: Hall) -> None:
    await db.execute("UPDATE slots SET taken = capacity")
    await at(db, f"{DAY} 16:29+08")
    left = f"ticket:{(await number(db, busy, 'B')).ticket.id}"
    assert await by(db, busy, "16:31") == [("slot", left, "lapsed")]
    assert await by(db, busy, "16:32") == [("slot", left, "lapsed"), ("doorstep", left, "offered")]
    await at(db, "2027-03-04 04:01+08")
    assert await expire_day(db, busy.id) == 1
    await climb(db, busy)
    assert [tuple(row) for row in await db.fetch(STEPS)] == [
        ("slot", left, "lapsed", "none_free"), ("doorstep", left, "lapsed", "no_answer")
    ]  # fmt: skip


async def test_before_closing_a_queue_that_will_not_be_through_has_extended_hours(db: Connection, busy: Hall) -> None:
    await at(db, f"{DAY} 15:50+08")
    for _ in range(15):
        await number(db, busy)
    assert await by(db, busy, "15:55") == []
    assert await by(db, busy, "16:01") == [("extend", "service:A", "accepted")]  # the kind of day has windows stay
    await db.execute("DELETE FROM escalations")
    await db.execute("UPDATE doors SET drain = false")
    assert await by(db, busy, "16:02") == [("extend", "service:A", "offered")]


async def test_many_clocks_and_three_hours_without_any_offer_each_step_once(pool: Pool, db: Connection, busy: Hall) -> None:
    for _ in range(3):
        await number(db, busy)
    await ticks.run(db, CLIMB, busy)
    await at(db, f"{DAY} 12:00+08")

    async def clock() -> int | None:
        async with pool.acquire() as own:
            return await ticks.run(own, CLIMB, busy)

    outcomes = await asyncio.gather(*(clock() for _ in range(5)))
    assert sorted(outcomes, key=str) == [6, None, None, None, None]
    await at(db, f"{DAY} 12:01+08")
    assert await asyncio.gather(*(climb(db, busy) for _ in range(1))) == [0]
    counts = await db.fetch("SELECT count(*) AS n FROM escalations GROUP BY step, subject")
    assert [row["n"] for row in counts] == [1] * 6
    # The same in one moment past the claim: the database itself has each step once.
    await db.execute("DELETE FROM escalations")

    async def unclaimed() -> int:
        async with pool.acquire() as own, own.transaction():
            return await climb(own, busy)

    assert sum(await asyncio.gather(*(unclaimed() for _ in range(4)))) == 6


async def test_an_evening_without_a_clock_leaves_nobody_without_an_offer_and_says_how_each_stood(
    db: Connection, busy: Hall
) -> None:
    await at(db, f"{DAY} 16:29+08")
    acts = [await number(db, busy) for _ in range(3)]
    await db.execute("UPDATE tickets SET state = 'missed' WHERE id = $1", acts[1].ticket.id)
    await calls.call_next(db, busy, Seat("1", "clerk:li", "li"))
    await slot(db, busy, "A", "2027-03-05 09:00+08")
    await at(db, "2027-03-04 08:30+08")
    assert await ticks.run(db, ROLL, busy) == 5  # two offers, three endings
    assert await climb(db, busy) == 0  # they stand for some days
    told = [row for row in await journal.read(db, busy.id, 0) if row.kind == "ticket.expired"]
    assert [row.data["why"] for row in told] == ["at_window", "did_not_come", "not_served"]
    assert [(row["step"], row["subject"], row["state"]) for row in await db.fetch(STEPS)] == [
        ("slot", f"ticket:{acts[1].ticket.id}", "offered"), ("slot", f"ticket:{acts[2].ticket.id}", "offered"),
    ]  # fmt: skip
    await at(db, "2027-03-12 08:30+08")
    assert await climb(db, busy) == 2
    assert {(row["state"], row["why"]) for row in await db.fetch(STEPS)} == {("lapsed", "no_answer")}


async def test_thresholds_of_nought_lead_nowhere(db: Connection, busy: Hall) -> None:
    for rung in LADDER:
        await choose(db, busy.id, rung.after, 0)
    quiet = replace(await get_hall(db, "demo"), always_open=False)
    await number(db, quiet)
    await close(db, quiet, "1", actor="clerk:li", override=True)
    assert await by(db, quiet, "16:00") == []
    assert [step for step, _, _ in await by(db, quiet, "16:45")] == ["slot"]  # at the drain nobody is left out
    assert escalation.SETTINGS[0].usual == 20


async def test_a_hall_that_goes_to_nobodys_door_offers_no_visit_and_says_so(db: Connection, busy: Hall) -> None:
    await db.execute("DELETE FROM doorstep_matters")
    await db.execute("UPDATE slots SET taken = capacity")
    await at(db, f"{DAY} 16:29+08")
    left = f"ticket:{(await number(db, busy, 'B')).ticket.id}"
    await by(db, busy, "16:31")
    assert await by(db, busy, "16:32") == [("slot", left, "lapsed"), ("doorstep", left, "lapsed")]
    assert await db.fetchval("SELECT why FROM escalations WHERE step = 'doorstep'") == "none_made"
