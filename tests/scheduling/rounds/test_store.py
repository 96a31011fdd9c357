"""A day's rounds in the database: proposed, taken as a whole, taken back, overtaken by what moves, looked at again."""

import asyncio
from datetime import timedelta

import pytest

from floor.database import Connection, Pool
from queueing.halls import Hall, get_hall
from scheduling import doorstep, field
from scheduling.errors import PlanOvertaken, RoundsSought
from scheduling.rounds import store, taking, watch
from scheduling.rounds.day import Day
from scheduling.rounds.ground import come_back, drop_out, set_place
from scheduling.rounds.problem import Lunch
from scheduling.rounds.solver import run
from scheduling.rounds.standing import latest, standing
from tests.scheduling.clocks import at
from tests.scheduling.rounds.doors import DAY, as_it_is, crew, on, open_doors, told, wanted


@pytest.fixture
async def out(db: Connection, hall: Hall) -> Hall:
    await open_doors(db, hall)
    return hall


async def proposed(db: Connection, hall: Hall, cause: str = "asked") -> int:
    """A plan found by counted tries, kept as the page keeps it."""
    number = await store.begin(db, hall, DAY, cause, actor="manager:manager")
    day = await as_it_is(db, hall)
    plan = run(day.problem, 300.0, 200, 1)
    assert await store.propose(db, hall, number, day, plan, standing(day))
    return number


