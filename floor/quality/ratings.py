"""好差评: what a citizen says about a finished visit. No answer is no rating, and no rating is ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import asyncpg

from floor.refusals import AlreadyRated, NotFinished, NothingToRate, TooLate
from floor.words import words
from queueing import tickets
from queueing.db import Db, Press, Replay, once, recorded
from queueing.errors import BadInput, NotYourWindow
from queueing.halls import Hall
from queueing.tickets import Act, scope
from queueing.visits import visit_of

# The national list of 40 reasons, eight a level; their texts are `reasons.<code>` of the catalogues (hall-rules A2).
VERSION = "national-40"
REASONS: dict[int, tuple[str, ...]] = {
    level: tuple(str(first + n) for n in range(8)) for level, first in {5: 510, 4: 406, 3: 307, 2: 207, 1: 108}.items()
}
MOST_WORDS = 500


@dataclass(frozen=True, slots=True)
class Rated:
    """A rating as it was kept: `number` of the visit where it has one, `level` 1 (very bad) to 5, reasons as codes."""

    number: str | None
    level: int
    reasons: list[str]
    channel: str
    at: datetime
    replayed: bool = False


RATE = recorded(
    """
WITH moved AS (
    INSERT INTO ratings (hall, day, visit, ticket, number, service, window_no, clerk, level, reasons, version, comment, channel)
    SELECT v.hall, v.day, v.id, CASE WHEN v.source = 'ticket' THEN v.subject END, v.number, v.service, v.window_no, v.clerk,
           $6, $7, $8, $9, $10
    FROM visits v WHERE v.hall = $1 AND v.id = $5 AND hall_now() < v.rateable_until
    RETURNING *
)""",
    "'rating.made'",
    """jsonb_build_object('ticket', m.number, 'window', m.window_no, 'service', m.service)
        || CASE WHEN m.ticket IS NULL THEN (SELECT jsonb_build_object('mode', v.mode) FROM visits v WHERE v.id = m.visit)
           ELSE '{}' END""",
    ticket="m.ticket",
    status=201,
)
ONCE = ("rating_once", "visit_rated_once")


async def rate(
    db: Db,
    hall: Hall,
    source: str,
    subject: int,
    *,
    level: int,
    actor: str,
    channel: str,
    reasons: Sequence[str] = (),
    comment: str | None = None,
    window: str | None = None,
    number: str | None = None,
    press: Press | None = None,
) -> Rated:
    """Keep what a citizen thinks of a visit, of whichever mode and by whichever way it was asked: voluntarily, once, in time.

    `source` and `subject` say which visit (queueing/visits.py), `window` the evaluator's own, `number` the machine's that asks.
    Raises BadInput, NotYourWindow (an evaluator of another window), NotFinished, TooLate, AlreadyRated.
    """
    chosen = checked(level, reasons)
    if comment is not None and len(comment) > MOST_WORDS:
        raise BadInput(field="comment", message=f"at most {MOST_WORDS} characters")
    visit = await visit_of(db, hall, source, subject)
    if visit is None or (number is not None and visit.number != number):
        raise NotFinished()
    if window is not None and visit.window_no != window:
        raise NotYourWindow(window=visit.window_no)

    async def act() -> Rated:
        try:
            row = await db.fetchrow(
                RATE, hall.id, actor, *scope(press), visit.id, level, chosen, VERSION, comment, channel
            )  # fmt: skip
        except asyncpg.UniqueViolationError as broken:
            if broken.constraint_name not in ONCE:
                raise
            raise AlreadyRated() from broken
        if row is None:
            raise TooLate(days=hall.rating_days)
        return Rated(row["number"], row["level"], codes(row["reasons"]), row["channel"], row["at"])

    return await once(db, press, act, again)


RATED = """
SELECT EXISTS (SELECT FROM ratings WHERE visit = v.id) AS rated, hall_now() < v.rateable_until AS in_time
FROM visits v WHERE v.hall = $1 AND v.source = $2 AND v.subject = $3
"""


async def may_rate(db: Db, hall: Hall, source: str, subject: int) -> bool:
    """Whether somebody could rate it now: it is over, in time, and nobody has."""
    row = await db.fetchrow(RATED, hall.id, source, subject)
    return row is not None and row["in_time"] and not row["rated"]


def checked(level: int, reasons: Sequence[str]) -> list[dict[str, str]]:
    """The reasons with their texts; BadInput unless each is one of the level's own, named once."""
    if level not in REASONS:
        raise BadInput(field="level", message="1 to 5")
    wrong = [code for code in reasons if code not in REASONS[level]]
    if wrong or len(set(reasons)) != len(reasons):
        raise BadInput(field="reasons", message=f"each once, of {', '.join(REASONS[level])}")
    texts = words("zh-Hans")
    return [{"code": code, "text": texts[f"reasons.{code}"]} for code in reasons]


def codes(reasons: list[dict[str, str]]) -> list[str]:
    return [reason["code"] for reason in reasons]


