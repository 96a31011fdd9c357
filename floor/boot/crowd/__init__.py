"""A crowd: a day's visitors and clerks play through the running hall, at its own pace or up to twenty times as fast."""

import argparse
import asyncio
import os
import random
import signal
from collections.abc import Mapping, Sequence
from datetime import datetime

from floor import settings
from floor.boot.crowd.citizens import Citizens
from floor.boot.crowd.clerks import LEADER, Clerk
from floor.boot.crowd.day import CLOSES_MIN, OPENS_MIN, Chance
from floor.boot.crowd.front import Clock, Front
from floor.boot.crowd.listener import Listener
from floor.boot.place import local_origin, running

CLERKS = 24
LAST_WALK_IN_MIN = CLOSES_MIN - 30


def main(arguments: Sequence[str]) -> int:
    """`./hall crowd`: runs until Ctrl-C, or for --minutes of simulated time. 1 when the hall answered what it should not."""
    asked = parse(arguments)
    house = settings.load(os.environ)
    here = running(house.data_dir)
    address = asked.url or (here.origin if here else local_origin(house))
    return asyncio.run(play(asked, address, demo_password(house)))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("hall crowd", description=__doc__)
    parser.add_argument("--speed", type=float, default=1.0, help="1 to 20 times real time (default 1)")
    parser.add_argument("--hall", default="demo", help="code of the hall (default demo)")
    parser.add_argument("--minutes", type=float, help="simulated minutes to play (default: until Ctrl-C)")
    parser.add_argument("--seed", type=int, default=None, help="the same crowd again")
    parser.add_argument("--url", help="address of the hall (default: this machine, HALL_PORT)")
    asked = parser.parse_args(arguments)
    if not 1 <= asked.speed <= 20:
        parser.error("--speed is 1 to 20")
    return asked


def demo_password(house: settings.Settings) -> str:
    """The demo people's one password: the one set, else the one the hall made up at its first start."""
    kept = house.data_dir / "demo-password"
    if house.demo_password:
        return house.demo_password
    if kept.exists():
        return kept.read_text("utf-8").strip()
    raise SystemExit("crowd: no demo hall here yet. Start one with ./hall run, or set HALL_DEMO_PASSWORD.")


def first_minute(now: datetime) -> float:
    """Start at the time it is, or at opening time when the doors of a real hall would be shut."""
    minute = now.hour * 60 + now.minute
    return minute if OPENS_MIN <= minute < LAST_WALK_IN_MIN else OPENS_MIN


async def play(asked: argparse.Namespace, address: str, password: str) -> int:
    clock = Clock(asked.speed, first_minute(datetime.now()))
    front = Front(address, asked.hall, password, clock)
    chance = Chance(random.Random(asked.seed))
    citizens = Citizens(front, chance)
    listener = Listener(front)
    clerks = [Clerk(front, citizens, listener, chance, number) for number in range(1, CLERKS + 1)]
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, clock.over.set)
    try:
        await front.sign_in(LEADER)
        async with asyncio.TaskGroup() as shift:
            shift.create_task(front.watch())
            shift.create_task(citizens.arrive())
            shift.create_task(listener.listen())
            shift.create_task(report(front, asked.minutes))
            for clerk in clerks:
                shift.create_task(clerk.work())
        await citizens.go_home()
        await asyncio.gather(*(clerk.stand_up() for clerk in clerks))
        say(front)
    finally:
        await front.close()
    return 1 if front.tally.trouble else 0


async def report(front: Front, minutes: float | None) -> None:
    """A line each simulated minute; the end of the crowd when its minutes are up."""
    while not front.clock.over.is_set():
        await front.clock.sleep(60)
        say(front)
        if minutes is not None and front.clock.elapsed_s >= minutes * 60:
            front.clock.over.set()


def say(front: Front) -> None:
    tally, clock = front.tally, front.clock
    print(
        f"crowd {int(clock.minute) // 60:02d}:{int(clock.minute) % 60:02d} ×{clock.speed:g}"
        f" · waiting {front.waiting()} · {counts(tally.acts, 'take next recall finish rate hold transfer cancel')}"
        f" · sentences {counts(tally.sentences, 'done expired') or 'none heard yet'}"
        f" · refused {tally.refused.total()} · trouble {tally.trouble.total()}",
        flush=True,
    )


def counts(what: Mapping[str, int], names: str) -> str:
    return " ".join(f"{name} {what[name]}" for name in names.split() if what[name])
