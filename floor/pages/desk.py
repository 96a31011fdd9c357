"""The guide desk: who comes for what, a number by hand, papers looked over, told once, questions counted, a number found."""

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices import health, registry
from floor import acts, beside, lines
from floor.acts import ladder
from floor.acts.desk import AT_DESK
from floor.catalogue.kept import known
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.console import text, typed
from floor.pages.desk_offers import steps_of, unanswered
from floor.pages.desk_papers import choices, in_visitors_words, papers_of, slip_told, slips_of
from floor.pages.desk_pauses import pauses
from floor.pages.machines import place_of
from floor.pages.rating_kiosk import question_code
from floor.pages.staffed import clock, localized, now_of, reason_of
from floor.pages.wording import matter_name, minutes
from floor.signin import require
from floor.words import Words, language, spoken, words
from queueing import consultations, slips
from queueing.errors import NotFound, Refused
from queueing.forecast import standing
from queueing.halls import Hall, services
from queueing.matters import decided_at, some
from queueing.slips import LONG, plain_code
from queueing.tickets import LIVE, Ticket, by_key, find

CLASSES = ("natural", "legal", "consult", "complaint")  # who comes: a person, a company, with a question, with a complaint


async def show(request: Request) -> Response:
    return await draw(request, "desk.html", asked(request))


async def part(request: Request) -> Response:
    return await draw(request, "_desk.html", asked(request))


def asked(request: Request) -> str:
    """The number, or the codes of slips, that are looked for."""
    return request.query_params.get("number", "").strip()[:80]


def wish(request: Request) -> tuple[str, str]:
    """Who stands at the desk (a class of visitors, or anybody), and the matter whose papers are looked at without a number."""
    who = request.query_params.get("who", "")
    return who if who in CLASSES else "", request.query_params.get("matter", "")[:32]


async def draw(
    request: Request, template: str, number: str, *, error: str | None = None, said: str | None = None, undo: int | None = None
) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *AT_DESK, hall=hall.id)
    say, (who, matter) = words(language(request)), wish(request)
    ticket, told_before = None, []
    async with acquire(request.app.state.pool) as db:
        if all(len(plain_code(code)) == LONG for code in number.split(",")):
            try:
                told_before = [await slips.by_code(db, hall, code) for code in number.split(",")]
            except NotFound:
                error = error or say("desk.not_found", number=number)
        elif number:
            found = await found_by(db, hall, number)
            ticket, number = (await told(db, hall, found, say), found.number) if found else (None, number)
            error = error or (None if ticket else say("desk.not_found", number=number))
        seen = await look(db, hall, who, say)
        codes = [matter] if matter else ticket["matters"] if ticket else told_before[0].matters if told_before else []
        visit = ticket["id"] if ticket else None
        papers = await papers_of(db, hall, visit, codes, say)
        known_slips = [await slip_told(db, hall, slip, say) for slip in told_before] or await slips_of(db, hall, visit, say)
    return render(
        request, template, hall=hall, number=number, ticket=ticket, error=error, said=said, undo=undo, who=who, matter=matter,
        question=question_code(request, hall, undo) if undo else None,
        classes=CLASSES, papers=papers, slips=known_slips, **seen,
    )  # fmt: skip


PAPER = re.compile(r"/t/([\w-]{22})$")  # what the code on a paper says at its end


async def found_by(db: Db, hall: Hall, asked_for: str) -> Ticket | None:
    """The ticket of a number of today, or of the code on any day's paper, read by a scanner into the same field."""
    paper = PAPER.search(asked_for.partition("?")[0])
    if paper is None:
        found = await find(db, hall, number=asked_for.upper()[:12])
        return found[0] if found else None
    try:
        ticket = await by_key(db, paper[1])
    except NotFound:
        return None
    return ticket if ticket.hall == hall.id else None


async def look(db: Db, hall: Hall, who: str, say: Words) -> dict[str, Any]:
    """What the desk always sees: services for this kind of visitor, head starts, printers, questions, and who was missed."""
    missed = await find(db, hall, state="missed", limit=200)
    suited, now = await lines.classes(db, hall), await now_of(db)
    return {
        "now": now,
        "services": [localized(service, say) for service in await services(db, hall)
                     if not who or suited.get(service.code) in (None, who)],
        "categories": await lines.categories(db, hall),
        "printers": await printers(db, hall, say),
        "questions": await consultations.today(db, hall),
        "pauses": await pauses(db, hall, now, say),
        "unanswered": await unanswered(db, hall, now, say),
        "missed": [{"number": ticket.number, "service": ticket.service, "at": clock(ticket.called_at, hall)}
                   for ticket in sorted(missed, key=lambda ticket: ticket.called_at or ticket.joined_at, reverse=True)],
    }  # fmt: skip


async def printers(db: Db, hall: Hall, say: Words) -> list[dict[str, Any]]:
    """The dispensers a paper may come out of, those that are ready first."""
    listed = []
    for device in await registry.list_devices(db, hall.id):
        if device.kind == "dispenser" and device.revoked_at is None:
            ready = device.present and await health.printer_ready(db, device.id)
            word = "" if ready else say["desk.printer_away"]
            listed.append({"id": device.id, "name": place_of(device, say), "ready": ready, "word": word})
    return sorted(listed, key=lambda printer: not printer["ready"])


