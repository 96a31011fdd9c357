"""What the dispatch page shows of a day: who waits for an answer, who for a time, each team's round, and a plan beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from floor.pages.maps import Door, Line, draw
from floor.pages.staffed import clock
from floor.pages.wording import day as day_of
from floor.words import Words
from queueing.halls import Hall
from queueing.matters import in_language
from scheduling.doorstep import Visit
from scheduling.looks import Masked
from scheduling.rounds.day import Day
from scheduling.rounds.ground import ANSWER
from scheduling.rounds.problem import Round
from scheduling.rounds.store import Kept, PlannedStop
from scheduling.rounds.travel import Point
from scheduling.teams import Area, Team

UNDER_WAY = {"on_the_way": "now", "on_site": "now", "completed": "done"}
LATE_S = 300  # from so many seconds late a visit is marked; less is on time


@dataclass(frozen=True, slots=True)
class Names:
    """Words of the hall in the reader's language: areas and matters by code, people by the name they sign in with."""

    say: Words
    hall: Hall
    areas: Mapping[str, str]
    matters: Mapping[str, str]
    people: Mapping[str, str]
    masks: Mapping[int, Masked]

    def area(self, visit: Visit) -> str:
        return self.areas.get(visit.area or "", "") or self.say["dispatch.no_area"]

    def about(self, visit: Visit) -> str:
        listed = [self.matters.get(code, code) for code in visit.matters]
        return ("、" if self.say.lang != "en" else ", ").join(listed) or self.say["dispatch.no_matters"]

    def spans(self, visit: Visit) -> list[str]:
        """When somebody is at home: 3月2日 09:00–12:00."""
        return [
            f"{self.day(span['from'])} {clock(span['from'], self.hall)}–{clock(span['to'], self.hall)}"
            for span in visit.preferred
        ]

    def day(self, at: datetime) -> str:
        return day_of(self.say, self.hall, at)


def area_names(known: Sequence[Area], say: Words) -> dict[str, str]:
    return {it.code: in_language(say.lang, it.name, it.name_hant, it.name_en) or it.name for it in known}


