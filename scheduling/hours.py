"""When the doors of each service open, give the last ticket and close on a business day."""

from queueing.db import Db

# A business day runs from the hall's own hour to the same hour of the next date, so a clock time before that hour
# belongs to the date that follows. A hall that is always open has its doors open from roll to roll.
DOORS = """
INSERT INTO doors (hall, day, service, opens, last_ticket, closes, left_places)
SELECT h.id, d.day, s.code, t.opens, greatest(t.opens, t.last_ticket), greatest(t.opens, t.last_ticket, t.closes), s.quota
FROM halls h
JOIN services s ON s.hall = h.id
CROSS JOIN LATERAL (
    SELECT business_day(hall_now(), h.time_zone, h.day_starts) + ahead AS day FROM generate_series(0, 1) AS ahead
) d
CROSS JOIN LATERAL (
    SELECT (d.day + CASE WHEN h.always_open THEN h.day_starts ELSE s.opens END
              + CASE WHEN NOT h.always_open AND s.opens < h.day_starts THEN interval '1 day' ELSE interval '0' END)
              AT TIME ZONE h.time_zone AS opens,
           (d.day + CASE WHEN h.always_open THEN h.day_starts ELSE s.last_ticket END
              + CASE WHEN h.always_open OR s.last_ticket < h.day_starts THEN interval '1 day' ELSE interval '0' END)
              AT TIME ZONE h.time_zone AS last_ticket,
           (d.day + CASE WHEN h.always_open THEN h.day_starts ELSE s.closes END
              + CASE WHEN h.always_open OR s.closes < h.day_starts THEN interval '1 day' ELSE interval '0' END)
              AT TIME ZONE h.time_zone AS closes
) t
WHERE h.id = $1
"""
OPEN = DOORS + "ON CONFLICT DO NOTHING"


async def open_doors(db: Db, hall_id: int) -> int:
    """Make the doors of today and tomorrow where they are missing; how many were made. One made stays as it is."""
    return changed(await db.execute(OPEN, hall_id))


REHANG = (
    DOORS
    + """
ON CONFLICT (hall, day, service) DO UPDATE
SET opens = excluded.opens, last_ticket = excluded.last_ticket, closes = excluded.closes
WHERE (doors.opens, doors.last_ticket, doors.closes) <> (excluded.opens, excluded.last_ticket, excluded.closes)
"""
)


async def rehang_doors(db: Db, hall_id: int) -> int:
    """After a service's hours were changed: let today's and tomorrow's doors follow; places left stay as they are."""
    return changed(await db.execute(REHANG, hall_id))


def changed(status: str) -> int:
    """The number of rows in a command's answer, "INSERT 0 4" or "DELETE 2"."""
    return int(status.rpartition(" ")[2])
