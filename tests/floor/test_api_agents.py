"""Orders of agents, helpers, escorts and stations for programs: repeats act once, each role does its own, nothing is doubled."""

import asyncio

import pytest

from displays import outbox
from displays.sealed import Seal
from floor.database import Connection
from floor.people import add_user
from floor.settings import Settings
from queueing.halls import Hall
from queueing.sites import Site, keep
from tests.floor.catalogues import offer
from tests.floor.conftest import HASHED, Client, SignsIn
from tests.floor.visits import HALL, said, take

WHO = {"name": "王小明", "phone": "13800138000", "address": "大河镇一组3号", "matters": ["A01"]}


@pytest.fixture
async def agent(db: Connection, hall: Hall, people: None, sign_in: SignsIn) -> Client:
    """An agent of the centre, beside one of the station Dahe, one of another, and one who has left."""
    await offer(db, hall)
    for code in ("dahe", "lufeng"):
        await keep(db, hall, Site(code, code, None, None, "township", None, "0858-1234567", None, code == "dahe", False, False))
    for name, site in (("agent01", None), ("agent02", "dahe"), ("agent03", "lufeng"), ("agent04", None)):
        await add_user(db, hall.id, name, HASHED, name=name, roles=["agent"], site=site)
    await db.execute("UPDATE users SET disabled = true WHERE username = 'agent04'")
    return await sign_in("agent01")


async def test_an_order_is_taken_through_its_stages_and_each_repeat_acts_once(
    agent: Client, desk: Client, anyone: Client, db: Connection
) -> None:
    once = {"idempotency-key": "k1"}
    made, again = [await desk.post(f"{HALL}/orders", json=WHO, headers=once) for _ in range(2)]
    assert (made.status_code, again.status_code, again.headers.get("idempotent-replay")) == (201, 201, "true")
    assert made.json() == again.json()
    other = await desk.post(f"{HALL}/orders", json=WHO | {"matters": ["B01"]}, headers=once)
    assert said(other) == (422, "key_reused")
    path = f"{HALL}/orders/{made.json()['code']}"
    for act, state in (("assign", "requested"), ("collect", "collected")):
        first, second = [await agent.post(f"{path}/{act}", json={}, headers={"idempotency-key": act}) for _ in range(2)]
        assert (first.json()["state"], first.json()["agent"], first.json() == second.json()) == (state, "agent01", True)
        assert second.headers["idempotent-replay"] == "true"
    asked = {"orders": [made.json()["code"]]}
    ticket, same = [await agent.post(f"{HALL}/hand-ins", json=asked, headers={"idempotency-key": "h"}) for _ in range(2)]
    number = ticket.json()["number"]
    assert (ticket.status_code, same.json()["number"], same.headers["idempotent-replay"]) == (201, number, "true")
    assert said(await agent.post(f"{HALL}/hand-ins", json=asked)) == (409, "one_live_ticket")
    assert said(await agent.post(f"{path}/return")) == (409, "not_in_that_state")
    seen = (await anyone.get(path)).json()
    assert (seen["state"], seen["hand_in"], seen["agent"]) == ("collected", number, None)
    assert [row["count"] for row in await db.fetch("SELECT count(*) FROM agent_orders")] == [1]
    assert not [word for word in ("王小明", "13800138000", "一组") if word in (await desk.get(f"{HALL}/orders")).text]


async def test_a_number_becomes_one_order_however_often_it_is_sent_at_once(agent: Client, desk: Client, db: Connection) -> None:
    ticket = await take(desk, matters=["A01"])
    path, who = f"/api/v1/tickets/{ticket['key']}/order", {name: WHO[name] for name in ("name", "phone", "address")}
    answers = await asyncio.gather(*(desk.post(path, json=who, headers={"idempotency-key": "o"}) for _ in range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.json()["code"] for answer in answers}) == 1
    assert sum(answer.headers.get("idempotent-replay") == "true" for answer in answers) == 3
    assert await db.fetchval("SELECT count(*) FROM agent_orders") == 1
    assert said(await desk.post(path, json=who)) == (409, "not_in_that_state")


