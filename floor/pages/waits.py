"""The day's waits of each service as a small picture: the range told with the number as a band, how long it took as dots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from floor.database import Db
from queueing.halls import Hall

WIDTH, HEIGHT = 360, 56
LEFT = 26  # for the minutes at its side
STEP = timedelta(minutes=15)
LEAST = 8  # quarter hours shown at least
TOPS = (5, 10, 20, 30, 45, 60, 90, 120, 180, 240, 480)


@dataclass(frozen=True, slots=True)
class Quarter:
    """Those of a service who took a number in one quarter hour of the day: medians of what they were told, of how long it
    took those who have been called, and what nine in ten of these waited at most; seconds."""

    service: str
    quarter: int
    told_s: int
    told90_s: int
    took_s: int | None
    took90_s: int | None


QUARTERS = """
WITH hall AS (
    SELECT id, time_zone, day_starts, business_day(hall_now(), time_zone, day_starts) AS day FROM halls WHERE id = $1
)
SELECT p.service,
       floor(extract(epoch FROM t.joined_at - (hall.day + hall.day_starts) AT TIME ZONE hall.time_zone) / 900)::int AS quarter,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY p.p50_s)::int AS told_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY p.p90_s)::int AS told90_s,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY p.waited_s)::int AS took_s,
       percentile_cont(0.9) WITHIN GROUP (ORDER BY p.waited_s)::int AS took90_s
FROM hall JOIN promises p ON p.hall = hall.id AND p.day = hall.day JOIN tickets t ON t.id = p.ticket
GROUP BY 1, 2 ORDER BY 1, 2
"""
BEGAN = """
SELECT (business_day(hall_now(), time_zone, day_starts) + day_starts) AT TIME ZONE time_zone FROM halls WHERE id = $1
"""


async def quarters(db: Db, hall: Hall) -> list[Quarter]:
    """Today's told and taken, by service and quarter hour since the day's roll."""
    return [Quarter(**row) for row in await db.fetch(QUARTERS, hall.id)]


async def day_began(db: Db, hall: Hall) -> datetime:
    """The roll of this business day."""
    began: datetime = await db.fetchval(BEGAN, hall.id)
    return began


def plots(rows: Sequence[Quarter], names: Mapping[str, str], began: datetime, now: datetime) -> list[dict[str, Any]]:
    """A picture a service that has any, all on one axis of time from the first quarter hour to now."""
    if not rows:
        return []
    last = int((now - began) / STEP)
    first = min(min(row.quarter for row in rows), last - LEAST)
    return [
        {"service": code, "word": names.get(code, ""), **_plot([row for row in rows if row.service == code], first, last)}
        for code in sorted({row.service for row in rows}) if code in names
    ]  # fmt: skip


def _plot(mine: Sequence[Quarter], first: int, last: int) -> dict[str, Any]:
    most = max(max(row.told90_s, row.took90_s or 0) for row in mine) / 60
    top = next((top for top in TOPS if top >= most), ceil(most / 60) * 60)

    def x(quarter: float) -> float:
        return round(LEFT + (WIDTH - LEFT) * (quarter - first) / max(1, last + 1 - first), 1)

    def y(seconds: float) -> float:
        return round(HEIGHT - 2 - (HEIGHT - 6) * min(1.0, seconds / 60 / top), 1)

    edges = [(x(row.quarter), x(row.quarter + 1), row) for row in mine]
    upper = [f"{at},{y(row.told90_s)}" for left, right, row in edges for at in (left, right)]
    lower = [f"{at},{y(row.told_s)}" for left, right, row in reversed(edges) for at in (right, left)]
    took = [
        {"x": round((left + right) / 2, 1), "y": y(row.took_s), "y90": y(row.took90_s)}
        for left, right, row in edges if row.took_s is not None and row.took90_s is not None
    ]  # fmt: skip
    return {"top": top, "band": " ".join(upper + lower), "took": took, "first": first, "last": last}


def hours(began: datetime, plotted: Sequence[Mapping[str, Any]], word: Any) -> list[dict[str, Any]]:
    """The hours under all of them."""
    if not plotted:
        return []
    first, last = plotted[0]["first"], plotted[0]["last"]
    every = next(step for step in (4, 8, 12, 16, 32) if (last + 1 - first) / step <= 6 or step == 32)
    wide = (WIDTH - LEFT) / max(1, last + 1 - first)
    return [
        {"x": round(LEFT + wide * (quarter - first), 1), "word": word(began + quarter * STEP)}
        for quarter in range(first, last + 1) if quarter % every == 0
    ]  # fmt: skip
