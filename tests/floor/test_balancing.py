"""The clock proposes, somebody decides, it is done and taken back, and what was forecast is held against what came."""

import pytest

from floor.balancing import Balancer
from floor.database import Connection, Pool
from floor.free import free_clerks
from floor.people import add_user
from queueing import calls, journal, outcomes, proposals, settings, tickets, windows
from queueing.calls import Seat
from queueing.errors import AlreadySeated, NotInThatState, ProposalGone, WindowBusy
from queueing.halls import Hall, get_hall
from queueing.proposals import Proposal
from queueing.settings import choose

LI = Seat("1", "clerk:li", "li")


# A week ago people came in the first quarter of an hour alone: whatever the clock says, nobody more is expected today.
PAST = """
INSERT INTO arrival_days (hall, day, service, quarter, people)
SELECT h.id, business_day(now(), h.time_zone, h.day_starts) - 7, s.code, 0, 1
FROM halls h JOIN services s ON s.hall = h.id WHERE h.id = $1
"""


@pytest.fixture
async def crowded(db: Connection, hall: Hall) -> Hall:
    """Window 1 serves B and ten wait for it; window 2 is empty, and an could sit there. One round is enough to be offered."""
    for name in ("li", "an"):
        await add_user(db, hall.id, name, "x", name=f"姓名{name}", roles=["clerk"])
    await windows.open_window(db, hall, "1", "li", services=["B"], actor="clerk:li")
    for _ in range(10):
        await take(db, hall)
    await calls.call_next(db, hall, LI)
    await db.execute(PAST, hall.id)
    await choose(db, hall.id, settings.ROUNDS, 2)
    return await get_hall(db, "demo")


async def take(db: Connection, hall: Hall) -> tickets.Ticket:
    return (await tickets.take(db, hall, ["B"], actor="desk:a", channel="desk")).ticket


class Clock:
    """Rounds of a balancer, each half a minute after the one before."""

    def __init__(self, pool: Pool, db: Connection) -> None:
        self.balancer, self.db, self.now = Balancer(pool), db, 1000.0

    async def round(self) -> list[Proposal]:
        await self.db.execute("DELETE FROM ticks")
        self.now += 300.0
        await self.balancer.look(self.now, self.now)
        return await proposals.live(self.db, await get_hall(self.db, "demo"))


@pytest.fixture
def clock(pool: Pool, db: Connection) -> Clock:
    return Clock(pool, db)


async def offered(clock: Clock) -> Proposal:
    await clock.round()
    (found,) = await clock.round()
    assert found.state == "offered"
    return found


async def test_a_gain_is_offered_only_when_it_lasts_and_goes_only_when_it_is_gone_for_as_long(
    db: Connection, crowded: Hall, clock: Clock
) -> None:
    (forming,) = await clock.round()
    assert (forming.state, forming.step.subject, forming.step.clerk) == ("forming", "open:2:B", "an")
    (seen,) = await clock.round()
    assert seen.state == "offered" and seen.told[0].before_s > 2 * seen.told[0].after_s * 0.7
    for ticket in await db.fetch("SELECT key FROM tickets WHERE state = 'waiting'"):
        await tickets.cancel(db, crowded, ticket["key"], actor="citizen")
    (still,) = await clock.round()
    assert (still.state, still.rounds) == ("offered", 1)
    assert await clock.round() == []
    (gone,) = await proposals.decided(db, crowded)
    assert (gone.state, gone.decided_by) == ("expired", "clock")
    kinds = [e.kind for e in await journal.read(db, crowded.id, 0) if e.kind.startswith("proposal.")]
    assert kinds == ["proposal.offered", "proposal.expired"]


async def test_a_gain_that_does_not_last_is_never_seen(db: Connection, crowded: Hall, clock: Clock) -> None:
    await clock.round()
    await db.execute("UPDATE tickets SET state = 'cancelled', ended_at = now() WHERE state = 'waiting'")
    assert await clock.round() == []
    assert await db.fetchval("SELECT count(*) FROM proposals") == 0


