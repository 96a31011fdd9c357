"""The roster board: who works where each day of a week, what the days need, and in words what can't be met."""

from datetime import date, timedelta
from typing import Any

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts, lines
from floor.acts import roster as changes
from floor.acts import swaps as swapping
from floor.database import acquire
from floor.pages import render
from floor.pages.attendance import mark_row
from floor.pages.calendar import date_of, day_word
from floor.pages.console import number_in, text
from floor.pages.shortages import by_day, needs, summary
from floor.pages.staffed import reason_of
from floor.pages.swaps import swap_row
from floor.pages.wording import zone_name
from floor.refusals import NotAllowed
from floor.signin import Person, leads, require
from floor.words import Words, language, words
from queueing.errors import NotFound, Refused
from queueing.halls import business_day, zones
from queueing.windows import list_windows
from scheduling.errors import BeyondTerms
from scheduling.roster.attendance import marks
from scheduling.roster.bounds import Beyond
from scheduling.roster.leave import Leave, leaves
from scheduling.roster.patterns import patterns
from scheduling.roster.planned import clock
from scheduling.roster.problem import Pattern, Plan, Problem, Shift
from scheduling.roster.solver import LIMIT_S, short_of
from scheduling.roster.store import Placed, find_roster, last_change, monday, placed, problem_of, reasons
from scheduling.roster.swaps import swaps
from scheduling.roster.why import explain

READERS = ("manager", "leader", "auditor")
TONES = 8
SHOWN = 10  # swaps that are over


