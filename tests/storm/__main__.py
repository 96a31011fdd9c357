"""Load and faults against a whole hall, then judgement: `python -m tests.storm --seconds 30 --seed N --repeat K`."""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.storm import gather, kiosks, strangers
from tests.storm.actors import CLERKS, Clerk, People
from tests.storm.boards import Board, pair, throw
from tests.storm.checkers import CHECKS, latencies, quantile
from tests.storm.evidence import Evidence
from tests.storm.hall import Hall, opened
from tests.storm.history import History
from tests.storm.nemesis import Nemesis

BOARDS = ("zone:A", "zone:B", "zone:C", "hall")
PER_SECOND = 8.0
GONG_S = 0.7


def main() -> int:
    parser = argparse.ArgumentParser("python -m tests.storm", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=None, help="decides the faults, their order and every person's luck")
    parser.add_argument("--repeat", type=int, default=1, help="that many storms, each with the next seed")
    parser.add_argument(
        "--offline", type=float, default=6, help="seconds that two dispensers go on alone at the end of the storm"
    )
    parser.add_argument("--keep", action="store_true", help="keep the directory of a storm that passed too")
    asked = parser.parse_args()
    first = asked.seed if asked.seed is not None else random.randrange(1_000_000)
    verdicts = [
        asyncio.run(storm(seed, asked.seconds, asked.offline, keep=asked.keep)) for seed in range(first, first + asked.repeat)
    ]
    return 0 if all(verdicts) else 1


async def storm(seed: int, seconds: float, offline: float, *, keep: bool) -> bool:
    """One storm from the first start to the verdict; True when every promise held."""
    home = Path(tempfile.mkdtemp(prefix=f"hall-storm-{seed}-"))
    print(f"storm: seed {seed}, {seconds:g} s, {home}", flush=True)
    began = time.monotonic()
    case = Evidence()
    async with opened(home / "data") as hall:
        history = History(home / "history.jsonl")
        await weather(hall, history, case, seed, seconds, offline)
        history.close()
        await gather.read_tables(hall, case)
        gather.read_voice(hall, case)
        gather.read_paper(hall, case)
    gather.read_logs(hall, case)
    case.ops = history.ops
    held = judge(case, seed)
    print(f"storm: {time.monotonic() - began:.0f} s in all", flush=True)
    if held and not keep:
        shutil.rmtree(home)
    return held


async def weather(hall: Hall, history: History, case: Evidence, seed: int, seconds: float, offline: float) -> None:
    """People and faults, then healing, a look at the boards, the last visitors, and the turn of the day."""
    people = People(hall, history, seed)
    await people.sign_in()
    await paired(hall)
    await strict(hall)
    await kiosks.prepare(hall, offline)
    boards = await switch_on(hall, people, seed)
    people.dispenser = await first_dispenser(hall)
    nemesis = Nemesis(hall, boards, random.Random(seed))
    spoiler = await pair(hall, people.tokens["engineer"], "tv", "A", "spoiler")
    lamps = [asyncio.create_task(board.run()) for board in boards]
    tail = asyncio.create_task(follow(hall, case))
    clerks = [Clerk(people, n, random.Random(seed * 100 + n)) for n in range(1, CLERKS + 1)]
    work = asyncio.gather(people.strike(GONG_S), *(clerk.work() for clerk in clerks))
    visits = asyncio.create_task(people.citizens(PER_SECOND))
    spoil = asyncio.create_task(throw(hall, *spoiler))
    await nemesis.rage(seconds, lambda line: print(f"       {line}", flush=True))
    people.over.set()
    await visits
    case.probes = await spoil
    case.strangers = await strangers.knock(hall, people.tokens["engineer"])
    cut_off = await kiosks.cut_off(hall, nemesis, seed, offline)
    await drain(hall)
    people.home.set()
    await work
    await asyncio.sleep(2)
    await close_up(hall, people, boards, lamps)
    tail.cancel()
    await kiosks.read(hall, case, cut_off)
    case.boards, case.faults = [board.record for board in boards], nemesis.faults
    case.paper_alarm_s = nemesis.paper_alarm_s


RULES = """
INSERT INTO settings (hall, name, value) SELECT id, r.* FROM halls, (VALUES
    ('interleave', '2'::jsonb), ('person_day_limit', '4'::jsonb), ('strikes', '2'::jsonb)) AS r WHERE code = 'demo'
ON CONFLICT (hall, name) DO UPDATE SET value = excluded.value
"""
HELPERS = """
UPDATE windows SET helps = '{C}', help_after = 0, short_after = 0 WHERE no IN ('2', '3', '5') AND hall = (
    SELECT id FROM halls WHERE code = 'demo')
"""


async def strict(hall: Hall) -> None:
    """Rules and limits beyond the usual: interleaved bookings, helping windows, a short line, numbers a day, pauses."""
    db = await hall.db()
    try:
        await db.execute(RULES)
        await db.execute(HELPERS)
        await db.execute("UPDATE services SET quick = true WHERE code = 'B'")
    finally:
        await db.close()


async def paired(hall: Hall) -> None:
    """Wait until the demo's own machines have joined."""
    db = await hall.db()
    try:
        for _ in range(150):
            if await db.fetchval("SELECT count(*) = 0 FROM devices WHERE paired_at IS NULL AND revoked_at IS NULL"):
                return
            await asyncio.sleep(0.2)
        raise AssertionError("the demo's machines did not pair within 30 s")
    finally:
        await db.close()


