"""The map of a day's rounds: to scale, with north on top, marks that can be told apart and lie beside each other."""

from itertools import combinations
from math import hypot
from pathlib import Path

import pytest

from floor.pages.maps import MARK, Door, Line, Sheet, draw, mercator
from scheduling.rounds.travel import Point, crow

HALL = Point(26.59, 104.83)


def door(n: int, lat: float, lon: float) -> Door:
    return Door(str(n), Point(lat, lon), str(n), f"#{n}")


def test_a_map_keeps_its_scale_and_north_is_on_top() -> None:
    north, east = Point(26.65, 104.83), Point(26.59, 104.95)
    sheet = Sheet([HALL, north, east], 960, 640)
    (x, y), (_, up), (right, _) = sheet.at(HALL), sheet.at(north), sheet.at(east)
    assert up < y and right > x
    assert hypot(right - x, 0) * sheet.metres == pytest.approx(crow(HALL, east), rel=0.005)
    assert (y - up) * sheet.metres == pytest.approx(crow(HALL, north), rel=0.005)
    length, units = sheet.bar()
    assert length == 2000
    assert units * sheet.metres == pytest.approx(2000, rel=0.001)
    assert all(0 < value < 960 for place in (HALL, north, east) for value in sheet.at(place))


def test_one_place_is_shown_with_two_kilometres_around_it() -> None:
    sheet = Sheet([HALL], 390, 300)
    assert list(sheet.at(HALL)) == pytest.approx([195.0, 150.0])
    assert 300 * sheet.metres == pytest.approx(2000, rel=0.4)


def test_marks_stand_beside_each_other_and_a_line_leads_to_their_door() -> None:
    doors = [door(n, 26.6 + n * 0.00001, 104.85) for n in range(1, 5)]
    lines = [Line("1", "一组", 0, HALL, HALL, doors), Line("2", "二组", 1, HALL, HALL, [door(9, 26.5, 104.8)])]
    made = draw(HALL, lines, [door(7, 26.62, 104.9)])
    places = [(mark["x"], mark["y"]) for mark in made["marks"]]
    assert all(hypot(a[0] - b[0], a[1] - b[1]) > 2 * MARK - 3 for a, b in combinations(places, 2))
    assert [mark["no"] for mark in made["marks"]] == ["1", "2", "3", "4", "9", "7"]
    assert [mark["tone"] for mark in made["marks"]] == [1, 1, 1, 1, 2, 0]
    assert made["marks"][0]["off"] and not made["marks"][4]["off"]
    assert [bool(mark["shape"]) for mark in made["marks"]] == [False] * 4 + [True, False]  # a round, a square, one that waits
    assert [line["points"].count(",") for line in made["lines"]] == [6, 3]
    assert draw(HALL, lines, [door(7, 26.62, 104.9)]) == made
    (name,) = draw(HALL, lines, areas=[("东街", doors[0].point)])["areas"]  # beside the marks, not under them
    assert all(abs(name["x"] - x) > MARK + 20 or abs(name["y"] - 6 - y) > MARK + 8 for x, y in places[:4])


def test_tiles_lie_where_their_places_are_and_only_those_the_hall_has(tmp_path: Path) -> None:
    points = [HALL, Point(26.65, 104.95)]
    sheet = Sheet(points, 960, 640)
    assert sheet.tiles(tmp_path) == []
    zoom = next(zoom for zoom in range(19, 0, -1) if 256 * 2**zoom <= sheet.scale * 1.5)
    x, y = mercator(HALL)
    file = tmp_path / str(zoom) / str(int(x * 2**zoom)) / f"{int(y * 2**zoom)}.png"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"a picture")
    (tile,) = sheet.tiles(tmp_path)
    hall_x, hall_y = sheet.at(HALL)
    assert tile["at"] == f"{zoom}/{file.parent.name}/{file.stem}"
    assert tile["x"] <= hall_x <= tile["x"] + tile["size"] and tile["y"] <= hall_y <= tile["y"] + tile["size"]
    assert sheet.tiles(None) == []
