"""Whatever a client sends, it gets an answer of the contract and never a fault of ours."""

import json
from urllib.parse import quote

import msgspec
import pytest

from floor.api.v1 import ROUTES
from tests.floor.conftest import Client
from tests.floor.visits import HALL, opened, take

VALUES: list[object] = [
    None, True, -1, 0, 2**63, 2**70, 1.5, 1e308, "", "\0", "\ud800", "x" * 3000, "💥", "A", "'; DROP TABLE tickets; --", [], [[]],
    {}, ["A"] * 100, [None], {"$": 1}, "1", "9999-99-99",
]  # fmt: skip
FIELDS = (
    "services", "matters", "category", "evidence", "phone", "id_number", "lang", "print_at", "door_code", "position", "level",
    "reasons", "comment", "clerk", "reason", "override", "finish_current", "number", "outcome", "delivery", "kind", "note",
    "to_service", "to_window", "name", "zone", "window", "code", "model", "agent", "username", "password",
)  # fmt: skip
SOUND = {
    "services": ["A"], "level": 3, "position": "keep", "number": "A001", "kind": "waiting", "name": "n", "username": "u",
    "password": "p", "code": "c", "to_service": "B",
}  # fmt: skip
PATHS = sorted({(route.spec.method, route.spec.path) for route in ROUTES if route.spec.method in ("POST", "DELETE")})
SHAPES = {(route.spec.method, route.spec.path): route.spec.body for route in ROUTES}


def filled(path: str, **gaps: str) -> str:
    for name, value in gaps.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    return path


@pytest.mark.parametrize(("method", "path"), [it for it in PATHS if it != ("DELETE", "/api/v1/sessions/current")])
async def test_no_value_in_any_field_is_a_fault(manager: Client, desk: Client, clerk: Client, method: str, path: str) -> None:
    key = (await take(desk))["key"]
    await opened(clerk)
    address = filled(path, hall="demo", no="1", key=key, id="dv_led_1")
    shape = SHAPES[method, path]  # what a shape has not, none of its readers looks at: one such field stands for all
    own = {field.encode_name for field in msgspec.structs.fields(shape)} if shape else set[str]()
    pairs = [(field, value) for field in (*(each for each in FIELDS if each in own), "unknown") for value in VALUES]
    if path.endswith(("/sessions", "/pair")):
        pairs = [(field, value) for field, value in pairs if field not in SOUND and field in ("model", "agent", "username")]
    for field, value in pairs:
        body = json.dumps(SOUND | {field: value})
        answer = await manager.request(method, address, content=body)
        assert answer.status_code < 500, (field, value, answer.text)


GAPS = ["", " ", "..", "%", "\0", "\n", "a/b", "x" * 5000, "💥", "'", "-1", "NaN", "dv_", "tk_1", "\ud7ff"]


async def test_no_address_is_a_fault(manager: Client, desk: Client) -> None:
    await take(desk)
    for route in ROUTES:
        if "{" not in route.spec.path or route.spec.path.endswith("/stream"):
            continue
        inside = [filled(route.spec.path, hall="demo", no=gap, key=gap, id=gap) for gap in GAPS]
        for address in dict.fromkeys([*inside, *(filled(route.spec.path, hall=gap) for gap in GAPS)]):
            answer = await manager.request(route.spec.method, address.replace("{", "%7B").replace("}", "%7D"))
            assert answer.status_code < 500, (address, answer.text)


@pytest.mark.parametrize("query", ["limit", "after", "day", "service", "state", "number", "from", "to", "by", "lang"])
async def test_no_query_is_a_fault(manager: Client, query: str) -> None:
    for path in ("tickets", "devices", "journal", "ratings/summary", ""):
        for value in GAPS:
            answer = await manager.get(f"{HALL}/{path}".rstrip("/"), params={query: value})
            assert answer.status_code < 500, (path, query, value, answer.text)


@pytest.mark.parametrize(
    "name", ["accept", "accept-language", "idempotency-key", "cookie", "content-type", "host", "origin", "content-length"]
)
async def test_no_header_is_a_fault(manager: Client, name: str) -> None:
    for value in (
        b"",
        b"\xff\xfe",
        b"x" * 4000,
        b";;;===",
        b"*/*;q=",
        b"hall_session=\x01",
        b"text/html",
        b"-1",
        b"[::1",
        b"q=0,;q=9",
    ):
        for method, path in (("GET", HALL), ("POST", f"{HALL}/tickets")):
            answer = await manager.request(method, path, headers=[(name.encode(), value)], content=b'{"services": ["A"]}')
            assert answer.status_code < 500, (name, value, answer.text)
