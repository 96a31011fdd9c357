"""The windows planned for the rest of the day, as the published roster has them; and who may open one."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from floor.database import Connection
from floor.free import free_clerks, posts_now
from floor.people import add_user
from queueing import windows
from queueing.floors import Plan, Seat, endings
from queueing.halls import Hall, get_hall
from queueing.hands import able_at
from queueing.proposals import step_of
from queueing.steps import EXTEND_S, Place
from scheduling.errors import NoSuchShift, NotOnShift, OtherHours, OtherWindow
from scheduling.hours import open_doors
from scheduling.roster.planned import Duty, apply_on_shift, check_on_shift
from scheduling.roster.plans import Planned, Spot, assign_windows, lay_plans, planned, release_windows
from scheduling.roster.problem import Clerk, Pattern
from scheduling.roster.store import place, placed, publish, set_contract
from scheduling.statutory import keep_known
from tests.scheduling.clocks import at

MONDAY = date(2026, 11, 23)
NINE, NOON, ONE, FIVE = 540, 720, 780, 1020
WHOLE = Pattern("d", NINE, FIVE, ((NOON, ONE),))
EARLY, LATE = Pattern("e", NINE, ONE), Pattern("l", ONE, FIVE)


def duty(clerk: str, pattern: Pattern, window: str | None = None) -> Duty:
    return Duty(clerk, "A", window, pattern)


SPOTS = [Spot("1", "A"), Spot("2", "A"), Spot("9", "B")]
BOTH = {(clerk, no): ("A", "B") for clerk in ("li", "wang") for no in ("1", "2")}


@pytest.mark.parametrize(
    ("on", "spots", "drains", "expected"),
    [
        ([duty("li", WHOLE)], SPOTS, {}, [("1", NINE, 2), ("1", NOON, 0), ("1", ONE, 2), ("1", FIVE, 0)]),
        ([duty("li", WHOLE)], SPOTS, {"A": FIVE}, [("1", NINE, 2), ("1", NOON, 0), ("1", ONE, 2)]),
        ([duty("li", EARLY), duty("wang", LATE)], SPOTS, {}, [("1", NINE, 2), ("1", ONE, 2), ("1", FIVE, 0)]),
        (
            [duty("li", EARLY), duty("wang", EARLY, "1")], SPOTS, {"A": FIVE},
            [("1", NINE, 2), ("2", NINE, 2), ("1", ONE, 0), ("2", ONE, 0)],
        ),
        ([duty("li", EARLY)], [Spot("1", "A"), Spot("2", "A", "li", ("B",))], {}, [("2", NINE, 1), ("2", ONE, 0)]),
        ([duty("zhao", EARLY)], SPOTS, {}, []),
    ],
    ids=["a break closes it", "a drained day has no end", "handed over", "the one named first", "where they sit", "no skill"],
)  # fmt: skip
def test_what_windows_are_to_do_follows_the_shifts(
    on: list[Duty], spots: list[Spot], drains: Mapping[str, int], expected: list[tuple[str, int, int]]
) -> None:
    assert [(it.window, it.minute, len(it.services)) for it in planned(on, spots, BOTH, drains)] == expected


def test_a_break_is_not_the_end_of_a_windows_day() -> None:
    rows = [Planned("1", NOON, (), "li"), Planned("1", ONE, ("A",), "li"), Planned("1", FIVE, (), "li")]
    plans = tuple(Plan(it.window, 60.0 * it.minute, it.services) for it in rows)
    assert endings(plans) == {plans[-1]}


@pytest.fixture
async def monday(db: Connection, hall: Hall) -> Hall:
    """Monday at ten by the hall's clock: li 9 to 17 with an hour at noon, wang from 13 at window 2, both published."""
    await at(db, f"{MONDAY} 10:00+08")
    await keep_known(db, MONDAY)
    await db.execute("UPDATE day_types SET drain = false")
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("DELETE FROM doors")
    kept = await get_hall(db, "demo")
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B')", kept.id)
    await db.execute("INSERT INTO windows (hall, no, name, zone, serves) VALUES ($1, '9', '9', 'B', '{A}')", kept.id)
    await open_doors(db, kept)
    for code, begins, breaks in (("d", NINE, [[NOON, ONE]]), ("l", ONE, [])):
        await db.execute("INSERT INTO shift_patterns VALUES ($1, $2, $3, $4, $5)", kept.id, code, begins, FIVE, breaks)
    for name in ("li", "wang", "zhao"):
        await add_user(db, kept.id, name, "x", name=name, roles=["clerk"])
        await set_contract(db, kept, Clerk(name, ("A",), home="A"))
    await place(db, kept, MONDAY, "li", "d", "A", actor="manager:lin")
    await place(db, kept, MONDAY, "wang", "l", "A", actor="manager:lin", window="2")
    await publish(db, kept, MONDAY, actor="manager:lin")
    return kept


