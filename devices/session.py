"""The hall's end of one line: what a machine may say now, what it is answered, and when it is hung up on.

`Session` is one connection as a state machine without I/O. The shell around it feeds `receive` with each text frame
and `tick` about every second, and performs the returned outputs in order: `Send` a frame, `Hangup`, or one of the acts
`Greet`, `Fetch`, `Reread`, `Settle`, `Touch`, `Feel`, `Accept`, `Beaten`, `Shown`, `Configured`, `Complain`, whose
results come back through `greeted`, `fetched`, `settled`, `accepted`, `done` and `refuse`. Time comes in as a `Moment`;
any bytes give a defined output.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from devices import wire
from devices.clock import Moment
from devices.jobs import Job, number_of
from devices.limits import DEBT, Bucket, Strikes
from devices.wire import BEAT_S, ENDINGS, FRAME, HELLO_S, ISSUED_FRAME, REDELIVER_S, SILENT_S, UNFINISHED_JOBS, Close

LOST_JOB = timedelta(minutes=2)  # so long past its deadline a begun job no longer holds a slot


class Phase(StrEnum):
    """Where a connection is. PENDING is LIVE without a place in the hall: only beats and health."""

    NEW = "new"
    GREETING = "greeting"
    PENDING = "pending"
    LIVE = "live"
    CLOSED = "closed"


GREETED = (Phase.LIVE, Phase.PENDING)


@dataclass(frozen=True, slots=True)
class Send:
    """Write this text frame."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Hangup:
    """Close with this code; the bye has been sent."""

    code: Close


@dataclass(frozen=True, slots=True)
class Greet:
    """Take the device in; answer with `greeted`, or `close`."""

    hello: wire.Hello


@dataclass(frozen=True, slots=True)
class Fetch:
    """A slot is free: look for owed jobs; answer with `fetched`."""


@dataclass(frozen=True, slots=True)
class Reread:
    """Send the whole board."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Note how far a job is; answer with `settled` or `refuse`."""

    report: wire.JobReport


@dataclass(frozen=True, slots=True)
class Touch:
    """Somebody pressed something; answer with `done` or `refuse`."""

    press: wire.Press


@dataclass(frozen=True, slots=True)
class Feel:
    """Keep how its parts are; answer with `done` or `refuse`."""

    health: wire.Health


@dataclass(frozen=True, slots=True)
class Accept:
    """Take in what a dispenser gave out alone; answer with `accepted` or `refuse`."""

    issued: wire.Issued


@dataclass(frozen=True, slots=True)
class Beaten:
    """The device lives; the round trip and its clock as it measured them, in ms."""

    rtt_ms: float | None = None
    offset_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything of its feed up to here has been shown."""

    offset: int


@dataclass(frozen=True, slots=True)
class Configured:
    """The device has answered these settings: taken over, or refused in its own words."""

    rev: int
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Complain:
    """The device could not use something the hall sent: for the log."""

    error: wire.Error


Output = Send | Hangup | Greet | Fetch | Reread | Settle | Touch | Feel | Accept | Beaten | Shown | Configured | Complain


@dataclass(slots=True)
class _Held:
    """A job in the device's hands."""

    job: Job
    sent: float
    attempt: int
    accepted: bool = False


