"""A visit: one service that was given, at a window, at home, at a machine or by an agent, kept by the act that ended it."""

from dataclasses import dataclass
from datetime import date, datetime

from queueing.db import Db
from queueing.halls import Hall

# Those who have served a ticket t, once each, when it leaves the hands of its clerk.
AND_CLERK = "CASE WHEN t.clerk = ANY(t.served_by) OR t.clerk IS NULL THEN t.served_by ELSE t.served_by || t.clerk END"

# Joins an act's statement behind its `moved`: no trigger, since one act alone ends each kind of service, and a trigger
# would cost each of them a call into another language.
VISITED = """
, visited AS (
    INSERT INTO visits (hall, day, mode, source, subject, number, service, zone, window_no, clerk, clerks, matters, started_at,
                        ended_at, rateable_until)
    SELECT m.hall, {day}, {mode}, '{source}', m.id, {number}, {service}, coalesce(w.zone, {zone}), {window}, ({clerks})[1],
           {clerks}, {matters}, {started}, {ended}, {ended} + make_interval(days => h.rating_days)
    FROM moved m JOIN halls h ON h.id = m.hall LEFT JOIN windows w ON w.hall = m.hall AND w.no = {window}
    WHERE {when}
)"""


def visited(
    source: str,
    mode: str,
    *,
    when: str = "true",
    day: str = "business_day({ended}, h.time_zone, h.day_starts)",
    number: str = "NULL::text",
    service: str = "NULL::text",
    zone: str = "NULL::text",
    window: str = "NULL::text",
    clerks: str = "'{}'::text[]",
    matters: str = "m.matters",
    started: str = "m.started_at",
    ended: str = "m.ended_at",
) -> str:
    """The part of an act's statement that keeps a visit. Each value is SQL over the act's row m, `mode` too; `when` says
    whether the act has ended the service; the first of `clerks` answers for it."""
    return VISITED.format(
        source=source, mode=mode, when=when, day=day.format(ended=ended), number=number, service=service, zone=zone,
        window=window, clerks=clerks, matters=matters, started=started, ended=ended,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Visit:
    """A service that was given. `window_no`, `number` and `service` where it had one; `rateable_until` is its last moment."""

    id: int
    hall: int
    day: date
    mode: str
    source: str
    subject: int
    number: str | None
    service: str | None
    window_no: str | None
    clerk: str | None
    started_at: datetime
    ended_at: datetime
    rateable_until: datetime


COLUMNS = ", ".join(Visit.__slots__)
OF = f"SELECT {COLUMNS} FROM visits WHERE hall = $1 AND source = $2 AND subject = $3"


async def visit_of(db: Db, hall: Hall, source: str, subject: int) -> Visit | None:
    """The visit that a ticket, a doorstep visit, an order or a session ended as; None while it has not."""
    row = await db.fetchrow(OF, hall.id, source, subject)
    return Visit(**row) if row else None
