"""Machines over HTTP."""

import pytest
from starlette.applications import Starlette

from devices import health
from floor.database import Connection
from tests.floor.conftest import Client, SignsIn, client_of
from tests.floor.test_api_ratings import paired
from tests.floor.visits import HALL, said, take


async def test_a_code_pairs_one_machine_at_either_address(manager: Client, anyone: Client) -> None:
    made = (await manager.post(f"{HALL}/devices", json={"kind": "dispenser", "name": "大厅1"})).json()
    asked = {"code": made["code"], "model": "kiosk-80", "agent": "1.4.0"}
    pair = await anyone.post("/devices/pair", json=asked)
    assert (pair.json()["device_id"], pair.json()["link"]) == (made["id"], "ws://hall.test:8001/devices/link")
    assert said(await anyone.post("/api/v1/devices/pair", json=asked)) == (404, "bad_code")


async def test_six_wrong_codes_in_a_minute_are_too_many(anyone: Client) -> None:
    tries = [await anyone.post("/devices/pair", json={"code": f"0000-0000-0{n}"}) for n in range(6)]
    assert [said(answer) for answer in tries] == [(404, "bad_code")] * 5 + [(429, "too_fast")]
    assert 0 < int(tries[-1].headers["retry-after"]) <= 60


async def test_a_dispenser_takes_and_its_paper_is_owed_by_itself(app: Starlette, manager: Client) -> None:
    dispenser = await paired(app, manager, "dispenser")
    ticket = await take(dispenser, "B")
    rows = (await manager.get(f"{HALL}/journal")).json()["items"]
    taken = next(row for row in rows if row["kind"] == "ticket.taken")
    owed_by = (ticket["channel"], taken["actor"], taken["data"]["print_at"])
    assert owed_by == ("dispenser", "device:dv_dispenser_1", "dv_dispenser_1")


async def test_a_dispenser_without_paper_gives_no_number(app: Starlette, manager: Client, db: Connection) -> None:
    dispenser = await paired(app, manager, "dispenser")
    key = {"Idempotency-Key": "before"}
    before = await dispenser.post(f"{HALL}/tickets", json={"services": ["A"]}, headers=key)
    await db.execute("UPDATE devices SET parts = $1", {"printer": {"state": "paper_out"}})
    assert await health.printer_ready(db, "dv_dispenser_1") is False
    assert said(await dispenser.post(f"{HALL}/tickets", json={"services": ["A"]})) == (409, "printer_not_ready")
    again = await dispenser.post(f"{HALL}/tickets", json={"services": ["A"]}, headers=key)
    assert (again.status_code, again.json()["number"]) == (201, before.json()["number"])


async def test_a_machine_of_another_kind_takes_nothing(app: Starlette, manager: Client) -> None:
    led = await paired(app, manager, "led", window="1")
    assert said(await led.post(f"{HALL}/tickets", json={"services": ["A"]})) == (403, "not_allowed")


async def test_the_list_shows_machines_as_they_are(app: Starlette, manager: Client, clerk: Client) -> None:
    await paired(app, manager, "speaker", zone="A")
    await manager.post(f"{HALL}/devices", json={"kind": "tv", "name": "电视"})
    first = (await manager.get(f"{HALL}/devices?limit=1")).json()
    rest = (await manager.get(f"{HALL}/devices?after={first['next']}")).json()
    found = [(d["id"], d["kind"], d["zone"], d["model"], d["paired_at"] is None) for d in first["items"] + rest["items"]]
    assert found == [("dv_speaker_1", "speaker", "A", "m", False), ("dv_tv_2", "tv", None, None, True)]
    assert said(await clerk.get(f"{HALL}/devices")) == (403, "not_allowed")


async def test_a_machine_stands_in_one_place_that_exists(manager: Client) -> None:
    for place, field in (({"zone": "Z"}, "zone"), ({"window": "99"}, "window"), ({"zone": "A", "window": "1"}, "window")):
        answer = await manager.post(f"{HALL}/devices", json={"kind": "tv", "name": "电视", **place})
        assert (said(answer), answer.json()["errors"][0]["field"]) == ((422, "bad_input"), field)


@pytest.mark.parametrize("kind", ["led", "evaluator", "keypad"])
async def test_a_strip_an_evaluator_and_a_keypad_need_a_window(manager: Client, kind: str) -> None:
    for place in ({}, {"zone": "A"}):
        answer = await manager.post(f"{HALL}/devices", json={"kind": kind, "name": "一号", **place})
        assert (said(answer), answer.json()["errors"][0]["field"]) == ((422, "bad_input"), "window")
    assert (await manager.post(f"{HALL}/devices", json={"kind": kind, "name": "一号", "window": "1"})).status_code == 201


