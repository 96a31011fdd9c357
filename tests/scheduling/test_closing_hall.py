"""A full hall at closing: everybody left ends served, booked, visited, or declined with the reason, and the record proves it."""

import asyncio
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from floor.database import Connection, Pool
from queueing import alarms, calls, journal, windows
from queueing.calls import Nobody, Seat
from queueing.day_roll import expire_day
from queueing.errors import StillWaiting
from queueing.halls import Hall
from queueing.tickets import by_key
from scheduling import answers, doorstep, ticks
from scheduling.doorstep import Visitor
from scheduling.errors import NothingFree
from scheduling.ticks import TICKS
from tests.scheduling.clocks import at
from tests.scheduling.halls import DAY, number, slot, until_five

RULES = ("doors.capacity", "ladder.climb", "tickets.expire")
AWAY = range(16 * 60 + 45, 16 * 60 + 70)  # no clock runs in these minutes
WISHES = ("slot", "visit", "neither", "desk")  # what somebody does who is offered something


ASKED = """
SELECT t.key, t.id, e.step FROM escalations e JOIN tickets t ON t.id = e.ticket
WHERE e.state = 'offered' AND t.state IN ('waiting', 'held', 'missed') ORDER BY e.id
"""


@dataclass
class Evening:
    """The hall as its people move it, minute by minute."""

    pool: Pool
    db: Connection
    hall: Hall
    luck: random.Random
    keys: list[str] = field(default_factory=list)
    busy_until: dict[str, int] = field(default_factory=dict)
    serves: dict[str, list[str]] = field(default_factory=lambda: {"1": ["A"], "2": ["A", "B"]})
    blocked: int = 0

    async def run(self) -> None:
        for minute in range(16 * 60, 19 * 60 + 30):
            await at(self.db, f"{DAY} {minute // 60:02}:{minute % 60:02}+08")
            await self.arrive(minute)
            await self.work(minute)
            if minute not in AWAY:
                await self.clocks()
            await self.answer(minute)
            if minute == 16 * 60 + 40:  # window 2 must go, and B has nobody any more
                await self.leave("2", "2")
        await self.leave("1", None)

    async def arrive(self, minute: int) -> None:
        """A crowd by four, and some more until the last ticket."""
        for _ in range(24 if minute == 16 * 60 else minute < 16 * 60 + 30 and self.luck.random() < 0.3):
            service = "C" if self.luck.random() < 0.2 else "B" if self.luck.random() < 0.3 else "A"
            self.keys.append((await number(self.db, self.hall, service)).ticket.key)

    async def work(self, minute: int) -> None:
        """Each clerk finishes after some minutes and calls the next; one in ten does not come."""
        for window, services in self.serves.items():
            seat = Seat(window, f"clerk:c{window}", f"c{window}")
            if minute == 16 * 60:
                await windows.open_window(self.db, self.hall, window, f"c{window}", services=services, actor=seat.actor)
            if self.busy_until.get(window, 0) > minute or window not in self.serves:
                continue
            if window in self.busy_until:
                await calls.finish(self.db, self.hall, seat)
                del self.busy_until[window]
            if isinstance(await calls.call_next(self.db, self.hall, seat), Nobody):
                continue
            if self.luck.random() < 0.1:
                await calls.no_show(self.db, self.hall, seat)
            else:
                await calls.arrive(self.db, self.hall, seat)
                self.busy_until[window] = minute + self.luck.randint(3, 9)

    async def clocks(self) -> None:
        """Two of them, at the same moment."""

        async def clock() -> None:
            async with self.pool.acquire() as db:
                await alarms.sweep(db, self.hall, [])
                for tick in TICKS:
                    if tick.rule in RULES:
                        await ticks.run(db, tick, self.hall)

        await asyncio.gather(clock(), clock())

    async def answer(self, minute: int) -> None:
        """Who was offered something says yes or no; who never looks at a telephone is asked by the desk."""
        for row in await self.db.fetch(ASKED):
            if (await by_key(self.db, row["key"])).state in ("waiting", "held", "missed"):
                await self.say(row["key"], row["step"], WISHES[row["id"] % len(WISHES)], minute)

    async def say(self, key: str, step: str, wish: str, minute: int) -> None:
        if wish == "desk" and minute < 18 * 60:
            return
        actor = "desk:wang" if wish == "desk" else "citizen"
        if step == "slot" and wish in ("slot", "desk"):
            try:
                await answers.take_slot(self.db, self.hall, key, actor=actor, channel="web")
            except NothingFree:
                await answers.refuse(self.db, self.hall, key, step, "time", actor=actor)
        elif step == "doorstep" and wish in ("visit", "slot", "desk"):
            await doorstep.request(
                self.db, self.hall, "mobility", Visitor(), actor=actor, channel="ticket", ticket=key, evidenced=True
            )  # fmt: skip
        else:
            await answers.refuse(self.db, self.hall, key, step, "no_need", actor=actor)

    async def leave(self, window: str, overruled: str | None) -> None:
        """A clerk who may not go yet goes with the manager's word."""
        seat = Seat(window, f"clerk:c{window}", f"c{window}")
        if window in self.busy_until:
            await calls.finish(self.db, self.hall, seat)
        try:
            await windows.close(self.db, self.hall, window, actor=seat.actor, seat=seat.clerk)
        except StillWaiting:
            self.blocked += 1
            assert overruled == window, "somebody this window could serve is left at the end"
            await windows.close(self.db, self.hall, window, actor="manager:lin", override=True, reason="家中急事")
        del self.serves[window]


