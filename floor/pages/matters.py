"""The catalogue of matters for those who run the hall: what is offered, what lacks a window, and a new file put in."""

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.catalogue import drafts, sheets
from floor.catalogue.drafts import Difference, Draft
from floor.catalogue.kept import Known, known
from floor.catalogue.reading import table
from floor.catalogue.sheets import MOST_BYTES, XLSX, Unreadable
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.console import text, whole
from floor.pages.kiosk import beside_ours
from floor.pages.staffed import clock, localized, reason_of
from floor.pages.wording import days, matter_name
from floor.quality import one_number
from floor.signin import require
from floor.words import Words, language, words
from queueing import foreign
from queueing.errors import CatalogueMoved, ForeignTaken, NotFound, NotInThatState
from queueing.halls import Hall, services
from queueing.matters import Matter

WATCH = ("manager", "leader", "auditor")
SYSTEM = re.compile(r"[a-z0-9_-]{1,40}")
MOST_SHOWN = 300  # of one kind in a preview
SIDES = ("new", "changed", "same")


async def show(request: Request) -> Response:
    return await draw(request, "matters.html")


async def part(request: Request) -> Response:
    return await draw(request, "_matters.html")


async def draw(request: Request, template: str, *, wrong: str | None = None, token: tuple[str, str] | None = None) -> Response:
    """What is offered, filtered by what somebody types."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *WATCH, hall=hall.id)
    say, asked = words(language(request)), request.query_params.get("q", "").strip()[:40]
    async with acquire(request.app.state.pool) as db:
        kept = await known(request, db, hall)
        seen = await look(db, hall, kept, asked, say)
    return render(
        request, template, 422 if wrong else 200, hall=hall, asked=asked, wrong=wrong, may_change="manager" in person.roles,
        token=token, **seen,
    )  # fmt: skip


VIEWS = """
SELECT matter, sum(views)::int AS views FROM matter_views v JOIN halls h ON h.id = v.hall
WHERE v.hall = $1 AND v.day = business_day(hall_now(), h.time_zone, h.day_starts) GROUP BY matter
"""
AT_WORK = "SELECT DISTINCT unnest(services) AS service FROM windows WHERE hall = $1 AND state = 'open'"


async def look(db: Db, hall: Hall, kept: Known, asked: str, say: Words) -> dict[str, Any]:
    """Every matter with its queue and its views, and the queues that give out numbers nobody serves now."""
    offered = kept.catalogue.offered
    views = {row["matter"]: row["views"] for row in await db.fetch(VIEWS, hall.id)}
    at_work = {row["service"] for row in await db.fetch(AT_WORK, hall.id)}
    named = {service.code: localized(service, say) for service in await services(db, hall)}
    lonely = {code for code, service in named.items() if service.status == "open" and code not in at_work}
    alone = [(f"{code} {named[code].word}", sum(m.service == code for m in offered)) for code in sorted(lonely)]
    packages = sum(bool(matter.parts) for matter in offered)
    return {
        "counts": (len(offered) - packages, packages, len(kept.catalogue.events)),
        "rows": [row(matter, views.get(matter.code, 0), matter.service in lonely, say)
                 for matter in (kept.index.find(asked, 300) if asked else offered)],
        "alone": [(word, count) for word, count in alone if count], "queues": {code: s.word for code, s in named.items()},
        "breaches": await one_number.today(db, hall),
        "systems": [(each, clock(each.told_at, hall)) for each in await foreign.systems(db, hall)],
        "beside": [beside_ours(say, hall, queue) for queue in await foreign.queues(db, hall)],
    }  # fmt: skip


def row(matter: Matter, views: int, alone: bool, say: Words) -> dict[str, Any]:
    marks = [say[f"matters.column_{flag}"] for flag in ("quick", "one_visit", "fenced") if getattr(matter, flag)]
    return {
        "code": matter.code, "name": matter_name(say, matter), "service": matter.service, "department": matter.department or "",
        "minutes": f"{matter.minutes:g}" if matter.minutes else "", "days": days(say, matter.promised_days), "marks": marks,
        "package": bool(matter.parts), "views": views, "alone": alone, "version": matter.guide_version or "",
    }  # fmt: skip


# --- a file -----------------------------------------------------------------------------------------------------


async def put_in(request: Request) -> Response:
    """Take a file and begin to read it; the page then shows how far it is."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, "manager", hall=hall.id)
    say = words(language(request))
    file = (await request.form()).get("file")
    if not isinstance(file, UploadFile) or not file.filename:
        return await draw(request, "matters.html", wrong=say["matters.unreadable_no_file"])
    content = await file.read(MOST_BYTES + 1)
    try:
        _, total = await asyncio.to_thread(sheets.rows, content)
    except Unreadable as why:
        return await draw(request, "matters.html", wrong=say[f"matters.unreadable_{why.reason}"])
    async with acquire(request.app.state.pool) as db:
        draft = await drafts.begin(db, hall, person.actor, file.filename, total and max(total - 1, 0))
    task = asyncio.create_task(drafts.read(request.app.state.pool, hall, draft, content))
    request.app.state.tasks.add(task)
    task.add_done_callback(request.app.state.tasks.discard)
    return RedirectResponse(f"/{hall.code}/matters/file/{draft}", 303)


async def preview(request: Request) -> Response:
    return await draw_file(request, "matters_file.html")


async def preview_part(request: Request) -> Response:
    return await draw_file(request, "_matters_file.html")


