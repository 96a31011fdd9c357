"""At the door: who of the team is there, running late, what the citizen agrees to, and the photos of their papers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import asyncpg

from queueing.db import Db, Press, Replay, once, recorded
from queueing.errors import BadInput, Refused
from queueing.halls import Hall
from queueing.settings import Setting
from queueing.tickets import TODAY, scope
from scheduling import doorstep
from scheduling.doorstep import NOW, OURS, THAT_DAY, Visit, not_ours
from scheduling.envelopes import Sealed
from scheduling.errors import (
    AgreedAlready,
    NoConsent,
    NotAtTheDoorNow,
    NotYourVisit,
    PaperGone,
    TooManyPapers,
    VisitIs,
)
from scheduling.visit_rows import act_of, act_on, moving

PAPERS_MOST = Setting("doorstep_papers_most", 20, 1, 100, "photos")  # of one visit
PAPER_DAYS = Setting("doorstep_papers_days", 7, 0, 90, "days")  # photos and drawn names stay so long after the matter is done
PAPER_DAYS_MOST = Setting("doorstep_papers_days_most", 60, 1, 365, "days")  # and no longer than this after the visit, done or not
BOTH_SIGN_IN = Setting("doorstep_both_sign_in", True)  # a team sets out once both have signed in
MAP_APP = Setting("doorstep_map", "geo", allowed=("geo", "amap", "baidu"))  # what "navigate" opens on the phone
SETTINGS = (PAPERS_MOST, PAPER_DAYS, PAPER_DAYS_MOST, BOTH_SIGN_IN, MAP_APP)

LATE_MIN = (15, 30, 60)  # what a thumb can choose
HOWS = ("drawn", "ticked")


@dataclass(frozen=True, slots=True)
class Team:
    """Today's team of somebody: its two by sign-in name, and who of them has signed in."""

    id: int
    name: str
    members: tuple[str, str]
    present: frozenset[str]
    ends: datetime

    @property
    def whole(self) -> bool:
        return self.present.issuperset(self.members)


TEAM = f"""
SELECT t.id, t.name, t.lead, t.second, t.ends, ARRAY(SELECT p.clerk FROM doorstep_presences p WHERE p.team = t.id) AS present
FROM doorstep_members m JOIN doorstep_teams t ON t.id = m.team WHERE m.hall = $1 AND m.clerk = $2 AND m.day = {TODAY}
"""


async def team_of(db: Db, hall: Hall, clerk: str) -> Team | None:
    """The team somebody goes with today, if any."""
    row = await db.fetchrow(TEAM, hall.id, clerk)
    return Team(row["id"], row["name"], (row["lead"], row["second"]), frozenset(row["present"]), row["ends"]) if row else None


@dataclass(frozen=True, slots=True)
class Outing:
    """The next day somebody goes out, without who is visited: that is told on the day itself."""

    day: date
    team: str
    start: datetime
    visits: int


NEXT = f"""
SELECT t.day, t.name AS team, min(v.start) AS start, count(*) AS visits
FROM doorstep_members m JOIN doorstep_teams t ON t.id = m.team JOIN doorstep_visits v ON v.team = t.id AND v.state = 'scheduled'
WHERE m.hall = $1 AND m.clerk = $2 AND m.day > {TODAY} GROUP BY t.id ORDER BY t.day LIMIT 1
"""


async def next_outing(db: Db, hall: Hall, clerk: str) -> Outing | None:
    """The first day after today on which somebody's team has visits to make."""
    row = await db.fetchrow(NEXT, hall.id, clerk)
    return Outing(**row) if row else None


SIGN_IN = recorded(
    f"""
WITH moved AS (
    INSERT INTO doorstep_presences (team, clerk, at)
    SELECT m.team, m.clerk, hall_clock() - $6::interval FROM doorstep_members m
    WHERE m.hall = $1 AND m.clerk = $5 AND m.day = {THAT_DAY.format(ago="$6")}
    ON CONFLICT ON CONSTRAINT signed_in_once DO NOTHING RETURNING $1::integer AS hall, team, clerk
)""",
    "'team.signed_in'",
    "jsonb_build_object('team', m.team, 'clerk', m.clerk)",
    ticket="NULL::bigint",
    window="NULL::text",
)


IS_MEMBER = f"SELECT EXISTS (SELECT FROM doorstep_members WHERE hall = $1 AND clerk = $2 AND day = {THAT_DAY.format(ago='$3')})"


