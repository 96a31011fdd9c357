"""The self-rating corner (自助评价专区): what a paper's code, an order's or a question's leads to, and the rating given there."""

import hashlib
import hmac
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from floor.acts.ground import hall_of, pressed, ring
from floor.acts.tickets import CITIZEN
from floor.database import Db, acquire
from floor.quality import ratings
from floor.settings import Settings
from queueing import tickets
from queueing.errors import NotFound
from queueing.halls import Hall
from scheduling import orders

QUESTION = re.compile(r"Q([0-9]{1,15})-([0-9A-F]{10})")


@dataclass(frozen=True, slots=True)
class Rateable:
    """A service somebody holds the code of: what it ended as, and the number people know it by."""

    source: str
    subject: int
    number: str


def code_of_question(secret: bytes, hall: Hall, question: int) -> str:
    """The code by which whoever asked at the desk may say how it was; nobody finds another's."""
    mark = hmac.new(secret, f"question:{hall.id}:{question}".encode(), hashlib.sha256).hexdigest()[:10].upper()
    return f"Q{question}-{mark}"


async def of_code(request: Request, db: Db, hall: Hall, typed: str) -> Rateable:
    """What a code leads to, as it was scanned (the address it stands in) or typed. NotFound."""
    code = typed.strip().partition("?")[0].rstrip("/").rpartition("/")[2]
    settings: Settings = request.app.state.settings
    if found := QUESTION.fullmatch(code.upper()):
        if not hmac.compare_digest(code_of_question(settings.secret, hall, int(found[1])), code.upper()):
            raise NotFound(what="ticket")
        return Rateable("consultation", int(found[1]), f"Q{found[1]}")
    try:
        ticket = await tickets.by_key(db, code)
        if ticket.hall == hall.id:
            return Rateable("ticket", ticket.id, ticket.number)
    except NotFound:
        order = await orders.by_code(db, hall, code)
        return Rateable("order", order.id, order.number)
    raise NotFound(what="ticket")


async def find(request: Request, hall_code: str, typed: str) -> tuple[Rateable, bool]:
    """What a code leads to, and whether it may be rated now. NotFound, TooFast."""
    hall = await hall_of(request, hall_code)
    await request.app.state.rates.allow_citizen(request, None)
    async with acquire(request.app.state.pool) as db:
        found = await of_code(request, db, hall, typed)
        return found, await ratings.may_rate(db, hall, found.source, found.subject)


async def rate(
    request: Request, hall_code: str, typed: str, level: int, *, reasons: Sequence[str] = (), comment: str | None = None,
    press: str | None = None,
) -> None:  # fmt: skip
    """What whoever holds a code thinks of how it went, at the corner's screen; by the one rule of all visits."""
    hall = await hall_of(request, hall_code)
    await request.app.state.rates.allow_citizen(request, None)
    async with acquire(request.app.state.pool) as db:
        found = await of_code(request, db, hall, typed)
        await ratings.rate(
            db, hall, found.source, found.subject, level=level, reasons=reasons, comment=comment, actor=CITIZEN,
            channel="kiosk", press=pressed(request, CITIZEN, press, (found.source, found.subject, level, list(reasons), comment)),
        )  # fmt: skip
    ring(request, hall.id)
