"""What a hall measures of itself: its SQL and the bench's Python count the same visits the same way."""

from datetime import timedelta
from math import log

import pytest

from queueing import measures
from queueing.db import Db
from queueing.floors import GRID
from queueing.halls import Hall
from queueing.paces import BINS, Count, habits, learn
from tests.bench.days import Visit
from tests.bench.forecast import PLANNED, bin_of, tally

SERVED = """
INSERT INTO tickets (key, hall, day, number, services, service, channel, joined_at, rank_at, state, window_no, clerk, calls,
                     call_no, called_at, served_at, ended_at)
SELECT md5($3), $1, d.day, 'T' || $3, ARRAY[$4], $4, 'desk', d.nine + $5::interval, d.nine + $5::interval - $6::interval,
       'finished', $7, $8, 1, 1, d.nine + $9::interval, d.nine + $10::interval, d.nine + $11::interval
FROM (SELECT business_day(hall_now(), 'Asia/Shanghai', '04:00') - $2::integer AS day) b,
     LATERAL (SELECT b.day, (b.day + time '09:00') AT TIME ZONE 'Asia/Shanghai' AS nine) d
"""
VISITS = [
    Visit(n, "AB"[n % 3 == 0], joined=100.0 * n, credit=1200.0 if n % 5 == 0 else 0.0, rank=0, window=n % 2, calls=1,
          called=150.0 * n + 60, served=150.0 * n + 80 + n % 7, ended=150.0 * n + 300 + 37 * (n % 11) + 5000 * (n == 20))
    for n in range(60)
]  # fmt: skip


async def record(db: Db, hall: Hall, ago: int = 0) -> None:
    for v in VISITS:
        assert v.served is not None and v.ended is not None
        moments = [timedelta(seconds=s) for s in (v.joined, v.credit)]
        ends = [timedelta(seconds=s) for s in (v.called, v.served, v.ended)]
        await db.execute(SERVED, hall.id, ago, str(100 * ago + v.id), v.service, *moments, str(v.window), f"c{v.window}", *ends)


def by_key(counts: list[Count]) -> dict[tuple[str, str, str], Count]:
    return {(count.service, count.kind, count.key): count for count in counts if count.kind not in ("gap", "react")}


async def test_the_tables_count_visits_as_the_bench_does(db: Db, hall: Hall) -> None:
    await record(db, hall)
    day = await db.fetchval("SELECT day FROM tickets LIMIT 1")
    found = by_key([Count(**row) for row in await db.fetch(measures.COUNTS, hall.id, day, hall.time_zone)])
    expected = by_key(tally(VISITS))
    assert found.keys() == expected.keys()
    for key, count in expected.items():
        assert found[key].n == count.n, key
        assert found[key].log_sum == pytest.approx(count.log_sum), key


async def test_a_past_day_is_kept_once_and_weighs_less_with_age(db: Db, hall: Hall) -> None:
    await record(db, hall, ago=measures.HALF_LIFE_DAYS)
    await record(db, hall, ago=1)
    assert [await measures.keep_days(db, hall.id) for _ in range(2)] == [1, 0], "only the last week is made good"
    visits = await db.fetch("SELECT service, n FROM visit_days WHERE kind = 'all' ORDER BY service")
    assert [tuple(row) for row in visits] == [("A", 40.0), ("B", 20.0)]
    people, credit = await db.fetchrow("SELECT sum(people), sum(credit) FROM arrival_days")  # type: ignore[misc]
    assert (people, credit) == (60, 12)
    learnt = await measures.measure(db, hall.id)
    assert learnt.paces["A"].measured == round(40 * 0.5 ** (1 / measures.HALF_LIFE_DAYS))
    assert set(learnt.paces["A"].clerks) == {"c0", "c1"}
    assert all(len(pace.seconds) == GRID for pace in learnt.paces.values())


async def test_a_hall_without_a_past_goes_by_what_is_planned(db: Db, hall: Hall) -> None:
    learnt = await measures.measure(db, hall.id)
    a, b = learnt.paces["A"], learnt.paces["B"]
    assert [sum(pace.seconds) / GRID for pace in (a, b)] == [pytest.approx(360, rel=0.05), pytest.approx(720, rel=0.05)]
    assert (a.measured, learnt.arrivals) == (0, ())
    assert a.doubt > 0.2, "what nothing was measured of is told widely"


def counts(service: str, n: float, seconds: float, **keys: str) -> list[Count]:
    own = [Count(service, kind, key, n, n * log(seconds)) for kind, key in keys.items()]
    return [Count(service, "all", "", n, n * log(seconds)), Count(service, "bin", str(bin_of(seconds)), n), *own]


def test_few_visits_move_a_pace_a_little_and_many_wholly() -> None:
    few, many = (learn(counts("A", n, 100), [], {"A": 10}, 9)["A"] for n in (1, 500))
    assert 300 < few.seconds[GRID // 2] < 560
    assert many.seconds[GRID // 2] == pytest.approx(100, rel=0.1)
    assert many.doubt < few.doubt


def test_a_clerk_is_known_by_all_services_and_drawn_to_the_usual_by_few_visits() -> None:
    usual = counts("A", 400, 300, clerk="li") + counts("B", 400, 600, clerk="li")
    quick = [Count("A", "clerk", "wang", 100.0, 100 * 5.01)]  # e^5.01 = 150 s
    paces = learn([*usual, *quick], [], {"A": 5, "B": 10}, 9)
    assert paces["A"].clerks["wang"] == pytest.approx(0.5, abs=0.06)
    assert paces["B"].clerks["wang"] == pytest.approx(0.52, abs=0.06), "so they are at the other service, until seen there"
    new = learn([*usual, Count("A", "clerk", "wang", 2.0, 2 * 5.01)], [], {"A": 5, "B": 10}, 9)
    assert 0.8 < new["A"].clerks["wang"] < 0.95


def test_a_slow_day_slows_every_service_and_the_last_hours_most() -> None:
    past = counts("A", 500, 300, hour="9") + counts("B", 500, 600, hour="9")
    slow = counts("A", 60, 450, hour="11")
    paces = learn(past, slow, {"A": 5, "B": 10}, 11)
    assert paces["A"].seconds[GRID // 2] == pytest.approx(430, rel=0.1)
    assert 630 < paces["B"].seconds[GRID // 2] < 900
    later = learn(past, slow, {"A": 5, "B": 10}, 17)
    assert later["A"].seconds[GRID // 2] < paces["A"].seconds[GRID // 2]


def test_a_gap_and_a_walk_are_the_halls_own_once_measured() -> None:
    usual = habits([], [])
    assert [usual.walk[GRID // 2], usual.gap] == [pytest.approx(20, abs=2), pytest.approx(9.6, abs=1)]
    own = habits([Count("", "gap", str(bin_of(40)), 2000.0)], [Count("", "walk", str(bin_of(60)), 2000.0)])
    assert [own.gap, own.walk[GRID // 2]] == [pytest.approx(40, rel=0.1), pytest.approx(60, rel=0.1)]


def test_lengths_beyond_all_bins_are_in_the_outermost() -> None:
    assert (bin_of(0.1), bin_of(1e9), BINS, list(PLANNED)) == (0, BINS - 1, 48, list("ABCDEFGH"))
