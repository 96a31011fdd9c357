"""P7: what a wait costs where 300 wait for 24 services at 130 windows: to whoever looks, and to the clock that plays it."""

import asyncio
import itertools
import random
import time
from contextlib import ExitStack

from floor.database import Connection, Pool, acquire, open_pool
from floor.outlook import Known, Outlook
from floor.settings import load
from queueing import calls, tickets, windows
from queueing.calls import Seat
from queueing.halls import Hall, get_hall
from tests.bench.figures import Figure, absolute, quantile
from tests.bench.ground import DOOR, HALL, Ground, fresh, open_db, program
from tests.bench.http import UVICORN
from tests.bench.load import drive
from tests.ports import free_port

SERVICES, WINDOWS, WAITING = 24, 130, 300
SERVICE = "INSERT INTO services (hall, code, name, zone, prefix) VALUES ($1, $2, $2, 'A', $3)"
WINDOW = "INSERT INTO windows (hall, no, name, zone, serves) VALUES ($1, $2, $2, 'A', $3)"
HAPPENS_S = 0.05  # a number taken or called so often while people look


async def measure(ground: Ground, *, runs: int, seconds: float) -> list[Figure]:
    """The ticket by the interface, its page, and a play of the whole floor, while the floor moves."""
    ground = await fresh(ground, "p7")
    db = await open_db(ground)
    try:
        hall, keys = await crowded(db)
        pool = await open_pool(load(ground.env), size=2)
        took = [await played(pool, hall) for _ in range(max(5, 4 * runs))]
        await pool.close()
        plays = absolute(
            "P7", f"play of {WAITING} waiting at {WINDOWS} windows, processor", [1000 * each for each in took], 50, "ms",
            "reading the floor, 192 runs of the queue, the rows for those who look",
        )  # fmt: skip
        looks = await looked(ground, db, hall, keys, runs, seconds)
        return [plays, *looks]
    finally:
        await db.close()


async def crowded(db: Connection) -> tuple[Hall, list[str]]:
    """The hall with everybody in it; the keys of those who wait."""
    luck = random.Random(7)
    hall_id: int = await db.fetchval(HALL, "p7")
    await db.execute("INSERT INTO hall_streams (hall, epoch) VALUES ($1, 'k1')", hall_id)
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'A', 'A')", hall_id)
    codes = [f"S{n}" for n in range(SERVICES)]
    for n, code in enumerate(codes):
        prefix = "ABCDEFGHIJKLMNOPQRSTUVWX"[n]
        await db.execute(
            "INSERT INTO services (hall, code, name, zone, prefix) VALUES ($1, $2, $2, 'A', $3)", hall_id, code, prefix
        )
        await db.execute(DOOR, hall_id, code)
    hall = await get_hall(db, "p7")
    for n in range(WINDOWS):
        serves = codes if n % 26 == 0 else luck.sample(codes, 3)
        await db.execute(
            "INSERT INTO windows (hall, no, name, zone, serves) VALUES ($1, $2, $2, 'A', $3)", hall_id, f"{n}", serves
        )
        await windows.open_window(db, hall, f"{n}", f"c{n}", actor="bench")
    for n in range(WINDOWS + WAITING):
        await tickets.take(db, hall, [codes[n % SERVICES]], actor="bench", channel="desk")
    for n in range(WINDOWS):
        await calls.call_next(db, hall, Seat(f"{n}", "bench"))
        if n % 4:
            await calls.arrive(db, hall, Seat(f"{n}", "bench"))
    keys = [row["key"] for row in await db.fetch("SELECT key FROM tickets WHERE hall = $1 AND state = 'waiting'", hall_id)]
    return hall, keys


async def played(pool: Pool, hall: Hall) -> float:
    """Seconds of processor of one play of the floor, as the clock does it each time something has moved."""
    outlook, known = Outlook(pool), Known()
    async with acquire(pool) as db:
        await outlook.play(db, hall.id, known, 0.0)  # measures the hall, which is done once a minute
        began = time.process_time()
        await outlook.play(db, hall.id, known, 1.0)
    return time.process_time() - began


async def looked(ground: Ground, db: Connection, hall: Hall, keys: list[str], runs: int, seconds: float) -> list[Figure]:
    port = free_port()
    argv = [*UVICORN, "--port", str(port), "--no-server-header", "floor.app:app"]
    found = []
    with ExitStack() as stack:
        stack.enter_context(program(ground, "web", argv, {"HALL_PORT": str(port), "HALL_LINK_PORT": str(free_port())}, port))
        for what, path in (("ticket by the interface", "/api/v1/tickets/{}"), ("ticket page", "/t/{}")):
            mine = itertools.cycle(keys)
            slow = []
            for run in range(runs + 1):
                moving = asyncio.create_task(move(db, hall))
                asked = await drive(port, lambda path=path, mine=mine: get(path.format(next(mine))), 1, seconds if run else 0.5)  # type: ignore[misc]
                moving.cancel()
                await asyncio.wait([moving])
                assert asked.bad == 0, f"{what}: {asked.first_bad!r}"
                slow += [1000 * quantile(asked.took, 0.99)] if run else []
            found.append(absolute("P7", f"{what} with ahead and wait, p99", slow, 10, "ms", "one web process, two cores for all"))
    return found


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode()


async def move(db: Connection, hall: Hall) -> None:
    """A number is taken every 50 ms: whoever looks looks at a floor that moves."""
    for n in itertools.count():
        await tickets.take(db, hall, [f"S{n % SERVICES}"], actor="bench", channel="desk")
        await asyncio.sleep(HAPPENS_S)