async def plans(db: Connection) -> list[tuple[str, str, str | None, int]]:
    rows = await db.fetch("SELECT * FROM window_plans ORDER BY at, window_no")
    zone = ZoneInfo("Asia/Shanghai")
    return [(row["window_no"], f"{row['at'].astimezone(zone):%H:%M}", row["clerk"], len(row["services"])) for row in rows]


async def test_the_clock_keeps_the_plans_as_roster_and_seats_are(db: Connection, monday: Hall) -> None:
    assert await lay_plans(db, monday) == 5
    assert await plans(db) == [
        ("1", "12:00", "li", 0), ("1", "13:00", "li", 2), ("2", "13:00", "wang", 2),
        ("1", "17:00", "li", 0), ("2", "17:00", "wang", 0),
    ]  # fmt: skip
    assert await lay_plans(db, monday) == 0
    await place(db, monday, MONDAY + timedelta(1), "zhao", "d", "A", actor="manager:lin")
    assert await lay_plans(db, monday) == 0, "tomorrow's windows serve nobody today"
    await windows.open_window(db, monday, "2", "li", services=["B"], actor="clerk:li")
    await lay_plans(db, monday)
    assert await plans(db) == [
        ("2", "12:00", "li", 0), ("1", "13:00", "wang", 2), ("2", "13:00", "li", 1),
        ("1", "17:00", "wang", 0), ("2", "17:00", "li", 0),
    ]  # fmt: skip


