"""The demo hall: made up at the first start so that a newcomer can try every place in it at once."""

import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from typing import Any

from devices import pairing, registry
from floor.boot import agents
from floor.boot.demo_doorstep import furnish_doorstep
from floor.boot.furnished import SignIns
from floor.catalogue import sheets
from floor.catalogue.reading import read_all
from floor.database import Db
from floor.people import add_user, hash_password, list_users, verify_password
from floor.settings import Settings
from queueing import matters
from queueing.halls import get_hall, services
from queueing.settings import choose
from scheduling.roster.problem import Clerk
from scheduling.roster.store import clerks_with_contract, set_contract
from scheduling.slots import BOOK_DAYS

CODE = "demo"
ACTOR = "engineer:engineer"
WINDOWS_A_ZONE = 3
PORTRAITS = 6
PAST_HOLIDAYS = 14  # days open for booking: a newcomer finds some in the longest holiday too


async def open_demo_hall(db: Db, settings: Settings, plan: Mapping[str, Any] | None = None) -> SignIns:
    """Make the demo hall where it is missing, add what later versions brought, and write the agents' files.

    What people changed since then stays. Only the doors follow HALL_DEMO_OPEN at every start. `plan`: another floor, as in
    demo.toml; the doorstep service is furnished for the demo's own.
    """
    own = plan is None
    plan = plan or tomllib.loads((files("floor.boot") / "demo.toml").read_text("utf-8"))
    password = _password(settings)
    async with db.transaction():
        hall = await _lay_floor(db, plan, always_open=settings.demo_open == "always")
        people = await _seat_people(db, hall, plan, password)
        await _hire(db, plan)
        machines = await _install_devices(db, hall, plan)
        await _offer_matters(db)
        if own:
            await furnish_doorstep(db, await get_hall(db, CODE), settings)
    agents.write(settings, machines)
    return SignIns(CODE, password, people)


def _password(settings: Settings) -> str:
    """HALL_DEMO_PASSWORD, else a random one kept in the data directory, so that a restart prints the same."""
    if settings.demo_password:
        return settings.demo_password
    kept = settings.data_dir / "demo-password"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(secrets.token_hex(4), "utf-8")
    return kept.read_text("utf-8").strip()


HALL = """
INSERT INTO halls (code, name, calls_before_missed, min_call_s, return_after, ticket_line, one_live_ticket, skills_required,
                   always_open)
VALUES ($1, $2, $3, $4, $5, $6, false, false, $7)
ON CONFLICT (code) DO UPDATE SET always_open = excluded.always_open RETURNING id, xmax = 0 AS made
"""
STREAM = "INSERT INTO hall_streams (hall, epoch) VALUES ($1, $2) ON CONFLICT DO NOTHING"
ZONE = """
INSERT INTO zones (hall, code, name, name_hant, name_en, rank) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
"""
SERVICE = """
INSERT INTO services (hall, code, name, name_hant, name_en, zone, prefix, minutes, rank)
VALUES ($1, $2, $3, $4, $5, $2, $2, $6, $7) ON CONFLICT DO NOTHING
"""
CATEGORY = """
INSERT INTO categories (hall, code, name, name_hant, name_en, credit_minutes, needs_evidence, evidence, from_age, papers)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
"""
WINDOW = """
INSERT INTO windows (hall, no, name, zone, serves, rank) VALUES ($1, $2, $3, $4, ARRAY[$4], $5) ON CONFLICT DO NOTHING
"""
SITE = """
INSERT INTO sites (hall, code, name, name_hant, name_en, level, parent, phone, prints)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
"""


async def _lay_floor(db: Db, plan: Mapping[str, Any], *, always_open: bool) -> int:
    """The hall's row, areas, services, windows, categories and stations; answers the hall's id."""
    rules, areas = plan["hall"], plan["areas"]
    row = await db.fetchrow(
        HALL, CODE, rules["name"], rules["calls_before_missed"], rules["min_call_s"], rules["return_after"],
        rules["ticket_line"], always_open,
    )  # fmt: skip
    assert row is not None
    hall: int = row["id"]
    await db.execute(STREAM, hall, f"k{secrets.token_hex(3)}")
    if row["made"]:
        await choose(db, hall, BOOK_DAYS, PAST_HOLIDAYS)
    await db.executemany(ZONE, [
        (hall, a["letter"], a["zone"], a.get("zone_hant"), a.get("zone_en"), rank) for rank, a in enumerate(areas)
    ])  # fmt: skip
    await db.executemany(
        SERVICE,
        [(hall, a["letter"], a["service"], a["hant"], a["en"], a["minutes"], rank) for rank, a in enumerate(areas)],
    )
    await db.executemany(
        CATEGORY,
        [
            (hall, c["code"], c["name"], c["hant"], c["en"], c["credit"], c.get("evidence", "paper") in ("paper", "slip"),
             c.get("evidence", "paper"), c.get("from_age"), c.get("papers", []))
            for c in plan["categories"]
        ],
    )  # fmt: skip
    await db.executemany(WINDOW, [(hall, str(no), f"{no}号窗口", zone, no) for no, zone in _windows(plan)])
    await db.executemany(
        SITE,
        [
            (hall, s["code"], s["name"], s["hant"], s["en"], s["level"], s.get("parent"), s["phone"], s["prints"])
            for s in plan["sites"]
        ],
    )
    return hall


