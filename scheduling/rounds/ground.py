"""What a hall says of its ground and its teams: where it stands, how ways are reckoned, who is out, how far times may move."""

from collections.abc import Mapping, Sequence
from datetime import date

import asyncpg

from queueing import journal
from queueing.db import Db, changed
from queueing.errors import BadInput
from queueing.halls import Hall
from queueing.settings import Setting
from scheduling.rounds.travel import Measured, Point, Travel
from scheduling.teams import Team as Crew
from scheduling.teams import areas

ROAD = Setting("rounds_road", 135, 100, 300, "percent")  # metres of street for each 100 as the crow flies
KMH = Setting("rounds_kmh", 28, 5, 120, "kmh")
STOP = Setting("rounds_stop_min", 3, 0, 30, "minutes")  # to park, find the door and ring
REACH = Setting("rounds_reach_km", 40, 1, 500, "kilometres")
ROOM = Setting("rounds_room", 12, 1, 40, "visits")  # that a team makes in a day
LUNCH = Setting("rounds_lunch_min", 45, 5, 120, "minutes")
MOVE = Setting("rounds_move_min", 30, 0, 240, "minutes")  # a time once given may move by so much without asking the citizen
NOTICE = Setting("rounds_notice_min", 60, 0, 480, "minutes")  # so long before its time a visit keeps its team and is not sooner
WATCH = Setting("rounds_watch", True)  # look for a better plan by itself when one runs late or a request comes in
ANSWER = Setting("doorstep_answer_hours", 8, 1, 240, "hours")  # a request that waits longer for yes or no is marked
SETTINGS = (ROAD, KMH, STOP, REACH, ROOM, LUNCH, MOVE, NOTICE, WATCH, ANSWER)

PLACE = "SELECT lat, lon FROM hall_places WHERE hall = $1"
WAYS = "SELECT start, goal, metres, seconds FROM measured_ways WHERE hall = $1 ORDER BY start, goal"
OUT = "SELECT o.team FROM teams_out o JOIN doorstep_teams t ON t.id = o.team WHERE t.hall = $1 AND t.day = $2"


async def centre_of(db: Db, hall: Hall, crews: tuple[Crew, ...] = ()) -> Point:
    """Where the hall stands; until somebody said so, where the first team sets out, or the middle of its areas."""
    row = await db.fetchrow(PLACE, hall.id)
    if row is not None:
        return Point(row["lat"], row["lon"])
    if crews:
        return Point(crews[0].start_lat, crews[0].start_lon)
    known = await areas(db, hall)
    if not known:
        return Point(0.0, 0.0)
    return Point(sum(it.lat for it in known) / len(known), sum(it.lon for it in known) / len(known))


async def travel_of(db: Db, hall: Hall) -> Travel:
    """How ways are reckoned in this hall."""
    measured = {f"{row['start']}>{row['goal']}": Measured(row["metres"], row["seconds"]) for row in await db.fetch(WAYS, hall.id)}
    return Travel(hall.value(ROAD), hall.value(KMH), hall.value(STOP) * 60, measured)


async def teams_out(db: Db, hall: Hall, day: date) -> frozenset[int]:
    """The teams of a day that can't go on."""
    return frozenset(row["team"] for row in await db.fetch(OUT, hall.id, day))


DROP_OUT = """
INSERT INTO teams_out (team, by) SELECT id, $3 FROM doorstep_teams WHERE hall = $1 AND id = $2 ON CONFLICT DO NOTHING
"""
COME_BACK = "DELETE FROM teams_out o USING doorstep_teams t WHERE t.id = o.team AND t.hall = $1 AND o.team = $2"


async def drop_out(db: Db, hall: Hall, team: int, *, actor: str) -> None:
    """A team can't go on: what it has is put to others by the next plan. Said twice it is said once."""
    async with db.transaction():
        if changed(await db.execute(DROP_OUT, hall.id, team, actor)):
            await journal.append(db, hall.id, "doorstep.team", actor, data={"team": team, "out": True})


async def come_back(db: Db, hall: Hall, team: int, *, actor: str) -> None:
    """A team goes out again."""
    async with db.transaction():
        if changed(await db.execute(COME_BACK, hall.id, team)):
            await journal.append(db, hall.id, "doorstep.team", actor, data={"team": team, "out": False})


SET_PLACE = """
INSERT INTO hall_places (hall, lat, lon) VALUES ($1, $2, $3)
ON CONFLICT (hall) DO UPDATE SET lat = excluded.lat, lon = excluded.lon
"""


async def set_place(db: Db, hall: Hall, lat: float, lon: float) -> None:
    """Say where the hall stands."""
    await db.execute(SET_PLACE, hall.id, lat, lon)


SKILLED = """
SELECT s.code FROM services s WHERE s.hall = $1 AND (NOT $4 OR EXISTS (
    SELECT FROM skills k WHERE k.hall = s.hall AND k.service = s.code AND k.clerk = ANY($2)
      AND (k.until IS NULL OR k.until >= $3)))
ORDER BY s.rank, s.code
"""


async def skills_of(db: Db, hall: Hall, members: Sequence[str], day: date) -> list[str]:
    """All that one of these people can do on a day; every service where the hall asks for no skills."""
    return [row["code"] for row in await db.fetch(SKILLED, hall.id, list(members), day, hall.skills_required)]


CLEAR_WAYS = "DELETE FROM measured_ways WHERE hall = $1"
SET_WAYS = """
INSERT INTO measured_ways (hall, start, goal, metres, seconds)
SELECT $1, x.* FROM unnest($2::text[], $3::text[], $4::int[], $5::int[]) AS x(start, goal, metres, seconds)
"""


async def set_ways(db: Db, hall: Hall, ways: Mapping[tuple[str, str], Measured]) -> None:
    """What was measured between areas, all of it: what is not named is reckoned again. BadInput for what can't be."""
    names = list(ways)
    columns = [
        [a for a, _ in names],
        [b for _, b in names],
        [it.metres for it in ways.values()],
        [it.seconds for it in ways.values()],
    ]
    try:
        async with db.transaction():
            await db.execute(CLEAR_WAYS, hall.id)
            await db.execute(SET_WAYS, hall.id, *columns)
    except asyncpg.IntegrityConstraintViolationError as broken:
        raise BadInput(field="ways", message="from, to, kilometres and minutes between two areas") from broken
