"""Attendance and overtime as people read them: marks with their corrections, and the ledger of time off with its export."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor import acts, lines
from floor.database import acquire
from floor.pages import render
from floor.pages.calendar import day_word
from floor.pages.manage import plain
from floor.signin import Person, leads, require
from floor.words import Words, language, words
from queueing.halls import business_day
from scheduling.roster.attendance import JUDGED, Mark
from scheduling.roster.overtime import LEAST, Entry, balance, hours, ledger
from scheduling.roster.planned import clock

READERS = ("manager", "leader", "auditor")
COLUMNS = ("clerk", "day", "kind", "minutes", "rate", "credit_minutes", "taken_minutes", "until_day")


# --- marks ----------------------------------------------------------------------------------------------------------


def mark_row(mark: Mark, names: dict[str, str], say: Words, person: Person | None = None) -> dict[str, Any]:
    """A mark as a line: what was found, and what somebody judged it to be. `mine`: this person may judge it."""
    begins = clock(mark.begins)
    found = (
        say("attendance.still", begins=begins)
        if mark.ends is None
        else say("attendance.span", begins=begins, ends=clock(mark.ends), n=mark.ends - mark.begins)
    )
    by = (mark.corrected_by or "").partition(":")[2]
    corrected = mark.judged and say(
        "attendance.corrected", judged=say[f"attendance.{mark.judged}"], reason=mark.reason, by=names.get(by, by)
    )
    return {
        "id": mark.id, "day": mark.day, "word": day_word(mark.day, say), "clerk": mark.clerk,
        "name": names.get(mark.clerk, mark.clerk), "kind": say[f"attendance.{mark.kind}"], "found": found,
        "corrected": corrected, "counts": mark.judged != "excused", "mine": person is not None and leads(person, mark.zone),
        "choices": [{"code": code, "word": say[f"attendance.{code}"]} for code in JUDGED],
    }  # fmt: skip


# --- overtime -------------------------------------------------------------------------------------------------------


def entry_row(entry: Entry, say: Words) -> dict[str, Any]:
    """A day of overtime as a line."""
    return {
        "word": day_word(entry.day, say), "kind": say[f"attendance.{entry.kind}"], "worked": entry.minutes,
        "by_hours": entry.by_hours, "credit": said_hours(entry.credit, say),
        "taken": said_hours(entry.taken, say) if entry.taken else "",
        "until": say("attendance.until", day=day_word(entry.until, say)) if entry.until else "",
    }  # fmt: skip


def said_hours(minutes: int, say: Words) -> str:
    return say("attendance.hours", n=hours(minutes))


def totals(entries: Sequence[Entry], names: dict[str, str], today: date, say: Words) -> list[dict[str, Any]]:
    """A line for each clerk: what was worked, what it is worth, what was taken, lost and is left."""
    found = []
    for clerk in sorted({entry.clerk for entry in entries}):
        own = [entry for entry in entries if entry.clerk == clerk]
        credit, taken, left = sum(it.credit for it in own), sum(it.taken for it in own), balance(own, today)
        minutes = {kind: sum(it.minutes for it in own if it.kind == kind) for kind in ("drain", "weekend", "holiday")}
        found.append(
            {"name": names.get(clerk, clerk), **{kind: hours(worked) for kind, worked in minutes.items()},
             "credit": hours(credit), "taken": hours(taken), "lost": hours(credit - taken - left), "left": hours(left)}
        )  # fmt: skip
    return found


def zone_seen(person: Person) -> str | None:
    """The zone somebody reads of; None: all of them."""
    return None if person.roles & {"manager", "auditor"} else person.zone


async def overtime(request: Request) -> Response:
    """Everybody's overtime: a manager's and an auditor's whole hall, a leader's own zone."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *READERS, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        entries, names = await ledger(db, hall, zone=zone_seen(person)), await lines.names(db, hall)
        today = await business_day(db, hall)
    return render(
        request, "overtime.html", hall=hall, least=hall.value(LEAST), totals=totals(entries, names, today, say),
        entries=[entry_row(entry, say) | {"name": names.get(entry.clerk, entry.clerk)} for entry in entries[:200]],
    )  # fmt: skip


async def export(request: Request) -> Response:
    """The same day by day as a file a spreadsheet opens."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *READERS, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        entries, names = await ledger(db, hall, zone=zone_seen(person)), await lines.names(db, hall)
    sheet = io.StringIO()
    out = csv.writer(sheet)
    out.writerow([say[f"attendance.{column}"] for column in COLUMNS])
    for it in entries:
        kind = say[f"attendance.{it.kind}"]
        out.writerow(
            [plain(names.get(it.clerk, it.clerk)), it.day, kind, it.minutes, it.rate, it.credit, it.taken, it.until or ""]
        )
    headers = {"content-disposition": 'attachment; filename="overtime.csv"', "cache-control": "no-store"}
    return Response("\ufeff" + sheet.getvalue(), headers=headers, media_type="text/csv; charset=utf-8")


ROUTES = [
    Route("/{hall}/overtime", overtime, methods=["GET"]),
    Route("/{hall}/overtime.csv", export, methods=["GET"]),
]
