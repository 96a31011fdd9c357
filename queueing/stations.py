"""A number taken at a station for a window here: who sits there, how the window reaches them, where the result is printed."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from queueing.db import Db
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from queueing.tickets import TODAY

TALKS = ("phone", "video")

CHECK = """
SELECT s.code IS NOT NULL AS site, $3::text IS NULL OR EXISTS (
    SELECT FROM sites p WHERE p.hall = $1 AND p.code = $3 AND p.prints AND NOT p.shut) AS printer,
    CASE $4 WHEN 'phone' THEN s.phone ELSE s.room END IS NOT NULL AS reachable
FROM (SELECT) one LEFT JOIN sites s ON s.hall = $1 AND s.code = $2 AND NOT s.shut AND NOT s.offline
"""


async def check(db: Db, hall: Hall, site: str, print_point: str | None, talk: str) -> None:
    """Whether a station may take numbers like that. NotFound (no such station), BadInput."""
    if talk not in TALKS:
        raise BadInput(field="talk", message=f"one of {', '.join(TALKS)}")
    row = await db.fetchrow(CHECK, hall.id, site, print_point, talk)
    if row is None or not row["site"]:
        raise NotFound(what="site")
    if not row["printer"]:
        raise BadInput(field="print_point", message="nothing can be printed at this site")
    if not row["reachable"]:
        raise BadInput(field="talk", message="this site can't be reached like that")


BIND = """
INSERT INTO remote_tickets (ticket, hall, site, print_point, talk, taken_by)
SELECT id, hall, $2, $3, $4, $5 FROM tickets WHERE id = $1
ON CONFLICT (ticket) DO NOTHING
"""


async def bind(db: Db, ticket: int, site: str, print_point: str | None, talk: str, *, actor: str) -> None:
    """Note where a number was taken; done again, nothing more."""
    try:
        await db.execute(BIND, ticket, site, print_point, talk, actor)
    except asyncpg.ForeignKeyViolationError as broken:
        raise NotFound(what="site") from broken


@dataclass(frozen=True, slots=True)
class Remote:
    """A number of a station, today. `since` it has been in its state at the window."""

    number: str
    key: str
    service: str
    state: str
    window: str | None
    talk: str
    print_point: str | None
    joined_at: datetime


TODAYS = f"""
SELECT t.number, t.key, t.service, t.state::text, t.window_no AS "window", r.talk, r.print_point, t.joined_at
FROM remote_tickets r JOIN tickets t ON t.id = r.ticket WHERE r.hall = $1 AND r.site = $2 AND t.day = {TODAY}
ORDER BY t.ended_at IS NOT NULL, t.id DESC LIMIT 100
"""


async def today(db: Db, hall: Hall, site: str) -> list[Remote]:
    """What was taken at a station today, the open ones first."""
    return [Remote(**row) for row in await db.fetch(TODAYS, hall.id, site)]
