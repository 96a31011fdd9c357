"""Acts on the zones of a hall: their names, their prefix, how loud they are, who leads them. A manager's alone."""

from starlette.requests import Request

from floor import zones
from floor.acts.ground import hall_of, ring
from floor.database import acquire
from floor.signin import require
from queueing import journal


async def set_zone(
    request: Request,
    hall_code: str,
    code: str,
    name: str,
    name_hant: str | None,
    name_en: str | None,
    *,
    volume: int | None,
    prefix: str | None,
) -> None:
    """Set a zone; with a prefix all its services print it from the next number on."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, "manager", hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db, db.transaction():
        changed = await zones.save_zone(db, hall, code, name, name_hant, name_en, volume, prefix)
        told = {"zone": code, "prefix": prefix, "services": changed, "volume": volume}
        await journal.append(db, hall.id, "zone.changed", actor, data=told)
    ring(request, hall.id)


async def set_leader(request: Request, hall_code: str, leader: str, zone: str | None) -> None:
    """Let a leader lead a zone, or the whole hall; at the latest after five seconds it is so everywhere."""
    hall = await hall_of(request, hall_code)
    actor = (await require(request, "manager", hall=hall.id)).actor
    async with acquire(request.app.state.pool) as db, db.transaction():
        if await zones.lead_zone(db, hall, leader, zone):
            await journal.append(db, hall.id, "zone.led", actor, data={"leader": leader, "zone": zone})
    ring(request, hall.id)
