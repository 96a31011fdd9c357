"""A dispenser goes on alone with numbers nobody else has, and every ticket it gave out comes home exactly once."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from floor.database import connect
from queueing import calls, journal, numbers, tickets, windows
from queueing.calls import Seat
from queueing.day_roll import expire_day
from queueing.db import Db
from queueing.errors import NumberInUse
from queueing.halls import Hall
from queueing.numbers import Issued, Lease
from tests.devices.halls import set_time
from tests.queueing.acts import TakesTickets

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
Verdicts = list[tuple[int, str | None]]


async def lend(db: Db, hall: Hall, device: str = "dv_1", first: int = 2001, **more: int) -> list[Lease]:
    await numbers.grant(db, hall.id, device, first, LONG_AGO, more)
    return await numbers.leases(db, hall.id, device, LONG_AGO)


def given(seq: int, lease: Lease, number: int | None = None, **more: object) -> Issued:
    at = datetime.now(UTC)
    made = Issued(seq, lease.lease_id, number or lease.first, at, 1000 * seq, timedelta(), None, "zh-Hans")
    return replace(made, **more)  # type: ignore[arg-type]


async def verdicts(db: Db) -> Verdicts:
    return [tuple(row) for row in await db.fetch("SELECT seq, disputed FROM offline_tickets ORDER BY id")]


async def test_each_dispenser_holds_numbers_of_its_own_for_every_open_door(db: Db, hall: Hall) -> None:
    held = [
        [(lease.service, lease.first, lease.last) for lease in await lend(db, hall, f"dv_{n}", 1001 + 1000 * n)] for n in (1, 2)
    ]
    assert held == [[("A", 2001, 2020), ("B", 2001, 2020)], [("A", 3001, 3020), ("B", 3001, 3020)]]


async def test_services_of_one_prefix_share_a_range_without_meeting(db: Db, hall: Hall) -> None:
    await db.execute("UPDATE services SET prefix = 'A'")
    assert [(lease.service, lease.first) for lease in await lend(db, hall)] == [("A", 2001), ("B", 2021)]


async def test_a_lease_is_as_large_as_the_peak_hour_times_the_hours_to_survive(db: Db, hall: Hall) -> None:
    sizes = {lease.service: lease.last - lease.first + 1 for lease in await lend(db, hall, A=30, B=900)}
    assert sizes == {"A": 30 * 4, "B": 500}


async def test_the_peak_hour_is_measured(db: Db, hall: Hall, take: TakesTickets) -> None:
    for service in ("A", "A", "A", "B"):
        await take(service)
    await db.execute("UPDATE tickets SET joined_at = date_trunc('hour', joined_at) - interval '1 hour' WHERE number = 'A001'")
    assert await numbers.peaks(db, hall.id) == {"A": 2, "B": 1}


async def test_asking_again_changes_nothing_until_half_is_used(db: Db, hall: Hall) -> None:
    first = (await lend(db, hall))[0]
    assert [lease.first for lease in await lend(db, hall)] == [2001, 2001]
    for seq in range(1, 12):
        assert await numbers.accept(db, hall.id, "dv_1", given(seq, first, 2000 + seq))
    assert [(lease.service, lease.first, lease.last) for lease in await lend(db, hall)] == [
        ("A", 2001, 2020), ("A", 2021, 2040), ("B", 2001, 2020),
    ]  # fmt: skip


async def test_a_lease_grows_older_with_its_dispenser_and_dies_with_the_door(db: Db, hall: Hall) -> None:
    start = await db.fetchval("SELECT min(opens) + interval '2 hours' FROM doors WHERE hall = $1", hall.id)
    await set_time(db, start)
    (was, _) = await lend(db, hall)
    await set_time(db, start + timedelta(hours=1))
    (now, _) = await lend(db, hall)
    await db.execute("UPDATE doors SET last_ticket = hall_now() + interval '20 min' WHERE service = 'A' AND opens < hall_now()")
    (shut, _) = await lend(db, hall)
    assert [lease.until - start for lease in (was, now, shut)] == [
        timedelta(hours=4), timedelta(hours=5), timedelta(hours=1, minutes=20),
    ]  # fmt: skip
    await set_time(db, start + timedelta(hours=1, minutes=20))
    assert [lease.service for lease in await lend(db, hall)] == ["B"]


async def test_nothing_is_lent_for_a_shut_door_or_where_the_hall_says_never(db: Db, hall: Hall) -> None:
    await db.execute("UPDATE doors SET left_places = 0 WHERE service = 'A'")
    assert [lease.service for lease in await lend(db, hall)] == ["B"]
    await db.execute("UPDATE services SET real_name = 'required' WHERE code = 'B'")  # nobody there could look at an ID card
    assert await lend(db, hall, "dv_3", 4001) == []
    await db.execute("UPDATE services SET real_name = 'none' WHERE code = 'B'")
    await db.execute("UPDATE halls SET offline_minutes = 0")
    assert await lend(db, hall, "dv_2", 3001) == []


async def test_the_day_roll_ends_every_lease(db: Db, hall: Hall) -> None:
    await lend(db, hall)
    rolls = await db.fetchval("SELECT max(opens) FROM doors WHERE hall = $1", hall.id)
    await set_time(db, rolls)
    assert await numbers.leases(db, hall.id, "dv_1", LONG_AGO) == []
    assert [(lease.first, lease.opens) for lease in await lend(db, hall)] == [(2001, rolls), (2001, rolls)]


async def test_a_new_box_is_not_lent_what_the_old_one_may_have_printed(db: Db, hall: Hall) -> None:
    await lend(db, hall)
    paired_at = await db.fetchval("SELECT clock_timestamp()")
    await numbers.grant(db, hall.id, "dv_1", 2001, paired_at, {})
    assert [lease.first for lease in await numbers.leases(db, hall.id, "dv_1", paired_at)] == [2021, 2021]


async def test_two_leases_never_hold_one_number(db: Db, hall: Hall) -> None:
    (lease, _) = await lend(db, hall)
    with pytest.raises(asyncpg.ExclusionViolationError) as broken:
        await db.execute(
            """INSERT INTO leases (hall, day, service, prefix, device, first, last, opens, until)
               SELECT hall, day, 'B', prefix, 'dv_9', last, last + 5, opens, until FROM leases WHERE id = $1""", lease.id
        )  # fmt: skip
    assert broken.value.constraint_name == "lease_numbers_once"


async def test_the_halls_own_counter_steps_over_what_is_lent(db: Db, hall: Hall, take: TakesTickets) -> None:
    await lend(db, hall)
    await lend(db, hall, "dv_2", 3001)
    await db.execute("UPDATE numbers SET newest = 1999 WHERE prefix = 'A'")
    assert [(await take("A")).ticket.number for _ in range(3)] == ["A2000", "A4001", "A4002"]


async def test_numbers_the_hall_has_reached_are_not_lent(db: Db, hall: Hall, take: TakesTickets) -> None:
    await take("A")
    await db.execute("UPDATE numbers SET newest = 2001 WHERE prefix = 'A'")
    assert [lease.service for lease in await lend(db, hall)] == ["B"]
    assert (await take("A")).ticket.number == "A2002"


async def test_an_offline_ticket_is_a_ticket_taken_when_it_was_given_out(db: Db, hall: Hall) -> None:
    (lease, _) = await lend(db, hall)
    start = await db.fetchval(
        "UPDATE leases SET granted_at = granted_at - interval '1 min' WHERE service = 'A' RETURNING granted_at"
    )
    behind = given(1, lease, at=start + timedelta(seconds=9), offset=timedelta(seconds=-8.5), key="k" * 22, lang="en")
    assert await numbers.accept(db, hall.id, "dv_1", behind)
    ticket = await tickets.by_key(db, "k" * 22)
    assert (ticket.number, ticket.state, ticket.channel, ticket.lang) == ("A2001", "waiting", "offline", "en")
    assert (ticket.joined_at, ticket.rank_at) == (start + timedelta(seconds=0.5),) * 2
    (entry,) = await journal.read(db, hall.id, 0)
    assert (entry.kind, entry.actor, entry.ticket) == ("ticket.taken", "device:dv_1", ticket.id)
    told = [entry.data[of] for of in ("ticket", "channel", "print_at", "seq")]
    assert told == ["A2001", "offline", None, 1]


async def test_its_place_in_the_queue_is_held_between_the_grant_and_now(db: Db, hall: Hall) -> None:
    (lease, _) = await lend(db, hall)
    granted = await db.fetchval("SELECT granted_at FROM leases WHERE id = $1", lease.id)
    await numbers.accept(db, hall.id, "dv_1", given(1, lease, 2001, at=granted - timedelta(hours=1)))
    await numbers.accept(db, hall.id, "dv_1", given(2, lease, 2002, at=granted + timedelta(hours=1)))
    ranks = [row["rank_at"] for row in await db.fetch("SELECT rank_at FROM tickets ORDER BY id")]
    assert ranks[0] == granted and granted < ranks[1] <= await db.fetchval("SELECT clock_timestamp()")


async def test_who_was_given_a_number_alone_is_called_in_the_order_of_that_time(db: Db, hall: Hall, take: TakesTickets) -> None:
    (lease, _) = await lend(db, hall)
    at = await db.fetchval("SELECT clock_timestamp()")
    await take("A")
    await numbers.accept(db, hall.id, "dv_1", given(1, lease, at=at))
    await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    act = await calls.call_next(db, hall, Seat("1", "clerk:li", "li"))
    assert isinstance(act, tickets.Act) and act.ticket.number == "A2001"


async def test_a_batch_brought_again_changes_nothing(db: Db, hall: Hall) -> None:
    (lease, _) = await lend(db, hall)
    batch = [given(seq, lease, 2000 + seq) for seq in range(1, 6)]
    for _ in range(2):
        assert [await numbers.accept(db, hall.id, "dv_1", ticket) for ticket in batch] == [True] * 5
    assert (await db.fetchval("SELECT count(*) FROM tickets"), (await journal.top(db, hall.id)).offset) == (5, 5)
    assert await numbers.issued(db, "dv_1") == 5


async def test_two_links_that_take_in_one_batch_make_one_ticket(db: Db, hall: Hall, database_url: str) -> None:
    (lease, _) = await lend(db, hall)
    others = [await connect(database_url) for _ in range(4)]
    ticket = given(1, lease)
    assert await asyncio.gather(*(numbers.accept(other, hall.id, "dv_1", ticket) for other in others)) == [True] * 4
    assert await db.fetchval("SELECT count(*) FROM tickets") == 1
    for other in others:
        await other.close()


async def test_what_does_not_fit_its_lease_is_kept_for_a_person_and_told(db: Db, hall: Hall, take: TakesTickets) -> None:
    (lease, _) = await lend(db, hall)
    (theirs, _) = await lend(db, hall, "dv_2", 3001)
    await numbers.accept(db, hall.id, "dv_1", given(1, lease))
    brought = [
        given(2, lease, 2021), given(3, theirs), replace(given(4, lease), lease="ls_999"),
        replace(given(5, lease), lease="nonsense"),
        given(6, lease, 2002, at=lease.until + timedelta(minutes=2)), given(7, lease, 2001), given(1, lease, 2003),
    ]  # fmt: skip
    for _ in range(2):
        said = [await numbers.accept(db, hall.id, "dv_1", ticket) for ticket in brought]
    assert said == [True] * 7  # known by now
    assert await verdicts(db) == [
        (1, None), (2, "outside_lease"), (3, "unknown_lease"), (4, "unknown_lease"), (5, "unknown_lease"), (6, "after_deadline"),
        (7, "number_taken"), (1, "seq_reused"),
    ]  # fmt: skip
    told = await journal.read(db, hall.id, 1)
    assert [(entry.kind, entry.data["reason"], entry.ticket) for entry in told] == [
        ("ticket.disputed", reason, None) for _, reason in (await verdicts(db))[1:]
    ]
    assert [(d.printed, d.service, d.reason) for d in await numbers.disputes(db, hall.id)][:3] == [
        ("A2021", "A", "outside_lease"), ("A3001", "A", "unknown_lease"), ("2001", None, "unknown_lease"),
    ]  # fmt: skip
    assert [ticket.number for ticket in await tickets.find(db, hall)] == ["A2001"]


async def test_a_ticket_of_yesterday_comes_home_and_ends_with_its_day(db: Db, hall: Hall) -> None:
    (lease, _) = await lend(db, hall)
    rolls = await db.fetchval("SELECT max(opens) FROM doors WHERE hall = $1", hall.id)
    await set_time(db, rolls + timedelta(minutes=1))
    assert await numbers.accept(db, hall.id, "dv_1", given(1, lease))
    assert await expire_day(db, hall.id) == 1
    (ticket,) = await tickets.find(db, hall, day=lease.day)
    assert (ticket.number, ticket.state) == ("A2001", "expired")


async def test_an_offline_ticket_takes_a_counted_place_and_never_fails_for_want_of_one(db: Db, hall: Hall) -> None:
    await db.execute("UPDATE doors SET left_places = 1")
    (lease, _) = await lend(db, hall)
    for seq in (1, 2):
        assert await numbers.accept(db, hall.id, "dv_1", given(seq, lease, 2000 + seq))
    assert await db.fetchval("SELECT left_places FROM doors WHERE service = 'A' AND day = $1", lease.day) == 0


async def test_offline_tickets_of_a_short_job_stand_in_the_short_line(db: Db, hall: Hall) -> None:
    await db.execute("UPDATE services SET quick = true WHERE code = 'A'")
    (lease, _) = await lend(db, hall)
    await numbers.accept(db, hall.id, "dv_1", given(1, lease, 2001))
    await numbers.accept(db, hall.id, "dv_1", given(2, lease, 2050))
    (dispute,) = await numbers.disputes(db, hall.id)
    await numbers.settle(db, hall.id, dispute.id, admit=True, actor="manager:lin")
    assert [ticket.lane for ticket in await tickets.find(db, hall)] == [2, 2]


async def test_a_disputed_ticket_joins_the_queue_where_it_would_have_stood_or_is_noted_as_seen_to(db: Db, hall: Hall) -> None:
    (lease, _) = await lend(db, hall)
    for seq, number in ((1, 2050), (2, 2051), (3, 2052)):
        await numbers.accept(db, hall.id, "dv_1", given(seq, lease, number))
    first, second, third = await numbers.disputes(db, hall.id)
    for _ in range(2):
        await numbers.settle(db, hall.id, first.id, admit=True, actor="manager:lin")
        await numbers.settle(db, hall.id, second.id, admit=False, actor="manager:lin")
    assert [dispute.id for dispute in await numbers.disputes(db, hall.id)] == [third.id]
    assert [(t.number, t.state, t.rank_at) for t in await tickets.find(db, hall)] == [("A2050", "waiting", first.joined_at)]
    told = [(entry.kind, entry.actor, entry.data["ticket"]) for entry in await journal.read(db, hall.id, 3)]
    assert told == [("ticket.taken", "manager:lin", "A2050"), ("ticket.dispute_settled", "manager:lin", "A2051")]


async def test_a_disputed_number_that_is_in_use_cannot_join(db: Db, hall: Hall) -> None:
    (lease, _) = await lend(db, hall)
    await numbers.accept(db, hall.id, "dv_1", given(1, lease, 2001))
    await numbers.accept(db, hall.id, "dv_1", given(2, lease, 2001))
    (dispute,) = await numbers.disputes(db, hall.id)
    with pytest.raises(NumberInUse):
        await numbers.settle(db, hall.id, dispute.id, admit=True, actor="manager:lin")
