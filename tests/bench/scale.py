"""P5 and P6: what a long queue, years of history and a hundred halls in one database cost a call."""

import asyncio
import re
import time
from collections.abc import Iterator

from floor.boot import postgres
from floor.database import Connection
from queueing import calls, floors, forecast, tickets
from queueing.calls import Seat
from queueing.halls import Hall, get_hall
from queueing.tickets import TAKE
from tests.bench.figures import Figure, Pair, quantile
from tests.bench.ground import Ground, fresh, lay_hall, line_up, open_db
from tests.bench.statements import DRAW, bare, calling, taking

RATE = 60  # acts a second over all halls of P6: six times what a large hall needs
SEAT = Seat("1", "bench", None)

# Finished tickets of the days before, two thousand a day. Indexes are made when all are in: one by one they cost most of it.
HISTORY = """
INSERT INTO tickets (key, hall, day, number, services, service, channel, state, window_no, clerk, calls, call_no,
                     joined_at, rank_at, called_at, served_at, ended_at, outcome)
SELECT md5($1::integer || '-' || n), $1::integer, d.day, chr(65 + n % 8) || n, ARRAY[chr(65 + n % 8)], chr(65 + n % 8),
       'dispenser', 'finished', (1 + n % 24)::text, 'c' || n % 24, 1, 1, at, at, at + interval '9 min', at + interval '10 min',
       at + interval '16 min', 'done'
FROM generate_series($2::integer, $3::integer) n,
     LATERAL (SELECT business_day(hall_now(), 'Asia/Shanghai', '04:00') - 1 - n / 2000 AS day) d,
     LATERAL (SELECT d.day + time '01:00' + (n % 2000) * interval '14 s' AS at) t
"""
INDEXES = """
SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS made, c.conname
FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u')
WHERE i.indrelid = 'tickets'::regclass
"""
BATCH = 500_000


async def history(db: Connection, hall: int, many: int) -> None:
    """So many finished tickets of past days."""
    await db.execute("SET statement_timeout = 0")
    await db.execute("SET synchronous_commit = off")
    await db.execute("SET maintenance_work_mem = '512MB'")
    dropped = [row for row in await db.fetch(INDEXES) if row["conname"] is None] if many > BATCH else []
    for row in dropped:
        await db.execute(f"DROP INDEX {row['name']}")
    for first in range(0, many, BATCH):
        await db.execute(HISTORY, hall, first, min(many, first + BATCH) - 1)
    for row in dropped:
        await db.execute(row["made"])
    await db.execute("RESET synchronous_commit")
    await db.execute("VACUUM ANALYZE tickets")


async def crowds(ground: Ground, *, waiting: tuple[int, ...], years: int, rounds: int) -> list[Figure]:
    """P5: `next` in an empty hall, with so many waiting, and with `years` tickets of history."""
    ground = await fresh(ground, "p5")
    db = await open_db(ground)
    try:
        halls = {many: await laid(db, f"p5-{many}", many) for many in (0, *waiting)}
        bare_took = await rounds_of(db, list(halls.values()), rounds)
        found = [
            of(f"next, {many:,} waiting", bare_took[halls[0].id], bare_took[hall.id]) for many, hall in halls.items() if many
        ]  # fmt: skip
        await history(db, halls[0].id, years)
        seen = await scans(db, halls[max(waiting)])
        took = await rounds_of(db, list(halls.values()), rounds)
        found.append(of(f"next, {years:,} tickets of history", bare_took[halls[0].id], took[halls[0].id]))
        many = max(waiting)
        found.append(of(f"next, {many:,} waiting and {years:,} of history", bare_took[halls[0].id], took[halls[many].id]))
        return [*found, planned(seen, years)]
    finally:
        await db.close()


async def laid(db: Connection, code: str, waiting: int) -> Hall:
    """A hall with so many waiting for service A."""
    await lay_hall(db, code)
    hall = await get_hall(db, code)
    if waiting:
        await line_up(db, hall.id, 1, waiting)
    return hall


async def rounds_of(db: Connection, halls: list[Hall], rounds: int) -> dict[int, list[float]]:
    """Milliseconds of each `next`, hall by hall in turn; after each the visit is finished and a number taken."""
    took: dict[int, list[float]] = {hall.id: [] for hall in halls}
    for turn in range(rounds + 3):  # the first three warm up: a statement is planned anew for its first runs
        for hall in halls:
            await tickets.take(db, hall, ["A"], actor="bench", channel="desk")
            began = time.perf_counter()
            called = await calls.call_next(db, hall, SEAT)
            lasted = time.perf_counter() - began
            assert not isinstance(called, calls.Nobody)
            await calls.finish(db, hall, SEAT)
            if turn >= 3:
                took[hall.id].append(1000 * lasted)
    return took


