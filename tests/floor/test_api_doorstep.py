"""A visit over the interface: asked for by anybody, decided by the desk, made by its team, rated by whoever asked."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.applications import Starlette

from displays.contacts import find as find_contact
from displays.feed import open_feeds
from displays.outbox import set_way
from displays.sealed import Seal
from floor.database import Connection
from floor.people import add_user
from queueing import journal
from queueing.halls import Hall
from scheduling.teams import Team, save_team
from tests.floor.conftest import HASHED, Client, SignsIn, client_of
from tests.floor.visits import HALL, opened, said, take
from tests.scheduling.outings import all_there, on, prepared

NAME, PHONE, ADDRESS = "欧阳明月", "13900001234", "云上镇柳荫路17号2单元301"
WISH: dict[str, Any] = {
    "reason": "mobility", "matters": ["CERT"], "name": NAME, "phone": PHONE, "address": ADDRESS, "lat": 26.6012, "lon": 104.8493,
    "preferred": [{"from": "2027-03-02T09:00:00+08:00", "to": "2027-03-02T12:00:00+08:00"}], "materials": ["户口簿", "老年证"],
}  # fmt: skip
TEN = "2027-03-02T10:00:00+08:00"
DOORSTEP = f"{HALL}/doorstep"

Does = Callable[..., Awaitable[Any]]


@pytest.fixture(autouse=True)
async def out(db: Connection, hall: Hall) -> None:
    await prepared(db, hall)


@pytest.fixture
async def team(db: Connection, hall: Hall, people: None) -> Team:
    """door01 and clerk02, who can do A with the camera; door02 is in no team."""
    for name in ("door01", "door02"):
        await add_user(db, hall.id, name, HASHED, name=f"姓名{name}", roles=["doorstep"], number="9501")
    return await save_team(
        db, hall, on(9).date(), "一队", ("door01", "clerk02"), skills=["A"], kits=["photo"], starts=on(9), ends=on(17),
        start=(26.59, 104.83), actor="manager:manager",
    )  # fmt: skip


async def asked(client: Client, **more: Any) -> dict[str, Any]:
    answer = await client.post(DOORSTEP, json=WISH | more)
    assert answer.status_code == 201, answer.text
    visit: dict[str, Any] = answer.json()
    return visit


async def act(client: Client, visit: dict[str, Any], verb: str, **body: Any) -> Any:
    return await client.post(f"/api/v1/doorstep/{visit['id']}/{verb}", json=body)


async def test_a_visit_goes_from_a_citizens_request_to_a_rating(
    anyone: Client, desk: Client, manager: Client, sign_in: SignsIn, db: Connection, team: Team
) -> None:
    visit = await asked(anyone)
    assert visit | {"id": "", "number": "", "asked_at": ""} == {
        "id": "", "number": "", "state": "requested", "reason": "mobility", "because": "mobility", "channel": "web",
        "applicant": "self", "matters": ["CERT"], "minutes": 20, "kits": ["photo"], "area": "east",
        "preferred": WISH["preferred"], "delivery": "collect", "asked_at": "", "day": None, "team": None, "start": None,
        "end": None,
        "told": None, "confirmed": False,
        "departed_at": None, "arrived_at": None, "ended_at": None, "outcome": None, "why": None,
    }  # fmt: skip
    assert (await anyone.get(f"/api/v1/doorstep/{visit['id']}")).json() == visit
    assert (await act(desk, visit, "accept")).json()["state"] == "accepted"
    planned = (await act(manager, visit, "schedule", start=TEN, team="一队")).json()
    assert (planned["state"], planned["team"], planned["day"], planned["end"], planned["told"]["to"]) == (
        "scheduled", team.id, "2027-03-02", "2027-03-02T02:20:00Z", "2027-03-02T11:00:00+08:00"
    )  # fmt: skip
    door = await sign_in("door01")
    assert said(await act(await sign_in("door02"), visit, "depart")) == (403, "not_allowed")
    assert (await act(door, visit, "depart")).json()["detail"] == "出发前请两位组员都签到"  # whichever way they set out
    await all_there(db)
    assert said(await act(door, visit, "arrive")) == (409, "not_in_that_state")
    for verb, state in (("depart", "on_the_way"), ("arrive", "on_site")):
        assert (await act(door, visit, verb)).json()["state"] == state
    assert said(await act(anyone, visit, "cancel")) == (409, "not_in_that_state")
    assert said(await act(anyone, visit, "rating", level=5)) == (409, "not_finished")
    done = (await act(await sign_in("clerk02"), visit, "complete", outcome="done", delivery="mail")).json()
    assert (done["state"], done["outcome"], done["delivery"]) == ("completed", "done", "mail")
    assert said(await act(door, visit, "rating", level=1)) == (403, "not_allowed")
    assert (await act(anyone, visit, "rating", level=5, reasons=["517"])).status_code == 201
    assert said(await act(anyone, visit, "rating", level=4)) == (409, "already_rated")
    listed = (await desk.get(f"{DOORSTEP}?day=2027-03-02&team={team.id}&state=completed")).json()
    assert [each["id"] for each in listed["items"]] == [visit["id"]] and listed["next"] is None
    assert [each["id"] for each in (await desk.get(f"{DOORSTEP}?team=一队&day=2027-03-02")).json()["items"]] == [visit["id"]]
    for none in ("state=requested", "team=九队", "team=99", "day=2027-03-03"):
        assert (await desk.get(f"{DOORSTEP}?{none}")).json()["items"] == []
    crews = (await desk.get(f"{DOORSTEP}/teams?day=2027-03-02")).json()
    assert [(crew["id"], crew["members"], crew["skills"]) for crew in crews] == [(team.id, ["door01", "clerk02"], ["A"])]


async def test_the_citizens_key_is_in_no_list_of_who_may_not_see_them(
    anyone: Client, clerk: Client, desk: Client, sign_in: SignsIn, db: Connection, team: Team
) -> None:
    visit = await asked(anyone)
    found = {}
    for who in ("desk01", "manager", "clerk01", "leader01", "auditor", "door01"):
        client = await sign_in(who)
        (found[who],) = [each["id"] for each in (await client.get(DOORSTEP)).json()["items"]]
        looked = await client.get(f"/api/v1/doorstep/{found[who]}")
        assert (looked.json()["id"], looked.json()["number"]) == (found[who], visit["number"])
        assert found[who] == visit["id"] or visit["id"] not in looked.text
    number = await db.fetchval("SELECT id FROM doorstep_visits")
    assert found == dict.fromkeys(found, f"vi_{number}") | {"desk01": visit["id"], "manager": visit["id"]}
    mine = {"id": f"vi_{number}"}
    for path in (f"/api/v1/doorstep/{mine['id']}", f"/d/{mine['id']}"):  # what staff call it by opens nothing to anybody else
        assert (await anyone.get(path)).status_code == 404
    for staff in (clerk, desk, await sign_in("auditor")):  # a citizen's page would lead them to the key
        assert (await staff.get(f"/d/{mine['id']}")).status_code == (await staff.get(f"/d/{mine['id']}/time")).status_code == 404
    assert said(await act(anyone, mine, "cancel")) == (404, "not_found")
    assert said(await act(clerk, mine, "cancel")) == (403, "not_allowed")
    assert said(await act(await sign_in("auditor"), mine, "rating", level=1)) == (403, "not_allowed")
    assert (await act(desk, mine, "accept")).json()["id"] == mine["id"]
    assert (await act(desk, mine, "schedule", start=TEN.replace("10:", "15:"), team="一队")).status_code == 200
    assert said(await act(anyone, visit, "another-time", preferred=[])) == (422, "bad_input")
    moved = await act(anyone, visit, "another-time", preferred=WISH["preferred"])
    assert (moved.json()["state"], moved.json()["id"]) == ("accepted", visit["id"])


async def test_who_may_do_what(anyone: Client, clerk: Client, desk: Client, sign_in: SignsIn, team: Team) -> None:
    visit = await asked(clerk, channel="hotline")
    assert visit["channel"] == "hotline"
    for verb, body in (("accept", {}), ("decline", {"reason": "no"}), ("schedule", {"start": TEN, "team": team.id})):
        for client, answer in ((anyone, (401, "not_signed_in")), (clerk, (403, "not_allowed"))):
            assert said(await act(client, visit, verb, **body)) == answer
    for verb, body in (("depart", {}), ("arrive", {}), ("complete", {"outcome": "done"})):
        for client, answer in ((anyone, (401, "not_signed_in")), (desk, (403, "not_allowed"))):
            assert said(await act(client, visit, verb, **body)) == answer
    for path in (DOORSTEP, f"{DOORSTEP}/teams"):
        assert said(await anyone.get(path)) == (401, "not_signed_in")
    assert said(await anyone.post(DOORSTEP, json=WISH | {"channel": "hotline"})) == (422, "bad_input")
    assert said(await (await sign_in("engineer")).post(DOORSTEP, json=WISH)) == (403, "not_allowed")
    assert said(await act(await sign_in("auditor"), visit, "cancel")) == (403, "not_allowed")
    assert (await act(anyone, visit, "cancel")).json()["state"] == "cancelled"
    assert said(await anyone.get("/api/v1/doorstep/nothing")) == (404, "not_found")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": None}, "name"), ({"name": "  "}, "name"), ({"phone": "call me"}, "phone"), ({"address": ""}, "address"),
        ({"lat": 91}, "lat"), ({"lon": None}, "lon"), ({"reason": "rain"}, "reason"), ({"because": "occupation"}, "because"),
        ({"preferred": [{"from": TEN, "to": TEN}]}, "preferred"), ({"preferred": [{"from": TEN[:-6], "to": TEN}]}, "preferred"),
        ({"matters": "CERT"}, "matters"), ({"matters": []}, "matters"), ({"area": "north", "lat": None, "lon": None}, "area"),
        ({"consent": False}, "consent"),
        ({"delivery": "pigeon"}, "delivery"), ({"applicant": "cousin"}, "applicant"), ({"asker": "x" * 61}, "asker"),
        ({"materials": ["x" * 61]}, "materials[0]"), ({"channel": "desk"}, "channel"),
    ],
)  # fmt: skip
async def test_what_can_not_be_is_named_by_its_field(anyone: Client, db: Connection, changed: dict[str, Any], field: str) -> None:
    answer = await anyone.post(DOORSTEP, json=WISH | changed)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_input")
    assert [fault["field"] for fault in answer.json()["errors"]] == [field], answer.text
    assert await db.fetchval("SELECT count(*) FROM doorstep_visits") == 0


NONSENSE: list[object] = [None, True, -1, 2**70, 1e308, "", "\0", "x" * 3000, "💥", [], {}, ["A"] * 100, [None], "9999-99-99"]


@pytest.mark.parametrize(
    ("verb", "fields"),
    [
        ("", (*WISH, "applicant", "asker", "relation", "because", "area", "evidence", "note", "delivery", "lang", "consent",
              "channel")),
        ("accept", ("matters", "area", "evidence", "name", "phone", "address", "lat", "lon")), ("decline", ("reason",)),
        ("schedule", ("start", "team")), ("another-time", ("preferred",)), ("complete", ("outcome", "delivery")),
        ("rating", ("level", "reasons", "comment")),
    ],
)  # fmt: skip
async def test_no_value_in_any_field_is_a_fault(
    app: Starlette, manager: Client, desk: Client, verb: str, fields: tuple[str, ...]
) -> None:
    visit = await asked(desk)
    address = f"/api/v1/doorstep/{visit['id']}/{verb}" if verb else DOORSTEP
    async with client_of(app, "10.0.0.250") as citizen:
        for field in fields:
            for value in NONSENSE:
                body = (WISH if not verb else {"start": TEN, "team": 1, "outcome": "done", "level": 3}) | {field: value}
                answer = await (citizen if verb == "rating" else manager).post(address, content=json.dumps(body))
                assert answer.status_code < 500, (field, value, answer.text)


async def test_the_call_back_puts_right_what_was_asked(desk: Client, db: Connection, team: Team) -> None:
    visit = await asked(desk, lat=None, lon=None)
    assert visit["area"] is None
    assert said(await act(desk, visit, "accept", matters=["HALL"])) == (422, "bad_input")
    right = {"matters": ["CERT", "DEED"], "lat": 26.58, "lon": 104.71, "evidence": "残疾证", "phone": "13900009999"}
    answer = await act(desk, visit, "accept", **right)
    assert (answer.json()["area"], answer.json()["minutes"]) == ("west", 60)
    assert said(await act(desk, visit, "schedule", start=TEN, team=team.id)) == (409, "not_skilled")
    assert said(await act(desk, visit, "schedule", start=TEN, team="九队")) == (404, "not_found")
    assert (await act(desk, visit, "decline", reason="家属说不用来了")).json()["why"] == "家属说不用来了"
    looks = [each.kind for each in await journal.read(db, 1, 0) if each.kind.startswith("doorstep.")]
    assert looks == [f"doorstep.{verb}" for verb in ("team", "requested", "accepted", "declined")]


async def test_a_ticket_at_a_window_becomes_a_visit(desk: Client, clerk: Client, anyone: Client) -> None:
    ticket = await take(desk, "A")
    await opened(clerk)
    await clerk.post(f"{HALL}/windows/1/next")
    address = f"/api/v1/tickets/{ticket['key']}/doorstep"
    assert said(await anyone.post(address, json={"reason": "mobility"})) == (401, "not_signed_in")
    first = await clerk.post(address, json={"reason": "mobility"}, headers={"idempotency-key": "a"})
    again = await clerk.post(address, json={"reason": "mobility"}, headers={"idempotency-key": "a"})
    assert (first.status_code, again.status_code, again.headers["idempotent-replay"]) == (201, 201, "true")
    assert first.json() == again.json() and first.json()["channel"] == "ticket"
    assert (await anyone.get(f"/api/v1/tickets/{ticket['key']}")).json()["state"] == "doorstep"
    assert said(await clerk.post(address, json=WISH)) == (409, "not_in_that_state")
    assert said(await act(desk, first.json(), "accept")) == (409, "not_in_that_state")  # nobody asked for the address yet
    answer = await act(desk, first.json(), "accept", matters=["CERT"], name=NAME, phone=PHONE, address=ADDRESS)
    assert answer.json()["state"] == "accepted"
    assert (await clerk.post(f"{HALL}/windows/1/next")).status_code == 204


SOON = """
INSERT INTO slots (hall, service, start, ends, day, capacity)
SELECT id, 'A', '2027-03-02 15:00+08', '2027-03-02 15:30+08', '2027-03-02', 1 FROM halls
"""


async def test_a_booking_becomes_a_visit_and_gives_its_place_back(anyone: Client, db: Connection) -> None:
    await db.execute(SOON)
    booking = {"service": "A", "start": "2027-03-02T15:00:00+08:00", "name": NAME, "id_number": "E12345678"}
    code = (await anyone.post(f"{HALL}/appointments", json=booking)).json()["code"]
    visit = (await anyone.post(f"/api/v1/appointments/{code}/doorstep", json=WISH)).json()
    assert (visit["channel"], visit["state"]) == ("appointment", "requested")
    assert (await anyone.get(f"/api/v1/appointments/{code}")).json()["state"] == "cancelled"
    assert await db.fetchval("SELECT taken FROM slots") == 0 and await db.fetchval("SELECT count(*) FROM booking_strikes") == 0
    assert said(await anyone.post(f"/api/v1/appointments/{code}/doorstep", json=WISH)) == (409, "not_in_that_state")


async def test_a_repeated_request_asks_once_and_one_telephone_not_without_end(anyone: Client, desk: Client) -> None:
    key = {"idempotency-key": "once"}
    first, again = [(await anyone.post(DOORSTEP, json=WISH, headers=key)) for _ in range(2)]
    assert first.json() == again.json() and again.headers["idempotent-replay"] == "true"
    assert said(await anyone.post(DOORSTEP, json=WISH | {"address": "别处"}, headers=key)) == (422, "key_reused")
    for _ in range(2):
        await asked(anyone)
    assert said(await anyone.post(DOORSTEP, json=WISH)) == (409, "too_many")
    await asked(desk)


async def test_each_step_is_told_once_and_nothing_personal_lies_open(
    anyone: Client, desk: Client, manager: Client, sign_in: SignsIn, db: Connection, hall: Hall, team: Team,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """Proof 29: planted name, telephone, address, place and papers, from intake to the end, are in no table, log or figure."""
    seal = Seal(b"a secret of thirty-two characters")
    await set_way(db, hall.id, "phone", "http", {"url": "https://sms.example.cn/send", "body": "{}"}, seal=seal)
    other = {"applicant": "family", "asker": "司马光年", "relation": "外甥女"}
    visit, refused = await asked(anyone, note="三楼没有电梯", evidence="残疾证", **other), await asked(anyone)
    contact = await find_contact(db, f"visit:{visit['id']}", seal)
    assert contact is not None and contact.address == PHONE
    await act(desk, refused, "decline", reason="out_of_area")
    await act(desk, visit, "accept", evidence="残疾证")
    await act(manager, visit, "schedule", start=TEN, team=team.id)
    door = await sign_in("door01")
    await all_there(db)
    for verb, body in (("depart", {}), ("arrive", {}), ("complete", {"outcome": "accepted"})):
        assert (await act(door, visit, verb, **body)).status_code == 200
    told = await db.fetch("SELECT template, data FROM notices WHERE subject = $1 ORDER BY id", f"visit:{visit['id']}")
    assert [row["template"] for row in told] == ["visit_asked", "visit_accepted", "visit_planned", "visit_coming", "visit_done"]
    assert told[2]["data"] == {"code": visit["number"], "day": "03-02", "time": "10:00–11:00"}
    why = await db.fetchval("SELECT data ->> 'reason' FROM notices WHERE template = 'visit_declined'")
    assert why == "地址不在上门服务的范围内。"
    places = {row["name"]: "".join(line[0] for line in await db.fetch(f"SELECT t::text FROM {row['name']} t")) for row in
              await db.fetch("SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'")}  # fmt: skip
    places |= {"metrics": (await manager.get("/metrics")).text, "log": "".join(capfd.readouterr())}
    places["answers"] = (await desk.get(DOORSTEP)).text + (await manager.get(f"{HALL}/journal?limit=500")).text
    feeds = await open_feeds(db, hall.id)
    places["frames"] = repr([(view, feed.tail, feeds.board(view)) for view, feed in feeds.feeds.items()])
    assert len(places["doorstep_visits"]) > 500 and "doorstep.completed" in places["journal"]
    for planted in (NAME, PHONE, "司马光年", "外甥女", "柳荫路", "26.6012", "104.8493", "残疾证", "户口簿", "没有电梯"):
        open_in = [place for place, text in places.items() if planted in text or planted.encode().hex() in text]
        assert open_in == [], f"{planted} lies open"
