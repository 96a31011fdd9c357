"""A visit's row: what is told of it, what every act on it records, and the rule of the database that each refusal names."""

import hashlib
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from queueing.db import Db, Press, Replay, Row, once, recorded
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall
from queueing.tickets import scope
from scheduling.envelopes import Sealed
from scheduling.errors import (
    DoorUnknown,
    EvidenceMissing,
    MattersUnknown,
    NoSuchTeam,
    NotAtTheDoor,
    TeamBusy,
    TeamLacksKit,
    TeamLacksSkill,
    TeamNotWhole,
    TeamOffDuty,
    TooManyVisits,
    VisitAsked,
    VisitIs,
)


def number_of(visit: int, key: str) -> str:
    """What is quoted on the telephone, `12-047`: its last three digits are of the key, so that nobody counts on."""
    return f"{visit}-{int.from_bytes(hashlib.sha256(key.encode()).digest()[:4]) % 1000:03}"


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as it stands, without anything personal. `key` is the handle of who asked, `ends` the planned end at the door.

    `known`: name, telephone and address are in its envelope. `evidenced`: a paper was named for the reason.
    """

    id: int
    key: str
    hall: int
    state: str
    reason: str
    because: str | None
    evidenced: bool
    channel: str
    lang: str
    matters: list[str]
    minutes: int
    skills: list[str]
    kits: list[str]
    ticket: int | None
    appointment: int | None
    known: bool
    area: str | None
    preferred: list[dict[str, datetime]]
    credit: int
    delivery: str
    asked_on: date
    asked_at: datetime
    decided_at: datetime | None
    why: str | None
    day: date | None
    team: int | None
    start: datetime | None
    ends: datetime | None
    confirmed_at: datetime | None
    departed_at: datetime | None
    arrived_at: datetime | None
    ended_at: datetime | None
    outcome: str | None
    expected_at: datetime | None = None  # at the door, as the team said that runs late
    verified_by: str | None = None  # not told again to a repeated press
    applicant: str = "self"  # who asked, for whoever lives there: self, family, agent

    @property
    def number(self) -> str:
        return number_of(self.id, self.key)


@dataclass(frozen=True, slots=True)
class Done:
    """What an act made of a visit. `replayed`: this press had acted before."""

    visit: Visit
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks. The envelope and the keyed hash are made by whoever knows the hall's secret; the masks are a few signs."""

    envelope: Sealed | None = None
    phone: bytes | None = None
    name_mask: str | None = None
    phone_mask: str | None = None


FIELDS = Visit.__slots__
SHOWN = ", ".join("v.sealed IS NOT NULL AS known" if field == "known" else f"v.{field}" for field in FIELDS)
TOLD = "jsonb_build_object('visit', m.id, 'state', m.state, 'area', m.area, 'day', m.day, 'start', m.start, 'team', m.team)"


def from_row(row: Row) -> Visit:
    shown = {field: row[field] for field in FIELDS}
    return Visit(**shown | {"preferred": msgspec.convert(shown["preferred"], list[dict[str, datetime]])})


def again(kept: Replay) -> Done:
    answer: dict[str, Any] = kept.answer
    return Done(msgspec.convert({field: answer[field] for field in FIELDS if field in answer}, Visit), replayed=True)


def act_of(made: str, verb: str, words: str = "", *, then: str = "", status: int = 200) -> str:
    """A recorded act on a visit: `made` gives its changed row, `then` are parts that follow from it."""
    data = f"{TOLD} || jsonb_build_object({words})" if words else TOLD
    moved = f"WITH {made}, moved AS (SELECT {SHOWN} FROM made v){then}"
    return recorded(moved, f"'doorstep.{verb}'", data, ticket="NULL::bigint", window="NULL::text", status=status)


