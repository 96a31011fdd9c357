"""The desk books for callers and finds bookings; each look at a name is on record; the manager sees the day."""

import re
from datetime import date

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from floor.reminders import TICKS
from queueing.halls import Hall, get_hall
from scheduling.day_types import decide
from scheduling.hours import rehang_doors
from scheduling.slots import lay_slots
from scheduling.statutory import keep_known
from scheduling.ticks import Tick
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, staff
from tests.floor.test_api_appointments import LI, card
from tests.scheduling.clocks import at

PLACE = "/demo/desk/bookings"


@pytest.fixture(autouse=True)
async def monday(db: Connection, hall: Hall) -> None:
    await at(db, "2027-03-01 08:00+08")
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("DELETE FROM doors")
    await keep_known(db, date(2027, 3, 1))
    await lay_slots(db, await get_hall(db, "demo"))


@pytest.fixture
async def mei(app: Starlette) -> Client:
    return await staff(app, "desk01")


async def code_of(anyone: Client, **other: str) -> str:
    made: str = (await anyone.post("/api/v1/halls/demo/appointments", json={**LI, **other})).json()["code"]
    return made


async def send(client: Client, page: Page, form: str, **typed: str) -> Page:
    """Send a form, and go where it leads."""
    answer = await client.post(page.forms[form].action, data={**page.forms[form].fields, **typed})
    return Page(answer) if answer.status_code != 303 else await look(client, answer.headers["location"])


async def test_the_desk_books_for_a_caller_once(mei: Client, db: Connection) -> None:
    page = await look(mei, f"{PLACE}?service=A&day=2027-03-02")
    who = {"start": "2027-03-02T09:00:00+08:00", "name": LI["name"], "id_number": LI["id_number"], "phone": LI["phone"]}
    for _ in range(2):
        done = await send(mei, page, "book", **who)
        assert "预约成功" in done.sentence and "李小明" in done.words and "13800138000" in done.words
    assert tuple(await db.fetchrow("SELECT count(*), min(channel) FROM appointments") or ()) == (1, "desk")


async def test_what_is_missing_is_said_and_what_was_typed_stays(mei: Client, db: Connection) -> None:
    page = await look(mei, f"{PLACE}?service=A&day=2027-03-02")
    again = await send(mei, page, "book", name=LI["name"])
    assert (again.answer.status_code, 'value="李小明"' in again.answer.text, bool(again.sentence)) == (422, True, True)
    assert await db.fetchval("SELECT count(*) FROM appointments") == 0


async def test_a_booking_is_found_by_code_card_and_last_four_with_name(mei: Client, anyone: Client) -> None:
    code, four = await code_of(anyone), LI["id_number"][-4:]
    for typed in (code.lower(), f"{code[:5]} {code[5:]}", LI["id_number"], f"{four} 李小明", f"李小明{four}"):
        assert f"{code[:5]} {code[5:]}" in (await look(mei, f"{PLACE}?q={typed}")).words, typed
    for typed in (f"{four} 王小明", "ZZZZZZZZZZ", card(99), "李小明"):
        assert "没有找到预约" in (await look(mei, f"{PLACE}?q={typed}")).sentence, typed


async def test_each_look_at_a_name_is_on_record_and_a_leader_sees_none(
    app: Starlette, mei: Client, anyone: Client, db: Connection
) -> None:
    code = await code_of(anyone)
    leader = await staff(app, "leader01")
    assert "李小明" not in (await look(leader, f"{PLACE}?code={code}")).words
    assert "李小明" in (await look(mei, f"{PLACE}?code={code}")).words
    await look(mei, f"{PLACE}?q={LI['id_number'][-4:]} 王五")
    told = await db.fetch("SELECT kind, actor FROM journal WHERE kind LIKE 'appointment.%' ORDER BY \"offset\"")
    assert [tuple(row) for row in told] == [
        ("appointment.booked", "citizen"), ("appointment.looked", "desk:desk01"), ("appointment.searched", "desk:desk01"),
    ]  # fmt: skip
    assert "李小明" not in str(await db.fetchval("SELECT string_agg(data::text, '') FROM journal"))


async def test_the_desk_moves_checks_in_and_gives_back(mei: Client, anyone: Client, db: Connection) -> None:
    code = await code_of(anyone)
    page = await look(mei, f"{PLACE}?code={code}&day=2027-03-02")
    moved = await send(mei, page, "move", start="2027-03-02T10:00:00+08:00")
    assert "已改好时间" in moved.sentence and "3月2日 周二 10:00–10:30" in moved.words
    assert "check-in" not in moved.forms
    await at(db, "2027-03-02 09:45+08")
    await rehang_doors(db, await get_hall(db, "demo"))
    done = await send(mei, await look(mei, f"{PLACE}?code={code}"), "check-in", print_at="")
    assert "A001" in done.words
    other = await code_of(anyone, id_number=card(8), start="2027-03-02T11:00:00+08:00")
    gone = await send(mei, await look(mei, f"{PLACE}?code={other}"), "cancel")
    assert "预约已取消" in gone.sentence
    rows = await db.fetch("SELECT state FROM appointments ORDER BY id")
    assert [row["state"] for row in rows] == ["checked_in", "cancelled"]