async def draw_file(request: Request, template: str, *, said: str | None = None, status: int = 200) -> Response:
    """A file as far as it is read, and what it would change."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, "manager", hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        draft = await drafts.get(db, hall, request.path_params["draft"])
        kept = await known(request, db, hall)
    return render(request, template, status, hall=hall, draft=draft, said=said, **compared(draft, kept, say))


def compared(draft: Draft, kept: Known, say: Words) -> dict[str, Any]:
    """Every row under what it would do; the refused ones with their reason."""
    found = drafts.compare(draft.entries, kept.catalogue, draft.given) if draft.state == "ready" else []
    sides = {side: [told(each, say) for each in found if each.kind == side] for side in SIDES}
    faults = [
        {"row": fault.row, "column": say[f"matters.column_{fault.column}"],
         "reason": say(f"matters.fault_{fault.reason}", value=fault.value)}
        for fault in draft.faults
    ]  # fmt: skip
    return {
        "sides": {side: rows[:MOST_SHOWN] for side, rows in sides.items()}, "counts": {s: len(rows) for s, rows in sides.items()},
        "faults": faults[:MOST_SHOWN], "refused": len(faults), "version": kept.catalogue.version,
        "percent": min(99, draft.done * 100 // draft.total) if draft.total else 0,
    }  # fmt: skip


def told(each: Difference, say: Words) -> dict[str, Any]:
    fields = [
        {"column": say[f"matters.column_{name}"], "before": short(before, name, say), "after": short(after, name, say)}
        for name, before, after in each.fields
    ]
    return {"row": each.row, "code": each.entry.code, "name": matter_name(say, each.entry), "fields": fields}


def short(value: Any, name: str, say: Words) -> str:
    """One cell as the table writes it, on one line."""
    if isinstance(value, bool):
        return say["matters.yes" if value else "matters.no"]
    if name == "applicant":
        return say[f"matters.applicant_{value}"]
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = "；".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value) if value not in (None, "") else say["matters.nobody"]


async def confirm(request: Request) -> Response:
    """Put the previewed rows in; when the catalogue has changed meanwhile, show the preview again instead."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, "manager", hall=hall.id)
    form, say, draft = await request.form(), words(language(request)), request.path_params["draft"]
    version = whole(text(form, "version") or "", 2**53)
    try:
        async with acquire(request.app.state.pool) as db:
            fresh, changed = await drafts.confirm(db, hall, draft, -1 if version is None else version, person.actor)
    except CatalogueMoved:
        return await draw_file(request, "matters_file.html", said=say["matters.moved"], status=409)
    except NotInThatState:
        return await draw_file(request, "matters_file.html", said=say["matters.gone"], status=409)
    acts.ring(request, hall.id)
    said = say("matters.applied", new=fresh, changed=changed)
    return await draw_file(request, "matters_file.html", said=said)


async def drop(request: Request) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, "manager", hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        await drafts.drop(db, hall, request.path_params["draft"])
    return await draw_file(request, "matters_file.html", said=words(language(request))["matters.dropped"])


async def export(request: Request) -> Response:
    """The catalogue as a file that can be put in again."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, *WATCH, hall=hall.id)
    say, kind = words(language(request)), request.path_params["kind"]
    async with acquire(request.app.state.pool) as db:
        kept = await known(request, db, hall)
    rows = list(table(kept.catalogue, say))
    if kind == "xlsx":
        content, media = await asyncio.to_thread(sheets.to_xlsx, rows, say["matters.title"]), XLSX
    elif kind == "csv":
        content, media = sheets.to_csv(rows), "text/csv; charset=utf-8"
    else:
        raise NotFound(what="page")
    headers = {"content-disposition": f'attachment; filename="matters-{hall.code}.{kind}"', "cache-control": "no-store"}
    return Response(content, headers=headers, media_type=media)


# --- other systems ----------------------------------------------------------------------------------------------


async def let_in(request: Request) -> Response:
    """Let another system tell its queues: its token is shown this once."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, "manager", hall=hall.id)
    form, say = await request.form(), words(language(request))
    system, name = (text(form, "system") or "").lower(), text(form, "name") or ""
    if not SYSTEM.fullmatch(system) or not 0 < len(name) <= 40:
        return await draw(request, "matters.html", wrong=say["matters.foreign_wrong"])
    try:
        async with acquire(request.app.state.pool) as db:
            token = await foreign.let_in(db, hall, system, name, actor=person.actor)
    except ForeignTaken as refused:
        return await draw(request, "matters.html", wrong=reason_of(refused, say))
    return await draw(request, "matters.html", token=(system, token))


async def end_system(request: Request) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, "manager", hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        await foreign.end(db, hall, request.path_params["system"])
    return RedirectResponse(f"/{hall.code}/matters", 303)


ROUTES = [
    Route("/{hall}/matters", show, methods=["GET"]),
    Route("/{hall}/matters/part", part, methods=["GET"]),
    Route("/{hall}/matters/export.{kind}", export, methods=["GET"]),
    Route("/{hall}/matters/foreign", let_in, methods=["POST"]),
    Route("/{hall}/matters/foreign/{system}/end", end_system, methods=["POST"]),
    Route("/{hall}/matters/file", put_in, methods=["POST"]),
    Route("/{hall}/matters/file/{draft}", preview, methods=["GET"]),
    Route("/{hall}/matters/file/{draft}/part", preview_part, methods=["GET"]),
    Route("/{hall}/matters/file/{draft}/confirm", confirm, methods=["POST"]),
    Route("/{hall}/matters/file/{draft}/drop", drop, methods=["POST"]),
]
