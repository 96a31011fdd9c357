"""Two dispensers cut off from the hall: people touch their own pages until a lease is used up, then everything comes home."""

import asyncio
import json
import random
import secrets
import sqlite3
import time
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection

from tests.devices.agent.browser import Browser
from tests.storm.boards import dial
from tests.storm.evidence import Alone, Brought, Evidence
from tests.storm.hall import Hall
from tests.storm.nemesis import Nemesis

USED_UP = "A"  # the service whose numbers the first dispenser gives out to the last
HOME_S = 90.0  # within this all tickets are home again
ISSUED = """
SELECT i.device, i.seq, i.lease, i.service, i.number, i.key, i.settled, json_extract(i.data, '$.ticket') AS printed,
       (SELECT count(*) FROM jobs j WHERE j.device = i.device AND j.key LIKE 'offline:' || i.seq || ':%') AS attempts
FROM issued i ORDER BY i.device, i.seq
"""
BROUGHT = """
SELECT o.device, o.seq, o.lease, o.number, o.printed, o.disputed, t.key, t.number AS ticket,
       o.number BETWEEN l.first AND l.last AND l.device = o.device AS inside
FROM offline_tickets o LEFT JOIN tickets t ON t.id = o.ticket LEFT JOIN leases l ON 'ls_' || l.id = o.lease
ORDER BY o.device, o.seq
"""


@dataclass
class Kiosk:
    """One dispenser's page and who stands before it."""

    page: Browser
    luck: random.Random
    given: list[str] = field(default_factory=list)
    used_up: bool = False

    async def take(self, service: str) -> bool:
        """Touch a service, for as long as it takes until there is an answer; whether it was a number."""
        press = secrets.token_hex(8)
        while True:
            try:
                answer = await self.page.take(service, press=press)
                if answer.status_code == 403:  # the agent was started anew
                    await self.page.open()
                    continue
            except (httpx2.TransportError, AssertionError):
                await asyncio.sleep(0.2)
                continue
            if answer.status_code == 200:
                self.given.append(answer.json()["ticket"])
                return True
            return False

    async def use_up(self, pause_s: float) -> None:
        """Until nothing of the service is left, by the page's own word."""
        while not self.used_up:
            if not await self.take(USED_UP):
                shown = await self.page.shows("take", 60)  # it may be out of paper, or just have been started anew
                self.used_up = all(card["service"] != USED_UP for card in shown["services"])
            await asyncio.sleep(pause_s)

    async def go_on(self, until: float, pace: float) -> None:
        """Whatever is offered, until a moment."""
        while time.monotonic() < until:
            offered = (await self.page.shows("take", 60))["services"]
            await self.take(self.luck.choice(offered)["service"])
            await asyncio.sleep(self.luck.uniform(0.3, 1.0) * pace)


def ledger(hall: Hall) -> sqlite3.Connection:
    return sqlite3.connect(hall.home / "agents" / "agent" / "ledger.sqlite", timeout=10)


async def prepare(hall: Hall, seconds: float) -> None:
    """Lend as much as the hall means to survive: little in a short storm, so that it can be used up."""
    db = await hall.db()
    await db.execute("UPDATE halls SET offline_minutes = $1", max(5, int(seconds / 30)))
    await db.close()


async def cut_off(hall: Hall, nemesis: Nemesis, seed: int, seconds: float) -> list[Kiosk]:
    """Web and link gone for so long, with agents killed and a printer that runs out; back when everybody is home."""
    luck = random.Random(seed * 7)
    agent = tomllib.loads((hall.home / "agents" / "agent.toml").read_text("utf-8"))
    places = [device["page"] for device in agent["device"] if device["kind"] == "dispenser"]
    kiosks = [Kiosk(Browser(place), random.Random(luck.random())) for place in places]
    for kiosk in kiosks:
        await kiosk.page.shows("hall", 60)
        await kiosk.page.open()
    began = time.time()
    for part in ("web", "link"):
        hall.parts[part].kill()
    for kiosk in kiosks:
        await kiosk.page.shows("take", 60)
    until = time.monotonic() + seconds
    await asyncio.gather(
        kiosks[0].use_up(seconds / 40),
        *(kiosk.go_on(until, max(1.0, seconds / 60)) for kiosk in kiosks[1:]),
        harm(nemesis, seconds),
    )
    await asyncio.sleep(max(0.0, until - time.monotonic()))
    for part in ("link", "web"):
        await hall.start(part)
    nemesis.note("web and link away", began)
    await nemesis.kill_agent()  # so late that some tickets may be under way home
    for kiosk in kiosks:
        await kiosk.page.shows("hall", HOME_S)
    await home(hall)
    await bring_again(hall)
    return kiosks


async def harm(nemesis: Nemesis, seconds: float) -> None:
    """What happens to the dispensers meanwhile, once in a short storm and again and again in a long one."""
    rounds = max(1, int(seconds / 150))
    for _ in range(rounds):
        pause_s = min(15.0, seconds * 0.2)
        await asyncio.sleep(seconds / rounds - 3 * pause_s if seconds > 75 else pause_s)
        await nemesis.printer("paper-out-after 60", nth=1)
        await asyncio.sleep(pause_s)
        await nemesis.kill_agent()
        await asyncio.sleep(pause_s)
        await nemesis.printer("ok", nth=1)


async def home(hall: Hall) -> None:
    """Until every paper has ended and the hall has every ticket; the judges say what is missing then."""
    db = await hall.db()
    try:
        for _ in range(int(HOME_S / 0.3)):
            given, unsettled = ledger(hall).execute("SELECT count(*), sum(NOT settled) FROM issued").fetchone()
            if not unsettled and await db.fetchval("SELECT count(*) FROM offline_tickets") == given:
                return
            await asyncio.sleep(0.3)
    finally:
        await db.close()


async def bring_again(hall: Hall) -> None:
    """Each dispenser brings all its tickets once more, as one would that never heard the answer."""
    await asyncio.to_thread(hall.parts["agent"].stop)
    rows = ledger(hall).execute(
        """SELECT n.device, n.secret, json_group_array(json_object('seq', i.seq, 'lease', i.lease, 'number', i.number,
               'at', i.at, 'up_ms', i.up_ms, 'key', i.key)) FROM identities n JOIN issued i ON i.device = n.device
           GROUP BY n.device, n.secret"""
    )
    for device, secret, tickets in rows.fetchall():
        async with dial(hall, device, secret) as line:
            await ask(line, {"type": "hello", "id": 1, "boot": "again", "agent": "storm", "caps": ["lease"],
                             "at": datetime.now(UTC).isoformat()}, "welcome")  # fmt: skip
            for n in (2, 3):
                await ask(line, {"type": "issued", "id": n, "tickets": json.loads(tickets)}, "issued_ok")
    await hall.start("agent")


async def ask(line: ClientConnection, frame: dict[str, Any], answer: str) -> None:
    await line.send(json.dumps(frame))
    async with asyncio.timeout(20):
        while json.loads(await line.recv())["type"] != answer:
            pass


async def read(hall: Hall, case: Evidence, kiosks: list[Kiosk]) -> None:
    """What the dispensers' own ledgers say, and what the hall has."""
    case.alone = [Alone(*row) for row in ledger(hall).execute(ISSUED)]
    case.touched = [number for kiosk in kiosks for number in kiosk.given]
    case.used_up = kiosks[0].used_up
    db = await hall.db()
    try:
        case.brought = [Brought(*row.values()) for row in await db.fetch(BROUGHT)]
    finally:
        await db.close()
