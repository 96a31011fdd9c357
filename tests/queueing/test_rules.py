"""Who is called follows the rules the hall chose, and every choice can be made again from the record."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from floor.words import LANGUAGES, words
from queueing import calls, halls, journal, replay, tickets, windows
from queueing.calls import Seat
from queueing.db import Db
from queueing.errors import BadInput, NotServedHere, NotSkilled
from queueing.halls import Hall
from queueing.rules import RULES, most_overtaken
from queueing.settings import INTERLEAVE, LATE, SETTINGS, SHORT_EVERY, choose
from queueing.tickets import Act
from tests.queueing.acts import TakesTickets

LI = Seat("1", "clerk:li", "li")
WANG = Seat("2", "clerk:wang", "wang")
Calls = Callable[..., Awaitable[list[tuple[str, str]]]]


@pytest.fixture
def called(db: Db, hall: Hall) -> Calls:
    """Presses next n times at a window under the hall's present rules: who came, and by which rule."""

    async def at(seat: Seat, n: int) -> list[tuple[str, str]]:
        now = await halls.get_hall(db, hall.code)
        start = (await journal.top(db, hall.id)).offset
        for _ in range(n):
            await calls.call_next(db, now, seat, finish_current=True)
        rows = await journal.read(db, hall.id, start)
        return [(row.data["ticket"], row.data["rule"]) for row in rows if row.kind == "ticket.called"]

    return at


@pytest.fixture(autouse=True)
async def the_record_explains_itself(db: Db, hall: Hall) -> AsyncIterator[None]:
    yield
    judged = replay.check(await journal.read(db, hall.id, 0, limit=10_000))
    assert judged.broken == []


async def opened(db: Db, hall: Hall, seat: Seat = LI, **words: object) -> None:
    """Set up a window and open it."""
    for word, value in words.items():
        await db.execute(f"UPDATE windows SET {word} = $3 WHERE hall = $1 AND no = $2", hall.id, seat.window, value)
    await windows.open_window(db, hall, seat.window, seat.clerk or "", actor=seat.actor)


async def waited(db: Db, minutes: int) -> None:
    """Let everybody have joined earlier, as if that long had passed; the record then tells it as it was."""
    await db.execute(
        f"CREATE OR REPLACE FUNCTION hall_now() RETURNS timestamptz LANGUAGE sql STABLE AS "
        f"$$ SELECT now() + interval '{minutes} minutes' $$"
    )


async def booked(db: Db, hall: Hall, minutes: int, service: str = "A") -> Act:
    """Check in a booking whose time is so many minutes from now."""
    at = await db.fetchval("SELECT now() + make_interval(mins => $1)", minutes)
    now = await halls.get_hall(db, hall.code)
    return await tickets.take(db, now, [service], actor="desk:a", channel="desk", booked_for=at)


async def test_one_booked_then_k_walk_ins(db: Db, hall: Hall, take: TakesTickets, called: Calls) -> None:
    await choose(db, hall.id, INTERLEAVE, 2)
    await opened(db, hall)
    for _ in range(5):
        await take("A")
    for _ in range(3):
        await booked(db, hall, -1)
    assert await called(LI, 8) == [
        ("A006", "interleave"), ("A001", "order"), ("A002", "order"),
        ("A007", "interleave"), ("A003", "order"), ("A004", "order"),
        ("A008", "interleave"), ("A005", "order"),
    ]  # fmt: skip


async def test_an_early_booking_is_nobodys_turn_before_its_time(db: Db, hall: Hall, take: TakesTickets, called: Calls) -> None:
    await choose(db, hall.id, INTERLEAVE, 1)
    await opened(db, hall)
    early = await booked(db, hall, 20)
    await take("A")
    assert early.ticket.rank_at == early.ticket.booked_for
    assert await called(LI, 2) == [("A002", "order"), ("A001", "order")]


async def test_a_booking_stands_at_its_time_less_the_head_start_of_the_booked(db: Db, hall: Hall) -> None:
    await db.execute(
        "INSERT INTO categories (hall, code, name, credit_minutes, evidence) VALUES ($1, 'booked', '预约', 10, 'booking')",
        hall.id,
    )
    act = await booked(db, hall, 15)
    assert act.ticket.booked_for is not None
    assert (act.ticket.lane, act.ticket.credit) == (1, 10)
    assert act.ticket.rank_at == act.ticket.booked_for - timedelta(minutes=10)


