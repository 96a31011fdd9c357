"""Booking over the interface: real name, exact places, a code that is the whole of a citizen's right."""

from datetime import date

import pytest

from floor.database import Connection
from queueing.halls import Hall, get_hall
from scheduling.hours import rehang_doors
from scheduling.slots import lay_slots
from scheduling.statutory import keep_known
from tests.floor.conftest import Client, SignsIn
from tests.scheduling.clocks import at

NINE = "2027-03-02T09:00:00+08:00"
HALF_PAST = "2027-03-02T09:30:00+08:00"
LI = {"service": "A", "start": NINE, "name": "李小明", "id_number": "110101199003070011", "phone": "13800138000"}


def card(n: int) -> str:
    """A made-up ID number whose last digit is right."""
    digits = f"11010119900307{n:03}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return digits + "10X98765432"[sum(w * int(d) for w, d in zip(weights, digits, strict=True)) % 11]


LI["id_number"] = card(7)


@pytest.fixture(autouse=True)
async def monday(db: Connection, hall: Hall) -> None:
    """The hall on Monday, with the places of the days to come."""
    await at(db, "2027-03-01 08:00+08")
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("DELETE FROM doors")
    await keep_known(db, date(2027, 3, 1))
    await lay_slots(db, await get_hall(db, "demo"))


async def tuesday(db: Connection, clock: str) -> None:
    await at(db, f"2027-03-02 {clock}+08")
    await rehang_doors(db, await get_hall(db, "demo"))


async def test_places_are_listed_booked_and_gone(anyone: Client) -> None:
    asked = "/api/v1/halls/demo/slots?service=A&from=2027-03-02&to=2027-03-02"
    slots = (await anyone.get(asked)).json()
    assert (len(slots), slots[0]) == (
        16,
        {"start": "2027-03-02T01:00:00Z", "end": "2027-03-02T01:30:00Z", "capacity": 2, "left": 2},
    )
    answer = await anyone.post("/api/v1/halls/demo/appointments", json=LI)
    assert answer.status_code == 201
    made = answer.json()
    assert {**made, "code": len(made["code"])} == {
        "code": 10, "service": "A", "start": "2027-03-02T01:00:00Z", "end": "2027-03-02T01:30:00Z", "state": "booked",
        "matters": [], "ticket": None,
    }  # fmt: skip
    assert (await anyone.get(asked)).json()[0]["left"] == 1
    assert (await anyone.get(f"/api/v1/appointments/{made['code']}")).json() == made


async def test_a_full_time_a_second_booking_and_a_night_are_refused_by_name(anyone: Client) -> None:
    for n in (1, 2):
        assert (await anyone.post("/api/v1/halls/demo/appointments", json={**LI, "id_number": card(n)})).status_code == 201
    for changed, code in (
        ({"id_number": card(3)}, "slot_full"), ({"id_number": card(1), "start": HALF_PAST}, "too_many"),
        ({"start": "2027-03-02T03:00:00+08:00"}, "outside_hours"), ({"service": "Z"}, "outside_hours"),
    ):  # fmt: skip
        answer = await anyone.post("/api/v1/halls/demo/appointments", json={**LI, **changed})
        assert (answer.status_code, answer.json()["code"]) == (409, code)


@pytest.mark.parametrize(
    ("changed", "field"),
    [({"id_number": "110101199003070012"}, "id_number"), ({"name": "  "}, "name"), ({"phone": "call me"}, "phone"),
     ({"start": "2027-03-02T09:00:00"}, "start"), ({"start": "soon"}, "start")],
)  # fmt: skip
async def test_what_can_not_be_is_named_by_its_field(anyone: Client, db: Connection, changed: dict[str, str], field: str) -> None:
    answer = await anyone.post("/api/v1/halls/demo/appointments", json={**LI, **changed})
    assert (answer.status_code, [fault["field"] for fault in answer.json()["errors"]]) == (422, [field])
    assert await db.fetchval("SELECT count(*) FROM appointments") == 0


