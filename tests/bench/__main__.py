"""The hall against the floor of this machine, in one run: `python -m tests.bench [--short] [--only P1 …] [--json FILE]`."""

import argparse
import asyncio
import json
import os
import platform
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.bench import boards, fanout, forecast, http, roster, rounds, scale, start, statements, waits
from tests.bench.figures import Figure, table
from tests.bench.ground import Ground, stand


@dataclass(frozen=True)
class Size:
    """How much of everything: the short form shows that it runs, the full one is what figures are quoted from."""

    runs: int
    seconds: float
    boards: tuple[int, ...]
    frames: int
    calls: int
    starts: int
    papers: int
    zones: int
    idle_s: float
    burst: bool
    days: int
    each: int
    past: int
    waiting: tuple[int, ...]
    history: int
    halls: tuple[int, ...]
    roster: tuple[int, int]  # windows and clerks
    rounds: tuple[int, int, int]  # days, visits, teams


SHORT = Size(
    runs=1, seconds=1, boards=(100, 1000), frames=10, calls=10, starts=1, papers=3, zones=2, idle_s=3, burst=False,
    days=2, each=60, past=2, waiting=(10, 1000), history=20_000, halls=(1, 10), roster=(30, 40), rounds=(1, 12, 3),
)  # fmt: skip
FULL = Size(
    runs=5, seconds=3, boards=(100, 1000, 5000), frames=40, calls=40, starts=3, papers=8, zones=8, idle_s=20, burst=True,
    days=10, each=6, past=10, waiting=(10, 1000, 100_000), history=10_000_000, halls=(1, 10, 100), roster=(130, 160),
    rounds=(5, 60, 8),
)  # fmt: skip

Bench = Callable[[Ground, Size], Awaitable[list[Figure]]]


async def in_thread(act: Callable[[], list[Figure]]) -> list[Figure]:
    return await asyncio.to_thread(act)


BENCHES: dict[str, Bench] = {
    "P1": lambda ground, size: statements.measure(ground, runs=size.runs, seconds=size.seconds),
    "P2": lambda ground, size: http.measure(ground, runs=size.runs, seconds=size.seconds),
    "P3": lambda ground, size: boards.measure(ground, runs=size.runs, calls=size.calls, burst=size.burst),
    "P4": lambda _, size: in_thread(lambda: fanout.measure(size.boards, runs=size.runs, frames=size.frames)),
    "P5": lambda ground, size: scale.crowds(ground, waiting=size.waiting, years=size.history, rounds=40 * size.runs),
    "P6": lambda ground, size: scale.halls(ground, many=size.halls, seconds=size.seconds, runs=size.runs),
    "P7": lambda ground, size: waits.measure(ground, runs=size.runs, seconds=size.seconds),
    "F": lambda _, size: in_thread(lambda: forecast.measure(days=size.days, each=size.each, past=size.past)),
    "R": lambda _, size: roster.measure(windows=size.roster[0], clerks=size.roster[1]),
    "V": lambda _, size: rounds.measure(days=size.rounds[0], visits=size.rounds[1], teams=size.rounds[2]),
    "P8": lambda _, size: in_thread(
        lambda: start.measure(starts=size.starts, papers=size.papers, zones=size.zones, idle_s=size.idle_s)
    ),
}
ALONG = ("P9", "P10")  # measured in the demo that P8 starts


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.bench", description=__doc__)
    parser.add_argument("--short", action="store_true", help="everything once over, under a minute; no figures to quote")
    parser.add_argument("--only", nargs="+", choices=[*BENCHES, *ALONG], help="these alone; P8 brings P9 and P10")
    parser.add_argument("--json", type=Path, help="write all figures here")
    asked = parser.parse_args()
    began = time.monotonic()
    wanted = {"P8" if name in ALONG else name for name in asked.only or BENCHES}
    figures = asyncio.run(measure(SHORT if asked.short else FULL, wanted))
    print(f"\n{machine()}, {'short form' if asked.short else 'full form'}, {time.monotonic() - began:.0f} s\n")
    print(table(figures))
    if asked.json:
        asked.json.write_text(json.dumps([figure.as_json() for figure in figures], ensure_ascii=False, indent=1))
    return 0


async def measure(size: Size, wanted: set[str]) -> list[Figure]:
    """One after the other, so that none is in the way of another."""
    figures: list[Figure] = []
    async with stand() as ground:
        for name, bench in BENCHES.items():
            if name in wanted:
                print(f"bench: {name} …", file=sys.stderr, flush=True)
                figures += await bench(ground, size)
    return figures


def machine() -> str:
    return f"Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end"


if __name__ == "__main__":
    sys.exit(main())
