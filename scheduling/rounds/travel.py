"""How far and how long from door to door: great circles made longer by a road factor, or what the hall measured itself."""

from collections.abc import Mapping, Sequence
from math import asin, ceil, cos, radians, sin, sqrt

import msgspec

EARTH_M = 6_371_008.8  # the mean radius of the IUGG


class Point(msgspec.Struct, frozen=True, order=True):
    """A place by latitude and longitude in degrees; `area` is the hall's word for the part of town it lies in."""

    lat: float
    lon: float
    area: str = ""


class Measured(msgspec.Struct, frozen=True):
    """A way between two areas as somebody drove it: metres and seconds; the way back may differ."""

    metres: int
    seconds: int


class Travel(msgspec.Struct, frozen=True):
    """The rule for a way, in whole minutes: `road` metres of street for each 100 as the crow flies, `kmh` on the way.

    `stop_s` is to park and ring. What was `measured` between two areas ("from>to") goes before it; it says nothing of ways
    within one area.
    """

    road: int = 135
    kmh: int = 28
    stop_s: int = 180
    measured: Mapping[str, Measured] = {}

    def way(self, start: Point, end: Point) -> tuple[int, int]:
        """Metres, and seconds up to the next minute, from one place to another; none between a place and itself."""
        if (start.lat, start.lon) == (end.lat, end.lon):
            return 0, 0
        known = self.measured.get(f"{start.area}>{end.area}") if start.area and end.area and start.area != end.area else None
        if known is not None:
            return known.metres, minutes(known.seconds + self.stop_s)
        metres = round(crow(start, end) * self.road / 100)
        return metres, minutes(metres * 3.6 / self.kmh + self.stop_s)

    def ways(self, points: Sequence[Point]) -> list[list[tuple[int, int]]]:
        """Every way between these places, from row to column."""
        return [[self.way(start, end) for end in points] for start in points]


def minutes(seconds: float) -> int:
    """These seconds up to the next whole minute: nobody is told a time with seconds."""
    return ceil(seconds / 60) * 60


def crow(start: Point, end: Point) -> float:
    """Metres along the great circle (haversine)."""
    a, b = radians(start.lat), radians(end.lat)
    half = sin((b - a) / 2) ** 2 + cos(a) * cos(b) * sin(radians(end.lon - start.lon) / 2) ** 2
    return 2 * EARTH_M * asin(min(1.0, sqrt(half)))