async def told(db: Db, hall: Hall, ticket: Ticket, say: Words) -> dict[str, Any]:
    """One ticket as the desk reads it out."""
    named = {service.code: localized(service, say).word for service in await services(db, hall)}
    before, wait = await standing(db, ticket)
    categories = {category.code: category.name for category in await lines.categories(db, hall)}
    verified = await lines.verified(db, ticket.id)
    return {
        "beside": await beside.of_ticket(db, ticket.id, say),
        "id": ticket.id, "key": ticket.key, "number": ticket.number, "state": ticket.state, "window": ticket.window,
        "ahead": before, "words": "、".join(f"{code} {named.get(code, '')}" for code in ticket.services),
        "taken": clock(ticket.joined_at, hall), "wait": minutes(say, wait) if wait else "",
        "category": categories.get(ticket.category or "", ""), "verified": verified, "live": ticket.state in LIVE,
        "matters": ticket.matters, "lang": ticket.lang, "steps": await steps_of(db, hall, ticket, say),
        "for": "、".join(matter_name(say, matter) for matter in await some(db, hall, ticket.matters)),
    }  # fmt: skip


# --- choosing matters -------------------------------------------------------------------------------------------


async def matters(request: Request) -> Response:
    """The matters that fit what is typed; those picked stay picked."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *AT_DESK, hall=hall.id)
    say, (who, _) = words(language(request)), wish(request)
    picked, typed_in = request.query_params.getlist("matter"), request.query_params.get("q", "")
    async with acquire(request.app.state.pool) as db:
        kept = await known(request, db, hall)
        doors = {service.code: service.status for service in await services(db, hall)}
        decided = await decided_at(db, hall)
    rows = choices(kept, typed_in, picked, who, doors, say, decided)
    return render(request, "_desk_matters.html", hall=hall, rows=rows, typed=typed_in, number=asked(request), who=who)


# --- acts -------------------------------------------------------------------------------------------------------


async def take(request: Request) -> Response:
    """Issue a number by hand; a head start that needs a paper is given only when one was seen."""
    hall_code, form = request.path_params["hall"], await request.form()
    hall, say = await acts.hall_of(request, hall_code), words(language(request))
    await require(request, "desk", "manager", hall=hall.id)
    category, evidence = text(form, "category"), text(form, "evidence")
    chosen = [str(code) for code in form.getlist("matter")]
    try:
        async with acquire(request.app.state.pool) as db:
            head_starts = {row.code: row for row in await lines.categories(db, hall)}
        if category in head_starts and head_starts[category].needs_evidence and evidence is None:
            return await answer(request, "", error=say("desk.evidence_needed", name=head_starts[category].name))
        act = await acts.take(
            request, hall_code, [] if chosen else [typed(form, "service")], matters=chosen, category=category, evidence=evidence,
            id_number=text(form, "id_number"), print_at=text(form, "print_at"), slip=text(form, "slip"),
            press=text(form, "press"),
        )  # fmt: skip
    except Refused as refused:
        return await answer(request, "", error=reason_of(refused, say))
    return await answer(request, act.ticket.number, said=say("desk.said_take", number=act.ticket.number))


async def act(request: Request) -> Response:
    """One act on the ticket that was found."""
    key, name = request.path_params["key"], request.path_params["act"]
    await require(request, *AT_DESK)
    form, say = await request.form(), words(language(request))
    press = text(form, "press")
    _, ticket = await acts.ticket_of(request, key)
    shown = f"/t/{key}" if ticket.state == "expired" else ticket.number  # of another day: today's number is somebody else's
    try:
        match name.partition("-")[0]:
            case "release":
                await acts.release(request, key, press=press)
            case "restore":
                await acts.restore(request, key, typed(form, "position"), press=press)
            case "reprint":
                await acts.reprint(request, key, text(form, "print_at"), press=press)
            case "cancel":
                await acts.cancel(request, key, press=press)
            case "offer":
                await ladder.offer(request, key, typed(form, "step"))
            case "accept":
                await ladder.take_slot(request, key, press=press)
            case "ask":
                await ladder.take_on(request, key, typed(form, "step"))
            case "refuse":
                await ladder.refuse(request, key, typed(form, "step"), text(form, "why") or "other", press=press)
            case _:
                raise NotFound(what="page")
    except NotFound:
        raise
    except Refused as refused:
        return await answer(request, shown, error=reason_of(refused, say))
    return await answer(request, shown, said=say(f"desk.said_{name.partition('-')[0]}", number=ticket.number))


async def tell(request: Request) -> Response:
    """Note what a ticket's papers lack; or tell it once too: kept, printed where asked, and the number is given back if the
    visitor goes home."""
    hall, form = request.path_params["hall"], await request.form()
    say, press, key = words(language(request)), text(form, "press"), text(form, "key")
    await require(request, *AT_DESK)
    lacking = [str(each) for each in form.getlist("lacking")] + [each for each in [text(form, "other")] if each]
    number = text(form, "number") or ""
    try:
        if key and text(form, "do") == "precheck":
            await acts.precheck(request, key, lacking, press=press)
            return await answer(request, number, said=say("desk.said_precheck", number=number))
        if not lacking:
            return await answer(request, number, error=say["desk.nothing_lacking"])
        of, lang = [str(each) for each in form.getlist("of")], spoken(text(form, "lang")) or say.lang
        async with acquire(request.app.state.pool) as db:
            read = await in_visitors_words(db, await acts.hall_of(request, hall), of, lacking, say, lang)
        code = await acts.tell_once(
            request, hall, read, matters=of, key=key, id_number=text(form, "id_number"), lang=lang,
            print_at=text(form, "print_at"), press=press,
        )  # fmt: skip
        if key:
            await acts.precheck(request, key, lacking, press=f"{press} papers")
        if key and text(form, "leave"):
            await acts.cancel(request, key, press=f"{press} leave")
    except Refused as refused:
        return await answer(request, number, error=reason_of(refused, say))
    return await answer(request, code, said=say("desk.said_slip", code=f"{code[:4]} {code[4:]}"))


async def reprint_slip(request: Request) -> Response:
    hall, code, form = request.path_params["hall"], request.path_params["code"], await request.form()
    say = words(language(request))
    await require(request, *AT_DESK)
    try:
        await acts.reprint_slip(request, hall, code, text(form, "print_at"), press=text(form, "press"))
    except Refused as refused:
        return await answer(request, code, error=reason_of(refused, say))
    return await answer(request, code, said=say["desk.said_slip_again"])


async def card(request: Request) -> Response:
    """The slips of whoever shows an ID card, without the paper; the number itself is in no address."""
    hall, form, say = request.path_params["hall"], await request.form(), words(language(request))
    try:
        found = await acts.slips_by_card(request, hall, text(form, "id_number") or "")
    except Refused as refused:
        return await answer(request, "", error=reason_of(refused, say))
    if not found:
        return await answer(request, "", error=say["desk.card_none"])
    return await answer(request, ",".join(slip.code for slip in found), said=say("desk.said_card", n=len(found)))


async def pause(request: Request) -> Response:
    """Keep what somebody says against a pause, or end it with a reason."""
    hall, ban, name = request.path_params["hall"], request.path_params["ban"], request.path_params["act"]
    form, say = await request.form(), words(language(request))
    try:
        match name:
            case "appeal":
                await acts.appeal(request, hall, ban, text(form, "appeal") or "")
            case "lift":
                await acts.lift(request, hall, ban, text(form, "why") or "")
            case _:
                raise NotFound(what="page")
    except Refused as refused:
        return await answer(request, asked(request), error=reason_of(refused, say))
    return await answer(request, asked(request), said=say[f"desk.said_{name}"])


async def question(request: Request) -> Response:
    """Count one question, or take the last one back."""
    hall, form = request.path_params["hall"], await request.form()
    say, press, (who, _) = words(language(request)), text(form, "press"), wish(request)
    await require(request, *AT_DESK)
    undo, back = None, text(form, "undo")
    try:
        if back and back.isdigit() and len(back) < 16:
            await acts.undo_question(request, hall, int(back), press=press)
            said = say["desk.said_question_undone"]
        else:
            tag = typed(form, "tag")
            undo = await acts.count_question(request, hall, tag, applicant=who or None, press=press)
            said = say("desk.said_question", tag=say[f"desk.tag_{tag}"])
    except Refused as refused:
        return await answer(request, asked(request), error=reason_of(refused, say))
    return await answer(request, asked(request), said=said, undo=undo)


async def answer(
    request: Request, number: str, *, error: str | None = None, said: str | None = None, undo: int | None = None
) -> Response:
    """The desk after an act: the part for a script; without one the whole page, by its own address when all went well."""
    if request.headers.get("hx-request") == "true":
        return await draw(request, "_desk.html", number, error=error, said=said, undo=undo)
    if error is not None:
        return await draw(request, "desk.html", number, error=error)
    return RedirectResponse(f"/{request.path_params['hall']}/desk?number={number}", 303)


ROUTES = [
    Route("/{hall}/desk", show, methods=["GET"]),
    Route("/{hall}/desk/part", part, methods=["GET"]),
    Route("/{hall}/desk/matters", matters, methods=["GET"]),
    Route("/{hall}/desk/take", take, methods=["POST"]),
    Route("/{hall}/desk/slip", tell, methods=["POST"]),
    Route("/{hall}/desk/slip/{code}", reprint_slip, methods=["POST"]),
    Route("/{hall}/desk/card", card, methods=["POST"]),
    Route("/{hall}/desk/pause/{ban:int}/{act}", pause, methods=["POST"]),
    Route("/{hall}/desk/question", question, methods=["POST"]),
    Route("/{hall}/desk/{key}/{act}", act, methods=["POST"]),
]
