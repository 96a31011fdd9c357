"""Let it be another moment in the hall."""

from floor.database import Connection


async def at(db: Connection, moment: str) -> None:
    """From now on it is this moment, such as `2027-03-03 12:00+08`, for everything that asks the hall's clock."""
    for name, kind in (("hall_now", "STABLE"), ("hall_clock", "VOLATILE")):
        await db.execute(
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS timestamptz LANGUAGE sql {kind} AS $$ SELECT '{moment}'::timestamptz $$"
        )