BROKEN: dict[str, type[Refused]] = {
    "matter_is_done_at_the_door": NotAtTheDoor,
    "visit_once_a_ticket": VisitAsked,
    "visit_once_an_appointment": VisitAsked,
    "too_many_requests": TooManyVisits,
    "visit_shows_evidence": EvidenceMissing,
    "visit_knows_its_door": DoorUnknown,
    "visit_is_about_something": MattersUnknown,
    "visit_has_a_team": NoSuchTeam,
    "team_lacks_skill": TeamLacksSkill,
    "team_lacks_kit": TeamLacksKit,
    "visit_lies_in_the_shift": TeamOffDuty,
    "team_at_one_door": TeamBusy,
    "team_goes_one_way": TeamBusy,
    "team_is_whole": TeamNotWhole,
}


async def row_of(db: Db, statement: str, *given: object) -> Row | None:
    """The row of an act; the rules of the database it breaks are named."""
    try:
        return await db.fetchrow(statement, *given)
    except asyncpg.IntegrityConstraintViolationError as broken:
        if broken.constraint_name == "doorstep_visits_hall_area_fkey":
            raise BadInput(field="area", message="the hall does not go there") from broken
        error = BROKEN.get(broken.constraint_name or "")
        if error is None:
            raise
        raise error() from broken


GET = f"SELECT {SHOWN} FROM doorstep_visits v WHERE v.key = $1"


async def by_key(db: Db, key: str) -> Visit:
    """The visit of who holds this key, or NotFound."""
    row = await db.fetchrow(GET, key)
    if row is None:
        raise NotFound(what="visit")
    return from_row(row)


async def by_number(db: Db, hall: Hall, number: int) -> Visit:
    """The visit of this number in this hall, or NotFound."""
    row = await db.fetchrow(f"SELECT {SHOWN} FROM doorstep_visits v WHERE v.hall = $1 AND v.id = $2", hall.id, number)
    if row is None:
        raise NotFound(what="visit")
    return from_row(row)


QUOTED = f"SELECT {SHOWN} FROM doorstep_visits v WHERE v.hall = $1 AND v.id = $2 AND ($3::text IS NULL OR v.phone_mask = $3)"


async def quoted(db: Db, hall: Hall, said: str, last_four: str | None = None) -> Visit | None:
    """The visit of a number as it was quoted, however it was written; with the last four digits of its telephone, if named."""
    digits = "".join(re.findall("[0-9]", said))
    if not 4 <= len(digits) <= 18:
        return None
    mask = None if last_four is None else f"****{last_four}"
    row = await db.fetchrow(QUOTED, hall.id, int(digits[:-3]), mask)
    visit = from_row(row) if row else None
    return visit if visit and visit.number.partition("-")[2] == digits[-3:] else None


async def visit_of_ticket(db: Db, ticket: int) -> str | None:
    """The key of the visit that a ticket became."""
    key: str | None = await db.fetchval("SELECT key FROM doorstep_visits WHERE ticket = $1", ticket)
    return key


async def act_on(
    db: Db, statement: str, hall: Hall, key: str, actor: str, press: Press | None, *given: object,
    why_not: Callable[[Visit], Awaitable[Exception | None]] | None = None,
) -> Done:  # fmt: skip
    """One act on the visit of a key: VisitIs where its state does not let it, or what `why_not` finds."""

    async def act() -> Done:
        row = await row_of(db, statement, hall.id, actor, *scope(press), key, *given)
        if row is None:
            visit = await by_key(db, key)
            if visit.hall != hall.id:
                raise NotFound(what="visit")
            raise (await why_not(visit) if why_not else None) or VisitIs(state=visit.state)
        return Done(from_row(row))

    return await once(db, press, act, again)


def moving(change: str, *states: str, where: str = "true") -> str:
    """The part of a statement that changes the visit $5 of hall $1 while it is in one of these states."""
    inside = ", ".join(f"'{state}'" for state in states)
    return f"""
made AS (
    UPDATE doorstep_visits v SET {change} WHERE v.hall = $1 AND v.key = $5 AND v.state IN ({inside}) AND {where} RETURNING *
)"""
