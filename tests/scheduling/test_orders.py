"""An agent order: its stages by working days, whose it is, and many handed in without pushing anybody aside."""

import asyncio
from datetime import date, timedelta

import pytest

from floor.database import Connection, Db, Pool, acquire
from queueing import tickets
from queueing.calls import Seat, call_next, finish
from queueing.db import Press
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall, get_hall
from queueing.visits import visit_of
from queueing.windows import open_window
from scheduling import orders, resealing
from scheduling.appointments import new_code
from scheduling.envelopes import Details, Envelopes, Sealed, name_mask, phone_mask
from scheduling.errors import AgentHadEnough, HandInRunning, NotInThatStage, TooManyOrders
from scheduling.handins import hand_in
from scheduling.orders import Agent, Holder, Order, Verb
from scheduling.statutory import keep_known
from tests.queueing.acts import press
from tests.scheduling.clocks import at
from tests.scheduling.locks import take_the_record, until_somebody_waits

ENVELOPES = Envelopes(b"a secret of thirty-two characters")
LI, WANG = Agent("li"), Agent("wang", "dahe")
SITE = (
    "INSERT INTO sites (hall, code, name, level) VALUES ($1, 'dahe', '大河镇', 'township'), ($1, 'lufeng', '鲁峰镇', 'township')"
)
KINDS = "SELECT kind, actor FROM journal WHERE kind LIKE 'order.%' ORDER BY \"offset\""


async def asked(
    db: Connection, hall: Hall, *, site: str | None = None, agent: str | None = None, by: Press | None = None
) -> Order:
    code = new_code()
    sealed = ENVELOPES.close(Details(name="王小明", phone="13800138000", address="大河镇一组"), f"order:{code}")
    holder = Holder(code, sealed.key_id, sealed.sealed, name_mask("王小明"), phone_mask("13800138000"), b"p" * 32)
    return await orders.ask(
        db, hall, holder, ["A-1"], actor="desk:su", channel="phone", agent=agent, site=site, press=by
    )  # fmt: skip


async def moved(db: Connection, hall: Hall, order: Order, *verbs: Verb, by: Agent = LI) -> Order:
    for verb in verbs:
        order = await orders.move(db, hall, order.code, verb, actor="agent:li", by=by)
    return order


async def test_an_order_goes_from_the_papers_to_the_certificate_and_becomes_a_visit(db: Connection, hall: Hall) -> None:
    await at(db, "2026-09-30 10:00+08")  # the day before the national holiday
    await keep_known(db, date(2026, 9, 30))
    order = await asked(db, hall, by=press(1))
    assert (await asked(db, hall, by=press(1))).code == order.code
    assert (order.state, order.number, order.due) == ("requested", "D00001", date(2026, 10, 9))
    assert (await moved(db, hall, order, "collect")).due == date(2026, 10, 9)
    with pytest.raises(NotInThatStage):
        await moved(db, hall, order, "return")
    assert (await moved(db, hall, order, "file")).due == date(2026, 10, 20)
    ended = await moved(db, hall, order, "return")
    visit = await visit_of(db, hall, "order", order.id)
    assert visit is not None
    assert (ended.state, ended.due, visit.mode, visit.clerk, visit.number) == ("returned", None, "agent", "li", "D00001")
    told = [tuple(row) for row in await db.fetch(KINDS)]
    steps = ("requested", "collected", "filed", "returned")
    assert told == [(f"order.{step}", "desk:su" if step == "requested" else "agent:li") for step in steps]


async def test_an_agent_acts_on_free_orders_of_the_own_site_and_on_nobody_elses(db: Connection, hall: Hall) -> None:
    await db.execute(SITE, hall.id)
    here, there, free = await asked(db, hall, site="dahe"), await asked(db, hall, site="lufeng"), await asked(db, hall)
    assert {order.code for order in await orders.orders(db, hall, WANG)} == {here.code, free.code}
    with pytest.raises(NotFound):
        await moved(db, hall, there, "collect", by=WANG)
    assert (await moved(db, hall, here, "collect", by=WANG)).agent == "wang"
    with pytest.raises(NotFound):
        await moved(db, hall, here, "file", by=LI)
    assert (await orders.move(db, hall, here.code, "assign", actor="manager:m", by=Agent(), agent="li")).agent == "li"


async def test_an_end_before_the_end_has_a_reason(db: Connection, hall: Hall) -> None:
    order = await asked(db, hall)
    endings: list[Verb] = ["decline", "cancel"]
    for verb in endings:
        with pytest.raises(BadInput):
            await orders.move(db, hall, order.code, verb, actor="desk:su", by=Agent(), why=" ")
    declined = await orders.move(db, hall, order.code, "decline", actor="desk:su", by=Agent(), why="不在代办范围")
    assert (declined.state, declined.why, await visit_of(db, hall, "order", order.id)) == ("declined", "不在代办范围", None)


