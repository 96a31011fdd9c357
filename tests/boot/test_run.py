"""The hall opens with one command, heals itself, closes cleanly, and has lost nothing when it opens again."""

import asyncio
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from floor.database import connect
from queueing.halls import get_hall
from queueing.tickets import by_key, take

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
PROCESSES = {"postgres", "valkey", "web", "link", "clock", "peers", "agent", "voice"}


def free_ports() -> tuple[int, int]:
    """Two neighbours with two free hundreds above, where the demo's machines listen; below what the system hands out."""
    while True:
        port = random.randrange(20000, 32000, 300)
        try:
            for taken in range(port, port + 300, 20):
                socket.create_server(("127.0.0.1", taken)).close()
        except OSError:
            continue
        return port, port + 1


class Running:
    """A hall that was started as a person starts it."""

    def __init__(self, data_dir: Path, ports: tuple[int, int], log: Path, **settings: str) -> None:
        self.data_dir, self.ports, self.log = data_dir, ports, log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "floor.boot", "run"],
                env={**os.environ, "PYTHONPATH": str(ROOT), "HALL_DATA_DIR": str(data_dir),
                     "HALL_PORT": str(ports[0]), "HALL_LINK_PORT": str(ports[1]), "HALL_HOST": "127.0.0.1", **settings},
                stdout=out, stderr=subprocess.STDOUT, cwd="/",
            )  # fmt: skip

        self.processes = PROCESSES - ({"postgres", "valkey"} if "HALL_DATABASE_URL" in settings else set())

    def open(self) -> "Running":
        until(lambda: "The hall is open" in self.said() or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.said()
        until(lambda: set(self.children()) >= self.processes, 20)
        return self

    def __enter__(self) -> "Running":
        try:
            return self.open()
        except BaseException:
            self.end()
            raise

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> None:
        """However the test went, nothing of it stays."""
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            self.process.kill()

    def said(self) -> str:
        return self.log.read_text("utf-8", "replace")

    def children(self) -> dict[str, int]:
        """Process name -> pid of everything the hall keeps alive."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        named: dict[str, int] = {}
        for pid in map(int, listed):
            try:
                command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue  # it went while we looked
            name = next((name for name, mark in MARKS.items() if mark in command), None)
            if name:
                named[name] = pid
        return named

    def ready(self) -> int:
        """The status of its health page; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.ports[0]}/readyz", timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code
        except OSError:
            return 0

    def database(self) -> str:
        url: str = json.loads((self.data_dir / "running.json").read_text())["database_url"]
        return url

    def take(self) -> str:
        async def act() -> str:
            db = await connect(self.database())
            try:
                act = await take(db, await get_hall(db, "demo"), ["A"], actor="citizen", channel="api")
                return act.ticket.key
            finally:
                await db.close()

        return asyncio.run(act())

    def state(self, key: str) -> str:
        async def look() -> str:
            db = await connect(self.database())
            try:
                return (await by_key(db, key)).state
            finally:
                await db.close()

        return asyncio.run(look())


MARKS = {
    "postgres": "bin/postgres ", "valkey": "valkey-server", "web": "uvicorn", "link": "floor.link",
    "clock": "floor.clock", "peers": "peers.toml", "agent": "agent.toml", "voice": "voice.toml",
}  # fmt: skip


