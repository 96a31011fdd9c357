"""The front door: what this hall is, what to click first, and every page one begins at."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from floor.boot.demo import CODE
from floor.database import acquire
from floor.doorcode import PHONE_TICKETS
from floor.pages import render
from floor.pages.places import home_of
from floor.pages.signin import ANYONE, KIOSK, PAD
from floor.signin import current
from floor.words import language, words
from queueing.halls import Hall, list_halls


@dataclass(frozen=True, slots=True)
class Door:
    """A page and whom the demo lets one be there; `who` None: the page asks nobody."""

    name: str
    path: str
    who: str | None = None


# Every page one begins at, by whom it is for; the others are reached from these.
GROUPS = {
    "visitors": ("kiosk", "take", "query", "book", "doorstep", "corner"),
    "screens": ("board", "tv", "wall", "pad"),
    "counter": ("console", "shifts", "desk", "helps", "papers", "orders", "field"),
    "hall": ("manage", "calendar", "roster", "bookings", "dispatch", "matters", "rules", "sites", "notices"),
    "machines": ("fleet", "voice", "faults", "docs"),
}


def doors(hall: str) -> dict[str, Door]:
    """Where one may begin in a hall, by name."""
    listed = (
        Door("kiosk", f"/{hall}/kiosk", KIOSK),
        Door("take", f"/{hall}/door", "desk01"),
        Door("query", f"/{hall}/query"),
        Door("book", f"/{hall}/book"),
        Door("doorstep", f"/{hall}/doorstep"),
        Door("corner", f"/{hall}/rate"),
        Door("board", f"/{hall}/board/A", ANYONE),
        Door("tv", f"/{hall}/tv", ANYONE),
        Door("wall", f"/{hall}/wall", ANYONE),
        Door("pad", f"/{hall}/pad/1", PAD),
        Door("console", f"/{hall}/console", "clerk01"),
        Door("shifts", f"/{hall}/shifts", "clerk01"),
        Door("desk", f"/{hall}/desk", "desk01"),
        Door("helps", f"/{hall}/helps", "desk01"),
        Door("papers", f"/{hall}/papers", "desk01"),
        Door("orders", f"/{hall}/orders", "agent01"),
        Door("field", f"/{hall}/field", "door01"),
        *(Door(name, f"/{hall}/{name}", "manager") for name in GROUPS["hall"]),
        Door("fleet", f"/{hall}/fleet", "engineer"),
        Door("voice", f"/{hall}/voice", "engineer"),
        Door("faults", f"/{hall}/faults", "engineer"),
        Door("docs", "/api/v1/docs"),
    )
    return {door.name: door for door in listed}


def grouped(hall: Hall, demo: bool) -> list[tuple[str, list[Door]]]:
    """The doors of a hall by whom they are for; made-up faults in the demo alone, numbers by phone where the hall gives any."""
    found, by_phone = doors(hall.code), hall.value(PHONE_TICKETS)
    if by_phone == "anywhere":
        found["take"] = Door("take", f"/{hall.code}/take")
    shut = {*(() if demo else ("faults",)), *(("take",) if by_phone == "off" else ())}
    return [(group, [found[name] for name in names if name not in shut]) for group, names in GROUPS.items()]


def steps(hall: str) -> list[tuple[str, Door]]:
    """One visit from the kiosk to the rating, in the order a newcomer clicks."""
    to = doors(hall)
    window = Door("console", f"/{hall}/console/1", "clerk01")
    return [
        ("window", to["console"]), ("kiosk", to["kiosk"]), ("wall", to["wall"]), ("call", window), ("pad", to["pad"]),
        ("manage", to["manage"]),
    ]  # fmt: skip


async def home(request: Request) -> Response:
    person = await current(request)
    async with acquire(request.app.state.pool) as db:
        halls = await list_halls(db)
    demo = request.app.state.settings.demo and any(hall.code == CODE for hall in halls)
    return render(
        request, "home.html", demo=demo, steps=steps(CODE) if demo else [], title=title(request, halls),
        halls=[(hall, grouped(hall, demo)) for hall in halls],
        mine=next((home_of(person.roles, hall.code) for hall in halls if person and hall.id == person.hall), None),
    )  # fmt: skip


def title(request: Request, halls: list[Hall]) -> str:
    """The name of the only hall, else that of the product."""
    return halls[0].name if len(halls) == 1 else words(language(request))["common.product"]


ROUTES = [Route("/", home, methods=["GET"])]
