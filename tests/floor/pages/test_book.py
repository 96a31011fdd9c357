"""A citizen books from a phone without an account or a script, holds the booking by its code, and no page acts by itself."""

import re
from datetime import date

import pytest
from icalendar import Calendar
from starlette.applications import Starlette

from floor import doorcode
from floor.database import Connection
from queueing.halls import Hall, get_hall
from queueing.settings import choose
from scheduling.day_types import decide
from scheduling.hours import rehang_doors
from scheduling.slots import lay_slots
from scheduling.statutory import keep_known
from tests.floor.conftest import Client, client_of
from tests.floor.pages.staff import Page, look
from tests.floor.test_api_appointments import card
from tests.scheduling.clocks import at

WHO = {"name": "李小明", "id_number": card(7), "phone": "13800138000"}
NINE = "/demo/book/A/2027-03-02/0900"


@pytest.fixture(autouse=True)
async def monday(db: Connection, hall: Hall) -> None:
    """The hall on Monday 1 March 2027, with the places of the days to come."""
    await at(db, "2027-03-01 08:00+08")
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("DELETE FROM doors")
    await keep_known(db, date(2027, 3, 1))
    await lay_slots(db, await get_hall(db, "demo"))


@pytest.fixture
def phone(app: Starlette) -> Client:
    return client_of(app, "10.0.0.41", accept="text/html")


async def tuesday(db: Connection, clock: str) -> None:
    await at(db, f"2027-03-02 {clock}+08")
    await rehang_doors(db, await get_hall(db, "demo"))


async def send(client: Client, page: Page, form: str = "who", **typed: str) -> tuple[int, str]:
    """Send a form of a page as it was drawn; the status and where it leads."""
    shown = page.forms[form]
    answer = await client.post(shown.action, data={**shown.fields, **typed})
    return answer.status_code, answer.headers.get("location", answer.text)


async def booked(phone: Client, address: str = NINE, **typed: str) -> str:
    status, to = await send(phone, await look(phone, address), **{**WHO, **typed})
    assert status == 303, to
    return to.partition("/b/")[2][:10]


async def test_the_way_leads_from_the_service_over_day_and_time_to_the_code(phone: Client, db: Connection) -> None:
    first = await phone.get("/demo/book")
    assert 'href="/demo/book/A?lang=zh-Hans"' in first.text
    assert "最早 3月1日 周一 09:30" in Page(first).words
    days = await phone.get("/demo/book/A")
    assert re.findall(r"/demo/book/A/(2027-03-\d\d)", days.text) == ["2027-03-01", "2027-03-02", "2027-03-03", "2027-03-04",
                                                                     "2027-03-05", "2027-03-08"]  # fmt: skip
    assert "3月6日 周六 放假安排未公布，可能调整 不开放" in Page(days).words
    times = await phone.get("/demo/book/A/2027-03-02")
    assert (times.text.count("余 2 个"), re.findall(r"/2027-03-02/(\d{4})", times.text)[0]) == (16, "0900")
    code = await booked(phone)
    page = await look(phone, f"/b/{code}?new=1")
    assert "预约成功" in page.words and f"{code[:5]} {code[5:]}" in page.words and "3月2日 周二 09:00–09:30" in page.words
    row = await db.fetchrow("SELECT service, channel, state, lang FROM appointments")
    assert tuple(row or ()) == ("A", "web", "booked", "zh-Hans")


async def test_sending_the_form_twice_or_after_going_back_books_once(phone: Client, db: Connection) -> None:
    page = await look(phone, NINE)
    first = await send(phone, page, **WHO)
    assert first[0] == 303
    assert await send(phone, page, **WHO) == first
    assert await db.fetchval("SELECT count(*) FROM appointments") == 1


async def test_what_is_wrong_is_said_at_once_beside_its_field_and_what_was_typed_stays(phone: Client, db: Connection) -> None:
    page = await look(phone, NINE)
    status, html = await send(phone, page, name="", id_number="110101199003070010", phone="12")
    assert status == 422
    assert re.findall(r'<a href="#(\w+)">', html) == ["name", "id_number", "phone"]
    assert 'value="110101199003070010"' in html
    assert await db.fetchval("SELECT count(*) FROM appointments") == 0