@dataclass(slots=True)
class Session:
    """One connection, from the upgrade to the close. `gen` is its number once it has been greeted."""

    opened: float
    phase: Phase = Phase.NEW
    gen: int = 0
    _heard: float = field(init=False)
    _bucket: Bucket = field(init=False)
    _strikes: Strikes = field(default_factory=Strikes)
    _last_id: int = 0
    _own_id: int = 0
    _configs: dict[int, int] = field(default_factory=dict)  # frame id -> rev, until it is answered
    _held: dict[str, _Held] = field(default_factory=dict)
    _more: bool = False  # the database may hold jobs this connection was not given
    _fetching: bool = False
    _lent: dict[str, wire.Lease] = field(default_factory=dict)
    _renewing: bool = False

    def __post_init__(self) -> None:
        self._heard = self.opened
        self._bucket = Bucket(self.opened)

    # ---- frames and time

    def receive(self, frame: str | bytes, now: Moment) -> list[Output]:
        """One frame from the device."""
        if self.phase is Phase.CLOSED:
            return []
        self._heard = now.mono
        left = self._bucket.take(now.mono)
        if left < -DEBT:
            return self.close(Close.TOO_FAST)
        if left < 0:
            return [_error(None, "too_fast", "Slow down: 20 frames a second.", retry=True)]
        try:
            message = self._read(frame)
        except wire.UnknownType as unknown:
            return [_error(unknown.re, "unknown_type", str(unknown))]
        except _TooBig as big:
            return [_error(None, "too_big", str(big)), *self.close(Close.TOO_BIG)]
        except wire.BadFrame as bad:
            broken = self.close(Close.BROKEN_FRAMES) if self._strikes.strike(now.mono) else []
            return [_error(bad.re, "bad_frame", str(bad)), *broken]
        return self._hear(message, now)

    def tick(self, now: Moment) -> list[Output]:
        """What has fallen due."""
        if self.phase is Phase.CLOSED:
            return []
        if self.phase is Phase.NEW and now.mono - self.opened >= HELLO_S:
            return self.close(Close.NO_HELLO)
        if now.mono - self._heard >= SILENT_S:
            return self.close(Close.NO_BEAT)
        return self._redeliver(now) if self._held or self._more else []

    def close(self, code: Close, retry_s: float | None = None) -> list[Output]:
        """Say why, and hang up."""
        if self.phase is Phase.CLOSED:
            return []
        self.phase = Phase.CLOSED
        return [_send(wire.Bye(code=int(code), reason=code.reason, retry_s=retry_s)), Hangup(code)]

    # ---- results of acts

    def greeted(
        self, hello: wire.Hello, gen: int, now: Moment, *, placed: bool, config_rev: int, config: dict[str, Any],
        feed: wire.Recovered | None, issued: int | None = None,
    ) -> list[Output]:  # fmt: skip
        """The device is in. The shell writes its feed's frames behind the first of these, then performs the rest."""
        if self.phase is not Phase.GREETING:
            return []
        self.gen, self.phase = gen, Phase.LIVE if placed else Phase.PENDING
        welcome = wire.Welcome(
            re=hello.id, gen=gen, status="live" if placed else "pending", at=now.wall, beat_s=BEAT_S, issued=issued,
            config_rev=config_rev, feed=feed, retry_s=None if placed else 60.0, limits=wire.Limits(),
        )  # fmt: skip
        configured = self.configure(config_rev, config) if config_rev else []
        return [_send(welcome), *configured, *self._fetch()]

    def offer(self, jobs: Sequence[Job], now: Moment) -> list[Output]:
        """Jobs that became due this moment, in order. Those that don't fit, or must not overtake, stay in the database."""
        if self.phase is not Phase.LIVE:
            return []
        if self._more or self._fetching:
            self._more = True
            return []
        return self._hand_over(jobs, now)

    def look(self) -> list[Output]:
        """The database holds a job that was not offered here: fetch it as soon as a hand is free."""
        if self.phase is not Phase.LIVE:
            return []
        self._more = True
        return self._fetch() if len(self._held) < UNFINISHED_JOBS else []

    def fetched(self, jobs: Sequence[Job], now: Moment) -> list[Output]:
        """What the database holds for this device: its oldest unfinished jobs, less those it was given here."""
        if self.phase is not Phase.LIVE or not self._fetching:
            return []
        again, self._more, self._fetching = self._more, False, False
        sent = self._hand_over(jobs, now)
        self._more = self._more or len(self._held) >= UNFINISHED_JOBS
        return [*sent, *(self._fetch() if again and len(self._held) < UNFINISHED_JOBS else [])]

    def unfetched(self) -> None:
        """The database did not answer: ask again with the next tick."""
        self._fetching, self._more = False, True

    def settled(self, report: wire.JobReport) -> list[Output]:
        """The report is kept."""
        held = self._held.get(report.job)
        if held is not None:
            held.accepted = True
            if report.state in ENDINGS:
                del self._held[report.job]
        return [*self.done(report.id), *(self._fetch() if self._more else [])]

    def done(self, re: int, data: dict[str, Any] | None = None) -> list[Output]:
        """Yes."""
        return [_send(wire.Ok(re=re, data=data))] if self.phase in GREETED else []

    def refuse(self, re: int, code: str, message: str, *, retry: bool = False) -> list[Output]:
        """No."""
        return [_error(re, code, message, retry=retry)] if self.phase in GREETED else []

    # ---- what the hall wants of the device

    def configure(self, rev: int, data: dict[str, Any]) -> list[Output]:
        """Other settings."""
        if self.phase not in GREETED:
            return []
        frame = wire.Config(id=self._id(), gen=self.gen, rev=rev, data=data)
        self._configs = {frame.id: rev}  # an answer to older settings says nothing any more
        return [_send(frame)]

    def rotate(self, secret: str) -> list[Output]:
        """A new secret; the old one works until the device comes back with the new."""
        if self.phase not in GREETED:
            return []
        self._renewing = True
        return [_send(wire.Rotate(id=self._id(), secret=secret))]

    def lend(self, leases: Sequence[wire.Lease]) -> list[Output]:
        """The numbers this device holds now: those that it has not been told like this."""
        if self.phase is not Phase.LIVE:
            return []
        fresh = [lease for lease in leases if self._lent.get(lease.lease) != lease]
        self._lent = {lease.lease: lease for lease in leases}
        return [_send(lease) for lease in fresh]

    def accepted(self, re: int, through: int) -> list[Output]:
        """Every offline ticket up to this one is in the hall's record."""
        return [_send(wire.IssuedOk(re=re, through=through))] if self.phase in GREETED else []

    @property
    def held(self) -> list[str]:
        """Ids of the jobs in the device's hands."""
        return list(self._held)

    # ---- inside

    def _read(self, frame: str | bytes) -> wire.FromDevice:
        if isinstance(frame, bytes):
            raise wire.BadFrame("frames are text")
        size = len(frame) if len(frame) > ISSUED_FRAME else len(frame.encode("utf-8", "replace"))
        if size > ISSUED_FRAME:
            raise _TooBig("A frame has at most 16 KiB.")
        message = wire.decode_from_device(frame)
        if size > FRAME and not isinstance(message, wire.Issued):
            raise _TooBig("A frame has at most 16 KiB.")
        return message

    def _hear(self, message: wire.FromDevice, now: Moment) -> list[Output]:
        number = getattr(message, "id", None)
        if number is not None:
            if number <= self._last_id:
                return [_error(number, "id_reuse", f"The last id was {self._last_id}.")]
            self._last_id = number
        if isinstance(message, wire.Hello) != (self.phase is Phase.NEW):
            return [_error(number, "not_allowed", "The first frame is a hello, and only the first.")]
        if self.phase is Phase.PENDING and not isinstance(message, _WHILE_PENDING):
            return [_error(number, "not_allowed", "This device has no place in the hall yet.")]
        return _HANDLERS[type(message)](self, message, now)

    def _on_hello(self, hello: wire.Hello, now: Moment) -> list[Output]:
        self.phase = Phase.GREETING
        return [Greet(hello)]

    def _on_beat(self, beat: wire.Beat, now: Moment) -> list[Output]:
        return [_send(wire.BeatOk(re=beat.id, recv=now.wall, sent=now.wall)), Beaten(beat.rtt_ms, beat.offset_ms)]

    def _on_ok(self, ok: wire.Ok, now: Moment) -> list[Output]:
        rev = self._configs.pop(ok.re, None)
        return [] if rev is None else [Configured(rev)]

    def _on_error(self, error: wire.Error, now: Moment) -> list[Output]:
        rev = self._configs.pop(error.re or 0, None)
        return [Complain(error), *([] if rev is None else [Configured(rev, error.message)])]

    def _on_rotated(self, rotated: wire.Rotated, now: Moment) -> list[Output]:
        """It has the new secret: it comes back with it, and the old one opens nothing any more."""
        return self.close(Close.BAD_POSITION) if self._renewing else []

    def _fetch(self) -> list[Output]:
        if self.phase is not Phase.LIVE or self._fetching:
            return []
        self._fetching, self._more = True, False
        return [Fetch()]

    def _hand_over(self, jobs: Sequence[Job], now: Moment) -> list[Output]:
        sent: list[Output] = []
        for job in sorted(jobs, key=lambda job: number_of(job.id)):
            if job.id in self._held:
                continue
            if len(self._held) >= UNFINISHED_JOBS:
                self._more = True
                break
            if job.expires > now.wall or job.state == "started":
                self._held[job.id] = _Held(job, now.mono, max(job.attempt, 1), accepted=job.state == "started")
                sent.append(self._job(self._held[job.id]))
        return sent

    def _redeliver(self, now: Moment) -> list[Output]:
        """Send again what was not accepted for 15 s; let go of what is too late, and look for what waits behind it."""
        sent: list[Output] = []
        for held in list(self._held.values()):
            if held.job.expires + (LOST_JOB if held.accepted else timedelta()) <= now.wall:
                del self._held[held.job.id]
            elif not held.accepted and now.mono - held.sent >= REDELIVER_S:
                held.sent, held.attempt = now.mono, held.attempt + 1
                sent.append(self._job(held))
        return [*sent, *(self._fetch() if self._more and len(self._held) < UNFINISHED_JOBS else [])]

    def _job(self, held: _Held) -> Send:
        job = held.job
        return _send(
            wire.Job(
                gen=self.gen, job=job.id, kind=job.kind, key=job.key, expires=job.expires,
                attempt=held.attempt, data=dict(job.data),
            )
        )  # fmt: skip

    def _id(self) -> int:
        self._own_id += 1
        return self._own_id


class _TooBig(ValueError):
    pass


def _send(message: wire.Message) -> Send:
    return Send(wire.encode(message))


def _error(re: int | None, code: str, message: str, *, retry: bool = False) -> Send:
    return _send(wire.Error(re=re, code=code, message=message[:500], retry=retry))  # wire.Line


_WHILE_PENDING = (wire.Beat, wire.Health, wire.Rotated, wire.Ok, wire.Error)
_HANDLERS: dict[type[wire.Message], Callable[[Session, Any, Moment], list[Output]]] = {
    wire.Hello: Session._on_hello,
    wire.Beat: Session._on_beat,
    wire.Issued: lambda _, issued, now: [Accept(issued)],
    wire.Health: lambda _, health, now: [Feel(health)],
    wire.JobReport: lambda _, report, now: [Settle(report)],
    wire.Press: lambda _, press, now: [Touch(press)],
    wire.Resync: lambda _, resync, now: [Reread()],
    wire.Got: lambda _, got, now: [Shown(got.offset)],
    wire.Error: Session._on_error,
    wire.Ok: Session._on_ok,
    wire.Rotated: Session._on_rotated,
}
