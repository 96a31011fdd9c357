"""Longer hours and no more numbers: proposed, done, taken back by hand and by the clock, held against the day's end."""

from datetime import datetime
from math import inf
from zoneinfo import ZoneInfo

import pytest

from floor.database import Connection, Pool
from floor.pages.promised import Told
from floor.people import add_user
from floor.words import words
from queueing import calls, journal, outcomes, proposals, settings, tickets, windows
from queueing.errors import PastLastTicket
from queueing.halls import Hall, get_hall
from queueing.proposals import Proposal
from queueing.settings import choose
from tests.floor.test_balancing import LI, Clock
from tests.scheduling.clocks import at

HALF_PAST_FOUR = "2027-03-01 16:30+08"
EVENING = """
UPDATE doors SET day = '2027-03-01', opens = '2027-03-01 08:30+08', last_ticket = '2027-03-01 16:55+08',
    closes = '2027-03-01 17:00+08'
WHERE day = (SELECT min(day) FROM doors)
"""
# A week ago three came for B in the quarter of an hour after half past four, and nobody later.
PAST = "INSERT INTO arrival_days (hall, day, service, quarter, people) VALUES ($1, '2027-02-22', 'B', $2, $3)"
PLAN = "INSERT INTO window_plans (hall, window_no, at, services) VALUES ($1, $2, $3, '{}')"


@pytest.fixture
async def evening(db: Connection, hall: Hall) -> Hall:
    """Half past four, window 1 serves B and nobody else could."""
    await at(db, HALF_PAST_FOUR)
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute(EVENING)
    await db.execute("DELETE FROM doors WHERE day <> '2027-03-01'")
    await add_user(db, hall.id, "li", "x", name="李", roles=["clerk"])
    await windows.open_window(db, hall, "1", "li", services=["B"], actor="clerk:li")
    await choose(db, hall.id, settings.ROUNDS, 2)
    return await get_hall(db, "demo")


async def queue(db: Connection, hall: Hall, people: int, coming: int) -> None:
    for _ in range(people):
        await tickets.take(db, hall, ["B"], actor="desk:a", channel="desk")
    await calls.call_next(db, hall, LI)
    await db.execute(PAST, hall.id, 51, coming)


@pytest.fixture
def clock(pool: Pool, db: Connection) -> Clock:
    return Clock(pool, db)


async def offered(clock: Clock, subject: str) -> Proposal:
    await clock.round()
    (found,) = [each for each in await clock.round() if each.step.subject == subject]
    assert found.state == "offered"
    return found


