"""The promise is whole, valid, readable, and what is served."""

import re
from datetime import UTC, date, datetime, timedelta

import msgspec
from jsonschema import Draft202012Validator
from starlette.applications import Starlette
from starlette.routing import Route

from displays.sealed import Seal
from floor.api.routes import Promised
from floor.database import Connection
from floor.people import add_user
from floor.quality.rollup import new_key
from floor.quality.sheets import Sheet, sign
from queueing.halls import get_hall
from queueing.sites import Site, keep
from scheduling.hours import open_doors
from tests.floor.catalogues import offer
from tests.floor.conftest import HASHED, PASSWORD, Client, SignsIn, client_of
from tests.floor.promise import DOCUMENT, seen
from tests.floor.test_api_ratings import paired
from tests.floor.visits import HALL, at, opened, take


def addresses(app: Starlette) -> set[tuple[str, str]]:
    """Methods and paths of the interface that the application answers to."""
    return {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route) and route.path.startswith(("/api/", "/devices/", "/healthz", "/readyz", "/metrics"))
        for method in (route.methods or set()) - {"HEAD"}
    }


async def test_every_address_is_promised_and_every_promise_is_served(app: Starlette) -> None:
    told = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    assert told == addresses(app)
    assert {route.path for route in app.routes if isinstance(route, Promised)} == {path for _, path in told}


async def test_what_is_served_is_the_document(anyone: Client) -> None:
    answer = await anyone.get("/api/v1/openapi.json")
    assert (answer.json()["openapi"], answer.json()) == ("3.1.0", DOCUMENT)


def test_every_shape_is_a_json_schema_and_every_reference_leads_somewhere() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    references = set(re.findall(r"#/components/schemas/(\w+)", str(DOCUMENT)))
    assert references - set(DOCUMENT["components"]["schemas"]) == set()


def test_each_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for methods in DOCUMENT["paths"].values() for operation in methods.values()]
    assert sorted(names) == sorted(set(names))


async def test_the_page_reads_without_any_other_address(anyone: Client) -> None:
    answer = await anyone.get("/api/v1/docs")
    assert re.findall(r'(?:src|href)="(?![#/])', answer.text) == []
    assert "<script" not in answer.text
    assert [path for path in DOCUMENT["paths"] if path not in answer.text] == []
    assert "default-src 'self'" in answer.headers["content-security-policy"]


async def test_what_is_not_built_yet_is_absent() -> None:
    assert [path for path in DOCUMENT["paths"] if re.search("webhook", path)] == []


SOON = """
INSERT INTO slots (hall, service, start, ends, day, capacity)
SELECT id, 'B', start, start + interval '30 min', business_day(start, time_zone, day_starts), 5
FROM halls, generate_series(
    date_trunc('hour', now()) + interval '2 h', date_trunc('hour', now()) + interval '3 h', interval '1 h') AS start
RETURNING start
"""


async def bookings(app: Starlette, anyone: Client, db: Connection) -> None:
    """Two bookings: one moved and checked in, one given back."""
    start, later = [row["start"].isoformat() for row in await db.fetch(SOON)]
    await db.execute("INSERT INTO settings (hall, name, value) SELECT id, 'booked_early_min', '240' FROM halls")
    app.state.halls.forget(await db.fetchval("SELECT id FROM halls"))
    await anyone.get(f"{HALL}/slots?service=B")
    asked = {"service": "B", "start": start, "name": "李"}
    codes = [
        (await anyone.post(f"{HALL}/appointments", json=asked | {"id_number": number})).json()["code"]
        for number in ("E12345678", "E87654321")
    ]
    await anyone.get(f"/api/v1/appointments/{codes[0]}")
    await anyone.post(f"/api/v1/appointments/{codes[0]}/move", json={"start": later})
    await anyone.post(f"/api/v1/appointments/{codes[0]}/check-in")
    await anyone.delete(f"/api/v1/appointments/{codes[1]}")


OFF_SITE = """
WITH matter AS (INSERT INTO matters (hall, code, name, service) SELECT id, 'CERT', '养老资格认证', 'A' FROM halls)
INSERT INTO doorstep_teams (hall, day, name, lead, second, skills, starts, ends, start_lat, start_lon)
SELECT id, business_day(now(), time_zone, day_starts), '一队', 'clerk01', 'clerk02', '{A}', now() - interval '1 h',
       now() + interval '6 h', 26.6, 104.8 FROM halls RETURNING id
"""


