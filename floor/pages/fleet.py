"""The machines, for those who keep them: what there is, how each is, and room for another."""

import base64
import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices import health, pairing, registry
from devices.errors import Refused
from floor import acts
from floor.api.devices import refuse_without_window
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.console import text, typed
from floor.pages.machines import place_of, standing_of
from floor.pages.staffed import clock, now_of, reason_of
from floor.signin import Person, require
from floor.words import Words, language, words
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall, zones
from queueing.windows import list_windows

KEEPERS = ("engineer", "manager")
KINDS = ("dispenser", "led", "tv", "speaker", "evaluator", "keypad")


STATES = {"fault": (0,), "well": (2, 3), "unpaired": (1,)}


@dataclass(frozen=True, slots=True)
class Wish:
    """Which machines somebody wants to see: of an area (its windows too), a kind, a state, with a word in name or place."""

    zone: str = ""
    kind: str = ""
    state: str = ""
    q: str = ""

    def wants(self, row: dict[str, Any], zone_of_window: dict[str, str]) -> bool:
        zone = row["zone"] or zone_of_window.get(row["window"] or "", "")
        named = f"{row['name']} {row['place']} {row['id']}".casefold()
        return (
            self.zone in ("", zone) and self.kind in ("", row["kind"]) and self.is_in(named)
            and (not self.state or row["order"] in STATES.get(self.state, ()))
        )  # fmt: skip

    def is_in(self, named: str) -> bool:
        """Whether the word is in it; one that begins with a digit begins a number: window 3 is not in window 13."""
        return re.search(("(?<![0-9])" if self.q[:1].isdigit() else "") + re.escape(self.q.casefold()), named) is not None

    @property
    def query(self) -> str:
        """The same wish as an address."""
        return urlencode({name: value for name, value in asdict(self).items() if value})


def wish_of(request: Request) -> Wish:
    asked = request.query_params
    return Wish(*(asked.get(name, "").strip()[:80] for name in ("zone", "kind", "state", "q")))


async def show(request: Request) -> Response:
    """The page; what the last act had to tell is told once and not again on reload."""
    answer = await draw(request, "fleet.html", **whispered(request))
    answer.delete_cookie(TOLD, path=f"/{request.path_params['hall']}/fleet")
    return answer


async def part(request: Request) -> Response:
    return await draw(request, "_fleet.html")


