"""A hall that goes to people's doors: matters done off site, kits, areas; all in March 2027."""

from datetime import UTC, datetime, timedelta

from floor.database import Connection
from queueing.db import Db
from queueing.halls import Hall
from scheduling.teams import Kit, keep_door_matter, keep_kit
from tests.scheduling.clocks import at


def on(hour: int, minute: int = 0, day: int = 2) -> datetime:
    """A time of the hall in March 2027."""
    return datetime(2027, 3, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


MATTERS = """
INSERT INTO matters (hall, code, name, service) VALUES ($1, 'CERT', '养老资格认证', 'A'), ($1, 'CARD', '社保卡补办', 'A'),
    ($1, 'DEED', '不动产登记', 'B'), ($1, 'HALL', '只在大厅办', 'B')
"""
DOORS = """
INSERT INTO doors (hall, day, service, opens, last_ticket, closes)
SELECT $1, '2027-03-02', code, '2027-03-02 04:00+08', '2027-03-03 03:00+08', '2027-03-03 04:00+08' FROM services WHERE hall = $1
"""
AREAS = """
INSERT INTO doorstep_areas (hall, code, name, lat, lon, rank) VALUES
    ($1, 'east', '东街', 26.60, 104.85, 1), ($1, 'west', '西村', 26.58, 104.70, 2)
"""


async def prepared(db: Connection, hall: Hall) -> None:
    """A Tuesday morning; one card kit, two cameras; three matters of services A and B done off site, one that is not."""
    await at(db, "2027-03-02 08:00+08")
    await db.execute(MATTERS, hall.id)
    await db.execute(AREAS, hall.id)
    await db.execute(DOORS, hall.id)
    await keep_kit(db, hall, Kit("card", "制卡包", None, None, ["读卡器", "打印机"], 1))
    await keep_kit(db, hall, Kit("photo", "拍照包", None, None, ["高拍仪"], 2))
    await keep_door_matter(db, hall, "CERT", 20, "photo")
    await keep_door_matter(db, hall, "CARD", 30, "card")
    await keep_door_matter(db, hall, "DEED", 40)


EVERYBODY = """
INSERT INTO doorstep_presences (team, clerk) SELECT team, clerk FROM doorstep_members
ON CONFLICT ON CONSTRAINT signed_in_once DO NOTHING
"""


async def all_there(db: Db) -> None:
    """Both of every team have signed in."""
    await db.execute(EVERYBODY)
