"""Orders at the desk and with the agent: kept, looked at on record, handed in, brought back, and rated by whom they were for."""

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from floor.people import add_user
from queueing.halls import Hall
from tests.floor.catalogues import offer
from tests.floor.conftest import HASHED, Client
from tests.floor.pages.staff import look, staff
from tests.floor.pages.test_desk_bookings import send
from tests.floor.visits import opened, take

PLACE = "/demo/orders"
WHO = {"name": "王小明", "phone": "13800138000", "address": "大河镇一组3号", "matter": "A01 社会保障卡申领"}


@pytest.fixture
async def desk_page(app: Starlette, db: Connection, hall: Hall) -> Client:
    await offer(db, hall)
    await db.execute("INSERT INTO sites (hall, code, name, level) VALUES ($1, 'dahe', '大河镇', 'township')", hall.id)
    for name, site in (("agent01", None), ("agent02", "dahe")):
        await add_user(db, hall.id, name, HASHED, name=f"代办{name}", roles=["agent"], site=site)
    return await staff(app, "desk01")


async def test_from_a_telephone_call_to_the_rated_certificate(
    app: Starlette, desk_page: Client, clerk: Client, anyone: Client, db: Connection
) -> None:
    empty = await look(desk_page, PLACE)
    assert "没有在办的代办单" in empty.words
    wrong = await send(desk_page, empty, "ask", **WHO | {"phone": "12"})
    assert (wrong.answer.status_code, "电话：" in wrong.words) == (422, True)
    kept = await send(desk_page, wrong, "ask", **WHO)
    assert ("D00001 已登记" in kept.words, "王**" in kept.words, "13800138000" in kept.answer.text) == (True, True, False)
    lin = await staff(app, "agent01")
    code = kept.answer.url.params["code"]
    page = await look(lin, f"{PLACE}?code={code}")
    seen = await send(lin, page, "look")
    assert ("王小明" in seen.words, "大河镇一组3号" in seen.words) == (True, True)
    page = await send(lin, page, "collect")
    assert "D00001 已更新" in page.words
    handed = await send(lin, page, "hand-in", order=code)
    assert "递交号：A001" in handed.words
    await opened(clerk)
    for act in ("next", "finish"):
        assert (await clerk.post(f"/api/v1/halls/demo/windows/1/{act}", json={})).status_code == 200
    page = await send(lin, await look(lin, f"{PLACE}?code={code}"), "filed-A001")
    assert "1 份已记为递交" in page.words and "filed-A001" not in page.forms
    await send(lin, await look(lin, f"{PLACE}?code={code}"), "return")
    mine = await look(anyone, f"/demo/o/{code}")
    assert "已办结，证件已送到" in mine.words
    done = await send(anyone, mine, "rate", level="2", reasons="213")
    assert "谢谢" in done.words
    rated = await db.fetchrow(
        "SELECT v.mode, r.level, r.clerk, r.channel, r.ticket FROM ratings r JOIN visits v ON v.id = r.visit"
    )
    assert rated is not None and tuple(rated) == ("agent", 2, "agent01", "phone", None)
    told = await db.fetch(
        "SELECT kind, data::text FROM journal WHERE kind LIKE 'order.%' OR kind = 'rating.made' ORDER BY \"offset\""
    )
    steps = ("requested", "looked", "collected", "filed", "returned")
    assert [row["kind"] for row in told] == [*(f"order.{step}" for step in steps), "rating.made"]
    assert [row["data"] for row in told if "王" in row["data"] or "138" in row["data"]] == []


async def test_papers_that_came_back_from_the_window_are_handed_in_again(
    app: Starlette, desk_page: Client, clerk: Client
) -> None:
    code = (await send(desk_page, await look(desk_page, PLACE), "ask", **WHO)).answer.url.params["code"]
    lin = await staff(app, "agent01")
    page = await send(lin, await look(lin, f"{PLACE}?code={code}"), "collect")
    await opened(clerk)
    for number in ("A001", "A002"):
        page = await send(lin, page, "hand-in", order=code)
        assert f"递交号：{number}" in page.words and 'type="checkbox" form="hand-in"' not in page.answer.text
        await clerk.post("/api/v1/halls/demo/windows/1/next", json={})
        await clerk.post("/api/v1/halls/demo/windows/1/finish", json={"outcome": "not_ready"})
        page = await look(lin, PLACE)
        assert 'type="checkbox" form="hand-in"' in page.answer.text and f"filed-{number}" not in page.forms


async def test_a_number_in_hand_becomes_an_order_and_ends(desk_page: Client, desk: Client, db: Connection) -> None:
    ticket = await take(desk, matters=["A01"])
    page = await look(desk_page, f"{PLACE}?ticket={ticket['key']}")
    assert "登记后 A001 号作废" in page.words
    kept = await send(desk_page, page, "ask", **WHO)
    again = await desk_page.post(PLACE, data={**page.forms["ask"].fields, **WHO})
    assert (kept.answer.status_code, again.status_code) == (200, 303)
    assert [
        tuple(row)
        for row in await db.fetch("SELECT t.state::text, o.channel FROM agent_orders o JOIN tickets t ON t.id = o.from_ticket")
    ] == [("cancelled", "ticket")]


async def test_an_agent_of_a_station_sees_the_own_and_assigns_nobody(app: Starlette, desk_page: Client, db: Connection) -> None:
    page = await look(desk_page, PLACE)
    other = await send(desk_page, page, "ask", **WHO)
    page = await look(desk_page, PLACE)
    await db.execute("INSERT INTO sites (hall, code, name, level) SELECT id, 'lufeng', '鲁峰镇', 'township' FROM halls")
    page = await look(desk_page, PLACE)
    elsewhere = await send(desk_page, page, "ask", **WHO, site="lufeng")
    given = await send(desk_page, elsewhere, "assign", agent="agent01")
    assert "代办agent01" in given.words
    wei = await staff(app, "agent02")
    station = await look(wei, PLACE)
    assert ("D00001" in station.words, "D00002" in station.words) == (True, False)
    assert ("assign" in station.forms, other.answer.status_code) == (False, 200)
    code, csrf = elsewhere.answer.url.params["code"], station.forms["ask"].fields["csrf"]
    assert (await wei.post(f"{PLACE}/{code}/look", data={"csrf": csrf})).status_code == 404
    assert (await wei.post(f"{PLACE}/{code}/collect", data={"csrf": csrf})).status_code == 404
