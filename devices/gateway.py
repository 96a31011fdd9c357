"""The door of the hall for machines: takes their lines in, keeps them, and lets them go in good order.

The floor's link process owns one `Gateway` and the `websockets` server. It wires

    serve(gateway.serve, process_request=gateway.doorway.check, select_subprotocol=choose_version, **SERVER)

runs `gateway.keep()` beside it for as long as it lives, tells it of new jobs (`offer`), publishes feed frames through
`gateway.fanout`, and ends with `drain()`. What the gateway needs of the hall is the `Hall` protocol in `line.py`.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeVar

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from devices import health, jobs, pulse, registry
from devices.clock import Moment, now
from devices.db import GONE, Pool
from devices.doorway import DIALS, Doorway, choose_version
from devices.fanout import Fanout, Outlet
from devices.jobs import Job
from devices.line import Desk, Following, Hall, Lent, Line
from devices.registry import Device
from devices.session import Session
from devices.wire import ISSUED_FRAME, UNFINISHED_JOBS, Close

__all__ = ["SERVER", "Desk", "Following", "Gateway", "Hall", "Lent", "choose_version"]

log = structlog.get_logger()

# For websockets.asyncio.server.serve. Beats take the place of pings; a frame above the largest kind is a 1009.
SERVER: dict[str, Any] = {
    "compression": None,
    "max_size": ISSUED_FRAME,
    "max_queue": 16,
    "ping_interval": None,
    "open_timeout": 10,
    "close_timeout": 2,
    "server_header": None,
}
TICK_S = 1.0
SAMPLE_S = 60.0
LEND_S = 20.0  # how often it is seen to that dispensers hold enough numbers to go on alone
STANDING_S = 2.0  # how often it is looked up who was revoked, moved or given other settings
DRAIN_LINES, DRAIN_S = 20, 0.25  # so many lines are closed per so many seconds
DRAIN_MOST_S = 3.0  # then all the others at once: whoever ends us does not wait for thousands to leave one by one

T = TypeVar("T")


class Gateway:
    """Every line of this process. Coroutines of it belong to one event loop."""

    def __init__(self, pool: Pool, hall: Hall, origin_of: Callable[[str], str], *, dials: int = DIALS) -> None:
        self.fanout = Fanout()
        self.doorway = Doorway(pool, origin_of, dials=dials)
        self._hungry = asyncio.Event()
        self._desk = Desk(pool, hall, self.fanout, wake=self._hungry.set)
        self._lines: set[Line] = set()  # greeted or not

    async def serve(self, connection: ServerConnection) -> None:
        """Hold one line until it is gone."""
        device = self.doorway.admitted.pop(connection)
        line = Line(self._desk, device, Outlet(connection), Session(now().mono))
        self._lines.add(line)
        try:
            async for frame in connection:
                await line.receive(frame)
        except ConnectionClosed:
            pass  # however it ended, it has ended
        except Exception:
            log.exception("line broken", device=device.id)
            line.emit(line.session.close(Close.SERVER_ERROR))
        finally:
            line.leave()
            self._lines.discard(line)

    async def keep(self) -> None:
        """Keep time for all lines: deadlines, beats, jobs, revocations. Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._every(TICK_S, self._tick))
            tasks.create_task(self._every(TICK_S, self._look_for_jobs))
            tasks.create_task(self._every(STANDING_S, self._check_standing))
            tasks.create_task(self._every(SAMPLE_S, self._sample))
            tasks.create_task(self._every(LEND_S, self._renew_leases))
            tasks.create_task(self._fetch_jobs())

    def offer(self, owed: Sequence[Job]) -> None:
        """Jobs just written down, in order: each goes to its device at once if it is here and has a hand free."""
        per_device: defaultdict[str, list[Job]] = defaultdict(list)
        for job in owed:
            per_device[job.device].append(job)
        moment = now()
        for device, some in per_device.items():
            line = self._desk.lines.get(device)
            if line is not None:
                line.emit(line.session.offer(some, moment))

    def told(self, hall: int, view: str, offset: int) -> None:
        """An event of this offset went to a feed: its boards owe the confirmation."""
        self._desk.feeds.tell(hall, view, offset, now().wall)

    def begin_anew(self, hall: int, epoch: str) -> None:
        """The hall's record was replaced: what its boards confirm from now on belongs to this epoch."""
        self._desk.feeds.begin_anew(hall)
        for line in self._desk.lines.values():
            if line.device.hall == hall:
                line.epoch, line.confirmed = epoch, 0

    def hang_up(self, device: str, code: Close) -> None:
        """Close a device's line now, if it is here."""
        line = self._desk.lines.get(device)
        if line is not None:
            line.emit(line.session.close(code))

    def connected(self) -> list[Device]:
        """Who is here and greeted."""
        return [line.device for line in self._desk.lines.values()]

    async def drain(self, retry_s: float = 10.0) -> None:
        """Let nobody in any more and send everybody away in turns."""
        self.doorway.draining = True
        await send_away(self._lines, lambda line: line.emit(line.session.close(Close.DRAINING, retry_s)))

    # ---- inside

    async def _every(self, seconds: float, act: Callable[[], Any]) -> None:
        """Do it again and again; a database that is away only makes it wait for the next time."""
        while True:
            await asyncio.sleep(seconds)
            try:
                await act()
            except GONE as away:
                log.warning("put off: the database is away", act=act.__name__, reason=repr(away))

    async def _tick(self) -> None:
        moment = now()
        for line in list(self._lines):
            line.tick(moment)
        beaten, self._desk.beaten = self._desk.beaten, set()
        shown, self._desk.shown = self._desk.shown, {}
        broken, self._desk.broken = self._desk.broken, set()
        behind = self._fallen_behind(moment)
        if beaten or shown or broken or behind:
            async with self._desk.pool.acquire() as db:
                await health.seen(db, sorted(beaten))
                await health.got(db, [(device, *position) for device, position in shown.items()])
                await pulse.broken(db, sorted(broken))
                await pulse.fall_behind(db, behind)

    def _fallen_behind(self, moment: Moment) -> list[tuple[str, pulse.Behind]]:
        """The boards that are further behind, or less, than the record has it. A board in step costs the record nothing."""
        changed = []
        for device, line in self._desk.lines.items():
            behind = line.keeps_up(moment)
            if behind.events:
                minute = self._desk.minutes.setdefault(device, pulse.Minute())
                minute.behind = max(minute.behind, behind.events)
            if behind != line.behind:
                line.behind = behind
                changed.append((device, behind))
        return changed

    async def _sample(self) -> None:
        minutes, self._desk.minutes = self._desk.minutes, {}
        async with self._desk.pool.acquire() as db:
            await pulse.keep_samples(db, sorted(minutes.items()))

    async def _look_for_jobs(self) -> None:
        """Find what other processes made our devices owe."""
        lines = list(self._desk.lines.values())
        if not lines:
            return
        held = [job for line in lines for job in line.session.held]
        async with self._desk.pool.acquire() as db:
            waiting = await jobs.waiting(db, [line.device.id for line in lines], held)
        for line in lines:
            if line.device.id in waiting:
                line.emit(line.session.look())

    async def _check_standing(self) -> None:
        if not self._desk.lines:
            return
        async with self._desk.pool.acquire() as db:
            found = await registry.standing(db, list(self._desk.lines))
        for line in list(self._desk.lines.values()):
            present = found.get(line.device.id)
            if present is None:
                continue  # greeted while we looked
            await self._follow_facts(line, present)

    async def _renew_leases(self) -> None:
        for line in list(self._desk.lines.values()):
            await line.renew()

    async def _follow_facts(self, line: Line, present: Device) -> None:
        """The hall's facts about a device have changed under its line."""
        before = line.device
        if present.revoked_at is not None or present.paired_at != before.paired_at:  # another box has taken its place
            line.emit(line.session.close(Close.REVOKED))
        elif (present.view, present.placed, present.zone) != (before.view, before.placed, before.zone):
            line.emit(line.session.close(Close.BAD_POSITION))
        elif present.gen == before.gen:
            line.device = present
            if present.config_rev != before.config_rev:
                line.emit(line.session.configure(present.config_rev, present.told))
            if present.rotate:
                async with self._desk.pool.acquire() as db:
                    secret = await registry.rotate(db, present.id)
                line.emit(line.session.rotate(secret))

    async def _fetch_jobs(self) -> None:
        """Look up owed jobs for all lines that have a hand free, many lines per statement."""
        while True:
            await self._hungry.wait()
            self._hungry.clear()
            hungry, self._desk.hungry = self._desk.hungry, set()
            devices = [line.device.id for line in hungry]
            held = [job for line in hungry for job in line.session.held]
            try:
                async with self._desk.pool.acquire() as db:
                    found = await jobs.open_jobs(db, devices, held=held, limit=UNFINISHED_JOBS)
            except GONE as away:
                log.warning("jobs not read: the database is away", reason=repr(away))
                for line in hungry:
                    line.session.unfetched()
                continue
            moment = now()
            for line in hungry:
                line.emit(line.session.fetched([job for job in found if job.device == line.device.id], moment))


async def send_away(here: Collection[T], close: Callable[[T], None]) -> None:
    """Close every line once, 20 per 250 ms so that they do not all dial again together. Waits for none to be gone."""
    last, told = now().mono + DRAIN_MOST_S, set[T]()
    while batch := [line for line in here if line not in told]:
        batch = batch[:DRAIN_LINES] if now().mono < last else batch
        for line in batch:
            close(line)
        told.update(batch)
        await asyncio.sleep(DRAIN_S)