async def here(request: Request) -> Response:
    """The board of this week."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *READERS, hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        week = monday(await business_day(db, hall))
    return RedirectResponse(f"/{hall.code}/roster/{week}", 303)


async def board(request: Request, *, error: str | None = None, asks: dict[str, Any] | None = None) -> Response:
    """A week: clerks by days, what the days need, where people are missing. `asks`: a shift that wants a reason first."""
    hall, week = await acts.hall_of(request, request.path_params["hall"]), week_of(request)
    person = await require(request, *READERS, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        asked = await problem_of(db, hall, week)
        found, stands = await find_roster(db, hall, week), await placed(db, hall, week)
        names, areas, floor = await lines.names(db, hall), await zones(db, hall), await list_windows(db, hall)
        undoable = await last_change(db, hall, week, by=None if "manager" in person.roles else person.actor)
        since = min(week, monday(await business_day(db, hall)))  # what waits for an answer is seen from every week
        asking, away = await leaves(db, hall, since, state="asked"), await leaves(db, hall, week, state="approved")
        swapped = [swap_row(it, names, say, person) for it in await swaps(db, hall, since)]
        why = await reasons(db, hall, week)
        found_marks = await marks(db, hall, week, week + timedelta(6))
    worked = tuple(Shift(it.day, it.clerk, it.pattern, it.zone) for it in stands if it.pattern and it.zone)
    plan = Plan("", worked, short_of(asked, worked), None, 0.0)
    named = {zone.code: zone_name(say, zone) for zone in areas}
    tones = {zone.code: n % TONES + 1 for n, zone in enumerate(areas)}
    missing = [] if found is None else explain(asked, plan)
    table = rows(asked, stands, names, tones, why, say, person)
    return render(
        request, "roster.html", 409 if error or asks else 200, hall=hall, week=week, roster=found, error=error, asks=asks,
        rest=fairness([row["rest"] for row in table], say),
        seated=sum(it.window_no is not None for it in stands),
        unseated=sum(it.pattern is not None and it.window_no is None for it in stands),
        manages="manager" in person.roles, edits=bool(person.roles & {"manager", "leader"}),
        rows=table, limit=round(LIMIT_S),
        days=[{"day": day, "word": day_word(day, say), "off": day in asked.rest_days} for day in asked.days],
        needs=needs(asked, worked, areas, named, say), short=by_day(missing, named, say), short_sum=summary(missing, named, say),
        undoable={"change": undoable[0], "whose": person_of(names, undoable[1])} if undoable else None,
        patterns=[{"code": it.code, "word": hours(it, say)} for it in asked.patterns if offered(asked, it)],
        zones=[{"code": zone.code, "name": named[zone.code], "tone": tones[zone.code], "mine": leads(person, zone.code),
                "windows": [window.no for window in floor if window.zone == zone.code]} for zone in areas],
        asking=[leave_row(it, names, say, person) for it in asking],
        away=[leave_row(it, names, say, person) for it in away if it.first <= week + timedelta(6)],
        marks=[mark_row(it, names, say, person) for it in found_marks],
        swaps=[it for it in swapped if it["state"] == "agreed"],
        swaps_open=[it for it in swapped if it["state"] == "asked"], swaps_over=[it for it in swapped if it["over"]][:SHOWN],
        marked={(it.clerk, it.day) for it in found_marks if it.judged != "excused"},
        before=(week - timedelta(7)).isoformat(), after=(week + timedelta(7)).isoformat(),
        chosen=(request.query_params.get("clerk"), request.query_params.get("day")),
    )  # fmt: skip


def week_of(request: Request) -> date:
    """The week of an address; no page for a day that is no Monday."""
    week = date_of(request.path_params["week"])
    if week != monday(week):
        raise NotFound(what="page")
    return week


def leave_row(it: Leave, names: dict[str, str], say: Words, person: Person) -> dict[str, Any]:
    """Leave as a line; `mine`: this person decides on it."""
    return {
        "id": it.id, "name": person_of(names, it.clerk), "kind": say[f"roster.leave_{it.kind}"], "note": it.note,
        "first": day_word(it.first, say), "last": day_word(it.last, say), "mine": leads(person, it.zone),
    }  # fmt: skip


def person_of(names: dict[str, str], clerk: str) -> str:
    return names.get(clerk, clerk)


def offered(asked: Problem, pattern: Pattern) -> bool:
    """Whether any day of the week has this shift."""
    return any(pattern.code in codes for codes in asked.allowed.values())


def rows(
    asked: Problem, stands: list[Placed], names: dict[str, str], tones: dict[str, int], why: dict[tuple[str, date], str],
    say: Words, person: Person,
) -> list[dict[str, Any]]:  # fmt: skip
    """A row for each clerk with a cell for each day; `mine`: this person may set it."""
    at = {(it.clerk, it.day): it for it in stands}
    shapes = {pattern.code: pattern for pattern in asked.patterns}
    found = []
    for clerk in sorted(asked.clerks, key=lambda it: (it.home or "~", it.name)):
        cells = []
        for day in asked.days:
            it = at.get((clerk.name, day))
            on = it is not None and it.pattern is not None
            shape = shapes[it.pattern] if it is not None and it.pattern is not None else None
            off = say[f"roster.leave_{clerk.away[day]}"] if day in clerk.away else ""
            off = off or (say["roster.off_by_hand"] if it is not None and not on else "")
            cells.append(
                {"day": day, "mine": leads(person, (it.zone if it else None) or clerk.home), "on": on,
                 "zone": it.zone if it else None, "fixed": it is not None and it.fixed,
                 "pattern": it.pattern if it else None, "window": it.window_no if it else None,
                 "tone": tones.get(it.zone or "", 0) if it else 0, "off": off,
                 "hours": f"{clock(shape.begins)}–{clock(shape.ends)}" if shape else "",
                 "full": " · ".join(filter(None, (hours(shape, say) if shape else off, why.get((clerk.name, day))))),
                 "wish": {1: "off", -1: "on"}.get(clerk.wishes.get(day, 0), "")}
            )  # fmt: skip
        found.append({"clerk": clerk.name, "name": person_of(names, clerk.name), "home": clerk.home, "cells": cells,
                      "mine": any(cell["mine"] for cell in cells),
                      "rest": clerk.rest_days + sum(bool(cell["on"]) and cell["day"] in asked.rest_days for cell in cells),
                      "count": sum(bool(cell["on"]) for cell in cells), "shifts": clerk.shifts})  # fmt: skip
    return found


def fairness(worked: list[int], say: Words) -> dict[str, Any]:
    """How days off worked are shared over three months, this week among them: the scale of the bars, and in words."""
    most, least = max(worked, default=0), min(worked, default=0)
    return {"most": max(most, 1), "said": say("roster.rest_said", most=most, least=least) if worked else ""}


def hours(pattern: Pattern, say: Words) -> str:
    """09:00–17:00, break 11:30–12:30"""
    pauses = [say("roster.lunch", begins=clock(begins), ends=clock(ends)) for begins, ends in pattern.breaks]
    return " · ".join([f"{clock(pattern.begins)}–{clock(pattern.ends)}", *pauses])


# --- acts -----------------------------------------------------------------------------------------------------------


async def act(request: Request) -> Response:
    """Solve, stop, place, undo or publish; decide on leave or a swap, or take leave back; judge a mark."""
    code, week, name = request.path_params["hall"], week_of(request), request.path_params["act"]
    await require(request, "manager", "leader", hall=(await acts.hall_of(request, code)).id)
    form = await request.form()
    try:
        match name:
            case "leave":
                await changes.decide_leave(request, code, number_in(form, "leave"), approve=text(form, "answer") == "yes")
            case "revoke":
                await changes.revoke_leave(request, code, number_in(form, "leave"))
            case "swap":
                approve, reason = text(form, "answer") == "yes", text(form, "reason")
                await swapping.decide(request, code, number_in(form, "swap"), approve=approve, reason=reason)
            case "mark":
                mark, judged = number_in(form, "mark"), text(form, "judged") or ""
                await changes.correct_mark(request, code, mark, judged, text(form, "reason"))
            case "solve":
                await changes.start_solving(request, code, week)
            case "stop":
                await changes.stop_solving(request, code, week)
            case "undo":
                await changes.undo(request, code, week, number_in(form, "change"))
            case "windows":
                await changes.set_windows(request, code, week, give=text(form, "give") == "yes")
            case "publish":
                await changes.publish(request, code, week)
            case "place":
                day = date_of(text(form, "day") or "")
                if monday(day) != week:
                    raise NotFound(what="page")
                clerk, pattern, zone, window = (text(form, name) for name in ("clerk", "pattern", "zone", "window"))
                moved = (text(form, "from_clerk"), text(form, "from_day"))
                source = (moved[0], date_of(moved[1])) if moved[0] and moved[1] else None
                why = text(form, "reason")
                await changes.place(request, code, day, clerk or "", pattern, zone, window, source=source, reason=why)
            case _:
                raise NotFound(what="page")
    except (NotFound, NotAllowed):
        raise
    except BeyondTerms as refused:
        return await board(request, asks=await asking_why(request, form, refused))
    except Refused as refused:
        async with acquire(request.app.state.pool) as db:
            named = await lines.names(db, await acts.hall_of(request, code))
        refused.details |= {"clerk": named.get(str(refused.details.get("clerk", "")), "")}
        return await board(request, error=reason_of(refused, words(language(request))))
    return RedirectResponse(f"/{code}/roster/{week}", 303)


PLACED = ("clerk", "day", "pattern", "zone", "window", "from_clerk", "from_day")


async def asking_why(request: Request, form: FormData, refused: BeyondTerms) -> dict[str, Any]:
    """What a shift would go beyond, in words, and the form again that sets it with a reason."""
    say, hall = words(language(request)), await acts.hall_of(request, request.path_params["hall"])
    async with acquire(request.app.state.pool) as db:
        names, shapes = await lines.names(db, hall), {one.code: one for one in (await patterns(db, hall))[0]}
    typed = {name: text(form, name) or "" for name in PLACED}
    shape, day = shapes[typed["pattern"]], date_of(typed["day"])
    found: list[Beyond] = refused.details["found"]  # type: ignore[assignment]
    return {
        "typed": typed, "line": say("roster.beyond_line", name=person_of(names, typed["clerk"]), day=day_word(day, say),
                                    hours=hours(shape, say)),
        "found": [say(f"roster.beyond_{one.what}", n=one.is_, most=one.most, who=person_of(names, one.who)) for one in found],
    }  # fmt: skip


ROUTES = [
    Route("/{hall}/roster", here, methods=["GET"]),
    Route("/{hall}/roster/{week}", board, methods=["GET"]),
    Route("/{hall}/roster/{week}/{act}", act, methods=["POST"]),
]
