"""The counter: a clerk sees one state at a time and has one button that goes on."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts, beside, lines
from floor.database import Db, acquire
from floor.pages import console_offers, render
from floor.pages.console_offers import Answered
from floor.pages.on_duty import shift_words, shifts_today, unread
from floor.pages.staffed import LOOKS, clock, elapsed, localized, may_act_at, now_of, reason_of, zones_of
from floor.pages.wording import matter_name
from floor.quality.ratings import askable
from floor.refusals import NotAllowed
from floor.signin import Person, require
from floor.words import Words, language, words
from queueing import prechecks
from queueing.calls import POSITIONS, Nobody
from queueing.errors import BadInput, NotFound, NotYourWindow, Refused
from queueing.halls import Hall, services, zones
from queueing.matters import decided_at, some
from queueing.tickets import Act, Ticket, by_key
from queueing.windows import Window, get_window, list_windows

OVERRULE = ("leader", "manager")
PRIMARY = {"closed": "open", "open": "next", "called": "arrive", "serving": "finish", "paused": "resume"}
KEYS = (
    ("space", "next"), ("R", "recall"), ("N", "no-show"), ("H", "hold"), ("T", "transfer"), ("X", "finish-next"),
    ("C", "call"), ("O", "rebook"), ("E", "open-rating"), ("P", "pause"), ("Q", "close"), ("U", "undo"),
)  # fmt: skip

# --- what the buttons do ----------------------------------------------------------------------------------------

Done = Callable[[Request, str, str, FormData, str | None], Awaitable[Any]]


def text(form: FormData, field: str) -> str | None:
    """What was typed, or None."""
    value = form.get(field)
    return value.strip() or None if isinstance(value, str) else None


def number_in(form: FormData, field: str) -> int:
    """The number of a row in a form; no page without one."""
    number = text(form, field) or ""
    if not (number.isascii() and number.isdigit()):
        raise NotFound(what="page")
    return int(number[:9])


def whole(word: str, most: int) -> int | None:
    """A whole number from 0 to `most` as somebody typed it; None for anything else, however long."""
    word = word.strip()
    plain = word.isascii() and word.isdigit() and len(word) <= 18
    return int(word) if plain and int(word) <= most else None


def typed(form: FormData, field: str) -> str:
    """What had to be typed; BadInput when it is empty."""
    value = text(form, field)
    if value is None:
        raise BadInput(field=field, message="it is empty")
    return value


async def transfer(request: Request, hall: str, no: str, form: FormData, press: str | None) -> Act:
    kind, _, to = typed(form, "to").partition(":")
    return await acts.transfer(
        request, hall, no, to_service=to if kind == "service" else None, to_window=to if kind == "window" else None,
        position=text(form, "position") or POSITIONS[1], note=text(form, "note"), press=press,
    )  # fmt: skip


async def close(request: Request, hall: str, no: str, form: FormData, press: str | None) -> Any:
    """Close; a reason given by a leader or manager closes although people wait."""
    person = await require(request)
    reason = text(form, "reason") if person.roles & set(OVERRULE) else None
    return await acts.close(request, hall, no, override=reason is not None, reason=reason, press=press)


ACTS: dict[str, Done] = {
    "open": lambda r, hall, no, form, press: acts.open_window(r, hall, no, press=press),
    "next": lambda r, hall, no, form, press: acts.call_next(r, hall, no, press=press),
    "finish-next": lambda r, hall, no, form, press: acts.call_next(r, hall, no, finish_current=True, press=press),
    "call": lambda r, hall, no, form, press: acts.call_number(r, hall, no, typed(form, "number").upper(), press=press),
    "take-back": lambda r, hall, no, form, press: acts.take_back(r, hall, no, typed(form, "number").upper(), press=press),
    "recall": lambda r, hall, no, form, press: acts.recall(r, hall, no, press=press),
    "arrive": lambda r, hall, no, form, press: acts.arrive(r, hall, no, press=press),
    "finish": lambda r, hall, no, form, press: acts.finish(r, hall, no, outcome=text(form, "outcome") or "done", press=press),
    "no-show": lambda r, hall, no, form, press: acts.no_show(r, hall, no, press=press),
    "hold": lambda r, hall, no, form, press: acts.hold(r, hall, no, typed(form, "kind"), note=text(form, "note"), press=press),
    "resume-held": lambda r, hall, no, form, press: acts.resume_held(r, hall, no, typed(form, "number"), press=press),
    "transfer": transfer,
    "open-rating": lambda r, hall, no, form, press: acts.open_rating(r, hall, no, press=press),
    "pause": lambda r, hall, no, form, press: acts.pause(r, hall, no, reason=text(form, "reason"), press=press),
    "resume": lambda r, hall, no, form, press: acts.resume(r, hall, no, press=press),
    "close": close,
    "rebook": lambda r, hall, no, form, press: console_offers.rebook(r, hall, typed(form, "number").upper(), press),
    "refuse": lambda r, hall, no, form, press: console_offers.refuse(
        r, hall, typed(form, "number").upper(), typed(form, "step"), text(form, "why"), press
    ),
}


def said(act: str, done: Any, hall: Hall, say: Words) -> str | None:
    """The sentence that tells a clerk what an act did, where the middle of the page doesn't."""
    if isinstance(done, Nobody):
        return say["console.said_nobody"]
    if isinstance(done, Answered):
        return console_offers.said(done, hall, say)
    ticket = done.ticket if isinstance(done, Act) else None
    word = {"missed": "missed"}.get(ticket.state if ticket else "", act) if act == "no-show" else act
    if act == "finish" and ticket is not None and ticket.state != "finished":
        word = "stepped"
    key = f"console.said_{word}"
    return say(key, number=ticket.number if ticket else "") if key in say else None


