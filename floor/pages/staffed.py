"""What the staff pages have in common: times as people say them, names in the reader's language, the floor by area."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from floor import lines
from floor.api.problems import Refusal, faults_of, sentence
from floor.database import Db
from floor.pages.on_duty import planned_at
from floor.pages.wording import service_name, zone_name
from floor.signin import Person, leads
from floor.words import Words
from queueing.halls import Hall, ServiceNow, services, zones
from queueing.windows import Window
from scheduling.roster.planned import Duty

# Each state is a colour, an icon and (in the catalogue) a word.
LOOKS = {
    "closed": ("closed", "closed"), "open": ("waiting", "person"), "called": ("called", "bell"),
    "serving": ("serving", "check"), "paused": ("paused", "pause"),
}  # fmt: skip


def reason_of(refused: Refusal, say: Words) -> str:
    """Why not, for whoever pressed: what is wrong with the first field that can't be used, or the hall's own reason."""
    faults = faults_of(refused, say)
    return faults[0].message if faults else sentence(refused, say)


async def now_of(db: Db) -> datetime:
    """The hall's own clock, which pages count from."""
    now: datetime = await db.fetchval("SELECT hall_now()")
    return now


def clock(at: datetime | None, hall: Hall, seconds: bool = False) -> str:
    """14:05 in the hall's zone; nothing for what never happened."""
    return f"{at.astimezone(ZoneInfo(hall.time_zone)):{'%H:%M:%S' if seconds else '%H:%M'}}" if at else ""


def elapsed(since: datetime, now: datetime) -> str:
    """A running clock as it stands: 0:42, 12:05, 1:02:05."""
    minutes, seconds = divmod(max(0, int((now - since).total_seconds())), 60)
    return f"{minutes}:{seconds:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


@dataclass(frozen=True, slots=True)
class Service:
    """A service as a page shows it: `word` is its name in the reader's language."""

    code: str
    word: str
    zone: str
    status: str
    waiting: int


def localized(service: ServiceNow, say: Words) -> Service:
    return Service(service.code, service_name(say, service), service.zone, service.status, service.waiting)


def may_act_at(person: Person, window: Window) -> bool:
    """A clerk at the own or a free window, a leader in the own zone, a manager anywhere."""
    if leads(person, window.zone):
        return True
    return "clerk" in person.roles and window.clerk in (None, person.username)


async def zones_of(
    db: Db, hall: Hall, floor: list[Window], person: Person, say: Words, on: Sequence[Duty] | None = None
) -> list[dict[str, Any]]:
    """The floor by area: who sits where, and how many wait there; where the person's shift is comes first, `planned` of each."""
    names = await lines.names(db, hall)
    waiting = {zone.code: 0 for zone in await zones(db, hall)}
    for service in await services(db, hall):
        waiting[service.zone] = waiting.get(service.zone, 0) + service.waiting
    found = [
        {
            "code": zone.code, "name": zone_name(say, zone), "waiting": waiting[zone.code],
            "windows": sorted(
                ({"no": window.no, "state": window.state, "name": names.get(window.clerk or "", ""), "ticket": window.ticket,
                  "since": window.since, "may": may_act_at(person, window), "planned": planned_at(on, zone.code, window.no),
                  "mine": window.clerk is not None and window.clerk == person.username}
                 for window in floor if window.zone == zone.code),
                key=lambda window: not window["planned"],
            ),
        }
        for zone in await zones(db, hall)
    ]  # fmt: skip
    return sorted(found, key=lambda zone: not any(window["planned"] for window in zone["windows"]))
