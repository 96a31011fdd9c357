"""A dispenser's numbers on disk: what it was lent, what it gave out alone, and how much of that the hall has.

What `issue` returns is on the disk before a byte goes to the printer (SQLite, synchronous=FULL). A lease is good only in
the start of the computer in which the hall was last heard to speak of it: its deadline is counted by that start's own
clock, so that no jump of the wall clock makes it longer.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from devices import wire
from devices.agent.boots import Instant

KEPT = timedelta(days=7)  # what the hall has, and is older than this, is forgotten
TABLES = """
CREATE TABLE IF NOT EXISTS leases (
    device text NOT NULL, lease text NOT NULL, service text NOT NULL, day text NOT NULL,
    first integer NOT NULL, last integer NOT NULL, data text NOT NULL,
    boot text NOT NULL, heard_up real NOT NULL, heard_wall text NOT NULL, opens_up real NOT NULL, until_up real NOT NULL,
    PRIMARY KEY (device, lease)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS issued (
    device text NOT NULL, seq integer NOT NULL, lease text NOT NULL, service text NOT NULL, day text NOT NULL,
    number integer NOT NULL, press text NOT NULL, boot text NOT NULL, at text NOT NULL, up_ms integer NOT NULL, key text NOT NULL,
    lang text NOT NULL, data text NOT NULL, settled integer NOT NULL DEFAULT 0,
    PRIMARY KEY (device, seq), UNIQUE (device, press)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS brought (device text PRIMARY KEY, through integer NOT NULL) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Given:
    """A ticket given out alone; `data` is what its paper says."""

    seq: int
    lease: str
    service: str
    number: int
    boot: str
    at: datetime
    up_ms: int
    key: str
    lang: str
    data: Mapping[str, Any]

    @property
    def printed(self) -> str:
        return str(self.data["ticket"])

    def told(self, now: Instant) -> wire.IssuedTicket:
        """As the hall reads it: `at` by the wall clock of now, whose offset the hall knows, however it jumped meanwhile."""
        at = now.later(self.up_ms / 1000 - now.up).wall if self.boot == now.boot else self.at
        return wire.IssuedTicket(
            seq=self.seq, lease=self.lease, number=self.number, at=at, up_ms=self.up_ms, key=self.key,
            lang=cast(Any, self.lang),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """A lease that numbers can be given from now; `free` is the next of them."""

    lease: str
    service: str
    day: str
    free: int
    last: int
    data: Mapping[str, Any]
    heard_up: float
    heard_wall: datetime


GIVEN = "seq, lease, service, number, boot, at, up_ms, key, lang, data"


class Numbers:
    """What one device id holds and gave out."""

    def __init__(self, db: sqlite3.Connection, device: str) -> None:
        self._db, self._device = db, device

    # ---- what it was lent

    def keep(self, lease: wire.Lease, now: Instant, offset: timedelta) -> None:
        """Take a lease over as the hall tells it now. `offset` is what the wall clock lacks of the hall's time."""
        hall, data = now.wall + offset, dict(lease.data or {})
        data["utc_offset_s"] = float(data.get("utc_offset_s", 0)) + offset.total_seconds()

        def up(at: datetime) -> float:
            return now.up + (at - hall).total_seconds()

        opens = up(lease.opens) if lease.opens else now.up
        self._db.execute(
            "REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._device, lease.lease, lease.service, lease.day, lease.first, lease.last, json.dumps(data),
                now.boot, now.up, now.wall.isoformat(), opens, up(lease.until),
            ),
        )  # fmt: skip

    def held(self, now: Instant) -> list[Held]:
        """The leases that are good now and not used up, those of one service in the order of their numbers."""
        rows = self._db.execute(
            """SELECT l.lease, l.service, l.day, max(l.first, coalesce((SELECT max(i.number) + 1 FROM issued i
                   WHERE i.device = l.device AND i.day = l.day AND i.service = l.service
                   AND i.number BETWEEN l.first AND l.last), 0)) AS free, l.last, l.data, l.heard_up, l.heard_wall
               FROM leases l WHERE l.device = ? AND l.boot = ? AND l.opens_up <= ? AND ? < l.until_up AND l.heard_up <= ?
               ORDER BY l.service, l.first""",
            (self._device, now.boot, now.up, now.up, now.up),
        )
        found = [
            Held(lease, service, day, free, last, json.loads(data), up, datetime.fromisoformat(wall))
            for lease, service, day, free, last, data, up, wall in rows
        ]
        return [held for held in found if held.free <= held.last]

    def known(self) -> Mapping[str, Any]:
        """What the newest lease said, good or not: the hall's name and where its pages are."""
        row = self._db.execute(
            "SELECT data FROM leases WHERE device = ? ORDER BY heard_wall DESC LIMIT 1", (self._device,)
        ).fetchone()
        return cast(Mapping[str, Any], json.loads(row[0])) if row else {}

    # ---- what it gave out

    def issue(self, service: str, lang: str, press: str, now: Instant) -> Given | None:
        """Give out the next number of a service, once for each press; None when nothing is left of what was lent."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            again = self._one("press = ?", press)
            if again is not None:
                return again
            held = next((held for held in self.held(now) if held.service == service), None)
            if held is None:
                return None
            given = self._made(held, lang, now)
            self._db.execute(
                "INSERT INTO issued VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
                (
                    self._device, given.seq, given.lease, service, held.day, given.number, press, now.boot, given.at.isoformat(),
                    given.up_ms, given.key, lang, json.dumps(given.data),
                ),
            )  # fmt: skip
        return given

    def _made(self, held: Held, lang: str, now: Instant) -> Given:
        at = held.heard_wall + timedelta(seconds=now.up - held.heard_up)  # a clock that jumped meanwhile doesn't matter
        key, said = secrets.token_urlsafe(16), held.data
        prefix = str(said.get("prefix", held.service))
        local = at + timedelta(seconds=float(said.get("utc_offset_s", 0)))
        data = {
            "template": "ticket", "ticket": f"{prefix}{held.free:03}", "service": held.service, "lang": lang,
            "service_name": dict(said.get("names", {})).get(lang, held.service), "hall": said.get("hall"),
            "where": said.get("where"), "line": said.get("line"), "at": local.replace(tzinfo=None).isoformat("T", "seconds"),
            "url": f"{said['url']}{key}" if said.get("url") else None,
        }  # fmt: skip
        data = {name: value for name, value in data.items() if value is not None}
        return Given(self.newest() + 1, held.lease, held.service, held.free, now.boot, at, int(now.up * 1000), key, lang, data)

    def newest(self) -> int:
        """The highest seq this device has given out or the hall has of it."""
        row = self._db.execute(
            """SELECT max(coalesce((SELECT max(seq) FROM issued WHERE device = ?1), 0),
                          coalesce((SELECT through FROM brought WHERE device = ?1), 0))""", (self._device,)
        ).fetchone()  # fmt: skip
        return int(row[0])

    def given(self, seq: int) -> Given | None:
        return self._one("seq = ?", seq)

    def _one(self, where: str, value: object) -> Given | None:
        row = self._db.execute(f"SELECT {GIVEN} FROM issued WHERE device = ? AND {where}", (self._device, value)).fetchone()
        return _given(row) if row else None

    # ---- its paper

    def unsettled(self) -> list[Given]:
        """Tickets whose paper is neither out nor given up, oldest first."""
        rows = self._db.execute(f"SELECT {GIVEN} FROM issued WHERE device = ? AND settled = 0 ORDER BY seq", (self._device,))
        return [_given(row) for row in rows]

    def settle(self, seq: int) -> None:
        """Its paper is out, or nobody stands there any more."""
        self._db.execute("UPDATE issued SET settled = 1 WHERE device = ? AND seq = ?", (self._device, seq))

    # ---- bringing it home

    def through(self) -> int:
        """The hall has everything up to this seq."""
        row = self._db.execute("SELECT through FROM brought WHERE device = ?", (self._device,)).fetchone()
        return int(row[0]) if row else 0

    def unbrought(self, limit: int, now: Instant) -> list[wire.IssuedTicket]:
        """What the hall doesn't have yet, in order."""
        rows = self._db.execute(
            f"SELECT {GIVEN} FROM issued WHERE device = ? AND seq > ? ORDER BY seq LIMIT ?", (self._device, self.through(), limit)
        )
        return [_given(row).told(now) for row in rows]

    def brought(self, through: int, now: Instant) -> None:
        """The hall says up to where it has everything; less than it said before means that it lost some."""
        self._db.execute("REPLACE INTO brought VALUES (?, ?)", (self._device, through))
        old = (now.wall - KEPT).isoformat()
        self._db.execute("DELETE FROM issued WHERE device = ? AND seq <= ? AND at < ?", (self._device, through, old))
        self._db.execute("DELETE FROM leases WHERE device = ? AND heard_wall < ?", (self._device, old))


def _given(row: Sequence[Any]) -> Given:
    seq, lease, service, number, boot, at, up_ms, key, lang, data = row
    return Given(
        seq, lease, service, number, boot, datetime.fromisoformat(at).astimezone(UTC), up_ms, key, lang, json.loads(data)
    )