# What takes an act back. Whoever was sent away is called again, aloud and on record; a finished visit stays finished.
UNDONE_BY = {"hold": "resume-held", "no-show": "call", "transfer": "take-back", "pause": "resume"}
UNDO_LASTS = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Undo:
    """The act that takes the last one back, and the number it is about."""

    act: str
    number: str | None


def undo_of(act: str, done: Any) -> Undo | None:
    """How to take an act back; None for one that can't be."""
    if act not in UNDONE_BY:
        return None
    return Undo(UNDONE_BY[act], done.ticket.number if isinstance(done, Act) else None)


# --- what the page shows ----------------------------------------------------------------------------------------


async def show(request: Request) -> Response:
    """The whole console of one window; whoever has no seat there is shown the floor instead."""
    try:
        return await draw(request, "console.html")
    except (NotYourWindow, NotAllowed) as refused:
        if (await require(request)).roles.isdisjoint(acts.AT_WINDOWS):
            raise
        return await choose(request, reason_of(refused, words(language(request))))


async def part(request: Request) -> Response:
    """What may have changed: all of the console that is not its frame."""
    return await draw(request, "_console.html")


async def draw(
    request: Request, template: str, *, error: str | None = None, said: str | None = None, undo: Undo | None = None
) -> Response:
    """The console, with what the last act had to say: its sentence and how to take it back, or why it was refused."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *acts.AT_WINDOWS, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        window = await get_window(db, hall, request.path_params["window"])
        if may_act_at(person, window):
            seen = await look(db, hall, window, person, words(language(request)))
        elif window.clerk is not None:
            raise NotYourWindow(window=window.no)
        else:
            raise NotAllowed()
    return render(request, template, hall=hall, window=window, error=error, said=said, undo=undo, **seen)


async def look(db: Db, hall: Hall, window: Window, person: Person, say: Words) -> dict[str, Any]:
    """All a console shows of its window, its line and its neighbours."""
    known = {service.code: service for service in await services(db, hall)}
    names = await lines.names(db, hall)
    line, waiting = await lines.line(db, hall, window.no)
    held, missed = await lines.aside(db, hall, window.no)
    ticket = await by_key(db, window.ticket_key) if window.ticket_key else None
    now = await now_of(db)
    rateable = window.state == "open" and await askable(db, hall, window.no)
    unready = await prechecks.unready(db, hall, [place.number for place in line])
    hand = at_hand(hall, window, ticket, await lines.categories(db, hall), now, say)
    if ticket is not None and hand["clock_word"]:
        hand["notes"] += await visit_notes(db, hall, ticket, say)
    tone, symbol = LOOKS[window.state]
    others = [other for other in await list_windows(db, hall) if other.state != "closed" and other.no != window.no]
    return {
        "tone": tone, "symbol": symbol, "primary": PRIMARY[window.state], "may_act": True, "now": now, "ticket": ticket,
        "mine": [localized(known[code], say) for code in window.services if code in known],
        "services": [localized(service, say) for service in known.values()],
        "waiting": waiting, "undo_until": now + UNDO_LASTS,
        "line": [told_place(place, place.number in unready, say) for place in line],
        "held": held, "missed": [{"number": row.number, "calls": row.calls, "at": clock(row.at, hall)} for row in missed],
        "others": [{"no": other.no, "name": names.get(other.clerk or "", ""), "state": other.state, "ticket": other.ticket}
                   for other in others],
        "overrules": bool(person.roles & set(OVERRULE)), "rateable": rateable,
        "unread": await unread(db, hall, person), "help": help_lines(say), **hand,
        **await console_offers.asked(db, hall, window, say),
    }  # fmt: skip


def told_place(place: lines.Place, unready: bool, say: Words) -> dict[str, Any]:
    why = say(f"console.why_{place.why}", minutes=place.credit)
    return {
        "number": place.number, "service": place.service, "minutes": place.minutes,
        "why": f"{why} · {say['console.unready']}" if unready else why,
    }  # fmt: skip


def at_hand(
    hall: Hall, window: Window, ticket: Ticket | None, known: list[lines.Category], now: datetime, say: Words
) -> dict[str, Any]:
    """The middle of the page: the ticket at the window, or why there is none."""
    since = window.since
    told: dict[str, Any] = {
        "since": since, "elapsed": elapsed(since, now), "clock_word": "", "ticket_line": "", "notes": [],
        "no_show_at": since + timedelta(seconds=hall.min_call_s), "idle_line": idle_line(window, say),
    }  # fmt: skip
    if ticket is not None and window.state in ("called", "serving"):
        told["clock_word"] = say[f"console.since_{window.state}"]
        told["ticket_line"] = " · ".join(ticket_words(ticket, window, hall, known, say))
        told["notes"] = [say("console.note_line", note=ticket.note)] if ticket.note else []
    return told


def idle_line(window: Window, say: Words) -> str:
    if window.state == "paused":
        return say("console.idle_paused", reason=window.reason) if window.reason else say["console.idle_paused_plain"]
    return say["console.idle_closed" if window.state == "closed" else "console.idle_open"]


def ticket_words(ticket: Ticket, window: Window, hall: Hall, known: list[lines.Category], say: Words) -> list[str]:
    """What a clerk should know of the visitor: never who it is."""
    told = []
    if window.state == "called":
        told.append(say("console.called_times", n=ticket.calls, most=hall.calls_before_missed))
    if len(ticket.services) > 1:
        told.append(say("console.step", step=ticket.step, steps=len(ticket.services)))
    if ticket.category:
        told += [say("console.priority", name=category.name) for category in known if category.code == ticket.category]
    return told


async def visit_notes(db: Db, hall: Hall, ticket: Ticket, say: Words) -> list[str]:
    """What the visitor came for, and what the desk found when it looked the papers over."""
    told = []
    named = await some(db, hall, ticket.matters)
    for matter in named:
        told.append(say("console.matters", matters=matter_name(say, matter)))
        if matter.parts:
            parts = await some(db, hall, matter.parts)
            told.append(say("console.parts", parts="、".join(matter_name(say, part) for part in parts)))
    free = [word for word in ticket.matters if word not in {matter.code for matter in named}]
    if free:
        told.append(say("console.matters", matters="、".join(free)))
    passed_on = [code for code, at in (await decided_at(db, hall, ticket.matters)).items() if ticket.window not in at]
    if passed_on:
        words_of = {matter.code: matter_name(say, matter) for matter in named}
        told.append(say("console.accepts_only", matters="、".join(words_of.get(code, code) for code in passed_on)))
    told += await beside.of_ticket(db, ticket.id, say)
    papers = await prechecks.of_ticket(db, ticket.id)
    if papers is not None:
        at = clock(papers.at, hall)
        told.append(say("console.papers_ready", at=at) if papers.ready
                    else say("console.papers_lacking", at=at, lacking="、".join(papers.lacking)))  # fmt: skip
    return told


def help_lines(say: Words) -> list[tuple[str, str]]:
    return [(say["console.space"] if key == "space" else key, say[f"console.do_{act}"]) for key, act in KEYS]


# --- pressing and choosing --------------------------------------------------------------------------------------


async def act(request: Request) -> Response:
    """One press of a button: done once however often it is sent, and answered with the console as it stands then."""
    hall, no, name = (request.path_params[part] for part in ("hall", "window", "act"))
    await require(request, *acts.AT_WINDOWS)
    if name not in ACTS:
        raise NotFound(what="page")
    form = await request.form()
    say, error, told, undo = words(language(request)), None, None, None
    try:
        done = await ACTS[name](request, hall, no, form, text(form, "press"))
        told, undo = said(name, done, await acts.hall_of(request, hall), say), undo_of(name, done)
    except Refused as refused:
        error = reason_of(refused, say)
    if request.headers.get("hx-request") == "true":
        return await draw(request, "_console.html", error=error, said=told, undo=undo)
    if error is not None:
        return await (choose(request, error) if name == "open" else draw(request, "console.html", error=error))
    return RedirectResponse(f"/{hall}/console/{no}", 303)


async def choose(request: Request, error: str | None = None) -> Response:
    """Which window today: a seated clerk goes straight to the own one."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *acts.AT_WINDOWS, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        floor = await list_windows(db, hall)
        mine = next((window.no for window in floor if window.clerk == person.username), None)
        if mine and error is None and "all" not in request.query_params:
            return RedirectResponse(f"/{hall.code}/console/{mine}", 303)
        on, areas = await shifts_today(db, hall, person), await zones(db, hall)
        by_zone, unseen = await zones_of(db, hall, floor, person, say, on), await unread(db, hall, person)
    shift = shift_words(on, areas, say)
    return render(
        request, "windows.html", 409 if error else 200, hall=hall, zones=by_zone, error=error, shift=shift, unread=unseen,
        overrules=bool(person.roles & set(OVERRULE)),
    )  # fmt: skip


ROUTES = [
    Route("/{hall}/console", choose, methods=["GET"]),
    Route("/{hall}/console/{window}", show, methods=["GET"]),
    Route("/{hall}/console/{window}/part", part, methods=["GET"]),
    Route("/{hall}/console/{window}/{act}", act, methods=["POST"]),
]