async def visits(manager: Client, desk: Client, anyone: Client, db: Connection) -> None:
    """Four visits: one made and rated, one declined, one of a ticket called off, one of a booking."""
    team = await db.fetchval(OFF_SITE)
    await db.execute("INSERT INTO doorstep_matters (hall, matter, minutes) SELECT id, 'CERT', 20 FROM halls")
    wish = {"reason": "mobility", "matters": ["CERT"], "name": "王", "phone": "13900001234", "address": "柳荫路17号"}
    made, refused = [(await anyone.post(f"{HALL}/doorstep", json=wish)).json()["id"] for _ in range(2)]
    of_ticket = (await desk.post(f"/api/v1/tickets/{(await take(desk))['key']}/doorstep", json={"reason": "other"})).json()["id"]
    start = await db.fetchval("SELECT now() + interval '3 h'")
    booking = {"service": "B", "start": (await db.fetchval("SELECT min(start) FROM slots")).isoformat(), "name": "赵"}
    code = (await anyone.post(f"{HALL}/appointments", json=booking | {"id_number": "E55555555"})).json()["code"]
    await anyone.post(f"/api/v1/appointments/{code}/doorstep", json=wish)
    await desk.post(f"/api/v1/doorstep/{refused}/decline", json={"reason": "out_of_area"})
    await anyone.post(f"/api/v1/doorstep/{of_ticket}/cancel")
    span = {"from": start.isoformat(), "to": (start + timedelta(hours=1)).isoformat()}
    await anyone.post(f"/api/v1/doorstep/{made}/another-time", json={"preferred": [span]})
    acts = {"accept": {}, "schedule": {"start": start.isoformat(), "team": team}, "depart": {}, "arrive": {}}
    for act, body in (*acts.items(), ("complete", {"outcome": "done"})):
        answer = await manager.post(f"/api/v1/doorstep/{made}/{act}", json=body)
        assert answer.status_code == 200, (act, answer.text)
    await anyone.get(f"/api/v1/doorstep/{made}")
    await anyone.post(f"/api/v1/doorstep/{made}/rating", json={"level": 5})
    for path in ("doorstep", "doorstep/teams"):
        await manager.get(f"{HALL}/{path}")


async def offers(desk: Client, anyone: Client) -> None:
    """Two who are offered another time: one takes it, one does not."""
    for act in ("slot/accept", "slot/refuse"):
        ticket = (await desk.post(f"{HALL}/tickets", json={"services": ["B"]})).json()["key"]
        await desk.post(f"/api/v1/tickets/{ticket}/offers", json={"step": "slot"})
        await anyone.get(f"/api/v1/tickets/{ticket}/offers")
        await anyone.post(f"/api/v1/tickets/{ticket}/offers/{act}", json={})
    await desk.get(f"{HALL}/alarms")


async def sheet(anyone: Client, db: Connection) -> None:
    """A day's figures of a small hall."""
    hall, seal = await get_hall(db, "demo"), Seal(b"a secret of thirty-two characters")
    await keep(db, hall, Site("dahe", "大河镇", None, None, "township", None, None, None, False, True, False))
    made = Sheet("dahe", date(2026, 1, 2), 1, datetime(2026, 1, 3, tzinfo=UTC), [], [])
    signed = sign(made, await new_key(db, hall, "dahe", seal))
    await anyone.post(f"{HALL}/sites/dahe/figures", content=msgspec.json.encode(signed))


async def agents(sign_in: SignsIn, desk: Client, manager: Client, anyone: Client, db: Connection) -> None:
    """Orders with every stage and ending, one handed in; a help number ticked; a station's number; somebody walking along."""
    hall = await get_hall(db, "demo")
    await offer(db, hall)
    await add_user(db, hall.id, "agent01", HASHED, name="周远", roles=["agent"])
    await manager.post(
        f"{HALL}/sites", json={"code": "yi", "name": "一组", "level": "village", "phone": "0858-1", "prints": True}
    )
    agent, who = await sign_in("agent01"), {"name": "王", "phone": "13900001234", "address": "一组3号"}
    asked = [await desk.post(f"{HALL}/orders", json=who | {"matters": ["A01"]}) for _ in range(2)]
    done, off = [answer.json()["code"] for answer in asked]
    held = (await desk.post(f"{HALL}/tickets", json={"matters": ["A01"]})).json()["key"]
    declined = (await desk.post(f"/api/v1/tickets/{held}/order", json=who)).json()["code"]
    for code, act, body in ((done, "assign", {"agent": "agent01"}), (off, "cancel", {"why": "本人来办"}),
                            (declined, "decline", {"why": "不在范围"})):  # fmt: skip
        assert (await desk.post(f"{HALL}/orders/{code}/{act}", json=body)).status_code == 200
    await agent.post(f"{HALL}/orders/{done}/collect", json={})
    await agent.post(f"{HALL}/hand-ins", json={"orders": [done]})
    for act in ("holder", "file", "return"):
        assert (await agent.post(f"{HALL}/orders/{done}/{act}")).status_code == 200
    await anyone.post(f"{HALL}/orders/{done}/rating", json={"level": 4})
    for path in ("orders", f"orders/{done}", "sites", "sites/yi/tickets", "helps", "self-service", "escorts", "escort-roster"):
        await desk.get(f"{HALL}/{path}")
    await desk.post(f"{HALL}/sites/yi/tickets", json={"services": ["B"], "print_point": "yi"})
    await helpers(desk, manager, db)


