"""The figures of a centre's sites: taken in when their signature holds, each version once, added up with what is missing."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import msgspec

from displays.sealed import Seal, Unreadable
from floor.database import Db
from floor.quality.sheets import Sheet, Signed, genuine
from floor.refusals import NotAllowed, SheetDiffers
from queueing import journal
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall, business_day

SAVE_KEY = """
INSERT INTO site_keys AS k (hall, site, sealed) SELECT hall, code, $3 FROM sites WHERE hall = $1 AND code = $2 AND offline
ON CONFLICT (hall, site) DO UPDATE SET sealed = excluded.sealed, made_at = hall_now() RETURNING site
"""


async def new_key(db: Db, hall: Hall, site: str, seal: Seal) -> str:
    """A new key for a site that counts for itself; told this once, the one before is good no more. NotFound."""
    key = secrets.token_urlsafe(24)
    if await db.fetchval(SAVE_KEY, hall.id, site, seal.close(key, f"site:{hall.id}:{site}")) is None:
        raise NotFound(what="site")
    return key


KEY = """
SELECT sealed FROM site_keys k JOIN sites s ON s.hall = k.hall AND s.code = k.site AND NOT s.shut
WHERE k.hall = $1 AND k.site = $2
"""
TAKE_IN = """
INSERT INTO site_sheets (hall, site, day, version, sheet, via) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT ON CONSTRAINT sheet_once DO NOTHING RETURNING version
"""
KNOWN = "SELECT sheet FROM site_sheets WHERE hall = $1 AND site = $2 AND day = $3 AND version = $4"


async def take_in(db: Db, hall: Hall, signed: Signed, seal: Seal, *, via: str) -> bool:
    """Keep a sheet; whether it is new. The same again changes nothing.

    Raises NotAllowed (no key, or not signed with it), BadInput (a day that is not over), SheetDiffers (another sheet of this
    version came before).
    """
    sheet = signed.sheet
    sealed = await db.fetchval(KEY, hall.id, sheet.site)
    try:
        key = seal.open(sealed, f"site:{hall.id}:{sheet.site}") if sealed is not None else None
    except Unreadable:  # the hall's secret was changed meanwhile: the site needs a new key
        key = None
    if key is None or not genuine(signed, key):
        raise NotAllowed()
    if sheet.day > await business_day(db, hall) or sheet.version < 1:
        raise BadInput(field="day", message="a period ends no earlier than it begins")
    kept = msgspec.to_builtins(sheet)
    async with db.transaction():
        if await db.fetchval(TAKE_IN, hall.id, sheet.site, sheet.day, sheet.version, kept, via) is not None:
            told = {"site": sheet.site, "day": sheet.day.isoformat(), "version": sheet.version, "via": via}
            await journal.append(db, hall.id, "figures.received", f"site:{sheet.site}", data=told)
            return True
    if await db.fetchval(KNOWN, hall.id, sheet.site, sheet.day, sheet.version) != kept:
        raise SheetDiffers(day=sheet.day.isoformat(), version=sheet.version)
    return False


@dataclass(frozen=True, slots=True)
class Sum:
    """What came of a site in a stretch of days. `questions` are no visits. `worst_p90_s` is the longest P90 of a service on a
    day; `corrected` days have more than one version; `missing` have none."""

    site: str
    days: int
    taken: int
    served: int
    questions: int
    active: int
    bad: int
    worst_p90_s: int | None
    corrected: list[date]
    missing: list[date]


SHEETS = """
SELECT DISTINCT ON (site, day) site, sheet, max(version) OVER (PARTITION BY site, day) > 1 AS corrected
FROM site_sheets WHERE hall = $1 AND day BETWEEN $2 AND $3 ORDER BY site, day, version DESC
"""


async def rolled_up(db: Db, hall: Hall, sites: Sequence[str], first: date, last: date, *, open_days: set[date]) -> list[Sum]:
    """Each site's figures of these days, from the newest version of each; `open_days` are those a sheet is expected for."""
    rows = await db.fetch(SHEETS, hall.id, first, last)
    return [
        _sum(site, [(msgspec.convert(row["sheet"], Sheet), row["corrected"]) for row in rows if row["site"] == site], open_days)
        for site in sites
    ]


def _sum(site: str, found: list[tuple[Sheet, bool]], open_days: set[date]) -> Sum:
    services = [service for sheet, _ in found for service in sheet.services]
    modes = [mode for sheet, _ in found for mode in sheet.modes]
    waits = [service.wait_p90_s for service in services if service.wait_p90_s is not None]
    return Sum(
        site,
        len(found),
        sum(service.taken for service in services),
        sum(mode.served for mode in modes),
        sum(sheet.questions for sheet, _ in found),
        sum(mode.active for mode in modes),
        sum(mode.levels.get("1", 0) + mode.levels.get("2", 0) for mode in modes),
        max(waits, default=None),
        [sheet.day for sheet, corrected in found if corrected],
        sorted(open_days - {sheet.day for sheet, _ in found}),
    )


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(n) for n in range((last - first).days + 1)]


VERSIONS = """
SELECT day, version, sheet, via, received_at FROM site_sheets WHERE hall = $1 AND site = $2 AND day BETWEEN $3 AND $4
ORDER BY day DESC, version DESC LIMIT 200
"""


@dataclass(frozen=True, slots=True)
class Version:
    """One sheet as it came."""

    day: date
    version: int
    taken: int
    served: int
    via: str


async def versions(db: Db, hall: Hall, site: str, first: date, last: date) -> list[Version]:
    """Every sheet of a site, corrections beside what they correct, the last day first."""
    told = []
    for row in await db.fetch(VERSIONS, hall.id, site, first, last):
        sheet = msgspec.convert(row["sheet"], Sheet)
        taken, served = sum(s.taken for s in sheet.services), sum(m.served for m in sheet.modes)
        told.append(Version(row["day"], row["version"], taken, served, row["via"]))
    return told
