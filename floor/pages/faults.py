"""Faults on demand in the demo hall: take the paper out, pull a cable, slow a board, and see what everybody then sees."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices import health, registry
from floor import acts
from floor.boot.agents import CARD_WINDOWS, KEYPAD_WINDOW, READER_KIOSK, control
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.machines import place_of, standing_of
from floor.pages.staffed import now_of
from floor.pages.wall import demo_hall
from floor.words import Words, language, words
from queueing.errors import NotFound
from queueing.halls import Hall

log = structlog.get_logger("web")

ANSWER_S = 2.0
READER_PART = "cards"  # as a kiosk calls its card reader
READER = READER_KIOSK.replace("dispenser", "reader")
PRINTER = (("paper-out", "paper"), ("near-end", "paper"), ("cover-open", "paper"), ("unplug", "paper"))
KEYS = (("next", "hands"), ("recall", "hands"), ("arrive", "hands"), ("finish", "hands"), ("unplug", "hands"))
CARD = (("lay", "hands"), ("lift", "hands"), ("unplug", "hands"))
STRIP = (("unplug", "cards"), ("silent", "cards"), ("slow 6", "network"), ("cut", "network"))


@dataclass(frozen=True, slots=True)
class Stand:
    """A simulated machine: its name on the control lines, and the device of the hall it is the other end of."""

    name: str
    kind: str
    device: registry.Device

    @property
    def faults(self) -> tuple[tuple[str, str], ...]:
        return {"dispenser": PRINTER, "led": STRIP, "keypad": KEYS, "reader": CARD}[self.kind]

    def own(self, alarms: Sequence[health.Alarm]) -> list[health.Alarm]:
        """What is wrong with this machine: a kiosk's reader stands in a row of its own, and lost with its kiosk."""
        here = [alarm for alarm in alarms if alarm.device == self.device.id]
        reader = self.kind == "reader"
        return [alarm for alarm in here if alarm.part == "link" or (alarm.part == READER_PART) == reader]


async def stands(db: Db, hall: Hall) -> list[Stand]:
    """The machines of the demo that can be broken or used from here: the two printers, the strips with a card and a cable of
    their own, the keys of a window and the card reader of a kiosk."""
    here = [device for device in await registry.list_devices(db, hall.id) if device.paired_at and not device.revoked_at]
    printers = [device for device in here if device.kind == "dispenser" and device.name.startswith("取号机")]
    strips = [device for device in here if device.kind == "led" and device.window in CARD_WINDOWS]
    keys = [device for device in here if device.kind == "keypad" and device.window == KEYPAD_WINDOW]
    return [
        *(Stand(f"dispenser-{device.name.rpartition(' ')[2]}", "dispenser", device) for device in printers),
        *(Stand(f"led-{device.window}", "led", device) for device in strips),
        *(Stand(f"keypad-{device.window}", "keypad", device) for device in keys),
        *(Stand(READER, "reader", device) for device in printers if device.name.endswith(f" {READER[-1]}")),
    ]


async def show(request: Request) -> Response:
    return await draw(request, "faults.html")


async def part(request: Request) -> Response:
    return await draw(request, "_faults.html")


async def draw(request: Request, template: str) -> Response:
    hall = await demo_hall(request)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        seen = await look(db, hall, say)
    return render(request, template, hall=hall, **seen)


async def look(db: Db, hall: Hall, say: Words) -> dict[str, Any]:
    """Every machine as the hall sees it now, and what may be done to it."""
    now, alarms = await now_of(db), await health.alarms(db, hall.id)
    rows = [
        {"name": stand.name, "place": where(stand, say), "device": stand.device.id, "faults": stand.faults,
         "standing": standing_of(stand.device, stand.own(alarms), now, say)}
        for stand in await stands(db, hall)
    ]  # fmt: skip
    return {"now": now, "rows": rows}


def where(stand: Stand, say: Words) -> str:
    place = place_of(stand.device, say)
    return f"{place} · {say['faults.reader']}" if stand.kind == "reader" else place


async def act(request: Request) -> Response:
    """Say a fault on the machine's control line."""
    hall = await demo_hall(request)
    name, fault = request.path_params["name"], str((await request.form()).get("fault", ""))
    async with acquire(request.app.state.pool) as db:
        known = {stand.name: stand for stand in await stands(db, hall)}
    for peer in peers(known.get(name), fault):
        try:
            await tell(*control(request.app.state.settings, peer), f"{name} {fault}")
        except (OSError, TimeoutError) as away:  # that program is being started anew; the page shows how the machine is
            log.warning("fault not told", machine=name, fault=fault, reason=repr(away))
    acts.ring(request, hall.id)
    return RedirectResponse(f"/{hall.code}/faults", 303)


def peers(stand: Stand | None, fault: str) -> list[str]:
    """The programs that have to be told of a fault. NotFound for what this machine cannot have."""
    told = [] if stand is None else [peer for what, peer in stand.faults if fault in (what, "ok")]
    if not told:
        raise NotFound(what="fault")
    return list(dict.fromkeys(told))


async def tell(host: str, port: int, line: str) -> str:
    """One line to a control port, and its answer. OSError, TimeoutError."""
    async with asyncio.timeout(ANSWER_S):
        reader, writer = await asyncio.open_connection(host, port)
        try:
            writer.write(f"{line}\n".encode())
            return (await reader.readline()).decode().strip()
        finally:
            writer.close()


ROUTES = [
    Route("/{hall}/faults", show, methods=["GET"]),
    Route("/{hall}/faults/part", part, methods=["GET"]),
    Route("/{hall}/faults/{name}", act, methods=["POST"]),
]
