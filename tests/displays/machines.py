"""Machines put up and paired for a test."""

from devices import pairing
from queueing.db import Db
from queueing.halls import Hall


async def put_up(db: Db, hall: Hall, kind: str, *, zone: str | None = None, window: str | None = None) -> pairing.Paired:
    _, code, _ = await pairing.create_device(
        db, hall.id, kind, name=f"{kind} {zone or window or 'hall'}", actor="test", zone=zone, window=window
    )
    return await pairing.pair(db, code, "model-1", "1.0", address="test")
