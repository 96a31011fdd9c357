"""The calendar page: what a manager sets there is what the doors do."""

import base64
import re
from datetime import date, time

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall
from scheduling.day_types import Session, day_types
from scheduling.days import calendar
from scheduling.statutory import keep_known
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, staff
from tests.scheduling.clocks import at
from tests.scheduling.test_statutory import notice


@pytest.fixture
async def lin(app: Starlette, db: Connection) -> Client:
    """The manager, on a Friday with the years around it known, in a hall that keeps its hours."""
    await at(db, "2026-11-20 10:00+08")
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("DELETE FROM doors")
    await keep_known(db, date(2026, 11, 20))
    return await staff(app, "manager")


async def send(client: Client, page: Page, form: str, **typed: object) -> Page:
    """Send a form as a browser without scripts does, and follow where it leads."""
    found = page.forms.get(form) or page.every[-1]
    path = found.action or str(page.answer.url.path)
    answer = await client.post(path, data={**found.fields, **typed}, follow_redirects=True)
    return Page(answer)


async def test_open_saturdays_nine_to_twelve_two_windows_booked_matters_only(lin: Client, db: Connection, hall: Hall) -> None:
    page = await look(lin, "/demo/calendar/kinds/saturday")
    page = await send(
        lin, page, "kind-form", name="周六", opens_1="09:00", last_ticket_1="11:30", closes_1="12:00", who="booked",
        least_A="2", which="some", services="A", drain="yes",
    )  # fmt: skip
    assert "09:00–12:00" in page.words
    assert "只接待预约办事人 · 社会保险 · 至少 2 个窗口" in page.words
    doors = await db.fetch("SELECT day::text, service, audience, opens FROM doors WHERE day > '2026-11-20' ORDER BY service")
    assert [tuple(door)[:3] for door in doors] == [("2026-11-21", "A", "booked")]
    assert re.findall(r'href="(/demo/roster/[\d-]+|/demo/calendar/[\d-]+/foresight)"', page.answer.text) == [
        "/demo/roster/2026-11-16", "/demo/calendar/2026-11-21/foresight"]  # fmt: skip
    assert len(re.findall(r'class="day is-saturday( past)?"', page.answer.text)) > 40
    assert "day is-saturday shut" not in page.answer.text
    for path in ("2026-11-21", "2026-11-21/foresight", "weeks/2026-11-21"):
        said = (await look(lin, f"/demo/calendar/{path}")).words
        assert "09:00–12:00" in said and "社会保险 · 至少 2 个窗口" in said


async def test_a_lunch_break_and_early_hours_for_the_booked(lin: Client, db: Connection, hall: Hall) -> None:
    page = await look(lin, "/demo/calendar/kinds/weekday")
    rows = {"opens_1": "08:00", "closes_1": "09:00", "audience_1": "booked", "opens_2": "09:00", "last_ticket_2": "11:30",
            "closes_2": "12:00", "opens_3": "13:30", "closes_3": "17:00"}  # fmt: skip
    await send(lin, page, "kind-form", name="工作日", which="all", who="some", drain="yes", **rows)
    assert (await day_types(db, hall))["weekday"].sessions == (
        Session(time(8), time(9), time(9), "booked"), Session(time(9), time(11, 30), time(12)),
        Session(time(13, 30), time(17), time(17)),
    )  # fmt: skip


async def test_hours_that_run_backward_change_nothing_and_say_why(lin: Client, db: Connection, hall: Hall) -> None:
    before = await day_types(db, hall)
    page = await look(lin, "/demo/calendar/kinds/weekday")
    for rows in ({"opens_1": "12:00", "closes_1": "09:00"}, {"opens_1": "09:00"}, {"opens_1": "nine", "closes_1": "12:00"}):
        answer = await send(lin, page, "kind-form", name="工作日", which="all", who="all", **rows)
        assert (answer.answer.status_code, "先开门，再停止取号，再关门" in answer.words) == (422, True)
    assert await day_types(db, hall) == before


