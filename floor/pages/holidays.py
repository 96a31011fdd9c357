"""The yearly notice of public holidays, brought in as a file: looked at first, then confirmed."""

import base64
import binascii

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices import clock
from floor import acts
from floor.acts import calendar as changes
from floor.database import acquire
from floor.pages import render
from floor.pages.calendar import month, reader
from floor.pages.console import text
from floor.signin import require
from floor.words import Words, language, words
from queueing.halls import Hall
from scheduling.day_types import day_types
from scheduling.days import Calendar
from scheduling.errors import BadNotice
from scheduling.statutory import Notice, read_notice


async def show(request: Request) -> Response:
    """Where a notice is brought in as a file."""
    hall, _ = await reader(request)
    return render(request, "calendar_notice.html", hall=hall, notice=None, faults=(), content="", months=(), source="")


async def take_in(request: Request) -> Response:
    """Look at a file first: what it would make of its year. Confirmed, it is the calendar."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    await require(request, "manager", hall=hall.id)
    form, say = await request.form(), words(language(request))
    content, source = await content_of(form), text(form, "source") or ""
    try:
        read = read_notice(content, source=source or f"{clock.now().wall.year}")
    except BadNotice as bad:
        faults = [fault_word(line, fault, say) for line, fault in bad.details["rows"]]  # type: ignore[attr-defined]
        return render(
            request, "calendar_notice.html", 422, hall=hall, notice=None, faults=faults, content="", months=(), source=source
        )
    if text(form, "confirmed"):
        await changes.import_notice(request, hall.code, read)
        return RedirectResponse(f"/{hall.code}/calendar?year={read.year}", 303)
    return await preview(request, hall, read, content, say)


async def preview(request: Request, hall: Hall, read: Notice, content: bytes, say: Words) -> Response:
    async with acquire(request.app.state.pool) as db:
        kinds = await day_types(db, hall)
    known = Calendar(frozenset((read.year,)), {it.day: it for it in read.days}, {})
    return render(
        request, "calendar_notice.html", hall=hall, notice=read, faults=(), source=read.source,
        content=base64.b64encode(content).decode(), months=[month(known, kinds, read.year, n, say) for n in range(1, 13)],
    )  # fmt: skip


async def content_of(form: FormData) -> bytes:
    """The file just chosen, or the one that was looked at and is now confirmed."""
    given = form.get("file")
    if isinstance(given, UploadFile):
        return await given.read()
    try:
        return base64.b64decode(str(form.get("content") or ""), validate=True)
    except binascii.Error:
        return b""


def fault_word(line: int, fault: str, say: Words) -> str:
    """What is wrong with a row, or with the file as a whole."""
    kind, _, at = fault.partition(" ")
    sentence = say(f"calendar.fault_{kind}", day=at) if at else say[f"calendar.fault_{kind}"]
    return say("calendar.at_line", line=line, fault=sentence) if line else sentence


ROUTES = [
    Route("/{hall}/calendar/notice", show, methods=["GET"]),
    Route("/{hall}/calendar/notice", take_in, methods=["POST"]),
]
