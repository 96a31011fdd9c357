"""What is pressed on the dispatch page: plans taken or left, requests answered, times set by hand, teams of the day."""

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import crews, visit_names
from floor.acts import doorstep as visiting
from floor.acts import rounds as changes
from floor.database import acquire
from floor.pages import dispatch_said as said_of
from floor.pages import render
from floor.pages.calendar import date_of, day_word
from floor.pages.console import text, typed
from floor.pages.dispatch import WATCH, bag_names, draw, free_people, matter_names
from floor.pages.dispatch_said import Said
from floor.pages.dispatched import Names, area_names, request_row
from floor.pages.staffed import clock, now_of, reason_of
from floor.pages.wording import service_name
from floor.signin import require
from floor.words import Words, language, words
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall, business_day, services
from scheduling import doorstep, looks, teams, visit_notes
from scheduling.doorstep import DECLINES, Visit
from scheduling.envelopes import Unreadable
from scheduling.errors import BadTeam, PlanOvertaken
from scheduling.rounds.ground import centre_of, teams_out, travel_of
from scheduling.teams import Team


async def act(request: Request) -> Response:
    """Everything that is pressed here. What became of it, or why not, is said on the page it was pressed on."""
    hall, name = await acts.hall_of(request, request.path_params["hall"]), request.path_params["act"]
    day = date_of(request.path_params["day"])
    await require(request, *WATCH, hall=hall.id)
    form, say = await request.form(), words(language(request))
    error, said = None, None
    try:
        said = await do(request, hall, day, name, form, say)
    except PlanOvertaken as refused:
        error = say["dispatch.undo_too_late"] if name == "undo" else reason_of(refused, say)
    except BadTeam as refused:
        error = say[f"dispatch.bad_{refused.details['rule']}"]
    except Refused as refused:
        error = reason_of(refused, say)
    except Unreadable:
        error = say["dispatch.unreadable"]
    if request.headers.get("hx-request") == "true":
        return await draw(request, "_dispatch.html", error=error, said=said)
    if error is not None:
        return await draw(request, "dispatch.html", error=error, status=409)
    return RedirectResponse(f"/{hall.code}/dispatch/{day}", 303)


async def do(request: Request, hall: Hall, day: date, name: str, form: FormData, say: Words) -> Said | None:
    """One act by its name, and what to say of it."""
    if name in OF_VISIT:
        return await on_visit(request, hall, day, name, form, say)
    match name:
        case "plan":
            await changes.start(request, hall.code, day)
            return None
        case "stop":
            await changes.stop(request, hall.code, day)
        case "take" | "undo":
            number = number_in(form, "plan")
            of_plan = {"take": changes.take, "undo": changes.take_back}[name]
            return said_of.of_plan(name, await of_plan(request, hall.code, number), number, say)
        case "refuse":
            return Said(say("dispatch.said_refuse", n=await changes.refuse(request, hall.code, number_in(form, "plan"))))
        case "out" | "back":
            return await on_team(request, hall, day, name, number_in(form, "team"), say)
        case "team":
            typed_in = crew_in(form)
            await crews.save_team(request, hall.code, day, typed_in, number_in(form, "team") if text(form, "team") else None)
            return Said(say("dispatch.said_team", team=typed_in.name))
        case "same-teams":
            last = await crews.same_teams(request, hall.code, day)
            return Said(say("dispatch.said_same_teams", day=day_word(last, say)))
        case "drop":
            await crews.drop_team(request, hall.code, number_in(form, "team"))
        case "place":
            await changes.set_place(request, hall.code, degrees(form, "lat"), degrees(form, "lon"))
        case "ways":
            await changes.set_ways(request, hall.code, text(form, "ways") or "")
        case _:
            raise NotFound(what="page")
    return Said(say[f"dispatch.said_{name}"])


OF_VISIT = ("accept", "decline", "schedule", "unschedule", "confirm")


