"""What the hall does off site, for whom, where and with what: the rows a manager edits, each change on record."""

from typing import Any

import asyncpg

from queueing import journal
from queueing.db import Db
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall
from scheduling.teams import Area, Kit, Reason, keep_door_matter, keep_kit

KINDS = ("mobility", "occupation", "other")


async def changed(db: Db, hall: Hall, what: str, code: str, actor: str, statement: str | None, *given: Any) -> None:
    """Make one change and record it. BadInput names the field that can't be so, NotFound a row there is not."""
    try:
        async with db.transaction():
            if statement is not None and await db.fetchval(statement, hall.id, code, *given) is None:
                raise NotFound(what=what)
            await journal.append(db, hall.id, "doorstep.offer", actor, data={"what": what, "code": code})
    except asyncpg.CheckViolationError as broken:
        field = (broken.constraint_name or "").removesuffix("_check").removeprefix(f"{broken.table_name}_")
        raise BadInput(field=field, message="it is not usable") from broken
    except asyncpg.ForeignKeyViolationError as broken:
        raise BadInput(field=what, message="it is used by visits") from broken


KEEP_REASON = """
INSERT INTO doorstep_reasons (hall, code, kind, name, name_hant, name_en, needs_evidence, credit_minutes, offered, rank)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, (SELECT coalesce(max(rank), 0) + 1 FROM doorstep_reasons WHERE hall = $1))
ON CONFLICT (hall, code) DO UPDATE SET name = excluded.name, name_hant = excluded.name_hant, name_en = excluded.name_en,
    needs_evidence = excluded.needs_evidence, credit_minutes = excluded.credit_minutes, offered = excluded.offered
RETURNING code
"""


async def keep_reason(db: Db, hall: Hall, reason: Reason, *, actor: str) -> None:
    """Add a reason, or change the one of its code; its kind stays. BadInput."""
    if reason.kind not in KINDS:
        raise BadInput(field="kind", message=f"one of {', '.join(KINDS)}")
    await changed(
        db, hall, "reason", reason.code, actor, KEEP_REASON, reason.kind, reason.name, reason.name_hant, reason.name_en,
        reason.needs_evidence, reason.credit_minutes, reason.offered,
    )  # fmt: skip


KEEP_AREA = """
INSERT INTO doorstep_areas (hall, code, name, name_hant, name_en, lat, lon, rank)
VALUES ($1, $2, $3, $4, $5, $6, $7, (SELECT coalesce(max(rank), 0) + 1 FROM doorstep_areas WHERE hall = $1))
ON CONFLICT (hall, code) DO UPDATE SET name = excluded.name, name_hant = excluded.name_hant, name_en = excluded.name_en,
    lat = excluded.lat, lon = excluded.lon
RETURNING code
"""


async def keep_area(db: Db, hall: Hall, area: Area, *, actor: str) -> None:
    """Add a street or village, or change the one of its code. BadInput."""
    await changed(db, hall, "area", area.code, actor, KEEP_AREA, area.name, area.name_hant, area.name_en, area.lat, area.lon)


async def drop_area(db: Db, hall: Hall, code: str, *, actor: str) -> None:
    """Go there no more. BadInput where visits name it, NotFound."""
    await changed(db, hall, "area", code, actor, "DELETE FROM doorstep_areas WHERE hall = $1 AND code = $2 RETURNING code")


async def set_kit(db: Db, hall: Hall, kit: Kit, *, actor: str) -> None:
    """Add a kit, or change the one of its code. BadInput."""
    async with db.transaction():
        try:
            await keep_kit(db, hall, kit)
        except asyncpg.CheckViolationError as broken:
            field = "owned" if "owned" in (broken.constraint_name or "") else "name"
            raise BadInput(field=field, message="it is not usable") from broken
        await changed(db, hall, "kit", kit.code, actor, None)


async def set_matter(db: Db, hall: Hall, matter: str, minutes: int, kit: str | None, *, actor: str) -> None:
    """Let a matter be done off site, so long and with that kit. BadInput."""
    async with db.transaction():
        await keep_door_matter(db, hall, matter, minutes, kit)
        await changed(db, hall, "matter", matter, actor, None)


async def drop_matter(db: Db, hall: Hall, matter: str, *, actor: str) -> None:
    """From now on this is done at the hall only; visits asked for stay. NotFound."""
    gone = "DELETE FROM doorstep_matters WHERE hall = $1 AND matter = $2 RETURNING matter"
    await changed(db, hall, "matter", matter, actor, gone)
