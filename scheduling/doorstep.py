"""A visit to somebody's door (上门服务): asked for, accepted or declined with a reason, planned, made, ended."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec

from queueing.db import Db, Press, Replay, Row, once, recorded
from queueing.errors import BadInput, NotFound, Refused
from queueing.halls import Hall
from queueing.settings import Setting
from queueing.tickets import TODAY, new_key, scope, to_doorstep
from queueing.visits import visited
from scheduling import appointments
from scheduling.envelopes import Sealed
from scheduling.errors import (
    DoorUnknown,
    EvidenceMissing,
    MattersUnknown,
    NoSuchTeam,
    NotAtTheDoor,
    NotToday,
    NotYourVisit,
    TeamBusy,
    TeamLacksKit,
    TeamLacksSkill,
    TeamOffDuty,
    TooManyVisits,
    VisitAsked,
    VisitIs,
)

PHONE_DAY = Setting("doorstep_phone_day", 3, 1, 50, "requests")  # that one telephone may ask for in a day, without the desk
MINUTES = Setting("doorstep_minutes", 30, 5, 240, "minutes")  # at the door, until the matters are known
FORGET_AFTER = Setting("doorstep_forget_days", 30, 1, 365, "days")  # then nobody knows any more where it was
SETTINGS = (PHONE_DAY, MINUTES, FORGET_AFTER)

OPEN = ("requested", "accepted", "scheduled", "on_the_way", "on_site")
ENDINGS = ("completed", "declined", "cancelled")
REASONS = ("mobility", "occupation", "other")
OUTCOMES = ("done", "accepted", "consulted", "not_ready", "nobody_home")
DELIVERIES = ("collect", "mail", "home")
# Words of a refusal that the record keeps; any other words are shown to who asked and kept with the visit alone.
DECLINES = ("not_eligible", "hall_only", "out_of_area", "no_capacity", "unreachable", "duplicate")


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
    verified_by: str | None = None  # not told again to a repeated press


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


REQUEST = act_of(
    f"""
