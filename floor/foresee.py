"""A day to come, foreseen in a process of its own with a time limit: playing it takes a second of processor and numpy."""

import asyncio
import os
import sys
from datetime import date
from pathlib import Path

import msgspec

from floor.settings import Settings
from scheduling.foreseen import Foreseen

ROOT = Path(__file__).resolve().parents[1]
LIMIT_S = 20.0
ONE = asyncio.Semaphore(1)  # at a time: whoever asks again waits for the first


class Unforeseen(Exception):
    """The day could not be played in time."""


async def foresee(settings: Settings, hall: str, day: date) -> Foreseen | None:
    """What a day would look like, or None for one that stays shut. Unforeseen."""
    assert settings.database_url
    env = {**os.environ, "PYTHONPATH": str(ROOT), "HALL_DATABASE_URL": settings.database_url}
    try:
        async with asyncio.timeout(LIMIT_S), ONE:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", __name__, hall, day.isoformat(), env=env,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            try:
                said, wrong = await child.communicate()
            finally:
                if child.returncode is None:
                    child.kill()
                    await child.wait()
    except TimeoutError:
        raise Unforeseen(f"no answer after {LIMIT_S:.0f} s") from None
    if child.returncode != 0:
        raise Unforeseen(wrong.decode()[-500:] or f"ended with code {child.returncode}")
    return msgspec.json.decode(said, type=Foreseen | None)


async def main() -> None:
    from floor.database import connect
    from queueing.halls import get_hall
    from scheduling import foresight

    db = await connect(os.environ["HALL_DATABASE_URL"])
    try:
        made = await foresight.foresee(db, await get_hall(db, sys.argv[1]), date.fromisoformat(sys.argv[2]))
    finally:
        await db.close()
    sys.stdout.buffer.write(msgspec.json.encode(made))


if __name__ == "__main__":
    asyncio.run(main())
