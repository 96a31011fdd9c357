"""A kind of day that does some matters only: no place to book and no number is given for another."""

import re
from datetime import date

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall, get_hall
from scheduling.day_types import day_types
from scheduling.offers import fallen
from scheduling.slots import lay_slots
from scheduling.statutory import keep_known
from tests.floor.catalogues import offer
from tests.floor.conftest import Client, SignsIn, client_of
from tests.floor.pages.staff import Page, look, staff
from tests.floor.screens import kiosk, machine
from tests.floor.screens import text as said
from tests.floor.test_api_appointments import card
from tests.scheduling.clocks import at

TUESDAY, NINE = "2027-03-02", "2027-03-02T09:00:00+08:00"
LI = {"service": "A", "start": NINE, "name": "李小明", "id_number": card(7)}
BOOK = "/api/v1/halls/demo/appointments"


@pytest.fixture
async def lin(app: Starlette, db: Connection, hall: Hall) -> Client:
    """The manager, on a Monday in a hall that keeps its hours and has a catalogue."""
    await at(db, "2027-03-01 10:00+08")
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("DELETE FROM doors")
    await keep_known(db, date(2027, 3, 1))
    await offer(db, hall)
    await lay_slots(db, await get_hall(db, "demo"))
    return await staff(app, "manager")


async def only_cards(lin: Client) -> Page:
    """On working days A does social security cards alone; B does all of its own."""
    page = await look(lin, "/demo/calendar/kinds/weekday")
    form = {**page.forms["kind-form"].fields, "name": "工作日", "opens_1": "09:00", "last_ticket_1": "16:30", "closes_1": "17:00",
            "who": "all", "which": "all", "which_matters": "some", "matters": ["A01"]}  # fmt: skip
    return Page(await lin.post("/demo/calendar/kinds/weekday", data=form, follow_redirects=True))


async def test_the_form_keeps_what_was_chosen_and_the_calendar_says_it(lin: Client, db: Connection, hall: Hall) -> None:
    assert "社会保险只办 1 项" in (await only_cards(lin)).words
    assert (await day_types(db, hall))["weekday"].matters == {"A": frozenset({"A01"})}
    page = (await lin.get("/demo/calendar/kinds/weekday")).text
    assert re.findall(r'name="matters" value="(\w+)" checked', page) == ["A01"]
    assert await db.fetchval("SELECT array_agg(DISTINCT matters) = ARRAY[ARRAY['A01']] FROM doors WHERE service = 'A'")
    assert await db.fetchval("SELECT count(*) FROM doors WHERE service = 'B' AND matters IS NOT NULL") == 0


async def test_another_matter_cannot_be_booked_and_says_so(lin: Client, app: Starlette, db: Connection, anyone: Client) -> None:
    await only_cards(lin)
    phone = client_of(app, "10.0.0.41", accept="text/html")
    assert "只办部分事项" in (await look(phone, "/demo/book/A")).words
    choose = await phone.get(f"/demo/book/A/{TUESDAY}")
    assert re.findall(r"/2027-03-02\?lang=zh-Hans&amp;matter=(\w+)", choose.text) == ["A01"]
    other = (await look(phone, "/demo/book/A?matter=A02")).words
    assert other.count("这一天不办这一项") == 6 and "近几天不办这一项" in other
    assert (await phone.get(f"/demo/book/A/{TUESDAY}?matter=A01")).text.count("余 2 个") == 16
    for matters in ([], ["A02"], ["A01", "A02"]):
        refused = await anyone.post(BOOK, json={**LI, "matters": matters}, headers={"accept-language": "zh-Hans"})
        assert (refused.status_code, refused.json()["code"], refused.json()["detail"]) == (
            409, "outside_hours", "这一天只办部分事项。请先选好要办的事项；没有的，请换一天")  # fmt: skip
    assert (await anyone.post(BOOK, json={**LI, "matters": ["A01"]})).status_code == 201
    desk = await staff(app, "desk01")
    assert (await look(desk, "/demo/desk/bookings")).answer.status_code == 200


async def test_who_has_booked_another_matter_is_to_be_called(lin: Client, db: Connection, anyone: Client) -> None:
    mine = (await anyone.post(BOOK, json={**LI, "matters": ["A02"]})).json()["code"]
    await anyone.post(BOOK, json={**LI, "id_number": card(8), "matters": ["A01"]})
    await only_cards(lin)
    assert [each.code for each in await fallen(db, await get_hall(db, "demo"))] == [mine]
    moved = await anyone.post(f"/api/v1/appointments/{mine}/move", json={"start": NINE.replace("09:00", "10:00")})
    assert (moved.status_code, moved.json()["code"]) == (409, "outside_hours")


async def test_a_number_is_given_for_the_matters_of_the_day(
    lin: Client, app: Starlette, db: Connection, hall: Hall, sign_in: SignsIn
) -> None:
    await only_cards(lin)
    stand = await kiosk(app, db, (await machine(db, hall.id, "dispenser")).device_id)
    home = (await stand.get("/demo/kiosk")).text
    assert re.findall(r'name="service" value="(\w)"', home) == ["B"] and "今天只办部分事项，请在取号机上先查找事项" in said(home)
    assert "今天不办这一项" in said((await stand.get("/demo/kiosk/matter/A02")).text)
    desk = await sign_in("desk01")
    asked: list[tuple[dict[str, list[str]], int]] = [
        ({"services": ["A"], "matters": ["A02"]}, 409), ({"services": ["A", "B"], "matters": ["A01", "A02"]}, 409),
        ({"services": ["A"], "matters": ["A01"]}, 201), ({"services": ["A"]}, 201),
        ({"services": ["B"], "matters": ["B01"]}, 201),
    ]  # fmt: skip
    answers = [await desk.post("/api/v1/halls/demo/tickets", json=body) for body, _ in asked]
    assert [answer.status_code for answer in answers] == [status for _, status in asked]
    assert answers[0].json()["code"] == "closed"
    for matter, status in (("A02", 409), ("A01", 200)):
        page = (await stand.get(f"/demo/kiosk/matter/{matter}")).text
        csrf = re.search(r'name="csrf" value="([^"]+)"', home)
        form = {"press": f"p-{matter}", "lang": "zh-Hans", "matter": matter, "service": "A", "csrf": csrf[1] if csrf else ""}
        assert (await stand.post("/demo/kiosk/take", data=form)).status_code == status, page
    plain = await stand.post("/demo/kiosk/take", data={**form, "press": "plain", "matter": []})
    assert plain.status_code == 409
