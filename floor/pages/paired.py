"""A browser that is one of the hall's machines: its secret lives in a cookie that no script can read."""

from collections.abc import Iterator

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from floor.signin import Person, Sessions, cookie_name, is_secure

YEARS_S = 5 * 365 * 24 * 3600  # a screen on a wall is paired once


def cookie_of(request: HTTPConnection, device: str) -> str:
    """The cookie that holds a device's secret."""
    return cookie_name(request, f"device-{device}")


def held(request: HTTPConnection) -> Iterator[tuple[str, str]]:
    """Every device this browser says it is, with the secret it offers."""
    prefix = cookie_of(request, "")
    for name, secret in request.cookies.items():
        if name.startswith(prefix) and secret:
            yield name.removeprefix(prefix), secret


async def paired(request: Request, hall: int, kind: str) -> list[Person]:
    """The machines of a kind in this hall that this browser really is."""
    sessions: Sessions = request.app.state.sessions
    found = [await sessions.of_device(device, secret) for device, secret in held(request)]
    return [machine for machine in found if machine is not None and machine.hall == hall and kind in machine.roles]


def keep_secret(response: Response, request: HTTPConnection, device: str, secret: str) -> None:
    """Lay a device's secret into the browser."""
    response.set_cookie(
        cookie_of(request, device),
        secret,
        max_age=YEARS_S,
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="strict",
    )
