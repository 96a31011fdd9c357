"""P3: from the clerk's `next` to the last of 200 boards and 24 speakers, the whole product beside a minimal spike."""

import hashlib
import itertools
import json
import secrets
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx2

from floor.database import Connection
from floor.signin import add_user, hash_password
from tests.bench.figures import Figure, Pair, absolute, quantile
from tests.bench.ground import Ground, fill, fresh, lay_hall, line_up, memory_kib, open_db, program
from tests.bench.http import PASSWORD, UVICORN, token
from tests.bench.pipes import Pipe, piped
from tests.ports import free_port

BOARDS, SPEAKERS = 200, 24
ROOM = 3000
REST_S = 0.1  # between two calls: the speakers report that they have spoken
GREET = {"type": "hello", "id": 1, "boot": "bench", "agent": "bench", "caps": ["say"]}
WHY = (
    "beyond the spike the call is authorised, kept under its press, read back from the journal in order, folded into the "
    "board's state, and 24 sentences are written down as owed before they are sent"
)
DEVICE = """
INSERT INTO devices (id, hall, kind, zone, name, secret, created_by, paired_at)
VALUES ($1, $2, $3, 'A', $1, $4, 'bench', now())
"""
BURST_RATE, BURST_S = 200, 3


People = Callable[[Connection, int, int, int], Awaitable[None]]  # fill: each with a window; line_up: without


class Side:
    """One way from a call to the screens. `seats` are called from in turn and freed after each call; else each window is new."""

    def __init__(self, address: str, headers: dict[str, str], boards: Pipe, speakers: Pipe, link_pid: int, seats: str = ""):
        self.http = httpx2.Client(headers=headers, timeout=10)
        self.address, self.boards, self.speakers, self.link_pid = address, boards, speakers, link_pid
        self.seats = seats
        self.windows = itertools.cycle(seats) if seats else (f"W{n}" for n in itertools.count(1))
        self.steps: list[list[float]] = []

    def call(self, *, finish_current: bool = False) -> tuple[str, str, float]:
        """One `next`: the window, the call's id, and when it was pressed."""
        window = next(self.windows)
        pressed = time.monotonic()
        answer = self.post(window, "next", {"finish_current": True} if finish_current else {})
        return window, answer["call"]["id"], pressed

    def post(self, window: str, act: str, asked: dict[str, bool]) -> dict[str, Any]:
        headers = {"Idempotency-Key": secrets.token_hex(8)}
        answer = self.http.post(f"{self.address}/{window}/{act}", json=asked, headers=headers)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said

    def shown(self) -> float:
        """Milliseconds from the press to the last board and speaker."""
        window, call, pressed = self.call()
        answered = time.monotonic()
        moments = [answered, *(everybody.hear_of(call)["last"] for everybody in (self.boards, self.speakers))]
        self.steps.append([1000 * float(moment - pressed) for moment in moments])
        if self.seats:
            self.post(window, "finish", {})
        return max(self.steps[-1])

    def where(self) -> str:
        """The middle of each step so far."""
        answer, boards, speakers = (statistics.median(step) for step in zip(*self.steps, strict=True))
        return f"answered after {answer:.1f} ms, last board {boards:.1f}, last speaker {speakers:.1f}"


async def measure(ground: Ground, *, runs: int, calls: int, burst: bool) -> list[Figure]:
    """P3, and how a flood of calls is borne."""
    floor_ground, ground = await fresh(ground, "p3_floor"), await fresh(ground, "p3")
    floor_hall, _ = await lay(floor_ground, fill)
    _, devices = await lay(ground, line_up)
    with ExitStack() as stack:
        floor = stack.enter_context(spike_side(floor_ground, floor_hall))
        product = stack.enter_context(product_side(ground, devices))
        figures = compare(floor, product, runs, calls)
        return figures + (flood(product) if burst else [])


async def lay(ground: Ground, people: People) -> tuple[int, list[tuple[str, str]]]:
    """A hall with room for all calls, its manager and its machines."""
    db = await open_db(ground)
    try:
        hall = await lay_hall(db, "p3")
        await people(db, hall, 1, ROOM)
        await add_user(db, hall, "p3-manager", await hash_password(PASSWORD), name="m", roles=["manager"])
        return hall, await pair(db, hall)
    finally:
        await db.close()