async def test_who_comes_later_than_the_grace_joins_as_everybody_does(db: Db, hall: Hall) -> None:
    await choose(db, hall.id, LATE, 5)
    within, late = await booked(db, hall, -4), await booked(db, hall, -6)
    assert within.ticket.lane == 1
    assert (late.ticket.lane, late.ticket.booked_for, late.ticket.rank_at) == (0, None, late.ticket.joined_at)


async def test_a_window_helps_once_the_others_wait_too_long(db: Db, hall: Hall, take: TakesTickets, called: Calls) -> None:
    await opened(db, hall, serves=["A"], helps=["B"], help_after=15)
    await take("B")
    assert await called(LI, 1) == []
    await waited(db, 16)
    await take("A")
    assert await called(LI, 2) == [("B001", "help"), ("A001", "order")]


async def test_the_short_line_goes_first_when_it_waited_too_long_and_never_twice_in_a_row(
    db: Db, hall: Hall, take: TakesTickets, called: Calls
) -> None:
    await db.execute("UPDATE services SET quick = true WHERE code = 'B'")
    await opened(db, hall, serves=["A", "B"], short_after=10)
    for service in "AAABBB":
        await take(service)
    assert await called(LI, 1) == [("A001", "order")]
    await waited(db, 11)
    assert await called(LI, 5) == [("B001", "short"), ("A002", "order"), ("B002", "short"), ("A003", "order"), ("B003", "short")]


async def test_a_ticket_is_a_short_job_when_all_its_matters_are(db: Db, hall: Hall) -> None:
    await db.execute("INSERT INTO matter_rules (hall, matter, quick) VALUES ($1, '盖章', true), ($1, '立户', false)", hall.id)
    lanes = []
    for matters in (["盖章"], ["盖章", "立户"], []):
        act = await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk", matters=matters)
        lanes.append(act.ticket.lane)
    assert lanes == [2, 0, 0]


async def test_an_absolute_class_is_a_very_large_credit(db: Db, hall: Hall, take: TakesTickets, called: Calls) -> None:
    await db.execute("UPDATE categories SET credit_minutes = 100000 WHERE code = 'veteran'")
    await opened(db, hall)
    await take("A")
    await waited(db, 5)
    await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk", category="veteran", evidence="优待证")
    assert await called(LI, 2) == [("A002", "credit"), ("A001", "order")]


async def test_a_fenced_matter_is_called_by_the_windows_named_and_no_others(
    db: Db, hall: Hall, take: TakesTickets, called: Calls
) -> None:
    await db.execute(
        "INSERT INTO matter_rules (hall, matter, only_windows, only_clerks) VALUES ($1, '涉密', '{2}', '{}')", hall.id
    )
    await journal.append(
        db, hall.id, "rules.matter", "manager:z", data={"matter": "涉密", "windows": ["2"], "clerks": [], "quick": False}
    )
    await opened(db, hall)
    await opened(db, hall, WANG)
    await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk", matters=["涉密"])
    await take("A")
    assert await called(LI, 2) == [("A002", "order")]
    with pytest.raises(NotServedHere):
        await calls.call_number(db, hall, LI, "A001")
    assert await called(WANG, 1) == [("A001", "order")]


async def test_a_fenced_service_opens_only_for_the_windows_and_clerks_named(db: Db, hall: Hall) -> None:
    await db.execute("UPDATE services SET only_windows = '{2}', only_clerks = '{zhao}' WHERE code = 'B'")
    with pytest.raises(NotServedHere) as refused:
        await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    assert refused.value.details == {"service": "B", "window": "1"}
    await windows.open_window(db, hall, "1", "zhao", actor="clerk:zhao")
    await windows.open_window(db, hall, "2", "wang", actor="clerk:wang")


async def test_a_window_of_a_class_opens_for_services_of_that_class_or_of_none(db: Db, hall: Hall) -> None:
    await db.execute("UPDATE windows SET class = 'legal' WHERE no = '1'")
    await db.execute("UPDATE services SET class = 'natural' WHERE code = 'B'")
    with pytest.raises(NotServedHere):
        await windows.open_window(db, hall, "1", "li", actor="clerk:li")
    assert (await windows.open_window(db, hall, "1", "li", services=["A"], actor="clerk:li")).window.services == ["A"]


async def test_a_comprehensive_window_serves_its_whole_zone_as_the_zone_changes(db: Db, hall: Hall) -> None:
    await db.execute("UPDATE windows SET serves = '{A}', whole_zone = true WHERE no = '1'")
    assert await db.fetchval("SELECT serves FROM windows WHERE no = '1'") == ["A", "B"]
    await db.execute("INSERT INTO services (hall, code, name, zone, prefix, rank) VALUES ($1, 'C', '咨询', 'A', 'C', 3)", hall.id)
    assert await db.fetchval("SELECT serves FROM windows WHERE no = '1'") == ["A", "B", "C"]


