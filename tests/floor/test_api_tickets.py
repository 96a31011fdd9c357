"""Tickets over HTTP."""

import asyncio

from displays import announce
from floor.database import Connection
from queueing import journal
from queueing.halls import Hall, get_hall
from tests.floor.catalogues import offer
from tests.floor.conftest import Client, SignsIn
from tests.floor.visits import HALL, at, opened, said, take


async def test_a_desk_takes_a_number_and_whoever_holds_the_key_sees_the_same_ticket(desk: Client, anyone: Client) -> None:
    ticket = await take(desk, "A", matters=["参保登记"])
    seen = await anyone.get(f"/api/v1/tickets/{ticket['key']}")
    assert (seen.json(), seen.headers["cache-control"]) == (ticket, "no-store")
    assert {name: ticket[name] for name in ("number", "services", "matters", "state", "channel", "ahead", "calls")} == {
        "number": "A001", "services": ["A"], "matters": ["参保登记"], "state": "waiting", "channel": "desk", "ahead": 0,
        "calls": 0,
    }  # fmt: skip


async def test_fifty_takes_at_once_get_fifty_numbers(desk: Client) -> None:
    taken = await asyncio.gather(*(take(desk, "A") for _ in range(50)))
    assert sorted(ticket["number"] for ticket in taken) == [f"A{n:03}" for n in range(1, 51)]


async def test_ahead_counts_people_and_wait_is_unknown_without_an_open_window(desk: Client) -> None:
    await take(desk)
    second = await take(desk)
    assert (second["ahead"], second["wait"]) == (1, None)


async def test_wait_is_a_range_once_a_window_is_open(desk: Client, clerk: Client) -> None:
    await opened(clerk)
    await take(desk)
    second = await take(desk)
    assert (second["ahead"], 0 <= second["wait"]["p50_s"] <= second["wait"]["p90_s"]) == (1, True)


async def test_an_unknown_service_a_full_and_a_closed_one_are_refused_by_name(desk: Client, db: Connection) -> None:
    ask = f"{HALL}/tickets"
    assert said(await desk.post(ask, json={"services": ["Z"]})) == (422, "unknown_service")
    await db.execute("UPDATE doors SET left_places = 0 WHERE service = 'A'")
    assert said(await desk.post(ask, json={"services": ["A"]})) == (409, "quota_full")
    await db.execute("UPDATE doors SET opens = now() - interval '2 h', last_ticket = now() WHERE service = 'B'")
    assert said(await desk.post(ask, json={"services": ["B"]})) == (409, "past_last_ticket")
    await db.execute("DELETE FROM doors")
    assert said(await desk.post(ask, json={"services": ["A"]})) == (409, "closed")


async def test_one_person_holds_one_live_ticket_where_the_hall_asks_for_it(desk: Client, db: Connection) -> None:
    await db.execute("UPDATE halls SET one_live_ticket = true")
    await take(desk, id_number="11010519491231002X")
    again = await desk.post(f"{HALL}/tickets", json={"services": ["A"], "id_number": "11010519491231002x"})
    assert said(again) == (409, "one_live_ticket")
    await take(desk, id_number="110105194912310038")


async def test_an_id_number_is_kept_nowhere(desk: Client, db: Connection) -> None:
    number = "11010519491231002X"
    asked = {"services": ["A"], "id_number": number, "phone": "13800138000"}
    await desk.post(f"{HALL}/tickets", json=asked, headers={"Idempotency-Key": "one"})
    for table in ("tickets", "journal", "presses"):
        rows = str(await db.fetch(f"SELECT to_jsonb(x)::text FROM {table} x"))
        assert (number in rows, "13800138000" in rows) == (False, False)


async def test_who_is_not_signed_in_takes_nothing_and_a_clerk_does_not_either(anyone: Client, clerk: Client) -> None:
    ask = f"{HALL}/tickets"
    assert said(await anyone.post(ask, json={"services": ["A"]})) == (401, "not_signed_in")
    assert said(await anyone.post(ask, json={"services": ["A"], "door_code": "1234"})) == (403, "not_allowed")
    assert said(await clerk.post(ask, json={"services": ["A"]})) == (403, "not_allowed")


async def test_the_holder_of_the_key_leaves_the_queue_once(desk: Client, anyone: Client) -> None:
    key = (await take(desk))["key"]
    left = await anyone.post(f"/api/v1/tickets/{key}/cancel")
    assert (left.status_code, left.json()["state"]) == (200, "cancelled")
    assert said(await anyone.post(f"/api/v1/tickets/{key}/cancel")) == (409, "not_in_that_state")


