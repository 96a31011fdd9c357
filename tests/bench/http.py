"""P2: take and next through the HTTP API by one web process, beside a bare route running the same statement."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import httpx2

from floor.signin import add_user, hash_password
from tests.bench.figures import Figure, Pair, quantile
from tests.bench.ground import Ground, fill, free_port, lay_hall, open_db, program
from tests.bench.load import Load, Request, drive, post

CLIENTS = 8
ROOM_PER_S = 2500
UVICORN = ("-m", "uvicorn", "--host", "127.0.0.1", "--ws", "none", "--no-access-log", "--log-level", "warning")


@dataclass(frozen=True)
class Side:
    """One server and how to ask it for the two acts."""

    port: int
    take: Request
    call: Request


async def measure(ground: Ground, *, runs: int, seconds: float) -> list[Figure]:
    db = await open_db(ground)
    try:
        room = int(ROOM_PER_S * seconds) * (runs + 1)
        halls = [await lay_hall(db, "p2-floor"), await lay_hall(db, "p2-product")]
        for hall in halls:
            await fill(db, hall, 1, room)
        await add_user(db, halls[1], "p2-manager", await hash_password("bench-bench"), name="m", roles=["manager"])
        with ExitStack() as stack:
            sides = [stack.enter_context(bare_side(ground, halls[0])), stack.enter_context(product_side(ground))]
            return [figure for act in ("take", "next") for figure in await compare(sides, act, runs, seconds)]
    finally:
        await db.close()


@contextmanager
def bare_side(ground: Ground, hall: int) -> Iterator[Side]:
    port = free_port()
    argv = [*UVICORN, "--port", str(port), "tests.bench.bare:app"]
    windows = itertools.count(1)
    with program(ground, "bare", argv, {"BENCH_HALL": str(hall)}, port):
        yield Side(port, lambda: post("/take", b"{}", {}), lambda: post(f"/windows/W{next(windows)}/next", b"{}", {}))


@contextmanager
def product_side(ground: Ground) -> Iterator[Side]:
    port = free_port()
    argv = [*UVICORN, "--port", str(port), "--no-server-header", "floor.app:app"]
    windows, keys = itertools.count(1), itertools.count(1)
    with program(ground, "web", argv, {"HALL_PORT": str(port), "HALL_LINK_PORT": str(free_port())}, port):
        signed = {"Authorization": f"Bearer {token(port)}"}

        def ask(path: str, body: bytes) -> bytes:
            return post(f"/api/v1/halls/p2-product/{path}", body, {**signed, "Idempotency-Key": f"bench-{next(keys)}"})

        yield Side(port, lambda: ask("tickets", b'{"services":["A"]}'), lambda: ask(f"windows/W{next(windows)}/next", b"{}"))


def token(port: int) -> str:
    answer = httpx2.post(
        f"http://127.0.0.1:{port}/api/v1/sessions", json={"username": "p2-manager", "password": "bench-bench"}, timeout=10
    )
    answer.raise_for_status()
    found: str = answer.json()["token"]
    return found


async def compare(sides: list[Side], act: str, runs: int, seconds: float) -> list[Figure]:
    loads: tuple[list[Load], list[Load]] = ([], [])
    for run in range(runs + 1):
        for side, found in zip(sides, loads, strict=True):
            request = side.take if act == "take" else side.call
            load = await drive(side.port, request, CLIENTS, seconds if run else 0.3)
            assert load.bad == 0, f"{act}: {load.bad} bad answers, the first: {load.first_bad!r}"
            if run:  # the first round warms both up
                found.append(load)
    rates = Pair([load.rate for load in loads[0]], [load.rate for load in loads[1]])
    slow = Pair(*([1000 * quantile(load.took, 0.99) for load in side] for side in loads))
    why = (
        "the web process is one Python core; beyond the bare route it finds who asks, hashes the press, validates the body, "
        "reads what is ahead and the wait, shapes the answer, sets the headers and rings the bell"
    )
    return [
        rates.at_least("P2", f"{act} by HTTP, {CLIENTS} clients, rate", 0.5, "/s", why),
        slow.at_most("P2", f"{act} by HTTP, {CLIENTS} clients, p99", 2.0, "ms", why),
    ]