async def test_a_time_that_was_taken_meanwhile_is_refused_with_the_way_to_another(phone: Client) -> None:
    page = await look(phone, NINE)
    for n in (1, 2):
        await booked(phone, id_number=card(n))
    status, html = await send(phone, page, **WHO)
    assert (status, 'href="/demo/book/A/2027-03-02?lang=zh-Hans"' in html) == (409, True)
    assert "这个时段已经没有名额" in (await look(phone, NINE)).words
    assert "已约满" in (await look(phone, "/demo/book/A/2027-03-02")).words


async def test_a_time_or_a_service_that_is_none_is_not_found(phone: Client, db: Connection) -> None:
    await db.execute("UPDATE services SET bookable = false WHERE code = 'B'")
    for path in ("/demo/book/Z", "/demo/book/B", "/demo/book/A/soon", "/demo/book/A/2027-05-01", "/demo/book/A/2027-03-02/noon",
                 "/nowhere/book", "/b/0000000000", "/b/0000000000/move"):  # fmt: skip
        assert (await phone.get(path)).status_code == 404, path
    assert "不动产登记" not in (await look(phone, "/demo/book")).words


async def test_a_booking_is_moved_and_given_back_only_when_confirmed(phone: Client, db: Connection) -> None:
    code = await booked(phone)
    for where in ("", "/2027-03-03", "/2027-03-03/1000"):
        sure = await look(phone, f"/b/{code}/move{where}")
        assert "<title>改约" in sure.answer.text and "现在约的是 3月2日 周二 09:00" in sure.words, where
    assert await db.fetchval("SELECT day FROM appointments") == date(2027, 3, 2)
    status, to = await send(phone, sure, f"/b/{code}/move/2027-03-03/1000?lang=zh-Hans")
    assert status == 303
    assert "3月3日 周三 10:00–10:30" in (await look(phone, to)).words
    sure = await look(phone, f"/b/{code}/cancel")
    assert await db.fetchval("SELECT state FROM appointments") == "booked"
    for _ in range(2):
        status, to = await send(phone, sure, f"/b/{code}/cancel?lang=zh-Hans")
        assert status == 303
    assert await db.fetchval("SELECT state FROM appointments") == "cancelled"
    assert "预约已取消" in (await look(phone, to)).words


async def test_the_code_is_found_however_it_is_typed(phone: Client) -> None:
    code = await booked(phone)
    typed = code.replace("0", "o").replace("1", "l").lower()
    for written in (code, f" {typed[:5]} {typed[5:]} ", f"{typed[:5]}-{typed[5:]}", f"https://hall.test/b/{code}?lang=en"):
        answer = await phone.get("/b", params={"code": written})
        assert (answer.status_code, answer.headers.get("location")) == (303, f"/b/{code}?lang=zh-Hans"), written
    assert "没有找到这个预约" in (await look(phone, "/b?code=ZZZZZZZZZZ", 404)).words


async def test_the_calendar_file_tells_when_and_where(phone: Client) -> None:
    code = await booked(phone)
    answer = await phone.get(f"/b/{code}/calendar")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert (event.decoded("dtstart").isoformat(), event.decoded("dtend").isoformat(), str(event["summary"])) == (
        "2027-03-02T01:00:00+00:00", "2027-03-02T01:30:00+00:00", "社会保险 · 测试政务大厅")  # fmt: skip
    assert WHO["name"] not in answer.text and WHO["phone"] not in answer.text