made AS (
    INSERT INTO doorstep_visits (key, hall, reason, because, evidenced, verified_by, channel, lang, matters, minutes, skills,
                                 ticket, appointment, key_id, sealed, phone, name_mask, phone_mask, area, preferred, credit,
                                 delivery, consented_at, asked_on, asked_at)
    SELECT $5, r.hall, r.kind, r.code, $8, $9, $10, $11, $12::text[], $13, $14::text[], $15,
           (SELECT id FROM appointments WHERE hall = $1 AND code = $16), $17, $18, $19, $20, $21, $22, $23::jsonb,
           greatest(r.credit_minutes, $24), $25, CASE WHEN $26 THEN hall_now() END, {TODAY}, hall_now()
    FROM doorstep_reasons r
    WHERE r.hall = $1 AND r.kind = $6 AND r.offered AND r.code = coalesce($7, r.code)
    ORDER BY r.rank, r.code LIMIT 1 RETURNING *
)""",
    "requested",
    "'channel', m.channel, 'reason', m.because, 'ticket', (SELECT number FROM tickets t WHERE t.id = m.ticket)",
    status=201,
)


async def request(
    db: Db,
    hall: Hall,
    reason: str,
    visitor: Visitor,
    *,
    actor: str,
    channel: str,
    matters: Sequence[str] = (),
    because: str | None = None,
    evidenced: bool = False,
    verified_by: str | None = None,
    preferred: Sequence[tuple[datetime, datetime]] = (),
    area: str | None = None,
    credit: int = 0,
    delivery: str = "collect",
    lang: str = "zh-Hans",
    consent: bool = True,
    ticket: str | None = None,
    appointment: str | None = None,
    key: str | None = None,
    press: Press | None = None,
) -> Done:
    """Ask the hall to come. `because` is the hall's own row of that reason, `credit` minutes of head start, `key` one of
    `new_key` that the envelope was sealed for. `matters` may be empty where a ticket's key or a booking's code comes with
    it: then its matters that can be done at the door are taken over, and the desk asks for the rest. That ticket ends as
    `doorstep`, that booking is given back, in the same transaction.

    Raises BadInput (reason, area), NotAtTheDoor, TooManyVisits, VisitAsked, NotInThatState or NotBooked of what it comes from.
    """
    minted = key or new_key()

    async def act() -> Done:
        async with db.transaction():
            wanted, skills, asked_lang, ticket_id = list(matters), [], lang, None
            if ticket is not None:
                ended = (await to_doorstep(db, hall, ticket, actor=actor)).ticket
                skills, asked_lang, ticket_id = list(ended.services), ended.lang, ended.id
                wanted = wanted or await at_the_door(db, hall, ended.matters)
            if appointment is not None:
                given = (await appointments.cancel(db, hall, appointment, actor=actor, forgiven=True)).appointment
                skills, asked_lang = [given.service], given.lang
                wanted = wanted or await at_the_door(db, hall, given.matters)
            envelope = visitor.envelope
            row = await row_of(
                db, REQUEST, hall.id, actor, *scope(press), minted, reason, because, evidenced, verified_by, channel, asked_lang,
                wanted, hall.value(MINUTES), skills, ticket_id, appointment, envelope and envelope.key_id,
                envelope and envelope.sealed, visitor.phone, visitor.name_mask, visitor.phone_mask, area,
                [{"from": first, "to": last} for first, last in preferred], credit, delivery, consent,
            )  # fmt: skip
            if row is None:
                raise BadInput(field="because" if because else "reason", message="the hall goes to nobody's door for this")
            return Done(from_row(row))

    return await once(db, press, act, again)


AT_THE_DOOR = """
SELECT d.matter FROM doorstep_matters d JOIN matters m ON m.hall = d.hall AND m.code = d.matter
WHERE d.hall = $1 AND d.matter = ANY($2) AND NOT m.retired ORDER BY array_position($2::text[], d.matter)
"""


async def at_the_door(db: Db, hall: Hall, matters: Sequence[str]) -> list[str]:
    """Those of these matters that can be done off site, in their order."""
    return [row["matter"] for row in await db.fetch(AT_THE_DOOR, hall.id, list(matters))]


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


ACCEPT = act_of(
    moving(
        """state = 'accepted', decided_at = hall_now(), decided_by = $2, verified_by = coalesce(v.verified_by, $2),
        evidenced = v.evidenced OR $6, matters = coalesce($7::text[], v.matters), area = coalesce($8, v.area),
        key_id = coalesce($9, v.key_id), sealed = coalesce($10, v.sealed), phone = coalesce($11, v.phone),
        name_mask = coalesce($12, v.name_mask), phone_mask = coalesce($13, v.phone_mask)""",
        "requested",
    ),
    "accepted",
)


async def accept(
    db: Db,
    hall: Hall,
    key: str,
    *,
    actor: str,
    evidenced: bool = False,
    matters: Sequence[str] | None = None,
    area: str | None = None,
    visitor: Visitor | None = None,
    press: Press | None = None,
) -> Done:
    """Say yes, with what the call-back added or put right.

    Raises EvidenceMissing, DoorUnknown, MattersUnknown, NotAtTheDoor, VisitIs.
    """
    told = visitor or Visitor()
    envelope = told.envelope
    return await act_on(
        db, ACCEPT, hall, key, actor, press, evidenced, list(matters) if matters else None, area, envelope and envelope.key_id,
        envelope and envelope.sealed, told.phone, told.name_mask, told.phone_mask,
    )  # fmt: skip


DECLINE = act_of(
    moving(
        "state = 'declined', decided_at = hall_now(), decided_by = $2, ended_at = hall_now(), why = $6", "requested", "accepted"
    ),
    "declined",
    f"'reason', CASE WHEN m.why IN {DECLINES!r} THEN m.why ELSE 'other' END",
)


async def decline(db: Db, hall: Hall, key: str, why: str, *, actor: str, press: Press | None = None) -> Done:
    """Say no, with the reason: one of DECLINES or the hall's own words. BadInput without one, VisitIs."""
    if not 1 <= len(why.strip()) <= 200:
        raise BadInput(field="reason", message="1 to 200 characters")
    return await act_on(db, DECLINE, hall, key, actor, press, why.strip())


SCHEDULE = act_of(moving("state = 'scheduled', start = $6, team = $7, confirmed_at = NULL", "accepted", "scheduled"), "scheduled")


async def schedule(db: Db, hall: Hall, key: str, start: datetime, team: int, *, actor: str, press: Press | None = None) -> Done:
    """Send this team, to be at the door at `start`; again, for another time or team.

    Raises NoSuchTeam, TeamLacksSkill, TeamLacksKit, TeamOffDuty, TeamBusy, VisitIs.
    """
    return await act_on(db, SCHEDULE, hall, key, actor, press, start, team)


UNSCHEDULE = act_of(
    moving("state = 'accepted', day = NULL, team = NULL, start = NULL, ends = NULL, confirmed_at = NULL", "scheduled"),
    "unscheduled",
)


async def unschedule(db: Db, hall: Hall, key: str, *, actor: str, press: Press | None = None) -> Done:
    """Take a visit out of the plan: it waits for another time. VisitIs."""
    return await act_on(db, UNSCHEDULE, hall, key, actor, press)


CONFIRM = act_of(moving("confirmed_at = hall_now()", "scheduled", where="v.confirmed_at IS NULL"), "confirmed")