async def _offer_matters(db: Db) -> None:
    """A few hundred made-up matters; a hall that already has a catalogue keeps its own."""
    hall = await get_hall(db, CODE)
    known = await matters.catalogue(db, hall)
    if known.version == 0:
        rows, _ = sheets.rows((files("floor.boot") / "demo_matters.csv").read_bytes())
        reader = read_all(rows, [service.code for service in await services(db, hall)], known)
        await matters.store(db, hall, [entry for _, entry in reader.entries])


def _windows(plan: Mapping[str, Any]) -> list[tuple[int, str]]:
    """Window numbers from 1 with the letter of their area."""
    letters = [area["letter"] for area in plan["areas"] for _ in range(WINDOWS_A_ZONE)]
    return list(enumerate(letters, start=1))


def _people(plan: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Everybody who works here: a clerk for each name, then those who are not at a window."""
    clerks = [
        {
            "username": f"clerk{n:02}", "name": name, "number": f"{n:04}", "role": "clerk",
            "photo": f"/static/portraits/{(n - 1) % PORTRAITS + 1}.svg", "post": plan["clerks"]["posts"].get(str(n)),
        }
        for n, name in enumerate(plan["clerks"]["names"], start=1)
    ]  # fmt: skip
    return [*clerks, *plan["people"]]


RENEW = "UPDATE users SET password = $3 WHERE hall = $1 AND username = ANY($2)"


async def _seat_people(db: Db, hall: int, plan: Mapping[str, Any], password: str) -> dict[str, list[str]]:
    """Give everybody an account with the demo's one password; answers usernames by role."""
    people = _people(plan)
    known = {user.username: user for user in await list_users(db, hall)}
    ours = [person["username"] for person in people if person["username"] in known]
    if len(ours) < len(people) or not await verify_password(known[ours[0]], password):
        hashed = await hash_password(password)
        await db.execute(RENEW, hall, ours, hashed)
        for person in people:
            if person["username"] not in known:
                await add_user(
                    db, hall, person["username"], hashed, name=person["name"], roles=[person["role"]], number=person["number"],
                    post=person.get("post"), photo=person.get("photo"), zone=person.get("zone"), site=person.get("site"),
                )  # fmt: skip
    by_role: dict[str, list[str]] = {}
    for person in people:
        by_role.setdefault(person["role"], []).append(person["username"])
    return by_role


async def _hire(db: Db, plan: Mapping[str, Any]) -> None:
    """A contract for every clerk without one: five days in the area of their window, and the next area where they can help."""
    hall, letters = await get_hall(db, CODE), [area["letter"] for area in plan["areas"]]
    if await clerks_with_contract(db, hall):
        return
    for n in range(len(plan["clerks"]["names"])):
        at = n // WINDOWS_A_ZONE % len(letters)
        zones = (letters[at], letters[(at + 1) % len(letters)])
        await set_contract(db, hall, Clerk(f"clerk{n + 1:02}", zones, home=letters[at]))


def _machines(plan: Mapping[str, Any]) -> list[agents.Machine]:
    """The machines of the hall: two dispensers in the lobby, a speaker an area, a strip and a button box a window,
    and at one of them keys."""
    lobby = [agents.Machine("dispenser", f"dispenser-{n}", f"取号机 {n}") for n in (1, 2)]
    speakers = [
        agents.Machine("speaker", f"speaker-{a['letter'].lower()}", f"{a['letter']}区广播", zone=a["letter"])
        for a in plan["areas"]
    ]
    at_windows = [
        agents.Machine(kind, f"{kind}-{no}", f"{no}号窗口{called}", window=str(no))
        for kind, called in (("led", "灯条"), ("evaluator", "评价器"))
        for no, _ in _windows(plan)
    ]
    no = agents.KEYPAD_WINDOW
    return [*lobby, *speakers, *at_windows, agents.Machine("keypad", f"keypad-{no}", f"{no}号窗口键盘", window=no)]


async def _install_devices(db: Db, hall: int, plan: Mapping[str, Any]) -> list[agents.Machine]:
    """Every machine that is not revoked, with a fresh pairing code where it has not joined yet."""
    here = await registry.list_devices(db, hall)
    known = {device.name: device for device in here}
    at = {(device.kind, device.window): device for device in reversed(here) if device.window}  # by other names in earlier halls
    installed = []
    for machine in _machines(plan):
        device, code = known.get(machine.called) or at.get((machine.kind, machine.window or "")), None
        if device is None:
            _, code, _ = await pairing.create_device(
                db, hall, machine.kind, name=machine.called, actor=ACTOR, zone=machine.zone, window=machine.window
            )
        elif device.revoked_at:
            continue
        elif device.paired_at is None:
            code, _ = await pairing.new_code(db, device.id)
        installed.append(replace(machine, code=code))
    return installed
