"""A box whose disk is full says so, through the machine that speaks for it."""

import asyncio
from pathlib import Path

import pytest

from devices.agent import disk
from devices.agent.config import read_config
from devices.agent.device import Device
from devices.agent.ledger import Ledger
from tests.devices.agent.agents import write_config


def test_a_disk_is_full_when_little_is_free(tmp_path: Path) -> None:
    assert (disk.room(tmp_path, low=0), disk.room(tmp_path, low=2**62)) == ("ok", "full")


async def test_it_is_looked_at_again_and_again_and_stands_among_the_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "LOOK_S", 0.01)
    write_config(tmp_path / "agent.toml", "http://127.0.0.1:9", [{"kind": "led", "name": "l1", "out": str(tmp_path)}])
    config = read_config(tmp_path / "agent.toml")
    device = Device(config.devices[0], config, Ledger(config.state / "ledger.sqlite"))
    told = asyncio.Event()
    states: list[str] = []

    def tell(state: str) -> None:
        device.disk_is(state)
        states.append(state)
        if len(states) == 3:
            told.set()

    watching = asyncio.create_task(disk.watch(tmp_path, tell))
    async with asyncio.timeout(10):
        await told.wait()
    watching.cancel()
    assert (set(states), device._parts()["disk"].state) == ({device.disk}, device.disk)
