"""Makes the record ready at a start: brought up to date, with the demo hall where it is wanted, and today's doors open."""

import asyncio
import os
import sys
from collections.abc import Mapping
from typing import Any

import msgspec

from floor.boot.demo import open_demo_hall
from floor.boot.furnished import Furnished
from floor.boot.migrate import MigrationError, migrate
from floor.boot.program import CannotStart
from floor.database import Unavailable, connect
from floor.first import first_link
from floor.rehearsal import check_time
from floor.settings import Settings, load
from queueing.halls import business_day, list_halls
from scheduling.hours import open_doors, rehang_doors
from scheduling.statutory import keep_known


async def furnish(settings: Settings, plan: Mapping[str, Any] | None = None) -> Furnished:
    """Bring the record up to date, make the demo hall where it is asked for, and open today's doors. `plan`: of another demo."""
    assert settings.database_url
    await migrate(settings.database_url)
    db = await connect(settings.database_url)
    try:
        await check_time(db, demo=settings.demo)
        sign_ins = await open_demo_hall(db, settings, plan) if settings.demo else None
        for hall in await list_halls(db):
            demo = sign_ins is not None and hall.code == sign_ins.hall
            await keep_known(db, await business_day(db, hall))
            await (rehang_doors if demo else open_doors)(db, hall)
        return Furnished(sign_ins, None if settings.demo else await first_link(db))
    finally:
        await db.close()


def main() -> int:
    """Wait for the database's address, furnish the hall and say what came of it: JSON, or one line that says why not."""
    address = sys.stdin.readline().strip()
    if not address:
        return 1  # whoever was to tell us is gone
    settings = load({"HALL_DEMO": "1", **os.environ, "HALL_DATABASE_URL": address})
    try:
        told = msgspec.json.encode(asyncio.run(furnish(settings))).decode()
    except (CannotStart, MigrationError) as reason:
        print(reason)
        return 1
    except Unavailable as gone:
        print(f"the database does not answer ({gone.__cause__}); see HALL_DATABASE_URL.")
        return 1
    print(told)
    return 0


if __name__ == "__main__":
    sys.exit(main())
