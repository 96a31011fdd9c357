"""The demo hall's doorstep service: areas, kits, what is done off site, a week of teams, and a few people who asked."""

import tomllib
from datetime import date, datetime, time, timedelta
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from displays.sealed import Seal
from floor.database import Db
from floor.settings import Settings
from queueing.halls import Hall, business_day
from queueing.settings import choose
from queueing.tickets import new_key
from scheduling import doorstep, teams
from scheduling.doorstep import Visitor
from scheduling.envelopes import Details, Envelopes, name_mask, phone_mask
from scheduling.field import BOTH_SIGN_IN

BY = "manager:manager"
DAYS = 7  # teams are made for today and the days after it
HOURS, LUNCH = (time(9), time(17)), (time(12), time(13))

AREA = """
INSERT INTO doorstep_areas (hall, code, name, name_hant, name_en, lat, lon, rank) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT DO NOTHING
"""


async def furnish_doorstep(db: Db, hall: Hall, settings: Settings) -> None:
    """Add what is missing; a hall that has kits keeps its own, and one that had visits gets no more."""
    plan = tomllib.loads((files("floor.boot") / "demo_doorstep.toml").read_text("utf-8"))
    if not await teams.kits(db, hall):
        await db.executemany(
            AREA,
            [(hall.id, a["code"], a["name"], a["hant"], a["en"], a["lat"], a["lon"], n) for n, a in enumerate(plan["areas"])],
        )
        for kit in plan["kits"]:
            bag = teams.Kit(kit["code"], kit["name"], kit["hant"], kit["en"], kit["holds"], kit["owned"])
            await teams.keep_kit(db, hall, bag)
        await choose(db, hall.id, BOTH_SIGN_IN, False)  # whoever tries the demo is one person, not two
        for matter, (kit, minutes) in plan["matters"].items():
            await teams.keep_door_matter(db, hall, matter, minutes, kit)
    today = await business_day(db, hall)
    for day in (today + timedelta(n) for n in range(DAYS)):
        await _man(db, hall, day, plan)
    if not await doorstep.find(db, hall, limit=1):
        for asked in plan["visits"]:
            await _ask(db, hall, settings, asked)


async def _man(db: Db, hall: Hall, day: date, plan: dict[str, Any]) -> None:
    """The teams of a day that has none."""
    if await teams.teams(db, hall, day):
        return

    def at(clock: time) -> datetime:
        return datetime.combine(day, clock, ZoneInfo(hall.time_zone))

    for crew in plan["teams"]:
        await teams.save_team(
            db, hall, day, crew["name"], tuple(crew["members"]), skills=crew["skills"], kits=crew["kits"], starts=at(HOURS[0]),
            ends=at(HOURS[1]), start=(plan["centre"]["lat"], plan["centre"]["lon"]), lunch=(at(LUNCH[0]), at(LUNCH[1])), actor=BY,
        )  # fmt: skip


async def _ask(db: Db, hall: Hall, settings: Settings, asked: dict[str, Any]) -> None:
    key, evidence = new_key(), asked.get("evidence")
    told = Details(
        name=asked["name"], phone=asked["phone"], address=asked["address"], lat=asked["lat"], lon=asked["lon"], evidence=evidence
    )
    visitor = Visitor(
        Envelopes(settings.secret, *settings.former_secrets).close(told, key), Seal(settings.secret).who(told.phone),
        name_mask(told.name), phone_mask(told.phone),
    )  # fmt: skip
    known = await teams.areas(db, hall)
    await doorstep.request(
        db, hall, asked["reason"], visitor, actor=BY, channel=asked["channel"], matters=asked["matters"],
        evidenced=bool(evidence), area=teams.nearest(known, asked["lat"], asked["lon"]), key=key,
    )  # fmt: skip
    if asked["accept"]:
        await doorstep.accept(db, hall, key, actor="desk:desk01")
