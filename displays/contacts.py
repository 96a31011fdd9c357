"""Whom the hall may write to about a visit: kept encrypted until the visit is over, never where they said stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from displays.sealed import Seal, phone_of
from queueing.db import Db, changed
from queueing.errors import BadInput
from queueing.tickets import TODAY

NO_NUMBER = "a phone number has 6 to 15 digits"

KEEP = f"""
INSERT INTO notice_contacts (subject, hall, kind, address, who, lang, day)
SELECT $2, $1, $3, $4, $5, $6, coalesce($7, {TODAY})
WHERE EXISTS (SELECT FROM notice_ways WHERE hall = $1 AND kind = $3 AND is_on)
  AND NOT EXISTS (SELECT FROM notice_optouts WHERE hall = $1 AND who = $5)
ON CONFLICT (subject) DO UPDATE SET kind = excluded.kind, address = excluded.address, who = excluded.who, lang = excluded.lang
RETURNING subject
"""


async def keep(
    db: Db, hall: int, subject: str, address: str, *, seal: Seal, lang: str, kind: str = "phone", day: date | None = None
) -> bool:
    """Remember where to write about a ticket's key, or a booking's; `day` is the business day of the visit, else today.

    False, and nothing is kept, where the hall sends nothing that way or this number said stop. BadInput for no number.
    """
    number = phone_of(address) if kind == "phone" else address.strip()
    if number is None or (kind == "mail" and "@" not in number):
        raise BadInput(field=kind, message=NO_NUMBER)
    sealed, who = seal.close(number, f"contact:{subject}"), seal.who(number)
    return await db.fetchval(KEEP, hall, subject, kind, sealed, who, lang, day) is not None


async def keep_until(db: Db, subject: str, day: date) -> None:
    """The visit is on another day now: the number is kept until that one is over."""
    await db.execute("UPDATE notice_contacts SET day = $2 WHERE subject = $1 AND day <> $2", subject, day)


async def forget(db: Db, subject: str) -> None:
    """Nothing more about this visit, and the number goes."""
    await db.execute("DELETE FROM notice_contacts WHERE subject = $1", subject)


@dataclass(frozen=True, slots=True)
class Contact:
    """Where the word about a subject goes."""

    kind: str
    address: str
    stopped: bool


FIND = """
SELECT c.kind, c.address, EXISTS (SELECT FROM notice_optouts o WHERE o.hall = c.hall AND o.who = c.who) AS stopped
FROM notice_contacts c WHERE subject = $1
"""


async def find(db: Db, subject: str, seal: Seal) -> Contact | None:
    """Whom we write to about this subject, if anybody. sealed.Unreadable after the hall's secret was changed."""
    row = await db.fetchrow(FIND, subject)
    return Contact(row["kind"], seal.open(row["address"], f"contact:{subject}"), row["stopped"]) if row else None


STOP = """
WITH known AS (SELECT hall, who FROM notice_contacts WHERE subject = $1), gone AS (
    DELETE FROM notice_contacts c USING known k WHERE c.hall = k.hall AND c.who = k.who
)
INSERT INTO notice_optouts (hall, who, by) SELECT hall, who, 'citizen' FROM known ON CONFLICT DO NOTHING
"""


async def stop(db: Db, subject: str) -> bool:
    """Whoever this subject's word goes to is never written to again in this hall, and the number goes at once."""
    return changed(await db.execute(STOP, subject)) > 0


IMPORT = """
WITH asked AS (SELECT DISTINCT unnest($2::bytea[]) AS who), gone AS (
    DELETE FROM notice_contacts c USING asked a WHERE c.hall = $1 AND c.who = a.who
)
INSERT INTO notice_optouts (hall, who, by) SELECT $1, who, 'import' FROM asked ON CONFLICT DO NOTHING
"""


async def stop_all(db: Db, hall: int, numbers: Sequence[str], seal: Seal) -> int:
    """Numbers that answered STOP, as the gateway lists them; how many are new. What is no number is left out."""
    known = [seal.who(number) for number in map(phone_of, numbers) if number]
    return changed(await db.execute(IMPORT, hall, known))


# Visits that are over, and the rows of a take that was never made. What was sent stays, without who it went to.
ERASE = f"""
WITH limits AS (
    SELECT {TODAY} - $2::integer AS day
), gone AS (
    DELETE FROM notice_contacts c USING limits l WHERE c.hall = $1 AND (c.day < l.day OR (
        c.at < hall_now() - interval '15 minutes' AND NOT EXISTS (SELECT FROM tickets t WHERE t.key = c.subject)
        AND c.subject NOT LIKE '%:%'))
    RETURNING c.subject
), unnamed AS (
    UPDATE notices n SET who = NULL FROM limits l
    WHERE n.hall = $1 AND n.who IS NOT NULL AND n.at < hall_now() - interval '1 day'
      AND NOT EXISTS (SELECT FROM notice_contacts c WHERE c.subject = n.subject AND c.day >= l.day)
)
INSERT INTO notice_erasures (hall, day, erased)
SELECT $1, l.day - 1, count(*) FROM limits l, gone GROUP BY l.day HAVING count(*) > 0 RETURNING erased
"""


async def erase(db: Db, hall: int, keep_days: int) -> int:
    """Erase the numbers of visits that were over `keep_days` ago, leaving one row of proof; how many."""
    return await db.fetchval(ERASE, hall, keep_days) or 0
