"""What somebody should look at on the floor is raised once, and gone with its cause."""

import asyncio
from typing import Any

import pytest

from floor.database import Connection, Pool
from queueing import alarms, calls, journal
from queueing.calls import Seat
from queueing.errors import NotFound
from queueing.halls import Hall, get_hall
from queueing.settings import choose
from queueing.tickets import take
from queueing.windows import close, open_window, pause, resume
from tests.scheduling.clocks import at

DAY = "2027-03-03"
SEAT = Seat("1", "clerk:li", "li")


@pytest.fixture
async def open_hall(db: Connection, hall: Hall) -> Hall:
    """Nine in the morning, doors until five; windows 1 and 2 serve A and B, nobody sits there."""
    await at(db, f"{DAY} 09:00+08")
    await db.execute("DELETE FROM doors")
    await db.execute(
        "INSERT INTO doors (hall, day, service, opens, last_ticket, closes) SELECT $1, $2::text::date, s, $3::text::timestamptz, "
        "$4::text::timestamptz, $5::text::timestamptz FROM unnest(ARRAY['A', 'B']) AS s",
        hall.id, DAY, f"{DAY} 09:00+08", f"{DAY} 16:30+08", f"{DAY} 17:00+08",
    )  # fmt: skip
    return hall


async def until(db: Connection, hall: Hall, moment: str, *signed_out: str) -> list[tuple[str, str | None]]:
    """Let it be that time, look as the clock does, and say what stands: kind and of what."""
    await at(db, f"{DAY} {moment}+08")
    await alarms.sweep(db, hall, signed_out)
    return [(alarm.kind, alarm.service or alarm.window) for alarm in await alarms.standing(db, hall)]


async def told(db: Connection, hall: Hall) -> list[tuple[str, str, str | None]]:
    rows = [entry for entry in await journal.read(db, hall.id, 0) if entry.kind.startswith("alarm.")]
    return [(row.kind, row.data["what"], row.data.get("service") or row.data.get("window")) for row in rows]


async def test_a_service_with_no_open_window_is_told_after_the_halls_minutes(db: Connection, open_hall: Hall) -> None:
    assert await until(db, open_hall, "09:00") == []
    assert await until(db, open_hall, "09:02") == []
    assert await until(db, open_hall, "09:03") == [("no_window", "A"), ("no_window", "B")]
    assert await until(db, open_hall, "09:10") == [("no_window", "A"), ("no_window", "B")]
    await open_window(db, open_hall, "1", "li", services=["A"], actor="clerk:li")
    assert await until(db, open_hall, "09:11") == [("no_window", "B")]
    assert await until(db, open_hall, "16:30") == []
    assert await told(db, open_hall) == [
        ("alarm.raised", "no_window", "A"), ("alarm.raised", "no_window", "B"), ("alarm.cleared", "no_window", "A"),
        ("alarm.cleared", "no_window", "B"),
    ]  # fmt: skip


async def test_who_is_left_at_closing_without_a_window_is_told_and_whom_a_window_serves_is_not(
    db: Connection, open_hall: Hall
) -> None:
    for service in "AB":
        await at(db, f"{DAY} 16:29+08")
        await take(db, open_hall, [service], actor="citizen", channel="api")
    await open_window(db, open_hall, "1", "li", services=["A"], actor="clerk:li")
    await until(db, open_hall, "16:31")
    standing = await until(db, open_hall, "16:35")
    assert standing == [("no_window", "B"), ("idle", "1")]
    (alarm, _) = await alarms.standing(db, open_hall)
    assert (alarm.people, alarm.seen_by) == (1, None)
    assert await alarms.see(db, open_hall, alarm.id, actor="manager:lin")
    assert not await alarms.see(db, open_hall, alarm.id, actor="manager:wang")
    assert [one.seen_by for one in await alarms.standing(db, open_hall)] == ["manager:lin", None]
    with pytest.raises(NotFound):
        await alarms.see(db, open_hall, 999, actor="manager:lin")


async def test_long_waits_long_visits_idle_and_left_windows(db: Connection, open_hall: Hall) -> None:
    await open_window(db, open_hall, "1", "li", actor="clerk:li")
    for _ in range(2):
        await take(db, open_hall, ["A"], actor="citizen", channel="api")
    assert await until(db, open_hall, "09:02") == []  # nobody need call within two minutes
    assert await until(db, open_hall, "09:05") == [("idle", "1")]
    await calls.call_next(db, open_hall, SEAT)
    await calls.arrive(db, open_hall, SEAT)
    assert await until(db, open_hall, "09:06") == []
    assert await until(db, open_hall, "09:30") == [("long_wait", "A")]
    assert await until(db, open_hall, "09:35") == [("long_wait", "A"), ("long_service", "1")]
    await calls.finish(db, open_hall, SEAT)
    await pause(db, open_hall, "1", actor="clerk:li", reason="喝水")
    assert await until(db, open_hall, "09:40") == [("long_wait", "A")]
    assert await until(db, open_hall, "09:55") == [("left", "1"), ("long_wait", "A")]
    await resume(db, open_hall, "1", actor="clerk:li")
    await calls.call_next(db, open_hall, SEAT)
    assert await until(db, open_hall, "09:56", "li") == []  # she acted just now, by keypad perhaps
    await until(db, open_hall, "10:00", "li")
    assert await until(db, open_hall, "10:03", "li") == [("left", "1")]
    assert await until(db, open_hall, "10:04") == []


