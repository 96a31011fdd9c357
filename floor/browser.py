"""What a browser keeps of a sign-in, and how one of the hall's own pages proves that it, and no other site, asks."""

import hashlib
import hmac
from datetime import timedelta
from typing import Protocol

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from floor.refusals import NotAllowed, NotOwnPage
from floor.settings import Settings

STAFF_COOKIE = "hall_session"
KIOSK_COOKIE = "hall_kiosk"


class SignIn(Protocol):
    """A new sign-in: what the browser holds, and for how long."""

    @property
    def token(self) -> str: ...
    @property
    def lasts(self) -> timedelta: ...


def is_secure(request: HTTPConnection) -> bool:
    """Whether people reach the hall by https; a hall's own network may be plain http."""
    settings: Settings = request.app.state.settings
    return settings.origin(request.headers.get("host", "")).startswith("https:")


def cookie_name(request: HTTPConnection, cookie: str) -> str:
    """`__Host-` in front over https: no neighbour domain can then set it."""
    return f"__Host-{cookie}" if is_secure(request) else cookie


def set_cookie(response: Response, request: HTTPConnection, cookie: str, opened: SignIn) -> None:
    """Give the browser a sign-in."""
    response.set_cookie(
        cookie_name(request, cookie),
        opened.token,
        max_age=round(opened.lasts.total_seconds()),  # by the browser's own count: its clock may be wrong
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="lax",
    )


def drop_cookie(response: Response, request: HTTPConnection, cookie: str) -> None:
    """Take a sign-in away from the browser."""
    response.delete_cookie(cookie_name(request, cookie), path="/", secure=is_secure(request), httponly=True, samesite="lax")


def held_tokens(request: HTTPConnection) -> list[str]:
    """The sign-ins this browser holds, the staff's first."""
    held = (request.cookies.get(cookie_name(request, cookie)) for cookie in (STAFF_COOKIE, KIOSK_COOKIE))
    return [token for token in held if token]


def csrf_of(request: HTTPConnection, token: str) -> str:
    settings: Settings = request.app.state.settings
    return hmac.new(settings.secret, f"csrf:{token}".encode(), hashlib.sha256).hexdigest()


def csrf_token(request: HTTPConnection) -> str:
    """What a page of this browser sends back to prove it is ours: keyed to its sign-in, empty without any."""
    return next((csrf_of(request, token) for token in held_tokens(request)), "")


async def prove_own_page(request: Request) -> None:
    """NotAllowed from another site; NotOwnPage without the CSRF token, as header X-CSRF-Token or form field `csrf`."""
    if not from_own_origin(request):
        raise NotAllowed()
    sent = request.headers.get("x-csrf-token")
    if sent is None and "form" in request.headers.get("content-type", ""):
        sent = str((await request.form()).get("csrf", ""))
    given = (sent or "").encode()
    if not any(hmac.compare_digest(given, csrf_of(request, token).encode()) for token in held_tokens(request)):
        raise NotOwnPage()


def from_own_origin(request: HTTPConnection) -> bool:
    """Whether the browser says a page of the hall itself sent this; programs that say nothing pass."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        return False
    settings: Settings = request.app.state.settings
    return origin is None or origin == settings.origin(request.headers.get("host", ""))