async def test_an_order_is_given_only_to_an_agent_who_works_here_and_may_act_for_its_station(agent: Client, desk: Client) -> None:
    path = f"{HALL}/orders/{(await desk.post(f'{HALL}/orders', json=WHO | {'site': 'dahe'})).json()['code']}"
    for name in ("desk01", "nobody", "agent04", "agent03", "x" * 41):
        answer = await desk.post(f"{path}/assign", json={"agent": name})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "agent")
    given = await desk.post(f"{path}/assign", json={"agent": "agent02"})
    assert (given.status_code, given.json()["agent"]) == (200, "agent02")
    assert said(await agent.get(f"{HALL}/sites/dahe/tickets")) == (403, "not_allowed")


async def test_who_may_not_is_refused_and_what_is_too_long_is_said(
    agent: Client, desk: Client, clerk: Client, anyone: Client
) -> None:
    made = (await desk.post(f"{HALL}/orders", json=WHO)).json()
    path = f"{HALL}/orders/{made['code']}"
    for client, refused in ((clerk, (403, "not_allowed")), (anyone, (401, "not_signed_in"))):
        for answer in (
            await client.post(f"{HALL}/orders", json=WHO), await client.post(f"{path}/collect", json={}),
            await client.post(f"{path}/holder"), await client.get(f"{HALL}/orders"),
            await client.post(f"{HALL}/hand-ins", json={"orders": [made["code"]]}),
        ):  # fmt: skip
            assert said(answer) == refused
    assert said(await desk.post(f"{HALL}/hand-ins", json={"orders": [made["code"]]})) == (403, "not_allowed")
    wrong: list[dict[str, object]] = [{"name": "王" * 61}, {"address": "x" * 201}, {"phone": "1" * 21}, {"matters": []}]
    for given in wrong:
        assert said(await desk.post(f"{HALL}/orders", json=WHO | given)) == (422, "bad_input")
    assert (await agent.post(f"{path}/holder")).json() == {k: WHO[k] for k in ("name", "phone", "address")} | {"note": None}


async def test_help_escorts_and_stations_by_program(
    agent: Client, sign_in: SignsIn, desk: Client, manager: Client, clerk: Client, db: Connection
) -> None:
    ticket = await take(desk)
    bound = {"number": ticket["number"], "escort": "clerk02"}
    first, again = [await desk.post(f"{HALL}/escorts", json=bound, headers={"idempotency-key": "e"}) for _ in range(2)]
    assert (first.status_code, again.json(), again.headers["idempotent-replay"]) == (201, first.json(), "true")
    walk = f"{HALL}/escorts/{first.json()['id']}"
    started = [await clerk.post(f"{walk}/start", headers={"idempotency-key": "s"}) for _ in range(2)]
    assert [(it.status_code, it.headers.get("idempotent-replay")) for it in started] == [(204, None), (204, "true")]
    assert said(await clerk.post(f"{walk}/start")) == (404, "not_found")
    assert (await clerk.post(f"{walk}/end")).status_code == 204
    auditor = {"number": ticket["number"], "escort": "auditor"}
    assert (await desk.post(f"{HALL}/escorts", json=auditor)).json()["errors"][0]["field"] == "escort"
    plain = await desk.post(f"/api/v1/tickets/{ticket['key']}/help", json={"kinds": ["form"]})
    assert said(plain) == (404, "not_found")  # no help number
    mine = await sign_in("agent02")
    remote = await mine.post(f"{HALL}/sites/dahe/tickets", json={"services": ["B"], "print_point": "dahe"})
    assert (remote.status_code, remote.json()["channel"]) == (201, "remote")
    (row,) = (await mine.get(f"{HALL}/sites/dahe/tickets")).json()
    assert (row["number"], row["talk"], row["print_point"]) == (remote.json()["number"], "phone", "dahe")
    assert said(await mine.post(f"{HALL}/sites/lufeng/tickets", json={"services": ["B"]})) == (403, "not_allowed")
    asked, key = {"services": ["A"]}, {"idempotency-key": "r"}
    there = [mine.post(f"{HALL}/sites/dahe/tickets", json=asked, headers=key) for _ in range(3)]
    assert len({answer.json()["number"] for answer in await asyncio.gather(*there)}) == 1
    there_too = "SELECT count(*) FROM tickets JOIN remote_tickets ON ticket = id WHERE channel = 'remote'"
    assert await db.fetchval(there_too) == 2
    await db.execute("ALTER TABLE remote_tickets ADD CONSTRAINT torn CHECK (false) NOT VALID")
    assert (await mine.post(f"{HALL}/sites/dahe/tickets", json=asked)).status_code == 500
    assert await db.fetchval("SELECT count(*) FROM tickets WHERE channel = 'remote'") == 2  # none without its station