async def on_visit(request: Request, hall: Hall, day: date, name: str, form: FormData, say: Words) -> Said:
    """An act on the visit that the form names."""
    before, press = await visit_in(request, hall, number_in(form, "visit")), text(form, "press")
    key = before.key
    if "note" in form:
        await changes.note(request, before, text(form, "note") or "")
    match name:
        case "accept":
            done = await visiting.accept(request, key, visiting.Amends(evidence=text(form, "evidence")), press=press)
        case "decline":
            done = await visiting.decline(request, key, text(form, "words") or typed(form, "why"), press=press)
        case "schedule":
            at, team = crews.moment(hall, day, typed(form, "at"), "at"), number_in(form, "team")
            if before.state == "scheduled" and (before.start, before.team) == (at, team):
                return Said(say("dispatch.said_same", id=before.id))  # whoever said yes to this time is not asked again
            done = await visiting.schedule(request, key, at, team, press=press)
        case "unschedule":
            done = await changes.unschedule(request, key, press=press)
        case _:
            await visiting.confirm(request, key, press=press)
            return Said(say("dispatch.said_confirm", id=before.id))
    async with acquire(request.app.state.pool) as db:
        return await said_of.of_visit(db, hall, day, name, before, done.visit, say)


async def on_team(request: Request, hall: Hall, day: date, name: str, team: int, say: Words) -> Said:
    """A team drops out, or goes out again."""
    told = name
    if name == "back":
        await changes.come_back(request, hall.code, day, team)
    elif not await changes.drop_out(request, hall.code, day, team):
        told = "out_free"
    async with acquire(request.app.state.pool) as db:
        return await said_of.of_team(db, hall, day, told, team, say)


def crew_in(form: FormData) -> crews.Crew:
    pause = text(form, "lunch_from"), text(form, "lunch_to")
    return crews.Crew(
        typed(form, "name"), (typed(form, "lead"), typed(form, "second")), (typed(form, "starts"), typed(form, "ends")),
        (pause[0], pause[1]) if pause[0] and pause[1] else None, [str(it) for it in form.getlist("skill")],
        [str(it) for it in form.getlist("kit")], text(form, "sure") is not None,
    )  # fmt: skip


def number_in(form: FormData, field: str) -> int:
    """A number the page itself wrote into its form; BadInput for anything else."""
    word = typed(form, field)
    if not (word.isascii() and word.isdigit() and len(word) < 19):
        raise BadInput(field=field, message="it is missing")
    return int(word)


def degrees(form: FormData, field: str) -> float:
    try:
        return float(typed(form, field))
    except ValueError:
        raise BadInput(field=field, message="degrees of latitude and longitude") from None


async def visit_in(request: Request, hall: Hall, number: int) -> Visit:
    """The visit of a number a page of this hall wrote. NotFound."""
    async with acquire(request.app.state.pool) as db:
        return await doorstep.by_number(db, hall, number)


# --- sheets -------------------------------------------------------------------------------------------------------


