"""Other systems tell their queues with a token of their own; they are shown with their age and never newer than they are."""

from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall
from tests.floor.catalogues import offer
from tests.floor.conftest import Client, client_of
from tests.floor.screens import browser, kiosk, machine, text
from tests.floor.visits import HALL

TAX: dict[str, object] = {
    "code": "T1", "name": "办税", "name_en": "Tax desk", "waiting": 5, "windows": 2, "calling": "S017",
    "wait": {"p50_s": 300, "p90_s": 900},
}  # fmt: skip


@pytest.fixture
async def tax(app: Starlette, manager: Client) -> Client:
    """The tax office's system, let in."""
    answer = await manager.post(f"{HALL}/foreign", json={"system": "tax", "name": "税务"})
    assert answer.status_code == 201
    return client_of(app, authorization=f"Bearer {answer.json()['token']}")


def told(*queues: dict[str, object], minutes: float = 0) -> dict[str, object]:
    return {"as_of": (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(), "queues": list(queues)}


async def test_what_a_system_tells_is_read_by_anybody_in_their_language(tax: Client, anyone: Client) -> None:
    assert (await tax.post(f"{HALL}/foreign/tax", json=told(TAX))).status_code == 200
    (shown,) = (await anyone.get(f"{HALL}/foreign", headers={"accept-language": "en"})).json()["items"]
    assert {name: shown[name] for name in ("system_name", "name", "waiting", "wait", "open", "stale")} == {
        "system_name": "税务", "name": "Tax desk", "waiting": 5, "wait": {"p50_s": 300, "p90_s": 900}, "open": True,
        "stale": False,
    }  # fmt: skip


async def test_a_queue_no_longer_named_is_gone_and_an_older_picture_changes_nothing(tax: Client, anyone: Client) -> None:
    await tax.post(f"{HALL}/foreign/tax", json=told(TAX, {"code": "T2", "name": "发票"}))
    await tax.post(f"{HALL}/foreign/tax", json=told(TAX | {"waiting": 9}))
    await tax.post(f"{HALL}/foreign/tax", json=told({"code": "T3", "name": "旧"}, minutes=3))
    items = (await anyone.get(f"{HALL}/foreign")).json()["items"]
    assert [(item["code"], item["waiting"]) for item in items] == [("T1", 9)]


async def test_a_clock_that_runs_ahead_makes_nothing_newer_than_now(tax: Client, db: Connection) -> None:
    await tax.post(f"{HALL}/foreign/tax", json=told(TAX, minutes=-60))
    assert await db.fetchval("SELECT as_of <= now() FROM foreign_queues") is True


async def test_what_is_old_says_so(tax: Client, anyone: Client) -> None:
    await tax.post(f"{HALL}/foreign/tax", json=told(TAX, minutes=11))
    assert [item["stale"] for item in (await anyone.get(f"{HALL}/foreign")).json()["items"]] == [True]


async def test_a_token_opens_its_own_system_and_nothing_else(tax: Client, manager: Client, anyone: Client) -> None:
    await manager.post(f"{HALL}/foreign", json={"system": "police", "name": "公安"})
    assert (await tax.post(f"{HALL}/foreign/police", json=told(TAX))).status_code == 401
    assert (await tax.get(f"{HALL}/journal")).status_code == 401
    for other in (anyone, manager):
        assert (await other.post(f"{HALL}/foreign/tax", json=told(TAX))).status_code == 401


async def test_an_ended_system_tells_nothing_and_may_come_back_with_a_new_token(
    tax: Client, manager: Client, anyone: Client
) -> None:
    await tax.post(f"{HALL}/foreign/tax", json=told(TAX))
    taken = await manager.post(f"{HALL}/foreign", json={"system": "tax", "name": "税务"})
    assert (taken.status_code, taken.json()["code"]) == (409, "not_in_that_state")
    assert (await manager.delete(f"{HALL}/foreign/tax")).status_code == 204
    assert (await anyone.get(f"{HALL}/foreign")).json() == {"items": []}
    assert (await tax.post(f"{HALL}/foreign/tax", json=told(TAX))).status_code == 401
    assert (await manager.delete(f"{HALL}/foreign/tax")).status_code == 404
    assert (await manager.post(f"{HALL}/foreign", json={"system": "tax", "name": "税务"})).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"as_of": "2026-01-01T00:00:00", "queues": []}, {"as_of": "now", "queues": []}, told(TAX, TAX),
        told(TAX | {"code": "a b"}),
        told(TAX | {"waiting": -1}), told(TAX | {"wait": {"p50_s": 9, "p90_s": 1}}), {"queues": []}, told(TAX | {"name": ""}),
    ],
)  # fmt: skip
async def test_what_can_not_be_is_refused_whole(tax: Client, db: Connection, wrong: dict[str, object]) -> None:
    assert (await tax.post(f"{HALL}/foreign/tax", json=wrong)).status_code == 422
    assert await db.fetchval("SELECT count(*) FROM foreign_queues") == 0


async def test_only_a_manager_lets_a_system_in(desk: Client, clerk: Client, anyone: Client) -> None:
    for who, status in ((desk, 403), (clerk, 403), (anyone, 401)):
        assert (await who.post(f"{HALL}/foreign", json={"system": "tax", "name": "税务"})).status_code == status


async def test_they_stand_beside_ours_on_the_query_screen_and_the_kiosk(
    app: Starlette, tax: Client, db: Connection, hall: Hall
) -> None:
    await offer(db, hall)
    await tax.post(f"{HALL}/foreign/tax", json=told(TAX))
    stand = await kiosk(app, db, (await machine(db, hall.id, "dispenser")).device_id)
    assert "其他取号系统： 办税 等候 5 人" in text((await stand.get("/demo/kiosk")).text)
    said = text((await browser(app).get("/demo/query")).text)
    assert ("办税 税务" in said, "正在叫 S017" in said, "的数据" in said) == (True, True, True)
    await db.execute("UPDATE foreign_queues SET as_of = as_of - interval '1 hour'")
    for page in (await stand.get("/demo/kiosk"), await browser(app).get("/demo/query")):
        assert "后没有更新" in text(page.text)
