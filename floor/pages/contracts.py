"""Who works here on which terms: contracts and skills of the clerks, and the ways to work a day the roster chooses from."""

from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts, lines
from floor.acts import contracts as changes
from floor.database import acquire
from floor.pages import render
from floor.pages.calendar import date_of, day_word, kind_word
from floor.pages.console import number_in, text
from floor.pages.console import whole as number
from floor.pages.staffed import clock as at_clock
from floor.pages.staffed import localized, reason_of
from floor.pages.wording import zone_name
from floor.people import list_users
from floor.signin import Person, require
from floor.words import Words, language, words
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall, business_day, services, zones
from scheduling.day_types import day_types
from scheduling.roster.patterns import Kept, code_of, kept_patterns
from scheduling.roster.people import EMPLOYMENT, Contract, contracts, skills_of
from scheduling.roster.planned import clock
from scheduling.roster.problem import Pattern
from scheduling.roster.terms import Change, last_change

READERS = ("manager", "leader", "auditor")
SOON = timedelta(30)  # a skill that ends within so long is shown as ending
BREAKS = 3


# --- contracts ------------------------------------------------------------------------------------------------------


async def index(request: Request) -> Response:
    """Everybody who works at windows, with what they agreed to."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *READERS, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        today = await business_day(db, hall)
        kept = {it.clerk: it for it in await contracts(db, hall)}
        named = {zone.code: zone_name(say, zone) for zone in await zones(db, hall)}
        users, last = await list_users(db, hall.id), await last_change(db, hall, "contract")
        clerks = [user for user in users if "clerk" in user.roles and not user.disabled]
    rows = [
        {"clerk": user.username, "name": user.name, "number": user.number, "has": user.username in kept,
         **terms(kept.get(user.username, Contract(user.username)), named, today)}
        for user in clerks if reads(person, kept.get(user.username))
    ]  # fmt: skip
    named = {user.username: user.name for user in users}
    return render(
        request, "contracts.html", hall=hall, rows=rows, edits="manager" in person.roles,
        last=told_change(hall, last, named.get(last.subject, ""), named, say) if last and "manager" in person.roles else None,
    )  # fmt: skip


def told_change(hall: Hall, change: Change, what: str, named: dict[str, str], say: Words) -> dict[str, Any]:
    """The last change in one line, and its number for the button that takes it back."""
    by, day = named.get(change.actor.partition(":")[2], ""), change.at.astimezone(ZoneInfo(hall.time_zone)).date()
    said = say("contracts.changed", what=what, by=by, day=day_word(day, say), at=at_clock(change.at, hall))
    return {"number": change.id, "said": said}


def reads(person: Person, it: Contract | None) -> bool:
    """Whether somebody may read a contract: a leader of a zone those of the zone alone."""
    return "manager" in person.roles or person.zone is None or it is None or it.home == person.zone


def terms(it: Contract, named: dict[str, str], today: date) -> dict[str, Any]:
    ending = sorted(code for code, until in it.skills.items() if until is not None and today <= until < today + SOON)
    over = sorted(code for code, until in it.skills.items() if until is not None and until < today)
    return {
        "shifts": it.shifts, "hours": it.hours, "stretch": it.stretch, "employment": it.employment,
        "home": named.get(it.home or "", ""), "zones": [named[code] for code in it.zones if code in named],
        "skills": sorted(set(it.skills) - set(over)), "ending": ending, "over": over,
    }  # fmt: skip


async def show(request: Request, *, error: str | None = None) -> Response:
    """One clerk's contract as a form."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *READERS, hall=hall.id)
    say, clerk = words(language(request)), request.path_params["clerk"]
    async with acquire(request.app.state.pool) as db:
        found = next(iter(await contracts(db, hall, clerk)), None)
        it = found or Contract(clerk, skills=await skills_of(db, hall, clerk))
        names, areas, offered = await lines.names(db, hall), await zones(db, hall), await services(db, hall)
        shapes = await kept_patterns(db, hall, await business_day(db, hall))
    if clerk not in names or not reads(person, found):
        raise NotFound(what="user")
    return render(
        request, "contract.html", 200 if error is None else 409, hall=hall, it=it, name=names[clerk], error=error,
        new=found is None, edits="manager" in person.roles, employment=EMPLOYMENT,
        zones=[{"code": zone.code, "name": zone_name(say, zone)} for zone in areas],
        services=[localized(service, say) for service in offered],
        patterns=[{"code": one.pattern.code, "word": full_hours(one.pattern)} for one in shapes if one.day_types],
    )  # fmt: skip


async def save(request: Request) -> Response:
    """Keep a contract, whole."""
    code, clerk, say = request.path_params["hall"], request.path_params["clerk"], words(language(request))
    await require(request, "manager", hall=(await acts.hall_of(request, code)).id)
    form = await request.form()
    try:
        await changes.set_contract(request, code, asked(form, clerk))
    except NotFound:
        raise
    except Refused as refused:
        return await show(request, error=reason_of(refused, say))
    return RedirectResponse(f"/{code}/contracts", 303)


async def undo(request: Request) -> Response:
    """Take back the last change of a contract."""
    code = request.path_params["hall"]
    await changes.undo(request, code, "contract", number_in(await request.form(), "change"))
    return RedirectResponse(f"/{code}/contracts", 303)


def asked(form: FormData, clerk: str) -> Contract:
    """A contract from its form."""
    patterns = tuple(map(str, form.getlist("patterns")))
    skills: dict[str, date | None] = {}
    for code in map(str, form.getlist("skills")):
        until = text(form, f"until_{code}")
        skills[code] = date_of(until) if until else None
    return Contract(
        clerk, whole(form, "shifts", 0, 7), whole(form, "hours", 1, 60) if text(form, "hours") else None,
        whole(form, "stretch", 1, 7), text(form, "employment") or "", text(form, "home"), tuple(map(str, form.getlist("zones"))),
        patterns or None, skills,
    )  # fmt: skip


