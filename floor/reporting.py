"""A small hall's way to its centre: each day's figures made as days end, and sent whenever there is a connection."""

import asyncio

import asyncpg
import httpx2
import msgspec
import structlog

from floor.database import Pool, Unavailable, acquire
from floor.quality import sheets
from floor.quality.sheets import Signed
from floor.settings import Centre
from queueing.halls import Hall, list_halls

LOOK_S = 600.0
TIMEOUT_S = 10.0
TAKEN = (200, 201)
THIS_ONE = (409, 422)  # the centre does not take this sheet: after a restore, say, it knows another of the same version

log = structlog.get_logger("reporting")


async def report(pool: Pool, hall: Hall, centre: Centre, client: httpx2.AsyncClient) -> int:
    """Make what is new and send what the centre lacks; how many it took. Whatever hinders is tried again later."""
    async with acquire(pool) as db:
        await sheets.make(db, hall, centre.site)
        due = await sheets.signed(db, hall, centre.key, unsent=True)
    taken = 0
    for signed in due:  # no connection is held while a request is under way
        answer = await send(client, centre, signed)
        if answer in THIS_ONE:  # the sheets behind it are none the worse
            continue
        if answer not in TAKEN:
            break
        async with acquire(pool) as db:
            await sheets.sent(db, hall, signed.sheet)
        taken += 1
    return taken


async def send(client: httpx2.AsyncClient, centre: Centre, signed: Signed) -> int | None:
    """One sheet; what the centre answers, None where nobody does."""
    try:
        answer = await client.post(
            centre.address, content=msgspec.json.encode(signed), headers={"content-type": "application/json"}
        )
    except httpx2.HTTPError as away:
        log.info("centre_away", why=type(away).__name__)
        return None
    if answer.status_code not in TAKEN:
        log.warning("centre_refused", status=answer.status_code, day=signed.sheet.day.isoformat(), version=signed.sheet.version)
    return answer.status_code


async def keep_reporting(pool: Pool, centre: Centre, stop: asyncio.Event) -> None:
    """Report until told to stop: the one hall of a house with one hall."""
    async with httpx2.AsyncClient(timeout=TIMEOUT_S) as client:
        while not stop.is_set():
            try:
                async with acquire(pool) as db:
                    halls = await list_halls(db)
                if len(halls) == 1:
                    await report(pool, halls[0], centre, client)
            except Unavailable:
                log.info("database_away")
            except asyncpg.PostgresError:
                log.exception("reporting_failed")  # one day that can't be counted is not the clock's end
            wake = asyncio.get_running_loop().create_task(stop.wait())
            await asyncio.wait([wake], timeout=LOOK_S)
            wake.cancel()
