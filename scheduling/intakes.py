"""What was only taken in (收件): its receipt, when it has to be passed on and decided, and whether it was passed on."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from queueing import journal
from queueing.db import Db
from queueing.halls import Hall, business_day
from scheduling.days import Calendar, Deadline, calendar


@dataclass(frozen=True, slots=True)
class Intake:
    """One ticket's papers. `pass_on`: the working day after, by whose end they are to be passed on; `due`: the last day of the
    promise counted from there, None where the catalogue promises nothing."""

    ticket: int
    number: str
    service: str
    matters: tuple[str, ...]
    day: date
    received_at: datetime
    window: str | None
    pass_on: Deadline
    due: Deadline | None
    passed_at: datetime | None
    passed_by: str | None
    overdue: bool

    @property
    def receipt(self) -> str:
        """What stands on the receipt: the day and the number, once in a hall."""
        return f"{self.day:%Y%m%d}-{self.number}"


INTAKES = """
SELECT i.ticket, t.number, t.service, t.matters, t.day, i.received_at, t.window_no AS window, i.passed_at, i.passed_by,
       (SELECT max(m.promised_days) FROM matters m WHERE m.hall = t.hall AND m.code = ANY (t.matters)) AS promised,
       (SELECT array_agg(m.name ORDER BY m.name) FROM matters m WHERE m.hall = t.hall AND m.code = ANY (t.matters)) AS names
FROM intakes i JOIN tickets t ON t.id = i.ticket WHERE i.hall = $1 AND {which} ORDER BY i.received_at, i.ticket
"""
WAITING = INTAKES.format(which="i.passed_at IS NULL")
PASSED = INTAKES.format(which="i.passed_at > hall_now() - interval '7 days'")
ONE = INTAKES.format(which="i.ticket = $2")


async def waiting(db: Db, hall: Hall) -> list[Intake]:
    """What is still to be passed on, the oldest first."""
    return await _read(db, hall, WAITING)


async def passed(db: Db, hall: Hall) -> list[Intake]:
    """What was passed on in the last week."""
    return await _read(db, hall, PASSED)


async def of_ticket(db: Db, hall: Hall, ticket: int) -> Intake | None:
    """The papers of one ticket; None where its matter was decided at the window."""
    found = await _read(db, hall, ONE, ticket)
    return found[0] if found else None


async def _read(db: Db, hall: Hall, statement: str, *given: object) -> list[Intake]:
    rows = await db.fetch(statement, hall.id, *given)
    if not rows:
        return []
    known, today, found = await calendar(db, hall), await business_day(db, hall), []
    for row in rows:
        pass_on = known.next_working_day(row["day"])
        found.append(
            Intake(
                row["ticket"], row["number"], row["service"], tuple(row["names"] or ()), row["day"], row["received_at"],
                row["window"], pass_on, due(known, pass_on, row["promised"]), row["passed_at"], row["passed_by"],
                row["passed_at"] is None and today > pass_on.day,
            )
        )  # fmt: skip
    return found


def due(known: Calendar, pass_on: Deadline, promised: int | None) -> Deadline | None:
    """The last day of a promise that begins when the papers are passed on."""
    if promised is None:
        return None
    last = known.working_days_after(pass_on.day, promised)
    return Deadline(last.day, last.provisional or pass_on.provisional)


HAND_ON = """
UPDATE intakes i SET passed_at = hall_now(), passed_by = $3 FROM tickets t
WHERE i.hall = $1 AND i.ticket = ANY ($2) AND i.passed_at IS NULL AND t.id = i.ticket RETURNING t.number, t.day
"""
TAKE_BACK = """
UPDATE intakes i SET passed_at = NULL, passed_by = NULL FROM tickets t
WHERE i.hall = $1 AND i.ticket = ANY ($2) AND i.passed_at IS NOT NULL AND t.id = i.ticket RETURNING t.number, t.day
"""


async def pass_on(db: Db, hall: Hall, tickets: Sequence[int], *, actor: str) -> int:
    """These papers have gone to those who decide; how many. What was passed on before stays as it was."""
    return await _act(db, hall, HAND_ON, "intake.passed", list(tickets), actor)


async def take_back(db: Db, hall: Hall, tickets: Sequence[int], *, actor: str) -> int:
    """They have not: as before; how many."""
    return await _act(db, hall, TAKE_BACK, "intake.taken_back", list(tickets), actor)


async def _act(db: Db, hall: Hall, statement: str, kind: str, tickets: list[int], actor: str) -> int:
    async with db.transaction():
        rows = await db.fetch(statement, hall.id, tickets, *([actor] if kind == "intake.passed" else []))
        if rows:
            told = {"receipts": sorted(f"{row['day']:%Y%m%d}-{row['number']}" for row in rows)}
            await journal.append(db, hall.id, kind, actor, data=told)
        return len(rows)
