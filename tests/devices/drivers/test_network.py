"""The simulated network cable: real bytes through a program of its own, late, cut and healed."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.ports import free_port

PATIENCE_S = 30.0


@dataclass
class Laid:
    """A cable between two ports, and its control line."""

    port: int
    control: int

    async def say(self, line: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.control)
        writer.write(f"{line}\n".encode())
        answer = (await reader.readline()).decode().strip()
        writer.close()
        return answer

    async def round_trip(self) -> float:
        """Seconds until five bytes came back. ConnectionError, EOFError."""
        began = asyncio.get_running_loop().time()
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(b"hello")
                assert await reader.readexactly(5) == b"hello"
            finally:
                writer.close()
        return asyncio.get_running_loop().time() - began


@asynccontextmanager
async def echo() -> AsyncIterator[int]:
    """A server that says back what it hears; its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1024):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield int(server.sockets[0].getsockname()[1])
    server.close()


@pytest.fixture
async def cable(tmp_path: Path) -> AsyncIterator[Laid]:
    """The program as the demo runs it, with one cable to an echo."""
    laid = Laid(free_port(), free_port())
    async with echo() as to:
        config = tmp_path / "peers.toml"
        config.write_text(
            f'[network]\ncontrol = "127.0.0.1:{laid.control}"\n'
            f'[[cable]]\nname = "led-2"\nlisten = "127.0.0.1:{laid.port}"\nto = "127.0.0.1:{to}"\n'
        )
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "devices.drivers", "--config", str(config), stdout=asyncio.subprocess.PIPE
        )
        assert program.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            assert b"cables ready" in await program.stdout.readline()
        yield laid
        program.terminate()
        await program.wait()


async def test_bytes_come_through_late_when_it_is_slow_and_at_once_when_it_is_healed(cable: Laid) -> None:
    assert await cable.round_trip() < 1.0
    assert await cable.say("led-2 slow 0.6") == "ok"
    assert await cable.round_trip() >= 1.2
    assert await cable.say("led-2 status") == 'ok {"slow_s": 0.6, "cut": false}'
    assert await cable.say("led-2 ok") == "ok"
    assert await cable.round_trip() < 1.0


async def test_a_cut_breaks_what_is_there_and_lets_nobody_through(cable: Laid) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", cable.port)
    writer.write(b"hello")
    assert await reader.readexactly(5) == b"hello"
    assert await cable.say("led-2 cut") == "ok"
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await cable.round_trip()
    assert await cable.say("led-2 ok") == "ok"
    assert await cable.round_trip() < 1.0


async def test_what_it_does_not_know_it_says(cable: Laid) -> None:
    answers = [await cable.say(line) for line in ("led-2 dance", "led-9 cut", "led-2", "led-2 slow much")]
    assert answers == [
        "error unknown fault dance", "error say NAME FAULT; cables: led-2", "error say NAME FAULT; cables: led-2",
        "error could not convert string to float: 'much'",
    ]  # fmt: skip
