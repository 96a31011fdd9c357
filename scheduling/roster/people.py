"""What each clerk has agreed to, and what they are trained for until when: what a roster and an opening may ask of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import asyncpg

from queueing.db import Db
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall

EMPLOYMENT = ("regular", "contract", "dispatched", "part_time")


@dataclass(frozen=True, slots=True)
class Contract:
    """`shifts` a week at most, `hours` a week without breaks (None: the shifts alone bind), `stretch` days in a row; the own
    zone, the others that can be served (with no own zone: none named is all), the only patterns (None: any).

    `skills`: the services somebody may serve, each until a day or without end.
    """

    clerk: str
    shifts: int = 5
    hours: int | None = None
    stretch: int = 6
    employment: str = "regular"
    home: str | None = None
    zones: tuple[str, ...] = ()
    patterns: tuple[str, ...] | None = None
    skills: Mapping[str, date | None] = field(default_factory=dict)


CONTRACTS = """
SELECT c.clerk, c.shifts, c.hours, c.stretch, c.employment, c.home, c.zones, c.patterns, k.skills FROM contracts c, LATERAL (
    SELECT coalesce(jsonb_object_agg(k.service, k.until), '{}') AS skills FROM skills k
    WHERE (k.hall, k.clerk) = (c.hall, c.clerk)
) k WHERE c.hall = $1 AND ($2::text IS NULL OR c.clerk = $2) ORDER BY c.home NULLS LAST, c.clerk
"""
SKILLS = "SELECT service, until FROM skills WHERE hall = $1 AND clerk = $2"


async def contracts(db: Db, hall: Hall, clerk: str | None = None) -> list[Contract]:
    """The contracts of everybody, or of one clerk, by their zone."""
    return [
        Contract(
            row["clerk"], row["shifts"], row["hours"], row["stretch"], row["employment"], row["home"], tuple(row["zones"]),
            None if row["patterns"] is None else tuple(row["patterns"]),
            {code: date.fromisoformat(until) if until else None for code, until in row["skills"].items()},
        )
        for row in await db.fetch(CONTRACTS, hall.id, clerk)
    ]  # fmt: skip


async def skills_of(db: Db, hall: Hall, clerk: str) -> dict[str, date | None]:
    """What a clerk is trained for; also of one without a contract."""
    return {row["service"]: row["until"] for row in await db.fetch(SKILLS, hall.id, clerk)}


SAVE = """
WITH kept AS (
    INSERT INTO contracts (hall, clerk, shifts, hours, stretch, employment, home, zones, patterns)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (hall, clerk) DO UPDATE SET shifts = excluded.shifts, hours = excluded.hours, stretch = excluded.stretch,
        employment = excluded.employment, home = excluded.home, zones = excluded.zones, patterns = excluded.patterns
    RETURNING hall, clerk
), gone AS (
    DELETE FROM skills k USING kept WHERE (k.hall, k.clerk) = (kept.hall, kept.clerk) AND NOT k.service = ANY($10)
), trained AS (
    INSERT INTO skills (hall, clerk, service, until)
    SELECT kept.hall, kept.clerk, x.* FROM kept, unnest($10::text[], $11::date[]) AS x(service, until)
    ON CONFLICT (hall, clerk, service) DO UPDATE SET until = excluded.until RETURNING service
)
SELECT count(*)::int FROM trained
"""
BAD = {
    "contracts_shifts_check": ("shifts", "0 to 7"),
    "contracts_stretch_check": ("stretch", "1 to 7"),
    "contracts_hours_check": ("hours", "1 to 60"),
}


async def save_contract(db: Db, hall: Hall, it: Contract) -> None:
    """Make this what a clerk has agreed to and is trained for, all of it or nothing. BadInput; NotFound for an unknown zone,
    service."""
    if it.employment not in EMPLOYMENT:
        raise BadInput(field="employment", message=f"one of {', '.join(EMPLOYMENT)}")
    others = [zone for zone in it.zones if zone != it.home]
    try:
        await db.execute(
            SAVE, hall.id, it.clerk, it.shifts, it.hours, it.stretch, it.employment, it.home, others,
            None if it.patterns is None else list(it.patterns), list(it.skills), list(it.skills.values()),
        )  # fmt: skip
    except asyncpg.CheckViolationError as broken:
        if broken.constraint_name not in BAD:
            raise
        name, message = BAD[broken.constraint_name]
        raise BadInput(field=name, message=message) from broken
    except asyncpg.ForeignKeyViolationError as broken:
        raise NotFound(what="zone or service") from broken
