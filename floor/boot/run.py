"""Open the hall: servers, record, demo hall, processes, and a welcome that says where to go."""

import asyncio
import contextlib
import os
import shlex
import signal
import string
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from floor.boot import postgres, valkey
from floor.boot.furnished import furnisher
from floor.boot.place import announce, local_origin, occupied, require_free, socket_directory
from floor.boot.program import Program
from floor.boot.supervise import Console, Watch, end_all, serve
from floor.boot.welcome import welcome
from floor.database import connect
from floor.settings import Settings, load

ROOT = Path(__file__).resolve().parents[2]
DEMO_ONLY = {"peers", "agent", "voice"}  # a real hall's machines run their own agents
GUESTS = {"agent", "voice"}  # they come through the door, so it is opened first
CROWD = {"crowd"}
PATIENCE_S = 30.0
HELLO_S = 3.0  # the welcome is for people to read: it waits so long for the machines to have said that they are there

# The C library's own first values, said aloud so that it does not raise them: it would keep for good what a sound or a
# picture needed for a moment, once for each thread. A tenth of the demo's memory; a set variable of the same name wins.
THRIFT = {"MALLOC_ARENA_MAX": "2", "MALLOC_TRIM_THRESHOLD_": "131072", "MALLOC_MMAP_THRESHOLD_": "131072"}


def run(crowd: bool = False) -> int:
    """Open the hall and keep it open until Ctrl-C or SIGTERM; the exit code."""
    began = time.monotonic()
    settings = load({"HALL_DEMO": "1", **os.environ})
    with occupied(settings.data_dir):
        require_free(settings.host, settings.port, "HALL_PORT")
        require_free(settings.host, settings.link_port, "HALL_LINK_PORT")
        return asyncio.run(open_until_told(settings, crowd, began))


async def open_until_told(settings: Settings, crowd: bool, began: float) -> int:
    console, told = Console(), asyncio.Event()
    loop = asyncio.get_running_loop()
    day = loop.create_task(hold_open(settings, console, crowd, began))

    def stop() -> None:
        if told.is_set():
            console.say("hall", "closing already; one moment")
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
    waiting = loop.create_task(told.wait())
    await asyncio.wait([day, waiting], return_when=asyncio.FIRST_COMPLETED)
    if told.is_set():
        console.say("hall", "closing")
        day.cancel()
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await day
    console.say("hall", "closed")
    return 0


async def hold_open(settings: Settings, console: Console, crowd: bool, began: float) -> None:
    """Everything between the first start and the last stop; cancelled to close."""
    async with AsyncExitStack() as stack:
        sockets = stack.enter_context(socket_directory(settings.data_dir))
        async with furnisher() as furnish:
            settings = await stack.enter_async_context(servers(settings, sockets, console))
            assert settings.database_url
            furnished = await furnish(settings.database_url)
        announce(settings, sockets)
        listed = programs(settings, crowd)
        await stack.enter_async_context(kept([it for it in listed if it.name not in GUESTS | CROWD], console))
        is_open, seconds = await answering(settings), time.monotonic() - began
        guests = await stack.enter_async_context(kept([it for it in listed if it.name in GUESTS], console))
        if is_open:
            await first_lines(guests)
            console.write(welcome(settings, furnished, seconds))
        else:
            console.say("hall", f"the pages or the link have not answered for {PATIENCE_S:.0f} s; their lines say why")
        await stack.enter_async_context(kept([it for it in listed if it.name in CROWD], console))
        await asyncio.Event().wait()  # for ever: who closes the hall cancels this


@asynccontextmanager
async def servers(settings: Settings, sockets: Path, console: Console | None) -> AsyncIterator[Settings]:
    """Start PostgreSQL and Valkey together where no others are named; settings with the addresses of both."""
    console = console or Console()
    watches: list[Watch] = []
    try:
        database_url, redis_url = await asyncio.gather(
            own_postgres(settings, sockets, console, watches), own_valkey(settings, sockets, console, watches)
        )
        yield settings.using(database_url, redis_url)
    finally:
        await end_all(watches)


