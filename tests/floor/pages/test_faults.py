"""A newcomer breaks the demo's machines by the page, over the same control lines as anybody else."""

import asyncio
import contextlib
import random
import socket
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette

from devices import health, pairing, registry
from devices.drivers.identity.frames import FIND, FOUND, READ, read_number, request, take_answer
from devices.wire import Part
from floor.boot import agents
from floor.boot.agents import Machine, control
from floor.database import Connection
from floor.pages.faults import tell
from floor.settings import Settings
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, staff

PATIENCE_S = 30.0
MACHINES = (("dispenser", "dispenser-1", "取号机 1", None), ("led", "led-1", "1号窗口灯条", "1"),
            ("keypad", "keypad-1", "1号窗口键盘", "1"))  # fmt: skip


def port_with_room() -> int:
    """A port below those the system hands out, with the ones beside it that the demo's machines take."""
    for port in random.sample(range(21_000, 31_000, 500), 20):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for offset in (100, 101, 300, 301, 400, 401, 500, 501, 551):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port + offset))
            return port
    raise OSError("no room for the demo's machines")


@pytest.fixture
async def demo(app: Starlette, db: Connection, hall_id: int, tmp_path: Path) -> AsyncIterator[Settings]:
    """The demo's machines known to the hall, and the program at the other end of their cables."""
    settings = replace(app.state.settings, demo=True, port=port_with_room(), data_dir=tmp_path)
    app.state.settings = settings
    for kind, _, called, window in MACHINES:
        _, code, _ = await pairing.create_device(db, hall_id, kind, name=called, actor="engineer", window=window)
        await pairing.pair(db, code, "box", "1.0.0", address="10.0.0.9")
    agents.write(settings, [Machine(kind, name, called, window=window) for kind, name, called, window in MACHINES])
    config = str(tmp_path / "agents" / "peers.toml")
    program = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "devices.drivers", "--config", config, stdout=asyncio.subprocess.PIPE
    )
    assert program.stdout is not None
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(4):
            assert b"ready" in await program.stdout.readline()
    yield settings
    program.terminate()
    await program.wait()


async def press(client: Client, name: str, fault: str) -> int:
    page = await look(client, "/demo/faults")
    answer = await client.post(f"/demo/faults/{name}", data={**page.forms["/signout"].fields, "fault": fault})
    return answer.status_code


async def test_each_button_reaches_the_machine_and_as_before_heals_it(app: Starlette, demo: Settings) -> None:
    yuan = await staff(app, "engineer")

    async def state(name: str, peer: str) -> str:
        return await tell(*control(demo, peer), f"{name} status")

    assert [await press(yuan, "dispenser-1", "paper-out"), await press(yuan, "led-1", "slow 6")] == [303, 303]
    broken = ["paper-out" in await state("dispenser-1", "paper"), '"slow_s": 6.0' in await state("led-1", "network")]
    assert [await press(yuan, "dispenser-1", "ok"), await press(yuan, "led-1", "ok")] == [303, 303]
    healed = ["paper-out" in await state("dispenser-1", "paper"), '"slow_s": 6.0' in await state("led-1", "network")]
    assert (broken, healed) == ([True, True], [False, False])


async def test_a_key_is_pressed_and_a_card_laid_down_from_the_page(app: Starlette, demo: Settings) -> None:
    """The page's buttons are hands: what they do comes out of the cables that the drivers hang on."""
    yuan, port = await staff(app, "engineer"), demo.port
    async with asyncio.timeout(PATIENCE_S):
        keys, _ = await asyncio.open_connection("127.0.0.1", port + 501)
        reader, to_reader = await asyncio.open_connection("127.0.0.1", port + 551)

        async def asked(command: bytes) -> bytes:
            to_reader.write(request(command))
            heard = bytearray()
            while (found := take_answer(heard)) is None:
                heard += await reader.read(2048)
            return read_number(found).encode() if command == READ else found.status

        empty = await asked(FIND)
        assert [await press(yuan, "keypad-1", "next"), await press(yuan, "reader-1", "lay")] == [303, 303]
        assert await keys.readexactly(16) == bytes.fromhex("00 00 58").ljust(16, b"\0")
        assert (empty == FOUND, await asked(FIND) == FOUND, len(await asked(READ))) == (False, True, 18)
        assert [await press(yuan, "reader-1", "lift"), await press(yuan, "keypad-1", "unplug")] == [303, 303]
        assert (await asked(FIND) == FOUND, await keys.read()) == (False, b"")


@pytest.mark.parametrize(("name", "fault"), [("led-1", "paper-out"), ("led-9", "cut"), ("dispenser-1", "dance")])
async def test_what_a_machine_cannot_have_is_not_found(app: Starlette, demo: Settings, name: str, fault: str) -> None:
    assert await press(await staff(app, "engineer"), name, fault) == 404


async def test_machines_are_called_by_kind_and_place(app: Starlette, demo: Settings, db: Connection, hall_id: int) -> None:
    words = (await look(await staff(app, "engineer"), "/demo/faults")).words
    assert [word for word in ("取号机 1", "LED 灯条 · 1号窗口", "身份证读卡器") if word not in words] == []
    assert [device.name for device in await registry.list_devices(db, hall_id)] == ["取号机 1", "1号窗口灯条", "1号窗口键盘"]


async def test_a_kiosk_and_its_card_reader_each_tell_of_their_own(
    app: Starlette, demo: Settings, db: Connection, hall_id: int
) -> None:
    kiosk = next(device for device in await registry.list_devices(db, hall_id) if device.kind == "dispenser")
    seen = []
    for parts in ({"printer": "paper_out", "cards": "ok"}, {"printer": "ok", "cards": "offline"}):
        await health.report(db, kiosk.id, {part: Part(state=state) for part, state in parts.items()})
        words = (await look(await staff(app, "engineer"), "/demo/faults")).words
        rows = words.split("身份证读卡器")
        seen.append([[word in row for word in ("缺纸", "读卡器未连接")] for row in rows])
    assert seen == [[[True, False], [False, False]], [[False, False], [False, True]]]


async def test_a_real_hall_has_no_such_page(app: Starlette) -> None:
    assert (await (await staff(app, "engineer")).get("/demo/faults")).status_code == 404
