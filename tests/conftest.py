"""Every test runs on a real PostgreSQL and a real Valkey, started once, and in a database of its own."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from redis import Redis as SyncRedis
from redis.asyncio import Redis

from floor.boot import postgres, valkey
from floor.boot.migrate import migrate
from floor.boot.program import Server
from floor.database import Connection, Pool, connect, open_pool
from floor.doorbell import open_redis
from floor.settings import Settings, load
from tests.databases import Databases

TEMPLATE = "hall_template"

# No example is timed: the machine may do much else. `./hall test`, which lets a change in or not, asks for the same examples
# each time (--hypothesis-profile=same); elsewhere they are new ones.
hypothesis.settings.register_profile("new", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.register_profile("same", parent=hypothesis.settings.get_profile("new"), derandomize=True)
hypothesis.settings.load_profile("new")


@dataclass(frozen=True)
class Servers:
    """The addresses of the run's two servers: of the maintenance database, and of the socket."""

    postgres: str
    redis: str

    def database(self, name: str) -> str:
        return self.postgres.replace("/postgres?", f"/{name}?")


@contextmanager
def started(server: Server, log: Path) -> Iterator[Server]:
    with log.open("ab") as output:
        process = server.program.start(output)
    try:
        deadline = time.monotonic() + 20
        while not server.ready(process.pid):
            assert process.poll() is None, f"{server.program.name} ended: {server.why() or log.read_text()}"
            assert time.monotonic() < deadline, f"{server.program.name} is not ready after 20 s"
            time.sleep(0.005)
        yield server
    finally:
        process.send_signal(server.program.stop)
        process.wait(20)


@contextmanager
def place_for_servers() -> Iterator[Path]:
    """A short path for sockets and data, gone with the run."""
    place = Path(tempfile.mkdtemp(prefix="hall-t-", dir="/tmp"))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def postgres_running() -> Iterator[str]:
    """The address of a PostgreSQL without fsync: no test of these pulls the plug. It holds the migrated template."""
    with place_for_servers() as place:
        cluster = postgres.cluster(place / "data", place)
        postgres.prepare(cluster, durable=False)
        server = postgres.server(cluster, durable=False)
        with started(server, place / "postgres.out"):
            asyncio.run(make_template(server.url))
            yield server.url


@contextmanager
def valkey_running() -> Iterator[str]:
    with place_for_servers() as place:
        server = valkey.server(place / "data", place)
        with started(server, place / "valkey.out"):
            yield server.url


async def make_template(url: str) -> None:
    db = await connect(url)
    await db.execute(f"CREATE DATABASE {TEMPLATE}")
    await db.close()
    await migrate(url.replace("/postgres?", f"/{TEMPLATE}?"))


# With several workers (-n) the one that steers them starts PostgreSQL for all. Each has a Valkey of its own: a ring is
# heard by everybody on it.


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    config = node.config
    if not hasattr(config, "hall_postgres"):
        config.hall_running = ExitStack()
        config.hall_postgres = config.hall_running.enter_context(postgres_running())
    node.workerinput["postgres"] = config.hall_postgres


def pytest_unconfigure(config: Any) -> None:
    if hasattr(config, "hall_running"):
        config.hall_running.close()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    """The run's PostgreSQL and Valkey."""
    given = getattr(request.config, "workerinput", {}).get("postgres")
    with ExitStack() as stack:
        yield Servers(given or stack.enter_context(postgres_running()), stack.enter_context(valkey_running()))


@pytest.fixture(scope="session")
def databases(servers: Servers) -> Iterator[Databases]:
    made = Databases(servers.postgres, TEMPLATE)
    yield made
    made.close()


@pytest.fixture
async def database_url(databases: Databases) -> AsyncIterator[str]:
    """A database of this test's own, with every migration applied."""
    name = await databases.take()
    yield databases.address(name)
    await databases.give_back(name)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Connection]:
    """One connection to this test's database, with the hall's codecs."""
    connection = await connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def redis_url(servers: Servers) -> str:
    """The run's Valkey, emptied: how often a test before came from an address is nothing to this one."""
    with SyncRedis.from_url(servers.redis) as client:
        client.flushall()
    return servers.redis


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of the run's Valkey. Workers and tests share it: use key names of your own."""
    client = open_redis(redis_url)
    yield client
    await client.aclose()


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Settings as a started hall has them, with a data directory of this test's own."""
    return load(
        {
            "HALL_DATABASE_URL": database_url,
            "HALL_REDIS_URL": redis_url,
            "HALL_DATA_DIR": str(tmp_path),
            "HALL_SECRET": "a secret of thirty-two characters",
        }
    )


@pytest.fixture
async def pool(settings: Settings) -> AsyncIterator[Pool]:
    opened = await open_pool(settings)
    yield opened
    await opened.close()


# Its day begins at four in the morning, in tests that run about then at two: none sees its day end, or just begun.
HALL = """
WITH hall AS (
    INSERT INTO halls (code, name, min_call_s, skills_required, always_open, day_starts)
    SELECT 'demo', '测试政务大厅', 0, false, true,
        CASE WHEN (now() AT TIME ZONE 'Asia/Shanghai')::time BETWEEN '03:45' AND '04:30' THEN time '02:00' ELSE '04:00' END
    RETURNING id
), stream AS (
    INSERT INTO hall_streams (hall, epoch) SELECT id, 'k3' FROM hall
), zone AS (
    INSERT INTO zones (hall, code, name) SELECT id, 'A', 'A区' FROM hall
), service AS (
    INSERT INTO services (hall, code, name, name_hant, name_en, zone, prefix, minutes, rank)
    SELECT id, s.* FROM hall, (VALUES
        ('A', '社会保险', '社會保險', 'Social insurance', 'A', 'A', 6, 1),
        ('B', '不动产登记', '不動產登記', 'Property registration', 'A', 'B', 12, 2)
    ) AS s (code, name, hant, en, zone, prefix, minutes, rank)
), seat AS (
    INSERT INTO windows (hall, no, name, zone, serves, rank)
    SELECT id, w.* FROM hall, (VALUES ('1', '1号窗口', 'A', '{A,B}'::text[], 1), ('2', '2号窗口', 'A', '{A,B}'::text[], 2)) AS w
), category AS (
    INSERT INTO categories (hall, code, name, credit_minutes) SELECT id, c.* FROM hall, (VALUES
        ('elderly', '老年人', 20), ('veteran', '退役军人', 30)) AS c
)
SELECT id FROM hall
"""
DOORS = """
INSERT INTO doors (hall, day, service, opens, last_ticket, closes)
SELECT h.id, business_day(now(), h.time_zone, h.day_starts) + ahead, s.code,
       t.opens, t.opens + interval '23 hours 59 minutes', t.opens + interval '24 hours'
FROM halls h JOIN services s ON s.hall = h.id, generate_series(0, 1) AS ahead,
LATERAL (SELECT ((business_day(now(), h.time_zone, h.day_starts) + ahead) + h.day_starts) AT TIME ZONE h.time_zone AS opens) t
WHERE h.id = $1
"""


@pytest.fixture
async def hall_id(db: Connection) -> int:
    """A hall "demo": zone A, services A and B, windows 1 and 2 that serve both, categories, doors open all day."""
    hall_id: int = await db.fetchval(HALL)
    await db.execute(DOORS, hall_id)
    return hall_id


@pytest.fixture
async def hall(db: Connection, hall_id: int) -> Any:
    """The same hall as queueing gives it."""
    from queueing.halls import get_hall

    return await get_hall(db, "demo")
