"""The program's memory across power cuts: who its devices are, and what each began and how it ended.

What `begin` and `end` write is on the disk when they return (SQLite, synchronous=FULL). A job that was begun and has no
ending when the program starts is one that a power cut interrupted: nobody knows whether the paper came out.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from devices.agent import numbers
from devices.agent.numbers import Numbers
from devices.client import Report
from devices.drivers import Ending, Job

KEPT = timedelta(days=7)  # endings older than this are forgotten; no job lives so long
TABLES = f"""
{numbers.TABLES}
CREATE TABLE IF NOT EXISTS presses (
    device text NOT NULL, press text NOT NULL, what text NOT NULL, data text NOT NULL, at text NOT NULL,
    PRIMARY KEY (device, press)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS identities (
    name text PRIMARY KEY, device text NOT NULL, secret text NOT NULL, next_secret text, link text NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS codes (name text PRIMARY KEY, used text NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS jobs (
    device text NOT NULL, job text NOT NULL, kind text NOT NULL, key text NOT NULL,
    state text NOT NULL, at text NOT NULL, detail text, reason text,
    PRIMARY KEY (device, job)
) STRICT, WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Identity:
    """What pairing gave a device. `secrets` are tried in this order: a rotated one first, the one before it after."""

    device: str
    secrets: tuple[str, ...]
    link: str


class Ledger:
    """The file, opened once by the program."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, isolation_level=None)
        file.chmod(0o600)  # it holds the devices' secrets; on Windows its folder's own rights guard it
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(TABLES)

    def close(self) -> None:
        self._db.close()

    def identity(self, name: str) -> Identity | None:
        row = self._db.execute("SELECT device, secret, next_secret, link FROM identities WHERE name = ?", (name,)).fetchone()
        return Identity(row[0], tuple(secret for secret in (row[2], row[1]) if secret), row[3]) if row else None

    def keep_identity(self, name: str, device: str, secret: str, link: str, code: str) -> None:
        """Remembers a fresh pairing and the code it used up."""
        with self._db:
            self._db.execute("BEGIN")
            self._db.execute("REPLACE INTO identities VALUES (?, ?, ?, NULL, ?)", (name, device, secret, link))
            self._db.execute("REPLACE INTO codes VALUES (?, ?)", (name, code))

    def forget_identity(self, name: str) -> None:
        self._db.execute("DELETE FROM identities WHERE name = ?", (name,))

    def code_used(self, name: str) -> str | None:
        row = self._db.execute("SELECT used FROM codes WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def keep_next_secret(self, name: str, secret: str) -> None:
        self._db.execute("UPDATE identities SET next_secret = ? WHERE name = ?", (secret, name))

    def settle_secret(self, name: str, secret: str) -> None:
        """The hall took this secret: the other one is dropped."""
        self._db.execute("UPDATE identities SET secret = ?, next_secret = NULL WHERE name = ?", (secret, name))

    def numbers(self, device: str) -> Numbers:
        """What one device id was lent and gave out alone."""
        return Numbers(self._db, device)

    def page(self, device: str) -> Page:
        """The jobs of one device id."""
        return Page(self._db, device)


class Page:
    """What one device began and how it ended."""

    def __init__(self, db: sqlite3.Connection, device: str) -> None:
        self._db, self._device = db, device

    def begin(self, job: Job, at: datetime) -> None:
        """On disk before the first byte goes to the machine."""
        self._db.execute(
            "INSERT INTO jobs VALUES (?, ?, ?, ?, 'started', ?, NULL, NULL)",
            (self._device, job.job, job.kind, job.key, at.isoformat()),
        )

    def end(self, job: Job, ending: Ending, at: datetime) -> None:
        """On disk before the hall is told; also for a job that never began (expired, refused)."""
        self._db.execute(
            "REPLACE INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (self._device, job.job, job.kind, job.key, ending.state, at.isoformat(), _text(ending), ending.reason),
        )

    def begun(self) -> list[str]:
        """The hall's job ids that were begun and have no ending; a dispenser's own papers are not its business."""
        rows = self._db.execute(
            "SELECT job FROM jobs WHERE device = ? AND state = 'started' AND key NOT LIKE 'offline:%'", (self._device,)
        )
        return [row[0] for row in rows]

    def last_report(self, job: str) -> Report | None:
        row = self._db.execute(
            "SELECT state, at, detail, reason FROM jobs WHERE device = ? AND job = ?", (self._device, job)
        ).fetchone()
        if row is None:
            return None
        return Report(job, row[0], datetime.fromisoformat(row[1]), json.loads(row[2]) if row[2] else None, row[3])

    def settle_interrupted(self, at: datetime) -> list[str]:
        """What a power cut interrupted becomes `uncertain`; returns those of the hall. Old endings are cleared away."""
        jobs = self.begun()
        self._db.execute(
            "UPDATE jobs SET state = 'uncertain', at = ?, reason = 'interrupted' WHERE device = ? AND state = 'started'",
            (at.isoformat(), self._device),
        )
        self._db.execute("DELETE FROM jobs WHERE device = ? AND at < ?", (self._device, (at - KEPT).isoformat()))
        return jobs

    # ---- what somebody pressed and the hall has not answered yet

    def keep_press(self, press: str, what: str, data: Mapping[str, Any], at: datetime) -> None:
        """On disk before it is sent: a program that ends in that second sends it after its next start."""
        self._db.execute(
            "INSERT OR IGNORE INTO presses VALUES (?, ?, ?, ?, ?)",
            (self._device, press, what, json.dumps(dict(data), ensure_ascii=False), at.isoformat()),
        )

    def presses(self, at: datetime) -> list[tuple[str, str, dict[str, Any]]]:
        """What awaits its answer: press, what, data; too old ones are forgotten."""
        self._db.execute("DELETE FROM presses WHERE device = ? AND at < ?", (self._device, (at - KEPT).isoformat()))
        rows = self._db.execute("SELECT press, what, data FROM presses WHERE device = ? ORDER BY at, press", (self._device,))
        return [(row[0], row[1], json.loads(row[2])) for row in rows]

    def forget_press(self, press: str) -> None:
        self._db.execute("DELETE FROM presses WHERE device = ? AND press = ?", (self._device, press))


def _text(ending: Ending) -> str | None:
    return json.dumps(dict(ending.detail), ensure_ascii=False) if ending.detail else None
