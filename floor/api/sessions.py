"""Signing in and out by name and password."""

from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import Response

from floor.api.routes import answer, asked, delete, nothing, post
from floor.signin import require, sign_in, sign_out


class SignInAsked(Struct):
    username: Annotated[str, Meta(max_length=40)]
    password: Annotated[str, Meta(max_length=200)]


class Who(Struct):
    username: str
    name: str
    roles: list[str]


class Session(Struct):
    """The token is shown this once; send it as `Authorization: Bearer <token>`."""

    token: str
    expires: datetime
    user: Who


async def enter(request: Request) -> Response:
    body = await asked(request, SignInAsked)
    opened = await sign_in(request, body.username, body.password)
    user = opened.user
    return answer(Session(opened.token, opened.expires, Who(user.username, user.name, user.roles)), 201)


async def leave(request: Request) -> Response:
    await require(request)
    await sign_out(request)
    return nothing()


ROUTES = [
    post(
        "/api/v1/sessions",
        enter,
        "Sign in",
        "Anybody who works here",
        {201: Session},
        body=SignInAsked,
        once=False,
        refusals=("not_signed_in", "too_fast"),
    ),
    delete("/api/v1/sessions/current", leave, "Sign out: the token is dead everywhere within 5 s", "Whoever is signed in"),
]
