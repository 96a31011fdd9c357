"""The hall's own PostgreSQL starts for root and for anybody, and keeps what it acknowledged through a kill -9."""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from floor.boot import postgres
from floor.boot.postgres import Cluster, Way
from floor.database import GONE, connect

pytestmark = pytest.mark.slow

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to give up being root")


@pytest.fixture
def place() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="hall-t-", dir="/tmp"))
    yield directory
    shutil.rmtree(directory)


@contextmanager
def living(cluster: Cluster) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    server = postgres.server(cluster)
    with (cluster.sockets / "out").open("ab") as out:
        process = server.program.start(out)
    try:
        deadline = time.monotonic() + 20
        while not server.ready(process.pid):
            assert process.poll() is None and time.monotonic() < deadline, (cluster.sockets / "out").read_text()
            time.sleep(0.01)
        yield process, server.url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


async def answer(url: str, question: str) -> object:
    db = await connect(url)
    try:
        return await db.fetchval(question)
    finally:
        await db.close()


@pytest.mark.parametrize("way", ["namespace", pytest.param("setuid", marks=ROOT_ONLY)])
def test_root_runs_it_as_somebody_else(place: Path, way: Way) -> None:
    if way == "namespace" and postgres.way_here() != "namespace":
        pytest.skip("user namespaces are not to be had here")
    closed = place / "home"
    closed.mkdir(mode=0o700)
    (closed / "data").mkdir()
    cluster = postgres.cluster(closed / "data", place, way)
    try:
        postgres.prepare(cluster, durable=False)
        with living(cluster) as (process, url):
            assert asyncio.run(answer(url, "SELECT 6 * 7")) == 42
            owner = Path(f"/proc/{process.pid}").stat().st_uid
        assert owner == {"namespace": os.geteuid(), "setuid": postgres.NOBODY}[way]
        assert closed.stat().st_mode & 0o777 == 0o700
        assert postgres.cluster(closed / "data", place).way == way
    finally:
        if way == "setuid":
            shutil.rmtree(cluster.data.parent)


def test_every_acknowledged_write_is_there_after_a_kill(place: Path) -> None:
    cluster = postgres.cluster(place / "data", place)
    postgres.prepare(cluster)
    with living(cluster) as (process, url):
        acknowledged = asyncio.run(write_until_killed(url, process))
    assert postgres.says_ready(cluster, process.pid + 1) is False
    postgres.prepare(cluster)
    with living(cluster) as (_, url):
        survived = asyncio.run(answer(url, "SELECT count(*) FROM written"))
    assert isinstance(survived, int)
    assert acknowledged <= survived <= acknowledged + 1


async def write_until_killed(url: str, process: subprocess.Popen[bytes]) -> int:
    db = await connect(url)
    await db.execute("CREATE TABLE written (i integer)")
    asyncio.get_running_loop().call_later(0.5, process.kill)
    acknowledged = 0
    try:
        while True:
            await db.execute("INSERT INTO written VALUES ($1)", acknowledged)
            acknowledged += 1
    except GONE:
        return acknowledged


def test_a_stale_pid_file_is_neither_ready_nor_in_the_way(place: Path) -> None:
    cluster = postgres.cluster(place / "data", place)
    postgres.prepare(cluster, durable=False)
    sleeper = subprocess.Popen(["/bin/sleep", "60"])
    try:
        (cluster.data / "postmaster.pid").write_text(f"{sleeper.pid}\n{cluster.data}\n1\n\n{place}\n\n\nready   \n")
        assert postgres.postmaster(cluster) is None
        assert postgres.says_ready(cluster, sleeper.pid + 1) is False
    finally:
        sleeper.kill()
        sleeper.wait()


def test_an_interrupted_first_start_is_begun_anew(place: Path) -> None:
    (place / "data" / "postgres" / "base").mkdir(parents=True)
    (place / "data" / "postgres" / "postgresql.conf").write_text("half")
    cluster = postgres.cluster(place / "data", place)
    cluster.data.chmod(0o700)
    postgres.prepare(cluster, durable=False)
    with living(cluster) as (_, url):
        assert asyncio.run(answer(url, "SHOW data_checksums")) == "on"