async def own_postgres(settings: Settings, sockets: Path, console: Console, watches: list[Watch]) -> str:
    if settings.database_url:
        return settings.database_url
    cluster = await asyncio.to_thread(postgres.cluster, settings.data_dir, sockets)
    await asyncio.to_thread(postgres.prepare, cluster)
    server = postgres.server(cluster)
    watches.append(await serve(server, console))
    db = await connect(server.url)
    try:
        if not await db.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = 'hall')"):
            await db.execute("SET statement_timeout = 0")  # it copies files: on a slow disk that takes what it takes
            await db.execute("CREATE DATABASE hall")
    finally:
        await db.close()
    return server.url.replace("/postgres?", "/hall?")


async def own_valkey(settings: Settings, sockets: Path, console: Console, watches: list[Watch]) -> str:
    if settings.redis_url:
        return settings.redis_url
    server = valkey.server(settings.data_dir, sockets)
    watches.append(await serve(server, console))
    return server.url


def programs(settings: Settings, crowd: bool) -> list[Program]:
    """The Procfile's processes, and the crowd when it is asked along."""
    env = environment(settings)
    listed = parse_procfile((ROOT / "Procfile").read_text("utf-8"), env)
    if crowd:
        listed["crowd"] = [sys.executable, "-P", "-m", "floor.boot", "crowd"]
    return [
        Program(name, tuple(argv), env=env, cwd=ROOT) for name, argv in listed.items() if settings.demo or name not in DEMO_ONLY
    ]


def parse_procfile(text: str, env: Mapping[str, str]) -> dict[str, list[str]]:
    """Name -> arguments, with $NAMES from `env`; "python" is the one that runs the hall."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    processes: dict[str, list[str]] = {}
    for line in lines:
        name, _, command = line.partition(":")
        words = [string.Template(word).substitute(env) for word in shlex.split(command)]
        processes[name.strip()] = [sys.executable if words[0] == "python" else words[0], *words[1:]]
    return processes


def environment(settings: Settings) -> dict[str, str]:
    """What every process of the hall is told."""
    assert settings.database_url and settings.redis_url
    return {
        **THRIFT,
        **os.environ,
        "HALL_DATABASE_URL": settings.database_url,
        "HALL_REDIS_URL": settings.redis_url,
        "HALL_DATA_DIR": str(settings.data_dir),
        "HALL_HOST": settings.host,
        "HALL_PORT": str(settings.port),
        "HALL_LINK_PORT": str(settings.link_port),
        "HALL_DEMO": "1" if settings.demo else "0",
        "HALL_LOG": settings.log,
        "PYTHONPATH": str(ROOT),
        "PYTHONUNBUFFERED": "1",
    }


@asynccontextmanager
async def kept(wanted: list[Program], console: Console) -> AsyncIterator[list[Watch]]:
    """Keep the processes alive for as long as the block runs, then end them together."""
    watches = [Watch(program, console) for program in wanted]
    for watch in watches:
        watch.begin()
    try:
        yield watches
    finally:
        await end_all(watches)


async def first_lines(watches: Sequence[Watch]) -> None:
    """Wait until each has said something, HELLO_S at most."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HELLO_S):
            for watch in watches:
                await watch.spoke.wait()


async def answering(settings: Settings) -> bool:
    """Wait until the pages and the link answer; False after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if await asyncio.to_thread(pages_answer, settings) and await link_answers(settings):
            return True
        await asyncio.sleep(0.05)
    return False


def pages_answer(settings: Settings) -> bool:
    request = urllib.request.Request(f"{local_origin(settings)}/readyz")
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


async def link_answers(settings: Settings) -> bool:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    try:
        _, writer = await asyncio.open_connection(host, settings.link_port)
    except OSError:
        return False
    writer.close()
    return True