async def test_applied_it_opens_the_window_once_and_the_record_names_the_cause(
    db: Connection, crowded: Hall, clock: Clock
) -> None:
    found = await offered(clock)
    assert await proposals.apply(db, crowded, found.id, actor="manager:lin", keep_minutes=30)
    assert not await proposals.apply(db, crowded, found.id, actor="manager:lin", keep_minutes=30)
    window = await windows.get_window(db, crowded, "2")
    assert (window.state, window.clerk, "B" in window.services) == ("open", "an", True)
    rows = [e for e in await journal.read(db, crowded.id, 0) if e.kind in ("window.opened", "proposal.applied")][1:]
    assert [(row.kind, row.actor, row.window) for row in rows] == [
        ("window.opened", "manager:lin", "2"), ("proposal.applied", "manager:lin", "2"),
    ]  # fmt: skip
    assert rows[0].cause == rows[1].cause is not None
    (applied,) = await clock.round()
    assert (applied.state, applied.actual["B"]["waiting"]) == ("applied", 9)


async def test_undone_it_closes_the_window_again_unless_somebody_is_served_there(
    db: Connection, crowded: Hall, clock: Clock
) -> None:
    found = await offered(clock)
    await proposals.apply(db, crowded, found.id, actor="manager:lin", keep_minutes=30)
    an = Seat("2", "clerk:an", "an")
    await calls.call_next(db, crowded, an)
    with pytest.raises(WindowBusy):
        await proposals.undo(db, crowded, found.id, actor="manager:lin")
    assert (await proposals.live(db, crowded))[0].state == "applied", "all of it or nothing"
    await calls.arrive(db, crowded, an)
    await calls.finish(db, crowded, an)
    assert await proposals.undo(db, crowded, found.id, actor="manager:lin")
    assert (await windows.get_window(db, crowded, "2")).state == "closed"
    assert not await proposals.undo(db, crowded, found.id, actor="manager:lin")
    with pytest.raises(ProposalGone):
        await proposals.apply(db, crowded, found.id, actor="manager:lin", keep_minutes=30)


async def test_refused_it_is_kept_and_its_forecast_of_doing_nothing_is_judged(
    db: Connection, crowded: Hall, clock: Clock
) -> None:
    found = await offered(clock)
    assert await proposals.refuse(db, crowded, found.id, actor="manager:lin")
    with pytest.raises(ProposalGone):
        await proposals.undo(db, crowded, found.id, actor="manager:lin")
    await db.execute("UPDATE proposals SET decided_at = decided_at - interval '2 hours'")
    await db.execute("UPDATE tickets SET joined_at = joined_at - interval '125 minutes'")
    now = await db.fetchval("SELECT hall_now()")
    assert await outcomes.judge(db, crowded, now) == 1
    (kept,) = await proposals.decided(db, crowded)
    assert kept.state == "refused" and kept.judged_at is not None
    assert kept.actual["B"] | {"p90_s": 0} == {"people": 10, "waiting": 9, "p90_s": 0}
    assert 7490 <= kept.actual["B"]["p90_s"] <= 7560


async def test_when_its_load_is_gone_it_is_taken_back_after_its_time_where_the_hall_wants_it(
    db: Connection, crowded: Hall, clock: Clock
) -> None:
    found = await offered(clock)
    await proposals.apply(db, crowded, found.id, actor="manager:lin", keep_minutes=30)
    await db.execute("UPDATE tickets SET state = 'cancelled', ended_at = now() WHERE state = 'waiting'")
    await db.execute("UPDATE tickets SET joined_at = joined_at - interval '3 hours'")  # and nobody has come for long
    await clock.round()
    await clock.round()
    assert (await proposals.live(db, crowded))[0].rounds == 0, "its minimum time is not over"
    await db.execute("UPDATE proposals SET keep_until = hall_now()")
    await clock.round()
    await clock.round()
    (calm,) = await proposals.live(db, crowded)
    assert (calm.state, calm.rounds) == ("applied", 2), "nobody has asked for it to go by itself"
    await choose(db, crowded.id, settings.REVERTS, True)
    assert await clock.round() == []
    assert [(each.state, each.decided_by) for each in await proposals.decided(db, crowded)] == [("reverted", "manager:lin")]
    assert (await windows.get_window(db, crowded, "2")).state == "closed"


