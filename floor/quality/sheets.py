"""A small hall's day as figures: counted, signed with the key of its site, and naming nobody."""

import hashlib
import hmac
from datetime import UTC, date, datetime

import msgspec

from floor.database import Db
from floor.quality import ratings
from queueing.halls import Hall

RECOUNTED_DAYS = 70  # ratings come for up to 60 days: so far back a day is counted again


class ServiceDay(msgspec.Struct, frozen=True):
    """A service's day. Waits in seconds from the number to its first call, of those who were called."""

    code: str
    name: str
    taken: int
    served: int
    cancelled: int
    missed: int
    wait_p50_s: int | None
    wait_p90_s: int | None


class ModeDay(msgspec.Struct, frozen=True):
    """Visits of a mode: served = active + default + unrated; `levels` by 1 to 5."""

    mode: str
    served: int
    active: int
    default: int
    unrated: int
    levels: dict[str, int]


class Sheet(msgspec.Struct, frozen=True, omit_defaults=True):
    """One day of one site. A later version corrects an earlier. `questions` were answered without a number and are in no mode;
    a sheet without any is signed as one made before they were told apart."""

    site: str
    day: date
    version: int
    made_at: datetime
    services: list[ServiceDay]
    modes: list[ModeDay]
    questions: int = 0


class Signed(msgspec.Struct, frozen=True):
    """A sheet and the HMAC-SHA256 over its canonical JSON, in hexadecimal."""

    sheet: Sheet
    mac: str


def canonical(sheet: Sheet) -> bytes:
    """The bytes that are signed: JSON with its keys in order, without spaces."""
    return msgspec.json.encode(sheet, order="deterministic")


def mac_of(sheet: Sheet, key: str) -> str:
    return hmac.new(key.encode(), canonical(sheet), hashlib.sha256).hexdigest()


def sign(sheet: Sheet, key: str) -> Signed:
    return Signed(sheet, mac_of(sheet, key))


def genuine(signed: Signed, key: str) -> bool:
    """Whether who has this key made exactly this sheet."""
    return hmac.compare_digest(mac_of(signed.sheet, key).encode(), signed.mac.encode())


SERVICES = """
SELECT t.services[1] AS code, s.name, count(*)::int AS taken, count(*) FILTER (WHERE t.state = 'finished')::int AS served,
       count(*) FILTER (WHERE t.state = 'cancelled')::int AS cancelled,
       count(*) FILTER (WHERE t.state IN ('missed', 'expired'))::int AS missed,
       round(percentile_cont(0.5) WITHIN GROUP (ORDER BY c.wait))::int AS wait_p50_s,
       round(percentile_cont(0.9) WITHIN GROUP (ORDER BY c.wait))::int AS wait_p90_s
FROM tickets t JOIN services s ON s.hall = t.hall AND s.code = t.services[1], LATERAL (
    SELECT extract(epoch FROM min(j.at) - t.joined_at) AS wait FROM journal j
    WHERE j.ticket = t.id AND j.kind = 'ticket.called') c
WHERE t.hall = $1 AND t.day = $2 GROUP BY 1, 2 ORDER BY 1
"""


async def counted(db: Db, hall: Hall, site: str, day: date, version: int, made_at: datetime) -> Sheet:
    """A business day of this hall as the sheet of a site."""
    services = [ServiceDay(**row) for row in await db.fetch(SERVICES, hall.id, day)]
    tallies = await ratings.summary(db, hall, day, day, "mode")
    modes = [ModeDay(t.of, t.served, t.active, t.default, t.unrated, t.levels) for t in tallies if t.served]
    return Sheet(site, day, version, made_at.astimezone(UTC), services, modes, sum(t.questions for t in tallies))


NEWEST = "SELECT version, digest FROM figure_sheets WHERE hall = $1 AND day = $2 ORDER BY version DESC LIMIT 1"
KEEP = """
INSERT INTO figure_sheets (hall, day, version, sheet, digest, made_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
"""
DAYS = """
SELECT DISTINCT d.day FROM (
    SELECT day FROM tickets WHERE hall = $1 AND day >= $2 AND day < $3
    UNION ALL SELECT day FROM visits WHERE hall = $1 AND day >= $2 AND day < $3) d ORDER BY d.day
"""
NOW = """
SELECT hall_now() AS now, business_day(hall_now(), $2, $3) AS today
FROM halls WHERE id = $1
"""
SAME_HOUR = datetime(2000, 1, 1, tzinfo=UTC)


async def make(db: Db, hall: Hall, site: str) -> int:
    """Count every past day that may have changed; how many sheets are new. A day that counts the same as before makes none."""
    at = await db.fetchrow(NOW, hall.id, hall.time_zone, hall.day_starts)
    assert at is not None
    made, first = 0, date.fromordinal(at["today"].toordinal() - RECOUNTED_DAYS)
    for row in await db.fetch(DAYS, hall.id, first, at["today"]):
        plain = await counted(db, hall, site, row["day"], 0, SAME_HOUR)
        digest = hashlib.sha256(canonical(plain)).digest()
        before = await db.fetchrow(NEWEST, hall.id, row["day"])
        if before is not None and before["digest"] == digest:
            continue
        version = before["version"] + 1 if before else 1
        sheet = msgspec.structs.replace(plain, version=version, made_at=at["now"].astimezone(UTC))
        kept = msgspec.to_builtins(sheet)
        await db.execute(KEEP, hall.id, row["day"], version, kept, digest, sheet.made_at)
        made += 1
    return made


LIST = """
SELECT sheet FROM figure_sheets WHERE hall = $1 AND ($2::date IS NULL OR day >= $2) AND (NOT $3 OR sent_at IS NULL)
ORDER BY day, version LIMIT 500
"""
SENT = "UPDATE figure_sheets SET sent_at = hall_now() WHERE hall = $1 AND day = $2 AND version = $3 AND sent_at IS NULL"


async def signed(db: Db, hall: Hall, key: str, *, since: date | None = None, unsent: bool = False) -> list[Signed]:
    """The sheets of this hall, signed, oldest first."""
    rows = await db.fetch(LIST, hall.id, since, unsent)
    return [sign(msgspec.convert(row["sheet"], Sheet), key) for row in rows]


async def sent(db: Db, hall: Hall, sheet: Sheet) -> None:
    """The centre has this sheet."""
    await db.execute(SENT, hall.id, sheet.day, sheet.version)
