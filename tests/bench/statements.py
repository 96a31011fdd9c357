"""P1: the statements of take and next by pgbench, beside the least that could be called the same act."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from floor.boot import postgres
from floor.database import Connection
from queueing.calls import NEXT
from queueing.tickets import TAKE
from tests.bench.figures import Figure, Pair
from tests.bench.ground import Ground, fill, fresh, lay_hall, open_db

DATABASE = "p1"
CLIENTS = 8
ROOM_PER_S = 6000  # tickets and windows laid out for each second of a run of `next`; fewer than 100,000 windows in all

# '040000' is four o'clock and actors are one word: pgbench takes what follows a colon for a variable.
# The least: the ticket, the hall's hot stream row and the journal row, in one statement. No door, no number counted per
# prefix, no seat, no answer to keep for a repeated press.
LEAST_TAKE = """
WITH t AS (
    INSERT INTO tickets (key, hall, day, number, services, service, channel, joined_at, rank_at)
    VALUES (md5(random()::text || clock_timestamp()), {hall}, business_day(now(), 'Asia/Shanghai', '040000'),
            'M' || nextval('bench_number'), '{{A}}', 'A', 'desk', now(), now()) RETURNING *
), s AS (
    UPDATE hall_streams SET top = top + 1 WHERE hall = (SELECT hall FROM t) RETURNING top
), j AS (
    INSERT INTO journal (hall, "offset", kind, actor, ticket, data)
    SELECT t.hall, s.top, 'ticket.taken', 'bench', t.id, jsonb_build_object('ticket', t.number) FROM t, s RETURNING "offset"
)
SELECT t.*, j."offset" FROM t, j;
"""
LEAST_NEXT = """
WITH head AS (
    SELECT id FROM tickets WHERE hall = {hall} AND day = business_day(now(), 'Asia/Shanghai', '040000') AND service = 'A'
      AND state = 'waiting' AND for_window IS NULL ORDER BY rank_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), t AS (
    UPDATE tickets t SET state = 'called', window_no = 'W' || (:window)::text, called_at = now()
    FROM head WHERE t.id = head.id RETURNING t.*
), s AS (
    UPDATE hall_streams SET top = top + 1 WHERE hall = (SELECT hall FROM t) RETURNING top
), j AS (
    INSERT INTO journal (hall, "offset", kind, actor, ticket, window_no, data)
    SELECT t.hall, s.top, 'ticket.called', 'bench', t.id, t.window_no, jsonb_build_object('ticket', t.number) FROM t, s
    RETURNING "offset"
)
SELECT t.*, j."offset" FROM t, j;
"""
# Each call has a window of its own (a window must be free to call): clients step through them in stride.
STEP = "\\set n :n + 8\n\\set window :n + :client_id\n"
DRAW = "\\set press random(1, 9000000000000000000)\n"
PRESS = ("sha256(convert_to((:press)::text, 'UTF8'))", "sha256('{}'::bytea)")


@dataclass(frozen=True)
class Script:
    """What pgbench runs: the floor and the product do the same act in halls of their own."""

    act: str
    floor: str
    product: str


async def bare(db: Connection, statement: str, values: Sequence[str]) -> str:
    """The product's statement as pgbench can run it: $n replaced by SQL of the type Postgres gives that parameter."""
    prepared = await db.prepare(statement)
    kinds = [kind.name if kind.schema == "pg_catalog" else f"{kind.schema}.{kind.name}" for kind in prepared.get_parameters()]
    typed = [f"({value})::{array_name(kind)}" for value, kind in zip(values, kinds, strict=True)]
    one = re.sub(r"\$(\d+)", lambda found: typed[int(found[1]) - 1], statement)
    return re.sub(r"\s+", " ", one).strip() + ";\n"


def array_name(kind: str) -> str:
    return kind[:-2] + "[]" if kind.endswith("[]") else kind


def taking(hall: str) -> list[str]:
    """The parameters of a take in this hall, as SQL."""
    return [hall, "'desk'", *PRESS, "md5(random()::text)", "'{A}'", "'{}'", "NULL", "NULL", "'desk'",
            "'zh-Hans'", "NULL", "NULL", "NULL", "NULL", "15", "NULL", "30", "0", "NULL"]  # fmt: skip


def calling(hall: str, window: str) -> list[str]:
    """The parameters of a next at this window, as SQL."""
    return [hall, "'clerk'", *PRESS, window, "NULL"]


async def scripts(db: Connection, floor: int, product: int) -> list[Script]:
    take, call = taking(str(product)), calling(str(product), "'W' || (:window)::text")
    return [
        Script("take", LEAST_TAKE.format(hall=floor), DRAW + await bare(db, TAKE, take)),
        Script("next", STEP + LEAST_NEXT.format(hall=floor), STEP + DRAW + await bare(db, NEXT, call)),
    ]


async def pgbench(ground: Ground, script: str, seconds: float, clients: int, first: int) -> tuple[float, int]:
    """Transactions per second and how many there were."""
    path = ground.home / "script.sql"
    path.write_text(script)
    run = await asyncio.create_subprocess_exec(
        str(postgres.binaries() / "pgbench"), "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(int(seconds)),
        "-D", f"n={first}", "-f", str(path), "-h", str(ground.sockets), "-U", "postgres", DATABASE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await run.communicate()
    rate, count = re.search(rb"tps = ([\d.]+)", out), re.search(rb"actually processed: (\d+)", out)
    assert run.returncode == 0 and rate and count, script + err.decode()[-2000:]
    return float(rate[1]), int(count[1])


async def measure(ground: Ground, *, runs: int, seconds: float) -> list[Figure]:
    """P1 for both acts at eight clients."""
    ground = await fresh(ground, DATABASE)
    db = await open_db(ground)
    try:
        floor, product = await lay_hall(db, "p1-floor"), await lay_hall(db, "p1-product")
        await db.execute("CREATE SEQUENCE bench_number")
        room = int(ROOM_PER_S * seconds)
        for hall in (floor, product):
            await fill(db, hall, 1, room * runs + CLIENTS)
        acts = await scripts(db, floor, product)
        return [await compare(ground, db, act, (floor, product), runs, seconds, room) for act in acts]
    finally:
        await db.close()


async def compare(
    ground: Ground, db: Connection, script: Script, halls: tuple[int, int], runs: int, seconds: float, room: int
) -> Figure:
    rates: tuple[list[float], list[float]] = ([], [])
    for run in range(runs):
        for side, text in enumerate((script.floor, script.product)):
            top = await db.fetchval("SELECT top FROM hall_streams WHERE hall = $1", halls[side])
            rate, count = await pgbench(ground, text, seconds, CLIENTS, run * room)
            told = await db.fetchval("SELECT top FROM hall_streams WHERE hall = $1", halls[side]) - top
            # Now and then all the heads a statement saw were called in the same instant; the hall would look again.
            assert told >= 0.99 * count, f"{script.act}: {count} statements ran, {told} acted: the hall ran out of room"
            rates[side].append(rate)
    why = "the product's statement also reads the rules (door or seat), counts its number, and keeps the press and its answer"
    return Pair(*rates).at_least("P1", f"{script.act}, pgbench, {CLIENTS} clients", 0.6, "/s", why)