async def test_one_roster_for_escorts_and_helpers_and_nobody_is_in_two_places(
    desk: Client, manager: Client, hall: Hall, db: Connection
) -> None:
    duty = {"day": "2027-03-01", "half": "am", "escort": "clerk02"}
    for more in ({}, {"zone": "A"}, {"half": "pm"}):
        assert (await manager.post(f"{HALL}/escort-roster", json=duty | more)).status_code == 204
    week = await desk.get(f"{HALL}/escort-roster?from=2027-03-01&to=2027-03-07")
    assert [(row["half"], row["zone"]) for row in week.json()] == [("am", "A"), ("pm", None)]
    assert said(await manager.post(f"{HALL}/escort-roster", json=duty | {"zone": "Q"})) == (422, "bad_input")
    assert said(await desk.post(f"{HALL}/escort-roster", json=duty)) == (403, "not_allowed")
    await db.execute("UPDATE users SET disabled = true WHERE username = 'clerk02'")
    assert said(await manager.post(f"{HALL}/escort-roster", json=duty)) == (422, "bad_input")
    assert (await manager.post(f"{HALL}/escort-roster", json=duty | {"on": False})).status_code == 204  # off, though gone
    assert await db.fetchval("SELECT count(*) FROM escort_shifts") == 1
    assert said(await desk.get(f"{HALL}/escort-roster?from=2027-03-01&to=2028-03-01")) == (422, "bad_input")


async def test_whose_papers_they_are_is_told_of_each_stage_by_text_message(
    agent: Client, desk: Client, db: Connection, hall: Hall, settings: Settings
) -> None:
    seal = Seal(settings.secret)
    await outbox.set_way(db, hall.id, "phone", "http", {"url": "http://gateway.test/", "body": "{text}"}, seal=seal)
    done, off = [(await desk.post(f"{HALL}/orders", json=WHO)).json()["code"] for _ in range(2)]
    for act in ("assign", "collect", "file", "return"):
        again = [await agent.post(f"{HALL}/orders/{done}/{act}", json={}, headers={"idempotency-key": act}) for _ in range(2)]
        assert [answer.status_code for answer in again] == [200, 200]
    await desk.post(f"{HALL}/orders/{off}/cancel", json={"why": "王小明自己来办"})
    sent = [it.message for it in await outbox.take(db, [hall.id], seal, "https://hall.example.cn") if it.message is not None]
    told = sorted(message.template for message in sent if f"/demo/o/{done}" in message.text)
    assert told == ["order_asked", "order_collected", "order_filed", "order_returned"]
    (last,) = [message for message in sent if message.template == "order_off"]
    assert ("D00002" in last.text, f"/demo/o/{off}" in last.text, "王小明" in last.text) == (True, True, False)
    assert {message.address for message in sent} == {"13800138000"}
    await db.execute("ALTER TABLE notices ADD CONSTRAINT torn CHECK (false) NOT VALID")
    assert (await desk.post(f"{HALL}/orders", json=WHO)).status_code == 500
    assert await db.fetchval("SELECT count(*) FROM agent_orders") == 2  # no stage without its word
    assert await db.fetchval("SELECT count(*) FROM notice_contacts WHERE subject LIKE 'order:%'") == 2
