"""A proposal carried out and taken back: by the same acts as a person's, each with the proposal as its cause."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from queueing import journal, windows
from queueing.db import Db, Press
from queueing.errors import NotInThatState
from queueing.halls import Hall
from queueing.steps import EXTEND_S, Step
from queueing.tickets import TODAY


def press_of(proposal: int, verb: str, nth: int = 0) -> Press:
    """The press of a proposal's act: the record names its first half as the cause."""
    asked = hashlib.sha256(f"proposal {proposal} {verb} {nth}".encode()).digest()
    return Press(asked, asked)


def cause_of(proposal: int, verb: str) -> str:
    return press_of(proposal, verb).scope.hex()[:16]


BOTH = "SELECT no FROM windows WHERE hall = $1 AND no = ANY($2) ORDER BY no FOR NO KEY UPDATE"


async def carry_out(db: Db, hall: Hall, step: Step, *, actor: str, proposal: int) -> Any:
    """Do it, in the caller's transaction; what taking it back will need."""
    await _hold(db, hall, step)
    match step.kind:
        case "open":
            await _seat(db, hall, step.window or "", step.clerk or "", step.services, actor, press_of(proposal, "applied"))
            return None
        case "help":
            here = await _seated(db, hall, step.window or "", step.clerk)
            services = tuple(dict.fromkeys((*here.services, step.service)))
            await _seat(db, hall, here.no, here.clerk or "", services, actor, press_of(proposal, "applied"))
            return {"services": list(here.services)}
        case "move":
            left = await _seated(db, hall, step.from_window or "", step.clerk)
            await windows.close(db, hall, left.no, actor=actor, override=True, press=press_of(proposal, "applied"))
            await _seat(db, hall, step.window or "", step.clerk or "", step.services, actor, press_of(proposal, "applied", 1))
            return {"services": list(left.services)}
        case "extend":
            return await _extend(db, hall, actor, proposal)
        case _:
            return await _stop(db, hall, step.service, actor, proposal)


async def take_back(db: Db, hall: Hall, step: Step, kept: Mapping[str, Any] | None, *, actor: str, proposal: int) -> None:
    """Undo it, as far as nobody else has changed it since. WindowBusy while somebody is served there."""
    await _hold(db, hall, step)
    match step.kind:
        case "open":
            await _rise(db, hall, step, actor, proposal)
        case "help":
            here = await windows.get_window(db, hall, step.window or "")
            left = [code for code in here.services if code != step.service or code in (kept or {}).get("services", ())]
            if here.clerk == step.clerk and here.clerk and left and here.state != "paused":
                await _seat(db, hall, here.no, here.clerk, left, actor, press_of(proposal, "undone"))
        case "move":
            if await _rise(db, hall, step, actor, proposal):
                services = (kept or {}).get("services") or list(step.before)
                await _seat(db, hall, step.from_window or "", step.clerk or "", services, actor, press_of(proposal, "undone", 1))
        case "extend":
            await db.execute(SHORTEN, hall.id, _times(kept, "plans"), list((kept or {}).get("windows", ())), EXTEND_S)
            await journal.append(db, hall.id, "hours.restored", actor, data={}, cause=cause_of(proposal, "undone"))
        case _:
            await db.execute(REOPEN, hall.id, step.service, _times(kept, "last_ticket"), _sessions(kept))
            told = {"service": step.service}
            await journal.append(db, hall.id, "door.reopened", actor, data=told, cause=cause_of(proposal, "undone"))


async def _hold(db: Db, hall: Hall, step: Step) -> None:
    """Lock both windows of a move before the first act on one: it ends with the record, for which a clerk at the other waits."""
    if step.kind == "move":
        await db.execute(BOTH, hall.id, [step.window, step.from_window])


async def _seated(db: Db, hall: Hall, no: str, clerk: str | None) -> windows.Window:
    """The window, if this clerk works there and has no break."""
    here = await windows.get_window(db, hall, no)
    if here.clerk is None or here.clerk != clerk or here.state == "paused":
        raise NotInThatState(state=here.state)
    return here