async def test_a_window_closed_by_its_own_clerk_is_over_and_the_clerk_has_a_break(
    db: Connection, crowded: Hall, clock: Clock
) -> None:
    found = await offered(clock)
    await proposals.apply(db, crowded, found.id, actor="manager:lin", keep_minutes=30)
    await windows.close(db, crowded, "2", actor="clerk:an", seat="an")
    assert await clock.round() == []
    assert [each.state for each in await proposals.decided(db, crowded)] == ["over"]
    assert await free_clerks(db, crowded) == [], "who has just risen is not sent back"


async def test_a_rule_of_the_tide_opens_the_window_itself_where_the_hall_wants_it(
    db: Connection, crowded: Hall, clock: Clock
) -> None:
    await choose(db, crowded.id, settings.GAIN, 120)
    assert [each.state for each in await clock.round()] == [], "for the forecast alone the gain is too small"
    await choose(db, crowded.id, settings.TIDE_QUEUE, 8)
    await choose(db, crowded.id, settings.TIDE_ACTS, True)
    await clock.round()
    await clock.round()
    (applied,) = await proposals.live(db, crowded)
    assert (applied.state, applied.rule, applied.decided_by) == ("applied", "tide_queue", "rule:tide_queue")
    assert (await windows.get_window(db, crowded, "2")).clerk == "an"


async def test_without_the_skill_nobody_is_proposed(db: Connection, crowded: Hall, clock: Clock) -> None:
    await db.execute("UPDATE halls SET skills_required = true")
    assert await clock.round() == []
    await db.execute("INSERT INTO skills (hall, clerk, service, until) VALUES ($1, 'an', 'B', '2020-01-01')", crowded.id)
    assert await clock.round() == [], "a skill that has run out is none"
    await db.execute("UPDATE skills SET until = NULL")
    assert [each.step.clerk for each in await clock.round()] == ["an"]


async def test_two_clocks_do_a_round_once(pool: Pool, db: Connection, crowded: Hall) -> None:
    for process in (Balancer(pool), Balancer(pool)):
        await process.look(1000.0, 1000.0)
    assert [(each.state, each.rounds) for each in await proposals.live(db, crowded)] == [("forming", 1)]


async def test_a_clerk_seated_meanwhile_leaves_the_proposal_as_it_was(db: Connection, crowded: Hall, clock: Clock) -> None:
    found = await offered(clock)
    await db.execute("INSERT INTO windows (hall, no, name, zone, serves, rank) VALUES ($1, '3', '3', 'A', '{A}', 3)", crowded.id)
    await windows.open_window(db, crowded, "3", "an", actor="clerk:an")
    with pytest.raises(AlreadySeated):
        await proposals.apply(db, crowded, found.id, actor="manager:lin", keep_minutes=30)
    assert (await proposals.live(db, crowded))[0].state == "offered"
    lost = [each.state for each in await clock.round() if each.id == found.id]
    assert lost == [], "what can't be done any more goes at once"


async def test_help_adds_a_service_and_undone_takes_it_away_and_breaks_nobodys_pause(
    db: Connection, crowded: Hall, clock: Clock
) -> None:
    await windows.open_window(db, crowded, "2", "an", services=["A"], actor="clerk:an")
    found = await offered(clock)
    assert found.step.subject == "help:2:B"
    await windows.pause(db, crowded, "2", actor="clerk:an", seat="an")
    with pytest.raises(NotInThatState):
        await proposals.apply(db, crowded, found.id, actor="manager:lin", keep_minutes=30)
    await windows.resume(db, crowded, "2", actor="clerk:an", seat="an")
    await proposals.apply(db, crowded, found.id, actor="manager:lin", keep_minutes=30)
    assert (await windows.get_window(db, crowded, "2")).services == ["A", "B"]
    await proposals.undo(db, crowded, found.id, actor="manager:lin")
    assert (await windows.get_window(db, crowded, "2")).services == ["A"]
