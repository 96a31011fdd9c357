"""The rules of the queue, edited by the manager: what stands, what would change, and how an hour of today would have gone."""

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from displays import announce
from floor import acts, doorcode
from floor.api.faults import told as fault_told
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.console import text
from floor.pages.previews import compared
from floor.pages.staffed import localized, now_of, reason_of
from floor.quality import callbacks
from floor.signin import require
from floor.words import Words, language, words
from queueing import alarms, foreign, persons, preview, rulebook, slips
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall, business_day, services
from queueing.rulebook import Change, Value
from queueing.rules import most_overtaken
from queueing.settings import BALANCE, HOLDS, LIMITS, ORDER, Setting
from scheduling import appointments, closing, doorstep, escalation, field, handins, minimums, orders, self_service, slots
from scheduling.roster import attendance, overtime, planned
from scheduling.rounds import ground

WATCH = ("manager", "leader", "auditor")
CATEGORY = ("credit_minutes", "evidence", "from_age", "papers", "needs_evidence", "offered")
NAMES = ("name", "name_hant", "name_en")
MISSED = ("calls_before_missed", "min_call_s", "return_after")
HALL = ("one_live_ticket", "skills_required", "rating_days", "ticket_line", "offline_minutes")
PAPERS = (*slips.SETTINGS, *foreign.SETTINGS)
BOOKING = (*slots.SETTINGS, *appointments.SETTINGS)
ROSTER = (*planned.SETTINGS, *minimums.SETTINGS, *attendance.SETTINGS, *overtime.SETTINGS)
DOOR = (*field.SETTINGS, *callbacks.SETTINGS)
AGENTS = (*orders.SETTINGS, *handins.SETTINGS, *self_service.SETTINGS)
ROUNDS = (*doorstep.SETTINGS, *ground.SETTINGS)
# What is done for those who are left when the hall is about to close stands in one place, whichever room it is of.
CLOSING = (*closing.SETTINGS, escalation.EXTEND, escalation.KEPT, appointments.OWED)
LADDER = (*(setting for setting in escalation.SETTINGS if setting not in CLOSING), *announce.SETTINGS)
# Of other rooms than the queue's own.
MORE: tuple[Setting[Any], ...] = (
    *doorcode.SETTINGS, *PAPERS, *BOOKING, *ROSTER, *alarms.SETTINGS, *CLOSING, *LADDER, *AGENTS, *DOOR, *ROUNDS
)  # fmt: skip
# The cards of the page in their order: each has a place of its own that the contents lead to.
CARDS = (
    "categories", "order", "missed", "windows", "services", "matters", "limits", "holds", "balance", "closing", "ladder",
    "alarms", "booking", "papers", "roster", "rounds", "door", "agents", "pauses",
)  # fmt: skip


async def show(request: Request) -> Response:
    return await draw(request, said=request.query_params.get("said"))