async def test_hours_somebody_made_longer_stay_longer(db: Connection, monday: Hall) -> None:
    await lay_plans(db, monday)
    later = datetime(2026, 11, 23, 17, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
    longer = "UPDATE window_plans SET at = at + make_interval(secs => $1) WHERE at > $2"
    await db.execute(longer, EXTEND_S, later.replace(hour=16))
    await db.execute(
        "INSERT INTO proposals (hall, day, subject, service, step, state, effects, offered_with, offered_at, decided_at, "
        "decided_by, kept) "
        "VALUES ($1, $2, 'extend:A', 'A', $3, 'applied', '[]', '[]', hall_now(), hall_now(), 'manager:lin', $4)",
        monday.id, MONDAY, {"kind": "extend", "service": "A"}, {"plans": [later.isoformat()]},
    )  # fmt: skip
    assert await lay_plans(db, monday) == 0
    assert (await plans(db))[-1] == ("2", "17:30", "wang", 0)


@pytest.mark.parametrize(
    ("clerk", "window", "when", "refused"),
    [
        ("li", "1", "10:00", None),
        ("li", "2", "08:40", None),
        ("li", "1", "08:20", OtherHours),
        ("li", "1", "17:10", OtherHours),
        ("li", "1", "12:30", None),
        ("li", "9", "10:00", NotOnShift),
        ("wang", "2", "10:00", OtherHours),
        ("wang", "2", "14:00", None),
        ("wang", "1", "14:00", OtherWindow),
        ("zhao", "1", "10:00", NotOnShift),
    ],
)
async def test_a_window_opens_for_who_is_on_shift_there_then(
    db: Connection, monday: Hall, clerk: str, window: str, when: str, refused: type[Exception] | None
) -> None:
    await at(db, f"{MONDAY} {when}+08")
    if refused is None:
        await check_on_shift(db, monday, window, clerk)
    else:
        with pytest.raises(NotOnShift) as why:
            await check_on_shift(db, monday, window, clerk)
        assert type(why.value) is refused


async def test_who_sits_there_may_stay_after_the_shift(db: Connection, monday: Hall) -> None:
    await windows.open_window(db, monday, "1", "li", actor="clerk:li")
    await at(db, f"{MONDAY} 18:00+08")
    await check_on_shift(db, monday, "1", "li")


@pytest.mark.parametrize(
    ("when", "free"), [("10:00", ["li"]), ("11:45", []), ("12:30", []), ("14:00", ["li", "wang"]), ("16:45", [])]
)
async def test_only_who_is_on_shift_and_stays_is_proposed(db: Connection, monday: Hall, when: str, free: list[str]) -> None:
    await at(db, f"{MONDAY} {when}+08")
    assert await free_clerks(db, monday, await posts_now(db, monday)) == free


async def test_nobody_is_put_at_a_window_of_another_zone(db: Connection, monday: Hall) -> None:
    with pytest.raises(NoSuchShift):
        await place(db, monday, MONDAY, "zhao", "d", "A", actor="manager:lin", window="9")


async def test_a_proposal_is_carried_out_only_while_its_clerk_is_on_shift_there(db: Connection, monday: Hall) -> None:
    step = {"kind": "open", "service": "B", "window": "2", "services": ["A", "B"], "clerk": "wang"}
    offered = await db.fetchval(
        "INSERT INTO proposals (hall, day, subject, service, step, state, effects, offered_with, offered_at) "
        "VALUES ($1, $2, 'open:2:B', 'B', $3, 'offered', '[]', '[]', hall_now()) RETURNING id",
        monday.id, MONDAY, step,
    )  # fmt: skip
    with pytest.raises(OtherHours):
        await apply_on_shift(db, monday, offered, step_of(step), actor="manager:lin")
    await at(db, f"{MONDAY} 14:00+08")
    assert await apply_on_shift(db, monday, offered, step_of(step), actor="manager:lin")
    assert (await windows.get_window(db, monday, "2")).clerk == "wang"


def test_an_empty_window_is_for_who_is_posted_there() -> None:
    place, posts = Place("2", "A", ("B",)), {"li": ("A", None), "wang": ("A", "2"), "zhao": ("A", "1"), "chen": ("B", None)}
    every = ("chen", "li", "sun", "wang", "zhao")
    assert able_at(place, Seat("2", "closed", ()), every, posts) == ("li", "wang")
    assert able_at(place, Seat("2", "closed", ()), every, None) == every
    assert able_at(place, Seat("2", "open", ("B",), "sun"), every, posts) == ("li", "sun", "wang")


async def test_each_shift_of_a_week_gets_a_window_and_keeps_it_all_week(db: Connection, monday: Hall) -> None:
    for n in (1, 2):
        for name in ("li", "wang", "zhao"):
            await place(db, monday, MONDAY + timedelta(n), name, "d", "A", actor="manager:lin")
    await db.execute("UPDATE shifts SET fixed = false WHERE day > $1", MONDAY)
    assert await assign_windows(db, monday, MONDAY) == 5, "two windows for three people on two days, one on Monday"
    at_window = {(it.day - MONDAY, it.clerk): it.window_no for it in await placed(db, monday, MONDAY)}
    assert {(key[0].days, key[1]): no for key, no in at_window.items()} == {
        (0, "li"): "1", (0, "wang"): "2", (1, "li"): "1", (1, "wang"): "2", (1, "zhao"): None,
        (2, "li"): "1", (2, "wang"): "2", (2, "zhao"): None,
    }  # fmt: skip
    assert await assign_windows(db, monday, MONDAY) == 0
    assert await release_windows(db, monday, MONDAY) == 4, "what a hand has set stays"