async def test_a_repeated_request_books_once(anyone: Client, db: Connection) -> None:
    key = {"idempotency-key": "k1"}
    first = await anyone.post("/api/v1/halls/demo/appointments", json=LI, headers=key)
    second = await anyone.post("/api/v1/halls/demo/appointments", json=LI, headers=key)
    assert (second.status_code, second.json(), second.headers["idempotent-replay"]) == (201, first.json(), "true")
    other = await anyone.post("/api/v1/halls/demo/appointments", json={**LI, "start": HALF_PAST}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert await db.fetchval("SELECT count(*) FROM appointments") == 1


async def booked(client: Client) -> str:
    code: str = (await client.post("/api/v1/halls/demo/appointments", json=LI)).json()["code"]
    return code


async def test_a_booking_is_moved_and_given_back_by_its_code(anyone: Client) -> None:
    code = await booked(anyone)
    moved = await anyone.post(f"/api/v1/appointments/{code}/move", json={"start": HALF_PAST})
    assert (moved.status_code, moved.json()["start"]) == (200, "2027-03-02T01:30:00Z")
    assert (await anyone.delete(f"/api/v1/appointments/{code}")).status_code == 204
    again = await anyone.delete(f"/api/v1/appointments/{code}")
    assert (again.status_code, again.json()["code"]) == (409, "not_in_that_state")
    assert (await anyone.get(f"/api/v1/appointments/{code}")).json()["state"] == "cancelled"
    assert (await anyone.get("/api/v1/appointments/0000000000")).status_code == 404


async def test_checking_in_gives_the_ticket_once(anyone: Client, sign_in: SignsIn, db: Connection) -> None:
    code = await booked(anyone)
    early = await anyone.post(f"/api/v1/appointments/{code}/check-in")
    assert (early.status_code, early.json()["code"]) == (409, "too_early")
    await tuesday(db, "08:50")
    desk = await sign_in("desk01")
    answer = await desk.post(f"/api/v1/appointments/{code}/check-in")
    assert answer.status_code == 201, answer.text
    assert (answer.status_code, answer.json()["number"], answer.json()["state"]) == (201, "A001", "waiting")
    again = await anyone.post(f"/api/v1/appointments/{code}/check-in")
    assert (again.status_code, again.json()["code"]) == (409, "already_checked_in")
    assert (await anyone.get(f"/api/v1/appointments/{code}")).json()["ticket"] == answer.json()["key"]


async def test_who_comes_too_late_is_told_to_take_a_number(anyone: Client, db: Connection) -> None:
    code = await booked(anyone)
    await tuesday(db, "09:16")
    late = await anyone.post(f"/api/v1/appointments/{code}/check-in", headers={"accept-language": "en"})
    assert (late.status_code, late.json()["code"], late.json()["detail"]) == (
        409, "too_late", "Your booked time is over. Please take a number."
    )  # fmt: skip


async def test_name_telephone_and_id_number_stand_nowhere_in_the_clear(anyone: Client, db: Connection) -> None:
    code = await booked(anyone)
    await tuesday(db, "08:50")
    await anyone.post(f"/api/v1/appointments/{code}/check-in")
    tables = [
        row["relname"]
        for row in await db.fetch("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
    ]
    dumped = "".join(
        [str(await db.fetchval(f"SELECT coalesce(string_agg(t::text, ' '), '') FROM {table} t")) for table in tables]
    )
    hidden = ("李小明", "13800138000", LI["id_number"], LI["id_number"][:14], "李小明".encode().hex(), b"13800138000".hex())
    assert [word for word in hidden if word in dumped] == []
    assert code in dumped


async def test_a_leader_books_moves_and_cancels_in_the_own_zone_alone(sign_in: SignsIn, db: Connection, hall: Hall) -> None:
    leader, path = await sign_in("leader01"), "/api/v1/halls/demo/appointments"
    made = (await leader.post(path, json=LI)).json()
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", hall.id)
    await db.execute("UPDATE services SET zone = 'B' WHERE code = 'A'")
    one = f"/api/v1/appointments/{made['code']}"
    await tuesday(db, "08:50")
    told = [
        await leader.post(path, json={**LI, "id_number": card(8)}), await leader.post(f"{one}/move", json={"start": HALF_PAST}),
        await leader.post(f"{one}/check-in", json={}), await leader.delete(one),
    ]  # fmt: skip
    assert [(answer.status_code, answer.json()["code"]) for answer in told] == [(403, "not_allowed")] * 4
    await db.execute("UPDATE users SET roles = '{leader,clerk}' WHERE username = 'leader01'")  # who works at a window too
    assert (await (await sign_in("leader01")).delete(one)).status_code == 403
    await db.execute("UPDATE services SET zone = 'A' WHERE code = 'A'")
    assert (await leader.delete(one)).status_code == 204
