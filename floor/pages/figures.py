"""The five figures on top of the manager's board, each with the last two hours behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from floor import trends
from floor.database import Db
from floor.words import Words
from queueing.forecast import Load, expect
from queueing.halls import Hall
from queueing.windows import Window

WIDTH, HEIGHT = 120, 48  # of a trend, in its own units


def figures(day: trends.Day, now: datetime, floor: list[Window], load: dict[str, Load], bad: "Bad", say: Words) -> list["Figure"]:
    """Waiting, longest wait, open windows, served, bad ratings: each with how it went in the last two hours."""
    present, samples = day.sample(now), [*day.samples, day.sample(now)]
    opened = sum(window.state != "closed" for window in floor)
    ends = [wait.p90_s for row in load.values() if (wait := expect(row, row.ahead))]
    most, pace = max(s.waiting for s in samples), served_last_hour(samples, present.served)
    return [
        Figure("waiting", present.waiting, "people", [s.waiting for s in samples], say("manage.under_waiting", n=most)),
        Figure("longest", present.longest_s // 60, "minutes", [s.longest_s for s in samples],
               say("manage.under_longest", n=max(ends) // 60) if ends else "", fault=present.longest_s >= LONG_S),
        Figure("open", opened, None, [s.open for s in samples], say("manage.under_open", n=len(floor) - opened)),
        Figure("served", present.served, "people", [s.served for s in samples], say("manage.under_served", n=pace)),
        Figure("bad", bad.today, None, bad.by_minute(samples), say("manage.under_bad", n=bad.rated), fault=bad.today > 0),
    ]  # fmt: skip


LONG_S = 30 * 60  # half an hour: past it a wait is shown as a fault


def served_last_hour(samples: Sequence[trends.Sample], now: int) -> int:
    return now - samples[-61].served if len(samples) > 60 else now


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, how it went, and a line that says what to make of it."""

    name: str
    value: int
    unit: str | None
    trend: Sequence[int]
    under: str
    fault: bool = False

    @property
    def points(self) -> dict[str, str]:
        return points(self.trend)


def points(values: Sequence[int]) -> dict[str, str]:
    """A trend as the points of a line and of the area under it; one value makes a level line."""
    if len(values) < 2:
        values = [*values, *values] or [0, 0]
    top = max(*values, 1)
    step = WIDTH / (len(values) - 1)
    line = " ".join(f"{n * step:.1f},{HEIGHT - 2 - value * (HEIGHT - 4) / top:.1f}" for n, value in enumerate(values))
    return {"line": line, "area": f"0,{HEIGHT} {line} {WIDTH},{HEIGHT}"}


class Bad:
    """Today's ratings of level 1 and 2, with the moment of each, and how many visits were rated at all."""

    def __init__(self, moments: list[datetime], rated: int) -> None:
        self.moments, self.rated = moments, rated

    @property
    def today(self) -> int:
        return len(self.moments)

    def by_minute(self, samples: Sequence[trends.Sample]) -> list[int]:
        return [sum(moment <= sample.at for moment in self.moments) for sample in samples]


BAD = """
SELECT array_remove(array_agg(at ORDER BY at) FILTER (WHERE level <= 2), NULL) AS moments, count(*)::int AS rated
FROM ratings WHERE hall = $1 AND day = (SELECT business_day(hall_now(), time_zone, day_starts) FROM halls WHERE id = $1)
"""


async def bad_ratings(db: Db, hall: Hall) -> Bad:
    row = await db.fetchrow(BAD, hall.id)
    assert row is not None
    return Bad(list(row["moments"] or []), row["rated"])
