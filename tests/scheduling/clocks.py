"""Let it be another moment in the hall."""

from floor.database import Connection


async def at(db: Connection, moment: str) -> None:
    """From now on it is this moment, such as `2027-03-03 12:00+08`, for everything that asks the hall's clock."""
    for name, kind in (("hall_now", "STABLE"), ("hall_clock", "VOLATILE")):
        await db.execute(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS timestamptz LANGUAGE sql {kind} AS $$ SELECT '{moment}'::timestamptz $$"
        )


async def half_past(db: Connection) -> None:
    """Let it be half past this hour and go on from there: no hour and no day ends while a test looks at it."""
    ahead: float = await db.fetchval("SELECT extract(epoch FROM date_trunc('hour', now()) + interval '30 min' - now())::float8")
    for name, kind, clock in (("hall_now", "STABLE", "now"), ("hall_clock", "VOLATILE", "clock_timestamp")):
        await db.execute(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS timestamptz LANGUAGE sql {kind} "
            f"AS $$ SELECT {clock}() + interval '{ahead} s' $$"
        )
