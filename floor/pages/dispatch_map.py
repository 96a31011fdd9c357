"""The map of the dispatch page: every team's way as it stands or as a plan would have it, and who waits for a time."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from floor.pages.dispatched import Names
from floor.pages.maps import Door, Line, draw
from floor.pages.staffed import clock
from scheduling.rounds.day import Day
from scheduling.rounds.store import PlannedStop
from scheduling.rounds.travel import Point
from scheduling.teams import Area, Team

UNDER_WAY = {"on_the_way": "now", "on_site": "now", "completed": "done"}


def lines_now(day: Day, cards: Sequence[Mapping[str, Any]]) -> tuple[list[Line], list[Door]]:
    """The rounds as they stand, for the map, and who waits for a time."""
    crews: dict[int, Team] = {crew.id: crew for crew in day.crews}
    lines = []
    for tone, card in enumerate(cards):
        crew = crews[card["id"]]
        home = Point(crew.start_lat, crew.start_lon)
        doors = [
            Door(
                str(row["id"]), day.points[row["id"]], str(row["no"]), door_word(card, row), UNDER_WAY.get(row["state"], ""),
                bool(row["late"]) and row["state"] != "completed",
            )
            for row in card["rows"] if row["id"] in day.points
        ]  # fmt: skip
        lines.append(Line(str(crew.id), crew.name, tone, home, home, doors))
    return lines, [
        Door(str(it.id), day.points[it.id], "?", f"#{it.id}") for it in day.visits.values()
        if it.state == "accepted" and it.id in day.points
    ]  # fmt: skip


def door_word(card: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    late = f" +{row['late']}" if row["late"] else ""
    return f"{card['name']} {row['no']} · #{row['id']} {row['area']} · {row['told']}{late} · {row['word']}"


def lines_planned(day: Day, stops: Sequence[PlannedStop], names: Names) -> tuple[list[Line], list[Door]]:
    """The rounds as a plan would have them, from where each team is now, and whom it leaves out."""
    lines, placed = [], set()
    for tone, crew in enumerate(day.crews):
        mine = [it for it in stops if it.team == crew.id and it.visit in day.points]
        placed |= {it.visit for it in mine}
        doors = [
            Door(str(it.visit), day.points[it.visit], str(no), f"{crew.name} {no} #{it.visit} {clock(it.start, names.hall)}")
            for no, it in enumerate(mine, 1)
        ]
        ready = day.ready.get(crew.id)
        home = Point(crew.start_lat, crew.start_lon)
        lines.append(Line(str(crew.id), crew.name, tone, ready.point if ready is not None else home, home, doors))
    left = [
        Door(str(it.id), day.points[it.id], "?", f"#{it.id}") for it in day.visits.values()
        if it.state in ("accepted", "scheduled") and it.id in day.points and it.id not in placed
    ]  # fmt: skip
    return lines, left


def the_map(
    day: Day, lines: Sequence[Line], waiting: Sequence[Door], areas: Sequence[Area], named: Mapping[str, str], tiles: Path | None,
    only: int | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The map of all teams; of `only` one it is drawn small, so that a phone shows it large."""
    around = [(named[it.code], Point(it.lat, it.lon)) for it in areas]
    if only is None:
        return draw(day.centre, lines, waiting, around, tiles=tiles)
    return draw(day.centre, [line for line in lines if line.key == str(only)], (), around, wide=480, tall=400, tiles=tiles)