async def test_nobody_else_sees_the_desks_bookings(app: Starlette, anyone: Client) -> None:
    clerk = await staff(app, "clerk01")
    assert (await clerk.get(PLACE)).status_code == 403
    assert (await anyone.get(PLACE, headers={"accept": "text/html"})).status_code in (303, 401)


async def test_a_pause_is_lifted_on_the_page_that_is_open_to_whoever_asks(app: Starlette, mei: Client) -> None:
    for who, page in ((mei, "desk"), (await staff(app, "manager"), "rules")):
        assert f'href="/demo/{page}#pauses"' in (await look(who, PLACE)).answer.text
        assert 'id="pauses"' in (await look(who, f"/demo/{page}")).answer.text


async def test_who_lost_a_place_to_the_calendar_is_listed_to_be_called(
    app: Starlette, mei: Client, anyone: Client, db: Connection
) -> None:
    code = await code_of(anyone)
    known = await get_hall(db, "demo")
    assert f"?code={code}" not in (await look(mei, PLACE)).answer.text
    await decide(db, known, date(2027, 3, 2), "closed", actor="test")
    await lay_slots(db, known)
    assert f"?code={code}" in (await look(mei, PLACE)).answer.text
    page = await look(await staff(app, "manager"), "/demo/bookings?day=2027-03-02")
    assert f"?code={code}" in page.answer.text


async def test_the_manager_sees_how_the_day_went(app: Starlette, anyone: Client, db: Connection) -> None:
    for n in (1, 2):
        await code_of(anyone, id_number=card(n))
    code = await code_of(anyone, id_number=card(3), start="2027-03-02T09:30:00+08:00")
    await anyone.delete(f"/api/v1/appointments/{code}")
    await at(db, "2027-03-02 08:50+08")
    await rehang_doors(db, await get_hall(db, "demo"))
    first = await db.fetchval("SELECT code FROM appointments ORDER BY id LIMIT 1")
    assert (await anyone.post(f"/api/v1/appointments/{first}/check-in")).status_code == 201
    await db.execute("UPDATE appointments SET state = 'no_show' WHERE state = 'booked'")
    page = await look(await staff(app, "manager"), "/demo/bookings")
    assert re.findall(r'class="figure">([^<]+)<', page.answer.text) == ["2", "1", "1", "1", "–"]
    assert "占到期预约的 50%" in page.words
    assert (page.answer.text.count('class="came"'), page.answer.text.count('rect class="missed"')) == (2, 1)  # one in the legend
    assert "这一天没有可约的时段" in (await look(await staff(app, "auditor"), "/demo/bookings?day=2027-05-01")).words


@pytest.fixture
async def reached(db: Connection, hall: Hall, anyone: Client) -> str:
    """A booking on Tuesday whose holder gets word."""
    await db.execute(
        "INSERT INTO notice_ways (hall, kind, driver, setting, is_on) VALUES ($1, 'phone', 'http', '{}', true)", hall.id
    )
    return await code_of(anyone)


async def owed(db: Connection, tick: Tick, template: str) -> int:
    """Let the clock look twice; how many notices of a kind there are."""
    for _ in range(2):
        await tick.act(db, await get_hall(db, "demo"))
    n: int = await db.fetchval("SELECT count(*) FROM notices WHERE template = $1", template)
    return n


async def test_a_reminder_is_owed_once_and_from_the_hour_on(db: Connection, reached: str) -> None:
    remind = TICKS[0]
    await at(db, "2027-03-01 16:59+08")
    assert await owed(db, remind, "tomorrow") == 0
    await at(db, "2027-03-01 17:00+08")
    assert await owed(db, remind, "tomorrow") == 1
    await at(db, "2027-03-01 21:00+08")
    assert await owed(db, remind, "tomorrow") == 1
    told = await db.fetchrow(
        "SELECT subject, data ->> 'day' AS day, data ->> 'time' AS time FROM notices WHERE template = 'tomorrow'"
    )
    assert tuple(told or ()) == (f"booking:{reached}", "03-02", "09:00")


async def test_who_gave_it_back_is_not_reminded(db: Connection, reached: str, anyone: Client) -> None:
    await anyone.delete(f"/api/v1/appointments/{reached}")
    await at(db, "2027-03-01 18:00+08")
    assert await owed(db, TICKS[0], "tomorrow") == 0


async def test_a_place_that_fell_away_is_told_once(db: Connection, reached: str) -> None:
    known = await get_hall(db, "demo")
    assert await owed(db, TICKS[1], "fallen") == 0
    await decide(db, known, date(2027, 3, 2), "closed", actor="test")
    await lay_slots(db, known)
    assert await owed(db, TICKS[1], "fallen") == 1
