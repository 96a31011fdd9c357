"""A plain map of a day's rounds, drawn without the internet: doors, ways and the hall to scale, north on top."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import atan, cos, degrees, exp, hypot, log, pi, radians, sin, tan
from pathlib import Path
from typing import Any

from scheduling.rounds.travel import EARTH_M, Point

MARK = 13  # half the size of a door's mark, in the drawing's units
HAND = 42  # a mark is not pushed further than this from where its door is
TONES = 8
# Every team has a colour, a line and a shape of its own: sides of its mark, turned by so many degrees (0 sides: round).
SHAPES = ((0, 0), (4, 45), (4, 0), (3, 0), (6, 0), (5, 0), (3, 60), (8, 22.5))
LETTER = 18  # size of the name of an area
LENGTHS = tuple(step * 10**power for power in range(1, 6) for step in (1, 2, 5))  # metres a scale bar may show
TILE = 256
MOST_TILES = 80
ZOOMS = range(1, 20)


@dataclass(frozen=True, slots=True)
class Door:
    """A door on the map: its number in the round, where, whether it is `done`, `now` or to come (""), whether it is late."""

    key: str
    point: Point
    no: str
    word: str
    state: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A team's way: from where to where, by these doors in order. `tone` counts from 0."""

    key: str
    name: str
    tone: int
    start: Point
    end: Point
    doors: Sequence[Door] = field(default_factory=tuple)


class Sheet:
    """Places turned into a drawing of `wide` by `tall` units: Web Mercator, as tiles have it."""

    def __init__(self, points: Iterable[Point], wide: int, tall: int, edge: int = 36) -> None:
        flat = [mercator(point) for point in points] or [mercator(Point(0.0, 0.0))]
        xs, ys = [x for x, _ in flat], [y for _, y in flat]
        self.wide, self.tall = wide, tall
        # A single place is shown with the 2 km around it.
        least = 2000 / (EARTH_M * 2 * pi * cos(radians(latitude(sum(ys) / len(ys)))))
        across, along = max(max(xs) - min(xs), least), max(max(ys) - min(ys), least)
        self.scale = min((wide - 2 * edge) / across, (tall - 2 * edge) / along)
        self.left = (min(xs) + max(xs)) / 2 - wide / 2 / self.scale
        self.top = (min(ys) + max(ys)) / 2 - tall / 2 / self.scale

    def at(self, point: Point) -> tuple[float, float]:
        """Where a place lies on the drawing."""
        x, y = mercator(point)
        return (x - self.left) * self.scale, (y - self.top) * self.scale

    @property
    def metres(self) -> float:
        """Metres on the ground for a unit of the drawing, in its middle."""
        middle = latitude(self.top + self.tall / 2 / self.scale)
        return EARTH_M * 2 * pi * cos(radians(middle)) / self.scale

    def bar(self) -> tuple[int, float]:
        """The longest round length that fits into a fifth of the width: metres, units."""
        length = max((it for it in LENGTHS if it / self.metres <= self.wide / 5), default=LENGTHS[0])
        return length, length / self.metres

    def tiles(self, folder: Path | None) -> list[dict[str, Any]]:
        """The pictures under the drawing, as far as the hall has them: {zoom}/{column}/{row}.png in this folder."""
        if folder is None:
            return []
        zoom = max((it for it in ZOOMS if TILE * 2**it <= self.scale * 1.5), default=ZOOMS[0])
        size, many = self.scale / 2**zoom, 2**zoom
        first, above = int(self.left * many), int(self.top * many)
        columns = range(first, int((self.left + self.wide / self.scale) * many) + 1)
        rows = range(above, int((self.top + self.tall / self.scale) * many) + 1)
        if len(columns) * len(rows) > MOST_TILES:
            return []
        return [
            {"at": f"{zoom}/{column}/{row}", "x": round((column / many - self.left) * self.scale, 1),
             "y": round((row / many - self.top) * self.scale, 1), "size": round(size + 0.5, 1)}
            for column in columns for row in rows if (folder / str(zoom) / str(column) / f"{row}.png").is_file()
        ]  # fmt: skip


def mercator(point: Point) -> tuple[float, float]:
    """A place in the square of Web Mercator, 0 to 1 from the west and from the north."""
    lat = max(-85.0, min(85.0, point.lat))
    return (point.lon + 180) / 360, 0.5 - log(tan(pi / 4 + radians(lat) / 2)) / (2 * pi)


def latitude(y: float) -> float:
    """The latitude of a height in that square."""
    return degrees(2 * atan(exp((0.5 - y) * 2 * pi)) - pi / 2)