async def sign_in(db: Db, hall: Hall, clerk: str, *, actor: str, ago: timedelta = NOW, press: Press | None = None) -> Team | None:
    """This member of a team was there, `ago`; saying so again changes nothing. The team of today, if they are in one.

    Raises NotYourVisit for who was in no team that day.
    """
    if not await db.fetchval(IS_MEMBER, hall.id, clerk, ago):
        raise NotYourVisit()
    await db.fetchrow(SIGN_IN, hall.id, actor, *scope(press), clerk, ago)
    return await team_of(db, hall, clerk)


# --- on the way

LATE = act_of(
    moving("expected_at = v.start + make_interval(mins => $8)", "scheduled", "on_the_way", where=OURS),
    "late",
    "'minutes', $8::integer",
)


async def late(
    db: Db, hall: Hall, key: str, minutes: int, *, actor: str, member: str, ago: timedelta = NOW, press: Press | None = None
) -> doorstep.Done:
    """Say that the team will be `minutes` later than planned. BadInput, VisitIs, NotYourVisit, NotToday."""
    if minutes not in LATE_MIN:
        raise BadInput(field="minutes", message=f"one of {', '.join(map(str, LATE_MIN))}")
    return await act_on(
        db, LATE, hall, key, actor, press, member, ago, minutes, why_not=lambda visit: not_ours(db, hall, visit, member, ago)
    )


# --- at the door

AGREE = recorded(
    """
WITH made AS (
    INSERT INTO doorstep_consents (visit, how, version, words, key_id, sealed, asked_by, agreed_at)
    SELECT v.id, $6, $7, $8, $9, $10, $11, hall_now() - $12::interval FROM doorstep_visits v
    WHERE v.hall = $1 AND v.key = $5 AND at_the_door(v, hall_now() - $12::interval) FOR NO KEY UPDATE
    RETURNING visit, how, version
), moved AS (
    SELECT $1::integer AS hall, visit, how, version FROM made
)""",
    "'doorstep.agreed'",
    "jsonb_build_object('visit', m.visit, 'how', m.how, 'version', m.version)",
    ticket="NULL::bigint",
    window="NULL::text",
)


async def agree(
    db: Db,
    hall: Hall,
    visit: Visit,
    how: str,
    *,
    version: str,
    words: str,
    drawn: Sealed | None,
    actor: str,
    member: str,
    ago: timedelta = NOW,
    press: Press | None = None,
) -> None:
    """The citizen agreed, `ago`, to the words that were shown: with a drawn name, or by word of mouth that was ticked.

    Raises BadInput, AgreedAlready, VisitIs (the team is not at the door), NotYourVisit, NotToday.
    """
    if how not in HOWS or (how == "drawn") != (drawn is not None):
        raise BadInput(field="how", message=f"one of {', '.join(HOWS)}")

    async def act() -> None:
        if refusal := await not_ours(db, hall, visit, member, ago):
            raise refusal
        try:
            row = await db.fetchrow(
                AGREE, hall.id, actor, *scope(press), visit.key, how, version, words, drawn and drawn.key_id,
                drawn and drawn.sealed, member, ago,
            )  # fmt: skip
        except asyncpg.UniqueViolationError as broken:
            if broken.constraint_name != "consent_once":
                raise
            raise AgreedAlready() from broken
        if row is None:
            raise VisitIs(state=(await doorstep.by_key(db, visit.key)).state)

    await once(db, press, act, nothing)


def nothing(kept: Replay) -> None:
    """The answer of an act that answers nothing, once more."""


ADD = recorded(
    """
WITH made AS (
    INSERT INTO doorstep_papers (id, visit, name, key_id, sealed, size, taken_by, taken_at)
    SELECT $6, v.id, $7, $8, $9, $10, $11, hall_now() - $12::interval FROM doorstep_visits v WHERE v.hall = $1 AND v.key = $5
    RETURNING id, visit, size
), listed AS (
    UPDATE doorstep_hand_ins h SET papers = h.papers || $7::text FROM made WHERE h.visit = made.visit AND h.accepted_at IS NULL
), moved AS (
    SELECT $1::integer AS hall, id AS paper, visit, size FROM made
)""",
    "'doorstep.photographed'",
    "jsonb_build_object('visit', m.visit, 'paper', m.paper, 'size', m.size)",
    ticket="NULL::bigint",
    window="NULL::text",
)
BROKEN: dict[str, type[Refused]] = {
    "paper_at_the_door": NotAtTheDoorNow,
    "paper_needs_consent": NoConsent,
    "too_many_papers": TooManyPapers,
}


