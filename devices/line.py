"""One machine's line to the hall: what its session decides is done here, at the database, the feed and the socket."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import structlog
from msgspec import structs

from devices import health, jobs, pulse, registry, session, wire
from devices.clock import Moment, now
from devices.db import GONE, Pool
from devices.errors import NotReadYet, PressRefused, Refused
from devices.fanout import Fanout, Outlet
from devices.jobs import Job
from devices.registry import Device
from devices.session import Output, Session
from devices.wire import Close

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Following:
    """Where a device's feed stands and the encoded frames that bring it there: the missed events, or one snapshot."""

    epoch: str
    offset: int
    recovered: bool  # True: `frames` are the missed events
    frames: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class Lent:
    """`leases` are complete but for `gen`, which is the line's; `through` is the newest offline ticket taken in."""

    through: int
    leases: Sequence[wire.Lease]


class Hall(Protocol):
    """What the rest of the hall gives to the link."""

    def follow(self, device: Device, position: wire.Position | None) -> Following:
        """Bring a board with a view up to date. Not a coroutine: the line joins the feed in the same turn of the loop.
        NotReadYet.
        """

    async def press(self, device: Device, press: wire.Press) -> dict[str, Any] | None:
        """Somebody touched the device; a repeated press id gives the first answer. PressRefused."""

    async def lent(self, device: Device) -> Lent:
        """What a dispenser holds to go on alone, and what the hall has of its offline tickets."""

    async def accept(self, device: Device, issued: wire.Issued) -> int:
        """Take in what a dispenser gave out alone; through which seq the hall has it all. PressRefused."""

    def owed(self, job: Job) -> None:
        """A reprint became due by a report; it has been offered to its device already."""

    def ring(self, hall: int) -> None:
        """The hall's record grew."""


@dataclass(slots=True)
class Desk:
    """What all lines of a gateway share."""

    pool: Pool
    hall: Hall
    fanout: Fanout
    lines: dict[str, "Line"] = field(default_factory=dict)  # greeted ones, by device id
    beaten: set[str] = field(default_factory=set)
    minutes: dict[str, pulse.Minute] = field(default_factory=dict)  # since the last sample
    feeds: pulse.Feeds = field(default_factory=pulse.Feeds)
    broken: set[str] = field(default_factory=set)  # hung up on for their frames
    shown: dict[str, tuple[str, int]] = field(default_factory=dict)  # device -> epoch, offset
    hungry: set["Line"] = field(default_factory=set)  # lines that look for owed jobs
    wake: Callable[[], None] = lambda: None  # the fetcher