async def draw(
    request: Request, *, typed: dict[str, str] | None = None, wrong: list[BadInput] | None = None, error: str | None = None,
    said: str | None = None, status: int = 200,
) -> Response:  # fmt: skip
    """The page; with what was typed where it can't be used, and why."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *WATCH, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        values = await rulebook.read(db, hall, MORE)
        names = {service.code: service.word for service in [localized(row, say) for row in await services(db, hall)]}
        worst = await rulebook.worst_overtaking(db, hall)
        pauses = await persons.bans(db, hall)
        now = await now_of(db)
    bad = {str(fault.details["field"]): fault_told(str(fault.details["message"]), say) for fault in wrong or ()}
    return render(
        request, "rules.html", status, hall=hall, v=values, shown=shown(values, typed or {}), bad=bad, error=error,
        said=say[f"rules.said_{said}"] if said in ("saved", "added", "lifted") else None, rows=rows_of(values), names=names,
        bounds=bounds(values), worst=worst, pauses=pauses, may="manager" in person.roles, sections=sections(),
        cards=CARDS,
        hour=max(0, local(now, hall).hour - 1), columns={"category": CATEGORY, "names": NAMES}, clock=lambda at: local(at, hall),
    )  # fmt: skip


def local(at: datetime, hall: Hall) -> datetime:
    return at.astimezone(ZoneInfo(hall.time_zone))


def sections() -> dict[str, list[str]]:
    """The values that stand alone, by the card they are in."""
    return {
        "order": [f"set.{setting.name}" for setting in ORDER],
        "missed": [f"hall.{name}" for name in MISSED],
        "holds": [f"set.{setting.name}" for setting in HOLDS],
        "balance": [f"set.{setting.name}" for setting in BALANCE],
        "limits": [*(f"hall.{name}" for name in HALL), *(f"set.{setting.name}" for setting in (*doorcode.SETTINGS, *LIMITS))],
        "papers": [f"set.{setting.name}" for setting in PAPERS],
        "booking": [f"set.{setting.name}" for setting in BOOKING],
        "roster": [f"set.{setting.name}" for setting in ROSTER],
        "alarms": [f"set.{setting.name}" for setting in alarms.SETTINGS],
        "closing": [f"set.{setting.name}" for setting in CLOSING],
        "ladder": [f"set.{setting.name}" for setting in LADDER],
        "rounds": [f"set.{setting.name}" for setting in ROUNDS],
        "door": [f"set.{setting.name}" for setting in DOOR],
        "agents": [f"set.{setting.name}" for setting in AGENTS],
    }


def rows_of(values: dict[str, Value]) -> dict[str, list[str]]:
    """The keys of each table's rows, in their order."""
    rows: dict[str, list[str]] = {part: [] for part in rulebook.TABLES}
    for name in values:
        part, _, rest = name.partition(".")
        if part in rows and "." in rest and (key := rest.rpartition(".")[0]) not in rows[part]:
            rows[part].append(key)
    return rows


def shown(values: dict[str, Value], typed: dict[str, str]) -> dict[str, str]:
    """Each value as its field shows it: what was typed last, or what stands."""
    return {name: typed.get(name, as_text(value.value)) for name, value in values.items()}


def as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return " ".join(value) if isinstance(value, list) else "" if value is None else str(value)


def bounds(values: dict[str, Value]) -> dict[str, int]:
    """For each category, and for everybody else (""), the most minutes by which a later one may go before."""
    credits = {"": 0} | {
        name.split(".")[1]: value.value
        for name, value in values.items()
        if value.column == "credit_minutes" and values[name.replace("credit_minutes", "offered")].value
    }
    return most_overtaken(credits)


# --- changing ---------------------------------------------------------------------------------------------------


def typed_in(form: FormData) -> dict[str, str]:
    """What the form holds: of a flag's two fields the last one counts."""
    return {name: str(form.getlist(name)[-1]) for name in form if "." in name}


async def check(request: Request) -> Response:
    """What would change, to be confirmed; or what can't be used, beside its field."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, "manager", hall=hall.id)
    typed = typed_in(await request.form())
    async with acquire(request.app.state.pool) as db:
        values = await rulebook.read(db, hall, MORE)
    made, wrong = rulebook.changes(values, typed)
    if wrong:
        return await draw(request, typed=typed, wrong=wrong, error=words(language(request))["rules.wrong"], status=422)
    asked = {change.name: (change.was, typed[change.name]) for change in made}
    return render(
        request, "rules_confirm.html", hall=hall, lines=[line(change, words(language(request))) for change in made],
        asked=msgspec.json.encode(asked).decode(),
    )  # fmt: skip


def line(change: Change, say: Words) -> dict[str, str]:
    """A change in words: of what, which value, from, to."""
    part, _, rest = change.name.partition(".")
    of = rest.rpartition(".")[0]
    column = change.name.rpartition(".")[2]
    return {
        "of": say(f"rules.of_{part}", of=of), "field": say[f"rules.field.{column}"], "was": said(change.was, say),
        "now": said(change.now, say),
    }  # fmt: skip


def said(value: Any, say: Words) -> str:
    if isinstance(value, bool):
        return say["rules.yes" if value else "rules.no"]
    if isinstance(value, list):
        return " ".join(value) or "–"
    return "–" if value is None else str(say.get(f"rules.choice.{value}", value))


async def save(request: Request) -> Response:
    """Make the changes that were confirmed, all or none."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, "manager", hall=hall.id)
    form, say = await request.form(), words(language(request))
    try:
        asked = msgspec.json.decode(str(form.get("changes", "")), type=dict[str, tuple[Any, str]])
    except msgspec.DecodeError:
        raise BadInput(field="changes", message="it is missing") from None
    try:
        async with acquire(request.app.state.pool) as db:
            values = await rulebook.read(db, hall, MORE)
            made = [Change(name, was, values[name].read(text)) for name, (was, text) in asked.items() if name in values]
            await rulebook.apply(db, hall, made, actor=person.actor, more=MORE)
    except Refused as refused:
        return await draw(request, error=reason_of(refused, say), status=409)
    for key in (hall.code, hall.id):
        request.app.state.halls.forget(key)
    acts.ring(request, hall.id)
    return RedirectResponse(f"/{hall.code}/rules?said=saved", 303)


