"""Short words for tests that read pages: a browser with cookies, machines at their places, what a page says."""

import re
from html import unescape

import httpx2
from starlette.applications import Starlette

from devices import pairing
from devices.pairing import Paired
from floor import signin
from floor.database import Connection
from floor.people import find_user

Client = httpx2.AsyncClient


def browser(app: Starlette, **cookies: str) -> Client:
    """A browser that speaks zh-Hans, with these cookies."""
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=("10.0.0.8", 4712))
    headers = {"accept-language": "zh-CN", "host": "hall.test"}
    return Client(transport=transport, base_url="http://hall.test", headers=headers, cookies=cookies)


async def machine(db: Connection, hall_id: int, kind: str, *, zone: str | None = None, window: str | None = None) -> Paired:
    """A machine that has joined."""
    _, code, _ = await pairing.create_device(db, hall_id, kind, name=f"{kind}-1", actor="test", zone=zone, window=window)
    return await pairing.pair(db, code, "test", "test", address="10.0.0.1")


async def staff(app: Starlette, db: Connection, username: str) -> Client:
    """A browser in which a member of staff has signed in."""
    user = await find_user(db, username)
    assert user is not None
    return browser(app, **{signin.STAFF_COOKIE: (await signin.open_session(db, user)).token})


async def kiosk(app: Starlette, db: Connection, dispenser: str) -> Client:
    """The browser of the kiosk that stands at a dispenser."""
    user = await find_user(db, "engineer")
    assert user is not None
    return browser(app, **{signin.KIOSK_COOKIE: (await signin.open_kiosk(db, user, dispenser)).token})


def fields(page: str, name: str) -> list[str]:
    """The values of every hidden field of that name, in the order of the page."""
    return re.findall(rf'name="{name}" value="([^"]*)"', page)


def text(page: str) -> str:
    """What a reader reads: no tags, single spaces."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())
