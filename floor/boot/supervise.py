"""Keeps the hall's processes alive: each one's lines under its name, a dead one started again, all ended in order."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import TextIO

from floor.boot.program import CannotStart, Program, Server

FIRST_BACK_OFF_S = 0.2
LONGEST_BACK_OFF_S = 10.0
STEADY_S = 30.0  # alive this long: the next death starts again at the first back-off
GRACE_S = 8.0  # between asking a process to end and making it
LINE_LIMIT = 64 * 1024
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)


class Console:
    """Where the lines of all processes meet, each under its process's name."""

    def __init__(self, out: TextIO = sys.stdout, colour: bool | None = None) -> None:
        self.out = out
        wanted = out.isatty() and "NO_COLOR" not in os.environ if colour is None else colour
        self.colour = wanted or os.environ.get("FORCE_COLOR") == "1"
        self.numbers: dict[str, int] = {}

    def say(self, name: str, line: str) -> None:
        number = self.numbers.setdefault(name, COLOURS[len(self.numbers) % len(COLOURS)])
        stamp = f"{time.strftime('%H:%M:%S')} {name:<8} |"
        self.write(f"\x1b[{number}m{stamp}\x1b[0m {line}" if self.colour else f"{stamp} {line}")

    def write(self, text: str) -> None:
        """A reader of our output who has gone away is no reason to close the hall."""
        try:
            print(text, file=self.out, flush=True)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.out.fileno())


class Watch:
    """One program and its keeper: started, read, started again when it dies, until it is told to end."""

    def __init__(self, program: Program, console: Console, recover: Callable[[], None] | None = None) -> None:
        self.program = program
        self.console = console
        self.recover = recover
        self.process: subprocess.Popen[bytes] | None = None
        self.ending = asyncio.Event()
        self.spoke = asyncio.Event()
        self.keeper: asyncio.Task[None] | None = None
        self.starts = 0

    def begin(self) -> None:
        self.keeper = asyncio.create_task(self.keep())

    async def keep(self) -> None:
        back_off = FIRST_BACK_OFF_S
        while not self.ending.is_set():
            began = time.monotonic()
            outcome = await self.one_life()
            if self.ending.is_set():
                return
            back_off = FIRST_BACK_OFF_S if time.monotonic() - began > STEADY_S else back_off
            self.console.say("hall", f"{self.program.name} {outcome}; starting it again in {back_off:.1f} s")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(back_off):
                    await self.ending.wait()
            back_off = min(back_off * 2, LONGEST_BACK_OFF_S)

    async def one_life(self) -> str:
        """Start it and read it to its end; in words, how it ended."""
        if self.starts and self.recover:
            await asyncio.to_thread(self.recover)
        self.starts += 1
        try:
            self.process = self.start()
        except OSError as reason:
            return f"could not be started ({reason})"
        if self.ending.is_set():  # told to end while it was being started
            self.signal(self.program.stop)
        reader = asyncio.create_task(self.read(self.process))
        code = await exit_of(self.process)
        if self.program.whole_group:
            end_group(self.process.pid)  # what it leaves behind would keep its ports and devices
        await asyncio.wait([reader], timeout=1)
        reader.cancel()
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"

    def start(self) -> subprocess.Popen[bytes]:
        if self.program.log is None:
            return self.program.start(subprocess.PIPE)
        with self.program.log.open("ab") as log:
            return self.program.start(log)

    async def read(self, process: subprocess.Popen[bytes]) -> None:
        """Pass on its lines until it, and whoever holds its output, is gone; a line past LINE_LIMIT comes in parts."""
        if process.stdout is None:
            return
        lines = asyncio.StreamReader(limit=LINE_LIMIT)
        protocol = asyncio.StreamReaderProtocol(lines)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, process.stdout)
        try:
            while True:
                try:
                    self.pass_on(await lines.readuntil(b"\n"))
                except asyncio.LimitOverrunError:
                    self.pass_on(await lines.read(LINE_LIMIT))
        except asyncio.IncompleteReadError as rest:
            if rest.partial:
                self.pass_on(rest.partial)
        finally:
            transport.close()

    def pass_on(self, line: bytes) -> None:
        self.spoke.set()
        self.console.say(self.program.name, line.decode("utf-8", "replace").rstrip())

    async def end(self) -> None:
        """Ask it to end, make it after GRACE_S, and return when it has."""
        self.ending.set()
        if self.keeper is None:
            return
        self.signal(self.program.stop)
        done, _ = await asyncio.wait([self.keeper], timeout=GRACE_S)
        if not done:
            self.console.say("hall", f"{self.program.name} does not end by itself; ending it")
            self.signal(self.program.force)
            await self.keeper

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)  # a no-op once its end has been seen

    @property
    def alive(self) -> int | None:
        """Its pid while it lives."""
        return self.process.pid if self.process is not None and self.process.returncode is None else None


async def end_all(watches: Sequence[Watch]) -> None:
    """End them together: one that fails at it keeps none of the others, nor does whoever is cancelled meanwhile."""
    ends = asyncio.gather(*(watch.end() for watch in watches), return_exceptions=True)
    for outcome in await asyncio.shield(ends):
        if outcome is not None:
            raise outcome


async def exit_of(process: subprocess.Popen[bytes]) -> int:
    """Its return code, negative for a signal, as soon as it is dead.

    asyncio's own wait() waits for the end of its output too, which something it left behind may hold open for ever.
    """
    if process.poll() is not None:  # seen dead by whoever signalled it: its pid is nobody's, or another's
        return process.returncode
    loop, dead = asyncio.get_running_loop(), asyncio.Event()
    pidfd = os.pidfd_open(process.pid)
    loop.add_reader(pidfd, dead.set)
    try:
        await dead.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)
    return process.wait()


def end_group(leader: int) -> None:
    """End whatever the process started and did not end itself."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


class NotReady(CannotStart):
    """{name} did not start: {why}"""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name} did not start: {why or 'no reason given'}")


async def serve(server: Server, console: Console, patience_s: float = 60) -> Watch:
    """Start a server and return when it answers; NotReady when it died twice or took too long (recovery has time)."""
    watch = Watch(server.program, console, server.recover)
    watch.begin()
    try:
        async with asyncio.timeout(patience_s):
            while watch.alive is None or not server.ready(watch.alive):
                if watch.starts > 2:
                    raise NotReady(server.program.name, server.why())
                await asyncio.sleep(0.01)
    except (TimeoutError, NotReady) as reason:
        await watch.end()
        raise NotReady(server.program.name, server.why()) from reason
    except asyncio.CancelledError:
        await watch.end()
        raise
    return watch
