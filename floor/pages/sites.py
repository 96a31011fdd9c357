"""The stations of a centre: where they are, how a window reaches them, and the figures of those that count for themselves."""

from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import acts
from floor.acts import stations as acting
from floor.acts.tickets import seal_of
from floor.api.problems import status_of
from floor.database import acquire
from floor.pages import render
from floor.pages.calendar import date_of, day_word
from floor.pages.console import text, typed
from floor.pages.staffed import reason_of
from floor.quality import rollup
from floor.signin import require
from floor.words import Words, language, words
from queueing import sites
from queueing.errors import Refused
from queueing.halls import business_day
from queueing.sites import LEVELS, Site
from scheduling.days import calendar

READERS = ("manager", "leader", "auditor")
WEEK = 7


async def show(request: Request) -> Response:
    return await draw(request)


async def draw(request: Request, *, error: str | None = None, key: str | None = None, status: int = 200) -> Response:
    """The stations, and what came of each in the days that are asked for: the week that ends yesterday, unless others are."""
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *READERS, hall=hall.id)
    say, query = words(language(request)), request.query_params
    async with acquire(request.app.state.pool) as db:
        today, kept = await business_day(db, hall), await calendar(db, hall)
        last = min(date_of(query["to"]) if query.get("to") else today - timedelta(1), today)
        first = date_of(query["from"]) if query.get("from") else last - timedelta(WEEK - 1)
        first = max(min(first, last), last - timedelta(366))
        every = await sites.of_hall(db, hall, shut=True)
        expected = {day for day in rollup.days_between(first, last) if kept.is_working(day) and day < today}
        counting = [site.code for site in every if site.offline and not site.shut]
        sums = await rollup.rolled_up(db, hall, counting, first, last, open_days=expected)
        chosen = next((site for site in every if site.code == query.get("site")), None)
        came = await rollup.versions(db, hall, chosen.code, first, last) if chosen else []
    names = {site.code: sites.site_name(site, say.lang) for site in every}
    return render(
        request, "sites.html", status, hall=hall, every=every, names=names, levels=LEVELS, chosen=chosen, error=error, key=key,
        sums=[told(each, names, say) for each in sums], total=total(sums), first=first.isoformat(), last=last.isoformat(),
        came=[{"day": day_word(each.day, say), "version": each.version, "taken": each.taken, "served": each.served,
               "via": each.via} for each in came],
        manager="manager" in person.roles, said=say["sites.said_kept"] if query.get("said") == "kept" else None,
    )  # fmt: skip


def told(each: rollup.Sum, names: dict[str, str], say: Words) -> dict[str, Any]:
    """A site's figures in one line; its missing and corrected days by name."""
    return {
        "code": each.site, "name": names[each.site], "days": each.days, "taken": each.taken, "served": each.served,
        "questions": each.questions, "active": each.active, "bad": each.bad,
        "wait": -(-each.worst_p90_s // 60) if each.worst_p90_s is not None else None,
        "missing": [day_word(day, say) for day in each.missing], "corrected": [day_word(day, say) for day in each.corrected],
    }  # fmt: skip


def total(sums: list[rollup.Sum]) -> dict[str, int]:
    """All sites in one."""
    return {name: sum(getattr(each, name) for each in sums) for name in ("days", "taken", "served", "questions", "active", "bad")}


async def keep(request: Request) -> Response:
    """Add a station or change one."""
    hall, form = request.path_params["hall"], await request.form()
    try:
        site = Site(
            code=typed(form, "code").strip().lower(), name=typed(form, "name").strip(), name_hant=text(form, "name_hant"),
            name_en=text(form, "name_en"), level=typed(form, "level"), parent=text(form, "parent"), phone=text(form, "phone"),
            room=text(form, "room"), prints=text(form, "prints") == "1", offline=text(form, "offline") == "1",
            shut=text(form, "shut") == "1",
        )  # fmt: skip
        await acting.keep_site(request, hall, site)
    except Refused as refused:
        if refused.code in ("not_allowed", "not_signed_in", "not_found"):
            raise
        return await draw(request, error=reason_of(refused, words(language(request))), status=status_of(refused.code))
    return RedirectResponse(f"/{hall}/sites?site={site.code}&said=kept", 303)


async def new_key(request: Request) -> Response:
    """A new key of a site, shown this once."""
    hall, code = await acts.hall_of(request, request.path_params["hall"]), request.path_params["site"]
    await require(request, "manager", hall=hall.id)
    async with acquire(request.app.state.pool) as db:
        key = await rollup.new_key(db, hall, code, seal_of(request))
    return await draw(request, key=key)


ROUTES = [
    Route("/{hall}/sites", show, methods=["GET"]),
    Route("/{hall}/sites", keep, methods=["POST"]),
    Route("/{hall}/sites/{site}/key", new_key, methods=["POST"]),
]
