"""The pad at a window shows who sits there, asks with five equal faces, and is one machine and not any browser."""

import re
from dataclasses import replace

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from floor.settings import Settings
from queueing.halls import Hall
from queueing.windows import open_window, pause
from tests.floor.screens import Client, browser, machine, staff, text


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The demo hall, where one button makes a pad."""
    return replace(settings, demo=True)


@pytest.fixture
async def pad(app: Starlette, db: Connection, hall_id: int) -> Client:
    paired = await machine(db, hall_id, "evaluator", window="1")
    return browser(app, **{f"device-{paired.device_id}": paired.secret})


async def test_at_rest_it_is_the_clerks_plate(pad: Client, db: Connection, hall: Hall) -> None:
    await open_window(db, hall, "1", "clerk01", actor="clerk:clerk01")
    said = text((await pad.get("/demo/pad/1/plate")).text)
    assert said == "测试政务大厅 1 号窗口 姓名clerk01 工号 0001 办理业务 社会保险、不动产登记 欢迎评价我们的服务"


async def test_an_empty_window_names_nobody(pad: Client) -> None:
    assert text((await pad.get("/demo/pad/1/plate")).text) == "测试政务大厅 1 号窗口 窗口暂未开放 请到其他窗口办理"


async def test_a_paused_window_says_so(pad: Client, db: Connection, hall: Hall) -> None:
    await open_window(db, hall, "1", "clerk01", actor="clerk:clerk01")
    await pause(db, hall, "1", actor="clerk:clerk01", reason="用餐")
    said = text((await pad.get("/demo/pad/1/plate")).text)
    assert ("暂停服务，请稍候" in said, "用餐" in said) == (True, False)


async def test_five_faces_in_one_order_and_eight_reasons_for_each_bad_level(pad: Client) -> None:
    page = (await pad.get("/demo/pad/1")).text
    assert re.findall(r'data-level="(\d)"', page) == ["5", "4", "3", "2", "1"]
    assert re.findall(r'data-reason="(\d+)"', page) == [str(code) for code in (*range(207, 215), *range(108, 116))]


async def test_another_browser_is_no_pad(app: Starlette) -> None:
    answer = await browser(app).get("/demo/pad/1")
    assert (answer.status_code, "这台评价器还没有配对" in answer.text) == (401, True)
    assert (await browser(app).get("/demo/pad/1/plate")).status_code == 403


async def test_the_pad_of_window_1_is_no_pad_of_window_2(pad: Client) -> None:
    assert (await pad.get("/demo/pad/2")).status_code == 401


async def test_in_the_demo_one_button_makes_the_pad_and_a_second_press_no_second_one(
    app: Starlette, db: Connection, people: None
) -> None:
    engineer = await staff(app, db, "engineer")
    csrf = re.findall(r'name="csrf" value="([^"]+)"', (await engineer.get("/demo/pad/1")).text)[0]
    for _ in range(2):
        answer = await engineer.post("/demo/pad/1/demo", data={"csrf": csrf})
        assert (answer.status_code, answer.headers["location"]) == (303, "/demo/pad/1")
    assert (await engineer.get("/demo/pad/1")).status_code == 200
    assert await db.fetchval("SELECT count(*) FROM devices") == 1


async def test_the_demos_button_is_not_for_a_clerk(app: Starlette, db: Connection, people: None) -> None:
    clerk = await staff(app, db, "clerk01")
    csrf = re.findall(r'"X-CSRF-Token": "([^"]+)"', (await clerk.get("/demo/pad/1")).text)[0]
    assert (await clerk.post("/demo/pad/1/demo", data={"csrf": csrf})).status_code == 403
    assert await db.fetchval("SELECT count(*) FROM devices") == 0
