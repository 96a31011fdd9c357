"""What breaks: one fault per function, each undone by itself, in an order the seed decides."""

import asyncio
import random
import signal
import time
import tomllib
from collections.abc import Awaitable, Callable

import redis.asyncio

from tests.storm.boards import Board
from tests.storm.evidence import Fault
from tests.storm.hall import Hall

TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()
"""
ALARMED = "SELECT EXISTS (SELECT FROM device_alarms WHERE state = 'paper_out' AND cleared_at IS NULL)"


class Nemesis:
    """Hurts one hall and notes when."""

    def __init__(self, hall: Hall, boards: list[Board], luck: random.Random):
        self.hall, self.boards, self.luck = hall, boards, luck
        self.faults: list[Fault] = []
        self.paper_alarm_s: float | None = None

    async def during(self, name: str, harm: Awaitable[None]) -> None:
        began = time.time()
        try:
            await harm
        finally:
            self.faults.append(Fault(name, began, time.time()))

    async def kill_and_start(self, name: str, down_s: float) -> None:
        self.hall.parts[name].kill()
        await asyncio.sleep(down_s)
        await self.hall.start(name)

    async def kill_web(self) -> None:
        await self.during("kill web", self.kill_and_start(self.luck.choice(("web", "web2")), 0.5))

    async def kill_link(self) -> None:
        await self.during("kill link", self.kill_and_start("link", 0.3))

    async def kill_voice(self) -> None:
        await self.during("kill voice", self.kill_and_start("voice", 0.3))

    def note(self, name: str, began: float) -> None:
        """Something was broken from then until now."""
        self.faults.append(Fault(name, began, time.time()))

    async def kill_agent(self) -> None:
        """The program of dispensers, strips and button boxes, in the middle of whatever it does."""
        await self.during("kill agent", self.kill_and_start("agent", 0.5))

    async def kill_clock(self) -> None:
        await self.during("kill clock", self.kill_and_start("clock", 0.3))

    async def freeze_redis(self) -> None:
        """It accepts connections and answers nothing: worse than being gone."""

        async def harm() -> None:
            self.hall.parts["valkey"].send(signal.SIGSTOP)
            await asyncio.sleep(3)
            self.hall.parts["valkey"].send(signal.SIGCONT)

        await self.during("redis frozen", harm())

    async def stop_redis(self) -> None:
        await self.during("redis stopped", self.kill_and_start("valkey", 2))

    async def flush_redis(self) -> None:
        async def harm() -> None:
            assert self.hall.settings.redis_url
            async with redis.asyncio.from_url(self.hall.settings.redis_url) as ring:
                await ring.flushall()

        await self.during("redis flushed", harm())

    async def terminate_backends(self) -> None:
        async def harm() -> None:
            db = await self.hall.db()
            await db.execute(TERMINATE)
            await db.close()

        await self.during("terminate backends", harm())

    async def restart_postgres(self) -> None:
        """Stopped at once, as by the machine's administrator, and back 1.5 s later."""
        part = self.hall.parts["postgres"]
        await asyncio.to_thread(part.stop)
        await self.during("postgres restart", self._postgres_back())

    async def _postgres_back(self) -> None:
        await asyncio.sleep(1.5)
        await self.hall.start("postgres")

    async def kill_postgres(self) -> None:
        """As by a power cut."""
        await self.during("postgres killed", self.kill_and_start("postgres", 0.2))

    async def cut_a_board(self) -> None:
        await self.during("board cut", self.luck.choice(self.boards).cut(self.luck.choice((1, 3))))

    async def empty_a_printer(self) -> None:
        """Paper out on the first dispenser for a while; how long its alarm took is measured."""

        async def harm() -> None:
            began = time.time()
            await self.printer("paper-out")
            while self.paper_alarm_s is None and time.time() - began < 10:
                if await self.alarmed():
                    self.paper_alarm_s = time.time() - began
                await asyncio.sleep(0.2)
            await self.printer("ok")

        await self.during("paper out", harm())

    async def alarmed(self) -> bool:
        db = await self.hall.db()
        try:
            return bool(await db.fetchval(ALARMED))
        finally:
            await db.close()

    async def printer(self, fault: str, nth: int = 0) -> None:
        paper = tomllib.loads((self.hall.home / "agents" / "peers.toml").read_text())
        host, _, port = paper["paper"]["control"].rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{paper['printer'][nth]['name']} {fault}\n".encode())
        answer = await reader.readline()
        writer.close()
        assert answer.startswith(b"ok"), answer

    def plan(self, seconds: float) -> list[tuple[float, Callable[[], Awaitable[None]]]]:
        """When which fault begins. The three every storm has come first; a longer storm draws more."""
        always = [self.kill_web, self.freeze_redis, self.kill_link, self.restart_postgres]
        more = [
            self.stop_redis, self.flush_redis, self.terminate_backends, self.kill_voice, self.kill_clock, self.cut_a_board,
            self.kill_postgres, self.empty_a_printer, self.kill_agent,
        ]  # fmt: skip
        self.luck.shuffle(more)
        room = max(0, int((seconds - 4) / 3.5) - len(always))
        wanted = always + [more[n % len(more)] for n in range(room)]
        self.luck.shuffle(wanted)
        step = (seconds - 4) / max(1, len(wanted))
        return [(2 + n * step, fault) for n, fault in enumerate(wanted)]

    async def rage(self, seconds: float, say: Callable[[str], None]) -> None:
        began = time.monotonic()
        for at, fault in self.plan(seconds):
            await asyncio.sleep(max(0, began + at - time.monotonic()))
            say(f"{time.monotonic() - began:5.1f} s  {fault.__name__.replace('_', ' ')}")
            await fault()
        await asyncio.sleep(max(0, began + seconds - time.monotonic()))
