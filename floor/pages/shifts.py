"""A clerk's own shifts, on the phone: when and where, wishes, leave, and all of it as a calendar to subscribe to."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts, lines
from floor.acts import swaps as swapping
from floor.database import acquire
from floor.pages import render
from floor.pages.attendance import entry_row, mark_row, said_hours
from floor.pages.calendar import date_of, day_word, moment_of
from floor.pages.console import number_in, text
from floor.pages.news import told
from floor.pages.staffed import now_of, reason_of
from floor.pages.swaps import swap_row
from floor.pages.wording import zone_name
from floor.signin import require
from floor.words import LANGUAGES, Words, language, words
from queueing import journal
from queueing.errors import NotFound, Refused
from queueing.halls import Hall, business_day, zones
from scheduling.roster import leave, news, swaps
from scheduling.roster.attendance import BACK_DAYS, marks
from scheduling.roster.leave import OwnShift
from scheduling.roster.overtime import balance, ledger
from scheduling.roster.planned import clock

AHEAD = 21  # days for which a wish can be given


async def show(request: Request, *, error: str | None = None) -> Response:
    """The shifts to come, and what can be asked for."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, "clerk", hall=hall.id)
    say, clerk = words(language(request)), person.username or ""
    async with acquire(request.app.state.pool) as db:
        today = await business_day(db, hall)
        token = await leave.calendar_token(db, hall, clerk)
        shifts = await leave.own_shifts(db, hall, clerk, today)
        away, wished = await leave.leaves(db, hall, today, clerk=clerk), await leave.wishes(db, hall, clerk, today)
        named = {zone.code: zone_name(say, zone) for zone in await zones(db, hall)}
        found, worked = await marks(db, hall, today - timedelta(BACK_DAYS), today, clerk), await ledger(db, hall, clerk)
        swapped = await swaps.swaps(db, hall, today - timedelta(7), clerk)
        fresh, drawn = await news.news(db, hall, clerk), await now_of(db)
        names = await lines.names(db, hall) if found or swapped or fresh else {}
    rows = [swap_row(it, names, say, person) for it in swapped[:20]]
    return render(
        request, "shifts.html", 200 if error is None else 409, hall=hall, error=error, token=token, today=today,
        days=[{"day": day, "word": day_word(day, say)} for day in (today + timedelta(n) for n in range(1, AHEAD + 1))],
        shifts=[{"word": day_word(it.day, say), "day": it.day, "today": it.day == today, "swappable": it.day > today,
                 "zone": named[it.zone], "window": it.window, "hours": hours(it),
                 "breaks": [f"{clock(begins)}–{clock(ends)}" for begins, ends in it.breaks]} for it in shifts],
        leaves=[{"id": it.id, "kind": it.kind, "state": it.state,
                 "first": day_word(it.first, say), "last": day_word(it.last, say)}
                for it in away], kinds=leave.KINDS,
        marks=[mark_row(it, names, say) for it in reversed(found)], overtime=[entry_row(it, say) for it in worked[:12]],
        wishes=[{"day": day, "word": day_word(day, say), "wish": wish} for day, wish in wished],
        news=[told(it, names, say) for it in fresh], drawn=drawn.isoformat(),
        waits=[row for row in rows if row["answers"]], swaps=[row for row in rows if not row["answers"]],
        left=said_hours(balance(worked, today), say),
    )  # fmt: skip


def hours(shift: OwnShift) -> str:
    return f"{clock(shift.begins)}–{clock(shift.ends)}"