async def confirm(db: Db, hall: Hall, key: str, *, actor: str, press: Press | None = None) -> Done:
    """The citizen will be there at that time. Said twice it is said once; VisitIs where no time is set."""
    try:
        return await act_on(db, CONFIRM, hall, key, actor, press)
    except VisitIs:
        visit = await by_key(db, key)
        if visit.confirmed_at is None:
            raise
        return Done(visit, replayed=True)


# Only one of the two who are to go, and only on the day; $6 NULL is somebody who answers for all teams.
OURS = f"""v.day = {TODAY}
      AND ($6::text IS NULL OR EXISTS (SELECT FROM doorstep_members w WHERE w.team = v.team AND w.clerk = $6))"""
DEPART = act_of(moving("state = 'on_the_way', departed_at = hall_clock()", "scheduled", where=OURS), "departed")
ARRIVE = act_of(moving("state = 'on_site', arrived_at = hall_clock()", "on_the_way", where=OURS), "arrived")
COMPLETE = act_of(
    moving(
        "state = 'completed', outcome = $7, delivery = coalesce($8, v.delivery), ended_at = hall_clock()", "on_site", where=OURS
    ),
    "completed",
    "'outcome', m.outcome, 'delivery', m.delivery",
    then=visited(
        "doorstep", "'doorstep'", when="m.outcome <> 'nobody_home'", service="m.skills[1]", started="m.arrived_at",
        clerks="(SELECT ARRAY[t.lead, t.second] FROM doorstep_teams t WHERE t.id = m.team)",
    ),
)  # fmt: skip


async def depart(db: Db, hall: Hall, key: str, *, actor: str, member: str | None, press: Press | None = None) -> Done:
    """The team sets out. `member` is who of it says so. VisitIs, NotYourVisit, NotToday, TeamBusy (it is on another way)."""
    return await _going(db, DEPART, hall, key, actor, member, press)


async def arrive(db: Db, hall: Hall, key: str, *, actor: str, member: str | None, press: Press | None = None) -> Done:
    """The team is at the door. VisitIs, NotYourVisit, NotToday."""
    return await _going(db, ARRIVE, hall, key, actor, member, press)


async def complete(
    db: Db,
    hall: Hall,
    key: str,
    outcome: str,
    *,
    actor: str,
    member: str | None,
    delivery: str | None = None,
    press: Press | None = None,
) -> Done:
    """The team leaves again; `delivery` is how the result is to come.

    Raises BadInput (outcome, delivery), VisitIs, NotYourVisit, NotToday.
    """
    for field, value, allowed in (("outcome", outcome, OUTCOMES), ("delivery", delivery or "collect", DELIVERIES)):
        if value not in allowed:
            raise BadInput(field=field, message=f"one of {', '.join(allowed)}")
    return await _going(db, COMPLETE, hall, key, actor, member, press, outcome, delivery)


IS_OURS = "SELECT EXISTS (SELECT FROM doorstep_members WHERE team = $1 AND clerk = $2)"
IS_TODAY = "SELECT $2::date = business_day(hall_now(), time_zone, day_starts) FROM halls WHERE id = $1"


async def _going(
    db: Db, statement: str, hall: Hall, key: str, actor: str, member: str | None, press: Press | None, *given: object
) -> Done:
    async def why_not(visit: Visit) -> Exception | None:
        if member is not None and not await db.fetchval(IS_OURS, visit.team, member):
            return NotYourVisit()
        if visit.state in ("scheduled", "on_the_way", "on_site") and not await db.fetchval(IS_TODAY, hall.id, visit.day):
            return NotToday()
        return None

    return await act_on(db, statement, hall, key, actor, press, member, *given, why_not=why_not)


CANCEL = act_of(
    moving("state = 'cancelled', ended_at = hall_now()", "requested", "accepted", "scheduled", "on_the_way"), "cancelled"
)


async def cancel(db: Db, hall: Hall, key: str, *, actor: str, press: Press | None = None) -> Done:
    """Call it off, until the team is at the door. VisitIs."""
    return await act_on(db, CANCEL, hall, key, actor, press)


FIND = f"""
SELECT {SHOWN} FROM doorstep_visits v WHERE v.hall = $1 AND v.id > $2 AND ($3::date IS NULL OR coalesce(v.day, v.asked_on) = $3)
  AND ($4::bigint IS NULL OR v.team = $4) AND ($5::text[] IS NULL OR v.state = ANY($5)) ORDER BY v.id LIMIT $6
"""


async def find(
    db: Db, hall: Hall, *, day: date | None = None, team: int | None = None, states: Sequence[str] | None = None,
    after: int = 0, limit: int = 100,
) -> list[Visit]:  # fmt: skip
    """Visits in the order they were asked for; `day` is the planned one, else the one they were asked for on."""
    rows = await db.fetch(FIND, hall.id, after, day, team, list(states) if states else None, limit)
    return [from_row(row) for row in rows]
