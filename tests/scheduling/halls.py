"""A hall that closes at five, with slots tomorrow, for what happens towards the end of a day."""

from dataclasses import replace

from floor.database import Connection
from queueing.halls import Hall
from queueing.tickets import Act, take
from tests.scheduling.clocks import at

DAY = "2027-03-03"


async def until_five(db: Connection, hall: Hall) -> Hall:
    """Nine o'clock of a Wednesday; last ticket at half past four, closing at five; two places each tomorrow morning; and the hall
    goes to people's doors."""
    await at(db, f"{DAY} 09:00+08")
    await db.execute("DELETE FROM doors")
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute(
        "INSERT INTO doors (hall, day, service, opens, last_ticket, closes) SELECT $1, $2::text::date, s, $3::text::timestamptz, "
        "$4::text::timestamptz, $5::text::timestamptz FROM unnest(ARRAY['A', 'B']) AS s",
        hall.id, DAY, f"{DAY} 09:00+08", f"{DAY} 16:30+08", f"{DAY} 17:00+08",
    )  # fmt: skip
    await slot(db, hall, "A", "2027-03-04 09:00+08")
    await slot(db, hall, "B", "2027-03-04 10:00+08")
    await db.execute("INSERT INTO matters (hall, code, name, service) VALUES ($1, 'CERT', '认证', 'A')", hall.id)
    await db.execute("INSERT INTO doorstep_matters (hall, matter, minutes) VALUES ($1, 'CERT', 20)", hall.id)
    return replace(hall, always_open=False)


async def slot(db: Connection, hall: Hall, service: str, start: str, places: int = 2) -> None:
    await db.execute(
        "INSERT INTO slots (hall, service, start, ends, day, capacity) VALUES ($1, $2, $3::text::timestamptz, "
        "$3::text::timestamptz + interval '30 min', ($3::text::timestamptz AT TIME ZONE 'Asia/Shanghai')::date, $4)",
        hall.id, service, start, places,
    )  # fmt: skip


async def number(db: Connection, hall: Hall, service: str = "A", person: bytes | None = None) -> Act:
    return await take(db, hall, [service], actor="citizen", channel="api", person=person)