async def test_a_phone_checks_in_with_the_code_at_the_door_and_not_without(
    phone: Client, app: Starlette, db: Connection, hall: Hall
) -> None:
    code = await booked(phone)
    await look(phone, f"/b/{code}")
    await tuesday(db, "08:50")
    refused = await phone.post(f"/b/{code}/check-in", data={"press": "p1"})
    assert refused.status_code == 403
    scan = doorcode.code(app.state.settings.secret, hall)
    door = await look(phone, f"/demo/take?code={scan}")
    status, to = await send(phone, door, "check-in")
    assert (status, (await send(phone, door, "check-in"))[1]) == (303, to)
    assert await db.fetchval("SELECT '/t/' || key || '?lang=zh-Hans' FROM tickets") == to
    assert await db.fetchval("SELECT count(*) FROM tickets") == 1
    other = await look(client_of(app, "10.0.0.42", accept="text/html"), f"/demo/take?code={scan}")
    assert "check-in" not in other.forms and "own" in other.forms


async def test_before_its_time_a_booking_is_shown_at_the_door_but_not_checked_in(
    phone: Client, app: Starlette, db: Connection, hall: Hall
) -> None:
    code = await booked(phone)
    await look(phone, f"/b/{code}")
    door = await look(phone, f"/demo/take?code={doorcode.code(app.state.settings.secret, hall)}&booking={code}")
    assert ("check-in" in door.forms, "08:30 起可以签到" in door.words) == (False, True)


async def test_a_booking_whose_day_was_closed_says_so_to_its_holder(phone: Client, db: Connection) -> None:
    code = await booked(phone)
    known = await get_hall(db, "demo")
    await decide(db, known, date(2027, 3, 2), "closed", actor="test")
    await lay_slots(db, known)
    assert "您约的时间大厅不再开放" in (await look(phone, f"/b/{code}")).words


async def test_doors_that_are_always_open_sell_no_place_on_a_day_that_is_shut(phone: Client, db: Connection) -> None:
    days = re.findall(r"/demo/book/A/(2027-03-\d\d)", (await phone.get("/demo/book/A")).text)
    await db.execute("UPDATE halls SET always_open = true")
    await lay_slots(db, await get_hall(db, "demo"))
    page = await phone.get("/demo/book/A")
    assert (re.findall(r"/demo/book/A/(2027-03-\d\d)", page.text), len(days)) == (days, 6)
    assert "3月7日 周日 放假安排未公布，可能调整 不开放" in Page(page).words


async def test_word_goes_to_a_number_only_where_it_was_asked_for(phone: Client, db: Connection, hall: Hall) -> None:
    await db.execute(
        "INSERT INTO notice_ways (hall, kind, driver, setting, is_on) VALUES ($1, 'phone', 'http', '{}', true)", hall.id
    )
    await booked(phone, id_number=card(1))
    assert await db.fetchval("SELECT count(*) FROM notice_contacts") == 0
    code = await booked(phone, notices="1")
    assert await db.fetchval("SELECT array_agg(template) FROM notices WHERE subject = $1", f"booking:{code}") == ["booked"]
    page = await look(phone, f"/b/{code}")
    assert "138****8000" in page.words
    status, to = await send(phone, page, f"/b/{code}/notices?lang=zh-Hans")
    assert status == 303
    assert "138****8000" not in (await look(phone, to)).words


@pytest.mark.parametrize(("lang", "word"), [("zh-Hant", "哪一天來"), ("en", "Which day")])
async def test_the_language_goes_along(phone: Client, lang: str, word: str) -> None:
    page = await phone.get(f"/demo/book/A?lang={lang}")
    assert word in page.text
    assert set(re.findall(r'href="/demo/book/A/[^"]*lang=([\w-]+)"', page.text)) == {lang}


async def test_a_hall_may_let_a_phone_check_in_from_anywhere(phone: Client, app: Starlette, db: Connection, hall: Hall) -> None:
    await choose(db, hall.id, doorcode.PHONE_TICKETS, "anywhere")
    app.state.halls.forget("demo")
    code = await booked(phone)
    await tuesday(db, "08:50")
    page = await look(phone, f"/b/{code}")
    assert (await send(phone, page, f"/b/{code}/check-in?lang=zh-Hans"))[0] == 303
    assert "已签到" in (await look(phone, f"/b/{code}")).words
