"""The machines, for those who keep them: what each is, how it is, its code, its test, and its end."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices import health, jobs, pairing, registry
from devices.errors import Refused
from floor import acts
from floor.api.devices import refuse_without_window
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.console import text, typed
from floor.pages.machines import part_word, place_of
from floor.pages.staffed import clock, elapsed, now_of, reason_of
from floor.people import find_user
from floor.refusals import CannotTest, NotAllowed
from floor.signin import KIOSK_COOKIE, Person, open_kiosk, require, set_cookie
from floor.words import Words, language, words
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall, zones
from queueing.windows import list_windows

KEEPERS = ("engineer", "manager")
KINDS = ("dispenser", "led", "tv", "speaker", "evaluator", "keypad")
TESTS = {"dispenser": "print_test", "speaker": "sound_test"}
TEST_LASTS = timedelta(minutes=1)


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
        seen = await look(db, hall, words(language(request)))
    return render(request, template, hall=hall, **{"code": None, "said": None, "error": None, **told}, **seen)


async def look(db: Db, hall: Hall, say: Words) -> dict[str, Any]:
    """Every machine that is not revoked, those that need somebody first, and the places a new one may have."""
    now, alarms = await now_of(db), await health.alarms(db, hall.id)
    standing = [device for device in await registry.list_devices(db, hall.id) if device.revoked_at is None]
    rows = [machine(device, [alarm for alarm in alarms if alarm.device == device.id], now, hall, say) for device in standing]
    return {
        "now": now, "rows": sorted(rows, key=lambda row: row["order"]), "kinds": KINDS,
        "well": sum(row["tone"] == "serving" for row in rows), "zones": await zones(db, hall),
        "windows": await list_windows(db, hall),
    }  # fmt: skip


def machine(device: registry.Device, alarms: list[health.Alarm], now: datetime, hall: Hall, say: Words) -> dict[str, Any]:
    """One line of the list: where it stands, whether it is well, since when, and what can be done with it."""
    if device.paired_at is None:
        order, tone, symbol, word, since = 1, "waiting", "pair", say["fleet.unpaired"], device.created_at
    elif alarms:
        order, tone, symbol, since = 0, "fault", "alert", alarms[0].since
        word = "、".join(part_word(alarm.part, alarm.state, say) for alarm in alarms)
    elif device.present:
        order, tone, symbol, word, since = 2, "serving", "check", say["fleet.well"], device.paired_at
    else:
        order, tone, symbol, word, since = 0, "fault", "offline", say["fleet.silent"], device.last_seen or device.paired_at
    return {
        "id": device.id, "name": device.name, "kind": device.kind, "place": place_of(device, say), "order": order, "tone": tone,
        "symbol": symbol, "word": word, "since": since, "elapsed": elapsed(since, now), "agent": device.agent or "",
        "seen": clock(device.last_seen, hall, seconds=True), "rtt": device.parts.get("link", {}).get("rtt_ms"),
        "tests": device.paired_at is not None and device.kind in TESTS, "kiosk": device.kind == "dispenser",
    }  # fmt: skip


# --- what an act tells the page that follows it ------------------------------------------------------------------

TOLD = "hall_told"  # a code is shown once: it travels in this cookie to the next page, and reload never acts
TOLD_S = 60


def tell(hall: Hall, **told: Any) -> Response:
    """Back to the list, which says this once."""
    answer = RedirectResponse(f"/{hall.code}/fleet", 303)
    kept = base64.urlsafe_b64encode(msgspec.json.encode(told)).decode()
    answer.set_cookie(TOLD, kept, max_age=TOLD_S, path=f"/{hall.code}/fleet", httponly=True, samesite="strict")
    return answer


class Told(msgspec.Struct):
    """What may be told: `code` {code, until, place}, a sentence `said`, or an `error`."""

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
    return {"code": code, "until": clock(expires, hall), "place": place_of(device, say)}


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


async def act(request: Request) -> Response:
    """A new code, a test, the end of a machine, or a kiosk page in this very browser."""
    hall, person, device = await kept_machine(request)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        match request.path_params["act"]:
            case "code":
                code, expires = await pairing.new_code(db, device.id)
                return tell(hall, code=told_code(device, code, expires, hall, say))
            case "test":
                await try_out(db, device, person)
                acts.ring(request, hall.id)
                return tell(hall, said=say("fleet.said_test", place=place_of(device, say)))
            case "revoke":
                await registry.revoke(db, device.id, actor=person.actor)
                acts.ring(request, hall.id)
                return tell(hall, said=say("fleet.said_revoke", place=place_of(device, say)))
            case "kiosk":
                return await kiosk_here(request, db, hall, person, device)
    raise NotFound(what="page")


async def try_out(db: Db, device: registry.Device, person: Person) -> None:
    """Let a dispenser print and a speaker speak one line. CannotTest for the others."""
    kind = TESTS.get(device.kind)
    if kind is None:
        raise CannotTest()
    now = datetime.now(UTC)
    test = jobs.NewJob(device.hall, device.id, kind, f"test:{now.timestamp():.6f}", now + TEST_LASTS, {"by": person.name})
    await jobs.owe(db, [test])


async def kiosk_here(request: Request, db: Db, hall: Hall, person: Person, device: registry.Device) -> Response:
    """Make this browser the kiosk page of a dispenser; the sign-in of whoever opened it may end."""
    user = await find_user(db, person.username or "")
    if user is None or device.kind != "dispenser":
        raise NotAllowed()
    answer = RedirectResponse(f"/{hall.code}/kiosk", 303)
    set_cookie(answer, request, KIOSK_COOKIE, await open_kiosk(db, user, device.id))
    return answer


ROUTES = [
    Route("/{hall}/fleet", show, methods=["GET"]),
    Route("/{hall}/fleet/part", part, methods=["GET"]),
    Route("/{hall}/fleet", add, methods=["POST"]),
    Route("/{hall}/fleet/{device}/{act}", act, methods=["POST"]),
]
