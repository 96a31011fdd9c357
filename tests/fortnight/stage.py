"""The hall of the fortnight and its time: real processes, one row and one file that say what time it is, and how it is put on."""

import asyncio
import json
import os
import random
import time
import tomllib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from floor import clock, rehearsal
from floor.boot.furnish import furnish
from floor.boot.migrate import migrate
from floor.boot.program import Program
from floor.database import Connection, connect
from floor.settings import Settings
from tests.storm.boards import Board, pair
from tests.storm.hall import Hall, opened

ROOT = Path(__file__).resolve().parents[2]
CLOCKS = ("clock", "clock2")
FOLLOWS_S = 60.0  # for what follows an act, on a machine that has other things to do
AREAS = (  # minutes of a visit last: few enough for a place in each quarter of the hours for the booked alone
    ("A", "综合受理区", "综合受理", "綜合受理", "General services", 5),
    ("B", "不动产登记区", "不动产登记", "不動產登記", "Property", 8),
)

EVERY_MINUTE = [tick.rule for tick in clock.TICKS if tick.every_s == 60]
FOLLOWED = """
SELECT count(DISTINCT rule) = cardinality($1::text[]) FROM ticks
WHERE rule = ANY ($1) AND minute = date_bin('1 min', $2::timestamptz, 'epoch')
"""
SETTLED = "SELECT NOT EXISTS (SELECT FROM jobs WHERE ended_at IS NULL AND kind = 'print')"


def plan() -> dict[str, Any]:
    """The demo's people and rules in a small hall: two areas of three windows, a clerk to each."""
    known = tomllib.loads((ROOT / "floor" / "boot" / "demo.toml").read_text("utf-8"))
    names = ("letter", "zone", "service", "hant", "en", "minutes")
    return known | {
        "areas": [dict(zip(names, area, strict=True)) for area in AREAS],
        "clerks": {"names": known["clerks"]["names"][:6], "posts": {}},
    }


def parts(listed: list[Program], _: int) -> list[Program]:
    """All but the voices, which speak at the machine's own pace; and a second clock, so that two run the whole time."""
    programs = [program for program in listed if program.name != "voice"]
    (first,) = (program for program in programs if program.name == "clock")
    return [*programs, replace(first, name="clock2")]


@asynccontextmanager
async def staged(home: Path, moment: datetime) -> AsyncIterator["Stage"]:
    """A rehearsed hall, open at this moment, with its machines paired."""
    file = home / rehearsal.FILE

    async def begin(settings: Settings) -> None:
        assert settings.database_url
        await migrate(settings.database_url)
        db = await connect(settings.database_url)
        os.environ["HALL_CLOCK"] = str(await rehearsal.begin(db, home))
        await rehearsal.move(db, file, moment)
        await db.close()
        await furnish(settings, plan())

    env = {"HALL_DEMO_OPEN": "hours", "HALL_TAKES_PER_DEVICE": "100000", "HALL_TAKES_PER_ADDRESS": "100000"}
    os.environ.update(env)  # our programs read their own
    async with opened(home, begin, parts, durable=False, **env) as hall:
        db = await hall.db()
        stage = Stage(hall, db, file)
        try:
            await stage.until(stage.paired, "the machines to pair", 60)
            yield stage
        finally:
            await db.close()


@dataclass
class Stage:
    """The running hall, and whoever puts its time on."""

    hall: Hall
    db: Connection
    file: Path
    boards: list[Board] = field(default_factory=list)

    async def switch_on(self, token: str) -> list["asyncio.Task[None]"]:
        """A board for each area, which writes down all that it shows."""
        for n, (zone, *_) in enumerate(AREAS):
            device, secret = await pair(self.hall, token, "tv", zone, f"board-{zone}")
            self.boards.append(Board(self.hall, device, secret, f"zone:{zone}", random.Random(n)))
        lit = [asyncio.create_task(board.run()) for board in self.boards]
        await self.until(lambda: all(board.position for board in self.boards), "the boards to be lit")
        return lit

    async def paired(self) -> bool:
        seen: bool = await self.db.fetchval("SELECT count(*) = 0 FROM devices WHERE last_seen IS NULL AND kind <> 'speaker'")
        return seen

    async def now(self) -> datetime:
        at: datetime = await self.db.fetchval("SELECT hall_now()")
        return at

    async def move(self, moment: datetime, *, clocks: bool = True) -> None:
        """It is this moment now; wait until the clocks have done what is due at it."""
        await self.until(self.settled, "every paper to be out")
        await rehearsal.move(self.db, self.file, moment)
        if clocks:
            await self.until(lambda: self.followed(moment), f"the clocks to follow to {moment}")

    async def followed(self, moment: datetime) -> bool:
        done: bool = await self.db.fetchval(FOLLOWED, EVERY_MINUTE, moment)
        return done

    async def settled(self) -> bool:
        """Every paper is out."""
        nothing: bool = await self.db.fetchval(SETTLED)
        return nothing

    async def until(self, true: Callable[[], Any], what: str, seconds: float = FOLLOWS_S) -> Any:
        """Wait for something to be so; what it gave. AssertionError names what never came."""
        deadline = time.monotonic() + seconds
        while True:
            found = true()
            if asyncio.iscoroutine(found):
                found = await found
            if found:
                return found
            assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain for {what}"
            await asyncio.sleep(0.04)

    async def kill_clocks(self) -> None:
        """Both clocks are gone, as in a power cut."""
        for name in CLOCKS:
            await asyncio.to_thread(self.hall.parts[name].kill)

    async def revive_clocks(self, moment: datetime) -> None:
        for name in CLOCKS:
            await self.hall.start(name)
        await self.until(lambda: self.followed(moment), "the clocks to catch up", 30)

    # ---- what the machines show

    def strip(self, window: str) -> str:
        """What a window's strip shows now."""
        file = self.hall.demo / "led" / f"led-{window}.json"
        return str(json.loads(file.read_text("utf-8"))["text"]) if file.exists() else ""
