"""P2: take and next through the HTTP API by one web process, beside a bare route running the same statement."""

import itertools
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx2

from floor.database import Connection
from floor.signin import add_user, hash_password
from tests.bench.figures import Figure, Pair, quantile
from tests.bench.ground import LETTERS, Ground, empty, fill, fresh, lay_hall, open_db, program
from tests.bench.load import Load, Request, drive, post
from tests.ports import free_port

CLIENTS = 8
ROOM_PER_S = 2500
PASSWORD = "bench-bench"
WHY = (
    "the web process is one Python core; beyond the bare route it finds who asks, hashes the press, validates the body, "
    "counts who is ahead and the wait, shapes the answer, sets the headers and rings the bell"
)
UVICORN = ("-m", "uvicorn", "--host", "127.0.0.1", "--ws", "none", "--no-access-log", "--log-level", "warning")


@dataclass(frozen=True)
class Side:
    """One server, how to ask it for the two acts, and the hall it takes in."""

    port: int
    take: Request
    call: Request
    take_hall: int


async def measure(ground: Ground, *, runs: int, seconds: float) -> list[Figure]:
    """P2. Takes go to a hall of eight services that is empty before each run; each call is made at a fresh window."""
    ground = await fresh(ground, "p2")
    db = await open_db(ground)
    try:
        room = int(ROOM_PER_S * seconds) * (runs + 1)
        floor = [await lay_hall(db, f"p2-floor-{act}") for act in ("take", "next")]
        product = [await lay_hall(db, f"p2-{act}") for act in ("take", "next")]
        for hall in (floor[1], product[1]):
            await fill(db, hall, 1, room)
        for hall, act in zip(product, ("take", "next"), strict=True):
            await add_user(db, hall, f"p2-{act}", await hash_password(PASSWORD), name="m", roles=["manager"])
        with ExitStack() as stack:
            sides = [
                stack.enter_context(bare_side(ground, *floor)), stack.enter_context(product_side(ground, product[0])),
            ]  # fmt: skip
            return [figure for act in ("take", "next") for figure in await compare(db, sides, act, runs, seconds)]
    finally:
        await db.close()


def bodies() -> Iterator[bytes]:
    """One service after the other."""
    return itertools.cycle([json.dumps({"services": [letter]}).encode() for letter in LETTERS])


@contextmanager
def bare_side(ground: Ground, take_hall: int, next_hall: int) -> Iterator[Side]:
    port = free_port()
    argv = [*UVICORN, "--port", str(port), "tests.bench.bare:app"]
    windows, asked = itertools.count(1), bodies()
    with program(ground, "bare", argv, {}, port):
        yield Side(
            port, lambda: post(f"/halls/{take_hall}/tickets", next(asked), {}),
            lambda: post(f"/halls/{next_hall}/windows/W{next(windows)}/next", b"{}", {}), take_hall,
        )  # fmt: skip


@contextmanager
def product_side(ground: Ground, take_hall: int) -> Iterator[Side]:
    port = free_port()
    argv = [*UVICORN, "--port", str(port), "--no-server-header", "floor.app:app"]
    windows, keys, asked = itertools.count(1), itertools.count(1), bodies()
    with program(ground, "web", argv, {"HALL_PORT": str(port), "HALL_LINK_PORT": str(free_port())}, port):
        signed = {act: {"Authorization": f"Bearer {token(port, f'p2-{act}')}"} for act in ("take", "next")}

        def ask(act: str, path: str, body: bytes) -> bytes:
            return post(f"/api/v1/halls/p2-{act}/{path}", body, {**signed[act], "Idempotency-Key": f"bench-{next(keys)}"})

        yield Side(
            port, lambda: ask("take", "tickets", next(asked)), lambda: ask("next", f"windows/W{next(windows)}/next", b"{}"),
            take_hall,
        )  # fmt: skip


def token(port: int, who: str) -> str:
    answer = httpx2.post(f"http://127.0.0.1:{port}/api/v1/sessions", json={"username": who, "password": PASSWORD}, timeout=10)
    answer.raise_for_status()
    found: str = answer.json()["token"]
    return found


async def compare(db: Connection, sides: list[Side], act: str, runs: int, seconds: float) -> list[Figure]:
    loads: tuple[list[Load], list[Load]] = ([], [])
    for run in range(runs + 1):
        for side, found in zip(sides, loads, strict=True):
            await empty(db, side.take_hall)
            load = await drive(side.port, side.take if act == "take" else side.call, CLIENTS, seconds if run else 0.3)
            assert load.bad == 0, f"{act}: {load.bad} bad answers, the first: {load.first_bad!r}"
            if run:  # the first round warms both up
                found.append(load)
    rates = Pair([load.rate for load in loads[0]], [load.rate for load in loads[1]])
    slow = Pair(*([1000 * quantile(load.took, 0.99) for load in side] for side in loads))
    return [
        rates.at_least("P2", f"{act} by HTTP, {CLIENTS} clients, rate", 0.5, "/s", WHY),
        slow.at_most("P2", f"{act} by HTTP, {CLIENTS} clients, p99", 2.0, "ms", WHY),
    ]