def again(kept: Replay) -> Rated:
    answer: dict[str, Any] = kept.answer
    return Rated(
        answer["number"],
        answer["level"],
        codes(answer["reasons"]),
        answer["channel"],
        datetime.fromisoformat(answer["at"]),
        replayed=True,
    )


UNRATED = """t.hall = $1 AND t.state = 'finished'
      AND t.day = (SELECT business_day(hall_now(), time_zone, day_starts) FROM halls WHERE id = $1)
      AND NOT EXISTS (SELECT FROM ratings r WHERE r.ticket = t.id)"""
ASK = recorded(
    f"""
WITH moved AS (
    SELECT t.* FROM tickets t
    WHERE t.window_no = $5 AND {UNRATED}
    ORDER BY t.ended_at DESC LIMIT 1
)""",
    "'rating.asked'",
    "jsonb_build_object('ticket', m.number, 'window', m.window_no, 'service', m.service)",
)


async def ask_again(db: Db, hall: Hall, window: str, *, actor: str, press: Press | None = None) -> Act:
    """Let the window's evaluator ask about its last visit once more. NothingToRate when none is unrated today."""

    async def act() -> Act:
        row = await db.fetchrow(ASK, hall.id, actor, *scope(press), window)
        if row is None:
            raise NothingToRate(window=window)
        return tickets.done(row)

    return await once(db, press, act, tickets.again)


async def askable(db: Db, hall: Hall, window: str) -> bool:
    """Whether the window has a visit of today that its evaluator can still ask about."""
    there = f"SELECT EXISTS (SELECT FROM tickets t WHERE t.window_no = $2 AND {UNRATED})"
    return bool(await db.fetchval(there, hall.id, window))


By = Literal["window", "service", "clerk", "hour", "mode"]

# Three things told apart: answered (active), counted by a rule of the place (default), and never answered (unrated). And a
# question answered at the desk is rated like a visit but is none: it is counted beside them, here and in whatever adds up.
SUMMARY = """
WITH counted AS (
    SELECT {of} AS "of", v.source = 'consultation' AS asked, r.id AS rating, r.kind, r.level
    FROM visits v JOIN halls h ON h.id = v.hall LEFT JOIN ratings r ON r.visit = v.id
    LEFT JOIN windows w ON w.hall = v.hall AND w.no = v.window_no
    WHERE v.hall = $1 AND v.day BETWEEN $2 AND $3 AND ($4::text IS NULL OR coalesce(w.zone, v.zone) = $4)
), kinds AS (
    SELECT "of", asked, count(*)::int AS served,
           count(rating) FILTER (WHERE kind = 'active')::int AS active,
           count(rating) FILTER (WHERE kind = 'default')::int AS "default",
           count(*) FILTER (WHERE rating IS NULL)::int AS unrated,
           array[count(*) FILTER (WHERE level = 1), count(*) FILTER (WHERE level = 2), count(*) FILTER (WHERE level = 3),
                 count(*) FILTER (WHERE level = 4), count(*) FILTER (WHERE level = 5)]::int[] AS levels
    FROM counted GROUP BY 1, 2
)
SELECT "of", coalesce(v.served, 0) AS served, coalesce(v.active, 0) AS active, coalesce(v."default", 0) AS "default",
       coalesce(v.unrated, 0) AS unrated, v.levels, coalesce(q.served, 0) AS questions, q.levels AS question_levels
FROM (SELECT * FROM kinds WHERE NOT asked) v FULL JOIN (SELECT * FROM kinds WHERE asked) q USING ("of") ORDER BY 1
"""
OF = {
    "window": "coalesce(v.window_no, '')",
    "service": "coalesce(v.service, '')",
    "clerk": "coalesce(v.clerk, '')",
    "hour": "to_char(v.ended_at AT TIME ZONE h.time_zone, 'HH24')",
    "mode": "v.mode",
}


NO_LEVELS = dict.fromkeys(("1", "2", "3", "4", "5"), 0)


@dataclass(frozen=True, slots=True)
class Tally:
    """Visits of one window, service, clerk, local hour or mode `of`: served = active + default + unrated; `levels` by 1 to 5.
    `questions` were answered without a number: they are no visits, and `question_levels` are what people thought of them."""

    of: str
    served: int
    active: int
    default: int
    unrated: int
    levels: dict[str, int]
    questions: int
    question_levels: dict[str, int]


async def summary(db: Db, hall: Hall, first: date, last: date, by: By, *, zone: str | None = None) -> list[Tally]:
    """What citizens said about the visits of some business days, first and last included."""
    rows = await db.fetch(SUMMARY.format(of=OF[by]), hall.id, first, last, zone)
    return [
        Tally(
            row["of"], row["served"], row["active"], row["default"], row["unrated"], by_level(row["levels"]), row["questions"],
            by_level(row["question_levels"]),
        )
        for row in rows
    ]  # fmt: skip


def by_level(counts: Sequence[int] | None) -> dict[str, int]:
    """What came of each level from 1 on."""
    return dict(zip(NO_LEVELS, counts, strict=True)) if counts else dict(NO_LEVELS)