async def act(request: Request) -> Response:
    """Ask for leave or a swap, answer one, take that back, say what one would like of a day, or that the news are read."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, "clerk", hall=hall.id)
    form, clerk = await request.form(), person.username or ""
    try:
        if request.path_params["act"] in ("swap", "answer"):
            await swap(request, hall.code, form)
            return RedirectResponse(f"/{hall.code}/shifts#swaps", 303)
        async with acquire(request.app.state.pool) as db, db.transaction():
            match request.path_params["act"]:
                case "leave":
                    first, last = date_of(text(form, "first") or ""), date_of(text(form, "last") or text(form, "first") or "")
                    kind = text(form, "kind") or ""
                    asked = await leave.ask_leave(db, hall, clerk, first, last, kind, text(form, "note"))
                    await journal.append(db, hall.id, "leave.asked", person.actor, data={"leave": asked, "clerk": clerk})
                case "withdraw":
                    number = text(form, "leave") or ""
                    if number.isascii() and number.isdigit():
                        await leave.withdraw_leave(db, hall, int(number[:9]), clerk)
                case "news":
                    await news.read_news(db, hall, clerk, moment_of(text(form, "until") or ""))
                case "wish":
                    if await leave.calendar_token(db, hall, clerk) is None:
                        raise NotFound(what="user")
                    await leave.set_wish(db, hall, clerk, date_of(text(form, "day") or ""), text(form, "wish"))
                case _:
                    raise NotFound(what="page")
    except Refused as refused:
        if isinstance(refused, NotFound):
            raise
        return await show(request, error=reason_of(refused, words(language(request))))
    return RedirectResponse(f"/{hall.code}/shifts", 303)


async def swap(request: Request, code: str, form: FormData) -> None:
    """Ask for a swap, answer one, or take one back."""
    if request.path_params["act"] == "swap":
        other, _, other_day = (text(form, "with") or "").partition(" ")
        day, theirs = date_of(text(form, "day") or ""), date_of(other_day) if other_day else None
        await swapping.ask(request, code, day, other, theirs, text(form, "press"))
        return
    number, said = number_in(form, "swap"), text(form, "say")
    if said == "withdraw":
        await swapping.withdraw(request, code, number)
    else:
        await swapping.answer(request, code, number, agree=said == "agree")


async def subscribe(request: Request) -> Response:
    """A clerk's published shifts as iCalendar. Whoever holds the address may read it; it can't be guessed."""
    async with acquire(request.app.state.pool) as db:
        found = await leave.whose_calendar(db, request.path_params["token"])
        if found is None:
            raise NotFound(what="page")
        hall = await acts.hall_by_id(request, found[0])
        shifts = await leave.own_shifts(db, hall, found[1], await business_day(db, hall) - timedelta(31))
        named, now = {zone.code: zone.name for zone in await zones(db, hall)}, await now_of(db)
    say = words(LANGUAGES[0])
    book = Calendar()
    book.add("prodid", "-//Hall//Shifts//EN")
    book.add("version", "2.0")
    book.add("x-wr-calname", f"{say['shifts.title']} · {hall.name}")
    for shift in shifts:
        book.add_component(event_of(hall, found[1], shift, named, now, say))
    book.add_missing_timezones()
    return Response(
        book.to_ical(), media_type="text/calendar; charset=utf-8",
        headers={"cache-control": "no-store", "referrer-policy": "no-referrer"},
    )  # fmt: skip


def event_of(hall: Hall, clerk: str, shift: OwnShift, named: dict[str, str], now: datetime, say: Words) -> Event:
    """One shift; its name stays the same when its hours move, so that a calendar replaces it."""
    event = Event()
    event.add("uid", f"{hall.code}-{clerk}-{shift.day}@shifts")
    event.add("dtstamp", now.astimezone(UTC))
    event.add("dtstart", moment(hall, shift.day, shift.begins))
    event.add("dtend", moment(hall, shift.day, shift.ends))
    at = f" {say('console.window', no=shift.window)}" if shift.window else ""
    event.add("summary", f"{shift.zone} {named[shift.zone]}{at}")
    breaks = "、".join(f"{clock(begins)}–{clock(ends)}" for begins, ends in shift.breaks)
    if breaks:
        event.add("description", f"{say['shifts.break']} {breaks}")
    event.add("location", hall.name)
    return event


def moment(hall: Hall, day: date, minute: int) -> datetime:
    start = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(hall.time_zone))
    return start + timedelta(minutes=minute)


ROUTES = [
    Route("/shifts/{token}.ics", subscribe, methods=["GET"]),
    Route("/{hall}/shifts", show, methods=["GET"]),
    Route("/{hall}/shifts/{act}", act, methods=["POST"]),
]
