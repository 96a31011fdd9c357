"""The web process: the table of contents of all the hall serves over HTTP."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from floor.api.limits import Rates
from floor.api.problems import handlers
from floor.api.routes import shut
from floor.api.v1 import ROUTES
from floor.database import Pool, open_pool
from floor.doorbell import Doorbell, open_redis
from floor.guards import Guards
from floor.kept import Kept
from floor.log import start_log
from floor.rings import Bell, Rings
from floor.settings import Settings, load
from floor.signin import Sessions
from floor.words import check_words

# One module per person who looks at the hall; the most general addresses come last.
PAGES = (
    "home", "first", "signin", "rate", "phone", "ask_visit", "visit", "visit_after", "booking", "book", "slip", "query",
    "choosing", "kiosk", "kiosk_card", "kiosk_booked", "kiosk_visit", "kiosk_mine", "board", "wall", "console", "one_number",
    "matters", "rules", "door", "promises", "manage", "disputed", "proposals", "ladder", "ladder_report", "desk_visits",
    "orders", "order", "helps", "self_service", "escorts", "sites", "station", "rating_kiosk", "desk_bookings", "bookings",
    "desk", "voice", "fleet", "machine", "notices", "faults", "holidays", "day_types", "calendar", "attendance", "contracts",
    "zones", "roster", "swaps", "shifts", "field", "papers", "phone_offer", "dispatch", "dispatching", "offsite", "foresight",
    "intakes",
)  # fmt: skip
STATIC = Path(__file__).parent / "static"


def routes() -> list[BaseRoute]:
    """Everything this process answers to."""
    pages = [route for name in PAGES for route in import_module(f"floor.pages.{name}").ROUTES]
    return [*ROUTES, *shut(ROUTES), Mount("/static", StaticFiles(directory=STATIC), name="static"), *pages]


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    """Open what requests share: the database, Redis, the doorbell, and what is remembered for seconds."""
    state = app.state
    if not hasattr(state, "settings"):
        state.settings = load()
        start_log(state.settings)
    assert state.settings.redis_url, "the supervisor names Redis"
    state.pool = await open_pool(state.settings)
    state.redis = open_redis(state.settings.redis_url)
    state.doorbell = Doorbell(state.redis)
    state.rates = Rates(state.redis, state.settings)
    state.sessions = Sessions(state.pool)
    state.halls, state.loads = Kept(3.0), Kept(3.0)
    state.catalogues = {}  # floor.catalogue.kept
    state.films, state.waits = {}, Kept(15.0)  # earlier minutes of today, the day's waits
    state.places = {}  # floor.rounds: doors looked at within the hour
    state.days = {}  # floor.trends: each hall's day as far as it was read
    state.bell, state.rings, state.streams = Bell(state.doorbell), Rings(state.doorbell), 0
    state.tasks = set()  # files that are being read
    try:
        yield
    finally:
        for task in state.tasks:
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        await state.rings.close()
        await state.doorbell.close()
        await state.redis.aclose()
        await close(state.pool)


async def close(pool: Pool) -> None:
    """Let the last acts end; what still hangs after 3 s is cut."""
    try:
        async with asyncio.timeout(3):
            await pool.close()
    except TimeoutError:
        pool.terminate()


def make_app(given: Settings | None = None) -> Starlette:
    """The web application; with `given` settings, or those of the environment when it starts."""
    check_words()
    made = Starlette(
        routes=routes(),
        lifespan=lifespan,
        middleware=[Middleware(Guards)],
        exception_handlers=handlers(),
    )
    if given is not None:
        made.state.settings = given
    return made


app = make_app()
