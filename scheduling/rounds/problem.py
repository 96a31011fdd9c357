"""A day's doorstep visits and teams as plain data: where the doors are, when they may be called at, who can go."""

from collections.abc import Mapping

import msgspec

from scheduling.rounds.travel import Point, Travel


class Visit(msgspec.Struct, frozen=True):
    """A door to go to. `windows`: when the visit may begin, seconds after midnight of the hall's day; `lasts` in seconds.

    `skills` and `kits` are all needed of one team; `weight` says how much it matters that it is made at all (1 is usual).
    `promised`: a time was given, its windows are what is left of it, and being late is better than not coming. `only`: the
    one team that may go; `told` is the second it was told, which it keeps where nobody is later for it. Requests are compared
    in the order of `asked`.
    """

    id: str
    point: Point
    windows: tuple[tuple[int, int], ...]
    lasts: int
    skills: frozenset[str] = frozenset()
    kits: frozenset[str] = frozenset()
    weight: int = 1
    promised: bool = False
    only: str | None = None
    asked: int = 0
    told: int | None = None


class Lunch(msgspec.Struct, frozen=True):
    """A pause of `lasts` seconds wherever the team is, that begins between `earliest` and `latest`."""

    earliest: int
    latest: int
    lasts: int


class Team(msgspec.Struct, frozen=True):
    """Who goes out. They leave `start` at `begins` at the earliest and are at `end` by `ends`; `room` is their most visits.

    In the middle of a day `start` is where they are now or will be, `begins` when they are free there, `room` what is left.
    """

    id: str
    start: Point
    end: Point
    begins: int
    ends: int
    skills: frozenset[str] = frozenset()
    kits: frozenset[str] = frozenset()
    room: int = 12
    lunch: Lunch | None = None

    def fits(self, visit: Visit) -> bool:
        """Whether they have what this visit needs and may go to it."""
        return visit.skills <= self.skills and visit.kits <= self.kits and visit.only in (None, self.id)


class Problem(msgspec.Struct, frozen=True):
    """All that bears on a day's rounds. `reach`: nobody goes further from `centre` than so many metres (None: no limit)."""

    visits: tuple[Visit, ...]
    teams: tuple[Team, ...]
    travel: Travel
    centre: Point
    reach: int | None = None

    @property
    def by_id(self) -> Mapping[str, Visit]:
        return {visit.id: visit for visit in self.visits}


class Stop(msgspec.Struct, frozen=True):
    """A visit in its round: set out, begin, be done (seconds after midnight), the way there in metres, seconds late."""

    visit: str
    leaves: int
    begins: int
    ends: int
    metres: int
    late: int = 0


class Round(msgspec.Struct, frozen=True):
    """One team's day in order. `home`: back at the end; `lunch_at`: when the pause begins, if one falls into the round."""

    team: str
    stops: tuple[Stop, ...]
    home: int
    metres: int
    lunch_at: int | None = None

    @property
    def late(self) -> int:
        return sum(stop.late for stop in self.stops)


class Plan(msgspec.Struct, frozen=True):
    """Every team's round and who is not visited, with why (`scheduling/rounds/why.py`). `listed`: first come, first served."""

    rounds: tuple[Round, ...]
    unserved: Mapping[str, str]
    seconds: float = 0.0
    listed: tuple[Round, ...] = ()

    @property
    def metres(self) -> int:
        return sum(round.metres for round in self.rounds)

    @property
    def late(self) -> int:
        """Seconds late, over all visits."""
        return sum(round.late for round in self.rounds)

    @property
    def served(self) -> int:
        return sum(len(round.stops) for round in self.rounds)
