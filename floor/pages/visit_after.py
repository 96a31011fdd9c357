"""What came of a visit, on the page of who asked for it: a delay, what was agreed, where the papers are, the result."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor.acts import field as doing
from floor.database import Db
from floor.pages.console import text
from floor.pages.phone import as_citizen
from floor.pages.wording import day, hours
from floor.words import Words, language
from queueing.halls import Hall
from scheduling import field, receipts
from scheduling.doorstep import Visit
from scheduling.receipts import HandIn

MOVED = "SELECT given FROM doorstep_visits WHERE id = $1 AND state = 'scheduled' AND given <> start"


async def after(db: Db, hall: Hall, visit: Visit, t: Words) -> dict[str, Any]:
    """The part of the page that follows the team out of the door."""
    door = (await field.at_the_door(db, [visit.id]))[visit.id]
    handed = (await receipts.of_visits(db, [visit.id])).get(visit.id)
    given = await db.fetchval(MOVED, visit.id)
    waits = visit.state in ("scheduled", "on_the_way") and door.expected_at is not None
    return {
        "expected": hours(hall, door.expected_at) if waits and door.expected_at else "",
        "given": f"{day(t, hall, given)} {hours(hall, given)}" if given is not None else "",
        "agreed": f"{day(t, hall, door.agreed_at)} {hours(hall, door.agreed_at)}" if door.agreed_at else "",
        "photos": len(await field.papers(db, visit.id)), "result": stage(visit, handed),
        "tracking": handed.tracking if handed else None, "receipt": handed.receipt if handed else None,
    }  # fmt: skip


def stage(visit: Visit, handed: HandIn | None) -> str | None:
    """How far the result is; None where no papers were taken along."""
    if visit.state != "completed" or visit.outcome != "accepted":
        return None
    if handed is None or handed.result is None:
        return "with_team" if handed is None else "offered"
    return f"{handed.result}_{handed.way}" if handed.result == "ready" else handed.result


async def withdraw(request: Request) -> Response:
    """The citizen agrees no longer."""
    as_citizen(request)
    form, key = await request.form(), request.path_params["key"]
    await doing.withdraw(request, key, text(form, "press"))
    return RedirectResponse(f"/d/{key}?lang={language(request)}", 303)


ROUTES = [Route("/d/{key}/withdraw", withdraw, methods=["POST"])]
