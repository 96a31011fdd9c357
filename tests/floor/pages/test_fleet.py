"""The machines' page: a code told once, a test, an end, and a kiosk in this browser."""

import re

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from floor.pages.fleet import Wish
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, staff

CODE = re.compile(r'<p class="code">([0-9A-Z-]{12})</p>')


@pytest.fixture
async def yuan(app: Starlette) -> Client:
    return await staff(app, "engineer")


async def added(client: Client, kind: str = "dispenser", place: str = "") -> str:
    """A machine made by the form; its id."""
    page = await look(client, "/demo/fleet")
    form = page.forms["/demo/fleet"]
    answer = await client.post("/demo/fleet", data={**form.fields, "kind": kind, "name": "东门", "place": place})
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo/fleet")
    return f"dv_{kind}_1"


async def act(client: Client, device: str, name: str) -> tuple[int, str]:
    page = await look(client, "/demo/fleet")
    address = f"/demo/fleet/{device}/{name}"
    token = page.forms["/signout"].fields
    answer = await client.post(address, data=token)
    return answer.status_code, answer.headers.get("location", "")


async def test_a_code_is_told_once_and_reload_makes_no_other(yuan: Client, anyone: Client, db: Connection) -> None:
    device = await added(yuan)
    found = CODE.search((await yuan.get("/demo/fleet")).text)
    assert found is not None
    assert CODE.search((await yuan.get("/demo/fleet")).text) is None
    answer = await anyone.post("/devices/pair", json={"code": found.group(1), "model": "kiosk-80", "agent": "1.0.0"})
    assert (answer.status_code, answer.json()["device_id"]) == (201, device)
    assert await db.fetchval("SELECT count(*) FROM pairing_codes") == 1


async def test_a_machine_without_a_name_is_not_made(yuan: Client, db: Connection) -> None:
    form = (await look(yuan, "/demo/fleet")).forms["/demo/fleet"]
    await yuan.post("/demo/fleet", data={**form.fields, "kind": "led", "name": " ", "place": "window:1"})
    assert "请给设备起个名字" in (await look(yuan, "/demo/fleet")).words
    assert await db.fetchval("SELECT count(*) FROM devices") == 0


@pytest.mark.parametrize("kind", ["led", "evaluator", "keypad"])
async def test_what_serves_one_window_is_not_made_without_one(yuan: Client, db: Connection, kind: str) -> None:
    await added(yuan, kind, "zone:A")
    assert "这种设备须安装在窗口，请指定窗口" in (await look(yuan, "/demo/fleet")).words
    assert await db.fetchval("SELECT count(*) FROM devices") == 0


async def test_a_machine_is_listed_by_where_it_stands(yuan: Client) -> None:
    await added(yuan, "led", "window:2")
    words = (await look(yuan, "/demo/fleet/part")).words
    assert ("LED 灯条 · 2号窗口" in words, "等待配对" in words) == (True, True)


@pytest.mark.parametrize(
    ("wish", "shown"),
    [
        ("", ["dispenser", "led", "speaker"]), ("q=东门", ["dispenser", "led", "speaker"]), ("q=西门", []), ("q=LED", ["led"]),
        ("zone=A", ["led", "speaker"]), ("zone=A&kind=led", ["led"]), ("kind=tv", []),
        ("state=unpaired&zone=A", ["led", "speaker"]),
        ("state=fault", []), ("state=well", []),
    ],
)  # fmt: skip
async def test_the_list_is_narrowed_by_area_kind_state_and_words(yuan: Client, wish: str, shown: list[str]) -> None:
    for kind, place in (("dispenser", ""), ("led", "window:2"), ("speaker", "zone:A")):
        form = (await look(yuan, "/demo/fleet")).forms["/demo/fleet"]
        await yuan.post("/demo/fleet", data={**form.fields, "kind": kind, "name": "东门", "place": place})
    page = await look(yuan, f"/demo/fleet/part?{wish}")
    assert [row.split("_")[1] for row in page.by_id if row.startswith("dv_")] == shown


@pytest.mark.parametrize(
    ("q", "found"), [("3号", False), ("13号", True), ("号窗口", True), ("LED", True), ("", True), ("(", False)]
)
def test_a_number_is_looked_for_as_a_whole(q: str, found: bool) -> None:
    assert Wish(q=q).is_in("1号窗口灯条 led 灯条 · 13号窗口 dv_led_21") is found


async def test_a_retired_machine_is_gone_for_good(yuan: Client) -> None:
    device = await added(yuan, "speaker", "zone:A")
    assert await act(yuan, device, "revoke") == (303, "/demo/fleet")
    assert "音箱 · A 区 已停用" in (await look(yuan, "/demo/fleet")).words
    assert "停用 音箱" not in (await look(yuan, "/demo/fleet")).words
    assert (await act(yuan, device, "code"))[0] == 404


async def test_this_browser_becomes_the_kiosk_of_a_dispenser(yuan: Client) -> None:
    device = await added(yuan)
    assert await act(yuan, device, "kiosk") == (303, "/demo/kiosk")
    assert "hall_kiosk" in {cookie.name for cookie in yuan.cookies.jar}


async def test_only_those_who_keep_machines_see_them(app: Starlette) -> None:
    assert (await (await staff(app, "desk01")).get("/demo/fleet")).status_code == 403
