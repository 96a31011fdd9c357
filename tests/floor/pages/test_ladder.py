"""The end of the day as the manager, the desk and the visitor see it, and the ladder climbed by their buttons."""

import re
from dataclasses import replace

import pytest
from starlette.applications import Starlette

from floor.clock import watch_floor
from floor.database import Connection
from queueing.halls import Hall, get_hall
from queueing.windows import open_window
from scheduling.escalation import climb
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, press, staff
from tests.scheduling.clocks import at
from tests.scheduling.halls import DAY, number, until_five


@pytest.fixture
async def evening(app: Starlette, db: Connection, hall: Hall) -> Hall:
    """Just past the last ticket: three wait for A at window 1, two for B, whom nobody serves."""
    shut = await until_five(db, hall)
    await at(db, f"{DAY} 16:28+08")
    await open_window(db, shut, "1", "clerk01", services=["A"], actor="clerk:clerk01")
    for service in "AAABB":
        await number(db, shut, service)
    await at(db, f"{DAY} 16:31+08")
    await watch_floor(db, shut)
    await climb(db, shut)
    await at(db, f"{DAY} 16:35+08")
    await watch_floor(db, shut)
    return replace(await get_hall(db, "demo"), always_open=False)


@pytest.fixture
async def lin(app: Starlette, evening: Hall) -> Client:
    return await staff(app, "manager")


def action(page: Page, ending: str) -> str:
    return next(form.action for form in page.every if form.action.endswith(ending))


def has(page: Page, ending: str) -> bool:
    return any(form.action.endswith(ending) for form in page.every)


async def test_the_board_shows_who_is_left_and_one_click_opens_a_window_for_them(
    lin: Client, db: Connection, evening: Hall
) -> None:
    page = await look(lin, "/demo/manage")
    assert "延时办结中" in page.words and "末号 16:30 · 下班 17:00" in page.words
    assert "5 人还要办" in page.words and "2 人没有开着的窗口能办" in page.words
    assert "没有窗口在办" in page.words and "B 不动产登记（2 人）" in page.words
    page = await press(lin, page, action(page, "/alarms/no_window/seen"))
    assert "姓名manager 在处理" in page.words and not has(page, "/alarms/no_window/seen")
    page = await press(lin, page, action(page, "/helpers/B/call"))
    assert page.sentence == "" and "2 人没有开着的窗口能办" not in page.words
    row = await db.fetchrow("SELECT clerk, services FROM windows WHERE no = '2'")
    assert row is not None and tuple(row) == ("clerk02", ["B", "A"])
    await watch_floor(db, evening)
    page = await look(lin, "/demo/manage")
    assert not has(page, "/alarms/no_window/seen")
    page = await press(lin, page, action(page, "/helpers/A/call"))
    assert page.sentence == "没有空闲的人员，或没有空着的窗口能办这项业务"


async def test_the_halls_own_steps_are_taken_with_a_click_and_refused_with_another(
    lin: Client, db: Connection, evening: Hall
) -> None:
    await at(db, f"{DAY} 17:00+08")
    await climb(db, evening)
    page = await look(lin, "/demo/manage")
    assert "开潮汐窗口" in page.words and "A 社会保险：3 人在等，最久 32 分钟" in page.words
    tidal = await db.fetchval("SELECT id FROM escalations WHERE step = 'tidal' AND service = 'B'")
    page = await press(lin, page, action(page, f"/ladder/{tidal}/accept"))
    assert page.sentence == "" and not has(page, f"/ladder/{tidal}/accept")
    assert await db.fetchval("SELECT services FROM windows WHERE no = '2'") == ["B", "A"]
    alert = await db.fetchval("SELECT id FROM escalations WHERE step = 'alert' AND service = 'A'")
    await press(lin, page, action(page, f"/ladder/{alert}/refuse"))
    states = await db.fetch("SELECT step, service, state, decided_by FROM escalations WHERE decided_by <> 'clock' ORDER BY id")
    assert [tuple(row) for row in states] == [
        ("alert", "A", "refused", "manager:manager"), ("tidal", "B", "accepted", "manager:manager"),
    ]  # fmt: skip


async def test_a_leader_of_another_zone_decides_nothing_here(app: Starlette, db: Connection, evening: Hall) -> None:
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", evening.id)
    await db.execute("UPDATE users SET zone = 'B' WHERE username = 'leader01'")
    leader = await staff(app, "leader01")
    page = await look(leader, "/demo/manage")
    page = await press(leader, page, action(page, "/helpers/B/call"))
    assert page.sentence != "" and await db.fetchval("SELECT state FROM windows WHERE no = '2'") == "closed"


async def test_before_the_last_half_hour_the_board_says_nothing_of_closing(app: Starlette, db: Connection, evening: Hall) -> None:
    await db.execute("UPDATE doors SET last_ticket = last_ticket + interval '3 h', closes = closes + interval '3 h'")
    await db.execute("UPDATE escalations SET day = day - 1")
    page = await look(await staff(app, "manager"), "/demo/manage")
    assert re.search("延时办结中|快下班了|升级处理", page.words) is None
