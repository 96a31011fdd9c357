"""A press sent twice acts once."""

import asyncio

from floor.database import Connection
from tests.floor.conftest import Client, SignsIn
from tests.floor.visits import HALL, at, finished, opened, said, take

KEY = {"Idempotency-Key": "4c1f7a7e"}


async def test_a_repeated_take_gives_the_same_ticket_and_says_so(desk: Client) -> None:
    first = await desk.post(f"{HALL}/tickets", json={"services": ["A"]}, headers=KEY)
    again = await desk.post(f"{HALL}/tickets", json={"services": ["A"]}, headers=KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.headers.get("idempotent-replay"), again.headers.get("idempotent-replay")) == (None, "true")
    assert (again.json()["key"], again.json()["number"]) == (first.json()["key"], first.json()["number"])
    assert len((await desk.get(f"{HALL}/tickets")).json()["items"]) == 1


async def test_ten_at_once_with_one_key_take_one_ticket(desk: Client) -> None:
    answers = await asyncio.gather(*(desk.post(f"{HALL}/tickets", json={"services": ["A"]}, headers=KEY) for _ in range(10)))
    assert {(answer.status_code, answer.json()["number"]) for answer in answers} == {(201, "A001")}


async def test_the_same_key_for_something_else_is_refused(desk: Client) -> None:
    await desk.post(f"{HALL}/tickets", json={"services": ["A"]}, headers=KEY)
    assert said(await desk.post(f"{HALL}/tickets", json={"services": ["B"]}, headers=KEY)) == (422, "key_reused")


async def test_every_field_that_was_asked_tells_a_repeat_from_another_request(desk: Client) -> None:
    asked = {"services": ["A"], "phone": "13800000000", "door_code": "4711", "id_number": "11010519491231002X"}
    first = await desk.post(f"{HALL}/tickets", json=asked, headers=KEY)
    assert (await desk.post(f"{HALL}/tickets", json=asked, headers=KEY)).json()["number"] == first.json()["number"]
    others: tuple[dict[str, str | None], ...] = (
        {"phone": "13900000000"}, {"phone": None}, {"door_code": "4712"}, {"door_code": None},
        {"id_number": "110105194912310038"}, {"evidence": "证"}, {"lang": "en"},
    )  # fmt: skip
    told = [said(await desk.post(f"{HALL}/tickets", json=asked | other, headers=KEY)) for other in others]
    assert told == [(422, "key_reused")] * len(others)


async def test_a_phone_is_kept_nowhere(desk: Client, db: Connection) -> None:
    await desk.post(f"{HALL}/tickets", json={"services": ["A"], "phone": "13800000000"}, headers=KEY)
    tables = [row["tablename"] for row in await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    found = [name for name in tables if await db.fetchval(f"SELECT count(*) FROM {name} t WHERE t::text LIKE '%13800000000%'")]
    assert found == []


async def test_a_key_is_scoped_to_who_asks_and_where(desk: Client, manager: Client) -> None:
    first = await desk.post(f"{HALL}/tickets", json={"services": ["A"]}, headers=KEY)
    other = await manager.post(f"{HALL}/tickets", json={"services": ["A"]}, headers=KEY)
    assert (first.json()["number"], other.json()["number"]) == ("A001", "A002")


async def test_next_pressed_twice_calls_once_with_one_call_id(desk: Client, clerk: Client) -> None:
    await take(desk)
    await take(desk)
    await opened(clerk)
    first, again = await at(clerk, "1", "next", {}, **KEY), await at(clerk, "1", "next", {}, **KEY)
    assert (again.status_code, again.json()["call"]["id"]) == (200, first.json()["call"]["id"])
    assert again.headers["idempotent-replay"] == "true"


async def test_a_204_is_kept_too(desk: Client, clerk: Client) -> None:
    await opened(clerk)
    first = await at(clerk, "1", "next", {}, **KEY)
    await take(desk)
    again = await at(clerk, "1", "next", {}, **KEY)
    assert (first.status_code, again.status_code) == (204, 204)
    assert again.headers["idempotent-replay"] == "true"


async def test_a_refusal_is_not_kept(desk: Client, clerk: Client) -> None:
    assert said(await at(clerk, "1", "next", {}, **KEY)) == (409, "window_not_open")
    await opened(clerk)
    await take(desk)
    assert (await at(clerk, "1", "next", {}, **KEY)).status_code == 200


async def test_opening_a_window_twice_by_one_key_is_one_act(clerk: Client, manager: Client) -> None:
    await at(clerk, "1", "open", {}, **KEY)
    assert (await at(clerk, "1", "open", {}, **KEY)).headers["idempotent-replay"] == "true"
    assert [row["kind"] for row in (await manager.get(f"{HALL}/journal")).json()["items"]] == ["window.opened"]


async def test_a_rating_repeated_is_one_rating(desk: Client, clerk: Client, anyone: Client) -> None:
    await opened(clerk)
    key = (await finished(desk, clerk))["key"]
    first = await anyone.post(f"/api/v1/tickets/{key}/rating", json={"level": 4}, headers=KEY)
    again = await anyone.post(f"/api/v1/tickets/{key}/rating", json={"level": 4}, headers=KEY)
    assert (again.status_code, again.json(), again.headers["idempotent-replay"]) == (201, first.json(), "true")


async def test_a_device_made_twice_by_one_key_is_one_device_with_a_fresh_code(manager: Client) -> None:
    body = {"kind": "led", "name": "1号窗口条屏", "window": "1"}
    first = await manager.post(f"{HALL}/devices", json=body, headers=KEY)
    again = await manager.post(f"{HALL}/devices", json=body, headers=KEY)
    assert (again.json()["id"], again.headers["idempotent-replay"]) == (first.json()["id"], "true")
    old = await manager.post("/devices/pair", json={"code": first.json()["code"]})
    new = await manager.post("/devices/pair", json={"code": again.json()["code"]})
    assert (said(old), new.status_code) == ((404, "bad_code"), 201)


async def test_a_revocation_repeated_is_204_again(manager: Client, sign_in: SignsIn) -> None:
    made = (await manager.post(f"{HALL}/devices", json={"kind": "tv", "name": "电视"})).json()
    path = f"/api/v1/devices/{made['id']}"
    assert [(await manager.delete(path, headers=KEY)).status_code for _ in range(2)] == [204, 204]


async def test_a_key_that_is_no_key_is_refused(desk: Client) -> None:
    for key in ("", "x" * 201):
        answer = await desk.post(f"{HALL}/tickets", json={"services": ["A"]}, headers={"Idempotency-Key": key})
        assert (said(answer), answer.json()["errors"][0]["field"]) == ((422, "bad_input"), "Idempotency-Key")
