"""Who is asking: the sign-ins of staff, of kiosk pages and of machines, and what each may do."""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from starlette.requests import HTTPConnection, Request

from devices import registry
from floor.browser import KIOSK_COOKIE as KIOSK_COOKIE
from floor.browser import STAFF_COOKIE as STAFF_COOKIE
from floor.browser import cookie_name as cookie_name
from floor.browser import csrf_token as csrf_token
from floor.browser import drop_cookie as drop_cookie
from floor.browser import from_own_origin as from_own_origin
from floor.browser import is_secure as is_secure
from floor.browser import prove_own_page
from floor.browser import set_cookie as set_cookie
from floor.database import Db, Pool, acquire
from floor.kept import Kept
from floor.people import User, find_user, verify_password
from floor.people import add_user as add_user
from floor.people import hash_password as hash_password
from floor.refusals import BadPassword, NotAllowed, NotSignedIn

SHIFT = timedelta(hours=12)  # the longest a member of staff stays signed in
KIOSK = timedelta(days=30)  # an engineer opens a kiosk page once a month
KEPT_S = 3.0  # how old an answer about a credential may be: an ended one is dead everywhere within 5 s
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


@dataclass(frozen=True, slots=True)
class Person:
    """Who acts, in the journal's words `actor`. `roles` of a machine and of a kiosk page are the machine's kind."""

    hall: int
    actor: str
    name: str
    roles: frozenset[str]
    via: Literal["token", "cookie", "device", "kiosk"]
    username: str | None = None
    number: str | None = None
    zone: str | None = None
    device: str | None = None
    window: str | None = None
    site: str | None = None  # of an agent who works at a station, and for it alone


@dataclass(frozen=True, slots=True)
class Opened:
    """A new sign-in. The token is told once and kept nowhere but with its holder."""

    token: str
    expires: datetime
    lasts: timedelta
    user: User


def digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


SESSION = """
SELECT s.kind, s.hall, s.device, u.username, u.name, u.number, u.roles, u.zone, u.site
FROM sessions s JOIN users u ON u.id = s."user"
WHERE s.token = $1 AND s.expires > hall_now() AND NOT u.disabled
"""


async def find_session(db: Db, token: str) -> Person | None:
    """The person a session token belongs to; None when it is unknown, over, or its user is gone."""
    row = await db.fetchrow(SESSION, digest(token))
    if row is None:
        return None
    if row["kind"] == "kiosk":
        return await kiosk_person(db, row["device"])
    return Person(
        hall=row["hall"],
        actor=f"{row['roles'][0]}:{row['username']}",
        name=row["name"],
        roles=frozenset(row["roles"]),
        via="token",
        username=row["username"],
        number=row["number"],
        zone=row["zone"],
        site=row["site"],
    )


async def kiosk_person(db: Db, device_id: str) -> Person | None:
    """A kiosk page acts as the dispenser it stands at, as long as that is not revoked."""
    device = await registry.get_device(db, device_id)
    return None if device.revoked_at else machine(device, "kiosk")


def machine(device: registry.Device, via: Literal["device", "kiosk"]) -> Person:
    """A device as one who acts."""
    return Person(
        hall=device.hall,
        actor=f"device:{device.id}",
        name=device.name,
        roles=frozenset({device.kind}),
        via=via,
        zone=device.zone,
        device=device.id,
        window=device.window,
    )


class Sessions:
    """Whose a credential is, kept for 3 s, so that a busy clerk costs one look-up in 3 s and not one a press."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.people: Kept[bytes, Person | None] = Kept(KEPT_S)

    async def of_token(self, token: str) -> Person | None:
        """The person of a session or bearer token."""

        async def load() -> Person | None:
            async with acquire(self.pool) as db:
                return await find_session(db, token)

        return await self.people.get(digest(token), load)

    async def of_device(self, device_id: str, secret: str) -> Person | None:
        """The machine these credentials belong to."""

        async def load() -> Person | None:
            async with acquire(self.pool) as db:
                device = await registry.authenticate(db, device_id, secret)
            return machine(device, "device") if device else None

        return await self.people.get(digest(f"{device_id}:{secret}"), load)

    def forget(self, token: str) -> None:
        """Know nothing of a token any more: the next request looks it up."""
        self.people.forget(digest(token))


# --- who asks ---------------------------------------------------------------------------------------------------


async def current(request: Request) -> Person | None:
    """Who asks: a bearer token, a device's credentials, a staff cookie or a kiosk cookie; None for a citizen.

    Raises NotSignedIn for credentials in the header that are not good (any more), NotAllowed when an act rides on a
    cookie without proof that one of the hall's own pages sent it.
    """
    known: dict[str, Person | None] = request.scope.setdefault("hall.people", {})
    if "current" not in known:
        known["current"] = await offered(request) or await from_cookie(request, STAFF_COOKIE) or await kiosk(request)
    return known["current"]


async def kiosk(request: Request) -> Person | None:
    """The dispenser whose kiosk page asks, whoever else is signed in in the same browser."""
    return await from_cookie(request, KIOSK_COOKIE)


async def offered(request: HTTPConnection) -> Person | None:
    """The person of the Authorization header; None without one."""
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, rest = header.partition(" ")
    sessions: Sessions = request.app.state.sessions
    person = None
    if scheme.lower() == "bearer":
        person = await sessions.of_token(rest.strip())
    elif scheme.lower() == "device":
        device_id, _, secret = rest.strip().partition(":")
        person = await sessions.of_device(device_id, secret)
    if person is None:
        raise NotSignedIn()
    return person


async def from_cookie(request: Request, cookie: str) -> Person | None:
    """The person of a cookie; an act by it needs the page's CSRF token too."""
    token = request.cookies.get(cookie_name(request, cookie))
    if not token:
        return None
    sessions: Sessions = request.app.state.sessions
    person = await sessions.of_token(token)
    if person is None or (person.via == "kiosk") != (cookie == KIOSK_COOKIE):
        return None
    if request.method not in SAFE:
        await prove_own_page(request)
    return person if person.via == "kiosk" else by_cookie(person)


