"""What is wrong with a machine is raised, told and cleared by itself, and boards say what they have shown."""

from datetime import UTC, datetime, timedelta

import pytest

from devices import health
from devices.jobs import NewJob, owe, settle
from devices.registry import get_device
from devices.wire import Part
from floor.database import Connection
from tests.devices.halls import NOON, later, make_paired, make_ticket, set_time, told


async def test_paper_out_is_an_alarm_until_paper_is_in(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id, "dispenser", zone="A")
    grown = [
        await health.report(db, device.id, {"printer": Part(state=state), "disk": Part(state="ok")})
        for state in ("ok", "paper_out", "paper_out", "cover_open", "ok")
    ]
    assert grown == [0, 1, 0, 2, 1]
    assert await health.alarms(db, hall_id) == []
    where = {"device": device.id, "kind": "dispenser", "zone": "A", "window": None, "part": "printer"}
    assert [(offset, kind, data) for offset, kind, _, data in (await told(db, hall_id))[1:]] == [
        (2, "device.alarm", {**where, "state": "paper_out"}),
        (3, "device.cleared", {**where, "state": "paper_out"}),
        (4, "device.alarm", {**where, "state": "cover_open"}),
        (5, "device.cleared", {**where, "state": "cover_open"}),
    ]


@pytest.mark.parametrize(
    ("state", "ready"),
    [
        (None, True),
        ("ok", True),
        ("paper_low", True),
        ("unknown", True),
        ("paper_out", False),
        ("cover_open", False),
        ("offline", False),
    ],
)
async def test_a_dispenser_promises_paper_only_when_its_printer_can(
    db: Connection, hall_id: int, state: str | None, ready: bool
) -> None:
    device, _ = await make_paired(db, hall_id, "dispenser")
    await health.report(db, device.id, {"printer": Part(state=state)} if state else {})
    assert await health.printer_ready(db, device.id) is ready


async def test_one_part_reported_leaves_the_others_as_they_were(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id, "dispenser")
    await health.report(db, device.id, {"printer": Part(state="paper_low"), "disk": Part(state="ok")})
    await health.report(db, device.id, {"link": Part(rtt_ms=4, offset_ms=-61)})
    assert (await get_device(db, device.id)).parts == {
        "printer": {"state": "paper_low"}, "disk": {"state": "ok"}, "link": {"rtt_ms": 4.0, "offset_ms": -61.0},
    }  # fmt: skip
    assert [(alarm.part, alarm.state) for alarm in await health.alarms(db, hall_id)] == [("printer", "paper_low")]


async def test_a_clock_two_seconds_off_is_an_alarm(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id)
    raised = []
    for offset in (1999.0, -2001.0, 3.0):
        await health.report(db, device.id, {"link": Part(rtt_ms=4, offset_ms=offset)})
        raised.append([(alarm.part, alarm.state) for alarm in await health.alarms(db, hall_id)])
    assert raised == [[], [("clock", "off")], []]


async def test_silence_of_25_seconds_is_an_alarm_and_a_beat_clears_it(db: Connection, hall_id: int) -> None:
    await set_time(db, NOON)
    device, _ = await make_paired(db, hall_id)
    await make_paired(db, hall_id)  # never heard at all: its engineer is still on the ladder
    await health.seen(db, [device.id])
    seen = []
    for after in (24, 25, 26):
        await set_time(db, later(NOON, seconds=after))
        grown = await health.sweep(db)
        seen.append((grown, [(a.device, a.part, a.state) for a in await health.alarms(db, hall_id)]))
    lost = [(device.id, "link", "lost")]
    assert seen == [([], []), ([hall_id], lost), ([], lost)]
    assert not (await get_device(db, device.id)).present
    await health.seen(db, [device.id])
    assert [await health.sweep(db), await health.alarms(db, hall_id)] == [[hall_id], []]
    assert (await get_device(db, device.id)).present


async def test_a_living_ticket_without_paper_is_an_alarm_until_it_is_printed_or_over(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id, "dispenser")
    ticket = await make_ticket(db, hall_id)

    async def owe_copy(n: int) -> str:
        data = {"ticket_id": ticket}
        expires = datetime.now(UTC) + timedelta(minutes=5)
        [job] = await owe(db, [NewJob(hall_id, device.id, "print", f"ticket:{ticket}:{n}", expires, data)])
        return job.id

    async def alarms() -> list[str]:
        await health.sweep(db)
        return [f"{alarm.part} {alarm.state}" for alarm in await health.alarms(db, hall_id)]

    await settle(db, device.id, await owe_copy(1), "refused")
    assert await alarms() == ["tickets no_paper"]
    second = await owe_copy(2)
    assert await alarms() == []
    await settle(db, device.id, second, "refused")
    assert await alarms() == ["tickets no_paper"]
    await db.execute("UPDATE tickets SET state = 'cancelled', ended_at = now()")
    assert await alarms() == []


async def test_a_board_confirms_everything_up_to_an_offset(db: Connection, hall_id: int) -> None:
    (one, _), (two, _) = await make_paired(db, hall_id, window="1"), await make_paired(db, hall_id, "tv")
    await db.execute("UPDATE hall_streams SET top = 20")
    await health.got(db, [(one.id, "k3", 10), (two.id, "k3", 12), (one.id, "k3", 14), (two.id, "k2", 99)])
    await health.got(db, [(one.id, "k3", 10)])
    await health.got(db, [])
    shown = await health.confirmations(db, hall_id, "k3", 11)
    assert sorted((c.device, c.kind, c.window) for c in shown) == [(one.id, "led", "1"), (two.id, "tv", None)]
    assert [c.device for c in await health.confirmations(db, hall_id, "k3", 13)] == [one.id]
    assert await health.confirmations(db, hall_id, "k3", 15) == []


async def test_old_confirmations_are_forgotten(db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id)
    await health.got(db, [(device.id, "k3", 10)])
    await health.prune(db)
    assert await db.fetchval("SELECT count(*) FROM device_gots") == 1
    await set_time(db, datetime.now(UTC) + timedelta(days=8))
    await health.prune(db)
    assert await db.fetchval("SELECT count(*) FROM device_gots") == 0