async def add(request: Request) -> Response:
    """A new category, or a matter with a rule of its own."""
    hall, part = await acts.hall_of(request, request.path_params["hall"]), request.path_params["part"]
    person = await require(request, "manager", hall=hall.id)
    if part not in ("category", "matter"):
        raise NotFound(what="page")
    form, say = await request.form(), words(language(request))
    try:
        async with acquire(request.app.state.pool) as db:
            await rulebook.add(db, hall, part, text(form, "key") or "", text(form, "name") or "", actor=person.actor)
    except Refused as refused:
        return await draw(request, error=reason_of(refused, say), status=409)
    return RedirectResponse(f"/{hall.code}/rules?said=added", 303)


async def lift(request: Request) -> Response:
    """End somebody's pause, with the reason."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    form, say = await request.form(), words(language(request))
    try:
        await acts.lift(request, hall.code, request.path_params["ban"], text(form, "why") or "")
    except Refused as refused:
        return await draw(request, error=reason_of(refused, say), status=409)
    return RedirectResponse(f"/{hall.code}/rules?said=lifted", 303)


# --- the preview ------------------------------------------------------------------------------------------------


async def play(request: Request) -> Response:
    """An hour of today under the rules as they stand and under those of the form."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, "manager", hall=hall.id)
    form, say = await request.form(), words(language(request))
    typed = typed_in(form)
    async with acquire(request.app.state.pool) as db:
        values = await rulebook.read(db, hall, MORE)
        start = await hour_of(db, hall, str(form.get("hour", "")))
        made, wrong = rulebook.changes(values, typed)
        names = {service.code: service.word for service in [localized(row, say) for row in await services(db, hall)]}
        if start is not None and not wrong:
            recorded = await preview.hour_of(db, hall, await business_day(db, hall), start, start + timedelta(hours=1))
    if start is None or wrong:
        return render(request, "_rules_preview.html", seen=None, changed=len(made))
    new = {change.name: change.now for change in made}
    before, after = await asyncio.gather(
        asyncio.to_thread(preview.play, recorded, preview.trial(values, {})),
        asyncio.to_thread(preview.play, recorded, preview.trial(values, new)),
    )
    categories = {name.split(".")[1]: value.value for name, value in values.items() if value.column == "name"}
    seen = compared(recorded, before, after, names | {"": say["rules.everybody"]}, categories, hall, say)
    return render(request, "_rules_preview.html", seen=seen, changed=len(made))


async def hour_of(db: Db, hall: Hall, typed: str) -> datetime | None:
    """The instant at which that hour of the business day begins; None for what is no hour."""
    if not typed.isascii() or not typed.isdigit() or len(typed) > 2 or int(typed) > 23:
        return None
    day, hour = await business_day(db, hall), int(typed)
    begins = datetime.combine(day, datetime.min.time(), ZoneInfo(hall.time_zone)) + timedelta(hours=hour)
    return begins + timedelta(days=1) if hour < hall.day_starts.hour else begins


ROUTES = [
    Route("/{hall}/rules", show, methods=["GET"]),
    Route("/{hall}/rules", save, methods=["POST"]),
    Route("/{hall}/rules/check", check, methods=["POST"]),
    Route("/{hall}/rules/preview", play, methods=["POST"]),
    Route("/{hall}/rules/add/{part}", add, methods=["POST"]),
    Route("/{hall}/rules/pause/{ban:int}", lift, methods=["POST"]),
]
