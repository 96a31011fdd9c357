"""Who goes to people's doors on a day, with what, and what they can do there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import asin, cos, radians, sin, sqrt

import asyncpg

from queueing import journal
from queueing.db import Db
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from scheduling.errors import BadTeam, NoSuchTeam


@dataclass(frozen=True, slots=True)
class Team:
    """Two people for one day, by the names they sign in with. `skills` are services; the start is in WGS 84 degrees."""

    id: int
    hall: int
    day: date
    name: str
    lead: str
    second: str
    skills: list[str]
    kits: list[str]
    starts: datetime
    ends: datetime
    lunch_from: datetime | None
    lunch_to: datetime | None
    start_lat: float
    start_lon: float


COLUMNS = ", ".join(Team.__slots__)
OF_DAY = f"SELECT {COLUMNS} FROM doorstep_teams WHERE hall = $1 AND day = $2 ORDER BY name"


async def teams(db: Db, hall: Hall, day: date) -> list[Team]:
    """The teams of a day."""
    return [Team(**row) for row in await db.fetch(OF_DAY, hall.id, day)]


OF_CLERK = f"""
SELECT {", ".join(f"t.{name}" for name in Team.__slots__)} FROM doorstep_members w JOIN doorstep_teams t ON t.id = w.team
WHERE w.hall = $1 AND w.day = $2 AND w.clerk = $3
"""


async def team_of(db: Db, hall: Hall, day: date, clerk: str) -> Team | None:
    """The team somebody belongs to on a day."""
    row = await db.fetchrow(OF_CLERK, hall.id, day, clerk)
    return Team(**row) if row else None


BY_ID = f"SELECT {COLUMNS} FROM doorstep_teams WHERE hall = $1 AND id = $2"


async def team(db: Db, hall: Hall, number: int) -> Team:
    """NotFound."""
    row = await db.fetchrow(BY_ID, hall.id, number)
    if row is None:
        raise NotFound(what="team")
    return Team(**row)


BY_NAME = """
SELECT t.id FROM doorstep_teams t JOIN halls h ON h.id = t.hall
WHERE t.hall = $1 AND t.name = $3 AND t.day = business_day($2, h.time_zone, h.day_starts)
"""


async def number_of(db: Db, hall: Hall, at: datetime, name: str) -> int:
    """The number of the team that has this name on the business day of that moment. NoSuchTeam."""
    number: int | None = await db.fetchval(BY_NAME, hall.id, at, name)
    if number is None:
        raise NoSuchTeam()
    return number


MAKE = f"""
INSERT INTO doorstep_teams (hall, day, name, lead, second, skills, kits, starts, ends, lunch_from, lunch_to, start_lat, start_lon)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) RETURNING {COLUMNS}
"""
CHANGE = f"""
UPDATE doorstep_teams SET day = $2, name = $3, lead = $4, second = $5, skills = $6, kits = $7, starts = $8, ends = $9,
    lunch_from = $10, lunch_to = $11, start_lat = $12, start_lon = $13
WHERE hall = $1 AND id = $14 RETURNING {COLUMNS}
"""
WHY = {
    "team_is_two": "it takes two people",
    "one_team_a_day": "one of them is in another team that day",
    "team_name_once": "there is a team of that name",
    "team_shift_runs_forward": "it begins before it ends",
    "team_lunch_lies_in_the_shift": "lunch lies within its hours",
    "team_skills_are_services": "its skills are services of the hall",
    "team_has_its_skills": "one of the two has each of its skills",
    "kit_is_there": "the hall has enough of each kit for that day",
    "no_team_on_leave": "neither is on leave",
    "team_keeps_its_word": "it can still make the visits it has",
}


async def save_team(
    db: Db,
    hall: Hall,
    day: date,
    name: str,
    members: tuple[str, str],
    *,
    skills: Sequence[str],
    kits: Sequence[str],
    starts: datetime,
    ends: datetime,
    start: tuple[float, float],
    lunch: tuple[datetime, datetime] | None = None,
    number: int | None = None,
    actor: str,
) -> Team:
    """Make a team for a day, or change the one of this number. BadTeam says what of it can't be, NotFound."""
    given = (
        hall.id, day, name, *members, list(skills), list(kits), starts, ends, *(lunch or (None, None)), *start
    )  # fmt: skip
    try:
        async with db.transaction():
            row = await db.fetchrow(MAKE, *given) if number is None else await db.fetchrow(CHANGE, *given, number)
            if row is None:
                raise NotFound(what="team")
            await journal.append(
                db, hall.id, "doorstep.team", actor,
                data={"team": row["id"], "day": day.isoformat(), "members": list(members), "kits": row["kits"]},
            )  # fmt: skip
    except asyncpg.IntegrityConstraintViolationError as broken:
        why = WHY.get(broken.constraint_name or "")
        if why is None:
            raise
        raise BadTeam(why=why, rule=broken.constraint_name) from broken
    return Team(**row)


DROP = """
DELETE FROM doorstep_teams t
WHERE hall = $1 AND id = $2 AND NOT EXISTS (SELECT FROM doorstep_visits v WHERE v.team = t.id) RETURNING id
"""


async def drop_team(db: Db, hall: Hall, number: int, *, actor: str) -> None:
    """Take a team away that goes to nobody. NotFound, BadTeam."""
    async with db.transaction():
        if await db.fetchval(DROP, hall.id, number) is None:
            await team(db, hall, number)
            raise BadTeam(why="it goes to nobody", rule="it_goes_to_nobody")
        await journal.append(db, hall.id, "doorstep.team", actor, data={"team": number, "gone": True})