def lasted(say: Words, seconds: float) -> str:
    """How long something has waited: minutes, hours and minutes, days and hours."""
    minutes = max(0, int(seconds // 60))
    if minutes < 60:
        return say("dispatch.minutes", n=minutes)
    if minutes < 48 * 60:
        return say("dispatch.hours", h=minutes // 60, m=minutes % 60)
    return say("dispatch.days", d=minutes // 1440, h=minutes % 1440 // 60)


def request_row(visit: Visit, names: Names, now: datetime) -> dict[str, Any]:
    """A request that waits for an answer, or an accepted one that waits for a time."""
    waited = (now - visit.asked_at).total_seconds()
    return {
        "id": visit.id, "area": names.area(visit), "about": names.about(visit), "minutes": visit.minutes,
        "reason": names.say[f"dispatch.reason_{visit.reason}"], "channel": names.say[f"dispatch.by_{visit.channel}"],
        "spans": names.spans(visit), "waited": lasted(names.say, waited),
        "long": visit.state == "requested" and waited >= names.hall.value(ANSWER) * 3600,
        "asked": f"{names.day(visit.asked_at)} {clock(visit.asked_at, names.hall)}", "evidenced": visit.evidenced,
        "known": visit.known, "mask": names.masks.get(visit.id), "credit": visit.credit,
    }  # fmt: skip


def stop_row(day: Day, visit: Visit, no: int, names: Names, begins: datetime | None, late: int) -> dict[str, Any]:
    """A visit in a team's list."""
    return {
        "id": visit.id, "no": no, "state": visit.state, "area": names.area(visit), "about": names.about(visit),
        "told": clock(visit.start, names.hall), "expected": clock(begins, names.hall),
        "confirmed": visit.confirmed_at is not None,
        "late": round(late / 60) if late >= LATE_S else 0, "word": names.say[f"dispatch.state_{visit.state}"],
    }  # fmt: skip


def team_cards(
    day: Day, rounds: Sequence[Round], names: Names, kits: Mapping[str, str], services: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Every team with its round: what is made, in hand and to come, when that will be and how late."""
    walked = {int(it.team): it for it in rounds}
    cards = []
    for tone, crew in enumerate(day.crews):
        mine = sorted((it for it in day.visits.values() if it.team == crew.id), key=lambda it: (it.start or day.midnight, it.id))
        round_ = walked.get(crew.id)
        ahead = {int(stop.visit): stop for stop in round_.stops} if round_ is not None else {}
        rows = []
        for no, visit in enumerate(mine, 1):
            stop = ahead.get(visit.id)
            begins = visit.arrived_at or (day.at(stop.begins) if stop is not None else None)
            late = stop.late if stop is not None else lateness(visit)
            rows.append(stop_row(day, visit, no, names, begins, late))
        cards.append(
            {
                "id": crew.id, "name": crew.name, "tone": tone % 8 + 1, "out": crew.id in day.out, "rows": rows,
                "people": [names.people.get(who, who) for who in (crew.lead, crew.second)],
                "hours": f"{clock(crew.starts, names.hall)}–{clock(crew.ends, names.hall)}",
                "skills": [services.get(code, code) for code in crew.skills],
                "kits": [kits.get(code, code) for code in crew.kits],
                "km": kilometres(round_.metres if round_ is not None else 0),
                "home": clock(day.at(round_.home), names.hall) if round_ is not None and round_.stops else "",
                "over": round_ is not None and bool(round_.stops) and round_.home > day.second(crew.ends),
                "late": max((row["late"] for row in rows), default=0), "made": sum(it.state == "completed" for it in mine),
            }
        )  # fmt: skip
    return cards


def lateness(visit: Visit) -> int:
    """Seconds late of a visit that has begun."""
    if visit.start is None or visit.arrived_at is None:
        return 0
    return max(0, round((visit.arrived_at - visit.start).total_seconds()))


def kilometres(metres: int) -> str:
    return f"{metres / 1000:.1f}"


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


def plan_card(day: Day, plan: Kept, stops: Sequence[PlannedStop], names: Names) -> dict[str, Any]:
    """A proposed plan: figures beside the day as it is and beside first come, whose time moves, who is left out and why."""
    crews = {crew.id: crew.name for crew in day.crews}
    beside = plan.figures or {}
    moved = [it for it in stops if it.moves and it.was_state == "scheduled"]
    return {
        "id": plan.id, "version": plan.version, "cause": names.say[f"dispatch.cause_{plan.cause}"],
        "figures": [
            {"name": name, "km": kilometres(told["metres"]), "late": round(told["late"] / 60), "visits": told["visits"],
             "left": told["left"]}
            for name in ("plan", "now", "list") if (told := beside.get(name)) is not None
        ],
        "new": sum(it.was_state == "accepted" and it.team is not None for it in stops),
        "moved": [
            {"id": it.visit, "before": clock(it.was_start, names.hall), "after": clock(it.start, names.hall),
             "from": crews.get(it.was_team or 0, ""), "to": crews.get(it.team or 0, ""), "call": it.start != it.was_start}
            for it in moved
        ],
        "unserved": [
            {"id": int(number), "area": names.area(visit), "about": names.about(visit), "why": names.say[f"dispatch.why_{why}"]}
            for number, why in (plan.unserved or {}).items() if (visit := day.visits.get(int(number))) is not None
        ],
        "rounds": [
            planned_round(day, crew.name, n, way, [it for it in stops if it.team == crew.id and it.visit in day.visits], names)
            for n, crew in enumerate(day.crews) if (way := (plan.rounds or {}).get(str(crew.id))) is not None
        ],
    }  # fmt: skip


def planned_round(
    day: Day, team: str, tone: int, way: Mapping[str, int | None], stops: Sequence[PlannedStop], names: Names
) -> dict[str, Any]:  # fmt: skip
    """One team's round of a plan, in order."""
    lunch = way["lunch"]
    return {
        "team": team, "tone": tone % 8 + 1, "km": kilometres(way["metres"] or 0),
        "home": clock(day.at(way["home"] or 0), names.hall),
        "lunch": clock(day.at(lunch), names.hall) if lunch is not None else "",
        "stops": [
            {"no": no, "id": stop.visit, "at": clock(stop.start, names.hall), "leaves": clock(stop.leaves, names.hall),
             "area": names.area(day.visits[stop.visit]), "about": names.about(day.visits[stop.visit]),
             "was": clock(stop.was_start, names.hall) if stop.was_start != stop.start else ""}
            for no, stop in enumerate(stops, 1)
        ],
    }  # fmt: skip
