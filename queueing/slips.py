"""Told once (一次性告知): all that is missing on one slip, found again on return, which goes before those who come anew."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from queueing.db import Db, Press, Replay, once, recorded
from queueing.errors import BadInput, NotFound, SlipUsed
from queueing.halls import Hall
from queueing.settings import Setting
from queueing.tickets import TODAY, scope

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # none that is taken for another
LONG = 8
GOOD_DAYS = Setting("slip_days", 30, 1, 365, "days")  # how long a slip is found again and gives priority
SETTINGS = (GOOD_DAYS,)


@dataclass(frozen=True, slots=True)
class Slip:
    """What a visitor was told. `used_at`: it has given its priority; `good`: it still can."""

    id: int
    code: str
    at: datetime
    matters: list[str]
    lacking: list[str]
    note: str | None
    told_by: str
    teller: str
    first_asked: str
    ticket: int | None
    lang: str
    good_until: date
    used_at: datetime | None
    good: bool


FIELDS = """s.id, s.code, s.at, s.matters, s.lacking, s.note, s.told_by, s.teller, s.first_asked, s.ticket,
    s.lang, s.good_until, s.used_at"""
COLUMNS = f"{FIELDS}, s.used_at IS NULL AND s.good_until >= {TODAY} AS good"

# Whoever of the staff met the visitor first stays responsible: on an earlier slip this visit came with, at the desk that
# issued the number, else now.
TELL = recorded(
    f"""
WITH visit AS (
    SELECT t.id, t.person, coalesce((SELECT first_asked FROM slips WHERE used_by = t.id),
        (SELECT actor FROM journal WHERE ticket = t.id AND kind = 'ticket.taken' AND actor !~ '^(device|citizen|clock)')) AS asked
    FROM tickets t WHERE t.hall = $1 AND t.key = $6
), moved AS (
    INSERT INTO slips (hall, code, day, matters, lacking, note, told_by, first_asked, person, ticket, lang, good_until, teller)
    SELECT $1, $5, {TODAY}, $7, $8, $9, $2, coalesce((SELECT asked FROM visit), $2), coalesce($10, (SELECT person FROM visit)),
           (SELECT id FROM visit), $11, {TODAY} + $12::integer, $14
    WHERE $6::text IS NULL OR EXISTS (SELECT FROM visit)
    RETURNING *
)""",
    "'slip.told'",
    "jsonb_build_object('slip', m.id, 'lacking', cardinality(m.lacking), 'matters', m.matters, 'print_at', $13::text)",
    ticket="m.ticket",
    window="NULL::text",
    status=201,
)


async def tell(
    db: Db,
    hall: Hall,
    lacking: Sequence[str],
    *,
    actor: str,
    teller: str,
    matters: Sequence[str] = (),
    key: str | None = None,
    person: bytes | None = None,
    note: str | None = None,
    lang: str = "zh-Hans",
    print_at: str | None = None,
    press: Press | None = None,
) -> str:
    """Tell a visitor all that is missing; the slip's code. `key` is the ticket of the visit, `print_at` a dispenser,
    `teller` the name by which the visitor may ask for whoever told."""
    if not lacking:
        raise BadInput(field="lacking", message="it is empty")
    code = "".join(secrets.choice(LETTERS) for _ in range(LONG))

    async def act() -> str:
        row = await db.fetchrow(
            TELL, hall.id, actor, *scope(press), code, key, list(matters), list(lacking), note, person, lang,
            hall.value(GOOD_DAYS), print_at, teller,
        )  # fmt: skip
        if row is None:
            raise NotFound(what="ticket")
        told: str = row["code"]
        return told

    return await once(db, press, act, code_of)


def code_of(kept: Replay) -> str:
    """The code a press gave the first time."""
    return str(kept.answer["code"])


AGAIN = recorded(
    "WITH moved AS (UPDATE slips SET copies = copies + 1 WHERE hall = $1 AND code = $5 RETURNING *)",
    "'slip.reprinted'",
    "jsonb_build_object('slip', m.id, 'print_at', $6::text)",
    ticket="m.ticket",
    window="NULL::text",
)


async def reprint(db: Db, hall: Hall, code: str, print_at: str, *, actor: str, press: Press | None = None) -> None:
    """Print a slip again."""

    async def act() -> None:
        if await db.fetchrow(AGAIN, hall.id, actor, *scope(press), code, print_at) is None:
            raise NotFound(what="slip")

    await once(db, press, act, lambda _: None)


OF_CODE = f"SELECT {COLUMNS} FROM slips s WHERE s.hall = $1 AND s.code = $2"
OF_PERSON = f"SELECT {COLUMNS} FROM slips s WHERE s.hall = $1 AND s.person = $2 ORDER BY s.id DESC LIMIT 5"
OF_TICKET = f"SELECT {COLUMNS} FROM slips s WHERE s.hall = $1 AND (s.ticket = $2 OR s.used_by = $2) ORDER BY s.id DESC LIMIT 5"


def plain_code(typed: str) -> str:
    """The code in what was typed or scanned: an address ends in it, I and O are read as they are meant."""
    code = typed.strip().rstrip("/").rpartition("/")[2].upper().replace("-", "").replace(" ", "")
    return code.translate(str.maketrans("IOL", "101"))


async def by_code(db: Db, hall: Hall, typed: str) -> Slip:
    """The slip of a code as people type it, or NotFound."""
    row = await db.fetchrow(OF_CODE, hall.id, plain_code(typed))
    if row is None:
        raise NotFound(what="slip")
    return Slip(**row)


async def of_person(db: Db, hall: Hall, person: bytes) -> list[Slip]:
    """The newest slips of somebody, known by the keyed hash alone."""
    return [Slip(**row) for row in await db.fetch(OF_PERSON, hall.id, person)]


async def of_ticket(db: Db, hall: Hall, ticket: int) -> list[Slip]:
    """The slips that were told at a visit, and the one it came with."""
    return [Slip(**row) for row in await db.fetch(OF_TICKET, hall.id, ticket)]


USE = f"""
UPDATE slips SET used_at = hall_clock() WHERE hall = $1 AND code = $2 AND used_at IS NULL AND good_until >= {TODAY} RETURNING id
"""
RETURNING = """
SELECT code FROM categories WHERE hall = $1 AND evidence = 'slip' AND offered ORDER BY credit_minutes DESC LIMIT 1
"""


async def use(db: Db, hall: Hall, code: str) -> tuple[int, str | None]:
    """Let a slip give its priority, in the transaction of the take that follows; its id and the category it earns.

    SlipUsed for one that has given it or is too old.
    """
    slip = await db.fetchval(USE, hall.id, plain_code(code))
    if slip is None:
        await by_code(db, hall, code)
        raise SlipUsed()
    return slip, await db.fetchval(RETURNING, hall.id)


async def used_by(db: Db, slip: int, ticket: int) -> None:
    """Note the visit a slip brought; in the same transaction."""
    await db.execute("UPDATE slips SET used_by = $2 WHERE id = $1", slip, ticket)
