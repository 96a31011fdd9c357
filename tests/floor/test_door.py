"""Nobody queues from bed: a phone takes a number with the code that hangs at the door now, and one scan takes one number."""

import re
from dataclasses import replace

import pytest
from starlette.applications import Starlette

from floor import doorcode
from floor.api.limits import DOOR_CODES
from floor.database import Connection
from floor.refusals import StaleDoorCode
from queueing.halls import Hall, get_hall
from queueing.settings import choose
from tests.floor.conftest import Client, client_of
from tests.floor.pages.staff import look, staff

SECRET = b"a secret of thirty-two characters"
HALL = "/api/v1/halls/demo"


def test_a_code_is_good_while_it_is_shown_and_once_again_as_long(hall: Hall) -> None:
    code = doorcode.code(SECRET, hall, 600.0)
    for now in (600.0, 659.9, 660.0, 719.9):
        doorcode.admit(SECRET, hall, code.lower(), now)
    for given, now in ((code, 720.0), (code, 599.0), ("", 600.0), ("A" * 16, 600.0), ("pass.9999999999.00.00", 600.0)):
        with pytest.raises(StaleDoorCode):
            doorcode.admit(SECRET, hall, given, now)
    with pytest.raises(StaleDoorCode):
        doorcode.admit(SECRET, replace(hall, id=hall.id + 1), code, 600.0)


def test_a_pass_is_good_for_its_hall_and_its_time(hall: Hall) -> None:
    held = doorcode.new_pass(SECRET, hall, 600.0)
    doorcode.admit(SECRET, hall, held, 600.0 + doorcode.PASS_S)
    for at, now in ((hall, 601.0 + doorcode.PASS_S), (replace(hall, id=hall.id + 1), 600.0)):
        with pytest.raises(StaleDoorCode):
            doorcode.admit(SECRET, at, held, now)
    with pytest.raises(StaleDoorCode):
        doorcode.admit(SECRET, hall, held.replace("pass.1", "pass.9", 1), 600.0)


async def test_the_api_takes_with_a_fresh_code_and_sees_no_paper(app: Starlette, anyone: Client, hall: Hall) -> None:
    code = doorcode.code(app.state.settings.secret, hall)
    asked = {"services": ["A"], "door_code": code, "category": "veteran", "evidence": "证"}
    taken = (await anyone.post(f"{HALL}/tickets", json=asked)).json()
    assert (taken["number"], taken["channel"], taken["category"]) == ("A001", "phone", None)
    old = await anyone.post(f"{HALL}/tickets", json={"services": ["A"], "door_code": "AAAAAAAAAAAAAAAA"})
    assert (old.status_code, old.json()["code"]) == (403, "not_allowed")
    assert (await anyone.post(f"{HALL}/tickets", json={"services": ["A"]})).status_code == 401


async def test_a_hall_may_forbid_phones_or_let_them_take_from_anywhere(
    app: Starlette, anyone: Client, db: Connection, hall: Hall
) -> None:
    code = doorcode.code(app.state.settings.secret, hall)
    await choose(db, hall.id, doorcode.PHONE_TICKETS, "off")
    refused = await anyone.post(f"{HALL}/tickets", json={"services": ["A"], "door_code": code})
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert (await anyone.get("/demo/take")).status_code == 403
    await choose(db, hall.id, doorcode.PHONE_TICKETS, "anywhere")
    app.state.halls.forget("demo")
    assert (await anyone.post(f"{HALL}/tickets", json={"services": ["A"]})).json()["channel"] == "phone"


async def test_the_way_to_a_number_by_phone_is_shown_where_the_hall_gives_any(
    app: Starlette, anyone: Client, db: Connection, hall: Hall
) -> None:
    seen = {}
    for who in doorcode.PHONE_TICKETS.allowed:
        await choose(db, hall.id, doorcode.PHONE_TICKETS, str(who))
        app.state.halls.forget("demo")
        front, book = (await anyone.get("/")).text, (await anyone.get("/demo/book")).text
        doors = [path for path in ("/demo/door", "/demo/take") if f'href="{path}"' in front]
        seen[who] = (doors, "到大厅扫门口的码取号" in book, "/demo/take?lang=" in book)
    assert seen == {
        "off": ([], False, False), "on_site": (["/demo/door"], True, False), "anywhere": (["/demo/take"], False, True),
    }  # fmt: skip


async def test_one_scan_leads_to_one_number(app: Starlette, hall: Hall, db: Connection) -> None:
    phone = client_of(app, "10.0.0.31", accept="text/html")
    page = await look(phone, f"/demo/take?code={doorcode.code(app.state.settings.secret, hall)}")
    form = page.forms["take"]
    first = await phone.post(form.action, data={**form.fields, "service": "A"})
    again = await phone.post(form.action, data={**form.fields, "service": "A"})
    assert (first.status_code, first.headers["location"]) == (303, again.headers["location"])
    other = await phone.post(form.action, data={**form.fields, "service": "B"})
    assert other.status_code == 409
    assert await db.fetchval("SELECT count(*) FROM tickets") == 1
    assert (await phone.get(first.headers["location"])).status_code == 200


async def test_an_old_scan_is_sent_back_to_the_door(app: Starlette) -> None:
    phone = client_of(app, "10.0.0.32", accept="text/html")
    page = await look(phone, "/demo/take?code=AAAAAAAAAAAAAAAA", status=403)
    assert ("重新扫" in page.words, page.every) == (True, [])


async def test_a_service_by_real_name_asks_the_phone_for_the_card(app: Starlette, db: Connection, hall: Hall) -> None:
    await db.execute("UPDATE services SET real_name = 'required' WHERE code = 'A'")
    phone = client_of(app, "10.0.0.33", accept="text/html")
    page = await look(phone, f"/demo/take?code={doorcode.code(app.state.settings.secret, hall)}")
    form = page.forms["take"]
    without = await phone.post(form.action, data={**form.fields, "service": "A", "id_number": ""})
    assert (without.status_code, "身份证" in without.text) == (409, True)
    taken = await phone.post(form.action, data={**form.fields, "service": "A", "id_number": "11010519491231002X"})
    assert taken.status_code == 303
    assert await db.fetchval("SELECT id_mask FROM tickets") == "002X"


async def test_the_code_is_shown_to_those_on_site_only(app: Starlette, anyone: Client) -> None:
    assert (await anyone.get("/demo/door/part")).status_code == 401
    desk = await staff(app, "desk01")
    shown = await desk.get("/demo/door/part")
    assert (shown.status_code, len(re.findall("<svg", shown.text))) == (200, 1)
    assert (await (await staff(app, "auditor")).get("/demo/door/part")).status_code == 403


async def test_a_code_that_is_passed_on_opens_for_one_address_only_so_often(
    app: Starlette, anyone: Client, db: Connection, hall: Hall
) -> None:
    await choose(db, hall.id, doorcode.DOOR_CODE_S, 900)  # no other test scans this code
    code = doorcode.code(app.state.settings.secret, await get_hall(db, "demo"))
    for _ in range(DOOR_CODES.amount - 1):
        assert (await anyone.get(f"/demo/take?code={code}")).status_code == 200
    last = await anyone.post(f"{HALL}/tickets", json={"services": ["A"], "door_code": code})
    assert last.status_code == 201
    more = await anyone.post(f"{HALL}/tickets", json={"services": ["A"], "door_code": code.lower()})
    assert (more.status_code, more.json()["code"]) == (429, "too_fast")
    page = await anyone.get(f"/demo/take?code={code}")
    assert (page.status_code, 'name="pass"' in page.text) == (429, False)
