"""A plan as the dispatch page tells it: what it saves, whose time moves, who is left out and why, and who has heard of it."""

from collections.abc import Mapping, Sequence
from typing import Any

from floor import doorstep_words as telling
from floor.pages.dispatched import Names, kilometres
from floor.pages.maps import sample
from floor.pages.staffed import clock
from floor.words import Words
from scheduling.doorstep import Visit
from scheduling.rounds.day import Day
from scheduling.rounds.store import Kept, PlannedStop

LATER = frozenset(
    {"no_time", "off_shift", "too_far", "no_room", "full", "no_team", "no_kit", "no_skill", "no_both"}
)  # another day may do


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
        "words": [
            compared(names.say, name, beside["plan"], beside[name]) for name in ("list", "now")
            if name in beside and "plan" in beside and (name == "list" or beside[name]["visits"])
        ],
        "later": any(why in LATER for why in (plan.unserved or {}).values()),
        "nobody": not any(it.team is not None for it in stops),
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


def compared(say: Words, name: str, plan: Mapping[str, int], other: Mapping[str, int]) -> str:
    """What a plan saves against the order of requests, or against the day as it stands, in one sentence; none where it is the
    same."""
    metres, late, visits = (other[part] - plan[part] for part in ("metres", "late", "visits"))
    parts = []
    if visits:
        parts.append(say("dispatch.fewer_visits" if visits > 0 else "dispatch.more_visits", n=abs(visits)))
    if abs(metres) >= 100:
        share = round(100 * abs(metres) / other["metres"]) if other["metres"] else 100
        parts.append(say("dispatch.less_km" if metres > 0 else "dispatch.more_km", km=kilometres(abs(metres)), share=share))
    if round(late / 60):
        parts.append(say("dispatch.less_late" if late > 0 else "dispatch.more_late", n=abs(round(late / 60))))
    elif plan["late"] < 60 and name == "list":
        parts.append(say["dispatch.none_late"])
    if not parts:
        return ""
    return say(f"dispatch.against_{name}", what=(", " if say.lang == "en" else "，").join(parts))


def taken_card(day: Day, plan: Kept, stops: Sequence[PlannedStop], heard: Mapping[str, str], names: Names) -> dict[str, Any]:
    """The plan the day goes by: by whom and when it was taken, what moved, and who has heard of it; `call` counts who has not."""
    crews = {crew.id: crew.name for crew in day.crews}
    rows = []
    for stop in stops:
        visit = day.visits.get(stop.visit)
        if not stop.moves or visit is None or (visit.team, visit.start) != (stop.team, stop.start):
            continue
        told = how_told(visit, stop, heard)
        if stop.was_start is not None or told == "call":
            rows.append(
                {"id": stop.visit, "before": clock(stop.was_start, names.hall), "after": clock(stop.start, names.hall),
                 "from": crews.get(stop.was_team or 0, ""), "to": crews.get(stop.team or 0, ""), "told": told,
                 "confirms": told == "call" and visit.state == "scheduled"}
            )  # fmt: skip
    beside = plan.figures or {}
    return {
        "words": compared(names.say, "list", beside["plan"], beside["list"]) if beside.keys() >= {"plan", "list"} else "",
        "id": plan.id, "version": plan.version, "at": clock(plan.settled_at, names.hall),
        "by": names.people.get((plan.settled_by or "").rpartition(":")[2], ""),
        "new": sum(it.was_start is None and it.moves for it in stops),
        "moved": sum(it.was_start is not None and it.moves for it in stops),
        "call": sum(row["told"] == "call" for row in rows), "undoable": stands(day, stops),
        "rows": sorted(rows, key=lambda row: (row["told"] != "call", row["id"])),
    }  # fmt: skip


def stands(day: Day, stops: Sequence[PlannedStop]) -> bool:
    """Whether all that a plan changed still is as it left it, so that it can be taken back."""
    found = [(stop, day.visits.get(stop.visit)) for stop in stops if stop.moves]
    return all(
        visit is not None and visit.state in ("accepted", "scheduled") and (visit.team, visit.start) == (stop.team, stop.start)
        for stop, visit in found
    )


def how_told(visit: Visit, stop: PlannedStop, heard: Mapping[str, str]) -> str:
    """Who was told of a change: nobody need be (same), they said yes (confirmed), word is out (sent) or goes out (waiting),
    or somebody has to call."""
    if stop.start == stop.was_start:
        return "same"
    if visit.confirmed_at is not None or visit.state not in ("accepted", "scheduled"):
        return "confirmed"
    state = heard.get(visit.key, "")
    return state if state in telling.GOES_OUT else "call"


def owed_by(day: Day, stops: Sequence[PlannedStop]) -> list[telling.Owed]:
    """The word that went out for what a plan changed."""
    return [
        telling.Owed(visit.key, "visit_open" if stop.start is None else "visit_planned", stop.start or stop.was_start)
        for stop in stops if stop.start != stop.was_start and (visit := day.visits.get(stop.visit)) is not None
    ]  # fmt: skip


def planned_round(
    day: Day, team: str, tone: int, way: Mapping[str, int | None], stops: Sequence[PlannedStop], names: Names
) -> dict[str, Any]:  # fmt: skip
    """One team's round of a plan, in order."""
    lunch = way["lunch"]
    return {
        "team": team, "tone": tone % 8 + 1, "sample": sample(tone), "km": kilometres(way["metres"] or 0),
        "home": clock(day.at(way["home"] or 0), names.hall),
        "lunch": clock(day.at(lunch), names.hall) if lunch is not None else "",
        "stops": [
            {"no": no, "id": stop.visit, "at": clock(stop.start, names.hall), "leaves": clock(stop.leaves, names.hall),
             "area": names.area(day.visits[stop.visit]), "about": names.about(day.visits[stop.visit]),
             "was": clock(stop.was_start, names.hall) if stop.was_start != stop.start else ""}
            for no, stop in enumerate(stops, 1)
        ],
    }  # fmt: skip