@pytest.mark.parametrize("kind", ["speaker", "tv", "dispenser"])
async def test_the_others_stand_in_a_zone_at_a_window_or_in_the_hall_at_large(manager: Client, kind: str) -> None:
    places: tuple[dict[str, str], ...] = ({}, {"zone": "A"}, {"window": "1"})
    made = [await manager.post(f"{HALL}/devices", json={"kind": kind, "name": "一号", **place}) for place in places]
    assert [answer.status_code for answer in made] == [201, 201, 201]


async def test_a_list_goes_on_only_after_a_machine_it_has(manager: Client) -> None:
    await manager.post(f"{HALL}/devices", json={"kind": "tv", "name": "电视"})
    answer = await manager.get(f"{HALL}/devices?after=dv_tv_999")
    assert (said(answer), answer.json()["errors"][0]["field"]) == ((422, "bad_input"), "after")


async def test_a_revoked_machine_is_not_tested_and_the_answer_says_why(manager: Client) -> None:
    made = (await manager.post(f"{HALL}/devices", json={"kind": "dispenser", "name": "大厅1"})).json()
    await manager.delete(f"/api/v1/devices/{made['id']}")
    answer = await manager.post(f"/api/v1/devices/{made['id']}/test")
    assert (said(answer), answer.json()["detail"]) == ((409, "not_in_that_state"), "该设备已停用，不能再使用")


async def test_printers_and_speakers_can_be_tested(app: Starlette, manager: Client, db: Connection) -> None:
    await paired(app, manager, "dispenser")
    await manager.post(f"{HALL}/devices", json={"kind": "tv", "name": "电视"})
    assert (await manager.post("/api/v1/devices/dv_dispenser_1/test")).status_code == 202
    assert await db.fetchval("SELECT kind FROM jobs WHERE device = 'dv_dispenser_1'") == "print_test"
    assert said(await manager.post("/api/v1/devices/dv_tv_2/test")) == (409, "not_in_that_state")
    assert said(await manager.post("/api/v1/devices/dv_nothing_9/test")) == (404, "not_found")


async def test_a_revoked_machine_gets_nothing_any_more(app: Starlette, manager: Client, sign_in: SignsIn) -> None:
    dispenser = await paired(app, manager, "dispenser")
    engineer = await sign_in("engineer")
    assert (await engineer.delete("/api/v1/devices/dv_dispenser_1")).status_code == 204
    assert said(await dispenser.post(f"{HALL}/tickets", json={"services": ["A"]})) == (401, "not_signed_in")
    assert said(await client_of(app, authorization="Device dv_dispenser_1:x").get(f"{HALL}/devices")) == (401, "not_signed_in")


async def test_settings_are_told_whole_and_a_wrong_one_is_named(app: Starlette, manager: Client) -> None:
    await paired(app, manager, "speaker", zone="A")
    path = "/api/v1/devices/dv_speaker_1/settings"
    answers = [await manager.post(path, json={"settings": wish}) for wish in ({"volume": 40}, {"volume": 400}, {"rows": 3}, {})]
    whole = {"power": "drain", "wake_minutes": 15, "volume": 40, "languages": []}
    assert [answer.json() for answer in answers[::3]] == [
        {"rev": 1, "settings": whole}, {"rev": 2, "settings": {**whole, "volume": 100}},
    ]  # fmt: skip
    assert [(said(answer), answer.json()["errors"][0]["field"]) for answer in answers[1:3]] == [
        ((422, "bad_input"), "volume"), ((422, "bad_input"), "rows"),
    ]  # fmt: skip
    [listed] = (await manager.get(f"{HALL}/devices")).json()["items"]
    assert (listed["settings"]["volume"], listed["settings_rev"], listed["settings_taken"]) == (100, 2, 0)


async def test_another_box_takes_a_place_and_another_secret_is_asked_for(
    app: Starlette, manager: Client, anyone: Client, db: Connection
) -> None:
    await paired(app, manager, "led", window="1")
    code = (await manager.post("/api/v1/devices/dv_led_1/code", json={})).json()["code"]
    pair = await anyone.post("/devices/pair", json={"code": code, "model": "box-2", "agent": "1.4.0"})
    assert pair.json()["device_id"] == "dv_led_1"
    assert (await manager.post("/api/v1/devices/dv_led_1/secret", json={})).status_code == 204
    assert await db.fetchval("SELECT rotate FROM devices") is True


async def test_a_revoked_machine_is_not_set_replaced_or_given_a_secret(app: Starlette, manager: Client) -> None:
    await paired(app, manager, "led", window="1")
    await manager.delete("/api/v1/devices/dv_led_1")
    bodies: dict[str, dict[str, object]] = {"settings": {"settings": {}}, "secret": {}, "code": {}}
    answers = [await manager.post(f"/api/v1/devices/dv_led_1/{act}", json=body) for act, body in bodies.items()]
    assert [said(answer) for answer in answers] == [(409, "not_in_that_state")] * 3