def by_cookie(person: Person) -> Person:
    return replace(person, via="cookie")


def own_zone(person: Person) -> str | None:
    """The zone somebody decides for as leader or manager; None: all of them."""
    return None if "manager" in person.roles else person.zone


def leads(person: Person, zone: str | None) -> bool:
    """Whether somebody decides for this zone: a manager for each, a leader for the own one, or for all where none is named."""
    return "manager" in person.roles or ("leader" in person.roles and person.zone in (None, zone))


async def require(request: Request, *roles: str, hall: int | None = None) -> Person:
    """The person who asks, if signed in with one of `roles` (any, when none is named) and in that hall."""
    return allow(await current(request), *roles, hall=hall)


def allow(person: Person | None, *roles: str, hall: int | None = None) -> Person:
    """The person, or NotSignedIn, or NotAllowed."""
    if person is None:
        raise NotSignedIn()
    if (roles and person.roles.isdisjoint(roles)) or (hall is not None and person.hall != hall):
        raise NotAllowed()
    return person


# --- signing in and out -----------------------------------------------------------------------------------------

OPEN = """
INSERT INTO sessions (token, kind, hall, "user", device, expires)
VALUES ($1, $2, $3, $4, $5, hall_now() + $6::interval) RETURNING expires
"""


async def open_session(db: Db, user: User) -> Opened:
    """Sign a member of staff in without asking for the password: for one who has given it, and for the demo's buttons."""
    token = secrets.token_urlsafe(32)
    expires = await db.fetchval(OPEN, digest(token), "staff", user.hall, user.id, None, SHIFT)
    return Opened(token, expires, SHIFT, user)


async def open_kiosk(db: Db, user: User, device_id: str) -> Opened:
    """Let a browser be the kiosk page of a dispenser. `user` is the engineer who opened it."""
    token = secrets.token_urlsafe(32)
    expires = await db.fetchval(OPEN, digest(token), "kiosk", user.hall, user.id, device_id, KIOSK)
    return Opened(token, expires, KIOSK, user)


async def sign_in(request: Request, username: str, password: str) -> Opened:
    """Sign in by password. BadPassword, slower with each failure, then TooFast for a while."""
    rates = request.app.state.rates
    await rates.allow_signin(request, username)
    async with acquire(request.app.state.pool) as db:
        user = await find_user(db, username)
    if not await verify_password(user, password) or user is None:
        await asyncio.sleep(await rates.note_failure(request, username))
        raise BadPassword()
    async with acquire(request.app.state.pool) as db:
        return await open_session(db, user)


CLOSE = "DELETE FROM sessions WHERE token = $1"


async def sign_out(request: Request) -> None:
    """End the sign-in that asks, whether it came as a bearer token or as the staff cookie."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else request.cookies.get(cookie_name(request, STAFF_COOKIE), "")
    async with acquire(request.app.state.pool) as db:
        await db.execute(CLOSE, digest(token))
    sessions: Sessions = request.app.state.sessions
    sessions.forget(token)


FORGET = "DELETE FROM sessions WHERE expires < hall_now()"


async def forget_ended(db: Db) -> None:
    """Drop sign-ins that are over; they were good for nothing since they ended."""
    await db.execute(FORGET)


SIGNED_OUT = """
SELECT w.clerk FROM windows w WHERE w.hall = $1 AND w.clerk IS NOT NULL AND NOT EXISTS (
    SELECT FROM sessions s JOIN users u ON u.id = s."user"
    WHERE u.hall = w.hall AND u.username = w.clerk AND s.kind = 'staff' AND s.expires > hall_now() AND NOT u.disabled)
"""


async def signed_out(db: Db, hall: int) -> list[str]:
    """The clerks who have a window and are signed in nowhere."""
    return [row["clerk"] for row in await db.fetch(SIGNED_OUT, hall)]
