"""Who waits for which lock."""

import asyncio

from floor.database import Db
from queueing.halls import Hall

WAITING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"


async def until_somebody_waits(db: Db) -> None:
    """Until another connection to this database waits for a lock."""
    async with asyncio.timeout(20):
        while not await db.fetchval(WAITING):
            await asyncio.sleep(0.02)


RECORD = "SELECT hall FROM hall_streams WHERE hall = $1 FOR UPDATE NOWAIT"


async def take_the_record(db: Db, hall: Hall) -> None:
    """Lock the hall's record at once, as the end of every act does; LockNotAvailableError while somebody holds it."""
    assert await db.fetchval(RECORD, hall.id) == hall.id