async def _seat(
    db: Db, hall: Hall, no: str, clerk: str, services: tuple[str, ...] | list[str], actor: str, press: Press
) -> None:  # fmt: skip
    await windows.open_window(db, hall, no, clerk, services=services, actor=actor, press=press)


async def _rise(db: Db, hall: Hall, step: Step, actor: str, proposal: int) -> bool:
    """Close the window where it is still the same clerk's; whether it was."""
    here = await windows.get_window(db, hall, step.window or "")
    if here.clerk is None or here.clerk != step.clerk:
        return False
    await windows.close(db, hall, here.no, actor=actor, override=True, press=press_of(proposal, "undone"))
    return True


# --- hours -------------------------------------------------------------------------------------------------------

EXTEND = """
UPDATE window_plans p SET at = p.at + make_interval(secs => $2) WHERE p.hall = $1 AND p.services = '{}'
  AND p.at > hall_now() AND p.at < hall_now() + interval '12 hours'
  AND NOT EXISTS (SELECT FROM window_plans o WHERE o.hall = p.hall AND o.window_no = p.window_no AND o.at > p.at
                  AND o.at < hall_now() + interval '12 hours')
RETURNING p.window_no, p.at
"""
SHORTEN = """
UPDATE window_plans p SET at = p.at - make_interval(secs => $4) FROM unnest($2::timestamptz[], $3::text[]) AS was(at, window_no)
WHERE p.hall = $1 AND p.services = '{}' AND (p.at, p.window_no) = (was.at, was.window_no)
  AND p.at - make_interval(secs => $4) > hall_now()
"""
STOP = f"""
UPDATE doors d SET last_ticket = greatest(d.opens, hall_now()), stopped_at = hall_now()
FROM (SELECT hall, day, service, session, last_ticket FROM doors
      WHERE hall = $1 AND service = $2 AND day = {TODAY} AND last_ticket > hall_now() FOR UPDATE) was
WHERE (d.hall, d.day, d.service, d.session) = (was.hall, was.day, was.service, was.session)
RETURNING d.session, was.last_ticket
"""
REOPEN = f"""
UPDATE doors d SET last_ticket = was.at, stopped_at = NULL FROM unnest($3::timestamptz[], $4::smallint[]) AS was(at, session)
WHERE d.hall = $1 AND d.service = $2 AND d.day = {TODAY} AND d.session = was.session AND d.stopped_at IS NOT NULL
"""


async def _extend(db: Db, hall: Hall, actor: str, proposal: int) -> dict[str, Any]:
    """Let windows that were planned to close stay half an hour longer."""
    moved = await db.fetch(EXTEND, hall.id, EXTEND_S)
    told = {"windows": sorted({row["window_no"] for row in moved}), "minutes": round(EXTEND_S / 60)}
    await journal.append(db, hall.id, "hours.extended", actor, data=told, cause=cause_of(proposal, "applied"))
    return {"plans": [row["at"].isoformat() for row in moved], "windows": [row["window_no"] for row in moved]}


async def _stop(db: Db, hall: Hall, service: str, actor: str, proposal: int) -> dict[str, Any]:
    """Give no more tickets for a service today. NotInThatState when its last one is out."""
    stopped = await db.fetch(STOP, hall.id, service)
    if not stopped:
        raise NotInThatState(state="closed")
    await journal.append(
        db, hall.id, "door.stopped", actor, data={"service": service}, cause=cause_of(proposal, "applied")
    )  # fmt: skip
    return {"last_ticket": [row["last_ticket"].isoformat() for row in stopped], "session": [row["session"] for row in stopped]}


def _times(kept: Mapping[str, Any] | None, name: str) -> list[datetime]:
    return [datetime.fromisoformat(each) for each in (kept or {}).get(name, ())]


def _sessions(kept: Mapping[str, Any] | None) -> list[int]:
    return list((kept or {}).get("session", ()))