async def test_who_it_is_for_is_sealed_looked_at_on_record_and_forgotten(db: Connection, hall: Hall) -> None:
    await at(db, "2026-09-01 10:00+08")
    order = await asked(db, hall)
    found = await orders.look(db, hall, order, actor="agent:li")
    assert found is not None and b"138001" not in found[1]
    stored = [str(await db.fetch(f"SELECT * FROM {table}")) for table in ("agent_orders", "journal")]
    assert [word for word in ("王小明", "13800138000", "一组") if any(word in rows for rows in stored)] == []
    newer = Envelopes(b"another secret of thirty-two signs", b"a secret of thirty-two characters")
    assert [(await resealing.reseal(db, hall, newer)).done for _ in range(2)] == [1, 0]
    row = await db.fetchrow("SELECT key_id, sealed FROM agent_orders")
    assert row is not None and row["key_id"] == newer.key_id != found[0]
    assert newer.open(Sealed(row["key_id"], row["sealed"]), orders.place(order.code)).name == "王小明"
    await orders.move(db, hall, order.code, "cancel", actor="desk:su", by=Agent(), why="本人来办")
    await at(db, "2026-10-15 10:00+08")
    assert (await orders.forget_holders(db, hall), await orders.forget_holders(db, hall)) == (1, 0)
    assert await orders.look(db, hall, order, actor="agent:li") is None
    assert [row["kind"] for row in await db.fetch(KINDS)] == ["order.requested", "order.looked", "order.cancelled"]


async def test_a_late_stage_is_said_once_a_day(db: Connection, hall: Hall) -> None:
    await at(db, "2026-09-01 10:00+08")
    await keep_known(db, date(2026, 9, 1))
    await asked(db, hall)
    await at(db, "2026-09-03 20:00+08")  # the second working day after
    assert await orders.tell_overdue(db, hall) == 0
    await at(db, "2026-09-04 09:00+08")
    assert (await orders.tell_overdue(db, hall), await orders.tell_overdue(db, hall)) == (1, 0)
    await at(db, "2026-09-05 09:00+08")
    assert await orders.tell_overdue(db, hall) == 1


async def hand(db: Db, hall: Hall, *given: Order, by: Agent = LI, once: Press | None = None) -> tickets.Ticket:
    codes = [order.code for order in given]
    return (
        await hand_in(
            db, hall, codes, ["A"], by=by, actor=f"agent:{by.name}", person=b"%-32b" % str(by.name).encode(), press=once
        )
    ).ticket


async def collected(db: Connection, hall: Hall, n: int, by: Agent = LI) -> list[Order]:
    return [await moved(db, hall, await asked(db, hall), "collect", by=by) for _ in range(n)]


async def test_one_number_for_several_orders_and_walk_ins_go_in_between(db: Connection, hall: Hall) -> None:
    await db.execute("INSERT INTO settings (hall, name, value) VALUES ($1, 'agent_orders_ticket', '3')", hall.id)
    hall = await get_hall(db, "demo")
    mine, theirs = await collected(db, hall, 4), await collected(db, hall, 1, Agent("zhao"))
    with pytest.raises(TooManyOrders):
        await hand(db, hall, *mine)
    assert await db.fetchval("SELECT count(*) FROM tickets") == 0
    first = await hand(db, hall, *mine[:3], once=press(9))
    assert (await hand(db, hall, *mine[:3], once=press(9))).number == first.number
    second = await hand(db, hall, *theirs, by=Agent("zhao"))
    assert timedelta(minutes=14) < second.rank_at - first.rank_at <= timedelta(minutes=15)  # three orders, five minutes each
    walk_in = (await tickets.take(db, hall, ["A"], actor="desk:su", channel="desk")).ticket
    assert (await tickets.ahead(db, walk_in), await tickets.ahead(db, second)) == (1, 2)
    with pytest.raises(HandInRunning):
        await hand(db, hall, mine[3])


async def test_what_was_handed_in_waits_for_no_second_number_unless_it_came_back(db: Connection, hall: Hall) -> None:
    order = (await collected(db, hall, 1))[0]
    await open_window(db, hall, "1", "c", actor="clerk:c")
    seat = Seat("1", "clerk:c", "c")
    for outcome in ("not_ready", "accepted"):
        await hand(db, hall, order)
        await call_next(db, hall, seat)
        await finish(db, hall, seat, outcome=outcome)
    with pytest.raises(NotInThatStage):
        await hand(db, hall, order)
    assert (await moved(db, hall, order, "file")).state == "filed"
    await db.execute("INSERT INTO settings (hall, name, value) SELECT id, 'agent_tickets_day', '2' FROM halls")
    with pytest.raises(AgentHadEnough):
        await hand(db, await get_hall(db, "demo"), *(await collected(db, hall, 1)))


async def test_two_hand_ins_of_one_agent_in_the_same_instant_give_one_number(db: Connection, hall: Hall, pool: Pool) -> None:
    first, second = await collected(db, hall, 2)

    async def at_once(order: Order, once: Press) -> str:
        async with acquire(pool) as mine:
            try:
                return (await hand(mine, hall, order, once=once)).number
            except HandInRunning:
                return "refused"

    given = await asyncio.gather(at_once(first, press(1)), at_once(second, press(2)), at_once(first, press(1)))
    assert sorted(set(given)) == ["A001", "refused"]
    assert await db.fetchval("SELECT count(*) FROM tickets") == await db.fetchval("SELECT count(*) FROM agent_tickets") == 1


async def test_papers_are_handed_in_while_somebody_moves_the_order(db: Connection, hall: Hall, pool: Pool) -> None:
    order = (await collected(db, hall, 1))[0]

    async def handing() -> str:
        async with acquire(pool) as mine:
            return (await hand(mine, hall, order, once=press(1))).number

    async with acquire(pool) as other, other.transaction():  # as any act on an order: its row, then the record
        await other.execute("SELECT FROM agent_orders WHERE id = $1 FOR NO KEY UPDATE", order.id)
        task = asyncio.create_task(handing())
        await until_somebody_waits(db)
        await take_the_record(other, hall)
    assert await asyncio.wait_for(task, 20) == "A001"