async def test_a_missed_ticket_comes_back_to_the_front(desk: Client, clerk: Client, db: Connection) -> None:
    await db.execute("UPDATE halls SET calls_before_missed = 1")
    first = await take(desk)
    await take(desk)
    await opened(clerk)
    await at(clerk, "1", "next")
    assert (await at(clerk, "1", "no-show")).json()["state"] == "missed"
    back = await desk.post(f"/api/v1/tickets/{first['key']}/restore", json={"position": "front"})
    assert (back.json()["state"], back.json()["ahead"], back.json()["number"]) == ("waiting", 0, "A001")


async def test_a_copy_prints_at_the_dispenser_the_desk_names(desk: Client, manager: Client) -> None:
    made = (await manager.post(f"{HALL}/devices", json={"kind": "dispenser", "name": "大厅1"})).json()
    key = (await take(desk))["key"]
    copy = await desk.post(f"/api/v1/tickets/{key}/reprint", json={"print_at": made["id"]})
    assert (copy.status_code, copy.json()["number"]) == (200, "A001")
    assert said(await desk.post(f"/api/v1/tickets/{key}/reprint", json={"print_at": "dv_led_9"})) == (422, "bad_input")


async def test_the_story_tells_each_paper_at_the_act_that_owed_it(desk: Client, manager: Client, db: Connection) -> None:
    made = (await manager.post(f"{HALL}/devices", json={"kind": "dispenser", "name": "大厅1"})).json()
    key = (await take(desk, print_at=made["id"]))["key"]
    await desk.post(f"/api/v1/tickets/{key}/reprint", json={"print_at": made["id"]})
    hall = await get_hall(db, "demo")
    await announce.announce(db, hall.id, "k3", await journal.read(db, hall.id, 0), "http://hall.test")
    await db.execute("UPDATE jobs SET state = 'done', ended_at = now() WHERE key LIKE '%:c%'")
    papers = [
        (deed["kind"], [told["state"] for told in deed["confirmed"]])
        for deed in (await desk.get(f"/api/v1/tickets/{key}/story")).json()["items"]
    ]
    assert papers == [("ticket.taken", ["owed"]), ("ticket.reprinted", ["done"])]


async def test_staff_find_tickets_page_by_page_and_strangers_do_not(desk: Client, anyone: Client) -> None:
    for _ in range(3):
        await take(desk)
    first = (await desk.get(f"{HALL}/tickets?limit=2")).json()
    rest = (await desk.get(f"{HALL}/tickets?limit=2&after={first['next']}")).json()
    assert [t["number"] for t in first["items"] + rest["items"]] == ["A001", "A002", "A003"]
    assert rest["next"] is None
    assert (await desk.get(f"{HALL}/tickets?limit=3")).json()["next"] is None
    one = (await desk.get(f"{HALL}/tickets?number=A002&state=waiting&service=A")).json()
    assert [t["number"] for t in one["items"]] == ["A002"]
    assert said(await anyone.get(f"{HALL}/tickets")) == (401, "not_signed_in")
    assert said(await desk.get(f"{HALL}/tickets?limit=501")) == (422, "bad_input")
    assert said(await desk.get(f"{HALL}/tickets?day=yesterday")) == (422, "bad_input")


async def test_a_key_nobody_holds_is_not_found(anyone: Client) -> None:
    assert said(await anyone.get("/api/v1/tickets/nobody-holds-this")) == (404, "not_found")


async def test_the_story_names_actors_to_staff_alone(desk: Client, clerk: Client, anyone: Client, sign_in: SignsIn) -> None:
    key = (await take(desk))["key"]
    await opened(clerk)
    await at(clerk, "1", "next")
    full = (await desk.get(f"/api/v1/tickets/{key}/story")).json()
    plain = (await anyone.get(f"/api/v1/tickets/{key}/story")).json()
    assert (await (await sign_in("engineer")).get(f"/api/v1/tickets/{key}/story")).json() == full
    assert [(deed["kind"], deed["actor"]) for deed in full["items"]] == [
        ("ticket.taken", "desk:desk01"), ("ticket.called", "clerk:clerk01"),
    ]  # fmt: skip
    assert [(deed["kind"], deed["rule"], "actor" in deed) for deed in plain["items"]] == [
        ("ticket.taken", None, False), ("ticket.called", "order", False),
    ]  # fmt: skip


async def test_matters_alone_lead_to_their_services(desk: Client, db: Connection, hall: Hall) -> None:
    await offer(db, hall)
    taken = (await desk.post(f"{HALL}/tickets", json={"matters": ["B01", "A01"]})).json()
    assert (taken["services"], taken["matters"]) == (["B", "A"], ["B01", "A01"])
    bodies: tuple[dict[str, list[str]], ...] = ({}, {"matters": []}, {"matters": ["no such matter"]})
    for body in bodies:
        assert said(await desk.post(f"{HALL}/tickets", json=body)) == (422, "bad_input")