def until(true: Callable[[], object], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not so after {seconds} s"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, tuple[int, int], Path]:
    folder = tmp_path_factory.mktemp("hall")
    return folder / "data", free_ports(), folder / "log"


@pytest.fixture(scope="module")
def hall(place: tuple[Path, tuple[int, int], Path]) -> Iterator[Running]:
    with Running(*place) as running:
        yield running


def test_the_welcome_says_where_to_go_and_who_may_sign_in(hall: Running) -> None:
    origin = f"http://127.0.0.1:{hall.ports[0]}"
    said = hall.said()
    assert f"Start here     {origin}/" in said
    assert re.search(r"Demo sign-ins, password \S{8,}", said)
    assert "clerk01 … clerk24" in said
    assert hall.ready() == 200
    assert said.rstrip().splitlines()[-1] == "  Ctrl-C closes it; the next start finds everything as it was."
    # Printers, keypad and reader, LED cards, cables, link, two agents; the clock may tell what it laid out.
    until(lambda: len([line for line in hall.said().splitlines() if " | " in line and " clock " not in line]) == 7, 20)


def test_a_second_copy_on_the_same_folder_is_refused_in_one_line(hall: Running, tmp_path: Path) -> None:
    second = Running(hall.data_dir, (hall.ports[0] + 50, hall.ports[1] + 50), tmp_path / "log")
    assert second.process.wait(20) == 1
    assert second.said() == (
        f"hall: a hall is already running on {hall.data_dir} (process {hall.process.pid}). "
        "Stop it, or name another folder with HALL_DATA_DIR.\n"
    )


def test_a_taken_port_is_refused_in_one_line(hall: Running, tmp_path: Path) -> None:
    second = Running(tmp_path / "data", hall.ports, tmp_path / "log")
    assert second.process.wait(20) == 1
    assert second.said() == f"hall: port {hall.ports[0]} is taken by another program; choose another with HALL_PORT.\n"


@pytest.mark.parametrize("name", ["web", "link", "clock", "peers", "agent", "voice", "valkey", "postgres"])
def test_a_killed_process_is_back_and_the_others_never_left(hall: Running, name: str) -> None:
    before = hall.children()
    key = hall.take()
    os.kill(before[name], signal.SIGKILL)
    until(lambda: hall.children().get(name, before[name]) != before[name], 15)
    until(lambda: hall.ready() == 200, 15)
    after = hall.children()
    assert {it: after[it] for it in PROCESSES - {name}} == {it: before[it] for it in PROCESSES - {name}}
    assert hall.state(key) == "waiting"


def test_everything_killed_at_once_loses_nothing_and_leaves_nothing(
    place: tuple[Path, tuple[int, int], Path], hall: Running
) -> None:
    key = hall.take()
    left = [*hall.children().values(), *grandchildren(hall.process.pid)]
    sockets = json.loads((hall.data_dir / "running.json").read_text())["sockets"]
    hall.process.kill()
    hall.process.wait()
    until(lambda: not any(is_alive(pid) for pid in left), 10)
    with Running(place[0], place[1], place[2].with_name("again")) as again:
        assert again.state(key) == "waiting"
        assert Path(sockets).exists() is False


def test_closing_ends_every_process_and_opening_again_finds_everything(
    place: tuple[Path, tuple[int, int], Path],
) -> None:
    with Running(place[0], place[1], place[2].with_name("once")) as once:
        password = re.search(r"password (\S+)", once.said())
        key = once.take()
        ours = [*once.children().values(), *grandchildren(once.process.pid)]
        close(once)
    assert [pid for pid in ours if is_alive(pid)] == []
    assert "does not end by itself" not in once.said()
    assert (place[0] / "running.json").exists() is False
    assert password is not None
    with Running(place[0], place[1], place[2].with_name("twice")) as twice:
        assert twice.state(key) == "waiting"
        assert f"password {password[1]}\n" in twice.said()


async def test_other_servers_are_used_and_the_halls_own_stay_off(database_url: str, redis_url: str, tmp_path: Path) -> None:
    others = {"HALL_DATABASE_URL": database_url, "HALL_REDIS_URL": redis_url}
    with Running(tmp_path / "data", free_ports(), tmp_path / "log", **others) as hall:
        assert set(hall.children()) == PROCESSES - {"postgres", "valkey"}
        assert (hall.ready(), hall.database()) == (200, database_url)
        assert (hall.data_dir / "postgres").exists() is False


def test_a_database_that_does_not_answer_is_said_so_in_one_line(tmp_path: Path) -> None:
    away = f"postgresql://postgres@/hall?host={tmp_path}"
    hall = Running(tmp_path / "data", free_ports(), tmp_path / "log", HALL_DATABASE_URL=away)
    assert hall.process.wait(30) == 1
    assert re.fullmatch(r"hall: the database does not answer \(.*\); see HALL_DATABASE_URL\.\n", hall.said())


def grandchildren(pid: int) -> list[int]:
    """Every process below a process."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    own = [int(child) for child in listed.read_text().split()] if listed.exists() else []
    return own + [below for child in own for below in grandchildren(child)]


def close(running: Running) -> None:
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(30) == 0
    assert running.said().splitlines()[-1].endswith("hall     | closed")
