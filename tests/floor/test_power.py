"""Machines sleep when the day is over and nobody is left to serve, not at an hour; they wake before the doors."""

from datetime import datetime, timedelta

import pytest

from devices.registry import Device, configure, list_devices
from floor.database import Connection
from floor.power import follow_the_day
from queueing.calls import Seat, call_next, finish
from queueing.halls import Hall, get_hall
from queueing.tickets import take
from queueing.windows import close, open_window
from tests.devices.halls import make_paired, set_time

OPENS, CLOSES = datetime.fromisoformat("2026-11-02T09:00+08:00"), datetime.fromisoformat("2026-11-02T17:00+08:00")


@pytest.fixture
async def day(db: Connection, hall: Hall) -> Hall:
    """A hall that opens at nine and closes at five, with a strip, a board and a screen for the whole hall."""
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("UPDATE doors SET day = '2026-11-02', opens = $1, last_ticket = $2, closes = $2 WHERE ctid IN "
                     "(SELECT min(ctid) FROM doors GROUP BY service)", OPENS, CLOSES)  # fmt: skip
    await db.execute("DELETE FROM doors WHERE day <> '2026-11-02'")
    for kind, place in (("led", {"window": "1"}), ("tv", {"zone": "A"}), ("tv", {})):
        await make_paired(db, hall.id, kind, **place)
    await make_paired(db, hall.id, "speaker", zone="A")
    return await get_hall(db, hall.code)


async def asleep(db: Connection, hall: Hall, at: datetime) -> list[str]:
    """Who sleeps at a moment of that day."""
    await set_time(db, at)
    await follow_the_day(db, hall)
    return [name(device) for device in await list_devices(db, hall.id) if device.asleep]


def name(device: Device) -> str:
    return f"{device.kind} {device.window or device.zone or 'hall'}"


AT = Seat("1", "clerk:a", "a")
ALL = ["led 1", "tv A", "tv hall", "speaker A"]


async def test_machines_wake_a_quarter_before_the_doors(db: Connection, day: Hall) -> None:
    before = OPENS - timedelta(minutes=15)
    found = [await asleep(db, day, at) for at in (before - timedelta(seconds=1), before, OPENS, CLOSES - timedelta(seconds=1))]
    assert found == [ALL, [], [], []]


async def test_a_noon_break_is_no_end_of_the_day(db: Connection, day: Hall) -> None:
    noon, two = OPENS + timedelta(hours=3), OPENS + timedelta(hours=5)
    await db.execute("UPDATE doors SET last_ticket = $1, closes = $1", noon)
    await db.execute(
        "INSERT INTO doors (hall, day, service, session, opens, last_ticket, closes) "
        "SELECT hall, day, service, 2, $1, $2, $2 FROM doors", two, CLOSES
    )  # fmt: skip
    found = [await asleep(db, day, at) for at in (noon + timedelta(hours=1), two, CLOSES)]
    assert found == [[], [], ALL]


async def test_after_hours_they_stay_lit_until_the_last_one_is_served(db: Connection, day: Hall) -> None:
    await set_time(db, CLOSES - timedelta(minutes=5))
    await open_window(db, day, "1", "a", actor="clerk:a")
    await take(db, day, ["A"], actor="citizen", channel="desk")
    late = CLOSES + timedelta(hours=2)
    assert await asleep(db, day, late) == []
    await call_next(db, day, AT)
    assert await asleep(db, day, late) == []
    await finish(db, day, AT)
    assert await asleep(db, day, late) == ALL  # the drain is over, though the window is still open


async def test_windows_that_have_closed_let_them_sleep_though_somebody_still_waits(db: Connection, day: Hall) -> None:
    await set_time(db, CLOSES - timedelta(minutes=5))
    await open_window(db, day, "1", "a", actor="clerk:a")
    await take(db, day, ["A"], actor="citizen", channel="desk")
    await close(db, day, "1", actor="manager", override=True, reason="停电")
    assert await asleep(db, day, CLOSES) == ALL


async def test_one_that_may_never_sleep_does_not_and_a_waking_time_is_its_own(db: Connection, day: Hall) -> None:
    led, zone, *_ = await list_devices(db, day.id)
    await configure(db, led.id, {"power": "always"})
    await configure(db, zone.id, {"wake_minutes": 60})
    assert await asleep(db, day, OPENS - timedelta(minutes=61)) == ["tv A", "tv hall", "speaker A"]
    assert await asleep(db, day, OPENS - timedelta(minutes=60)) == ["tv hall", "speaker A"]


async def test_a_hall_that_is_always_open_never_sleeps(db: Connection, day: Hall) -> None:
    await db.execute("UPDATE halls SET always_open = true")
    assert await asleep(db, await get_hall(db, day.code), CLOSES + timedelta(hours=6)) == []


async def test_it_is_told_once_and_with_a_new_revision(db: Connection, day: Hall) -> None:
    await set_time(db, CLOSES)
    changed = [len(await follow_the_day(db, day)) for _ in range(2)]
    assert (changed, {device.config_rev for device in await list_devices(db, day.id)}) == ([4, 0], {1})