LINE_OF_HELPERS = """
INSERT INTO services (hall, code, name, zone, prefix, help) SELECT id, 'HA', '帮办', 'A', 'HA', true FROM halls
"""


async def helpers(desk: Client, manager: Client, db: Connection) -> None:
    """A help number ticked, and somebody walking along with it."""
    await db.execute(
        "INSERT INTO services (hall, code, name, zone, prefix, help) SELECT id, 'HA', '帮办', 'A', 'HA', true FROM halls"
    )
    await open_doors(db, await get_hall(db, "demo"))
    helped = (await desk.post(f"{HALL}/helps", json={"zone": "A"})).json()
    await desk.post(f"/api/v1/tickets/{helped['key']}/help", json={"kinds": ["form"]})
    await manager.post(f"{HALL}/escort-roster", json={"day": "2026-11-23", "half": "am", "escort": "clerk02", "zone": "A"})
    bound = (await desk.post(f"{HALL}/escorts", json={"number": helped["number"], "escort": "clerk02"})).json()["id"]
    for act in ("start", "end"):
        assert (await desk.post(f"{HALL}/escorts/{bound}/{act}")).status_code == 204


async def test_every_operation_answers_as_promised_when_all_goes_well(
    app: Starlette, sign_in: SignsIn, desk: Client, clerk: Client, manager: Client, anyone: Client, db: Connection
) -> None:
    """Every answer of every client here is held against the document; this one visit meets all of them but the stream."""
    seen.clear()
    for path in ("/healthz", "/readyz", "/api/v1/openapi.json", "/api/v1/docs", HALL):
        await anyone.get(path)
    dispenser = await paired(app, manager, "dispenser")
    other = (await manager.post(f"{HALL}/devices", json={"kind": "tv", "name": "电视"})).json()
    await manager.post("/api/v1/devices/pair", json={"code": other["code"]})
    await manager.post("/api/v1/devices/dv_dispenser_1/test")
    await dispenser.get(HALL)
    await db.execute("UPDATE halls SET calls_before_missed = 1")
    app.state.halls.forget("demo")
    keys = [(await take(desk))["key"] for _ in range(6)]
    await opened(clerk)
    for act, body in VISIT:
        answer = await at(clerk, "1", act, body)
        assert answer.status_code == 200, (act, answer.text)
    await opened(clerk)
    for act, body in (("call", {"number": "A005"}), ("hold", {"kind": "without_papers"})):
        assert (await at(clerk, "1", act, body)).status_code == 200
    await desk.post(f"/api/v1/tickets/{keys[4]}/release")
    await anyone.get(f"/api/v1/tickets/{keys[0]}")
    await anyone.get(f"/api/v1/tickets/{keys[0]}/story")
    await anyone.post(f"/api/v1/tickets/{keys[0]}/rating", json={"level": 5})
    await desk.post(f"/api/v1/tickets/{keys[2]}/restore")
    await desk.post(f"/api/v1/tickets/{keys[3]}/reprint", json={"print_at": "dv_dispenser_1"})
    await anyone.post(f"/api/v1/tickets/{keys[5]}/cancel")
    await bookings(app, anyone, db)
    await offers(desk, anyone)
    await visits(manager, desk, anyone, db)
    await sheet(anyone, db)
    await agents(sign_in, desk, manager, anyone, db)
    for path in ("tickets", "ratings/summary", "devices", "journal"):
        await manager.get(f"{HALL}/{path}")
    await manager.get("/metrics")
    for act, body in (("dv_tv_2/settings", {"settings": {"rows": 6}}), ("dv_dispenser_1/secret", {}), ("dv_tv_2/code", {})):
        await manager.post(f"/api/v1/devices/{act}", json=body)
    token = (await manager.post(f"{HALL}/foreign", json={"system": "tax", "name": "税务"})).json()["token"]
    queues = {"as_of": "2026-01-01T00:00:00Z", "queues": [{"code": "T", "name": "办税"}]}
    await client_of(app, authorization=f"Bearer {token}").post(f"{HALL}/foreign/tax", json=queues)
    await anyone.get(f"{HALL}/foreign")
    await manager.delete(f"{HALL}/foreign/tax")
    await manager.delete("/api/v1/devices/dv_tv_2")
    await anyone.post("/api/v1/sessions", json={"username": "desk01", "password": PASSWORD})
    await desk.delete("/api/v1/sessions/current")
    told = {(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods}
    met = {(method, path) for method, path, status in seen if status < "300"}
    assert told - met == {("GET", "/api/v1/halls/{hall}/journal/stream")}


VISIT: list[tuple[str, object]] = [
    ("next", {}), ("recall", None), ("arrive", None), ("finish", {"outcome": "done"}), ("open-rating", None),
    ("next", {}), ("hold", {"kind": "waiting"}), ("resume-held", {"number": "A002"}), ("transfer", {"to_service": "B"}),
    ("call", {"number": "A003"}), ("no-show", None), ("pause", {"reason": "交接"}), ("resume", None), ("close", None),
]  # fmt: skip
