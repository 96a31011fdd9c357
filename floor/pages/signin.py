"""How those who work here come in and leave; in the demo a button is enough."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from devices import registry
from floor.acts.ground import hall_by_id
from floor.boot.demo import ACTOR, CODE
from floor.database import Db, acquire
from floor.pages import render
from floor.pages.places import home_of
from floor.pages.rate import become_pad
from floor.people import User, find_user
from floor.refusals import BadPassword, NotAllowed, TooFast
from floor.signin import (
    KIOSK_COOKIE,
    STAFF_COOKIE,
    cookie_name,
    current,
    drop_cookie,
    from_own_origin,
    open_kiosk,
    open_session,
    set_cookie,
    sign_in,
    sign_out,
)
from floor.words import language, words
from queueing.errors import NotFound
from queueing.halls import get_hall

KIOSK = "kiosk"  # the one who stands at the dispenser has no name
PAD = "pad"  # nor has the one at the evaluator of window 1
ANYONE = "anyone"  # a mirror of the hall's screens: whoever is signed in, else the engineer
FRONT = "/"  # where nobody in particular goes: who signs in from there goes on to the page of their work


def safe_path(path: str) -> str:
    """Where to go after signing in: an address of this hall, never another site's."""
    return path if path.startswith("/") and not path.startswith("//") and "\\" not in path else FRONT


async def show(request: Request) -> Response:
    await current(request)
    return form(request, safe_path(request.query_params.get("next", FRONT)))


def form(request: Request, path: str, status: int = 200, *, username: str = "", error: str | None = None) -> Response:
    return render(request, "signin.html", status, next=path, username=username, error=error)


async def enter(request: Request) -> Response:
    """Sign in by the form. A wrong password is told in the form; the name stays in its field."""
    if not from_own_origin(request):
        raise NotAllowed()
    sent = await request.form()
    path, username = safe_path(str(sent.get("next", FRONT))), str(sent.get("username", ""))[:40]
    say = words(language(request))
    try:
        opened = await sign_in(request, username, str(sent.get("password", ""))[:200])
    except BadPassword:
        return form(request, path, 401, username=username, error=say["problems.BadPassword"])
    except TooFast as wait:
        return form(request, path, 429, username=username, error=say("problems.TooFast", seconds=wait.seconds))
    answer = RedirectResponse(path if path != FRONT else await begins(request, opened.user), 303)
    set_cookie(answer, request, STAFF_COOKIE, opened)
    return answer


async def begins(request: Request, user: User) -> str:
    """Where somebody's work begins who did not ask for a page."""
    return home_of(frozenset(user.roles), (await hall_by_id(request, user.hall)).code)


async def leave(request: Request) -> Response:
    """End the sign-in, here and on every other page of this browser, also from a page drawn before it."""
    if not from_own_origin(request):
        raise NotAllowed()
    await sign_out(request)
    answer = RedirectResponse("/signin?next=" + quote(safe_path(str((await request.form()).get("next", FRONT)))), 303)
    drop_cookie(answer, request, STAFF_COOKIE)
    return answer


async def enter_demo(request: Request) -> Response:
    """In the demo hall, be the person a page is made for by one click. Nowhere else.

    The front door stays open in its tab while others sign in: its buttons are known by their origin, like the form's.
    """
    if not request.app.state.settings.demo or not from_own_origin(request):
        raise NotAllowed()
    sent = await request.form()
    who, path = str(sent.get("who", "")), safe_path(str(sent.get("next", FRONT)))
    answer = RedirectResponse(path, 303)
    seated = await someone_in(request)
    async with acquire(request.app.state.pool) as db:
        if who == KIOSK:
            user = await demo_user(db, "engineer")
            set_cookie(answer, request, KIOSK_COOKIE, await open_kiosk(db, user, await first_dispenser(db, user.hall)))
        elif who == PAD:
            hall = await get_hall(db, CODE)
        elif who != ANYONE or not seated:
            user = await demo_user(db, "engineer" if who == ANYONE else who)
            set_cookie(answer, request, STAFF_COOKIE, await open_session(db, user))
    if who == PAD:
        await become_pad(request, hall, "1", ACTOR, answer)
    elif path == FRONT and who not in (KIOSK, ANYONE):
        answer.headers["location"] = await begins(request, user)
    return answer


async def someone_in(request: Request) -> bool:
    """Whether a member of staff is signed in in this browser."""
    token = request.cookies.get(cookie_name(request, STAFF_COOKIE))
    return token is not None and await request.app.state.sessions.of_token(token) is not None


async def demo_user(db: Db, username: str) -> User:
    user = await find_user(db, username)
    if user is None or user.disabled:
        raise NotFound(what="user")
    return user


async def first_dispenser(db: Db, hall: int) -> str:
    """The dispenser in the lobby that the demo's kiosk page stands at."""
    for device in await registry.list_devices(db, hall):
        if device.kind == "dispenser" and device.revoked_at is None:
            return device.id
    raise NotFound(what="device")


ROUTES = [
    Route("/signin", show, methods=["GET"]),
    Route("/signin", enter, methods=["POST"]),
    Route("/signin/demo", enter_demo, methods=["POST"]),
    Route("/signout", leave, methods=["POST"]),
]
