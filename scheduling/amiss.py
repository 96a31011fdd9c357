"""What is amiss with a day to come, for the manager to mend before it comes."""

from collections.abc import Sequence

from queueing.alarms import LONG_WAIT
from queueing.halls import Hall
from scheduling.day_types import DayType
from scheduling.foreseen import QUARTER, Area, Warn

LATE_MIN, LATE_HALF_MIN = 30, 10  # the last visit may end so long after the doors; as likely as not it is over so soon
KEPT_LEAST = 75  # of a hundred booked visitors, so many should be called as promised


def amiss(
    hall: Hall,
    kind: DayType,
    areas: Sequence[Area],
    at: Sequence[int],
    closes: int,
    ends: Sequence[int],
    kept: int | None,
    *,
    is_first: bool,
) -> list[Warn]:
    """Zone by zone, then the promise and the end. `ends`: as likely as not, and at the latest; `is_first`: none before."""
    found = [Warn("no_past")] if is_first and kind.walk_in else []
    for zone in areas:
        found += of_zone(zone, at, hall.value(LONG_WAIT))
    if kept is not None and kept < KEPT_LEAST:
        found.append(Warn("promise", n=kept))
    if ends[0] > closes + LATE_HALF_MIN or ends[1] > closes + LATE_MIN:
        booked = kind.booked_only(kind.sessions[-1])  # then the last to come are the booked
        found.append(Warn("late_booked" if booked else "late", "", closes, ends[1], ends[0]))
    return found


def of_zone(zone: Area, at: Sequence[int], long: int) -> list[Warn]:
    """The quarter hours of a zone without windows, below its least, with people nobody serves, or who wait `long` (0: never)."""
    day = list(zip(at, zone.planned, zone.p90, strict=True))
    nobody = [minute for minute, n, _ in day if n == 0]
    below = [minute for minute, n, _ in day if 0 < n < zone.least]
    stuck = [minute for minute, n, p90 in day if n and p90 is not None and p90 < 0]
    slow = {minute: p90 for minute, _, p90 in day if long and p90 is not None and p90 > long}
    return [
        *(Warn("nobody", zone.code, *stretch) for stretch in stretches(nobody)),
        *(Warn("below", zone.code, *stretch, zone.least) for stretch in stretches(below)),
        *(Warn("stuck", zone.code, *stretch) for stretch in stretches(stuck)),
        *(
            Warn("waits", zone.code, begins, ends, round(max(slow[at] for at in range(begins, ends, QUARTER))))
            for begins, ends in stretches(list(slow))
        ),
    ]


def stretches(at: Sequence[int]) -> list[tuple[int, int]]:
    """Quarter hours that touch, as one stretch."""
    found: list[tuple[int, int]] = []
    for minute in at:
        if found and found[-1][1] == minute:
            found[-1] = (found[-1][0], minute + QUARTER)
        else:
            found.append((minute, minute + QUARTER))
    return found
