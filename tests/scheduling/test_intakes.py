"""Papers that were only taken in are a list until they are passed on, each with its receipt and its days."""

from dataclasses import replace
from datetime import date, time

import pytest

from floor.database import Connection
from queueing.calls import Seat, arrive, call_next, finish
from queueing.halls import Hall, get_hall
from queueing.tickets import Act, take
from queueing.windows import open_window
from scheduling.day_types import Session, day_types, save_day_type
from scheduling.days import Deadline
from scheduling.hours import rehang_doors
from scheduling.intakes import of_ticket, pass_on, passed, take_back, waiting
from scheduling.statutory import keep_known
from tests.scheduling.clocks import at

SEAT = Seat("1", "clerk:clerk01", "clerk01")


@pytest.fixture
async def sunday(db: Connection, hall: Hall) -> Hall:
    """A Sunday afternoon on which papers are taken in and nothing is decided; window 1 is open."""
    await at(db, "2026-09-27 15:00+08")  # the last day of a holiday; the Sunday before it was worked
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("DELETE FROM doors")
    await keep_known(db, date(2026, 9, 27))
    await db.execute(
        "INSERT INTO matters (hall, code, name, service, promised_days) VALUES ($1, 'M1', '社保登记', 'A', 5)", hall.id
    )
    hall = await get_hall(db, "demo")
    kind = (await day_types(db, hall))["holiday_end"]
    await save_day_type(db, hall, replace(kind, sessions=(Session(time(15), time(17), time(17)),), accept_only=True))
    await rehang_doors(db, hall)
    await open_window(db, hall, "1", "clerk01", actor="clerk:clerk01")
    return hall


async def served(db: Connection, hall: Hall, outcome: str = "done", matters: list[str] | None = None) -> Act:
    await take(db, hall, ["A"], actor="citizen", channel="api", matters=matters or [])
    await call_next(db, hall, SEAT)
    await arrive(db, hall, SEAT)
    return await finish(db, hall, SEAT, outcome=outcome)


async def test_what_is_done_on_such_a_day_is_taken_in_with_a_receipt_and_its_days(db: Connection, sunday: Hall) -> None:
    done = await served(db, sunday, matters=["M1"])
    await served(db, sunday)
    await served(db, sunday, "consulted")
    assert done.ticket.state == "finished"
    kept = await db.fetch("SELECT outcome FROM tickets ORDER BY id")
    assert [row["outcome"] for row in kept] == ["accepted", "accepted", "consulted"]
    first, second = await waiting(db, sunday)
    assert (first.receipt, first.matters, first.window) == ("20260927-A001", ("社保登记",), "1")
    assert first.pass_on == Deadline(date(2026, 9, 28), False) and first.due == Deadline(date(2026, 10, 10), False)
    assert (second.receipt, second.due, second.overdue) == ("20260927-A002", None, False)
    assert await of_ticket(db, sunday, first.ticket) == first


async def test_papers_are_passed_on_once_taken_back_and_said_to_be_late(db: Connection, sunday: Hall) -> None:
    await served(db, sunday)
    await served(db, sunday)
    one, other = [it.ticket for it in await waiting(db, sunday)]
    await at(db, "2026-09-28 10:00+08")
    assert await pass_on(db, sunday, [one, other], actor="desk:desk01") == 2
    assert await pass_on(db, sunday, [one], actor="desk:desk01") == 0
    assert await waiting(db, sunday) == [] and len(await passed(db, sunday)) == 2
    assert await take_back(db, sunday, [other], actor="desk:desk01") == 1
    assert [it.overdue for it in await waiting(db, sunday)] == [False]
    await at(db, "2026-09-29 08:00+08")
    assert [(it.ticket, it.overdue) for it in await waiting(db, sunday)] == [(other, True)]
    told = await db.fetch("SELECT kind, actor, data FROM journal WHERE kind LIKE 'intake.%' ORDER BY \"offset\"")
    assert [(row["kind"], row["data"]["receipts"]) for row in told] == [
        ("intake.passed", ["20260927-A001", "20260927-A002"]), ("intake.taken_back", ["20260927-A002"]),
    ]  # fmt: skip


async def test_on_a_day_that_decides_nothing_is_left_to_be_passed_on(db: Connection, sunday: Hall) -> None:
    await db.execute("UPDATE doors SET accept_only = false")
    await served(db, sunday, "accepted")
    await served(db, sunday)
    assert await waiting(db, sunday) == []
    assert [row["outcome"] for row in await db.fetch("SELECT outcome FROM tickets ORDER BY id")] == ["accepted", "done"]