async def test_a_plan_is_taken_as_a_whole_and_taken_back(db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一队", "door01", "clerk01")
    far, near = await wanted(db, out, 6, (on(14), on(16))), await wanted(db, out, 2, (on(9), on(12)))
    number = await proposed(db, out)
    assert await told(db, [far, near]) == [("accepted", None, None)] * 2  # proposed is not done
    assert await taking.take(db, out, number, actor="manager:manager") == 2
    assert await told(db, [near, far]) == [("scheduled", one.id, "09:09"), ("scheduled", one.id, "14:00")]
    kinds = [
        row["kind"] for row in await db.fetch("SELECT kind FROM journal WHERE actor = 'manager:manager' ORDER BY \"offset\"")
    ]
    assert kinds[-3:] == ["doorstep.scheduled", "doorstep.scheduled", "rounds.applied"]
    plan = await store.plan_of(db, out, number)
    assert plan is not None and plan.figures is not None
    assert (plan.state, plan.figures["plan"]["visits"], plan.figures["now"]["left"]) == ("applied", 2, 2)
    assert await taking.take(db, out, number, actor="manager:manager") == 0  # the same press again
    assert await taking.take_back(db, out, number, actor="manager:manager") == 2
    assert await told(db, [far, near]) == [("accepted", None, None)] * 2
    with pytest.raises(PlanOvertaken):
        await taking.take(db, out, number, actor="manager:manager")


async def test_a_plan_that_was_overtaken_moves_nobody(db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一队", "door01", "clerk01")
    a, b = await wanted(db, out, 2), await wanted(db, out, 3)
    number = await proposed(db, out)
    await doorstep.schedule(db, out, a.key, on(15), one.id, actor="manager:manager")
    with pytest.raises(PlanOvertaken):
        await taking.take(db, out, number, actor="manager:manager")
    assert await told(db, [a, b]) == [("scheduled", one.id, "15:00"), ("accepted", None, None)]
    again = await proposed(db, out)
    assert [it.state for it in await store.plans_of(db, out, DAY)] == ["proposed", "passed"]
    assert await taking.refuse(db, out, again, actor="manager:manager")
    assert not await taking.refuse(db, out, again, actor="manager:manager")


async def test_a_plan_that_is_too_old_is_not_taken_and_one_that_changes_nothing_not_shown(db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一队", "door01", "clerk01")
    a = await wanted(db, out, 2)
    old = await proposed(db, out)
    await at(db, "2027-03-02 10:30+08")
    with pytest.raises(PlanOvertaken):
        await taking.take(db, out, old, actor="m")
    again = await proposed(db, out)
    assert await taking.take(db, out, again, actor="m") == 1
    assert [(state, team) for state, team, _ in await told(db, [a])] == [("scheduled", one.id)]
    await proposed(db, out, "late")
    assert [it.state for it in await store.plans_of(db, out, DAY)] == ["passed", "applied", "passed"]
    await db.execute("UPDATE round_plans SET day = day - 93 WHERE id = $1", old)
    assert (await store.forget_old(db, out), await store.forget_old(db, out)) == (1, 0)


async def test_what_was_told_keeps_its_time_and_near_its_hour_its_team(db: Connection, out: Hall) -> None:
    """A promise moves by half an hour at the most; inside an hour of it the team stays and nobody comes sooner."""
    one, two = await crew(db, out, "一队", "door01", "clerk01"), await crew(db, out, "二队", "door02", "clerk02")
    soon, later = await wanted(db, out, 8), await wanted(db, out, 8.1)
    await doorstep.schedule(db, out, soon.key, on(9, 40), one.id, actor="m")
    await doorstep.schedule(db, out, later.key, on(11), two.id, actor="m")
    await at(db, "2027-03-02 09:00+08")
    by_id = (await as_it_is(db, out)).problem.by_id
    assert by_id[str(soon.id)].windows == ((34_800, 36_600),)
    assert (by_id[str(soon.id)].only, by_id[str(later.id)].only) == (str(one.id), None)
    assert by_id[str(later.id)].windows == ((37_800, 41_400),)
    number = await proposed(db, out)
    moves = {it.visit: it.start for it in await store.stops(db, number)}
    assert moves[soon.id] == on(9, 40)
    assert moves[later.id] == on(11)  # nobody is later for it, so it stays


async def test_few_minutes_later_are_no_other_time(db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一队", "door01", "clerk01")
    near, far = await wanted(db, out, 3), await wanted(db, out, 6)
    await doorstep.schedule(db, out, near.key, on(9, 10), one.id, actor="m")  # it takes 12 minutes from nine
    await doorstep.schedule(db, out, far.key, on(14), one.id, actor="m")
    number = await proposed(db, out, "late")
    stops = {it.visit: (it.start, it.late, it.moves) for it in await store.stops(db, number)}
    assert stops == {near.id: (on(9, 10), 120, False), far.id: (on(14), 0, False)}
    plan = await store.plan_of(db, out, number)
    assert plan is not None and plan.state == "passed"  # nothing in it is new


async def test_a_time_moves_no_further_from_what_was_told_first_however_often_it_is_planned(db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一队", "door01", "clerk01")
    held, moved = await wanted(db, out, 3, (on(9), on(11))), await wanted(db, out, 3.1)
    await doorstep.schedule(db, out, held.key, on(10, 30), one.id, actor="m")
    await doorstep.schedule(db, out, moved.key, on(15), one.id, actor="m")

    def reach(day: Day) -> list[tuple[int, int]]:
        return [day.problem.by_id[str(it.id)].windows[0] for it in (held, moved)]

    assert reach(await as_it_is(db, out)) == [(36_000, 38_400), (52_200, 55_800)]  # from 10:40 on it would not end by eleven
    await db.execute("UPDATE doorstep_visits SET start = $2, given = start WHERE id = $1", moved.id, on(15, 20))
    assert reach(await as_it_is(db, out))[1] == (52_200, 55_800)
    number = await proposed(db, out)
    stops = {it.visit: it.start for it in await store.stops(db, number)}
    assert on(14, 30) <= (stops[moved.id] or on(0)) <= on(15, 30)
    if await taking.take(db, out, number, actor="m"):
        assert await db.fetchval("SELECT given FROM doorstep_visits WHERE id = $1", moved.id) == on(15)
    await doorstep.schedule(db, out, moved.key, on(16), one.id, actor="m")  # told anew by a person
    assert reach(await as_it_is(db, out))[1] == (55_800, 59_400)


async def test_a_team_under_way_goes_on_from_where_it_is(db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一队", "door01", "clerk01")
    a, b = await wanted(db, out, 7), await wanted(db, out, 7.5)
    await doorstep.schedule(db, out, a.key, on(9, 30), one.id, actor="m")
    await doorstep.schedule(db, out, b.key, on(10), one.id, actor="m")
    await at(db, "2027-03-02 09:40+08")
    await doorstep.depart(db, out, a.key, actor="doorstep:door01", member="door01")
    day = await as_it_is(db, out)
    ready = day.ready[one.id]
    assert (ready.visit, ready.at) == (a.id, 37_440)  # 24 minutes of way and 20 at the door: 10:24
    assert [(stop.visit, stop.late) for it in standing(day) for stop in it.stops] == [(str(b.id), 1740)]
    assert latest(standing(day)) == 1740
    assert day.problem.teams[0].lunch == Lunch(41_400, 44_100, 2700)
    await field.late(db, out, a.key, 60, actor="doorstep:door01", member="door01")  # 10:30, and 20 at the door
    assert (await as_it_is(db, out)).ready[one.id].at == 39_000
    await at(db, "2027-03-02 10:00+08")
    await doorstep.arrive(db, out, a.key, actor="doorstep:door01", member="door01")
    await at(db, "2027-03-02 10:30+08")
    await doorstep.complete(db, out, a.key, "done", actor="doorstep:door01", member="door01")
    day = await as_it_is(db, out)
    assert (day.ready[one.id].visit, day.ready[one.id].at, day.problem.teams[0].room) == (None, 37_800, 11)
    assert day.problem.teams[0].start == day.points[a.id]


async def test_a_team_that_says_it_is_late_is_late(db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一队", "door01", "clerk01")
    a, b = await wanted(db, out, 3), await wanted(db, out, 3.5)
    await doorstep.schedule(db, out, a.key, on(9, 30), one.id, actor="m")
    await doorstep.schedule(db, out, b.key, on(10), one.id, actor="m")
    await field.late(db, out, a.key, 60, actor="doorstep:door01", member="door01")
    day = await as_it_is(db, out)
    assert [(stop.visit, stop.late) for it in standing(day) for stop in it.stops] == [(str(a.id), 3600), (str(b.id), 3300)]
    assert watch.cause(out, day, [], standing(day)) == "late"
    await at(db, "2027-03-02 10:00+08")
    await doorstep.depart(db, out, a.key, actor="doorstep:door01", member="door01")
    day = await as_it_is(db, out)
    assert (day.ready[one.id].visit, day.ready[one.id].at) == (a.id, day.second(on(10, 50)))
    number = await proposed(db, out, "late")
    assert await taking.take(db, out, number, actor="m") == 1
    assert [it[2] for it in await told(db, [b])] == ["10:55"]


async def test_what_a_team_had_goes_to_others_once_it_drops_out(db: Connection, out: Hall) -> None:
    one, two = await crew(db, out, "一队", "door01", "clerk01"), await crew(db, out, "二队", "door02", "clerk02", skills="A")
    a, b = await wanted(db, out, 3), await wanted(db, out, 3, matter="DEED")
    await doorstep.schedule(db, out, a.key, on(10), one.id, actor="m")
    await doorstep.schedule(db, out, b.key, on(11), one.id, actor="m")
    await drop_out(db, out, one.id, actor="manager:manager")
    day = await as_it_is(db, out)
    assert watch.cause(out, day, [], standing(day)) == "team"
    number = await proposed(db, out, "team")
    plan = await store.plan_of(db, out, number)
    assert plan is not None and plan.unserved == {str(b.id): "no_skill"}
    await taking.take(db, out, number, actor="manager:manager")
    assert await told(db, [a, b]) == [("scheduled", two.id, "10:00"), ("accepted", None, None)]  # others come at the time told
    await taking.take_back(db, out, number, actor="manager:manager")
    assert await told(db, [a, b]) == [("scheduled", one.id, "10:00"), ("scheduled", one.id, "11:00")]
    await come_back(db, out, one.id, actor="manager:manager")
    day = await as_it_is(db, out)
    assert (day.out, watch.cause(out, day, [], standing(day))) == (frozenset(), None)


async def test_a_day_is_looked_at_again_for_who_is_late_and_who_asks(db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一队", "door01", "clerk01")
    a = await wanted(db, out, 2)
    day = await as_it_is(db, out)
    assert watch.cause(out, day, [], standing(day)) is None  # nothing is planned yet: somebody has to begin
    await doorstep.schedule(db, out, a.key, on(9, 30), one.id, actor="m")
    await at(db, "2027-03-02 09:20+08")
    await taking.refuse(db, out, await proposed(db, out), actor="m")
    await at(db, "2027-03-02 09:25+08")
    await wanted(db, out, 3)
    day, plans = await as_it_is(db, out), await store.plans_of(db, out, DAY)
    assert watch.cause(out, day, plans, standing(day)) is None  # ten minutes of rest after a no
    await at(db, "2027-03-02 09:35+08")
    day = await as_it_is(db, out)
    assert watch.cause(out, day, plans, standing(day)) == "call"
    await at(db, "2027-03-02 10:00+08")
    day = await as_it_is(db, out)
    assert watch.cause(out, day, plans, standing(day)) == "late"
    await db.execute("INSERT INTO settings (hall, name, value) VALUES ($1, 'rounds_watch', 'false')", out.id)
    assert watch.cause(await get_hall(db, "demo"), day, plans, standing(day)) is None


async def test_a_door_without_a_point_is_named_and_the_hall_s_place_is_its_centre(db: Connection, out: Hall) -> None:
    await crew(db, out, "一队", "door01", "clerk01")
    lost = await wanted(db, out, 1, where=False)
    other_day = await wanted(db, out, 1, (on(9) + timedelta(1), on(11) + timedelta(1)))
    await set_place(db, out, 26.6, 104.9)
    day = await as_it_is(db, out)
    assert (day.nowhere, day.problem.visits, (day.centre.lat, day.centre.lon)) == ((lost.id,), (), (26.6, 104.9))
    assert other_day.id not in day.visits


async def test_one_run_at_a_time_and_a_dead_one_makes_way(db: Connection, pool: Pool, out: Hall) -> None:
    async def begin() -> bool:
        async with pool.acquire() as own:
            try:
                await store.begin(own, out, DAY, "asked", actor="m")
            except RoundsSought:
                return False
            return True

    assert sorted(await asyncio.gather(*(begin() for _ in range(5)))) == [False] * 4 + [True]
    (plan,) = await store.plans_of(db, out, DAY)
    assert (plan.state, plan.silent, await store.beat(db, plan.id)) == ("solving", False, True)
    await db.execute("UPDATE round_plans SET beat = beat - interval '1 minute'")
    assert await begin()
    assert await store.stop(db, out, DAY, actor="m")
    newest = (await store.plans_of(db, out, DAY))[0]
    assert (newest.state, await store.beat(db, newest.id)) == ("stopped", False)
