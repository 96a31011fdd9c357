"""Machines: given a place and a code, paired, tested and taken out."""

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, cast

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from devices import clock, health, jobs, pairing, registry, settings
from floor import acts
from floor.api.idempotency import Untold, remembered
from floor.api.limits import address
from floor.api.routes import answer, asked, delete, get, post, queried
from floor.database import Db, acquire
from floor.refusals import CannotTest, Revoked
from floor.signin import Person, require
from queueing.errors import BadInput

KEEPERS = ("engineer", "manager")
READERS = ("engineer", "manager", "leader", "auditor")
TESTS = {"dispenser": "print_test", "speaker": "sound_test"}
AT_A_WINDOW = (*registry.NEED_A_WINDOW, "led")  # what they do is for one window; the others may stand anywhere
TEST_LASTS = timedelta(minutes=1)
PAIRING = asyncio.Lock()  # tries of one box that pairs all its machines at once would look like guessing

Kind = Literal["dispenser", "led", "tv", "speaker", "evaluator", "keypad"]


class DeviceAsked(Struct):
    """A machine stands in a zone, at a window, or in the hall at large (neither); strips, evaluators and keypads at a window."""

    kind: Kind
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    zone: Annotated[str, Meta(max_length=8)] | None = None
    window: Annotated[str, Meta(max_length=6)] | None = None


class Created(Struct):
    """The code is told this once; it pairs one machine within ten minutes."""

    id: str
    code: str
    expires: datetime


class PairAsked(Struct):
    code: Annotated[str, Meta(max_length=40)]
    model: Annotated[str, Meta(max_length=80)] = ""
    agent: Annotated[str, Meta(max_length=80)] = ""


class Paired(Struct):
    """The secret is told this once; `link` is where the machine dials with it."""

    device_id: str
    secret: str
    link: str


class Alarm(Struct):
    part: str
    state: str
    since: datetime


class Device(Struct):
    """A machine, as placed by the hall and as it reported itself last."""

    id: str
    kind: Kind
    name: str
    zone: str | None
    window: str | None
    model: str | None
    agent: str | None
    fw: str | None  # what the machine says it is, or its driver and version
    paired_at: datetime | None
    revoked_at: datetime | None
    last_seen: datetime | None
    present: bool
    asleep: bool
    behind: int  # events told and not confirmed for seconds
    settings: dict[str, Any]
    settings_rev: int
    settings_taken: int  # the newest it has answered
    parts: dict[str, dict[str, Any]]
    alarms: list[Alarm]


class ListAsked(Struct):
    limit: Annotated[int, Meta(ge=1, le=500)] = 100
    after: Annotated[str, Meta(max_length=60)] | None = None


class DeviceList(Struct):
    items: list[Device]
    next: str | None


class SettingsAsked(Struct):
    """All that is to differ from the usual settings of its kind; what is left out is usual again."""

    settings: dict[str, Any]


class Set(Struct):
    """The settings as the machine is told them, and their number; it answers within seconds where it is connected."""

    rev: int
    settings: dict[str, Any]


class NewCode(Struct):
    """For another box in the same place; the present one works until this is used."""

    code: str
    expires: datetime


class Test(Struct):
    """The job that was given to the machine."""

    job: str
    expires: datetime


def refuse_without_window(kind: str, window: str | None) -> None:
    """BadInput for a machine that serves one window and was given none."""
    if kind in AT_A_WINDOW and window is None:
        raise BadInput(field="window", message="a device of this kind stands at a window")


async def create(request: Request) -> Response:
    body = await asked(request, DeviceAsked)
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *KEEPERS, hall=hall.id)
    refuse_without_window(body.kind, body.window)

    async def act(db: Db) -> Untold:
        device, code, expires = await pairing.create_device(
            db, hall.id, body.kind, zone=body.zone, window=body.window, name=body.name, actor=person.actor
        )
        return Untold(Created(device.id, code, expires), {"id": device.id})

    async def again(db: Db, kept: dict[str, str]) -> Created:
        """The same machine with a new code: the first one was told once and is kept nowhere."""
        code, expires = await pairing.new_code(db, kept["id"])
        return Created(kept["id"], code, expires)

    return await remembered(request, person.actor, body, 201, act, again)


async def pair(request: Request) -> Response:
    body = await asked(request, PairAsked)
    async with PAIRING, acquire(request.app.state.pool) as db:
        paired = await pairing.pair(db, body.code, body.model, body.agent, address=address(request))
        device = await registry.get_device(db, paired.device_id)
    acts.ring(request, device.hall)
    link = request.app.state.settings.link_address(request.headers.get("host", ""))
    return answer(Paired(paired.device_id, paired.secret, f"{link}/devices/link"), 201)


async def list_all(request: Request) -> Response:
    query = queried(request, ListAsked)
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *READERS, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        devices = await registry.list_devices(db, hall.id)
        alarms = await health.alarms(db, hall.id)
    ids = [device.id for device in devices]
    if query.after is not None and query.after not in ids:
        raise BadInput(field="after", message="there is no such device")
    start = ids.index(query.after) + 1 if query.after is not None else 0
    page = devices[start : start + query.limit]
    more = page[-1].id if start + query.limit < len(devices) else None
    return answer(DeviceList([show(device, alarms) for device in page], more))


