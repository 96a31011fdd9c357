"""What the tests of the machines begin with."""

from datetime import UTC, datetime, timedelta
from typing import Any

from devices.db import Db
from devices.pairing import Paired, create_device, pair
from devices.registry import Device, get_device

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)


async def make_paired(db: Db, hall: int, kind: str = "led", **place: str) -> tuple[Device, Paired]:
    """A machine that has traded its code for a secret."""
    made, code, _ = await create_device(db, hall, kind, name=f"a {kind}", actor="engineer", **place)
    paired = await pair(db, code, "box-1", "1.0.0", address="10.0.0.9")
    return await get_device(db, made.id), paired


async def set_time(db: Db, at: datetime) -> None:
    """Move the hall's clock, for every connection of this test's database."""
    moved = f"SELECT '{at.isoformat()}'::timestamptz"
    await db.execute(f"CREATE OR REPLACE FUNCTION hall_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ {moved} $$")


async def told(db: Db, hall: int) -> list[tuple[int, str, str, dict[str, Any]]]:
    """The hall's record: offset, kind, actor, data."""
    rows = await db.fetch('SELECT "offset", kind, actor, data FROM journal WHERE hall = $1 ORDER BY "offset"', hall)
    return [tuple(row) for row in rows]


async def make_ticket(db: Db, hall: int, number: str = "A001", state: str = "waiting") -> str:
    """A ticket as it lies in the table. Gives tk_<id>."""
    ticket = await db.fetchval(
        """INSERT INTO tickets (key, hall, day, number, services, service, state, channel, joined_at, rank_at)
           VALUES ($2, $1, '2026-11-02', $2, '{A}', 'A', $3, 'dispenser', now(), now()) RETURNING id""",
        hall, number, state,
    )  # fmt: skip
    return f"tk_{ticket}"


def later(at: datetime, **by: float) -> datetime:
    return at + timedelta(**by)