@dataclass(frozen=True, slots=True)
class Kit:
    """A bag: what it holds, and how many of it the hall has."""

    code: str
    name: str
    name_hant: str | None
    name_en: str | None
    holds: list[str]
    owned: int


KITS = "SELECT code, name, name_hant, name_en, holds, owned FROM kits WHERE hall = $1 ORDER BY code"
KEEP_KIT = """
INSERT INTO kits (hall, code, name, name_hant, name_en, holds, owned) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (hall, code) DO UPDATE SET name = excluded.name, name_hant = excluded.name_hant, name_en = excluded.name_en,
    holds = excluded.holds, owned = excluded.owned
"""


async def kits(db: Db, hall: Hall) -> list[Kit]:
    """The bags of a hall."""
    return [Kit(**row) for row in await db.fetch(KITS, hall.id)]


async def keep_kit(db: Db, hall: Hall, kit: Kit) -> None:
    """Add a bag, or change the one of its code."""
    await db.execute(KEEP_KIT, hall.id, kit.code, kit.name, kit.name_hant, kit.name_en, kit.holds, kit.owned)


@dataclass(frozen=True, slots=True)
class DoorMatter:
    """A matter that can be done off site: in so many minutes, with that kit, by whoever can do its service."""

    code: str
    name: str
    name_hant: str | None
    name_en: str | None
    service: str
    kit: str | None
    minutes: int
    materials: list[str]
    materials_hant: list[str]
    materials_en: list[str]


DOOR_MATTERS = """
SELECT m.code, m.name, m.name_hant, m.name_en, m.service, d.kit, d.minutes, m.materials, m.materials_hant, m.materials_en
FROM doorstep_matters d JOIN matters m ON m.hall = d.hall AND m.code = d.matter
WHERE d.hall = $1 AND NOT m.retired ORDER BY m.service, m.code
"""
IS_AT_THE_DOOR = """
SELECT EXISTS (SELECT FROM doorstep_matters d JOIN matters m ON m.hall = d.hall AND m.code = d.matter
               WHERE d.hall = $1 AND NOT m.retired AND ($2::text IS NULL OR m.service = $2))
"""
KEEP_DOOR_MATTER = """
INSERT INTO doorstep_matters (hall, matter, kit, minutes) VALUES ($1, $2, $3, $4)
ON CONFLICT (hall, matter) DO UPDATE SET kit = excluded.kit, minutes = excluded.minutes
"""


async def door_matters(db: Db, hall: Hall) -> list[DoorMatter]:
    """What can be done at people's doors."""
    return [DoorMatter(**row) for row in await db.fetch(DOOR_MATTERS, hall.id)]


async def at_the_door(db: Db, hall: Hall, service: str | None = None) -> bool:
    """Whether anything (of a service) can be done at people's doors."""
    found: bool = await db.fetchval(IS_AT_THE_DOOR, hall.id, service)
    return found


async def keep_door_matter(db: Db, hall: Hall, matter: str, minutes: int, kit: str | None = None) -> None:
    """Let a matter be done off site. BadInput for a matter, kit or time there is not."""
    try:
        await db.execute(KEEP_DOOR_MATTER, hall.id, matter, kit, minutes)
    except asyncpg.ForeignKeyViolationError as broken:
        raise BadInput(field="kit" if "kit" in (broken.constraint_name or "") else "matter", message="there is none") from broken
    except asyncpg.CheckViolationError as broken:
        raise BadInput(field="minutes", message="5 to 240") from broken


@dataclass(frozen=True, slots=True)
class Reason:
    """For whom the hall goes out. `credit_minutes` is the head start of who has it."""

    code: str
    kind: str
    name: str
    name_hant: str | None
    name_en: str | None
    needs_evidence: bool
    credit_minutes: int
    offered: bool


REASONS = """
SELECT code, kind, name, name_hant, name_en, needs_evidence, credit_minutes, offered
FROM doorstep_reasons WHERE hall = $1 ORDER BY rank, code
"""


async def reasons(db: Db, hall: Hall) -> list[Reason]:
    """All reasons of a hall in its order, those no longer offered too."""
    return [Reason(**row) for row in await db.fetch(REASONS, hall.id)]


@dataclass(frozen=True, slots=True)
class Area:
    """A street or village the hall goes to, and the point that stands for it."""

    code: str
    name: str
    name_hant: str | None
    name_en: str | None
    lat: float
    lon: float


AREAS = "SELECT code, name, name_hant, name_en, lat, lon FROM doorstep_areas WHERE hall = $1 ORDER BY rank, code"


async def areas(db: Db, hall: Hall) -> list[Area]:
    """Where the hall goes."""
    return [Area(**row) for row in await db.fetch(AREAS, hall.id)]


def nearest(known: Sequence[Area], lat: float, lon: float) -> str | None:
    """The area a place belongs to: the one whose point is nearest. None where a hall names none."""
    return min(known, key=lambda area: kilometres(area.lat, area.lon, lat, lon)).code if known else None


def kilometres(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """As the crow flies, on a ball of 6,371 km."""
    a, b = radians(lat), radians(other_lat)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(other_lon - lon) / 2) ** 2
    return 2 * 6371 * asin(sqrt(half))
