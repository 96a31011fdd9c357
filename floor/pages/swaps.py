"""A shift to be exchanged: the colleagues who could take it over, and what was asked, agreed and decided so far."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor import acts, lines
from floor.database import acquire
from floor.pages import render
from floor.pages.calendar import date_of, day_word
from floor.pages.wording import zone_name
from floor.signin import Person, require
from floor.words import Words, language, words
from queueing.errors import NotFound
from queueing.halls import business_day, zones
from scheduling.roster.swaps import AHEAD, Swap, options, world

SHOWN = 60  # colleagues offered at once


def swap_row(swap: Swap, names: dict[str, str], say: Words, person: Person) -> dict[str, Any]:
    """A swap as a line, with what this person may do about it."""
    asker, other = names.get(swap.asker, swap.asker), names.get(swap.other, swap.other)
    day = day_word(swap.day, say)
    line = (
        say("swaps.exchange", asker=asker, day=day, other=other, other_day=day_word(swap.other_day, say))
        if swap.other_day
        else say("swaps.takeover", asker=asker, day=day, other=other)
    )
    leads = "leader" in person.roles and (person.zone is None or not set(swap.zones) - {person.zone})
    answers = swap.state == "asked" and swap.other == person.username
    return {
        "id": swap.id, "line": line, "state": swap.state, "reason": swap.reason,
        "word": say["swaps.asked_you" if answers else f"swaps.{swap.state}"], "answers": answers,
        "withdraws": swap.state in ("asked", "agreed") and swap.asker == person.username,
        "decides": swap.state == "agreed" and ("manager" in person.roles or leads), "over": swap.state not in ("asked", "agreed"),
    }  # fmt: skip


async def choose(request: Request) -> Response:
    """Who could take the shift of a day over, and which of theirs could be had for it."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, "clerk", hall=hall.id)
    day, say, clerk = date_of(request.path_params["day"]), words(language(request)), person.username or ""
    async with acquire(request.app.state.pool) as db:
        today = await business_day(db, hall)
        here = await world(db, hall, min(day, today), max(day, today + timedelta(AHEAD)))
        names = await lines.names(db, hall)
        named = {zone.code: zone_name(say, zone) for zone in await zones(db, hall)}
    mine = here.shifts.get((clerk, day))
    if mine is None or day < today:
        raise NotFound(what="page")
    found = options(here, clerk, day, today)
    return render(
        request, "swap.html", hall=hall, day=day, word=day_word(day, say), zone=named[mine.zone], more=max(0, len(found) - SHOWN),
        choices=[{"value": f"{it.other} {it.other_day or ''}", "name": names.get(it.other, it.other),
                  "give": day_word(it.other_day, say) if it.other_day else None,
                  "zone": named[it.held.zone] if it.held else ""} for it in found[:SHOWN]],
    )  # fmt: skip


ROUTES = [Route("/{hall}/shifts/swap/{day}", choose, methods=["GET"])]