async def first_dispenser(hall: Hall) -> str:
    db = await hall.db()
    try:
        return str(await db.fetchval("SELECT id FROM devices WHERE kind = 'dispenser' ORDER BY n LIMIT 1"))
    finally:
        await db.close()


async def switch_on(hall: Hall, people: People, seed: int) -> list[Board]:
    made = []
    for n, view in enumerate(BOARDS):
        zone = view.partition(":")[2] or None
        device, secret = await pair(hall, people.tokens["engineer"], "tv", zone, f"storm-{n}")
        made.append(Board(hall, device, secret, view, random.Random(seed + n)))
    return made


async def follow(hall: Hall, case: Evidence) -> None:
    """A reader at the tail of the journal, as a webhook would be: it never looks back."""
    reached = 0
    while True:
        try:
            db = await hall.db()
            while True:
                rows = await db.fetch('SELECT "offset" FROM journal WHERE "offset" > $1 ORDER BY "offset"', reached)
                case.tailed += [row["offset"] for row in rows]
                reached = case.tailed[-1] if case.tailed else 0
                await asyncio.sleep(0.02)
        except Exception:  # noqa: BLE001 - Postgres was restarted under the reader: connect again, from where it was
            await asyncio.sleep(0.3)


BUSY = "SELECT EXISTS (SELECT FROM tickets WHERE state IN ('waiting', 'called', 'serving') AND for_window IS NULL)"


async def drain(hall: Hall) -> None:
    """Until nobody waits, or nothing moves any more."""
    db = await hall.db()
    try:
        for _ in range(200):
            if not await db.fetchval(BUSY):
                return
            await asyncio.sleep(0.2)
    finally:
        await db.close()


async def close_up(hall: Hall, people: People, boards: list[Board], lamps: list["asyncio.Task[None]"]) -> None:
    """Leave three tickets at windows, compare the boards with the hall, then let the day roll over whoever is left."""
    staff, token = people.staff, people.tokens
    for number in (1, 4, 7):
        await staff.insist("desk", "take", "/api/v1/halls/demo/tickets", {"services": ["A"]}, token=token["desk01"])
        name = f"clerk{number:02d}"
        await staff.insist(name, "next", f"/api/v1/halls/demo/windows/{number}/next", {}, token=token[name])
    await asyncio.sleep(1.5)
    for lamp in lamps:
        lamp.cancel()
    await asyncio.gather(*lamps, return_exceptions=True)
    for board in boards:
        await board.compare()
    await roll_the_day(hall)
    await people.sign_in()  # a shift is twelve hours at the most
    await staff.insist("desk", "take", "/api/v1/halls/demo/tickets", {"services": ["A"]}, token=token["desk01"])
    await roll_the_day(hall, days=2)
    await people.close()


ROLLED = """
SELECT NOT EXISTS (SELECT FROM tickets WHERE ended_at IS NULL) AND EXISTS (
    SELECT FROM doors d JOIN halls h ON h.id = d.hall
    WHERE h.code = 'demo' AND d.day = business_day(hall_now(), h.time_zone, h.day_starts))
"""


async def roll_the_day(hall: Hall, days: int = 1) -> None:
    """Put the hall's clock on by days; both clock processes then see to whoever was left.

    They are started anew: a clock looks once in a minute of the wall, and the wall did not move.
    """
    db = await hall.db()
    try:
        for clock in ("clock", "clock2"):
            await asyncio.to_thread(hall.parts[clock].stop)
        for name, source, kind in (("hall_now", "now()", "STABLE"), ("hall_clock", "clock_timestamp()", "VOLATILE")):
            await db.execute(
                f"CREATE OR REPLACE FUNCTION {name}() RETURNS timestamptz LANGUAGE sql {kind} "
                f"AS $$ SELECT {source} + interval '{days} day' $$"
            )
        for clock in ("clock", "clock2"):
            await hall.start(clock)
        for _ in range(150):
            if await db.fetchval(ROLLED):
                return
            await asyncio.sleep(0.2)
        print("storm: the day did not roll within 30 s", flush=True)
    finally:
        await db.close()


def judge(case: Evidence, seed: int) -> bool:
    """Say of each promise whether it held; what broke it, with the seed to see it again."""
    broken = 0
    for check in CHECKS:
        verdict = check(case)
        broken += bool(verdict)
        print(f"  {'BROKEN' if verdict else 'held  '}  {(check.__doc__ or '').strip()}")
        for line in verdict[:3]:
            print(f"            {line}")
        if len(verdict) > 3:
            print(f"            … and {len(verdict) - 3} more")
    outcomes = {kind: sum(op.outcome == kind for op in case.ops) for kind in ("ok", "fail", "info")}
    calm, without_redis = latencies(case)
    print(
        f"storm: {len(case.ops)} requests {outcomes}, {len(case.tickets)} tickets, {len(case.journal)} journal rows, "
        f"{len(case.said)} sentences, {len(case.papers)} papers, {len(case.faults)} faults"
    )
    for name, found in (("calm", calm), ("without Redis", without_redis)):
        if found:
            p50, p99 = (1000 * quantile(found, share) for share in (0.5, 0.99))
            print(f"storm: commit to board, {name}: p50 {p50:.0f} ms, p99 {p99:.0f} ms of {len(found)}")
    print(f"storm: seed {seed} {'FAILED: ' + str(broken) + ' promises broken' if broken else 'passed'}", flush=True)
    return not broken


if __name__ == "__main__":
    sys.exit(main())
