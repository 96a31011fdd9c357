"""Acts on the teams of a day: two people put together, changed, taken away, or all of the last day again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from starlette.requests import Request

from floor.acts.ground import hall_of, ring
from floor.database import Db, acquire
from floor.people import list_users
from floor.signin import require
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall, business_day
from scheduling import teams
from scheduling.errors import AtWindow, BadTeam, DayOver
from scheduling.roster.planned import at_windows, clock, minute_of
from scheduling.rounds import ground
from scheduling.rounds.travel import Point

DECIDES = ("manager", "leader")
GOES = ("doorstep", "clerk")  # who can be put into a team
BACK_DAYS = 14  # how far back teams are looked for that another day may have again


async def dispatcher(request: Request, hall_code: str) -> tuple[Hall, str]:
    """The hall of whoever plans its doorstep visits, and who it is."""
    hall = await hall_of(request, hall_code)
    return hall, (await require(request, *DECIDES, hall=hall.id)).actor


@dataclass(frozen=True, slots=True)
class Crew:
    """A team as somebody typed it; times of day like 08:30. No skill named: all that either of the two can do."""

    name: str
    members: tuple[str, str]
    hours: tuple[str, str]
    lunch: tuple[str, str] | None
    skills: Sequence[str] = ()
    kits: Sequence[str] = ()
    sure: bool = False  # also who works at a window then


async def save_team(request: Request, hall_code: str, day: date, typed: Crew, number: int | None = None) -> None:
    """Put two people together for a day, or change the team of this number. BadInput, BadTeam; AtWindow, unless they are sure,
    for who has a shift at a window at that time."""
    hall, actor = await dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await _people(db, hall, typed.members)
    begins, ends = (moment(hall, day, word, field) for word, field in zip(typed.hours, ("starts", "ends"), strict=True))
    pause = None if typed.lunch is None else tuple(moment(hall, day, word, "lunch_from") for word in typed.lunch)
    async with acquire(request.app.state.pool) as db:
        if not typed.sure:
            await check_windows(db, hall, day, typed.members, begins, ends)
        before = await teams.team(db, hall, number) if number is not None else None
        start = (before.start_lat, before.start_lon) if before is not None else lat_lon(await ground.centre_of(db, hall))
        known = list(typed.skills) or await ground.skills_of(db, hall, typed.members, day)
        try:
            await teams.save_team(
                db, hall, day, typed.name, typed.members, skills=known, kits=typed.kits, starts=begins, ends=ends, start=start,
                lunch=(pause[0], pause[1]) if pause is not None else None, number=number, actor=actor,
            )  # fmt: skip
        except BadTeam:
            here = [(*same(it), it.starts, it.ends) for it in await teams.teams(db, hall, day)]
            if number is not None or (typed.name, *typed.members, begins, ends) not in here:
                raise  # else the same press again
    ring(request, hall.id)


async def check_windows(
    db: Db, hall: Hall, day: date, members: Sequence[str], begins: datetime, ends: datetime
) -> None:  # fmt: skip
    """AtWindow where the roster has one of them at a window at that time."""
    on, first, last = await at_windows(db, hall, day), minute_of(hall, day, begins), minute_of(hall, day, ends)
    for who in members:
        since, until = on.get(who, (last, first))
        if since < last and until > first:
            named = {user.username: user.name for user in await list_users(db, hall.id)}
            raise AtWindow(who=named.get(who, who), begins=clock(since), ends=clock(until))


async def _people(db: Db, hall: Hall, members: Sequence[str]) -> None:
    """BadInput where one of them is nobody who works here, or goes to no doors."""
    known = {it.username for it in await list_users(db, hall.id) if not it.disabled and set(it.roles) & set(GOES)}
    for field, who in zip(("lead", "second"), members, strict=True):
        if who not in known:
            raise BadInput(field=field, message="no clerk works here by that name")


async def same_teams(request: Request, hall_code: str, day: date) -> date:
    """Let the teams of the last day that had some go out on this one, which has none; that day. NotFound, DayOver, and
    what a new team raises."""
    hall, actor = await dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        if day < await business_day(db, hall):
            raise DayOver()
        last, here = await last_teams(db, hall, day), await teams.teams(db, hall, day)
        if last and [same(it) for it in here] == [same(it) for it in last]:
            return last[0].day  # the same press again
        if not last or here:
            raise NotFound(what="team")
        async with db.transaction():
            for crew in last:
                await _people(db, hall, (crew.lead, crew.second))
                begins, ends = on_day(hall, day, crew.starts), on_day(hall, day, crew.ends)
                await check_windows(db, hall, day, (crew.lead, crew.second), begins, ends)
                pause = None
                if crew.lunch_from is not None and crew.lunch_to is not None:
                    pause = on_day(hall, day, crew.lunch_from), on_day(hall, day, crew.lunch_to)
                await teams.save_team(
                    db, hall, day, crew.name, (crew.lead, crew.second), skills=crew.skills, kits=crew.kits,
                    starts=begins, ends=ends, start=(crew.start_lat, crew.start_lon), lunch=pause, actor=actor,
                )  # fmt: skip
    ring(request, hall.id)
    return last[0].day


def same(crew: teams.Team) -> tuple[str, str, str]:
    """What makes a team of one day the same as one of another."""
    return crew.name, crew.lead, crew.second


async def last_teams(db: Db, hall: Hall, day: date) -> list[teams.Team]:
    """The teams of the last day before this one that had any."""
    for back in range(1, BACK_DAYS + 1):
        if found := await teams.teams(db, hall, day - timedelta(back)):
            return found
    return []


def on_day(hall: Hall, day: date, at: datetime) -> datetime:
    """The same time of day on another day."""
    zone = ZoneInfo(hall.time_zone)
    return datetime.combine(day, at.astimezone(zone).time(), zone)


def lat_lon(point: Point) -> tuple[float, float]:
    return point.lat, point.lon


async def drop_team(request: Request, hall_code: str, team: int) -> None:
    """Take a team away that goes to nobody. BadTeam."""
    hall, actor = await dispatcher(request, hall_code)
    async with acquire(request.app.state.pool) as db:
        await teams.drop_team(db, hall, team, actor=actor)
    ring(request, hall.id)


def moment(hall: Hall, day: date, clock: str, field: str) -> datetime:
    """14:05 of a day, on the hall's clock. BadInput for anything else."""
    try:
        return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(hall.time_zone))
    except ValueError:
        raise BadInput(field=field, message="a time of day like 08:30") from None