async def test_a_date_is_what_the_manager_says_until_it_is_taken_back(lin: Client, db: Connection, hall: Hall) -> None:
    day = date(2026, 11, 23)
    page = await look(lin, f"/demo/calendar/{day}")
    await send(lin, page, "", day_type="closed", name="停电", working="")
    known = await calendar(db, hall)
    assert (known.day_type(day), known.name(day), known.is_working(day)) == ("closed", "停电", True)
    page = await look(lin, f"/demo/calendar/{day}")
    await send(lin, page, "", **page.every[-1].fields)
    assert (await calendar(db, hall)).day_type(day) == "weekday"
    rows = await db.fetch("SELECT kind, actor, data->>'day_type' AS kind_of_day FROM journal ORDER BY \"offset\"")
    assert [tuple(row) for row in rows] == [
        ("calendar.changed", "manager:manager", "closed"), ("calendar.changed", "manager:manager", None)
    ]  # fmt: skip


async def test_the_page_asks_about_saturdays_the_calendar_cannot_answer(lin: Client, db: Connection, hall: Hall) -> None:
    await at(db, "2026-09-01 10:00+08")
    page = await look(lin, "/demo/calendar?year=2026")
    assert "需要您决定的周六（3）" in page.words
    assert "41 个普通周六，7 个在假期中，4 个调休上班" in page.words
    form = next(form for form in page.every if form.action == "/demo/calendar/2026-10-03")
    await lin.post(form.action, data={**form.fields, "day_type": "saturday"})
    assert (await calendar(db, hall)).day_type(date(2026, 10, 3)) == "saturday"
    assert "需要您决定的周六（2）" in (await look(lin, "/demo/calendar?year=2026")).words


async def test_next_years_notice_is_asked_for_previewed_and_confirmed(lin: Client, db: Connection, hall: Hall) -> None:
    assert "2027 年节假日安排尚未录入" in (await look(lin, "/demo/calendar")).words
    page = await look(lin, "/demo/calendar/notice")
    content = notice("2027-02-20,上班,春节")
    answer = await lin.post(
        "/demo/calendar/notice",
        data={**page.every[-1].fields, "source": "国办发明电〔2026〕7号"},
        files={"file": ("n.csv", content)},
    )
    assert "调休上班 1 天" in Page(answer).words
    assert 2027 not in (await calendar(db, hall)).published
    await send(lin, Page(answer), "", content=base64.b64encode(content).decode(), source="国办发明电〔2026〕7号", confirmed="yes")
    known = await calendar(db, hall)
    assert (2027 in known.published, known.kind(date(2027, 2, 20))) == (True, "make_up")
    assert "尚未录入" not in (await look(lin, "/demo/calendar")).words


async def test_a_file_with_faults_names_each_and_changes_nothing(lin: Client, db: Connection, hall: Hall) -> None:
    page = await look(lin, "/demo/calendar/notice")
    answer = await lin.post(
        "/demo/calendar/notice",
        data={**page.every[-1].fields, "source": "x"},
        files={"file": ("n.csv", b"day,kind,name\n2027-13-01,\xb0\xe0,a\n")},
    )
    assert (answer.status_code, "第 2 行：日期不对" in Page(answer).words) == (422, True)
    assert 2027 not in (await calendar(db, hall)).published


async def test_others_look_and_do_not_touch(app: Starlette, lin: Client, db: Connection, hall: Hall) -> None:
    clerk = await staff(app, "clerk01")
    page = await look(clerk, "/demo/calendar/2026-11-23")
    assert [form.action for form in page.every] == ["/signout"]
    token = page.every[0].fields["csrf"]
    answer = await clerk.post("/demo/calendar/2026-11-23", data={"csrf": token, "day_type": "closed"})
    assert answer.status_code == 403
    assert (await calendar(db, hall)).own == {}


@pytest.mark.parametrize("path", ["2026-02-30", "kinds/carnival", "weeks/soon"])
async def test_an_address_that_is_no_day_is_no_page(lin: Client, path: str) -> None:
    assert (await lin.get(f"/demo/calendar/{path}")).status_code == 404


async def test_a_year_that_is_none_shows_this_one(lin: Client) -> None:
    assert "2026" in (await look(lin, "/demo/calendar?year=20261")).words


async def test_a_week_is_drawn_with_its_hours(lin: Client) -> None:
    page = await look(lin, "/demo/calendar/weeks/2026-10-01")
    assert page.answer.text.count('y="8"') == 3
    assert (page.words.count("法定节假日"), page.words.count("国庆节")) == (4, 4)