def moment(clock: str) -> datetime:
    return datetime.fromisoformat(f"2027-03-01T{clock}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))


async def plans(db: Connection) -> list[tuple[str, str]]:
    rows = await db.fetch("SELECT window_no, at FROM window_plans ORDER BY window_no")
    return [(row["window_no"], f"{row['at'].astimezone(ZoneInfo('Asia/Shanghai')):%H:%M}") for row in rows]


async def told(db: Connection, hall: Hall, *kinds: str) -> list[tuple[str, str]]:
    return [(e.kind, e.actor) for e in await journal.read(db, hall.id, 0) if e.kind.startswith(kinds)]


async def empty(db: Connection) -> None:
    """Everybody has gone, long before now, and nobody more is expected."""
    await db.execute("UPDATE tickets SET state = 'cancelled', ended_at = hall_now(), joined_at = joined_at - interval '3 hours'")
    await db.execute("DELETE FROM arrival_days")
    await db.execute("UPDATE proposals SET keep_until = hall_now()")


async def test_longer_hours_put_off_the_windows_end_and_give_back_only_that(db: Connection, evening: Hall, clock: Clock) -> None:
    await db.execute(PLAN, evening.id, "1", moment("17:00"))
    await queue(db, evening, 6, 0)
    found = await offered(clock, "extend:B")
    assert found.told[0].before_s == inf, "nobody would serve the last of them"
    assert await proposals.apply(db, evening, found.id, actor="manager:lin", keep_minutes=10)
    assert not await proposals.apply(db, evening, found.id, actor="manager:lin", keep_minutes=10)
    assert await plans(db) == [("1", "17:30")]
    await db.execute(PLAN, evening.id, "2", moment("17:30"))  # somebody's own plan, at the very same time
    assert await proposals.undo(db, evening, found.id, actor="manager:lin")
    assert not await proposals.undo(db, evening, found.id, actor="manager:lin")
    assert await plans(db) == [("1", "17:00"), ("2", "17:30")]
    assert await told(db, evening, "hours.", "proposal.") == [
        ("proposal.offered", "clock"), ("hours.extended", "manager:lin"), ("proposal.applied", "manager:lin"),
        ("hours.restored", "manager:lin"), ("proposal.undone", "manager:lin"),
    ]  # fmt: skip


async def test_longer_hours_go_by_themselves_once_nobody_needs_them_and_are_over_with_the_last_window(
    db: Connection, evening: Hall, clock: Clock
) -> None:
    await choose(db, evening.id, settings.REVERTS, True)
    await db.execute(PLAN, evening.id, "1", moment("17:00"))
    await queue(db, evening, 6, 0)
    found = await offered(clock, "extend:B")
    await proposals.apply(db, evening, found.id, actor="manager:lin", keep_minutes=10)
    await db.execute("UPDATE proposals SET keep_until = hall_now()")
    for _ in range(3):
        assert [each.state for each in await clock.round()] == ["applied"], "people would be left standing"
    await empty(db)
    await clock.round()
    assert await clock.round() == []
    assert await plans(db) == [("1", "17:00")]
    (gone,) = await proposals.decided(db, evening)
    assert (gone.state, (await told(db, evening, "hours.restored"))) == ("reverted", [("hours.restored", "clock")])


async def test_what_was_put_off_is_over_when_the_windows_have_closed(db: Connection, evening: Hall, clock: Clock) -> None:
    await db.execute(PLAN, evening.id, "1", moment("17:00"))
    await queue(db, evening, 6, 0)
    found = await offered(clock, "extend:B")
    await proposals.apply(db, evening, found.id, actor="manager:lin", keep_minutes=10)
    await at(db, "2027-03-01 17:31+08")
    assert [each for each in await clock.round() if each.id == found.id] == []
    assert [each.state for each in await proposals.decided(db, evening)] == ["over"]
    await at(db, "2027-03-01 18:10+08")
    await calls.arrive(db, evening, LI)
    await calls.finish(db, evening, LI)
    await outcomes.judge(db, evening, moment("18:10"))
    (kept,) = await proposals.decided(db, evening)
    assert kept.actual["B"] == {"people": 6, "waiting": 5, "p90_s": 6000}, "five have waited for 100 minutes"


async def test_no_more_numbers_until_it_is_undone_and_the_door_is_as_it_was(db: Connection, evening: Hall, clock: Clock) -> None:
    await queue(db, evening, 8, 12)
    found = await offered(clock, "stop:B")
    assert found.end_before_s is not None and found.end_after_s is not None and found.end_after_s < found.end_before_s
    assert await proposals.apply(db, evening, found.id, actor="manager:lin", keep_minutes=10)
    await at(db, "2027-03-01 16:31+08")
    with pytest.raises(PastLastTicket):
        await tickets.take(db, evening, ["B"], actor="desk:a", channel="kiosk")
    assert [each.state for each in await clock.round()] == ["applied"]
    assert await proposals.undo(db, evening, found.id, actor="manager:lin")
    await tickets.take(db, evening, ["B"], actor="desk:a", channel="kiosk")
    assert await db.fetchval("SELECT last_ticket FROM doors WHERE service = 'B'") == moment("16:55")
    assert await told(db, evening, "door.", "proposal.undone") == [
        ("door.stopped", "manager:lin"), ("door.reopened", "manager:lin"), ("proposal.undone", "manager:lin"),
    ]  # fmt: skip


async def test_a_stopped_door_opens_by_itself_once_the_day_would_end_in_time(db: Connection, evening: Hall, clock: Clock) -> None:
    await choose(db, evening.id, settings.REVERTS, True)
    await queue(db, evening, 8, 12)
    found = await offered(clock, "stop:B")
    await proposals.apply(db, evening, found.id, actor="manager:lin", keep_minutes=10)
    await db.execute("UPDATE proposals SET keep_until = hall_now()")
    for _ in range(3):
        assert [each.state for each in await clock.round()] == ["applied"], "the day would still end late"
    await empty(db)
    await clock.round()
    assert await clock.round() == []
    assert await db.fetchval("SELECT last_ticket FROM doors WHERE service = 'B'") == moment("16:55")
    assert await told(db, evening, "door.reopened") == [("door.reopened", "clock")]


async def test_its_outcome_is_when_the_day_ended_and_the_next_day_begins_without_it(
    db: Connection, evening: Hall, clock: Clock
) -> None:
    await queue(db, evening, 8, 12)
    found = await offered(clock, "stop:B")
    await proposals.apply(db, evening, found.id, actor="manager:lin", keep_minutes=10)
    await at(db, "2027-03-01 17:50+08")
    await calls.arrive(db, evening, LI)
    await calls.finish(db, evening, LI)
    await outcomes.judge(db, evening, moment("17:50"))
    (still,) = await proposals.decided(db, evening)
    assert (still.actual["ended_s"], still.judged_at) == (80 * 60, None), "seven people still wait"
    await db.execute("UPDATE tickets SET state = 'cancelled', ended_at = hall_now() WHERE state = 'waiting'")
    await at(db, "2027-03-02 04:30+08")
    assert await clock.round() == []
    (kept,) = await proposals.decided(db, evening)
    assert (kept.state, kept.judged_at is not None) == ("over", True)
    row = Told(evening, words("en"), {}, {}, moment("17:50"), None).row(kept)
    assert row["day"] is not None and row["day"]["came"] == "17:50" and "17:00" < row["day"]["told"] < "19:00"