def whole(form: FormData, field: str, low: int, high: int) -> int:
    typed = number(text(form, field) or "", high)
    if typed is None or typed < low:
        raise BadInput(field=field, message=f"{low} to {high}")
    return typed


# --- patterns -------------------------------------------------------------------------------------------------------


def hours_of(pattern: Pattern) -> str:
    """09:00–17:00"""
    return f"{clock(pattern.begins)}–{clock(pattern.ends)}"


def full_hours(pattern: Pattern) -> str:
    """09:00–17:00 (11:30–12:30): two with the same hours differ in their breaks."""
    breaks = ", ".join(f"{clock(begins)}–{clock(ends)}" for begins, ends in pattern.breaks)
    return f"{hours_of(pattern)} ({breaks})" if breaks else hours_of(pattern)


async def patterns(request: Request, *, error: str | None = None) -> Response:
    """The ways to work a day, by kind of day, and a form for one of the hall's own."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *READERS, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        kinds, found = await day_types(db, hall), await kept_patterns(db, hall, await business_day(db, hall))
        last, named = await last_change(db, hall, "pattern"), await lines.names(db, hall)
    hours_by_code = {one.pattern.code: hours_of(one.pattern) for one in found}
    chosen = next((one for one in found if one.pattern.code == request.query_params.get("of")), None)
    return render(
        request, "patterns.html", 200 if error is None else 409, hall=hall, error=error, edits="manager" in person.roles,
        kinds=[{"code": code, "word": kind_word(kind, say)} for code, kind in kinds.items()],
        rows=[
            {"code": one.pattern.code, "hours": hours_of(one.pattern), "laid": one.laid, "used": one.used,
             "breaks": [f"{clock(begins)}–{clock(ends)}" for begins, ends in one.pattern.breaks],
             "kinds": [kind_word(kinds[kind], say) for kind in one.day_types if kind in kinds],
             "not_before": [full_hours(other.pattern) for other in found if other.pattern.code in one.pattern.not_before]}
            for one in found
        ],
        last=told_change(hall, last, hours_by_code.get(last.subject, last.subject), named, say) if last else None,
        chosen=chosen, form=form_of(chosen), slots=range(BREAKS),
        others=[{"code": one.pattern.code, "hours": full_hours(one.pattern)} for one in found if one.day_types],
    )  # fmt: skip


def form_of(chosen: Kept | None) -> dict[str, Any]:
    """What the fields hold: a pattern's own times, or nothing."""
    if chosen is None:
        return {"begins": "", "ends": "", "breaks": [("", "")] * BREAKS, "kinds": (), "not_before": ()}
    it = chosen.pattern
    breaks = [(clock(begins), clock(ends)) for begins, ends in it.breaks] + [("", "")] * BREAKS
    return {"begins": clock(it.begins), "ends": clock(it.ends), "breaks": breaks[:BREAKS], "kinds": chosen.day_types,
            "not_before": it.not_before}  # fmt: skip


async def change(request: Request) -> Response:
    """Keep a pattern, let it go, or let it follow the sessions again."""
    code, say = request.path_params["hall"], words(language(request))
    await require(request, "manager", hall=(await acts.hall_of(request, code)).id)
    form = await request.form()
    try:
        if text(form, "do") == "undo":
            await changes.undo(request, code, "pattern", number_in(form, "change"))
        elif text(form, "do") in ("retire", "follow"):
            await changes.leave_pattern(request, code, text(form, "code") or "", follow=text(form, "do") == "follow")
        else:
            await changes.set_pattern(request, code, asked_pattern(form), list(map(str, form.getlist("kinds"))))
    except NotFound:
        raise
    except Refused as refused:
        return await patterns(request, error=reason_of(refused, say))
    return RedirectResponse(f"/{code}/patterns", 303)


def asked_pattern(form: FormData) -> Pattern:
    """A pattern from its form; an end at or before its beginning is on the next date."""
    begins = minute(form, "begins")
    ends = minute(form, "ends")
    ends += 24 * 60 if ends <= begins else 0
    pauses = [
        (minute(form, f"away_{n}"), minute(form, f"back_{n}")) for n in range(BREAKS)
        if text(form, f"away_{n}") or text(form, f"back_{n}")
    ]  # fmt: skip
    night = [(away + 24 * 60, back + 24 * 60) if away < begins else (away, back) for away, back in pauses]
    known = text(form, "code") or "own_" + code_of(begins, ends) + "".join(f"_{away // 60:02}" for away, _ in pauses)
    return Pattern(known[:24], begins, ends, tuple(sorted(night)), tuple(map(str, form.getlist("not_before"))))


def minute(form: FormData, field: str) -> int:
    """A time of day in minutes after midnight."""
    hour, _, rest = (text(form, field) or "").partition(":")
    if not (hour.isdecimal() and len(hour) < 3 and rest[:2].isdecimal() and int(hour) < 24 and int(rest[:2]) < 60):
        raise BadInput(field=field, message="a time of day like 08:30")
    return int(hour) * 60 + int(rest[:2])


ROUTES = [
    Route("/{hall}/contracts", index, methods=["GET"]),
    Route("/{hall}/contracts", undo, methods=["POST"]),
    Route("/{hall}/contracts/{clerk}", show, methods=["GET"]),
    Route("/{hall}/contracts/{clerk}", save, methods=["POST"]),
    Route("/{hall}/patterns", patterns, methods=["GET"]),
    Route("/{hall}/patterns", change, methods=["POST"]),
]
