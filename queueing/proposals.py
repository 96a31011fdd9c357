"""Proposals as they are kept: they form, are offered, decided, carried out and taken back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from math import isfinite
from typing import Any

from queueing import journal
from queueing.db import Db, Row
from queueing.errors import NotFound, ProposalGone
from queueing.halls import Hall
from queueing.moves import carry_out, cause_of, take_back
from queueing.steps import Effect, Step, Worth
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


async def unjudged(db: Db, hall: Hall) -> list[Proposal]:
    """Those whose outcome is not told for good yet."""
    return [_proposal(row) for row in await db.fetch(UNJUDGED, hall.id)]


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
    db: Db, hall: Hall, known: Sequence[Proposal], weighed: Mapping[str, Worth], unreached: set[str], lost: set[str],
    over: set[int], *, least_s: float, rounds: int,
) -> list[Proposal]:  # fmt: skip
    """One round: what is worth it forms or is offered, what isn't any more goes after as many rounds; those newly offered.

    `unreached` were not weighed this time and stay as they are; `lost` can't be done any more and go at once; `over` were
    applied, and somebody else has ended what they began, or their day is over. The record comes behind all of them: who
    decides a proposal holds it and then waits for the record.
    """
    mine = {proposal.step.subject: proposal for proposal in known}
    for subject, new in weighed.items():
        if subject not in mine and new.is_worth(0.0 if new.rule else least_s) and new.gain_s > 0:
            await db.execute(FORM, hall.id, subject, new.step.service, asdict(new.step), new.rule, *_weighed(new))
    offered, expired = [], []
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
            expired.append(proposal)
        else:
            await db.execute(COUNT, proposal.id, proposal.rounds + 1)
    ended = [proposal for proposal in known if proposal.id in over]
    for proposal in ended:
        await db.execute(OVER, proposal.id)
    for verb, some in (("expired", expired), ("offered", offered), ("over", ended)):
        for proposal in some:
            await _record(db, hall, verb, "clock", proposal)
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


# A window that somebody opens by hand, for a service and as it was proposed, is the proposal carried out, whoever sits there.
HEED = f"""
UPDATE proposals SET state = 'applied', rounds = 0, decided_at = hall_clock(), decided_by = $3,
    keep_until = hall_now() + make_interval(mins => $4), step = step || jsonb_build_object('clerk', seated)
FROM (SELECT clerk AS seated, services AS served FROM windows WHERE hall = $1 AND no = $2 AND clerk IS NOT NULL) here
WHERE hall = $1 AND state = 'offered' AND step ->> 'kind' = 'open' AND step ->> 'window' = $2 AND service = ANY(served)
RETURNING {COLUMNS}
"""


async def heed(db: Db, hall: Hall, window: str, *, actor: str, keep_minutes: int) -> None:
    """Count what was proposed for a window as carried out by whoever has just opened it so."""
    async with db.transaction():
        for row in await db.fetch(HEED, hall.id, window, actor, keep_minutes):
            await _record(db, hall, "applied", actor, _proposal(row))


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