async def visit_sheet(request: Request) -> Response:
    """One visit: what is known without opening its envelope, and what can be done with it."""
    hall, day = await acts.hall_of(request, request.path_params["hall"]), date_of(request.path_params["day"])
    person = await require(request, *WATCH, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        visit = await doorstep.by_number(db, hall, request.path_params["id"])
        names = Names(
            say, hall, area_names(await teams.areas(db, hall), say), await matter_names(db, hall, say), {},
            await looks.masks(db, hall, [visit.id]), bag_names(await teams.kits(db, hall), say),
        )  # fmt: skip
        row, cards = request_row(visit, names, await now_of(db)), await teams.teams(db, hall, day)
        over, out = day < await business_day(db, hall), await teams_out(db, hall, day)
        try:
            note = (await visit_notes.of(db, hall, [visit.id], visiting.envelopes_of(request))).get(visit.id, "")
        except Unreadable:
            note = ""
    return render(
        request, "_dispatch_visit.html", hall=hall, day=day, row=row, state=visit.state, cards=cards, declines=DECLINES,
        handle=visit_names.open_handle(visit),
        note=note, longest=visit_notes.LONGEST, over=over, suits={team.id: suits(team, visit, out) for team in cards},
        may_look="manager" in person.roles and visit.state in ("requested", "accepted", "scheduled"),
        confirmed=visit.confirmed_at is not None, at_team=visit.team,
        at_time=clock(visit.start or wanted_on(hall, day, visit), hall),
    )  # fmt: skip


def wanted_on(hall: Hall, day: date, visit: Visit) -> datetime | None:
    """When they are at home on a day, from the earliest."""
    zone = ZoneInfo(hall.time_zone)
    return min((span["from"] for span in visit.preferred if span["from"].astimezone(zone).date() == day), default=None)


def suits(team: Team, visit: Visit, out: frozenset[int]) -> str:
    """What keeps a team from a visit, as a word of the catalogue; nothing where it may go."""
    if team.id in out:
        return "out"
    if not set(visit.skills) <= set(team.skills):
        return "skill"
    return "" if set(visit.kits) <= set(team.kits) else "kit"


async def team_sheet(request: Request) -> Response:
    """Two people put together for a day, or a team to be changed; where the hall stands, ways that were measured."""
    hall, day = await acts.hall_of(request, request.path_params["hall"]), date_of(request.path_params["day"])
    await require(request, *WATCH, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        crews, number = await teams.teams(db, hall, day), request.path_params.get("id")
        crew = next((it for it in crews if it.id == number), None)
        if number is not None and crew is None:
            raise NotFound(what="team")
        measured = (await travel_of(db, hall)).measured
        return render(
            request, "_dispatch_team.html", hall=hall, day=day, crew=crew, form=shown(hall, crew, say, len(crews) + 1),
            people=await free_people(db, hall, day, [it for it in crews if it is not crew], say),
            bags=bag_names(await teams.kits(db, hall), say),
            skills={it.code: service_name(say, it) for it in await services(db, hall)},
            centre=await centre_of(db, hall), areas=area_names(await teams.areas(db, hall), say),
            ways="\n".join(f"{key.replace('>', ',')},{it.metres / 1000:g},{it.seconds / 60:g}" for key, it in measured.items()),
        )  # fmt: skip


def shown(hall: Hall, crew: Team | None, say: Words, number: int) -> dict[str, Any]:
    """What stands in the form before anybody types."""
    if crew is None:
        return {
            "name": say("dispatch.team_name", n=number), "lead": None, "second": None, "starts": "09:00", "ends": "17:00",
            "lunch_from": "11:30", "lunch_to": "13:30", "kits": (), "skills": (),
        }  # fmt: skip
    times = {field: clock(getattr(crew, field), hall) for field in ("starts", "ends", "lunch_from", "lunch_to")}
    return times | {"name": crew.name, "lead": crew.lead, "second": crew.second, "kits": crew.kits, "skills": crew.skills}


async def who(request: Request) -> Response:
    """Name and telephone of one visit, for the manager who answers it or calls about its time; the look is on record."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, "manager", hall=hall.id)
    say, told, error = words(language(request)), None, None
    try:
        visit = await visit_in(request, hall, request.path_params["id"])
        told = await visiting.details(request, visit.key, person, calls=True)
    except Refused as refused:
        error = reason_of(refused, say)
    except Unreadable:
        error = say["dispatch.unreadable"]
    return render(request, "_dispatch_who.html", hall=hall, told=told, error=error)


ROUTES = [
    Route("/{hall}/dispatch/{day}/sheet/team", team_sheet, methods=["GET"]),
    Route("/{hall}/dispatch/{day}/sheet/team/{id:int}", team_sheet, methods=["GET"]),
    Route("/{hall}/dispatch/{day}/sheet/visit/{id:int}", visit_sheet, methods=["GET"]),
    Route("/{hall}/dispatch/{day}/who/{id:int}", who, methods=["POST"]),
    Route("/{hall}/dispatch/{day}/{act}", act, methods=["POST"]),
]
