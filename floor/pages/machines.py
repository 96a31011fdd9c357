"""The machines as people look for them: by kind and place, and what is wrong with each."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from devices import health, registry
from floor.database import Db
from floor.pages.staffed import elapsed
from floor.words import Words
from queueing import numbers
from queueing.halls import Hall


async def disputes(db: Db, hall: Hall, now: datetime, say: Words) -> list[dict[str, Any]]:
    """Numbers that dispensers gave out alone and no queue knows: which, where, why, and whether they may still join."""
    known = {device.id: device for device in await registry.list_devices(db, hall.id)}
    return [
        {
            "id": one.id, "number": one.printed, "why": say(f"manage.dispute_{one.reason}"),
            "elapsed": elapsed(one.joined_at, now),
            "place": place_of(known[one.device], say) if one.device in known else one.device, "since": one.joined_at,
            "joins": one.today and one.service is not None and one.reason != "number_taken",
        }
        for one in await numbers.disputes(db, hall.id)
    ]  # fmt: skip


async def machines(db: Db, hall: Hall, now: datetime, say: Words) -> dict[str, Any]:
    """What is wrong with the machines, the same trouble of one kind in one line, and how many are there."""
    known = {device.id: device for device in await registry.list_devices(db, hall.id) if device.revoked_at is None}
    troubles: dict[tuple[str, str], list[health.Alarm]] = {}
    for alarm in await health.alarms(db, hall.id):
        if alarm.device in known:
            troubles.setdefault((known[alarm.device].kind, alarm_word(alarm, say)), []).append(alarm)
    paired = [device for device in known.values() if device.paired_at]
    return {
        "alarms": [trouble(word, known[same[0].device], same, now, say) for (_, word), same in troubles.items()],
        "devices_on": sum(device.present for device in paired), "devices_all": len(known),
    }  # fmt: skip


def trouble(word: str, first: registry.Device, same: list[health.Alarm], now: datetime, say: Words) -> dict[str, Any]:
    """One trouble: where it began, and how many machines have it."""
    place = place_of(first, say)
    return {
        "word": word, "place": say("fleet.and_more", place=place, n=len(same)) if len(same) > 1 else place,
        "since": same[0].since, "elapsed": elapsed(same[0].since, now),
    }  # fmt: skip


def alarm_word(alarm: health.Alarm, say: Words) -> str:
    """An alarm in the reader's words."""
    return part_word(alarm.part, alarm.state, say)


def part_word(part: str, state: str, say: Words) -> str:
    """A part and how it is, in the reader's words; one nobody has named yet is told as it calls itself."""
    key = f"fleet.part_{part}_{state}"
    return say(key) if key in say else f"{part} {state}"


def standing_of(device: registry.Device, alarms: Sequence[health.Alarm], now: datetime, say: Words) -> dict[str, Any]:
    """How a machine is, in one badge: its order in a list, look, word, and since when."""
    if device.paired_at is None:
        order, tone, symbol, word, since = 1, "waiting", "pair", say["fleet.unpaired"], device.created_at
    elif alarms:
        order, tone, symbol, since = 0, "fault", "alert", alarms[0].since
        word = "、".join(part_word(alarm.part, alarm.state, say) for alarm in alarms)
    elif device.present and device.asleep:
        order, tone, symbol, word, since = 3, "quiet", "closed", say["fleet.asleep"], device.config_taken_at or device.paired_at
    elif device.present:
        order, tone, symbol, word, since = 2, "serving", "check", say["fleet.well"], device.paired_at
    else:
        order, tone, symbol, word, since = 0, "fault", "offline", say["fleet.silent"], device.last_seen or device.paired_at
    return {"order": order, "tone": tone, "symbol": symbol, "word": word, "since": since, "elapsed": elapsed(since, now)}


def place_of(device: registry.Device, say: Words) -> str:
    """A machine by kind and place: people look for it in the hall, not in a list of ids."""
    kind = say[f"fleet.kind_{device.kind}"]
    if device.window:
        return f"{kind} · {say('console.window', no=device.window)}"
    if device.zone:
        return f"{kind} · {say('fleet.zone', code=device.zone)}"
    return device.name if device.name.startswith(kind) else f"{kind} · {device.name}"
