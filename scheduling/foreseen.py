"""What a day to come is foreseen to look like, as plain data: windows needed and planned, waits, the end, and what is amiss."""

import msgspec

QUARTER = 15  # minutes


class Area(msgspec.Struct, frozen=True):
    """A zone over the day, a value for each of the day's quarter hours: windows needed and planned, people who come, minutes
    half and nine of ten of them wait (None: nobody comes; -1: nobody would serve them)."""

    code: str
    name: str
    windows: int  # there are
    least: int  # the kind of day keeps open at least
    needed: tuple[int, ...]
    planned: tuple[int, ...]
    people: tuple[float, ...]
    p50: tuple[float | None, ...]
    p90: tuple[float | None, ...]


class Warn(msgspec.Struct, frozen=True):
    """Something amiss, from and to in minutes of the day: `nobody` in a zone, `below` its least (`n`), `stuck`: who comes is not
    served that day, `waits` of `n` minutes for nine of ten, `promise` to the booked kept for `n` of a hundred, a `late` end
    (`n`: as likely as not, `ends`: at the latest), `late_booked` where nobody but the booked comes, `no_past` to judge by."""

    what: str
    zone: str = ""
    begins: int = 0
    ends: int = 0
    n: int = 0


class Foreseen(msgspec.Struct, frozen=True):
    """A day. Minutes count from its midnight; `roster`: published, draft or none (then as the kind of day asks)."""

    roster: str
    quarters: tuple[int, ...]
    areas: tuple[Area, ...]
    walk_ins: float
    booked: int
    places: int
    closes: int
    end_p50: int
    end_p90: int
    is_measured: bool  # whether visits of past days say how long they take
    kept: int | None = None  # of a hundred booked visitors, where nobody else is served, so many are called as promised
    warnings: tuple[Warn, ...] = ()
