"""What is left to do in each part of a hall today: when its doors open, who is still here, who still serves."""

from dataclasses import dataclass, replace
from datetime import datetime

from queueing.db import Db
from queueing.halls import Hall
from queueing.windows import Window, list_windows


@dataclass(frozen=True, slots=True)
class Left:
    """`opens`: when the first day that is not over begins, in the past from its first door to its last close (a noon break
    is no end), None when none is known; `living` tickets that wait or are served; `staffed` while a window is open or paused.
    """

    opens: datetime | None = None
    living: int = 0
    staffed: bool = False

    def __add__(self, other: "Left") -> "Left":
        known = [opens for opens in (self.opens, other.opens) if opens is not None]
        return Left(min(known, default=None), self.living + other.living, self.staffed or other.staffed)


@dataclass(frozen=True, slots=True)
class Today:
    """What is left by service, and the windows with what they are there for."""

    services: dict[str, tuple[str, Left]]  # code -> its zone, and what is left
    windows: tuple[Window, ...]

    def at_window(self, no: str) -> Left:
        return self._sum([window for window in self.windows if window.no == no], {*self._served(no)})

    def in_zone(self, zone: str) -> Left:
        codes = {code for code, (at, _) in self.services.items() if at == zone}
        return self._sum([window for window in self.windows if window.zone == zone], codes)

    def in_hall(self) -> Left:
        return self._sum(list(self.windows), set(self.services))

    def _served(self, no: str) -> list[str]:
        return [code for window in self.windows if window.no == no for code in window.serves]

    def _sum(self, windows: list[Window], codes: set[str]) -> Left:
        left = sum((left for code, (_, left) in self.services.items() if code in codes), Left())
        staffed, here = any(window.state != "closed" for window in windows), sum(window.ticket is not None for window in windows)
        return replace(left, living=max(left.living, here), staffed=staffed)


LEFT = """
SELECT s.code, s.zone,
       (SELECT min(of_day.opens) FROM (
            SELECT min(d.opens) AS opens, max(d.closes) AS closes FROM doors d
            WHERE d.hall = s.hall AND d.service = s.code AND d.closes > d.opens AND d.day >= hall_now()::date - 2 GROUP BY d.day
        ) of_day WHERE of_day.closes > hall_now()) AS opens,
       (SELECT count(*) FROM tickets t WHERE t.hall = s.hall AND t.service = s.code
          AND t.day = business_day(hall_now(), h.time_zone, h.day_starts)
          AND t.state IN ('waiting', 'called', 'serving', 'held')) AS living
FROM services s JOIN halls h ON h.id = s.hall WHERE s.hall = $1
"""


async def left_today(db: Db, hall: Hall) -> Today:
    """What is left to do in a hall now."""
    rows = await db.fetch(LEFT, hall.id)
    services = {row["code"]: (row["zone"], Left(row["opens"], row["living"])) for row in rows}
    return Today(services, tuple(await list_windows(db, hall)))
