"""What the ladder offers over the interface: another time taken or refused by whoever holds the key, and the floor's alarms."""

from floor.clock import watch_floor
from floor.database import Connection
from queueing.halls import Hall
from scheduling.escalation import climb
from tests.floor.conftest import Client, SignsIn
from tests.scheduling.clocks import at
from tests.scheduling.halls import DAY, number, until_five


async def test_another_time_is_offered_taken_once_and_refused_with_a_reason(
    anyone: Client, sign_in: SignsIn, db: Connection, hall: Hall
) -> None:
    shut = await until_five(db, hall)
    desk = await sign_in("desk01")
    await at(db, f"{DAY} 16:29+08")
    first, second = [(await number(db, shut)).ticket.key for _ in range(2)]
    await at(db, f"{DAY} 16:31+08")
    await climb(db, shut)
    offers = f"/api/v1/tickets/{first}/offers"
    (offered,) = (await anyone.get(offers)).json()
    assert (offered["step"], offered["state"], offered["start"]) == ("slot", "offered", "2027-03-04T01:00:00Z")
    taken = await anyone.post(f"{offers}/slot/accept", json={}, headers={"idempotency-key": "yes"})
    again = await anyone.post(f"{offers}/slot/accept", json={}, headers={"idempotency-key": "yes"})
    assert (taken.status_code, again.status_code, again.headers["idempotent-replay"]) == (201, 201, "true")
    assert taken.json() == again.json() and taken.json()["start"] == "2027-03-04T01:00:00Z"
    assert (await anyone.get(f"/api/v1/tickets/{first}")).json()["state"] == "cancelled"
    late = await anyone.post(f"{offers}/slot/accept", json={})
    assert (late.status_code, late.json()["code"]) == (409, "not_in_that_state")
    mine = f"/api/v1/tickets/{second}/offers"
    refused = await anyone.post(f"{mine}/slot/refuse", json={"why": "time"})
    assert (refused.status_code, refused.json()) == (200, {"next": "doorstep"})
    assert (await anyone.post(mine, json={"step": "slot"})).status_code == 401
    assert (await desk.post(mine, json={"step": "slot"})).status_code == 204
    assert [one["state"] for one in (await anyone.get(mine)).json()] == ["refused", "offered"]


async def test_a_leader_answers_for_visitors_of_the_own_zone_alone(sign_in: SignsIn, db: Connection, hall: Hall) -> None:
    shut = await until_five(db, hall)
    await at(db, f"{DAY} 16:29+08")
    offers = f"/api/v1/tickets/{(await number(db, shut)).ticket.key}/offers"
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", hall.id)
    own = await sign_in("leader01")
    assert (await own.post(offers, json={"step": "slot"})).status_code == 204
    await db.execute("UPDATE users SET zone = 'B' WHERE username = 'leader01'")
    other = await sign_in("leader01")
    home = offers.replace("offers", "doorstep")
    for path, body in {offers: {"step": "slot"}, f"{offers}/slot/refuse": {}, f"{offers}/slot/accept": {},
                       home: {"reason": "mobility"}}.items():  # fmt: skip
        refused = await other.post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert (await own.get(offers)).json()[0]["state"] == "offered"


async def test_alarms_of_the_floor_are_for_those_who_work_there(
    anyone: Client, sign_in: SignsIn, db: Connection, hall: Hall
) -> None:
    shut = await until_five(db, hall)
    desk = await sign_in("desk01")
    await number(db, shut)
    await watch_floor(db, shut)
    await at(db, f"{DAY} 09:04+08")
    await watch_floor(db, shut)
    assert (await anyone.get("/api/v1/halls/demo/alarms")).status_code == 401
    found = (await desk.get("/api/v1/halls/demo/alarms")).json()
    assert [(one["kind"], one["service"], one["people"], one["seen"]) for one in found] == [
        ("no_window", "A", 1, False), ("no_window", "B", 0, False),
    ]  # fmt: skip


async def test_after_the_last_ticket_the_refusal_says_what_to_do_instead(sign_in: SignsIn, db: Connection, hall: Hall) -> None:
    await until_five(db, hall)
    desk = await sign_in("desk01")
    await at(db, f"{DAY} 16:31+08")
    refused = (await desk.post("/api/v1/halls/demo/tickets", json={"services": ["A"]})).json()
    assert (refused["code"], refused["instead"], refused["next_slot"]) == (
        "past_last_ticket", ["book", "doorstep"], "2027-03-04T01:00:00Z",
    )  # fmt: skip
