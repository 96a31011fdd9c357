"""SMS for those who keep the hall: what was sent and what was not, the rules, the wording, the gateway, who said stop."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from displays import contacts, notices, outbox, wordings
from floor import acts
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.console import text, whole
from floor.pages.staffed import clock, reason_of
from floor.signin import Person, require
from floor.words import Words, language, words
from queueing import settings
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall, get_hall
from queueing.settings import Setting

WATCH = ("manager", "engineer", "auditor")
KEEPERS = ("manager", "engineer")
TONES = {"sent": "serving", "waiting": "waiting", "failed": "fault", "dropped": "soft"}
MOST_NUMBERS = 20_000  # of one import

log = structlog.get_logger("notices")


async def show(request: Request) -> Response:
    """The page."""
    return await draw(request)


async def draw(request: Request, *, wrong: str | None = None) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *WATCH, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        seen = await look(db, await get_hall(db, hall.code), say)
    done = request.query_params.get("done", "")
    return render(
        request, "notices.html", 422 if wrong else 200, hall=hall, wrong=wrong, may_change=not person.roles.isdisjoint(KEEPERS),
        done=say(f"notices.done_{done}") if f"notices.done_{done}" in say else None, **seen,
    )  # fmt: skip


WAY = "SELECT driver, is_on, setting, secret IS NOT NULL AS has_secret FROM notice_ways WHERE hall = $1 AND kind = 'phone'"
STOPS = "SELECT count(*) FROM notice_optouts WHERE hall = $1"
PROOFS = "SELECT at, day, erased FROM notice_erasures WHERE hall = $1 ORDER BY at DESC LIMIT 5"
HELD = "SELECT count(*) FROM notice_contacts WHERE hall = $1"


async def look(db: Db, hall: Hall, say: Words) -> dict[str, Any]:
    """Everything on the page; of people only how many."""
    way, told = await db.fetchrow(WAY, hall.id), await wordings.texts(db, hall.id)
    return {
        "counts": await outbox.counts(db, hall.id),
        "rows": [row(line, hall, say) for line in await outbox.newest(db, hall.id)],
        "sends": [(template, hall.value(chosen)) for template, chosen in notices.SENDS.items()],
        "rules": [(rule.name, hall.value(rule), rule.low, rule.high) for rule in NUMBERS],
        "texts": {t: [(lang, told[t, lang]) for lang in wordings.LANGS] for t in notices.TICKET_TEMPLATES},
        "gaps": " ".join("{" + gap + "}" for gap in ("hall", "ticket", "service", "ahead", "window", "windows", "link")),
        "way": shown_way(dict(way) if way else None),
        "stops": await db.fetchval(STOPS, hall.id), "held": await db.fetchval(HELD, hall.id),
        "proofs": [(f"{proof['day']:%Y-%m-%d}", clock(proof["at"], hall), proof["erased"])
                   for proof in await db.fetch(PROOFS, hall.id)],
    }  # fmt: skip


NUMBERS: tuple[Setting[int], ...] = (
    notices.NEAR_AHEAD, notices.DAILY_CAP, notices.KEEP_DAYS, notices.QUIET_FROM, notices.QUIET_TO
)  # fmt: skip


def row(line: outbox.Line, hall: Hall, say: Words) -> dict[str, Any]:
    key = f"notices.why_{line.why}"
    return {
        "at": clock(line.at, hall, seconds=True), "ticket": line.ticket, "template": say(f"notices.template_{line.template}"),
        "tone": TONES[line.state], "state": say(f"notices.state_{line.state}"), "attempts": line.attempts,
        "why": "" if line.why is None else say(key) if key in say else line.why,
    }  # fmt: skip


def shown_way(way: dict[str, Any] | None) -> dict[str, Any]:
    """The gateway's settings as the form has them; of the secret only whether there is one."""
    setting = way["setting"] if way else {}
    headers = "\n".join(f"{name}: {value}" for name, value in setting.get("headers", {}).items())
    return {
        "driver": way["driver"] if way else "http", "is_on": bool(way and way["is_on"]),
        "has_secret": bool(way and way["has_secret"]), "method": "POST", "url": "", "body_type": "json", "success": "",
        "body": '{"id": "{id}", "phone": "{phone}", "text": "{text}"}', **setting, "headers": headers,
    }  # fmt: skip


# --- acts -------------------------------------------------------------------------------------------------------

Act = Callable[[Request, Db, Hall, FormData], Awaitable[None]]


async def rule(request: Request, db: Db, hall: Hall, form: FormData) -> None:
    """What is sent, and when not. BadInput."""
    for setting in NUMBERS:
        written = whole(text(form, setting.name) or "", setting.high)
        if written is None:
            raise BadInput(field=setting.name, message=f"{setting.low} to {setting.high}")
        await settings.choose(db, hall.id, setting, written)
    for send in notices.SENDS.values():
        await settings.choose(db, hall.id, send, send.name in form)


async def word(request: Request, db: Db, hall: Hall, form: FormData) -> None:
    """The wording of one template in all languages. BadInput."""
    for lang in wordings.LANGS:
        await wordings.word(db, hall.id, text(form, "template") or "", lang, text(form, lang) or "")


async def way(request: Request, db: Db, hall: Hall, form: FormData) -> None:
    """The gateway. An empty secret keeps the one there is. BadInput."""
    driver = text(form, "driver") or "http"
    fields = ("url",) if driver == "apprise" else ("url", "method", "body", "body_type", "success")
    setting: dict[str, Any] = {field: value for field in fields if (value := text(form, field))}
    if driver == "http":
        pairs = [line.partition(":") for line in (text(form, "headers") or "").splitlines() if line.strip()]
        setting["headers"] = {name.strip(): value.strip() for name, _, value in pairs}
    is_on, before = "is_on" in form, await db.fetchrow(WAY, hall.id)
    if is_on and not (before and before["is_on"]):
        await notices.begin(db, hall.id)
    await outbox.set_way(
        db, hall.id, "phone", driver, setting, seal=acts.seal_of(request), secret=text(form, "secret"), is_on=is_on
    )


async def stop(request: Request, db: Db, hall: Hall, form: FormData) -> None:
    """Numbers that answered STOP, one a line, however they are separated."""
    numbers = (text(form, "numbers") or "").replace(",", "\n").replace(";", "\n").splitlines()
    await contacts.stop_all(db, hall.id, numbers[:MOST_NUMBERS], acts.seal_of(request))


async def again(request: Request, db: Db, hall: Hall, form: FormData) -> None:
    """Try the given-up ones of today once more."""
    await outbox.again(db, hall.id)


ACTS: dict[str, Act] = {"rule": rule, "word": word, "way": way, "stop": stop, "again": again}


async def change(request: Request) -> Response:
    """One act, all of it or nothing; who did it is logged, never what number."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person: Person = await require(request, *KEEPERS, hall=hall.id)
    name = request.path_params["act"]
    if name not in ACTS:
        raise NotFound(what="page")
    form = await request.form()
    try:
        async with acquire(request.app.state.pool) as db, db.transaction():
            await ACTS[name](request, db, hall, form)
    except BadInput as wrong:
        return await draw(request, wrong=reason_of(wrong, words(language(request))))
    log.info("notices_changed", hall=hall.code, act=name, by=person.actor)
    return RedirectResponse(f"/{hall.code}/notices?done={name}", 303)


ROUTES = [
    Route("/{hall}/notices", show, methods=["GET"]),
    Route("/{hall}/notices/{act}", change, methods=["POST"]),
]
