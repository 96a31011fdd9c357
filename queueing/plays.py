"""What comes of a play of the floor, as it is kept: a row a service, for whoever shows a wait."""

from collections.abc import Mapping
from dataclasses import replace
from math import isfinite
from typing import Any

import numpy as np

from queueing.db import Db
from queueing.floors import Floor, Waiting
from queueing.forecast import Load
from queueing.simulate import Outcome, Range, simulate

ENDS_S = 3600.0  # the day's end is played from so long before the last ticket on


def rows(floor: Floor, outcome: Outcome) -> list[dict[str, Any]]:
    """What is kept of an outcome: a row a service."""
    shared = _shared(floor)
    counts: dict[str, int] = dict.fromkeys(floor.paces, 0)
    mine: dict[str, list[tuple[Waiting, int]]] = {code: [] for code in floor.paces}
    for ticket in floor.waiting:
        mine[ticket.service].append((ticket, sum(counts[code] for code in shared[ticket.service])))
        counts[ticket.service] += 1
    found = []
    for code, pace in floor.paces.items():
        told = [*(outcome.tickets[ticket.id] for ticket, _ in mine[code]), outcome.newcomers[code]]
        seconds = np.array(pace.seconds)
        found.append({
            "service": code, "mean_s": float(seconds.mean()), "spread_s": float(seconds.std()),
            "tickets": [ticket.id for ticket, _ in mine[code]],
            "ahead": [*(before for _, before in mine[code]), sum(counts[other] for other in shared[code])],
            "p50_s": [_seconds(each.p50_s) for each in told], "p90_s": [_seconds(each.p90_s) for each in told],
        })  # fmt: skip
    return found


def _seconds(value: float) -> int:
    return round(value) if isfinite(value) else -1


def _shared(floor: Floor) -> Mapping[str, set[str]]:
    """The services whose people are ahead of one another's: those that share an open window, and itself."""
    found = {code: {code} for code in floor.paces}
    for services in {seat.services for seat in floor.seats if seat.state not in ("closed", "paused")}:
        for code in services:
            found[code].update(services)
    return found


STORE = """
INSERT INTO forecasts (hall, service, made_at, "offset", mean_s, spread_s, tickets, ahead, p50_s, p90_s)
SELECT $1, r.service, $2, $3, r.mean_s, r.spread_s, r.tickets, r.ahead, r.p50_s, r.p90_s
FROM jsonb_to_recordset($4::jsonb) AS r (service text, mean_s float, spread_s float, tickets bigint[], ahead integer[],
                                         p50_s integer[], p90_s integer[])
ON CONFLICT (hall, service) DO UPDATE SET made_at = excluded.made_at, "offset" = excluded."offset", mean_s = excluded.mean_s,
    spread_s = excluded.spread_s, tickets = excluded.tickets, ahead = excluded.ahead, p50_s = excluded.p50_s,
    p90_s = excluded.p90_s
WHERE forecasts.made_at < excluded.made_at
"""


async def store(db: Db, floor: Floor, made: list[dict[str, Any]]) -> None:
    """Keep what a play of the floor gave; an older one never takes the place of a newer."""
    await db.execute(STORE, floor.hall, floor.at, floor.offset, made)


END = """
INSERT INTO day_ends (hall, made_at, p50_s, p90_s) VALUES ($1, $2, $3, $4)
ON CONFLICT (hall) DO UPDATE SET made_at = excluded.made_at, p50_s = excluded.p50_s, p90_s = excluded.p90_s
WHERE day_ends.made_at < excluded.made_at
"""


async def store_end(db: Db, floor: Floor, end: Range) -> None:
    """Keep when the day's last visit is expected to end."""
    await db.execute(END, floor.hall, floor.at, _seconds(end.p50_s), _seconds(end.p90_s))


def day_end(floor: Floor) -> Range | None:
    """When the last visit of today ends, with those still to come, where all doors give their last ticket within the hour or
    gave it; windows stay until all are served. None earlier in the day."""
    if not floor.last_ticket_s or max(floor.last_ticket_s.values()) > ENDS_S:
        return None
    stays = replace(floor, plans=tuple(plan for plan in floor.plans if plan.services))
    return simulate(stays, seed=floor.offset, to_come=True).end


def as_loads(floor: Floor, made: list[dict[str, Any]]) -> dict[str, Load]:
    """The same as somebody will read it, at the instant it was made."""
    open_ = [seat for seat in floor.seats if seat.state not in ("closed", "paused")]
    return {
        row["service"]: Load(
            row["service"], row["ahead"][-1], sum(row["service"] in seat.services for seat in open_),
            sum(row["service"] in seat.services and seat.busy_with is None for seat in open_), row["mean_s"], row["spread_s"],
            0.0, row["tickets"], row["ahead"], row["p50_s"], row["p90_s"],
        )
        for row in made
    }  # fmt: skip
