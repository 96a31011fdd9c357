"""P8 to P10: how fast an installed hall opens, speaks and prints, what it weighs, and what it burns while nobody comes."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx2

from floor.boot.postgres import tail
from tests.bench import paper, voice
from tests.bench.figures import Figure, absolute
from tests.bench.ground import ROOT, cpu_s, end, family, listening, memory_kib, wait_until, with_room
from tests.bench.hall import PASSWORD
from tests.ports import free_port

SETTLE_S = 3  # after the last sentence


def measure(*, starts: int, papers: int, zones: int, idle_s: float) -> list[Figure]:
    """Start the demo several times on one data directory; let the last one speak, then weigh it."""
    ready: list[float] = []
    with tempfile.TemporaryDirectory(prefix="hall-bench-") as home:
        hall, _ = began(Path(home), ready)
        end(hall)
        made = ready.pop()
        for start in range(starts):
            hall, port = began(Path(home), ready)
            if start < starts - 1:
                end(hall)
        try:
            return [
                absolute("P8", "start to ready, installed", ready, 5.0, "s", "the steps are in the lines of ./hall run"),
                absolute("P8", "first start of all, which makes the hall", [made], 5.0, "s", "initdb takes most of it"),
                *paper.measure(f"http://127.0.0.1:{port}", Path(home) / "demo" / "paper", papers),
                *voice.measure(f"http://127.0.0.1:{port}", Path(home) / "demo" / "voice", zones),
                *weigh(hall.pid, idle_s),
            ]
        finally:
            end(hall)


def began(home: Path, ready: list[float]) -> "tuple[subprocess.Popen[bytes], int]":
    """`./hall run` until its pages, its link and its database answer."""
    port, link = with_room(), free_port()
    env = {
        **os.environ, "HALL_DATA_DIR": str(home), "HALL_HOST": "127.0.0.1", "HALL_PORT": str(port),
        "HALL_LINK_PORT": str(link), "HALL_DEMO_PASSWORD": PASSWORD,
    }  # fmt: skip
    with (home / "run.log").open("ab") as log:
        start = time.monotonic()
        hall = subprocess.Popen([sys.executable, str(ROOT / "hall"), "run"], env=env, cwd=ROOT, stdout=log, stderr=log)
    wait_until(lambda: hall.poll() is not None or (answers(port) and listening(link)), 60, lambda: tail(home / "run.log", 30))
    assert hall.poll() is None, tail(home / "run.log", 30)
    ready.append(time.monotonic() - start)
    return hall, port


def answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", timeout=1).status_code == 200
    except httpx2.TransportError:
        return False


def weigh(pid: int, idle_s: float) -> list[Figure]:
    time.sleep(SETTLE_S)
    everybody = family(pid)
    rss, pss = memory_kib(everybody) / 1024, memory_kib(everybody, "Pss") / 1024
    used, start = cpu_s(everybody), time.monotonic()
    time.sleep(idle_s)
    idle = 100 * (cpu_s(everybody) - used) / (time.monotonic() - start)
    heaviest = sorted(((memory_kib([p]) / 1024, name_of(p)) for p in everybody), reverse=True)[:8]
    where = ", ".join(f"{name} {mib:.0f}" for mib, name in heaviest)
    note = f"{pss:.0f} MB when memory that processes share is counted once; heaviest: {where}"
    return [
        absolute("P8", f"memory of the whole demo, {len(everybody)} processes, RSS added up", [rss], 600, "MB", note),
        absolute("P8", "processor while idle", [idle], 3.0, "% of a core", f"over {idle_s:.0f} s"),
    ]


def name_of(pid: int) -> str:
    """What a process calls itself, without the path of its interpreter."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return "gone"
    named = [word for word in words if word.startswith(("floor.", "devices.", "postgres:"))]
    return named[0] if named else Path(words[0].split(" ")[0]).name