def draw(
    centre: Point, lines: Sequence[Line], waiting: Sequence[Door] = (), areas: Sequence[tuple[str, Point]] = (), *,
    wide: int = 600, tall: int = 500, tiles: Path | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Everything the template draws: ways, marks with their numbers, who waits for a time, names of areas, scale."""
    doors = [(line.tone, line.key, door) for line in lines for door in line.doors] + [(-1, "", door) for door in waiting]
    around = [door.point for _, _, door in doors] or [place for _, place in areas]
    places = [centre, *around, *(place for line in lines for place in (line.start, line.end))]
    sheet = Sheet(places, wide, tall)
    true = [sheet.at(door.point) for _, _, door in doors]
    spots = apart([sheet.at(centre), *true], fixed=1)[1:]
    length, units = sheet.bar()
    seen = [(name, *sheet.at(place)) for name, place in areas]
    return {
        "wide": wide, "tall": tall, "tiles": sheet.tiles(tiles), "centre": rounded(sheet.at(centre)),
        "lines": [
            {"key": line.key, "name": line.name, "tone": line.tone % TONES + 1, "count": len(line.doors),
             "points": joined([line.start, *(door.point for door in line.doors), line.end], sheet) if line.doors else ""}
            for line in lines
        ],
        "marks": [
            mark(tone, door, line, there, shown)
            for (tone, line, door), there, shown in zip(doors, true, spots, strict=True)
        ],
        "areas": named([area for area in seen if 0 < area[1] < wide and 0 < area[2] < tall], [sheet.at(centre), *spots], sheet),
        "bar": {"metres": length, "word": f"{length // 1000} km" if length >= 1000 else f"{length} m", "units": round(units, 1)},
    }  # fmt: skip


def named(areas: Sequence[tuple[str, float, float]], taken: Sequence[tuple[float, float]], sheet: Sheet) -> list[dict[str, Any]]:
    """Names of areas as near to their middle as nothing else stands: each where it covers least, the nearest first."""
    boxes = [(x - MARK - 2, y - MARK - 2, x + MARK + 2, y + MARK + 2) for x, y in taken]
    found = []
    for name, x, y in areas:
        half = sum(LETTER if ord(sign) > 0x2E7F else LETTER * 0.58 for sign in name) / 2 + 4
        best: tuple[float, float, float, tuple[float, float, float, float]] | None = None
        for far in (0, 28, 56, 84, 120, 160):
            for east, south in ((0, -1), (0, 1), (1, 0), (-1, 0), (0.7, -0.7), (-0.7, -0.7), (0.7, 0.7), (-0.7, 0.7)):
                at_x = min(max(x + east * (far + half * (far > 0)), half), sheet.wide - half)
                at_y = min(max(y + south * far, LETTER), sheet.tall - LETTER)
                box = (at_x - half, at_y - LETTER / 2, at_x + half, at_y + LETTER / 2)
                covers = sum(shared(box, other) for other in boxes)
                if best is None or covers < best[0]:
                    best = (covers, at_x, at_y, box)
        if best is not None:
            boxes.append(best[3])
            found.append({"name": name, "x": round(best[1]), "y": round(best[2] + LETTER * 0.36)})
    return found


def shared(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> float:
    """The ground two boxes have in common: left, top, right, bottom."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    along = min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, across) * max(0.0, along)


def sample(tone: int) -> str:
    """A team's mark for a legend of 22 by 22; nothing for a round one."""
    return shape(tone, 11, 11, 8)


def mark(tone: int, door: Door, line: str, there: tuple[float, float], shown: tuple[float, float]) -> dict[str, Any]:
    """A door's mark where it is `shown`; `off` when that is not quite where the door is."""
    (x, y), (tx, ty) = shown, there
    return {
        "no": door.no, "word": door.word, "state": door.state, "late": door.late, "key": door.key, "line": line,
        "tone": tone % TONES + 1 if tone >= 0 else 0, "shape": shape(tone, x, y), "off": hypot(x - tx, y - ty) > 2,
        "x": round(x, 1), "y": round(y, 1), "tx": round(tx, 1), "ty": round(ty, 1),
    }  # fmt: skip


def joined(points: Sequence[Point], sheet: Sheet) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(sheet.at, points))


def rounded(place: tuple[float, float]) -> dict[str, float]:
    return {"x": round(place[0], 1), "y": round(place[1], 1)}


def shape(tone: int, x: float, y: float, size: float = MARK) -> str:
    """The corners of a team's mark; nothing for a round one."""
    sides, turn = SHAPES[tone % TONES] if tone >= 0 else (0, 0)
    reach = size * (1.45 if sides == 3 else 1.25 if sides == 4 else 1.12)
    corners = (radians(turn + 360 / sides * n - 90) for n in range(sides))
    return " ".join(f"{x + reach * cos(it):.1f},{y + reach * sin(it):.1f}" for it in corners)


def apart(places: Sequence[tuple[float, float]], *, fixed: int = 0) -> list[tuple[float, float]]:
    """Marks that would lie on each other, pushed aside a little; the first `fixed` stay."""
    spots = [list(place) for place in places]
    for _ in range(80):
        moved = False
        for n, one in enumerate(spots):
            for m in range(n + 1, len(spots)):
                other = spots[m]
                dx, dy = other[0] - one[0], other[1] - one[1]
                if abs(dx) >= 2 * MARK or abs(dy) >= 2 * MARK:
                    continue
                far = hypot(dx, dy)
                if far >= 2 * MARK:
                    continue
                # Two doors at one place go apart by their numbers, so that the same day is drawn the same.
                ux, uy = (dx / far, dy / far) if far > 0.01 else (cos(n + m), sin(n + m))
                push = (2 * MARK - far) / 2 + 0.2
                for spot, place, sign, stays in ((one, places[n], -1, n < fixed), (other, places[m], 1, m < fixed)):
                    x, y = spot[0] + sign * push * ux, spot[1] + sign * push * uy
                    if not stays and hypot(x - place[0], y - place[1]) <= HAND:
                        spot[0], spot[1], moved = x, y, True
        if not moved:
            break
    return [(spot[0], spot[1]) for spot in spots]