async def draw(request: Request, template: str, **told: Any) -> Response:
    """The list of machines; `told` is what the last act had to say: a code, a sentence, an error."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *KEEPERS, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        seen = await look(db, hall, wish_of(request), words(language(request)))
    return render(request, template, hall=hall, **{"code": None, "said": None, "error": None, **told}, **seen)


async def look(db: Db, hall: Hall, wish: Wish, say: Words) -> dict[str, Any]:
    """The machines that are wished for and not revoked, those that need somebody first, and where a new one may stand."""
    now, alarms = await now_of(db), await health.alarms(db, hall.id)
    standing = [device for device in await registry.list_devices(db, hall.id) if device.revoked_at is None]
    every = [machine(device, [alarm for alarm in alarms if alarm.device == device.id], now, hall, say) for device in standing]
    windows = await list_windows(db, hall)
    at = {window.no: window.zone for window in windows}
    return {
        "now": now, "rows": sorted((row for row in every if wish.wants(row, at)), key=lambda row: row["order"]), "kinds": KINDS,
        "well": sum(row["order"] in STATES["well"] for row in every), "all": len(every), "zones": await zones(db, hall),
        "windows": windows, "wish": wish, "states": tuple(STATES),
    }  # fmt: skip


def machine(device: registry.Device, alarms: list[health.Alarm], now: datetime, hall: Hall, say: Words) -> dict[str, Any]:
    """One line of the list: where it stands, whether it is well, since when, and what can be done with it at once."""
    link = device.parts.get("link", {})
    return standing_of(device, alarms, now, say) | {
        "id": device.id, "name": device.name, "kind": device.kind, "place": place_of(device, say), "agent": device.agent or "",
        "seen": clock(device.last_seen, hall, seconds=True), "rtt": link.get("rtt_ms"), "offset": link.get("offset_ms"),
        "behind": device.behind, "tests": device.paired_at is not None and device.kind != "keypad",
        "kiosk": device.kind == "dispenser", "zone": device.zone, "window": device.window,
    }  # fmt: skip


# --- what an act tells the page that follows it ------------------------------------------------------------------

TOLD = "hall_told"  # a code is shown once: it travels in this cookie to the next page, and reload never acts
TOLD_S = 60


def tell(hall: Hall, to: str | None = None, **told: Any) -> Response:
    """Back to the list, or to the page of one machine, which says this once."""
    answer = RedirectResponse(to or f"/{hall.code}/fleet", 303)
    kept = base64.urlsafe_b64encode(msgspec.json.encode(told)).decode()
    answer.set_cookie(TOLD, kept, max_age=TOLD_S, path=f"/{hall.code}/fleet", httponly=True, samesite="strict")
    return answer


class Told(msgspec.Struct):
    """What may be told: `code` {code, until, place, device, since, ends}, a sentence `said`, or an `error`."""

    code: dict[str, str] | None = None
    said: str | None = None
    error: str | None = None


def whispered(request: Request) -> dict[str, Any]:
    """What the act before had to tell; nothing, if somebody else wrote the cookie."""
    try:
        told = msgspec.json.decode(base64.urlsafe_b64decode(request.cookies.get(TOLD, "")), type=Told)
    except (ValueError, msgspec.MsgspecError):
        return {}
    return msgspec.structs.asdict(told)


# --- acts -------------------------------------------------------------------------------------------------------


async def add(request: Request) -> Response:
    """Make room for a machine and show its code, once."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *KEEPERS, hall=hall.id)
    form, say = await request.form(), words(language(request))
    place, _, at = (text(form, "place") or "").partition(":")
    window = at if place == "window" else None
    try:
        kind, name = typed(form, "kind"), typed(form, "name")
        refuse_without_window(kind, window)
        async with acquire(request.app.state.pool) as db:
            device, code, expires = await pairing.create_device(
                db, hall.id, kind, name=name, actor=person.actor, zone=at if place == "zone" else None, window=window
            )
    except BadInput as wrong:
        return tell(hall, error=say["fleet.name_needed"] if wrong.details.get("field") == "name" else reason_of(wrong, say))
    except Refused as refused:
        return tell(hall, error=refusal(refused, say))
    return tell(hall, code=told_code(device, code, expires, hall, say))


def refusal(refused: Refused, say: Words) -> str:
    key = f"fleet.{type(refused).__name__}"
    return say(key) if key in say else say(f"problems.{refused.code}")


def told_code(device: registry.Device, code: str, expires: datetime, hall: Hall, say: Words) -> dict[str, str]:
    """A code as its card shows it; `since` is when it was drawn, `ends` when it dies."""
    since = expires - timedelta(minutes=pairing.CODE_MINUTES)
    return {
        "code": code, "until": clock(expires, hall), "place": place_of(device, say), "device": device.id,
        "since": since.isoformat(), "ends": expires.isoformat(),
    }  # fmt: skip


async def kept_machine(request: Request) -> tuple[Hall, Person, registry.Device]:
    """The machine of the address, if who asks keeps this hall's machines and it is one of them."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *KEEPERS, hall=hall.id)
    try:
        async with acquire(request.app.state.pool) as db:
            device = await registry.get_device(db, request.path_params["device"])
    except Refused as unknown:
        raise NotFound(what="device") from unknown
    if device.hall != hall.id or device.revoked_at is not None:
        raise NotFound(what="device")
    return hall, person, device


ROUTES = [
    Route("/{hall}/fleet", show, methods=["GET"]),
    Route("/{hall}/fleet/part", part, methods=["GET"]),
    Route("/{hall}/fleet", add, methods=["POST"]),
]
