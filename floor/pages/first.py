"""The page of the one-time link: it makes the hall and its first manager, and is gone."""

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from floor import first
from floor.database import acquire
from floor.pages import render
from floor.people import hash_password
from floor.refusals import LinkUsed, NotAllowed
from floor.signin import STAFF_COOKIE, from_own_origin, open_session, set_cookie

FIELDS = {
    "code": re.compile(r"[a-z0-9-]{1,40}"), "hall": re.compile(r".{1,60}"), "username": re.compile(r"[a-z0-9_.-]{1,40}"),
    "name": re.compile(r".{1,40}"), "password": re.compile(r".{10,200}"),
}  # fmt: skip


async def show(request: Request) -> Response:
    await prove_good(request)
    return render(request, "first.html", given={}, wrong=set())


async def prove_good(request: Request) -> None:
    """LinkUsed before anything is read or computed for a link that makes nobody."""
    async with acquire(request.app.state.pool) as db:
        if not await first.is_good(db, request.path_params["token"]):
            raise LinkUsed()


async def make(request: Request) -> Response:
    """Make both and sign the manager in; what can't be used is marked in the form."""
    if not from_own_origin(request):
        raise NotAllowed()
    await prove_good(request)
    form = await request.form()
    given = {name: str(form.get(name, "")).strip() for name in FIELDS}
    wrong = {name for name, shape in FIELDS.items() if not shape.fullmatch(given[name])}
    if wrong:
        return render(request, "first.html", 422, given=given | {"password": ""}, wrong=wrong)
    hashed = await hash_password(given["password"])
    async with acquire(request.app.state.pool) as db:
        user = await first.make_first_manager(
            db, request.path_params["token"], code=given["code"], hall=given["hall"], username=given["username"],
            name=given["name"], hashed=hashed,
        )  # fmt: skip
        opened = await open_session(db, user)
    answer = RedirectResponse(f"/{given['code']}/manage", 303)
    set_cookie(answer, request, STAFF_COOKIE, opened)
    return answer


ROUTES = [Route("/first/{token}", show, methods=["GET"]), Route("/first/{token}", make, methods=["POST"])]
