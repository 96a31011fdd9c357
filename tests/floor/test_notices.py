"""The programs that send: two clocks at one outbox, one of them killed in the middle, and what each program says aloud."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from displays import contacts, notices, outbox
from displays.sealed import Seal
from floor.database import Connection
from floor.settings import Settings
from queueing import tickets
from queueing.halls import Hall
from tests.displays.days import open_all
from tests.displays.gateway import Gateway, gateway_running

PATIENCE_S = 60


@contextmanager
def clock(settings: Settings, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A clock as the hall starts it."""
    env = {
        **os.environ, "HALL_DATABASE_URL": str(settings.database_url), "HALL_REDIS_URL": str(settings.redis_url),
        "HALL_DATA_DIR": str(settings.data_dir), "HALL_SECRET": settings.secret.decode(), "HALL_LOG": "json",
        "HALL_NOTICE_SECRET_PHONE": "key-from-the-environment",
    }  # fmt: skip
    with log.open("ab") as out:
        process = subprocess.Popen([sys.executable, "-m", "floor.clock"], stdout=out, stderr=out, env=env)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def until(gateway: Gateway, count: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while len(gateway.texts) < count:
        assert time.monotonic() < deadline, f"{len(gateway.texts)} of {count} after {PATIENCE_S} s"
        time.sleep(0.1)


@pytest.mark.slow
async def test_a_clock_killed_while_it_sends_loses_nothing_and_doubles_nothing(
    db: Connection, hall: Hall, settings: Settings, tmp_path: Path
) -> None:
    seal, log = Seal(settings.secret), tmp_path / "clocks.log"
    with gateway_running(tmp_path / "gateway.jsonl") as gateway:
        await outbox.set_way(db, hall.id, "phone", "http", gateway.setting(), seal=seal)
        await open_all(db, hall)
        await notices.follow(db, hall)
        for n in range(40):
            key = tickets.new_key()
            await contacts.keep(db, hall.id, key, f"139777700{n:02}", seal=seal, lang="zh-Hans")
            await tickets.take(db, hall, ["A"], actor="desk:desk01", channel="desk", key=key)
        gateway.fail(*["slow"] * 12)
        with clock(settings, log) as first, clock(settings, log):
            until(gateway, 6)
            first.kill()
            first.wait(20)
            until(gateway, 30)  # what the dead one had in hand is left alone for a minute
            await db.execute("UPDATE notices SET due = now() WHERE state = 'waiting' AND due > now()")
            until(gateway, 40)
        texts, keys = gateway.texts, {line["key"] for line in gateway.lines if "key" in line}
    assert (len(texts), len(set(texts)), keys) == (40, 40, {"key-from-the-environment"})
    assert "139777700" not in log.read_text()
