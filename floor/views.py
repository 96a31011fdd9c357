"""What a page may watch: who is shown which view, and whether the page that asks is one of the hall's own."""

import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

from starlette.requests import cookie_parser

from displays.phones import places
from floor.database import Db
from floor.settings import Settings, host_of
from floor.signin import STAFF_COOKIE, Person, digest, find_session, leads
from queueing.errors import NotFound
from queueing.halls import Hall, get_hall
from queueing.journal import Position
from queueing.windows import get_window

# Who may watch which view. Boards are mirrored for anybody who works here; kiosk and ticket are the citizens'.
STAFF = frozenset({"clerk", "desk", "leader", "manager", "engineer", "auditor", "doorstep"})
ROLES = {
    "hall": STAFF, "zone": STAFF, "window": STAFF,
    "manage": frozenset({"leader", "manager", "auditor"}),
    "dispatch": frozenset({"leader", "manager"}),
    "fleet": frozenset({"engineer", "manager", "leader"}),
    "desk": frozenset({"desk", "leader", "manager"}),
    "console": frozenset({"clerk", "leader", "manager"}),
}  # fmt: skip
VIEW = re.compile(r"(hall|kiosk|manage|dispatch|fleet|desk)|(zone|window|console):[A-Z0-9]{1,8}|(ticket):[A-Za-z0-9_-]{8,64}")
FEEDS = ("hall", "zone", "window")


class Turned(Exception):
    """A page that is not let in, with the HTTP status that says why."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


@dataclass(frozen=True, slots=True)
class Watch:
    """What a page was let in to watch. `session` is the digest of the sign-in it rides on, `at` where a mirror stopped."""

    hall: Hall
    view: str
    session: bytes | None = None
    at: Position | None = None

    @property
    def kind(self) -> str:
        """The view's first word: hall, zone, window, console, ticket, …"""
        return self.view.partition(":")[0]

    @property
    def subject(self) -> str:
        """What stands behind the colon: a zone, a window, a ticket's key."""
        return self.view.partition(":")[2]


def page_origin(settings: Settings, host_header: str) -> str:
    """The origin of the hall's own pages for a browser that reached the link under this host."""
    name = host_of(host_header)
    origin = settings.origin(f"[{name}]:{settings.port}" if ":" in name else f"{name}:{settings.port}")
    usual = {"http": ":80", "https": ":443"}[origin.partition(":")[0]]
    return origin.removesuffix(usual)


def is_own(settings: Settings, host_header: str, origin: str | None) -> bool:
    """Whether a page of the hall itself opens this socket; a browser always says which page does."""
    return origin is not None and origin == page_origin(settings, host_header)


def token_of(settings: Settings, cookies: Sequence[str]) -> str | None:
    """The staff sign-in among a browser's cookies."""
    secure = settings.origin("hall").startswith("https:")
    name = f"__Host-{STAFF_COOKIE}" if secure else STAFF_COOKIE
    return next((token for header in cookies if (token := cookie_parser(header).get(name))), None)


async def admit(db: Db, target: str, token: str | None) -> Watch:
    """Let a page in to the view its address names, by the sign-in it carries. Turned: 400, 401, 403 or 404."""
    asked = {name: values[-1] for name, values in parse_qs(urlsplit(target).query).items()}
    view = asked.get("view", "")
    if not VIEW.fullmatch(view) or "\0" in asked.get("hall", ""):
        raise Turned(HTTPStatus.BAD_REQUEST)
    try:
        hall = await get_hall(db, asked.get("hall", ""))
        watch = Watch(hall, view, at=position(asked))
        if watch.kind in ROLES:
            return await admit_staff(db, watch, token)
    except NotFound as unknown:
        raise Turned(HTTPStatus.NOT_FOUND) from unknown
    if watch.kind == "ticket" and not await places(db, [watch.subject]):
        raise Turned(HTTPStatus.NOT_FOUND)
    return watch


async def admit_staff(db: Db, watch: Watch, token: str | None) -> Watch:
    """Let a member of staff in: of this hall, in a role for this view, and to a console only at the own window."""
    person = await find_session(db, token) if token else None
    if token is None or person is None or person.username is None:
        raise Turned(HTTPStatus.UNAUTHORIZED)
    if person.hall != watch.hall.id or person.roles.isdisjoint(ROLES[watch.kind]):
        raise Turned(HTTPStatus.FORBIDDEN)
    if watch.kind == "console" and not await may_sit(db, watch.hall, person, watch.subject):
        raise Turned(HTTPStatus.FORBIDDEN)
    return Watch(watch.hall, watch.view, digest(token), watch.at)


async def may_sit(db: Db, hall: Hall, person: Person, no: str) -> bool:
    """Whether this console is this person's: a manager's all, a leader's in the own zone, a clerk's unless another sits there."""
    window = await get_window(db, hall, no)
    if leads(person, window.zone):
        return True
    return "clerk" in person.roles and window.clerk in (None, person.username)


def position(asked: dict[str, str]) -> Position | None:
    """Where a mirror that was cut off stopped; None when it says nothing usable."""
    offset = asked.get("offset", "")
    if "epoch" not in asked or not offset.isascii() or not offset.isdigit() or len(offset) > 15:
        return None
    return Position(asked["epoch"], int(offset))


STILL_GOOD = """
SELECT s.token FROM sessions s JOIN users u ON u.id = s."user"
WHERE s.token = ANY($1) AND s.expires > hall_now() AND NOT u.disabled
"""


async def still_good(db: Db, sessions: Sequence[bytes]) -> set[bytes]:
    """Which of these sign-ins have not ended."""
    return {row["token"] for row in await db.fetch(STILL_GOOD, sessions)}


def printed_address(settings: Settings) -> str:
    """Where the codes on paper lead: the hall's public address, else this machine's own on its network."""
    if settings.public_url:
        return settings.public_url
    host = settings.host if settings.host not in ("0.0.0.0", "::", "") else own_address()
    return page_origin(settings, host)


def own_address() -> str:
    """The address by which this machine reaches others. Nothing is sent: the system only looks up the route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:  # no network at all
            return "127.0.0.1"
        return str(probe.getsockname()[0])
