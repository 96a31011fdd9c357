"""What the dispatch page shows of a day: who waits for an answer, who for a time, each team's round, which bags are out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from floor.pages.maps import sample
from floor.pages.staffed import clock
from floor.pages.wording import day as day_of
from floor.words import Words
from queueing.halls import Hall
from queueing.matters import in_language
from scheduling.doorstep import Visit
from scheduling.looks import Masked
from scheduling.rounds.day import CREDITED, Day
from scheduling.rounds.ground import ANSWER
from scheduling.rounds.problem import Round
from scheduling.rounds.store import LATE_S
from scheduling.teams import Area, Kit, Team


@dataclass(frozen=True, slots=True)
class Names:
    """Words of the hall in the reader's language: areas and matters by code, people by the name they sign in with."""

    say: Words
    hall: Hall
    areas: Mapping[str, str]
    matters: Mapping[str, str]
    people: Mapping[str, str]
    masks: Mapping[int, Masked]
    kits: Mapping[str, str] = field(default_factory=dict)

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


def request_row(visit: Visit, names: Names, now: datetime, carried: Sequence[Collection[str]] | None = None) -> dict[str, Any]:
    """A request that waits for an answer, or an accepted one that waits for a time; `carried` are the bags of each team."""
    waited = (now - visit.asked_at).total_seconds()
    lacks = bool(visit.kits) and carried is not None and not any(set(visit.kits) <= set(bags) for bags in carried)
    return {
        "id": visit.id, "area": names.area(visit), "about": names.about(visit), "minutes": visit.minutes,
        "reason": names.say[f"dispatch.reason_{visit.reason}"], "channel": names.say[f"dispatch.by_{visit.channel}"],
        "spans": names.spans(visit), "waited": lasted(names.say, waited),
        "long": visit.state == "requested" and waited >= names.hall.value(ANSWER) * 3600,
        "asked": f"{names.day(visit.asked_at)} {clock(visit.asked_at, names.hall)}", "evidenced": visit.evidenced,
        "known": visit.known, "mask": names.masks.get(visit.id), "first": visit.credit >= CREDITED,
        "kits": [names.kits.get(code, code) for code in visit.kits], "lacks": lacks,
        "over": bool(visit.preferred) and all(span["to"] < now for span in visit.preferred),
    }  # fmt: skip


def stop_row(visit: Visit, no: int, names: Names, begins: datetime | None, late: int) -> dict[str, Any]:
    """A visit in a team's list."""
    return {
        "id": visit.id, "no": no, "state": visit.state, "area": names.area(visit), "about": names.about(visit),
        "told": clock(visit.start, names.hall), "expected": clock(begins, names.hall),
        "confirmed": visit.confirmed_at is not None,
        "late": round(late / 60) if late >= LATE_S else 0, "word": names.say[f"dispatch.state_{visit.state}"],
    }  # fmt: skip


def team_cards(day: Day, rounds: Sequence[Round], names: Names, services: Mapping[str, str]) -> list[dict[str, Any]]:
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
            begins = visit.arrived_at or (day.at(stop.begins) if stop is not None else coming(day, visit))
            late = stop.late if stop is not None else lateness(visit, begins)
            rows.append(stop_row(visit, no, names, begins, late))
        cards.append(
            {
                "id": crew.id, "name": crew.name, "tone": tone % 8 + 1, "out": crew.id in day.out, "rows": rows,
                "people": [names.people.get(who, who) for who in (crew.lead, crew.second)],
                "hours": f"{clock(crew.starts, names.hall)}–{clock(crew.ends, names.hall)}",
                "skills": [services.get(code, code) for code in crew.skills],
                "kits": [names.kits.get(code, code) for code in crew.kits],
                "sample": sample(tone), "lunch": lunch(day, crew, round_, names),
                "km": kilometres(round_.metres if round_ is not None else 0),
                "home": clock(day.at(round_.home), names.hall) if round_ is not None and round_.stops else "",
                "over": round_ is not None and bool(round_.stops) and round_.home > day.second(crew.ends),
                "late": max((row["late"] for row in rows), default=0), "made": sum(it.state == "completed" for it in mine),
            }
        )  # fmt: skip
    return cards


def lunch(day: Day, crew: Team, round_: Round | None, names: Names) -> str:
    """When a team eats: at the time its round leaves for it, else some time between two."""
    if round_ is not None and round_.lunch_at is not None:
        return clock(day.at(round_.lunch_at), names.hall)
    if crew.lunch_from is None:
        return ""
    return f"{clock(crew.lunch_from, names.hall)}–{clock(crew.lunch_to, names.hall)}"


def bags_out(day: Day, owned: Sequence[Kit], names: Names) -> list[dict[str, Any]]:
    """Every bag of the hall: how many are out, and the visits that need one no team carries."""
    going = [crew for crew in day.crews if crew.id not in day.out]
    needed = [it for it in day.visits.values() if it.state in ("accepted", "scheduled")]
    return [
        {
            "name": names.kits.get(kit.code, kit.code), "owned": kit.owned,
            "out": sum(kit.code in crew.kits for crew in going),
            "lacking": [] if any(kit.code in crew.kits for crew in going)
            else sorted(it.id for it in needed if kit.code in it.kits),
        }
        for kit in owned
    ]  # fmt: skip


def coming(day: Day, visit: Visit) -> datetime | None:
    """When whoever is on the way to a door will be there, by their own word or as the way is reckoned."""
    ready = day.ready.get(visit.team or 0)
    if visit.state != "on_the_way" or ready is None or ready.visit != visit.id:
        return None
    return day.at(ready.at - visit.minutes * 60)


def lateness(visit: Visit, begins: datetime | None) -> int:
    """Seconds late of a visit that has begun, or is on its way."""
    if visit.start is None or begins is None:
        return 0
    return max(0, round((begins - visit.start).total_seconds()))


def kilometres(metres: int) -> str:
    return f"{metres / 1000:.1f}"