async def pair(db: Connection, hall: int) -> list[tuple[str, str]]:
    """Boards and speakers of zone A, paired as the hall would keep them."""
    made = []
    for n in range(BOARDS + SPEAKERS):
        device, secret = f"dv_bench_{n}", secrets.token_urlsafe(32)
        kind = "tv" if n < BOARDS else "speaker"
        await db.execute(DEVICE, device, hall, kind, hashlib.sha256(secret.encode()).digest())
        made.append((device, secret))
    return made


@contextmanager
def spike_side(ground: Ground, hall: int) -> Iterator[Side]:
    web, link = free_port(), free_port()
    with (
        program(ground, "spike-web", [*UVICORN, "--port", str(web), "tests.bench.spike:app"], {}, web),
        program(ground, "spike-link", ["-m", "tests.bench.spike", "link", str(link)], {}, link) as process,
        piped("tests.bench.listeners") as boards,
        piped("tests.bench.listeners") as speakers,
    ):
        for pipe, count in ((boards, BOARDS), (speakers, SPEAKERS)):
            pipe.say(json.dumps({"port": link, "lines": [{"path": "/", "headers": {}}] * count}))
            pipe.hear(30)
        yield Side(f"http://127.0.0.1:{web}/halls/{hall}/windows", {}, boards, speakers, process.pid)


@contextmanager
def product_side(ground: Ground, devices: list[tuple[str, str]]) -> Iterator[Side]:
    web, link = free_port(), free_port()
    env = {"HALL_PORT": str(web), "HALL_LINK_PORT": str(link)}
    with (
        program(ground, "p3-web", [*UVICORN, "--port", str(web), "--no-server-header", "floor.app:app"], env, web),
        program(ground, "p3-link", ["-m", "floor.link"], env, link) as process,
        piped("tests.bench.listeners") as boards,
        piped("tests.bench.listeners") as speakers,
    ):
        spoken = {"Sec-WebSocket-Protocol": "hall.v1"}
        lines = [
            {"path": "/devices/link", "headers": {**spoken, "Authorization": f"Device {device}:{secret}"}}
            for device, secret in devices
        ]
        for pipe, some in ((boards, lines[:BOARDS]), (speakers, lines[BOARDS:])):
            pipe.say(json.dumps({"port": link, "lines": some, "greet": GREET}))
            pipe.hear(60)
        time.sleep(1.5)  # the last greetings
        signed = {"Authorization": f"Bearer {token(web, 'p3-manager')}"}
        yield Side(f"http://127.0.0.1:{web}/api/v1/halls/p3/windows", signed, boards, speakers, process.pid, "123")


def compare(floor: Side, product: Side, runs: int, calls: int) -> list[Figure]:
    middles: tuple[list[float], list[float]] = ([], [])
    slowest: tuple[list[float], list[float]] = ([], [])
    for run in range(runs + 1):
        for n, side in enumerate((floor, product)):
            took = []
            for _ in range(calls if run else 5):
                took.append(side.shown())
                time.sleep(REST_S)
            if run:
                middles[n].append(statistics.median(took))
                slowest[n].append(quantile(took, 0.99))
    why = f"product: {product.where()}; floor: {floor.where()}; {WHY}"
    where = f"next → last of {BOARDS} boards and {SPEAKERS} speakers"
    return [
        Pair(*middles).at_most("P3", f"{where}, p50", 1.5, "ms", why),
        Pair(*slowest).at_most("P3", f"{where}, p99", 2.0, "ms", why),
    ]


def flood(side: Side) -> list[Figure]:
    """Calls as fast as one client can make them for a while, at most 200 a second: how far behind the last one is on the
    boards. Speakers are left out: 24 of them can't say 200 sentences a second, and what is too late expires."""
    before, made, began = memory_kib([side.link_pid]), [], time.monotonic()
    while time.monotonic() - began < BURST_S:
        made.append(side.call(finish_current=True))
        time.sleep(max(0.0, began + len(made) / BURST_RATE - time.monotonic()))
    rate = len(made) / (time.monotonic() - began)
    _, call, pressed = made[-1]
    behind = float(side.boards.hear_of(call, 60)["last"] - pressed)
    time.sleep(2)
    grown = (memory_kib([side.link_pid]) - before) / 1024
    note = f"{rate:.0f} calls a second for {BURST_S} s from one client"
    return [
        absolute("P3", f"the last of {len(made)} calls at {rate:.0f}/s reaches the last board after", [behind], 2.0, "s", note),
        absolute("P3", "and the link has grown by", [grown], 20, "MB", note),
    ]
