"""A hall that goes to people's doors on 2 March 2027: two teams, and visits wherever a test wants them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from floor.database import Connection
from queueing.halls import Hall
from queueing.tickets import new_key
from scheduling import doorstep
from scheduling.doorstep import Visit, Visitor
from scheduling.envelopes import Details, Envelopes
from scheduling.looks import points
from scheduling.rounds.day import Day, day_of, visits_of
from scheduling.rounds.travel import Point
from scheduling.teams import Team, keep_door_matter, save_team
from tests.scheduling.clocks import at
from tests.scheduling.outings import all_there

DAY = date(2027, 3, 2)
HALL = (26.59, 104.83)
ENVELOPES = Envelopes(b"a secret of thirty-two characters")
MATTERS = """
INSERT INTO matters (hall, code, name, service) VALUES ($1, 'CERT', '养老资格认证', 'A'), ($1, 'DEED', '不动产登记', 'B')
"""


def on(hour: int, minute: int = 0) -> datetime:
    """A time of the hall on that day."""
    return datetime(2027, 3, 2, hour, minute, tzinfo=UTC) - timedelta(hours=8)


async def open_doors(db: Connection, hall: Hall) -> None:
    """It is eight in the morning; pensions take 20 minutes at the door, deeds 40."""
    await at(db, "2027-03-02 08:00+08")
    await db.execute(MATTERS, hall.id)
    await keep_door_matter(db, hall, "CERT", 20)
    await keep_door_matter(db, hall, "DEED", 40)


async def crew(db: Connection, hall: Hall, name: str, *members: str, skills: str = "A B", ends: int = 17) -> Team:
    team = await save_team(
        db, hall, DAY, name, (members[0], members[1]), skills=skills.split(), kits=[], starts=on(9), ends=on(ends), start=HALL,
        lunch=(on(11, 30), on(13)), actor="manager:manager",
    )  # fmt: skip
    await all_there(db)
    return team


async def wanted(
    db: Connection, hall: Hall, km: float, *spans: tuple[datetime, datetime], matter: str = "CERT", where: bool = True,
    envelopes: Envelopes = ENVELOPES,
) -> Visit:  # fmt: skip
    """An accepted visit so many kilometres north of the hall, as the crow flies."""
    key = new_key()
    lat, lon = (HALL[0] + km / 111.195, HALL[1]) if where else (None, None)
    details = Details(name="欧阳明月", phone="13900001234", address="云上镇柳荫路17号", evidence="残疾证", lat=lat, lon=lon)
    visitor = Visitor(envelopes.close(details, key), key.encode(), "欧**", "1234")
    await doorstep.request(
        db, hall, "mobility", visitor, actor="citizen", channel="desk", matters=[matter], evidenced=True, preferred=spans, key=key
    )
    return (await doorstep.accept(db, hall, key, actor="desk:desk01")).visit


async def as_it_is(db: Connection, hall: Hall, day: date = DAY) -> Day:
    """The day as the planner sees it."""
    visits: dict[int, Visit] = await visits_of(db, hall, day)
    found = await points(db, hall, list(visits), ENVELOPES, actor="manager:manager")
    return await day_of(db, hall, day, visits, {number: Point(it.lat, it.lon) for number, it in found.items()})


async def told(db: Connection, visits: Sequence[Visit]) -> list[tuple[str, int | None, str | None]]:
    """State, team and time of these visits, as they stand."""
    found = []
    for it in visits:
        now = await doorstep.by_key(db, it.key)
        found.append((now.state, now.team, f"{now.start.astimezone(UTC) + timedelta(hours=8):%H:%M}" if now.start else None))
    return found
