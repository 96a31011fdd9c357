"""The time of a rehearsal is moved for everybody at once; the time of a hall is not."""

import asyncio
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from devices.clock import ClockOffset, Moment
from floor import rehearsal
from floor.boot.program import CannotStart
from floor.database import Connection
from floor.settings import SettingsError, load
from queueing.halls import Hall

SATURDAY = datetime(2026, 3, 7, 1, 0, tzinfo=UTC)
TELL = "from devices import clock; print(clock.now().wall.isoformat())"


async def test_a_hall_that_is_there_keeps_the_real_time(db: Connection, hall: Hall, tmp_path: Path) -> None:
    with pytest.raises(rehearsal.HasHalls):
        await rehearsal.begin(db, tmp_path)
    assert await db.fetchval("SELECT hall_now() = now()")
    await rehearsal.check_time(db, demo=True)


async def test_the_record_and_the_processes_are_moved_together(db: Connection, tmp_path: Path) -> None:
    file = await rehearsal.begin(db, tmp_path)
    await rehearsal.move(db, file, SATURDAY)
    env = {**os.environ, "HALL_CLOCK": str(file)}
    told = (await asyncio.to_thread(subprocess.check_output, [sys.executable, "-c", TELL], env=env, text=True)).strip()
    said: datetime = await db.fetchval("SELECT hall_clock()")
    assert SATURDAY <= datetime.fromisoformat(told) <= said < SATURDAY + timedelta(minutes=1)
    await rehearsal.move(db, file, SATURDAY - timedelta(hours=1))
    assert await db.fetchval("SELECT hall_now()") < SATURDAY


async def test_a_rehearsal_is_never_opened_as_a_hall_nor_a_hall_as_a_rehearsal(
    db: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HALL_CLOCK", "here")
    with pytest.raises(CannotStart, match="this database is none"):
        await rehearsal.check_time(db, demo=True)
    await rehearsal.begin(db, tmp_path)
    await rehearsal.check_time(db, demo=True)
    with pytest.raises(CannotStart, match="not the real one"):
        await rehearsal.check_time(db, demo=False)
    monkeypatch.delenv("HALL_CLOCK")
    with pytest.raises(CannotStart, match="not the real one"):
        await rehearsal.check_time(db, demo=True)


def test_a_real_hall_does_not_start_with_a_moved_clock(tmp_path: Path) -> None:
    given = {"HALL_DATA_DIR": str(tmp_path), "HALL_CLOCK": "/anywhere", "HALL_SECRET": "x" * 32}
    with pytest.raises(SettingsError, match="HALL_CLOCK"):
        load({**given, "HALL_DEMO": "0"})
    assert load({**given, "HALL_DEMO": "1"}).demo


def test_a_machine_that_is_moved_with_its_hall_is_as_far_from_it_as_before() -> None:
    here, day = ClockOffset(), timedelta(days=1)
    wall = datetime(2026, 3, 6, tzinfo=UTC)
    here.follow(Moment(100.0, wall))
    here.measure(wall, wall + timedelta(seconds=3), wall + timedelta(seconds=3), wall)
    here.follow(Moment(101.0, wall + day + timedelta(seconds=1), day.total_seconds()))
    assert here.seconds == 3.0
    here.follow(Moment(102.0, wall + day + timedelta(seconds=62), day.total_seconds()))  # its own clock alone: a minute on
    assert here.seconds == -57.0