async def test_a_matter_that_no_open_window_may_serve_is_told_by_its_name(db: Connection, open_hall: Hall) -> None:
    await db.execute("INSERT INTO matters (hall, code, name, service) VALUES ($1, 'DEED', '过户', 'A')", open_hall.id)
    await db.execute("INSERT INTO matter_rules (hall, matter, only_windows) VALUES ($1, 'DEED', '{2}')", open_hall.id)
    for no, who in (("1", "li"), ("2", "wang")):
        await open_window(db, open_hall, no, who, services=["A", "B"], actor=f"clerk:{who}")
    for matters in (["DEED"], []):
        await take(db, open_hall, ["A"], actor="citizen", channel="api", matters=matters)
    await calls.call_next(db, open_hall, SEAT)  # so that nobody idles
    assert ("no_window", "A") not in await until(db, open_hall, "09:10")
    await close(db, open_hall, "2", actor="clerk:wang", override=True)
    await until(db, open_hall, "09:11")
    assert ("no_window", "A") in await until(db, open_hall, "09:14")
    (alarm,) = [one for one in await alarms.standing(db, open_hall) if one.kind == "no_window"]
    assert (alarm.matter, alarm.people) == ("DEED", 1)
    row = next(
        row for row in await journal.read(db, open_hall.id, 0) if row.kind == "alarm.raised" and row.data["what"] == "no_window"
    )
    assert (row.data["matter"], row.data["service"]) == ("DEED", "A")
    await open_window(db, open_hall, "2", "wang", services=["A"], actor="clerk:wang")
    assert ("no_window", "A") not in await until(db, open_hall, "09:15")


async def test_visits_one_right_after_the_other_are_not_one_long_one(db: Connection, open_hall: Hall) -> None:
    """A brisk clerk finishes, calls and begins between two sweeps."""
    await open_window(db, open_hall, "1", "li", actor="clerk:li")
    for _ in range(3):
        await take(db, open_hall, ["A"], actor="citizen", channel="api")
    for moment in ("09:00", "09:20", "09:40"):
        await at(db, f"{DAY} {moment}+08")
        if moment != "09:00":
            await calls.finish(db, open_hall, SEAT)
        await calls.call_next(db, open_hall, SEAT)
        await calls.arrive(db, open_hall, SEAT)
        for _ in range(2):
            assert ("long_service", "1") not in await until(db, open_hall, moment)
    assert ("long_service", "1") not in await until(db, open_hall, "10:09")
    assert ("long_service", "1") in await until(db, open_hall, "10:10")
    await calls.finish(db, open_hall, SEAT)
    await take(db, open_hall, ["A"], actor="citizen", channel="api")
    await calls.call_next(db, open_hall, SEAT)
    await calls.arrive(db, open_hall, SEAT)
    assert ("long_service", "1") not in await until(db, open_hall, "10:10")


async def test_an_alarm_of_nought_minutes_is_off(db: Connection, open_hall: Hall) -> None:
    for setting in alarms.SETTINGS:
        await choose(db, open_hall.id, setting, 0)
    quiet = await get_hall(db, "demo")
    await take(db, quiet, ["A"], actor="citizen", channel="api")
    await open_window(db, quiet, "2", "li", services=["B"], actor="clerk:li")
    await until(db, quiet, "09:10", "li")
    assert await until(db, quiet, "12:00", "li") == []


async def test_many_clocks_raise_an_alarm_once_and_three_hours_away_lose_none(
    pool: Pool, db: Connection, open_hall: Hall
) -> None:
    await open_window(db, open_hall, "1", "li", services=["B"], actor="clerk:li")
    await take(db, open_hall, ["A"], actor="citizen", channel="api")
    await alarms.sweep(db, open_hall, [])
    await at(db, f"{DAY} 12:00+08")

    async def clock() -> Any:
        async with pool.acquire() as own:
            return await alarms.sweep(own, open_hall, [])

    assert sorted(await asyncio.gather(*(clock() for _ in range(5)))) == [0, 0, 0, 0, 2]
    await close(db, open_hall, "1", actor="clerk:li")
    assert sorted(await told(db, open_hall)) == [("alarm.raised", "long_wait", "A"), ("alarm.raised", "no_window", "A")]
