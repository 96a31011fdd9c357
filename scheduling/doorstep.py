"""A visit to somebody's door (上门服务): asked for, accepted or declined with a reason, planned, made, ended."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from queueing.db import Db, Press, once
from queueing.errors import BadInput, Refused
from queueing.halls import Hall
from queueing.settings import Setting
from queueing.tickets import TODAY, new_key, scope, to_doorstep
from queueing.visits import visited
from scheduling import appointments
from scheduling.errors import NotToday, NotYourVisit, TimeIsNear, VisitIs
from scheduling.visit_rows import SHOWN, act_of, act_on, again, from_row, moving, row_of
from scheduling.visit_rows import Done as Done
from scheduling.visit_rows import Visit as Visit
from scheduling.visit_rows import Visitor as Visitor
from scheduling.visit_rows import by_key as by_key
from scheduling.visit_rows import by_number as by_number
from scheduling.visit_rows import quoted as quoted
from scheduling.visit_rows import visit_of_ticket as visit_of_ticket

PHONE_DAY = Setting("doorstep_phone_day", 3, 1, 50, "requests")  # that one telephone may ask for in a day, without the desk
MINUTES = Setting("doorstep_minutes", 30, 5, 240, "minutes")  # at the door, until the matters are known
FORGET_AFTER = Setting("doorstep_forget_days", 30, 1, 365, "days")  # then nobody knows any more where it was
TOLD_MINUTES = Setting("doorstep_window_min", 60, 0, 240, "minutes")  # a time is told as a stretch so long; 0: to the minute
CHANGE_MINUTES = Setting("doorstep_change_min", 120, 0, 2880, "minutes")  # until so long before it, who asked may ask for another
SETTINGS = (PHONE_DAY, MINUTES, FORGET_AFTER, TOLD_MINUTES, CHANGE_MINUTES)

OPEN = ("requested", "accepted", "scheduled", "on_the_way", "on_site")
GOING = ("scheduled", "on_the_way", "on_site")
ENDINGS = ("completed", "declined", "cancelled")
REASONS = ("mobility", "occupation", "other")
OUTCOMES = ("done", "accepted", "consulted", "not_ready", "nobody_home")
DELIVERIES = ("collect", "mail", "home")
APPLICANTS = ("self", "family", "agent")  # who asks, for whoever is visited
# Words of a refusal that the record keeps; any other words are shown to who asked and kept with the visit alone.
DECLINES = ("not_eligible", "hall_only", "out_of_area", "no_capacity", "unreachable", "duplicate")


REQUEST = act_of(
    f"""
made AS (
    INSERT INTO doorstep_visits (key, hall, reason, because, evidenced, verified_by, channel, lang, matters, minutes, skills,
                                 ticket, appointment, key_id, sealed, phone, name_mask, phone_mask, area, preferred, credit,
                                 delivery, consented_at, asked_on, asked_at, applicant)
    SELECT $5, r.hall, r.kind, r.code, $8, $9, $10, $11, $12::text[], $13, $14::text[], $15,
           (SELECT id FROM appointments WHERE hall = $1 AND code = $16), $17, $18, $19, $20, $21, $22, $23::jsonb,
           greatest(r.credit_minutes, $24), $25, CASE WHEN $26 THEN hall_now() END, {TODAY}, hall_now(), $27
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
    applicant: str = "self",
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
                spans(preferred), credit, delivery, consent, applicant,
            )  # fmt: skip
            if row is None:
                raise BadInput(field="because" if because else "reason", message="the hall goes to nobody's door for this")
            return Done(from_row(row))

    return await once(db, press, act, again)


def spans(preferred: Sequence[tuple[datetime, datetime]]) -> list[dict[str, datetime]]:
    return [{"from": first, "to": last} for first, last in preferred]


AT_THE_DOOR = """
SELECT d.matter FROM doorstep_matters d JOIN matters m ON m.hall = d.hall AND m.code = d.matter
WHERE d.hall = $1 AND d.matter = ANY($2) AND NOT m.retired ORDER BY array_position($2::text[], d.matter)
"""