async def test_helping_needs_the_skill_and_a_skill_ends_with_the_halls_own_day(db: Db, hall: Hall) -> None:
    today = await halls.business_day(db, hall)
    await db.execute("UPDATE halls SET skills_required = true, day_starts = '23:59', time_zone = 'Etc/GMT+12'")
    ends = await halls.business_day(db, hall)
    assert ends < today  # in a hall whose day began long ago
    await db.execute("INSERT INTO skills (hall, clerk, service, until) VALUES ($1, 'li', 'A', $2)", hall.id, ends)
    await opened(db, hall, serves=["A"], helps=["B"])
    assert await db.fetchval("SELECT services || '{+}'::text[] || helping FROM windows WHERE no = '1'") == ["A", "+"]
    await db.execute("UPDATE skills SET until = until - 1")
    with pytest.raises(NotSkilled):
        await windows.open_window(db, hall, "1", "li", actor="clerk:li")


async def test_windows_that_press_at_once_pass_over_each_others_and_say_so(
    pool: asyncpg.Pool, db: Db, hall: Hall, take: TakesTickets
) -> None:
    await choose(db, hall.id, INTERLEAVE, 2)
    await db.execute(
        "INSERT INTO windows (hall, no, name, zone, serves)"
        " SELECT $1, 'R' || n, 'R' || n, 'A', '{A,B}' FROM generate_series(1, 12) n",
        hall.id,
    )
    for n in range(1, 13):
        await windows.open_window(db, hall, f"R{n}", f"r{n}", actor="x")
    for n in range(150):
        await (booked(db, hall, -1) if n % 3 == 0 else take("AB"[n % 2]))
    now = await halls.get_hall(db, hall.code)

    async def window(n: int) -> None:
        seat = Seat(f"R{n}", f"clerk:r{n}", f"r{n}")
        for turn in range(14):
            async with pool.acquire() as mine:
                act = await calls.call_next(mine, now, seat, finish_current=turn % 4 != 0 or turn == 0)
                if isinstance(act, Act) and turn % 4 == 3:
                    await calls.transfer(mine, now, seat, to_service="B", position=calls.POSITIONS[turn % 3])

    await asyncio.gather(*(window(n) for n in range(1, 13)))
    entries = await journal.read(db, hall.id, 0, limit=10_000)
    judged = replay.check(entries)
    assert (judged.broken, judged.let_go) == ([], [])
    assert judged.calls > 130
    assert any("skipped" in entry.data.get("by", {}) for entry in entries)


async def test_the_judge_sees_a_call_the_rules_did_not_make(db: Db, hall: Hall, take: TakesTickets, called: Calls) -> None:
    await opened(db, hall)
    await take("A")
    await take("A")
    await called(LI, 2)
    entries = await journal.read(db, hall.id, 0)
    first, second = (n for n, entry in enumerate(entries) if entry.kind == "ticket.called")
    lie = replace(entries[second], data=entries[second].data | {"ticket": "A002", "by": entries[first].data["by"]})
    assert len(replay.check([*entries[:first], replace(lie, offset=entries[first].offset)]).broken) == 1
    unnamed = replace(entries[first], data=entries[first].data | {"rule": "credit"})
    assert len(replay.check([*entries[:first], unnamed]).broken) == 1


async def test_a_setting_outside_its_range_is_refused_and_the_usual_needs_no_row(db: Db, hall: Hall) -> None:
    with pytest.raises(BadInput):
        await choose(db, hall.id, INTERLEAVE, 51)
    with pytest.raises(BadInput):
        await choose(db, hall.id, SHORT_EVERY, "2")
    await choose(db, hall.id, INTERLEAVE, 3)
    assert (await halls.get_hall(db, hall.code)).value(INTERLEAVE) == 3
    await choose(db, hall.id, INTERLEAVE, INTERLEAVE.usual)
    assert await db.fetchval("SELECT count(*) FROM settings") == 0
    assert len({setting.name for setting in SETTINGS}) == len(SETTINGS)


def test_the_bound_of_a_category_is_the_largest_credit_less_its_own() -> None:
    assert most_overtaken({"": 0, "elderly": 20, "veteran": 30}) == {"": 30, "elderly": 10, "veteran": 0}


def test_every_rule_has_its_sentence_in_every_language() -> None:
    for lang in LANGUAGES:
        assert [rule for rule in RULES if f"rules.because.{rule}" not in words(lang)] == []