def of(what: str, floor: list[float], product: list[float]) -> Figure:
    """The middle of all calls, and of five stretches of them to show how far these are apart."""
    return Pair([quantile(part, 0.5) for part in fifths(floor)], [quantile(part, 0.5) for part in fifths(product)]).at_most(
        "P5", what, 1.2, "ms", "each call ends with a commit on the disk; the rest is one descent of an index per queue"
    )


def fifths(values: list[float]) -> Iterator[list[float]]:
    step = max(1, len(values) // 5)
    return (values[n : n + step] for n in range(0, step * 5, step))


LARGE = ("tickets", "journal", "presses", "promises", "visit_days")


async def scans(db: Connection, hall: Hall) -> list[str]:
    """The large tables that a statement on the way of a call or a look would read from one end to the other."""
    asked = {
        "next": await bare(db, calls.NEXT, calling(str(hall.id), "'1'")),
        "take": await bare(db, TAKE, taking(str(hall.id))),
        "ahead": await bare(db, tickets.AHEAD, [str(hall.id), "now()::date", "'A'", "now()", "1"]),
        "waits": await bare(db, forecast.LOADS, [str(hall.id), "NULL"]),
        "floor": await bare(db, floors.FLOOR, [str(hall.id)]),
    }  # fmt: skip
    found = []
    for name, statement in asked.items():
        for (line,) in await db.fetch("EXPLAIN " + statement.rstrip(";\n").replace("(:press)", "1")):
            if re.search(rf"Seq Scan on ({'|'.join(LARGE)})\b", line):
                found.append(f"{name}: {line.strip()}")
    return found


def planned(seen: list[str], years: int) -> Figure:
    return Figure(
        "P5", f"plans of next, take, ahead, waits and floor, {years:,} tickets of history", "–",
        f"{len(seen)} sequential scans", None, "–", "none", not seen, "; ".join(seen),
    )  # fmt: skip


async def halls(ground: Ground, *, many: tuple[int, ...], seconds: float, runs: int) -> list[Figure]:
    """P6: visits at the same rate in all, spread over one hall or over many."""
    ground = await fresh(ground, "p6")
    db = await open_db(ground)
    try:
        made: dict[int, list[int]] = {}
        for count in many:
            made[count] = [await lay_hall(db, f"p6-{count}-{n}") for n in range(count)]
            for hall in made[count]:
                await line_up(db, hall, 1, 50)
        scripts = {count: await one_visit(db, ids) for count, ids in made.items()}
        took: dict[int, list[float]] = {count: [] for count in many}
        for _ in range(runs):
            for count, script in scripts.items():
                took[count].append(await latency(ground, script, seconds))
        why = "the same statements on rows of other halls; each hall has a stream row of its own"
        return [
            Pair(took[many[0]], took[count]).at_most("P6", f"visits at {RATE} acts a second, {count} halls", 1.2, "ms", why)
            for count in many[1:]
        ]  # fmt: skip
    finally:
        await db.close()


async def one_visit(db: Connection, ids: list[int]) -> str:
    """A number is taken, called and finished in a hall chosen at random; `ids` follow one another."""
    assert ids == list(range(ids[0], ids[0] + len(ids)))
    hall = f"{ids[0]} + (:hall)::int"
    take, call = await bare(db, TAKE, taking(hall)), await bare(db, calls.NEXT, calling(hall, "(:window)::text"))
    finish = await bare(db, calls.FINISH, [hall, "'clerk'", "NULL", "NULL", "(:window)::text", "NULL", "'done'", "NULL"])
    draw = f"\\set hall random(0, {len(ids) - 1})\n\\set window :client_id + 1\n"
    # Three clients, each at a window of its own in whatever hall.
    return draw + DRAW + take + DRAW + call + finish


async def latency(ground: Ground, script: str, seconds: float) -> float:
    """Mean milliseconds of one round of the script when so many are begun each second."""
    path = ground.home / "script.sql"
    path.write_text(script)
    run = await asyncio.create_subprocess_exec(
        str(postgres.binaries() / "pgbench"), "-n", "-M", "prepared", "-c", "3", "-j", "1", "-T", str(max(1, int(seconds))),
        "-R", str(RATE // 3), "-f", str(path), "-h", str(ground.sockets), "-U", "postgres", "p6",
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await run.communicate()
    mean, late = re.search(rb"latency average = ([\d.]+)", out), re.search(rb"schedule lag: avg ([\d.]+)", out)
    assert run.returncode == 0 and mean, script + err.decode()[-2000:]
    return float(mean[1]) - (float(late[1]) if late else 0.0)