async def photograph(
    db: Db,
    hall: Hall,
    visit: Visit,
    paper: str,
    name: str,
    photo: Sealed,
    size: int,
    *,
    actor: str,
    member: str,
    ago: timedelta = NOW,
    press: Press | None = None,
) -> None:
    """Keep the sealed photo of a paper under the id `paper` that the phone minted; `name` says which paper it is.

    Raises NoConsent, NotAtTheDoorNow, TooManyPapers, NotYourVisit, NotToday; the same id again is the same photo.
    """

    async def act() -> None:
        if refusal := await not_ours(db, hall, visit, member, ago):
            raise refusal
        try:
            await db.fetchrow(
                ADD, hall.id, actor, *scope(press), visit.key, paper, name, photo.key_id, photo.sealed, size, member, ago
            )  # fmt: skip
        except asyncpg.IntegrityConstraintViolationError as broken:
            if broken.constraint_name == "paper_once":
                return
            error = BROKEN.get(broken.constraint_name or "")
            if error is None:
                raise
            raise error() from broken

    await once(db, press, act, nothing)


STILL_THERE = "SELECT at_the_door(v, hall_now() - $2::interval) FROM doorstep_visits v WHERE id = $1"
DISCARD = recorded(
    """
WITH made AS (
    UPDATE doorstep_papers p SET sealed = NULL, key_id = NULL, erased_at = hall_clock() FROM doorstep_visits v
    WHERE v.hall = $1 AND v.key = $5 AND at_the_door(v, hall_now() - $7::interval) AND p.visit = v.id AND p.id = $6
      AND p.sealed IS NOT NULL
    RETURNING p.id, p.visit
), moved AS (
    SELECT $1::integer AS hall, id AS paper, visit FROM made
)""",
    "'doorstep.photo_discarded'",
    "jsonb_build_object('visit', m.visit, 'paper', m.paper)",
    ticket="NULL::bigint",
    window="NULL::text",
)


async def discard(
    db: Db, hall: Hall, visit: Visit, paper: str, *, actor: str, member: str, ago: timedelta = NOW, press: Press | None = None
) -> None:
    """Erase a photo while the team is still at the door; one that is gone stays gone. NotYourVisit, NotToday, NotAtTheDoorNow."""

    async def act() -> None:
        if refusal := await not_ours(db, hall, visit, member, ago):
            raise refusal
        row = await db.fetchrow(DISCARD, hall.id, actor, *scope(press), visit.key, paper, ago)
        if row is None and not await db.fetchval(STILL_THERE, visit.id, ago):
            raise NotAtTheDoorNow()

    await once(db, press, act, nothing)


# The word is taken back, and with it all that rested on it goes at once.
WITHDRAW = recorded(
    """
WITH made AS (
    UPDATE doorstep_consents c SET withdrawn_at = hall_clock(), sealed = NULL, key_id = NULL FROM doorstep_visits v
    WHERE v.hall = $1 AND v.key = $5 AND c.visit = v.id AND c.withdrawn_at IS NULL RETURNING c.visit
), gone AS (
    UPDATE doorstep_papers p SET sealed = NULL, key_id = NULL, erased_at = hall_clock() FROM made
    WHERE p.visit = made.visit AND p.sealed IS NOT NULL RETURNING p.id
), moved AS (
    SELECT $1::integer AS hall, visit, (SELECT count(*) FROM gone) AS erased FROM made
)""",
    "'doorstep.withdrawn'",
    "jsonb_build_object('visit', m.visit, 'erased', m.erased)",
    ticket="NULL::bigint",
    window="NULL::text",
)


async def withdraw(db: Db, hall: Hall, visit: Visit, *, actor: str, press: Press | None = None) -> None:
    """The citizen agrees no longer: the photos and the drawn name are erased. NoConsent where there is none."""

    async def act() -> None:
        if await db.fetchrow(WITHDRAW, hall.id, actor, *scope(press), visit.key) is None:
            raise NoConsent()

    await once(db, press, act, nothing)


# --- looking, and forgetting


@dataclass(frozen=True, slots=True)
class Paper:
    """A photo that is kept, without what is on it."""

    id: str
    name: str
    size: int
    taken_at: datetime


PAPERS = "SELECT id, name, size, taken_at FROM doorstep_papers WHERE visit = $1 AND sealed IS NOT NULL ORDER BY taken_at, id"


async def papers(db: Db, visit: int) -> list[Paper]:
    """The photos of a visit that are kept, in the order they were taken."""
    return [Paper(**row) for row in await db.fetch(PAPERS, visit)]


