"""Helpers have a line of their own; a machine calls one; what was done is ticked and counted; each use can be rated."""

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall
from scheduling.self_service import free_left
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, staff
from tests.floor.pages.test_desk_bookings import send
from tests.scheduling.clocks import at

PLACE = "/demo/helps"


@pytest.fixture
async def line(app: Starlette, hall: Hall) -> Client:
    """The manager's browser, after the line of helpers and one machine were set up."""
    lin = await staff(app, "manager")
    page = await send(lin, await look(lin, PLACE), "open-A")
    assert ("帮办窗口已设好" in page.words, "HA" in page.words) == (True, True)
    page = await send(lin, page, "add", code="z1", name="社保自助机", zone="A")
    assert ("社保自助机" in page.words, "空闲 1 / 1" in page.words) == (True, True)
    return lin


async def screen(db: Connection) -> str:
    return f"/self/{await db.fetchval('SELECT key FROM self_machines')}"


async def test_a_machine_calls_a_helper_once_and_what_was_done_is_counted(
    app: Starlette, line: Client, clerk: Client, anyone: Client, db: Connection
) -> None:
    place = await screen(db)
    called = await send(anyone, await look(anyone, place), "help")
    assert ("已呼叫帮办人员" in called.words, "HA001" in called.words, "help" in called.forms) == (True, True, False)
    mei = await staff(app, "clerk01")
    page = await look(mei, PLACE)
    assert ("HA001" in page.words, "社保自助机" in page.words) == (True, True)
    await clerk.post("/api/v1/halls/demo/windows/HA/open", json={})
    await clerk.post("/api/v1/halls/demo/windows/HA/next", json={})
    assert "帮办人员正在过来" in (await look(anyone, place)).words
    fields = page.forms["tick-HA001"].fields
    answer = await mei.post(f"{PLACE}/tick", data={**fields, "kind": ["form", "advice"]})
    assert answer.status_code == 303
    assert "已记下" in (await look(mei, answer.headers["location"])).words
    await clerk.post("/api/v1/halls/demo/windows/HA/finish", json={})
    row = await db.fetchrow("SELECT h.kinds, h.machine, h.by, v.mode FROM helps h JOIN visits v ON v.subject = h.ticket")
    assert row is not None and tuple(row) == (["advice", "form"], "Z1", "clerk:clerk01", "window")
    assert await db.fetchval("SELECT data->'kinds' FROM journal WHERE kind = 'help.ticked'") == ["advice", "form"]
    wrong = await mei.post(f"{PLACE}/tick", data={**fields, "press": "2", "kind": "magic"})
    assert wrong.status_code == 422


async def test_a_window_of_the_whole_zone_leaves_the_line_of_helpers_to_its_own_window(line: Client, db: Connection) -> None:
    await db.execute("UPDATE windows SET whole_zone = true WHERE no = '1'")
    serves = {row["no"]: row["serves"] for row in await db.fetch("SELECT no, serves FROM windows WHERE no IN ('1', 'HA')")}
    assert serves == {"1": ["A", "B"], "HA": ["HA"]}


async def test_only_a_manager_sets_a_line_up_and_only_once(app: Starlette, line: Client, db: Connection) -> None:
    csrf = (await look(line, PLACE)).forms["add"].fields["csrf"]
    assert (await line.post(f"{PLACE}/open", data={"csrf": csrf, "zone": "A"})).status_code == 409
    assert (await line.post(f"{PLACE}/open", data={"csrf": csrf, "zone": "X"})).status_code == 422
    mei = await staff(app, "clerk01")
    page = await look(mei, PLACE)
    assert ("add" in page.forms, "open-A" in page.forms, "take-A" in page.forms) == (False, False, True)
    taken = await send(mei, page, "take-A")
    assert ("已取帮办号" in taken.words, "HA001" in taken.words) == (True, True)


async def test_each_use_of_a_machine_is_a_visit_rated_there_once(line: Client, anyone: Client, db: Connection) -> None:
    place = await screen(db)
    begun = await send(anyone, await look(anyone, place), "start")
    assert "使用中" in begun.words
    twice = await anyone.post(f"{place}/start", data={"press": "another"})
    assert (twice.status_code, "正在使用" in twice.text) == (409, True)
    ended = await send(anyone, begun, "end")
    done = await send(anyone, ended, "rate", level="5")
    assert "谢谢您的评价" in done.words
    again = await anyone.post(ended.forms["rate"].action, data={**ended.forms["rate"].fields, "press": "x", "level": "1"})
    assert again.status_code == 409
    other = await anyone.post(f"{place}/rating", data={"press": "y", "level": "1", "ended": "999"})
    assert other.status_code == 409
    row = await db.fetchrow("SELECT v.mode, v.number, v.zone, r.level, r.channel FROM visits v JOIN ratings r ON r.visit = v.id")
    assert row is not None and tuple(row) == ("self_service", "Z1", "A", 5, "kiosk")
    assert "今日 1 次" in (await look(line, PLACE)).words


async def test_a_machine_somebody_left_is_free_again_and_nobody_is_counted_as_served(
    line: Client, anyone: Client, db: Connection, hall: Hall
) -> None:
    place = await screen(db)
    page: Page = await send(anyone, await look(anyone, place), "start")
    assert "使用中" in page.words
    await at(db, "2099-01-01 10:00+08")
    assert (await free_left(db, hall), await free_left(db, hall)) == (1, 0)
    assert ("空闲" in (await look(anyone, place)).words, await db.fetchval("SELECT count(*) FROM visits")) == (True, 0)
    off = await send(line, await look(line, PLACE), "machine-Z1", state="broken")
    assert "停用" in off.words
    assert "start" not in (await look(anyone, place)).forms
