"""How lines keep up: what a board has not confirmed, what a minute was like, and for how long that is kept."""

from datetime import UTC, datetime, timedelta

from devices import pulse
from devices.pulse import Behind, Feeds, Minute
from devices.registry import get_device
from floor.database import Connection
from tests.devices.halls import NOON, later, make_paired, set_time


def test_a_board_is_behind_with_what_it_has_not_confirmed_for_three_seconds() -> None:
    feeds = Feeds()
    for offset, second in ((4, 0), (7, 1), (9, 5)):
        feeds.tell(1, "zone:A", offset, later(NOON, seconds=second))
    late = [feeds.behind(1, "zone:A", confirmed, later(NOON, seconds=6)) for confirmed in (0, 4, 6, 7, 9)]
    assert late == [Behind(3, NOON), Behind(2, later(NOON, seconds=1)), Behind(2, later(NOON, seconds=1)), Behind(), Behind()]
    assert feeds.behind(1, "zone:A", 0, later(NOON, seconds=3)) == Behind()
    assert feeds.behind(1, "zone:B", 0, later(NOON, seconds=9)) == Behind()
    feeds.begin_anew(1)
    assert feeds.behind(1, "zone:A", 0, later(NOON, seconds=9)) == Behind()


def test_a_minute_keeps_the_slowest_trip_and_the_latest_clock() -> None:
    minute = Minute()
    for trip, clock in ((4.0, -61.0), (90.5, -60.0), (None, None), (5.0, 1e300)):
        minute.beat(trip, clock)
    assert (minute.rtt_ms, minute.offset_ms) == (90.5, 3_600_000.0)


async def test_minutes_are_kept_for_three_days_and_shown_at_once(db: Connection, hall_id: int) -> None:
    await set_time(db, NOON)
    (one, _), (two, _) = await make_paired(db, hall_id), await make_paired(db, hall_id, "tv")
    await pulse.keep_samples(db, [(one.id, Minute(4.0, -61.0, 0)), (two.id, Minute(None, None, 7))])
    await pulse.keep_samples(db, [(one.id, Minute(3.0, -60.0, 2))])
    assert await pulse.samples(db, one.id, NOON) == [pulse.Sample(NOON, 4.0, -60.0, 2)]
    assert await pulse.samples(db, two.id, NOON) == [pulse.Sample(NOON, None, None, 7)]
    assert await pulse.samples(db, one.id, later(NOON, seconds=1)) == []
    assert (await get_device(db, one.id)).parts == {"link": {"rtt_ms": 3.0, "offset_ms": -60.0}}
    await set_time(db, NOON + timedelta(days=3))
    await pulse.forget(db)
    assert len(await pulse.samples(db, one.id, NOON)) == 1
    await set_time(db, NOON + timedelta(days=3, seconds=1))
    await pulse.forget(db)
    assert await pulse.samples(db, one.id, datetime(2026, 1, 1, tzinfo=UTC)) == []
