"""A whole hall to be hurt: real PostgreSQL and Valkey, two web processes, the link, two clocks and the demo's machines."""

import asyncio
import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from floor.boot import postgres, valkey
from floor.boot.furnish import furnish
from floor.boot.program import Program, Server
from floor.boot.run import programs
from floor.database import Connection, connect
from floor.settings import Settings, load

PASSWORD = "storm-storm"
START_S = 30.0


class Part:
    """One process of the hall, which the storm may kill, freeze and start again."""

    def __init__(self, program: Program, log: Path):
        self.program, self.log = program, log
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def name(self) -> str:
        return self.program.name

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.process = self.program.start(output)

    def send(self, number: signal.Signals) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill(self) -> None:
        """As a power cut would: no warning, and nothing it started lives on."""
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        if self.alive and self.process is not None:
            self.send(self.program.stop)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


@dataclass
class Hall:
    """The parts by name and how to reach them."""

    home: Path
    settings: Settings
    webs: list[str]
    link: str
    parts: dict[str, Part] = field(default_factory=dict)
    servers: dict[str, Server] = field(default_factory=dict)

    @property
    def demo(self) -> Path:
        return self.home / "demo"

    async def db(self) -> Connection:
        assert self.settings.database_url
        return await connect(self.settings.database_url)

    def log(self, name: str) -> Path:
        return self.home / f"{name}.log"

    async def start(self, name: str) -> None:
        """Start a part (again) and wait until it answers, where there is a way to ask."""
        part = self.parts[name]
        part.start()
        ready = self._ready(name)
        deadline = time.monotonic() + START_S
        while not await asyncio.to_thread(ready):
            if time.monotonic() > deadline or (not part.alive and name in self.servers):
                raise AssertionError(f"{name} does not start: {postgres.tail(part.log, 20)}")
            await asyncio.sleep(0.02)

    def _ready(self, name: str) -> Callable[[], bool]:
        part = self.parts[name]
        if name in self.servers:
            return lambda: part.process is not None and self.servers[name].ready(part.process.pid)
        port = {"web": self.webs[0], "web2": self.webs[1], "link": self.link}.get(name, "").rpartition(":")[2]
        return (lambda: listening(int(port))) if port else (lambda: True)


def listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
        return True
    return False


def room() -> int:
    """A port with all those a demo hall wants near it free: link, second web, printers, button boxes.

    Below what the system hands to outgoing connections, one of which could sit on a port between two looks.
    """
    for port in random.sample(range(12000, 30000, 300), 50):
        if not any(listening(port + n) for n in (0, 1, 2, 100, 101, 102, 151, 152, *range(201, 225))):
            return port
    raise AssertionError("no free stretch of ports on this machine")


def with_seconds(listed: list[Program], web2: int) -> list[Program]:
    """The Procfile's programs, with a second web process and a second clock beside the first ones."""
    by_name = {program.name: program for program in listed}
    web, clock = by_name["web"], by_name["clock"]
    argv = list(web.argv)
    argv[argv.index("--port") + 1] = str(web2)
    return [*listed, replace(web, name="web2", argv=tuple(argv)), replace(clock, name="clock2")]


Furnish = Callable[[Settings], Awaitable[object]]
Choose = Callable[[list[Program], int], list[Program]]


@asynccontextmanager
async def opened(
    home: Path, furnish: Furnish = furnish, choose: Choose = with_seconds, *, durable: bool = True, **env: str
) -> AsyncIterator[Hall]:
    """The hall, open and with its machines paired; everything it started is ended with it.

    `choose`: which programs it has. `durable`: its record outlives a power cut of the whole machine.
    """
    sockets = Path(tempfile.mkdtemp(prefix="hs-"))
    web = room()
    link, web2 = web + 1, web + 2
    settings = load({
        "HALL_DATA_DIR": str(home), "HALL_HOST": "127.0.0.1", "HALL_PORT": str(web), "HALL_LINK_PORT": str(link),
        "HALL_DEMO": "1", "HALL_DEMO_PASSWORD": PASSWORD, "HALL_PUBLIC_URL": f"http://127.0.0.1:{web}", **env,
    })  # fmt: skip
    hall = Hall(home, settings, [f"http://127.0.0.1:{web}", f"http://127.0.0.1:{web2}"], f"ws://127.0.0.1:{link}")
    try:
        await start_servers(hall, sockets, durable)
        await furnish(hall.settings)
        for program in choose(programs(hall.settings, crowd=False), web2):
            hall.parts[program.name] = Part(program, hall.log(program.name))
            await hall.start(program.name)
        yield hall
    finally:
        for part in reversed(hall.parts.values()):
            part.send(signal.SIGCONT) if part.process else None
            await asyncio.to_thread(part.stop)
        shutil.rmtree(sockets, ignore_errors=True)


async def start_servers(hall: Hall, sockets: Path, durable: bool) -> None:
    cluster = await asyncio.to_thread(postgres.cluster, hall.home, sockets)
    await asyncio.to_thread(postgres.prepare, cluster, durable=durable)
    hall.servers = {"postgres": postgres.server(cluster, durable=durable), "valkey": valkey.server(hall.home, sockets)}
    for name, server in hall.servers.items():
        hall.parts[name] = Part(server.program, hall.log(f"{name}.out"))
        await hall.start(name)
    hall.settings = hall.settings.using(hall.servers["postgres"].url, hall.servers["valkey"].url)