@dataclass(slots=True, eq=False)
class Line:
    """A connection, its session, and the device behind it."""

    desk: Desk
    device: Device
    outlet: Outlet
    session: Session
    epoch: str = ""
    view: str | None = None
    confirmed: int = 0  # everything of its feed up to here is shown
    behind: pulse.Behind = pulse.ABREAST  # as the record has it

    def __post_init__(self) -> None:
        self.outlet.on_drop = self._dropped

    async def receive(self, frame: str | bytes) -> None:
        """Take one frame and do what follows from it, in order."""
        for output in self.session.receive(frame, now()):
            await self.perform(output)

    def emit(self, outputs: Sequence[Output]) -> None:
        """Do what needs no waiting."""
        for output in outputs:
            match output:
                case session.Send(frame):
                    self.outlet.send(frame)
                case session.Hangup(code):
                    if code is Close.BROKEN_FRAMES:
                        self.desk.broken.add(self.device.id)
                    self.outlet.close(code)
                    self.leave()
                case session.Fetch():
                    self.desk.hungry.add(self)
                    self.desk.wake()
                case session.Beaten(rtt_ms, offset_ms):
                    self.desk.beaten.add(self.device.id)
                    self.desk.minutes.setdefault(self.device.id, pulse.Minute()).beat(rtt_ms, offset_ms)
                case session.Shown(offset) if self.view is None:
                    log.info("confirmation of no feed", device=self.device.id, offset=offset)
                case session.Shown(offset):
                    self.confirmed = max(self.confirmed, offset)
                    self.desk.shown[self.device.id] = (self.epoch, offset)
                case session.Reread():
                    self._reread()
                case session.Complain(error):
                    log.warning("device complains", device=self.device.id, code=error.code, message=error.message)
                case _:
                    raise TypeError(f"{output} has to be awaited")

    async def perform(self, output: Output) -> None:
        """Do one thing the session asked for; a database that is away makes it `try_later`."""
        match output:
            case session.Greet(hello):
                await self._greet(hello)
            case session.Settle(report):
                await self._answer(report.id, self._settle(report))
            case session.Touch(press):
                await self._answer(press.id, self._touch(press))
            case session.Feel(parts):
                await self._answer(parts.id, self._feel(parts))
            case session.Configured(rev, refused):
                await self._configured(rev, refused)
            case session.Accept(issued):
                await self._answer(issued.id, self._accept(issued))
            case _:
                self.emit([output])

    def leave(self) -> None:
        """Gone: no feed, no jobs."""
        desk = self.desk
        if self.view is not None:
            desk.fanout.leave(self.device.hall, self.view, self.outlet)
            self.view = None
        desk.hungry.discard(self)
        if desk.lines.get(self.device.id) is self:
            del desk.lines[self.device.id]

    def _dropped(self) -> None:
        log.warning("device too slow to read", device=self.device.id)
        self.session.phase = session.Phase.CLOSED
        self.leave()

    # ---- inside

    async def _greet(self, hello: wire.Hello) -> None:
        try:
            async with self.desk.pool.acquire() as db:
                device = await registry.greet(db, self.device.id, hello.boot, hello.agent, hello.fw, hello.caps)
            lent = await self.desk.hall.lent(device) if device is not None and device.lends else None
        except GONE as away:
            log.warning("greeting failed: the database is away", device=self.device.id, reason=repr(away))
            self.emit(self.session.close(Close.SERVER_ERROR))
            return
        if device is None:
            self.emit(self.session.close(Close.REVOKED))
            return
        self.device = device
        if self._admit():
            self._join_or_part(lambda: self._welcome(hello, lent))

    def _admit(self) -> bool:
        """The newer connection of a device wins."""
        other = self.desk.lines.get(self.device.id)
        if other is not None and other.device.gen > self.device.gen:
            self.emit(self.session.close(Close.REPLACED))
            return False
        if other is not None:  # paired anew, another box has taken its place: the old one's secret opens nothing
            same_box = other.device.paired_at == self.device.paired_at
            other.emit(other.session.close(Close.REPLACED if same_box else Close.REVOKED))
        self.desk.lines[self.device.id] = self
        return True

    def _welcome(self, hello: wire.Hello, lent: Lent | None) -> None:
        device, view = self.device, self.device.view
        following = self.desk.hall.follow(device, hello.feed) if view is not None else None
        feed = None
        if following is not None:
            self.epoch = following.epoch
            feed = wire.Recovered(following.epoch, following.offset, following.recovered)
        welcome, *rest = self.session.greeted(
            hello, device.gen, now(), placed=device.placed, config_rev=device.config_rev, config=device.told, feed=feed,
            issued=lent.through if lent else None,
        )  # fmt: skip
        self.emit([welcome])
        if following is not None and view is not None:
            self._join(view, following)
        self.emit(rest)
        if lent is not None:
            self._lend(lent)

    def _lend(self, lent: Lent) -> None:
        self.emit(self.session.lend([structs.replace(lease, gen=self.session.gen) for lease in lent.leases]))

    async def renew(self) -> None:
        """See to it that a dispenser holds enough numbers to go on alone."""
        if self.device.lends and self.session.phase is session.Phase.LIVE:
            self._lend(await self.desk.hall.lent(self.device))

    def _reread(self) -> None:
        view = self.view
        if view is not None:
            self._join_or_part(lambda: self._join(view, self.desk.hall.follow(self.device, None)))

    def _join_or_part(self, join: Callable[[], None]) -> None:
        """A board whose view is not there yet is sent to greet again."""
        try:
            join()
        except NotReadYet:
            log.info("view not read yet", device=self.device.id, view=self.device.view)
            self.emit(self.session.close(Close.BAD_POSITION))

    def _join(self, view: str, following: Following) -> None:
        self.epoch, self.confirmed = following.epoch, following.offset
        for frame in following.frames:
            self.outlet.send(frame)
        self.view = view
        self.desk.fanout.join(self.device.hall, view, self.outlet)

    async def _answer(self, re: int, act: Awaitable[list[Output]]) -> None:
        """Do an act and answer the frame that asked for it."""
        try:
            self.emit(await act)
        except PressRefused as refused:
            self.emit(self.session.refuse(re, refused.code, str(refused), retry=refused.retry))
        except Refused as refused:
            self.emit(self.session.refuse(re, refused.code, str(refused)))
        except GONE as away:
            log.warning("not kept: the database is away", device=self.device.id, reason=repr(away))
            self.emit(self.session.refuse(re, "try_later", "The hall's record is away.", retry=True))

    async def _settle(self, report: wire.JobReport) -> list[Output]:
        async with self.desk.pool.acquire() as db:
            _, *again = await jobs.settle(
                db, self.device.id, report.job, report.state, detail=report.detail, reason=report.reason
            )
        outputs = self.session.settled(report)
        for job in again:
            self.desk.hall.owed(job)
        return [*outputs, *self.session.offer(again, now())]

    async def _touch(self, press: wire.Press) -> list[Output]:
        return self.session.done(press.id, await self.desk.hall.press(self.device, press))

    async def _accept(self, issued: wire.Issued) -> list[Output]:
        return self.session.accepted(issued.id, await self.desk.hall.accept(self.device, issued))

    async def _feel(self, felt: wire.Health) -> list[Output]:
        async with self.desk.pool.acquire() as db:
            told = await health.report(db, self.device.id, felt.parts)
        if told:
            self.desk.hall.ring(self.device.hall)
        return self.session.done(felt.id)

    async def _configured(self, rev: int, refused: str | None) -> None:
        try:
            async with self.desk.pool.acquire() as db:
                await registry.took_config(db, self.device.id, rev, refused)
        except GONE as away:  # it is sent again with the next greeting
            log.warning("settings not noted: the database is away", device=self.device.id, reason=repr(away))

    def keeps_up(self, moment: Moment) -> pulse.Behind:
        """How far its board is behind."""
        if self.view is None:
            return pulse.ABREAST
        return self.desk.feeds.behind(self.device.hall, self.view, self.confirmed, moment.wall)

    def tick(self, moment: Moment) -> None:
        """About every second."""
        self.emit(self.session.tick(moment))
        self.outlet.sweep()
