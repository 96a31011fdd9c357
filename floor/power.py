"""When a machine may go dark: not at an hour, but once the day is over and nobody is left to serve."""

from datetime import datetime, timedelta

from devices import registry, settings
from devices.registry import Device
from floor.database import Db
from queueing.halls import Hall
from queueing.rest import Left, Today, left_today


def may_sleep(device: Device, hall: Hall, left: Left, now: datetime) -> bool:
    """May this device sleep now? Its part of the hall has no door open and none that opens within its `wake_minutes`, and
    there nobody waits or is served any more, or no window is open that could. Never in a hall that is always open.
    """
    own = settings.complete(device.kind, device.config)
    if hall.always_open or own["power"] == "always":
        return False
    if left.opens is not None and left.opens - timedelta(minutes=own["wake_minutes"]) <= now:
        return False
    return not (left.living and left.staffed)


def left_for(device: Device, today: Today) -> Left:
    """What is left to do where this machine stands."""
    if device.window is not None:
        return today.at_window(device.window)
    return today.in_zone(device.zone) if device.zone is not None else today.in_hall()


NOW = "SELECT hall_now()"


async def follow_the_day(db: Db, hall: Hall) -> list[str]:
    """Let the machines of a hall sleep that may, and wake the others. Gives whom that changed."""
    now, today = await db.fetchval(NOW), await left_today(db, hall)
    here = [device for device in await registry.list_devices(db, hall.id) if device.paired_at and not device.revoked_at]
    return await registry.rest(db, hall.id, [d.id for d in here if may_sleep(d, hall, left_for(d, today), now)])