# The team sees its photos until a window has them; then who works there sees them, and nobody else.
LOOK = recorded(
    """
WITH moved AS (
    SELECT v.hall, v.id AS visit, p.id AS paper FROM doorstep_papers p JOIN doorstep_visits v ON v.id = p.visit
    LEFT JOIN doorstep_hand_ins h ON h.visit = v.id
    WHERE v.hall = $1 AND p.id = $5 AND p.sealed IS NOT NULL AND CASE WHEN h.accepted_at IS NULL
        THEN EXISTS (SELECT FROM doorstep_members m WHERE m.team = v.team AND m.clerk = $6)
            OR h.place = 'desk' AND $7 OR EXISTS (SELECT FROM windows w WHERE w.hall = v.hall AND w.no = h.place AND w.clerk = $6)
        ELSE h.accepted_by = $2 OR h.place = 'desk' AND $7
            OR EXISTS (SELECT FROM windows w WHERE w.hall = v.hall AND w.no = h.place AND w.clerk = $6) END
)""",
    "'doorstep.photo_looked'",
    "jsonb_build_object('visit', m.visit, 'paper', m.paper)",
    ticket="NULL::bigint",
    window="NULL::text",
)
PHOTO = """
SELECT p.key_id, p.sealed, v.key FROM doorstep_papers p JOIN doorstep_visits v ON v.id = p.visit
WHERE p.id = $1 AND p.sealed IS NOT NULL
"""


async def look(db: Db, hall: Hall, paper: str, *, actor: str, clerk: str, at_desk: bool) -> tuple[Sealed, str]:
    """A sealed photo and the key of its visit, for who may see it now; that they looked is on record. PaperGone else."""
    row = await db.fetchrow(LOOK, hall.id, actor, None, None, paper, clerk, at_desk)
    found = await db.fetchrow(PHOTO, paper) if row else None
    if found is None:
        raise PaperGone()
    return Sealed(found["key_id"], found["sealed"]), found["key"]


FORGET = """
WITH old AS (
    SELECT v.id FROM doorstep_visits v
    LEFT JOIN doorstep_hand_ins h ON h.visit = v.id LEFT JOIN doorstep_results r ON r.visit = v.id
    WHERE v.hall = $1 AND v.ended_at IS NOT NULL
      AND (v.ended_at < hall_now() - make_interval(days => $3)
        OR coalesce(r.done_at, CASE WHEN h.visit IS NULL AND v.outcome IS DISTINCT FROM 'accepted' THEN v.ended_at END)
            < hall_now() - make_interval(days => $2))
), gone AS (
    UPDATE doorstep_papers p SET sealed = NULL, key_id = NULL, erased_at = hall_clock() FROM old
    WHERE p.visit = old.id AND p.sealed IS NOT NULL RETURNING p.id
)
UPDATE doorstep_consents c SET sealed = NULL, key_id = NULL FROM old
WHERE c.visit = old.id AND c.sealed IS NOT NULL
"""
KEPT = """
SELECT count(p.id) + (SELECT count(*) FROM doorstep_consents c JOIN doorstep_visits v ON v.id = c.visit
                      WHERE v.hall = $1 AND c.sealed IS NOT NULL)
FROM doorstep_papers p JOIN doorstep_visits v ON v.id = p.visit WHERE v.hall = $1 AND p.sealed IS NOT NULL
"""


async def forget_papers(db: Db, hall: Hall) -> int:
    """Erase photos and drawn names that the hall has no more use for; how many. Which there were, and when they went, stays."""
    before: int = await db.fetchval(KEPT, hall.id)
    if before:
        await db.execute(FORGET, hall.id, hall.value(PAPER_DAYS), hall.value(PAPER_DAYS_MOST))
    after: int = await db.fetchval(KEPT, hall.id)
    return before - after


@dataclass(frozen=True, slots=True)
class AtTheDoor:
    """What is known of a visit beside its state: when it is expected now, who was there, what was agreed."""

    visit: int
    expected_at: datetime | None
    present: list[str]
    how: str | None
    agreed_at: datetime | None


AT_THE_DOOR = """
SELECT v.id AS visit, v.expected_at, v.present, c.how, c.agreed_at FROM doorstep_visits v
LEFT JOIN doorstep_consents c ON c.visit = v.id AND c.withdrawn_at IS NULL WHERE v.id = ANY($1)
"""


async def at_the_door(db: Db, visits: Sequence[int]) -> dict[int, AtTheDoor]:
    """What happened at these doors so far."""
    return {row["visit"]: AtTheDoor(**row) for row in await db.fetch(AT_THE_DOOR, list(visits))}