async def test_everybody_left_at_closing_ends_served_booked_visited_or_declined(
    pool: Pool, db: Connection, hall: Hall
) -> None:  # fmt: skip
    shut = await until_five(db, hall)
    await db.execute(
        "INSERT INTO services (hall, code, name, zone, prefix, minutes) VALUES ($1, 'C', '税务', 'A', 'C', 6)", shut.id
    )
    await db.execute(
        "INSERT INTO doors (hall, day, service, opens, last_ticket, closes) SELECT hall, day, 'C', opens, last_ticket, closes "
        "FROM doors WHERE service = 'A'"
    )
    await slot(db, shut, "C", "2027-03-04 09:30+08", places=1)
    evening = Evening(pool, db, shut, random.Random(7))
    await evening.run()
    await at(db, "2027-03-04 04:01+08")
    await evening.clocks()
    assert await expire_day(db, shut.id) == 0, "nobody just expires"
    judge(evening, await everything(db, shut))


async def everything(db: Connection, hall: Hall) -> list[journal.Entry]:
    rows: list[journal.Entry] = []
    while batch := await journal.read(db, hall.id, rows[-1].offset if rows else 0):
        rows += batch
    return rows


def judge(evening: Evening, record: list[journal.Entry]) -> None:
    """From the record alone: one ending each, and each ending with what must stand beside it."""
    taken = {row.ticket for row in record if row.kind == "ticket.taken" and row.ticket is not None}
    endings: dict[int, list[str]] = defaultdict(list)
    beside: dict[int, set[tuple[str, str]]] = defaultdict(set)
    reasons: dict[int, list[Any]] = defaultdict(list)
    for row in record:
        if row.ticket is None:
            continue
        if row.kind == "ticket.cancelled":
            endings[row.ticket].append(row.data["carried"])
        elif row.kind in ("ticket.finished", "ticket.doorstep", "ticket.expired"):
            endings[row.ticket].append(row.kind.partition(".")[2])
        elif row.kind.startswith("escalation."):
            beside[row.ticket].add((row.data["step"], row.kind.partition(".")[2]))
            reasons[row.ticket].append(row.data.get("why"))
    assert {len(endings[ticket]) for ticket in taken} == {1}, "each ends once"
    how = Counter(endings[ticket][0] for ticket in taken)
    assert set(how) == {"finished", "slot", "doorstep", "declined"}, how
    assert len(taken) == len(evening.keys) and how["finished"] >= 8, how
    for ticket in taken:
        match endings[ticket][0]:
            case "slot":
                assert ("slot", "accepted") in beside[ticket]
            case "declined":
                assert {("slot", "refused"), ("doorstep", "refused")} <= beside[ticket] and "no_need" in reasons[ticket]
            case "doorstep":
                assert {("doorstep", "offered"), ("doorstep", "accepted")} <= beside[ticket]
    bookings = sum(row.kind == "appointment.booked" for row in record)
    visits = sum(row.kind == "doorstep.requested" for row in record)
    assert (bookings, visits) == (how["slot"], how["doorstep"])
    once = Counter(
        (row.kind, row.ticket, row.data["step"]) for row in record if row.kind.startswith("escalation.") and row.ticket
    )
    assert set(once.values()) == {1}, "no step of anybody's twice"
    alarms_now: Counter[tuple[str, str | None]] = Counter()
    for row in record:
        if row.kind in ("alarm.raised", "alarm.cleared"):
            alarms_now[row.data["what"], row.data.get("service") or row.data.get("window")] += 1 if "raised" in row.kind else -1
            assert set(alarms_now.values()) <= {0, 1}, "no alarm twice"
    closed = [(row.actor, row.data.get("left", 0) > 0, row.data["reason"]) for row in record if row.kind == "window.closed"]
    assert closed == [("manager:lin", True, "家中急事"), ("clerk:c1", False, None)] and evening.blocked == 1
