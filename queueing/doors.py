"""Why a door gives no number, and until when a person gets none."""

from collections.abc import Sequence

from queueing.db import Db
from queueing.errors import (
    BadInput,
    Banned,
    BookingOnly,
    Closed,
    OtherMatters,
    PastLastTicket,
    QuotaFull,
    RealNameNeeded,
    UnknownService,
)
from queueing.halls import Hall, services

OF_SERVICE = "SELECT coalesce(array_agg(code), '{}') FROM matters WHERE hall = $1 AND service = $2 AND code = ANY ($3)"
NEEDS_EVIDENCE = "SELECT needs_evidence FROM categories WHERE hall = $1 AND code = $2 AND offered"
BY_NAME = "SELECT name FROM services WHERE hall = $1 AND code = ANY($2) AND real_name = 'required' ORDER BY code LIMIT 1"


async def why_not_taken(
    db: Db, hall: Hall, asked: Sequence[str], category: str | None, matters: Sequence[str], *, by_name: bool, at_desk: bool
) -> Exception:
    """The reason a take gave no ticket, read after it was refused."""
    doors = {service.code: service for service in await services(db, hall)}
    for code in asked:
        if code not in doors:
            return UnknownService(service=code)
    for code in asked:
        match doors[code].status:
            case "past_last_ticket":
                return PastLastTicket(service=doors[code].name, queue=code)
            case "quota_full":
                return QuotaFull(service=doors[code].name)
            case "booking_only":
                return BookingOnly(service=doors[code].name)
            case "closed" | "not_yet":
                return Closed(service=doors[code].name, opens=doors[code].opens)
        if (only := doors[code].only) is not None:
            of_it = set(await db.fetchval(OF_SERVICE, hall.id, code, list(matters)))
            if not of_it.issubset(only) or (not of_it and not (at_desk and not matters)):
                return OtherMatters(service=doors[code].name)
    known = await db.fetchval(NEEDS_EVIDENCE, hall.id, category)
    if category is not None and known is None:
        return BadInput(field="category", message="unknown category")
    if known:
        return BadInput(field="evidence", message="name the paper that was shown")
    if not by_name and (code := await db.fetchval(BY_NAME, hall.id, list(asked))) is not None:
        return RealNameNeeded(service=code)
    return Closed(service=", ".join(asked))


PAUSED_UNTIL = """
SELECT to_char(max(until) AT TIME ZONE $3, 'YYYY-MM-DD HH24:MI') FROM bans
WHERE hall = $1 AND person = $2 AND lifted_at IS NULL
"""


async def paused(db: Db, hall: Hall, person: bytes | None) -> Banned:
    """Until when a person takes no numbers and books nothing."""
    return Banned(until=await db.fetchval(PAUSED_UNTIL, hall.id, person, hall.time_zone))