async def at_the_door(db: Db, hall: Hall, matters: Sequence[str]) -> list[str]:
    """Those of these matters that can be done off site, in their order."""
    return [row["matter"] for row in await db.fetch(AT_THE_DOOR, hall.id, list(matters))]


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


AMEND = act_of(
    moving("key_id = $6, sealed = $7, phone = $8, name_mask = $9, phone_mask = $10, area = coalesce($11, v.area)", "requested"),
    "amended",
)


async def amend(
    db: Db, hall: Hall, key: str, visitor: Visitor, area: str | None, *, actor: str, press: Press | None = None
) -> Done:
    """Keep what was added to the envelope before anybody decided. BadInput (area), VisitIs."""
    envelope = visitor.envelope
    return await act_on(
        db, AMEND, hall, key, actor, press, envelope and envelope.key_id, envelope and envelope.sealed, visitor.phone,
        visitor.name_mask, visitor.phone_mask, area,
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


UNTOLD = "confirmed_at = NULL, expected_at = NULL, given = NULL"  # of a time nobody has heard of yet
SCHEDULE = act_of(moving("state = 'scheduled', start = $6, team = $7, " + UNTOLD, "accepted", "scheduled"), "scheduled")


async def schedule(db: Db, hall: Hall, key: str, start: datetime, team: int, *, actor: str, press: Press | None = None) -> Done:
    """Send this team, to be at the door at `start`; again, for another time or team.

    Raises NoSuchTeam, TeamLacksSkill, TeamLacksKit, TeamOffDuty, TeamBusy, VisitIs.
    """
    return await act_on(db, SCHEDULE, hall, key, actor, press, start, team)


UNSCHEDULE = act_of(
    moving("state = 'accepted', day = NULL, team = NULL, start = NULL, ends = NULL, " + UNTOLD, "scheduled"),
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


WISH = act_of(moving("preferred = $6::jsonb", "requested", "accepted"), "time_asked")
WISH_ANOTHER = act_of(
    moving(
        "state = 'accepted', preferred = $6::jsonb, day = NULL, team = NULL, start = NULL, ends = NULL, " + UNTOLD,
        "scheduled",
        where="($7::integer IS NULL OR v.start > hall_now() + make_interval(mins => $7))",
    ),
    "time_asked",
)


async def another_time(
    db: Db, hall: Hall, key: str, preferred: Sequence[tuple[datetime, datetime]], *, actor: str, by_staff: bool = False,
    press: Press | None = None,
) -> Done:  # fmt: skip
    """Who asked is at home then. A time that was set is given up for it, and the hall plans anew.

    Raises BadInput (none is named), TimeIsNear (the hall is to be telephoned; not for who answers there), VisitIs.
    """
    if not preferred:
        raise BadInput(field="preferred", message="it is missing")

    async def why_not(visit: Visit) -> Exception | None:
        return TimeIsNear() if visit.state == "scheduled" else None

    if (await by_key(db, key)).state != "scheduled":
        return await act_on(db, WISH, hall, key, actor, press, spans(preferred))
    late = None if by_staff else hall.value(CHANGE_MINUTES)
    return await act_on(db, WISH_ANOTHER, hall, key, actor, press, spans(preferred), late, why_not=why_not)


# Only one of the two who are to go, and they set out only on the day; $6 NULL is somebody who answers for all teams. $7 is how
# long ago it was pressed, on a phone that had no net: an act belongs to its own moment, and to the day of that.
MINE = "($6::text IS NULL OR EXISTS (SELECT FROM doorstep_members w WHERE w.team = v.team AND w.clerk = $6))"
THAT_DAY = "(SELECT business_day(hall_now() - {ago}::interval, time_zone, day_starts) FROM halls WHERE id = $1)"
OURS = f"v.day = {THAT_DAY.format(ago='$7')} AND {MINE}"
THEN = "greatest(hall_clock() - $7::interval, v.{after})"
SET_OUT = f"state = 'on_the_way', departed_by = $6, departed_at = {THEN.format(after='decided_at')}"
DEPART = act_of(moving(SET_OUT, "scheduled", where=OURS), "departed")
CAME = f"state = 'on_site', arrived_at = {THEN.format(after='departed_at')}"
ARRIVE = act_of(moving(CAME, "on_the_way", where=OURS), "arrived")
LEFT = f"state = 'completed', outcome = $8, delivery = coalesce($9, v.delivery), ended_at = {THEN.format(after='arrived_at')}"
COMPLETE = act_of(
    moving(LEFT, "on_site", where=MINE),
    "completed",
    "'outcome', m.outcome, 'delivery', m.delivery",
    then=visited(
        "doorstep", "'doorstep'", when="m.outcome <> 'nobody_home'", service="m.skills[1]", started="m.arrived_at",
        clerks="(SELECT ARRAY[t.lead, t.second] FROM doorstep_teams t WHERE t.id = m.team)",
    ),
)  # fmt: skip


NOW = timedelta(0)


async def depart(
    db: Db, hall: Hall, key: str, *, actor: str, member: str | None, ago: timedelta = NOW, press: Press | None = None
) -> Done:
    """The team set out, `ago`. `member` is who of it says so, and is signed in by that; None is the manager, who answers for it.

    Raises VisitIs, NotYourVisit, NotToday, TeamBusy (it is on another way), TeamNotWhole (the other has not signed in).
    """
    return await _going(db, DEPART, hall, key, actor, member, ago, press)


async def arrive(
    db: Db, hall: Hall, key: str, *, actor: str, member: str | None, ago: timedelta = NOW, press: Press | None = None
) -> Done:
    """The team came to the door, `ago`. VisitIs, NotYourVisit, NotToday."""
    return await _going(db, ARRIVE, hall, key, actor, member, ago, press)


async def complete(
    db: Db,
    hall: Hall,
    key: str,
    outcome: str,
    *,
    actor: str,
    member: str | None,
    delivery: str | None = None,
    ago: timedelta = NOW,
    press: Press | None = None,
) -> Done:
    """The team left again, `ago`; `delivery` is how the result is to come. What nobody said that day can be said later.

    Raises BadInput (outcome, delivery), VisitIs, NotYourVisit.
    """
    for field, value, allowed in (("outcome", outcome, OUTCOMES), ("delivery", delivery or "collect", DELIVERIES)):
        if value not in allowed:
            raise BadInput(field=field, message=f"one of {', '.join(allowed)}")
    return await _going(db, COMPLETE, hall, key, actor, member, ago, press, outcome, delivery)


IS_OURS = "SELECT $2::text IS NULL OR EXISTS (SELECT FROM doorstep_members WHERE team = $1 AND clerk = $2)"
IS_THAT_DAY = "SELECT $2::date = business_day(hall_now() - $3::interval, time_zone, day_starts) FROM halls WHERE id = $1"


async def not_ours(db: Db, hall: Hall, visit: Visit, member: str | None, ago: timedelta) -> Refused | None:
    """Why this member of staff may not act on the visit: another team's, or another day's; None where they may."""
    if not await db.fetchval(IS_OURS, visit.team, member):
        return NotYourVisit()
    if not await db.fetchval(IS_THAT_DAY, hall.id, visit.day, ago):
        return NotToday()
    return None


async def _going(
    db: Db, statement: str, hall: Hall, key: str, actor: str, member: str | None, ago: timedelta, press: Press | None,
    *given: object,
) -> Done:  # fmt: skip
    async def why_not(visit: Visit) -> Exception | None:
        refusal = await not_ours(db, hall, visit, member, ago)
        return refusal if visit.state in GOING or isinstance(refusal, NotYourVisit) else None

    return await act_on(db, statement, hall, key, actor, press, member, ago, *given, why_not=why_not)


def told_window(hall: Hall, start: datetime) -> tuple[datetime, datetime | None]:
    """A planned time as it is told to who waits: the stretch it lies in, from a round time on; no end if told exactly."""
    width = hall.value(TOLD_MINUTES)
    local = start.astimezone(ZoneInfo(hall.time_zone))
    if not width:
        return local, None
    first = local - timedelta(minutes=(local.hour * 60 + local.minute) % max(5, width // 2))
    return first, first + timedelta(minutes=width)


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
