"""Proposals as they are kept: they form, are offered, decided, carried out, taken back, and held against what came of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from math import isfinite
from typing import Any

from queueing import journal
from queueing.db import Db, Row
from queueing.errors import NotFound, ProposalGone
from queueing.halls import Hall
from queueing.moves import carry_out, cause_of, take_back
from queueing.steps import SOON_S, Effect, Step, Worth
from queueing.tickets import TODAY

LIVE = ("forming", "offered", "applied")


@dataclass(frozen=True, slots=True)
class Proposal:
    """One proposal. `effects` are what was forecast last, `told` what was forecast for it when it counted: as it was decided, or
    as it was offered when nobody did. `today`: it is of this business day."""

    id: int
    day: date
    today: bool
    state: str
    step: Step
    rule: str | None
    rounds: int
    effects: tuple[Effect, ...]
    told: tuple[Effect, ...]
    end_before_s: int | None
    end_after_s: int | None
    offered_at: datetime | None
    decided_at: datetime | None
    decided_by: str | None
    keep_until: datetime | None
    ended_at: datetime | None
    actual: Mapping[str, Any]
    judged_at: datetime | None

    @property
    def since(self) -> datetime | None:
        """From when on its forecast counts."""
        return self.offered_at if self.state == "expired" else self.decided_at


COLUMNS = f"""id, day, day = {TODAY} AS today, state, step, rule, rounds, effects, offered_with, end_before_s, end_after_s,
    offered_at, decided_at, decided_by, keep_until, ended_at, actual, judged_at"""
OF_HALL = f"SELECT {COLUMNS} FROM proposals WHERE hall = $1 AND state = ANY($2) ORDER BY id"
DECIDED = f"""
SELECT {COLUMNS} FROM proposals WHERE hall = $1 AND state NOT IN ('forming', 'offered') AND day > {TODAY} - 7
ORDER BY decided_at DESC LIMIT $2
"""
UNJUDGED = f"""
SELECT {COLUMNS} FROM proposals WHERE hall = $1 AND judged_at IS NULL AND state NOT IN ('forming', 'offered') ORDER BY id LIMIT 50
"""


async def live(db: Db, hall: Hall, states: Sequence[str] = LIVE) -> list[Proposal]:
    """What is under way, oldest first."""
    return [_proposal(row) for row in await db.fetch(OF_HALL, hall.id, list(states))]


async def decided(db: Db, hall: Hall, limit: int = 12) -> list[Proposal]:
    """What became of the last ones, newest first."""
    return [_proposal(row) for row in await db.fetch(DECIDED, hall.id, limit)]


def _proposal(row: Row) -> Proposal:
    effects = _effects(row["effects"])
    told = _effects(row["offered_with"]) if row["state"] == "expired" else effects
    return Proposal(
        row["id"], row["day"], row["today"], row["state"], step_of(row["step"]), row["rule"], row["rounds"], effects, told,
        row["end_before_s"], row["end_after_s"], row["offered_at"], row["decided_at"], row["decided_by"], row["keep_until"],
        row["ended_at"], row["actual"] or {}, row["judged_at"],
    )  # fmt: skip


def step_of(kept: Mapping[str, Any]) -> Step:
    plain: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in kept.items()}
    return Step(**plain)


def _effects(kept: Iterable[Mapping[str, Any]] | None) -> tuple[Effect, ...]:
    return tuple(
        Effect(each["service"], each["people"], *(_ended(each[name]) for name in ("before_s", "after_s", "low_s", "high_s")))
        for each in kept or ()
    )  # fmt: skip


def _ended(seconds: float) -> float:
    return float("inf") if seconds < 0 else seconds


def _kept(effects: Iterable[Effect]) -> list[dict[str, Any]]:
    return [{name: _plain(value) for name, value in asdict(each).items()} for each in effects]


def _plain(value: Any) -> Any:
    return value if isinstance(value, str) else round(value, 1) if isfinite(value) else -1


# --- a round -----------------------------------------------------------------------------------------------------

FORM = f"""
INSERT INTO proposals (hall, day, subject, service, step, rule, effects, end_before_s, end_after_s)
VALUES ($1, {TODAY}, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""
AGAIN = """
UPDATE proposals SET rounds = $2, step = $3, effects = $4, end_before_s = $5, end_after_s = $6, rule = coalesce($7, rule)
WHERE id = $1
"""
OFFER = """
UPDATE proposals SET state = 'offered', rounds = 0, offered_at = hall_now(), offered_with = effects
WHERE id = $1 AND state = 'forming'
"""
COUNT = "UPDATE proposals SET rounds = $2 WHERE id = $1"
FORGET = "DELETE FROM proposals WHERE id = $1 AND state = 'forming'"
EXPIRE = """
UPDATE proposals SET state = 'expired', decided_at = hall_now(), decided_by = 'clock' WHERE id = $1 AND state = 'offered'
"""
OVER = "UPDATE proposals SET state = 'over', ended_at = hall_now() WHERE id = $1 AND state = 'applied'"


async def count(
    db: Db, hall: Hall, known: Sequence[Proposal], weighed: Mapping[str, Worth], unreached: set[str], lost: set[str], *,
    least_s: float, rounds: int,
) -> list[Proposal]:  # fmt: skip
    """One round: what is worth it forms or is offered, what isn't any more goes after as many rounds; those newly offered.

    `unreached` were not weighed this time and stay as they are; `lost` can't be done any more and go at once.
    """
    mine = {proposal.step.subject: proposal for proposal in known}
    for subject, new in weighed.items():
        if subject not in mine and new.is_worth(0.0 if new.rule else least_s) and new.gain_s > 0:
            await db.execute(FORM, hall.id, subject, new.step.service, asdict(new.step), new.rule, *_weighed(new))
    offered = []
    for subject, proposal in mine.items():
        worth = weighed.get(subject)
        if proposal.state == "applied" or (subject in unreached and subject not in lost):
            continue
        # What stands is held on to at half the gain it took to appear.
        needed = 0.0 if worth and worth.rule else least_s if proposal.state == "forming" else least_s / 2
        if worth is not None and worth.gain_s > 0 and worth.is_worth(needed) and subject not in lost:
            forms = proposal.state == "forming"
            await db.execute(
                AGAIN, proposal.id, proposal.rounds + 1 if forms else 0, asdict(worth.step), *_weighed(worth), worth.rule
            )
            if forms and proposal.rounds + 1 >= rounds:
                await db.execute(OFFER, proposal.id)
                offered.append(proposal)
        elif proposal.state == "forming":
            await db.execute(FORGET, proposal.id)
        elif subject in lost or proposal.rounds + 1 >= rounds:
            await db.execute(EXPIRE, proposal.id)
            await _record(db, hall, "expired", "clock", proposal)
        else:
            await db.execute(COUNT, proposal.id, proposal.rounds + 1)
    for proposal in offered:
        await _record(db, hall, "offered", "clock", proposal)
    return offered


def _weighed(worth: Worth) -> tuple[list[dict[str, Any]], int | None, int | None]:
    ends = [None if end is None or not isfinite(end) else round(end) for end in (worth.end_before_s, worth.end_after_s)]
    return _kept(worth.effects), ends[0], ends[1]


async def note_calm(db: Db, proposal: Proposal, calm: bool) -> int:
    """Count the rounds in a row in which an applied proposal was not needed any more."""
    rounds = proposal.rounds + 1 if calm else 0
    if rounds != proposal.rounds:
        await db.execute(COUNT, proposal.id, min(rounds, 1000))
    return rounds


async def end(db: Db, hall: Hall, proposal: Proposal) -> None:
    """Somebody else has ended what an applied proposal began, or its day is over."""
    await db.execute(OVER, proposal.id)
    await _record(db, hall, "over", "clock", proposal)


async def _record(db: Db, hall: Hall, verb: str, actor: str, proposal: Proposal) -> None:
    step = proposal.step
    told = {"proposal": proposal.id, "kind": step.kind, "service": step.service, "window": step.window, "rule": proposal.rule}
    await journal.append(db, hall.id, f"proposal.{verb}", actor, data=told, cause=cause_of(proposal.id, verb), window=step.window)


# --- deciding ----------------------------------------------------------------------------------------------------

LOCK = f"SELECT {COLUMNS}, kept FROM proposals WHERE hall = $1 AND id = $2 FOR UPDATE"
APPLIED = """
UPDATE proposals SET state = 'applied', rounds = 0, decided_at = hall_clock(), decided_by = $2, kept = $3,
    keep_until = hall_now() + make_interval(mins => $4) WHERE id = $1
"""
REFUSED = "UPDATE proposals SET state = 'refused', decided_at = hall_clock(), decided_by = $2 WHERE id = $1"
ENDED = "UPDATE proposals SET state = $2, ended_at = hall_clock() WHERE id = $1"


async def step_at(db: Db, hall: Hall, proposal: int) -> Step:
    """What a proposal would do, or NotFound."""
    row = await db.fetchrow("SELECT step FROM proposals WHERE hall = $1 AND id = $2", hall.id, proposal)
    if row is None:
        raise NotFound(what="proposal")
    return step_of(row["step"])


async def _locked(db: Db, hall: Hall, proposal: int) -> tuple[Proposal, Any]:
    row = await db.fetchrow(LOCK, hall.id, proposal)
    if row is None:
        raise NotFound(what="proposal")
    return _proposal(row), row["kept"]


async def apply(db: Db, hall: Hall, proposal: int, *, actor: str, keep_minutes: int) -> bool:
    """Carry a proposal out, as `actor`; False when that has been done already. Its acts and it are one transaction.

    NotInThatState when it is offered no more; what its acts refuse.
    """
    async with db.transaction():
        found, _ = await _locked(db, hall, proposal)
        if found.state == "applied":
            return False
        if found.state != "offered":
            raise ProposalGone(state=found.state)
        kept = await carry_out(db, hall, found.step, actor=actor, proposal=proposal)
        await db.execute(APPLIED, proposal, actor, kept, keep_minutes)
        await _record(db, hall, "applied", actor, found)
        return True


async def refuse(db: Db, hall: Hall, proposal: int, *, actor: str) -> bool:
    """Put a proposal aside; False when that has been done already."""
    async with db.transaction():
        found, _ = await _locked(db, hall, proposal)
        if found.state == "refused":
            return False
        if found.state != "offered":
            raise ProposalGone(state=found.state)
        await db.execute(REFUSED, proposal, actor)
        await _record(db, hall, "refused", actor, found)
        return True


async def undo(db: Db, hall: Hall, proposal: int, *, actor: str, by_clock: bool = False) -> bool:
    """Take an applied proposal back; False when that has been done already. What its acts refuse: a window that serves."""
    verb = "reverted" if by_clock else "undone"
    async with db.transaction():
        found, kept = await _locked(db, hall, proposal)
        if found.state in ("undone", "reverted"):
            return False
        if found.state != "applied":
            raise ProposalGone(state=found.state)
        await take_back(db, hall, found.step, kept, actor=actor, proposal=proposal)
        await db.execute(ENDED, proposal, verb)
        await _record(db, hall, verb, actor, found)
        return True


# --- what came of it ---------------------------------------------------------------------------------------------

# The same people as were forecast: all who waited then and all who came in the next half hour; each by the first call.
# Who left without one says nothing; who still waits has waited so long at least.
CAME = f"""
WITH asked AS (SELECT $3::timestamptz AS at), mine AS (
    SELECT t.joined_at, t.ended_at, c.at AS called
    FROM asked, tickets t LEFT JOIN LATERAL (
        SELECT min(j.at) AS at FROM journal j WHERE j.ticket = t.id AND j.kind = 'ticket.called') c ON true
    WHERE t.hall = $1 AND t.service = $2 AND t.joined_at < asked.at + interval '{SOON_S} seconds'
      AND t.joined_at > asked.at - interval '12 hours'
      AND (t.joined_at >= asked.at OR coalesce(c.at, t.ended_at, 'infinity') > asked.at)
)
SELECT count(*)::int AS people, (count(*) FILTER (WHERE called IS NULL))::int AS waiting,
       percentile_disc(0.9) WITHIN GROUP (ORDER BY extract(epoch FROM coalesce(called, hall_now()) - joined_at))::int AS p90_s
FROM mine WHERE called IS NOT NULL OR ended_at IS NULL
"""
# The day has ended with its last visit, once no door gives a number and nobody is left. Who was missed is not waited for.
DAY_END = """
SELECT extract(epoch FROM max(ended_at) FILTER (WHERE state = 'finished') - $3)::int AS ended_s,
       count(*) FILTER (WHERE state IN ('waiting', 'called', 'serving', 'held')) = 0 AND NOT EXISTS (
           SELECT FROM doors d WHERE d.hall = $1 AND d.day = $2 AND coalesce(d.stopped_at, d.last_ticket) > hall_now()) AS over
FROM tickets WHERE hall = $1 AND day = $2
"""
JUDGE = "UPDATE proposals SET actual = $2, judged_at = CASE WHEN $3 THEN hall_now() END WHERE id = $1"
AT_LAST = timedelta(minutes=90)


async def judge(db: Db, hall: Hall, now: datetime) -> int:
    """Hold what was forecast against the waits that came; how many were judged for good. Until then it is what came so far."""
    judged = 0
    for row in await db.fetch(UNJUDGED, hall.id):
        proposal = _proposal(row)
        since = proposal.since
        assert since is not None, "what is decided was offered"
        actual: dict[str, Any] = {
            each.service: dict(await _came(db, hall, each.service, since)) for each in proposal.told
        }  # fmt: skip
        all_called = all(each["waiting"] == 0 for each in actual.values())
        over = now >= since + (timedelta(seconds=SOON_S) if all_called else AT_LAST)
        if proposal.step.kind == "stop":  # what it promised is when the day ends
            ended = await db.fetchrow(DAY_END, hall.id, proposal.day, since)
            assert ended is not None
            actual["ended_s"], over = ended["ended_s"], ended["over"] or not proposal.today
        await db.execute(JUDGE, proposal.id, actual, over)
        judged += over
    return judged


async def _came(db: Db, hall: Hall, service: str, since: datetime) -> Row:
    row = await db.fetchrow(CAME, hall.id, service, since)
    assert row is not None
    return row
