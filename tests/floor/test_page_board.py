"""A browser becomes one of the hall's screens by a code, and shows what the hall shows; nobody else's browser does."""

import re

import pytest
from starlette.applications import Starlette

from devices import pairing, registry
from floor.database import Connection
from floor.doorcode import PHONE_TICKETS
from queueing import calls, tickets
from queueing.calls import Seat
from queueing.halls import Hall
from queueing.settings import choose
from queueing.windows import open_window
from tests.floor.screens import Client, browser, machine, staff, text


async def code_for(
    db: Connection, hall_id: int, kind: str, *, zone: str | None = None, window: str | None = None
) -> tuple[str, str]:
    """A device that has not joined yet: its id and its code."""
    device, code, _ = await pairing.create_device(db, hall_id, kind, name=kind, actor="test", zone=zone, window=window)
    return device.id, code


async def screen_of(app: Starlette, db: Connection, hall_id: int, kind: str, **place: str) -> tuple[Client, str]:
    """A browser that is that machine."""
    paired = await machine(db, hall_id, kind, **place)
    return browser(app, **{f"device-{paired.device_id}": paired.secret}), paired.device_id


async def test_a_stranger_is_shown_how_to_pair(app: Starlette) -> None:
    stranger = browser(app)
    answer = await stranger.get("/demo/board/A")
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo/pair?first=1")
    assert "这台屏幕还没有配对" in (await stranger.get("/demo/pair?first=1")).text


async def test_a_code_makes_a_browser_the_board_of_its_zone(app: Starlette, db: Connection, hall_id: int) -> None:
    device, code = await code_for(db, hall_id, "tv", zone="A")
    client = browser(app)
    answer = await client.post("/demo/pair", data={"code": code.lower()})
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo/board/A")
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith(f"device-{device}=") and "HttpOnly" in cookie and "SameSite=strict" in cookie
    page = (await client.get("/demo/board/A")).text
    assert f'data-device="{device}"' in page and "data-view" not in page


async def test_a_code_works_once(app: Starlette, db: Connection, hall_id: int) -> None:
    _, code = await code_for(db, hall_id, "tv")
    assert (await browser(app).post("/demo/pair", data={"code": code})).status_code == 303
    again = await browser(app).post("/demo/pair", data={"code": code})
    assert (again.status_code, "配对码不对、已用过或已过期" in again.text) == (404, True)


async def test_guessing_codes_is_stopped_after_five_tries(app: Starlette) -> None:
    client = browser(app)
    statuses = [(await client.post("/demo/pair", data={"code": f"WRNG-0000-0{n}"})).status_code for n in range(6)]
    assert statuses == [404, 404, 404, 404, 404, 429]


async def test_another_site_cannot_pair_this_browser(app: Starlette, db: Connection, hall_id: int) -> None:
    _, code = await code_for(db, hall_id, "tv")
    answer = await browser(app).post("/demo/pair", data={"code": code}, headers={"origin": "http://elsewhere.test"})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_an_evaluator_that_pairs_becomes_the_pad_of_its_window(app: Starlette, db: Connection, hall_id: int) -> None:
    _, code = await code_for(db, hall_id, "evaluator", window="2")
    answer = await browser(app).post("/demo/pair", data={"code": code})
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo/pad/2")


async def test_a_screen_of_one_zone_is_no_screen_of_the_hall(app: Starlette, db: Connection, hall_id: int) -> None:
    client, _ = await screen_of(app, db, hall_id, "tv", zone="A")
    assert (await client.get("/demo/board/A")).status_code == 200
    assert (await client.get("/demo/tv")).status_code == 303


async def test_staff_see_a_mirror_that_is_no_device(app: Starlette, db: Connection, people: None) -> None:
    page = (await (await staff(app, db, "clerk01")).get("/demo/tv")).text
    assert 'data-view="hall"' in page and "data-device" not in page
    assert re.findall(r'data-service="(\w)"', page) == ["A", "B"]


async def test_a_mirror_without_a_link_asks_for_the_board_and_gets_a_snapshot(
    app: Starlette, db: Connection, hall: Hall, people: None
) -> None:
    await open_window(db, hall, "1", "clerk01", actor="clerk:clerk01")
    for _ in range(2):
        await tickets.take(db, hall, ["A"], actor="test", channel="dispenser")
    await calls.call_next(db, hall, Seat("1", "clerk:clerk01", "clerk01"))
    board = (await (await staff(app, db, "clerk01")).get("/demo/board/now?view=zone:A")).json()
    assert [(line["ticket"], line["window"], line["state"]) for line in board["lines"]] == [("A001", "1", "called")]
    assert (board["waiting"], board["windows"]) == ({"A": 1, "B": 0}, {"1": "open", "2": "closed"})
    assert (await browser(app).get("/demo/board/now?view=zone:A")).status_code == 404


async def test_a_rotated_secret_is_kept_only_when_it_opens_the_door(app: Starlette, db: Connection, hall_id: int) -> None:
    client, device = await screen_of(app, db, hall_id, "tv")
    for nonsense in (b"", b"{", b"[]", b"1", b'{"device": 1}', b'{"device": "a\\u0000", "secret": "x"}'):
        assert (await client.post("/pair/secret", content=nonsense)).status_code in (400, 403, 422)
    wrong = await client.post("/pair/secret", json={"device": device, "secret": "x" * 43})
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (403, False)
    secret = await registry.rotate(db, device)
    right = await client.post("/pair/secret", json={"device": device, "secret": secret})
    assert (right.status_code, secret in right.headers["set-cookie"]) == (204, True)


async def test_a_browser_learns_that_it_is_no_machine_any_more(app: Starlette, db: Connection, hall_id: int) -> None:
    client, device = await screen_of(app, db, hall_id, "tv")
    other, gone = await screen_of(app, db, hall_id, "tv")
    await registry.revoke(db, gone, actor="engineer")
    asked = [(await client.get(f"/pair/known?device={one}")).status_code for one in (device, gone, "x", "")]
    assert (asked, (await other.get(f"/pair/known?device={gone}")).status_code) == ([204, 401, 401, 401], 401)


async def test_an_empty_code_is_asked_for_in_words(app: Starlette) -> None:
    answer = await browser(app).post("/demo/pair", data={"code": " "})
    assert (answer.status_code, "请输入 10 位配对码" in text(answer.text)) == (422, True)


@pytest.mark.parametrize(("phones", "leads_to"), [("on_site", "扫码取号"), ("off", "扫码查排队")])
async def test_a_screens_code_for_phones_leads_to_a_number_or_else_to_the_queues(
    app: Starlette, db: Connection, hall: Hall, phones: str, leads_to: str
) -> None:
    await choose(db, hall.id, PHONE_TICKETS, phones)
    screen, _ = await screen_of(app, db, hall.id, "tv")
    assert leads_to in text((await screen.get("/demo/tv")).text)
    assert text((await screen.get("/demo/board/phones")).text) == leads_to
    assert "svg" not in (await browser(app).get("/demo/board/phones")).text
