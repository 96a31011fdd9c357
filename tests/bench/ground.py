"""The ground a bench stands on: its own PostgreSQL and Valkey, a hall with room for a run, and programs it can weigh."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from floor.boot import migrate, postgres, valkey
from floor.boot.program import Program, Server
from floor.database import Connection, connect

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Ground:
    """Where the servers are, and the directory that everything of this bench lives in."""

    home: Path
    sockets: Path
    database_url: str
    redis_url: str

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ, "HALL_DATABASE_URL": self.database_url, "HALL_REDIS_URL": self.redis_url,
            "HALL_DATA_DIR": str(self.home), "HALL_HOST": "127.0.0.1", "HALL_SECRET": "b" * 32, "PYTHONPATH": str(ROOT),
        }  # fmt: skip

    def log(self, name: str) -> Path:
        return self.home / f"{name}.log"


@contextmanager
def running(server: Server, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        process = server.program.start(output)
        try:
            wait_until(lambda: server.ready(process.pid), 20, lambda: f"{server.program.name}: {server.why()}")
            yield process
        finally:
            end(process, server.program.stop)


def end(process: "subprocess.Popen[bytes] | subprocess.Popen[str]", how: signal.Signals = signal.SIGTERM) -> None:
    """Ask one process of ours to end, and see to it."""
    if process.poll() is None:
        process.send_signal(how)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(5)


def wait_until(true: Callable[[], bool], seconds: float, why: Callable[[], str] = str) -> None:
    """Poll a condition 50 times a second; AssertionError with the reason when it stays false."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain: {why()}")
        time.sleep(0.02)


@asynccontextmanager
async def stand() -> AsyncIterator[Ground]:
    """Durable PostgreSQL and Valkey of our own, migrated, gone afterwards."""
    home, sockets = Path(tempfile.mkdtemp(prefix="hall-bench-")), Path(tempfile.mkdtemp(prefix="hb-"))
    try:
        cluster = postgres.cluster(home, sockets)
        await asyncio.to_thread(postgres.prepare, cluster)
        db_server, ring = postgres.server(cluster), valkey.server(home, sockets)
        with running(db_server, home / "postgres.out"), running(ring, home / "valkey.out"):
            yield Ground(home, sockets, db_server.url, ring.url)
    finally:
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(sockets, ignore_errors=True)


async def fresh(ground: Ground, name: str) -> Ground:
    """The same servers with a database of one bench alone: what one leaves behind is not in the way of the next."""
    db = await open_db(ground)
    try:
        await db.execute(f"CREATE DATABASE {name}")
    finally:
        await db.close()
    made = replace(ground, database_url=ground.database_url.replace("/postgres?", f"/{name}?"))
    await migrate.migrate(made.database_url)
    return made


HALL = """
INSERT INTO halls (code, name, always_open, skills_required, min_call_s) VALUES ($1, $1, true, false, 0) RETURNING id
"""
FILL = """
INSERT INTO tickets (key, hall, day, number, services, service, channel, joined_at, rank_at)
SELECT md5($1::integer || '-' || n || '-' || clock_timestamp()), $1,
       business_day(hall_now(), 'Asia/Shanghai', '04:00'), 'Z' || n, ARRAY['A'], 'A', 'desk', hall_now(), hall_now()
FROM generate_series($2::integer, $3::integer) n
"""
WINDOWS = """
INSERT INTO windows (hall, no, name, zone, serves, services, state, clerk)
SELECT $1::integer, 'W' || n, 'W' || n, 'A', '{A}', '{A}', 'open', 'w' || n FROM generate_series($2::integer, $3::integer) n
"""
DOOR = """
INSERT INTO doors (hall, day, service, opens, last_ticket, closes)
SELECT $1, business_day(hall_now(), 'Asia/Shanghai', '04:00'), $2, hall_now() - interval '1 h', hall_now() + interval '9 h',
       hall_now() + interval '9 h' ON CONFLICT DO NOTHING
"""
DESK = """
INSERT INTO windows (hall, no, name, zone, serves, services, state, clerk)
VALUES ($1, $2, $2, $3, ARRAY[$3], ARRAY[$3], 'open', 'd' || $2)
"""
LETTERS = "ABCDEFGH"
EMPTY = "UPDATE tickets SET state = 'expired', ended_at = now() WHERE hall = $1 AND state = 'waiting'"


async def lay_hall(db: Connection, code: str) -> int:
    """A hall of eight services with three open windows each. `fill` adds windows and waiting people of service A."""
    hall: int = await db.fetchval(HALL, code)
    await db.execute("INSERT INTO hall_streams (hall, epoch) VALUES ($1, 'k1')", hall)
    for n, letter in enumerate(LETTERS):
        await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, $2, $2)", hall, letter)
        await db.execute("INSERT INTO services (hall, code, name, zone, prefix) VALUES ($1, $2, $2, $2, $2)", hall, letter)
        await db.execute(DOOR, hall, letter)
        await db.executemany(DESK, [(hall, str(3 * n + seat), letter) for seat in (1, 2, 3)])
    return hall


async def empty(db: Connection, hall: int) -> None:
    """Nobody waits any more: the next run begins with an empty hall."""
    await db.execute("SET statement_timeout = 0")
    await db.execute(EMPTY, hall)


async def fill(db: Connection, hall: int, first: int, last: int) -> None:
    """Waiting tickets and open windows numbered first to last; a bench calls each window once."""
    await line_up(db, hall, first, last)
    await db.execute(WINDOWS, hall, first, last)
    await db.execute("ANALYZE windows")


async def line_up(db: Connection, hall: int, first: int, last: int) -> None:
    """Waiting tickets of service A, numbered first to last."""
    await db.execute("SET statement_timeout = 0")
    await db.execute(FILL, hall, first, last)
    await db.execute("ANALYZE tickets")


def with_room() -> int:
    """A port with the ones a demo hall wants near it free as well: the printers' and the button boxes'."""
    for port in random.sample(range(12000, 30000, 300), 50):
        if not any(listening(port + n) for n in (0, 100, 101, 102, *range(201, 225))):
            return port
    raise AssertionError("no free stretch of ports on this machine")


@contextmanager
def program(ground: Ground, name: str, argv: list[str], env: dict[str, str], port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process of this Python that listens on `port`, ended when the bench is done with it."""
    spec = Program(name, (sys.executable, *argv), env={**ground.env, **env}, cwd=ROOT)
    log = ground.log(name)
    with log.open("ab") as output:
        process = spec.start(output)
        try:
            wait_until(lambda: process.poll() is not None or listening(port), 20, lambda: postgres.tail(log, 20))
            assert process.poll() is None, f"{name} ended: {postgres.tail(log, 20)}"
            yield process
        finally:
            end(process)


def listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


async def open_db(ground: Ground) -> Connection:
    return await connect(ground.database_url)


def family(pid: int) -> list[int]:
    """A process and everything below it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def memory_kib(pids: list[int], field: str = "Rss") -> int:
    """Resident memory in KiB; field Pss shares out what several processes have in common."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith(f"{field}:"):
                    total += int(line.split()[1])
    return total


def cpu_s(pids: list[int]) -> float:
    """Seconds of processor used so far."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")
