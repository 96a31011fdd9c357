"""A process that dies is started again while the others go on, and nothing is left when the hall is gone."""

import asyncio
import gc
import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from floor.boot.program import Program, Server
from floor.boot.supervise import Console, NotReady, Watch, end_all, end_group, serve

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def shell(name: str, script: str) -> Program:
    return Program(name, ("/bin/sh", "-c", script))


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(out: io.StringIO) -> Console:
    return Console(out, colour=False)


async def until(true: Callable[[], object], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


def said(out: io.StringIO) -> list[str]:
    """The lines without their times."""
    return [line.partition(" ")[2] for line in out.getvalue().splitlines()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def test_every_line_stands_under_the_name_of_its_process(console: Console, out: io.StringIO) -> None:
    watch = Watch(shell("web", "echo 开门; echo warn >&2; sleep 60"), console)
    watch.begin()
    await until(lambda: len(said(out)) == 2)
    await watch.end()
    assert said(out) == ["web      | 开门", "web      | warn"]


async def test_a_line_without_end_is_cut_and_passed_on(console: Console, out: io.StringIO) -> None:
    watch = Watch(shell("web", "head -c 200000 /dev/zero | tr '\\0' x; sleep 60"), console)
    watch.begin()
    await until(lambda: out.getvalue().count("x") >= 196608)
    await watch.end()
    assert out.getvalue().count("x") == 200000


async def test_a_killed_process_comes_back_and_its_neighbour_never_left(console: Console, out: io.StringIO) -> None:
    web, clock = (Watch(shell(name, "sleep 60"), console) for name in ("web", "clock"))
    web.begin()
    clock.begin()
    await until(lambda: web.alive and clock.alive)
    killed, neighbour = web.alive, clock.alive
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await until(lambda: web.alive not in (None, killed))
    assert clock.alive == neighbour
    assert said(out) == ["hall     | web was ended by SIGKILL; starting it again in 0.2 s"]
    await asyncio.gather(web.end(), clock.end())
    assert (web.alive, clock.alive) == (None, None)


async def test_a_process_that_keeps_dying_is_started_ever_more_slowly(console: Console, out: io.StringIO) -> None:
    watch = Watch(shell("web", "exit 3"), console)
    watch.begin()
    await until(lambda: len(said(out)) == 3)
    await watch.end()
    assert said(out) == [f"hall     | web ended with code 3; starting it again in {pause} s" for pause in ("0.2", "0.4", "0.8")]


async def test_what_a_process_leaves_behind_goes_with_it(console: Console, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    watch = Watch(shell("voice", f"sleep 300 & echo $! > {note}; sleep 0.3; kill -9 $$"), console)
    watch.begin()
    await until(lambda: watch.starts == 2 and note.exists())
    first = int(note.read_text() or 0)
    await watch.end()
    await until(lambda: not is_alive(first))


async def test_a_process_that_will_not_end_is_ended(console: Console, out: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floor.boot.supervise.GRACE_S", 0.3)
    watch = Watch(shell("web", "trap '' TERM; echo up; while :; do sleep 0.1; done"), console)
    watch.begin()
    await until(lambda: said(out) == ["web      | up"])
    await watch.end()
    assert said(out)[1:] == ["hall     | web does not end by itself; ending it"]
    assert watch.alive is None


def test_who_stops_waiting_for_the_end_leaves_no_complaint_behind(console: Console, caplog: pytest.LogCaptureFixture) -> None:
    async def leave() -> Watch:
        watch = Watch(shell("web", "trap '' TERM; echo up; while true; do sleep 1; done"), console)
        watch.begin()
        await until(lambda: "up" in str(console.out.getvalue()))  # type: ignore[attr-defined]
        waiting = asyncio.create_task(end_all([watch]))
        await asyncio.sleep(0.05)
        waiting.cancel()
        return watch

    watch = asyncio.run(leave())
    assert watch.alive
    end_group(watch.alive)
    gc.collect()
    assert [record.message for record in caplog.records] == []


async def test_a_program_that_is_not_there_is_said_so_and_tried_again(console: Console, out: io.StringIO) -> None:
    watch = Watch(Program("web", ("/no/such/program",)), console)
    watch.begin()
    await until(lambda: watch.starts == 2)
    await watch.end()
    assert said(out)[0] == (
        "hall     | web could not be started ([Errno 2] No such file or directory: '/no/such/program'); "
        "starting it again in 0.2 s"
    )


async def test_a_server_that_does_not_start_says_why(console: Console) -> None:
    server = Server(shell("postgres", "exit 1"), ready=lambda _: False, url="", why=lambda: "no space left on device")
    with pytest.raises(NotReady, match=r"^postgres did not start: no space left on device$"):
        await serve(server, console)


def test_when_the_keeper_is_killed_its_processes_are_gone(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import asyncio, sys
        from floor.boot.program import Program
        from floor.boot.supervise import Console, Watch
        async def main():
            watches = [Watch(Program(name, ("/bin/sleep", "300")), Console()) for name in ("web", "clock")]
            for watch in watches: watch.begin()
            while not all(watch.alive for watch in watches): await asyncio.sleep(0.01)
            print(*(watch.alive for watch in watches), flush=True)
            await asyncio.sleep(300)
        asyncio.run(main())
    """)
    keeper = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert keeper.stdout is not None
    pids = [int(pid) for pid in keeper.stdout.readline().split()]
    keeper.kill()
    keeper.wait()
    deadline = time.monotonic() + 5
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [is_alive(pid) for pid in pids] == [False, False]
