"""The ways to work a day that a hall begins with: one for each kind of day, with breaks staggered over noon."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time
from itertools import pairwise

from queueing.db import Db, changed
from queueing.errors import BadInput
from queueing.halls import Hall
from scheduling.day_types import DayType, Session, day_types
from scheduling.roster.problem import Pattern

LONG = 5 * 60  # minutes at a window without a break, at most
LUNCHES = ((11 * 60 + 30, 12 * 60 + 30), (12 * 60 + 30, 13 * 60 + 30))  # half of the people each, so that windows stay open


def minutes(at: time) -> int:
    return at.hour * 60 + at.minute


def span(session: Session) -> tuple[int, int]:
    """The minutes of a session; one that ends at or before its beginning ends on the next date."""
    begins, ends = minutes(session.opens), minutes(session.closes)
    return begins, ends if ends > begins else ends + 24 * 60


def usual(sessions: Sequence[Session]) -> list[Pattern]:
    """The shifts of a day with these sessions: its pauses are breaks; a long day without one has two lunches to choose from."""
    spans = [span(session) for session in sessions]
    if not spans:
        return []
    begins, ends = spans[0][0], spans[-1][1]
    pauses = tuple((shut, opens) for (_, shut), (opens, _) in pairwise(spans) if shut < opens)
    within = [lunch for lunch in LUNCHES if begins < lunch[0] and lunch[1] < ends]
    if pauses or ends - begins <= LONG or not within:
        return [Pattern(code_of(begins, ends), begins, ends, pauses)]
    return [Pattern(f"{code_of(begins, ends)}_{n}", begins, ends, (lunch,)) for n, lunch in enumerate(within, start=1)]


def code_of(begins: int, ends: int) -> str:
    return f"{begins // 60:02}{begins % 60:02}_{ends // 60:02}{ends % 60:02}"


PATTERNS = """
SELECT code, begins, ends, breaks, not_before, day_types FROM shift_patterns WHERE hall = $1 ORDER BY begins, ends, code
"""


async def patterns(db: Db, hall: Hall) -> tuple[list[Pattern], dict[str, set[str]]]:
    """The hall's patterns, and which of them each kind of day has."""
    rows = await db.fetch(PATTERNS, hall.id)
    of_kind: dict[str, set[str]] = {}
    for row in rows:
        for kind in row["day_types"]:
            of_kind.setdefault(kind, set()).add(row["code"])
    return [
        Pattern(row["code"], row["begins"], row["ends"], tuple((a, b) for a, b in row["breaks"]), tuple(row["not_before"]))
        for row in rows
    ], of_kind


LAY = """
INSERT INTO shift_patterns AS p (hall, code, begins, ends, breaks, day_types, laid) VALUES ($1, $2, $3, $4, $5, $6, true)
ON CONFLICT (hall, code) DO UPDATE SET begins = excluded.begins, ends = excluded.ends, breaks = excluded.breaks,
    day_types = excluded.day_types
WHERE p.laid AND (p.begins, p.ends, p.breaks, p.day_types) IS DISTINCT FROM
      (excluded.begins, excluded.ends, excluded.breaks, excluded.day_types)
"""
UNLAID = "UPDATE shift_patterns SET day_types = '{}' WHERE hall = $1 AND laid AND day_types <> '{}' AND NOT code = ANY($2)"


async def lay_patterns(db: Db, hall: Hall) -> int:
    """Have a pattern for every kind of day that opens, as its sessions are now; how many changed. The hall's own stay."""
    wanted = _by_code((await day_types(db, hall)).values())
    moved = 0
    for code, (pattern, kinds) in wanted.items():
        breaks = [list(pause) for pause in pattern.breaks]
        moved += changed(await db.execute(LAY, hall.id, code, pattern.begins, pattern.ends, breaks, kinds))
    return moved + changed(await db.execute(UNLAID, hall.id, list(wanted)))


def _by_code(kinds: Iterable[DayType]) -> dict[str, tuple[Pattern, list[str]]]:
    """Each usual pattern once, with all kinds of day that have it. Other breaks at the same hours are another pattern."""
    found: dict[str, tuple[Pattern, list[str]]] = {}
    for kind in kinds:
        for pattern in usual(kind.sessions):
            code = pattern.code
            while code in found and found[code][0].breaks != pattern.breaks:
                code += "b"
            found.setdefault(code, (pattern, []))[1].append(kind.code)
    return found


# --- the hall's own -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Kept:
    """A pattern as it is kept: the kinds of day that have it, whether sessions laid it, how many shifts to come use it."""

    pattern: Pattern
    day_types: tuple[str, ...]
    laid: bool
    used: int


KEPT = """
SELECT p.code, p.begins, p.ends, p.breaks, p.not_before, p.day_types, p.laid,
       (SELECT count(*) FROM shifts s WHERE (s.hall, s.pattern) = (p.hall, p.code) AND s.day >= $2)::int AS used
FROM shift_patterns p WHERE p.hall = $1 ORDER BY p.day_types = '{}', p.begins, p.ends, p.code
"""


async def kept_patterns(db: Db, hall: Hall, today: date) -> list[Kept]:
    """Every pattern, those of no kind of day last."""
    return [
        Kept(
            Pattern(row["code"], row["begins"], row["ends"], tuple((a, b) for a, b in row["breaks"]), tuple(row["not_before"])),
            tuple(row["day_types"]), row["laid"], row["used"],
        )
        for row in await db.fetch(KEPT, hall.id, today)
    ]  # fmt: skip


SAVE = """
INSERT INTO shift_patterns AS p (hall, code, begins, ends, breaks, not_before, day_types) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (hall, code) DO UPDATE SET begins = excluded.begins, ends = excluded.ends, breaks = excluded.breaks,
    not_before = excluded.not_before, day_types = excluded.day_types, laid = false
"""
RETIRE = "UPDATE shift_patterns SET day_types = '{}', laid = false WHERE hall = $1 AND code = $2"


async def save_pattern(db: Db, hall: Hall, it: Pattern, kinds: Sequence[str]) -> None:
    """Keep a pattern as the hall's own: sessions don't change it any more. BadInput where its times don't run forward."""
    pauses = sorted(it.breaks)
    if not 0 <= it.begins < it.ends <= it.begins + 24 * 60 or it.begins > 2879:
        raise BadInput(field="ends", message="a period ends no earlier than it begins")
    edges = [it.begins, *(minute for pause in pauses for minute in pause), it.ends]
    if any(later < earlier for earlier, later in pairwise(edges)) or any(away >= back for away, back in pauses):
        raise BadInput(field="breaks", message="a period ends no earlier than it begins")
    known = await day_types(db, hall)
    if not set(kinds) <= set(known):
        raise BadInput(field="day_types", message="there is no such kind of day")
    breaks = [list(pause) for pause in pauses]
    await db.execute(SAVE, hall.id, it.code, it.begins, it.ends, breaks, list(it.not_before), list(kinds))


async def retire_pattern(db: Db, hall: Hall, code: str) -> bool:
    """Let no kind of day have a pattern any more; shifts that have it keep it."""
    return changed(await db.execute(RETIRE, hall.id, code)) > 0


FOLLOW = "UPDATE shift_patterns SET laid = true WHERE hall = $1 AND code = $2 AND NOT laid"


async def follow_sessions(db: Db, hall: Hall, code: str) -> bool:
    """Let a pattern be as the sessions of the kinds of day have it again; one that none has goes out of use."""
    if not changed(await db.execute(FOLLOW, hall.id, code)):
        return False
    await lay_patterns(db, hall)
    return True
