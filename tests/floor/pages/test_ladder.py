"""The end of the day as the manager, the desk and the visitor see it, and the ladder climbed by their buttons."""

from dataclasses import replace

import pytest
from starlette.applications import Starlette

from floor.clock import watch_floor
from floor.database import Connection
from queueing.day_roll import expire_day
from queueing.halls import Hall, get_hall
from queueing.windows import open_window
from scheduling.escalation import climb
from tests.floor.conftest import Client, client_of
from tests.floor.pages.staff import Page, look, press, staff
from tests.scheduling.clocks import at
from tests.scheduling.halls import DAY, number, slot, until_five


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
    assert "开潮汐窗口" in page.words and "A 社会保险：当时 3 人在等，最久 32 分钟" in page.words
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
    await at(db, f"{DAY} 17:00+08")
    await climb(db, evening)
    page = await look(leader, "/demo/manage")
    tidal = await db.fetchval("SELECT id FROM escalations WHERE step = 'tidal' AND service = 'B'")
    for act in ("/helpers/B/call", "/alarms/no_window/seen", f"/ladder/{tidal}/accept"):
        assert not has(page, act)
        pressed = {"csrf": page.every[0].fields["csrf"], "press": act, "by": "window"}
        assert (await leader.post(f"/demo/manage{act}", data=pressed)).status_code in (200, 303)
    assert await db.fetchval("SELECT state FROM windows WHERE no = '2'") == "closed"
    assert await db.fetchval("SELECT count(*) FROM alarms WHERE seen_by IS NOT NULL") == 0
    assert await db.fetchval("SELECT state FROM escalations WHERE id = $1", tidal) == "offered"
    await db.execute("UPDATE users SET zone = 'A' WHERE username = 'leader01'")
    own = await staff(app, "leader01")
    page = await press(own, await look(own, "/demo/manage"), "/demo/manage/alarms/no_window/seen")
    assert "姓名leader01 在处理" in page.words


async def test_before_the_last_half_hour_the_board_says_nothing_of_closing(app: Starlette, db: Connection, evening: Hall) -> None:
    await db.execute("UPDATE doors SET last_ticket = last_ticket + interval '3 h', closes = closes + interval '3 h'")
    await db.execute("UPDATE escalations SET day = day - 1")
    page = await look(await staff(app, "manager"), "/demo/manage")
    assert page.by_id.keys().isdisjoint({"drain", "ladder"})


async def test_on_the_telephone_another_time_is_taken_and_shown(app: Starlette, db: Connection, evening: Hall) -> None:
    keys = [row["key"] for row in await db.fetch("SELECT key FROM tickets WHERE service = 'B' ORDER BY id")]
    async with client_of(app) as phone:
        page = await look(phone, f"/t/{keys[0]}")
        assert "可以改约别的时间" in page.words and "3月4日 周四 10:00" in page.words
        page = await look(phone, f"/t/{keys[0]}/offers/slot")
        await answer(phone, page, "accept")
        page = await look(phone, f"/t/{keys[0]}")
        assert "已为您改约 3月4日 周四 10:00" in page.words and "改约别的时间" not in page.words
        code = await db.fetchval("SELECT code FROM appointments")
        assert f"/b/{code}" in page.answer.text
        assert "3月4日 周四 10:00" in (await look(phone, f"/b/{code}")).words
        # And who wants neither is through, with the reasons.
        page = await look(phone, f"/t/{keys[1]}/offers/slot")
        await answer(phone, page, "refuse", why="time")
        page = await look(phone, f"/t/{keys[1]}")
        assert "可以请我们上门" in page.words
        page = await look(phone, f"/t/{keys[1]}/offers/doorstep")
        assert f"/t/{keys[1]}/doorstep" in page.answer.text
        assert (await phone.get(f"/t/{keys[1]}/doorstep")).status_code == 200
        await answer(phone, page, "refuse", why="no_need")
        assert "今天没有办成，很抱歉" in (await look(phone, f"/t/{keys[1]}")).words
        assert (await phone.get(f"/t/{keys[1]}/offers/slot")).status_code == 303
    states = await db.fetch("SELECT step, state, why FROM escalations WHERE ticket IS NOT NULL ORDER BY id")
    assert [tuple(row) for row in states] == [
        ("slot", "accepted", None), ("slot", "refused", "time"), ("doorstep", "refused", "no_need"),
    ]  # fmt: skip


