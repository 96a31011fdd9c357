"""How pages say times, waits and names, so that every page says them alike."""

from datetime import datetime
from math import ceil
from zoneinfo import ZoneInfo

from floor.words import Words
from queueing.forecast import Wait
from queueing.halls import Hall, Service, ServiceNow, Zone
from queueing.matters import Event, Matter, in_language


def minutes(t: Words, wait: Wait | None) -> str:
    """A wait as an honest range of whole minutes, "约 12–18 分钟"; a sentence of its own where nobody can know."""
    if wait is None:
        return t["common.minutes_unknown"]
    low, high = wait.p50_s // 60, ceil(wait.p90_s / 60)
    if high <= 1:
        return t["common.soon"]
    low = max(low, 1)
    return t("common.minutes_one", low=high) if low >= high else t("common.minutes", low=low, high=high)


def local(hall: Hall, moment: datetime) -> datetime:
    """A moment on the hall's own clock."""
    return moment.astimezone(ZoneInfo(hall.time_zone))


def hours(hall: Hall, moment: datetime) -> str:
    """A moment as hours and minutes of the hall, "14:05"."""
    return f"{local(hall, moment):%H:%M}"


def day(t: Words, hall: Hall, moment: datetime) -> str:
    """A moment's day, "11月21日 周六"."""
    at = local(hall, moment)
    return t("common.date", month=t[f"common.month_{at.month}"], day=at.day, weekday=t[f"common.weekday_{at.isoweekday()}"])


def when(t: Words, hall: Hall, moment: datetime | None) -> str:
    """A booked time, "11月23日 周一 09:00"; empty for none."""
    return f"{day(t, hall, moment)} {hours(hall, moment)}" if moment else ""


def service_name(t: Words, service: ServiceNow | Service) -> str:
    """A service's name in the reader's language, its own where there is none."""
    return {"en": service.name_en, "zh-Hant": service.name_hant}.get(t.lang) or service.name


def zone_name(t: Words, zone: Zone | None) -> str:
    """A zone as a sentence names it; without a name in the reader's language by the letter on its sign, or its own name."""
    if zone is None:
        return ""
    return {"en": zone.name_en, "zh-Hant": zone.name_hant}.get(t.lang) or t("common.zone", code=zone.code, name=zone.name)


def zone_of(zones: list[Zone], code: str | None) -> Zone | None:
    """The zone of that code."""
    return next((zone for zone in zones if zone.code == code), None)


def matter_name(t: Words, matter: Matter | Event) -> str:
    """A matter's or life event's name in the reader's language, its own where there is none."""
    return in_language(t.lang, matter.name, matter.name_hant, matter.name_en) or matter.name


def days(t: Words, promised: int | None) -> str:
    """The promised limit: while you wait, or so many working days; nothing where none is promised."""
    return "" if promised is None else t["matters.days_0"] if promised == 0 else t("matters.days", n=promised)
