"""Whether what people were told came true: each service's account of the day, and what was told beside what it took."""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor import acts
from floor.database import acquire
from floor.pages import render
from floor.pages.staffed import localized
from floor.signin import require
from floor.words import language, words
from queueing import promises
from queueing.halls import business_day, services
from queueing.promises import Account, Told

WATCH = ("manager", "leader", "auditor")
DAYS = 14
SIDE = 320  # of the plot, in its own units
EDGE = 40  # left of it and under it, for the minutes


async def show(request: Request) -> Response:
    hall = await acts.hall_of(request, request.path_params["hall"])
    person = await require(request, *WATCH, hall=hall.id)
    say = words(language(request))
    async with acquire(request.app.state.pool) as db:
        accounts = await promises.accounts(db, hall.id, DAYS)
        told = await promises.reliability(db, hall.id)
        today = await business_day(db, hall)
        names = {row.code: localized(row, say).word for row in await services(db, hall)}
    return render(
        request, "promises.html", hall=hall, person=person, days=DAYS,
        today=[row(one, names.get(one.service, "")) for one in accounts if one.day == today],
        past=[{"day": day, **total([one for one in accounts if one.day == day])}
              for day in sorted({one.day for one in accounts}, reverse=True)],
        plot=plot(told),
    )  # fmt: skip


def row(one: Account, word: str) -> dict[str, Any]:
    """A service on one day, in whole percent and minutes with one digit."""
    return {
        "code": one.service, "word": word, "people": one.people, "inside": share(one.inside, one.people),
        "half": share(one.half, one.people), "median": one.median_s / 60, "mean": one.mean_s / 60,
        "fits": holds(one.inside, one.people),
    }  # fmt: skip


def total(accounts: Sequence[Account]) -> dict[str, Any]:
    """All services of one day together."""
    people = sum(one.people for one in accounts)
    inside = sum(one.inside for one in accounts)
    mean = sum(one.mean_s * one.people for one in accounts) / people / 60
    return {"people": people, "inside": share(inside, people), "mean": mean, "fits": holds(inside, people)}


def share(part: int, whole: int) -> int:
    return round(100 * part / whole)


def holds(inside: int, people: int) -> bool | None:
    """Whether nine in ten is what it was, give or take what chance alone does to so few; None: too few to say."""
    if people < 20:
        return None
    apart: float = 0.03 + 2 * (0.09 / people) ** 0.5
    return abs(inside / people - 0.9) <= apart


def plot(told: Sequence[Told]) -> dict[str, Any] | None:
    """Told against waited, both ends of the range, on one scale of minutes; None when too few have been called."""
    if not told:
        return None
    most = max(max(each.told90_s, each.waited90_s) for each in told) / 60
    step = next(step for step in (1, 2, 5, 10, 15, 30, 60, 120, 240) if most / step <= 6 or step == 240)
    top = step * (int(most / step) + 1)

    def at(told_s: int, waited_s: int, people: int) -> dict[str, Any]:
        x, y = EDGE + SIDE * told_s / 60 / top, SIDE * (1 - waited_s / 60 / top)
        return {"x": round(x, 1), "y": round(y, 1), "told": told_s / 60, "waited": waited_s / 60, "people": people}

    marks = [{"minutes": n, "x": EDGE + SIDE * n / top, "y": SIDE * (1 - n / top)} for n in range(0, top + 1, step)]
    return {
        "marks": marks, "side": SIDE, "edge": EDGE,
        "halves": [at(each.told_s, each.waited_s, each.people) for each in told],
        "nines": [at(each.told90_s, each.waited90_s, each.people) for each in told],
    }  # fmt: skip


ROUTES = [Route("/{hall}/promises", show, methods=["GET"])]