async def test_the_desk_offers_and_keeps_what_the_visitor_says(app: Starlette, db: Connection, evening: Hall) -> None:
    desk = await staff(app, "desk01")
    page = await look(desk, "/demo/desk?number=A002")
    page = await press(desk, page, "offer-slot-" + await key_of(db, "A002"))
    assert page.sentence == "已向 A002 提出"
    page = await press(desk, page, "refuse-slot-" + await key_of(db, "A002"), why="no_need")
    assert page.sentence == "A002 不要，已记下原因"
    page = await look(desk, "/demo/desk?number=B001")
    page = await press(desk, page, "accept-slot-" + await key_of(db, "B001"))
    assert page.sentence == "B001 已改约"
    became = await db.fetch("SELECT number, state::text, carried FROM tickets WHERE id IN (2, 4) ORDER BY id")
    assert [tuple(row) for row in became] == [("A002", "waiting", None), ("B001", "cancelled", "slot")]
    by = await db.fetch("SELECT DISTINCT decided_by FROM escalations WHERE ticket IN (2, 4)")
    assert [row["decided_by"] for row in by] == ["desk:desk01"]


async def answer(phone: Client, page: Page, form: str, **typed: str) -> None:
    """A button pressed on a telephone, without a script."""
    answered = await phone.post(page.forms[form].action, data=page.forms[form].fields | typed)
    assert answered.status_code == 303


async def key_of(db: Connection, number: str) -> str:
    key: str = await db.fetchval("SELECT key FROM tickets WHERE number = $1", number)
    return key


async def test_the_desk_sees_who_has_not_answered_and_one_of_them_goes_to_ask(
    app: Starlette, lin: Client, db: Connection, evening: Hall
) -> None:
    await at(db, f"{DAY} 16:45+08")
    desk = await staff(app, "desk01")
    page = await look(desk, "/demo/desk?number=B001")
    assert "等着答复的人 2" in page.words
    page = await press(desk, page, "ask-slot-" + await key_of(db, "B001"))
    assert page.sentence == "您去问 B001，别人不用再问" and "姓名desk01 去问了" in page.words
    page = await look(await staff(app, "clerk02"), "/demo/desk?number=B001", 403)
    assert "姓名desk01" in (await look(lin, "/demo/manage")).words
    kinds = [row["kind"] for row in await db.fetch("SELECT kind FROM journal WHERE kind LIKE 'escalation.taken%'")]
    assert kinds == ["escalation.taken_on"]


async def test_the_desk_reads_a_paper_of_the_day_before_and_gives_its_holder_the_time_that_is_owed(
    app: Starlette, db: Connection, evening: Hall
) -> None:
    key = await key_of(db, "B001")
    await slot(db, evening, "B", "2027-03-05 10:00+08")
    await at(db, "2027-03-04 09:50+08")
    await expire_day(db, evening.id)
    await climb(db, evening)
    desk = await staff(app, "desk01")
    assert "没有" in (await look(desk, "/demo/desk?number=B001")).sentence  # no number of today
    page = await look(desk, f"/demo/desk?number=http://hall.test/t/{key}")
    assert "3月5日 周五 10:00" in page.words
    page = await press(desk, page, f"accept-slot-{key}")
    assert page.sentence == "B001 已改约" and "3月5日 周五 10:00" in page.words
    row = await db.fetchrow("SELECT a.start = '2027-03-05 10:00+08' AS then, t.state::text FROM appointments a "
                            "JOIN tickets t ON t.id = a.owed")  # fmt: skip
    assert row is not None and tuple(row) == (True, "expired")
    assert "3月5日" in (await look(desk, f"/demo/desk?number=http://hall.test/t/{key}")).words
    assert (await look(desk, f"/demo/desk?number=http://hall.test/t/{'x' * 22}")).sentence != ""