def show(device: registry.Device, alarms: list[health.Alarm]) -> Device:
    return Device(
        device.id,
        cast(Kind, device.kind),
        device.name,
        device.zone,
        device.window,
        device.model,
        device.agent,
        device.fw,
        device.paired_at,
        device.revoked_at,
        device.last_seen,
        device.present,
        device.asleep,
        device.behind,
        settings.complete(device.kind, device.config),
        device.config_rev,
        device.config_taken,
        {name: dict(part) for name, part in device.parts.items()},
        [Alarm(alarm.part, alarm.state, alarm.since) for alarm in alarms if alarm.device == device.id],
    )


async def kept_device(request: Request) -> tuple[Person, registry.Device]:
    """The machine of the address, if who asks keeps the machines of its hall."""
    await require(request, *KEEPERS)
    async with acquire(request.app.state.pool) as db:
        device = await registry.get_device(db, request.path_params["id"])
    return await require(request, *KEEPERS, hall=device.hall), device


async def test(request: Request) -> Response:
    """Let a dispenser print and a speaker speak one line."""
    await asked(request, Struct)
    person, device = await standing_device(request)
    kind = TESTS.get(device.kind)
    if kind is None:
        raise CannotTest()

    async def act(db: Db) -> Test:
        now = clock.now().wall
        job = jobs.NewJob(device.hall, device.id, kind, f"test:{now.timestamp():.6f}", now + TEST_LASTS, {"by": person.name})
        (owed,) = await jobs.owe(db, [job])
        return Test(owed.id, owed.expires)

    response = await remembered(request, person.actor, device.id, 202, act)
    acts.ring(request, device.hall)
    return response


async def configure(request: Request) -> Response:
    """Set a machine as it shall be."""
    body = await asked(request, SettingsAsked)
    person, device = await standing_device(request)

    async def act(db: Db) -> Set:
        changed = await registry.configure(db, device.id, body.settings)
        return Set(changed.config_rev, settings.complete(changed.kind, changed.config))

    return await remembered(request, person.actor, body, 200, act)


async def rotate(request: Request) -> Response:
    """Have a machine given another secret when it is next connected."""
    await asked(request, Struct)
    person, device = await standing_device(request)

    async def act(db: Db) -> None:
        await registry.ask_rotation(db, device.id)

    return await remembered(request, person.actor, device.id, 204, act)


async def replace(request: Request) -> Response:
    """A code by which another box takes this machine's place."""
    await asked(request, Struct)
    _, device = await standing_device(request)
    async with acquire(request.app.state.pool) as db:
        return answer(NewCode(*await pairing.new_code(db, device.id)), 201)


async def standing_device(request: Request) -> tuple[Person, registry.Device]:
    """The machine of the address, if it has not been revoked."""
    person, device = await kept_device(request)
    if device.revoked_at is not None:
        raise Revoked()
    return person, device


async def revoke(request: Request) -> Response:
    person, device = await kept_device(request)

    async def act(db: Db) -> None:
        await registry.revoke(db, device.id, actor=person.actor)

    response = await remembered(request, person.actor, device.id, 204, act)
    acts.ring(request, device.hall)
    return response


def pairing_at(path: str) -> Any:
    return post(
        path,
        pair,
        "Trade a pairing code for a secret",
        "A machine with a fresh code",
        {201: Paired},
        body=PairAsked,
        once=False,
        refusals=("bad_code", "too_fast"),
    )


ROUTES = [
    post(
        "/api/v1/halls/{hall}/devices",
        create,
        "Give a machine a place and a code",
        "Engineer, manager",
        {201: Created},
        body=DeviceAsked,
        notes="A repeat with the same key gives the same machine and a fresh code, which replaces the first.",
    ),
    get(
        "/api/v1/halls/{hall}/devices",
        list_all,
        "The machines of a hall",
        "Staff who keep or answer for them",
        DeviceList,
        query=ListAsked,
    ),
    pairing_at("/api/v1/devices/pair"),
    pairing_at("/devices/pair"),
    post(
        "/api/v1/devices/{id}/test",
        test,
        "Let a machine print or say a test",
        "Engineer, manager",
        {202: Test},
        refusals=("not_in_that_state",),
    ),
    post(
        "/api/v1/devices/{id}/settings",
        configure,
        "Set a machine: sleep, volume, languages, layout",
        "Engineer, manager",
        {200: Set},
        body=SettingsAsked,
        refusals=("not_in_that_state",),
    ),
    post(
        "/api/v1/devices/{id}/secret",
        rotate,
        "Give a machine another secret",
        "Engineer, manager",
        {204: None},
        refusals=("not_in_that_state",),
        notes="Both secrets work until the new one has connected.",
    ),
    post(
        "/api/v1/devices/{id}/code",
        replace,
        "Get a code for another box in the same place",
        "Engineer, manager",
        {201: NewCode},
        once=False,
        refusals=("not_in_that_state",),
    ),
    delete("/api/v1/devices/{id}", revoke, "Revoke a machine and close its link", "Engineer, manager", once=True),
]
