"""The device's end of the line: when to dial, what to show, which job to begin, when the hall counts as lost.

`Link` is one device's link over its whole life, many connections long, without any I/O: the shell around it owns the
socket, the timer and the disk. The shell calls, each with the present `Moment`,

    tick(now)             when `next_tick` (monotonic seconds) has come; the first call dials
    opened(now)           the websocket is open, subprotocol agreed
    received(frame, now)  one text frame
    closed(code, now)     the websocket is gone (code None when there was no close frame)
    refused(status, now)  the hall answered the upgrade with an HTTP status; None when it could not be reached
    report / press / show_health   what the device did and felt

and performs the returned steps in order, each before the next: `Send`, `Dial`, `Hang` (drop the socket, and do not call
`closed` for it), `Show`, `Apply`, `Stale`/`Fresh`, `Do`, `Lend`, `Home`, `Configure`, `Keep`, `Answered`, `Moved`, `Alarm`.
What a job's last state was, and what was begun and not ended, the link asks of the device's own `Ledger`.
"""

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from devices import wire
from devices.backoff import NEVER, SETTLED_S, Backoff, after
from devices.clock import ClockOffset, Moment
from devices.reading import FeedReader, flashes
from devices.steps import (
    Alarm,
    Answered,
    Apply,
    Configure,
    Dial,
    Do,
    Fresh,
    Hang,
    Home,
    Keep,
    Ledger,
    Lend,
    LinkState,
    Moved,
    Report,
    Send,
    Show,
    Stale,
    Step,
)

__all__ = [
    "Alarm", "Answered", "Apply", "Configure", "Dial", "Do", "Fresh", "Hang", "Home", "Keep", "Ledger", "Lend", "Link",
    "LinkState", "Moved",
    "Report", "Send", "Show", "Stale", "Step",
]  # fmt: skip

GREETING_S = 10.0  # a hall that has not welcomed us by then is not there
UNHEARD_BEATS = 2  # beats without an answer after which the hall is lost
ASKING_S = 120.0  # a press the hall keeps putting off is given up after this
PILED_PRESSES = 64  # presses kept while the hall is away
REMEMBERED = 256  # last states kept in memory; older ones are in the ledger


CONNECTED = (LinkState.LIVE, LinkState.PENDING)


@dataclass(slots=True)
class _Asked:
    """A press under way."""

    press: str
    what: str
    data: dict[str, Any]
    since: float


@dataclass(slots=True)
class _Line:
    """What belongs to one connection and dies with it."""

    id: int = 0
    since: float = 0.0
    next_beat: float = NEVER
    unheard: int = 0
    beats: dict[int, Moment] = field(default_factory=dict)
    asked: dict[int, str] = field(default_factory=dict)  # frame id -> press
    reported: dict[int, Report] = field(default_factory=dict)  # frame id -> report
    brought: int | None = None  # frame id of the offline tickets under way
    brought_at: float = 0.0
    retry_s: float | None = None
    settled: bool = False


@dataclass(slots=True)
class Link:
    """One device's link. `caps` are the job kinds it can do; `gen` is the number of the present connection.

    `issued` gives the newest offline ticket of a device that can go on alone; `mode` is what its beats call its state.
    """

    ledger: Ledger
    agent: str
    caps: Sequence[str]
    boot: str = field(default_factory=lambda: uuid.uuid4().hex)
    fw: str | None = None
    dice: random.Random = field(default_factory=random.Random)
    state: LinkState = LinkState.PAIRED
    gen: int = 0
    clock: ClockOffset = field(default_factory=ClockOffset)
    feed: FeedReader = field(default_factory=FeedReader)
    parts: dict[str, wire.Part] = field(default_factory=dict)
    parts_rev: int = 0
    issued: Callable[[], int] | None = None
    mode: str = "online"
    stale: bool = False
    _beat_s: float = wire.BEAT_S
    _dial_at: float = 0.0
    _backoff: Backoff = field(init=False)
    _line: _Line = field(default_factory=_Line)
    _heard: float = 0.0
    _last: dict[str, Report] = field(default_factory=dict)
    _unheard_reports: dict[str, Report] = field(default_factory=dict)
    _presses: dict[str, _Asked] = field(default_factory=dict)
    _clock_wrong: bool = False

    def __post_init__(self) -> None:
        self._backoff = Backoff(self.dice)

    # ---- what the shell tells

    def tick(self, now: Moment) -> list[Step]:
        """Do what has fallen due."""
        if self.state in (LinkState.PAIRED, LinkState.WAITING):
            return [*self._grow_stale(now), *self._dial(now)]
        if self.state is LinkState.GREETING and now.mono - self._line.since >= GREETING_S:
            return [*self._grow_stale(now), *self._lose("the hall does not answer", now)]
        if self.state in CONNECTED:
            return self._keep_up(now)
        return self._grow_stale(now)

    @property
    def next_tick(self) -> float:
        """The monotonic moment `tick` wants to be called next; infinity when only the shell can move on."""
        due = NEVER if self.stale or self.feed.position is None else self._heard + wire.SILENT_S
        if self.state in (LinkState.PAIRED, LinkState.WAITING):
            return min(due, self._dial_at)
        if self.state is LinkState.GREETING:
            return min(due, self._line.since + GREETING_S)
        if self.state in CONNECTED:
            got = self.feed.got_due
            return min(due, self._line.next_beat, NEVER if got is None else got)
        return due

    def opened(self, now: Moment) -> list[Step]:
        """The websocket is open: greet."""
        self._line = _Line(since=now.mono)
        self.state = LinkState.GREETING
        hello = wire.Hello(
            id=self._id(), boot=self.boot, agent=self.agent, caps=list(self.caps), at=now.wall, fw=self.fw,
            feed=None if self.feed.gap else self.feed.position, open=list(self.ledger.begun())[:64],
            issued=self.issued() if self.issued else None,
        )  # fmt: skip
        self._line.beats[hello.id] = now
        return [Moved(self.state), _send(hello)]

    def received(self, frame: str | bytes, now: Moment) -> list[Step]:
        """One frame from the hall."""
        if self.state not in (LinkState.GREETING, *CONNECTED):
            return []
        self._heard = now.mono
        self.clock.follow(now)
        try:
            message = wire.decode_from_hall(frame)
        except wire.UnknownType as unknown:
            return [] if unknown.opt else [_send(_error(unknown.re, "unknown_type", str(unknown)))]
        except wire.BadFrame as bad:
            return [_send(_error(bad.re, "bad_frame", str(bad)))]
        handle = _HANDLERS.get(type(message))
        return handle(self, message, now) if handle else []

    def closed(self, code: int | None, now: Moment) -> list[Step]:
        """The connection is gone."""
        if self.state not in (LinkState.DIALLING, LinkState.GREETING, *CONNECTED):
            return []
        what = after(code)
        if what.forgets_feed:
            self.feed = FeedReader()
        steps: list[Step] = [Alarm(what.reason)] if what.alarms else []
        return [*steps, *self._away(self._backoff.after_close(code, self._line.retry_s), what.reason, now)]

    def refused(self, status: int | None, now: Moment, retry_s: float | None = None) -> list[Step]:
        """The dial failed: an HTTP status, or None for no answer at all. `retry_s` is its Retry-After."""
        if self.state is not LinkState.DIALLING:
            return []
        if status is None:
            return self._away(self._backoff.step(), "the hall cannot be reached", now)
        why = {400: "update needed", 401: "not paired"}.get(status, f"refused with {status}")
        return self._away(self._backoff.after_refusal(status, retry_s), why, now)

    # ---- what the device did

    def report(
        self, job: str, state: wire.JobState, now: Moment, detail: dict[str, Any] | None = None, reason: str | None = None
    ) -> list[Step]:
        """Tell how far a job is. Away from the hall it is kept and told after the next welcome."""
        return self._tell(Report(job, state, self.clock.corrected(now.wall), detail, reason))

    def press(self, what: str, data: dict[str, Any], now: Moment, press: str | None = None) -> tuple[str, list[Step]]:
        """Somebody touched the device. Gives the press id; `Answered` brings the answer, also after a reconnect."""
        press = press or f"pr_{uuid.uuid4().hex}"
        self._presses[press] = asked = _Asked(press, what, data, now.mono)
        return press, [*self._give_up_oldest(), *self._ask(asked)]

    def forget(self, press: str) -> None:
        """Nobody waits for this press any more: it is not brought to the hall again."""
        self._presses.pop(press, None)

    def show_health(self, parts: dict[str, wire.Part], now: Moment) -> list[Step]:
        """The present state of all parts; sent when it differs from what the hall was told."""
        if parts == self.parts:
            return []
        self.parts, self.parts_rev = dict(parts), self.parts_rev + 1
        return self._send_health()

    def bring(self, tickets: Sequence[wire.IssuedTicket], now: Moment) -> list[Step]:
        """Bring home what was given out alone, in order. One batch is under way at a time; `Home` asks for the next."""
        if self.state is not LinkState.LIVE or self._line.brought is not None or not tickets:
            return []
        frame = wire.Issued(id=self._id(), tickets=list(tickets))
        self._line.brought, self._line.brought_at = frame.id, now.mono
        return [_send(frame)]

    def silent_s(self, now: Moment) -> float:
        """Seconds since the hall was heard."""
        return max(0.0, now.mono - self._heard) if self._heard else 0.0

    @property
    def beat_s(self) -> float:
        """Seconds between two beats, as the hall wants them."""
        return self._beat_s

    def hall_time(self, now: Moment) -> datetime:
        """What time it is in the hall."""
        self.clock.follow(now)
        return self.clock.corrected(now.wall)

    # ---- keeping the line

    def _dial(self, now: Moment) -> list[Step]:
        if now.mono < self._dial_at:
            return []
        self.state = LinkState.DIALLING
        return [Moved(self.state), Dial()]

    def _keep_up(self, now: Moment) -> list[Step]:
        line, steps = self._line, self._grow_stale(now)
        if not line.settled and now.mono - line.since >= SETTLED_S:
            line.settled = True
            self._backoff.settle()
        due = self.feed.got_due
        if due is not None and now.mono >= due:
            offset = self.feed.got()
            steps += [_send(wire.Got(offset=offset))] if offset is not None else []
        if now.mono < line.next_beat:
            return steps
        if line.unheard >= UNHEARD_BEATS:
            return [*steps, *self._lose("two beats unanswered", now)]
        return [*steps, self._beat(now), *self._repeat(now), *self._ask_for_tickets(now)]

    def _ask_for_tickets(self, now: Moment) -> list[Step]:
        """With each beat: what the hall has not taken in is brought again."""
        line = self._line
        if self.issued is None or self.state is not LinkState.LIVE:
            return []
        if line.brought is not None and now.mono - line.brought_at < UNHEARD_BEATS * self._beat_s:
            return []
        line.brought = None
        return [Home(None)]

    def _beat(self, now: Moment) -> Send:
        line, position = self._line, self.feed.position
        beat = wire.Beat(
            id=self._id(), sent=now.wall, state=self.mode, offset=position.offset if position else None,
            parts_rev=self.parts_rev, rtt_ms=round(self.clock.trip_s * 1000, 1), offset_ms=round(self.clock.seconds * 1000, 1),
        )  # fmt: skip
        line.beats[beat.id] = now
        line.unheard += 1
        # From now, not from when it was due: a machine that slept must not send a burst of beats.
        line.next_beat = now.mono + self._beat_s
        return _send(beat)

    def _repeat(self, now: Moment) -> list[Step]:
        """Tell again what the hall has not acknowledged."""
        steps: list[Step] = []
        for report in list(self._unheard_reports.values()):
            steps += self._tell(report)
        waiting = set(self._line.asked.values())
        for asked in [asked for asked in self._presses.values() if asked.press not in waiting]:
            steps += self._ask(asked)
        return steps

    def _grow_stale(self, now: Moment) -> list[Step]:
        if self.stale or self.feed.position is None or now.mono - self._heard < wire.SILENT_S:
            return []
        self.stale = True
        return [Stale()]

    def _lose(self, why: str, now: Moment) -> list[Step]:
        return [Hang(why), *self._away(self._backoff.step(), why, now)]

    def _away(self, wait_s: float, why: str, now: Moment) -> list[Step]:
        self.state = LinkState.STOPPED if wait_s == NEVER else LinkState.WAITING
        self._dial_at = now.mono + wait_s
        return [Moved(self.state, why)]

    # ---- sending

    def _id(self) -> int:
        self._line.id += 1
        return self._line.id

    def _tell(self, report: Report) -> list[Step]:
        self._remember(report)
        self._unheard_reports[report.job] = report
        if self.state not in CONNECTED:
            return []
        frame = wire.JobReport(
            id=self._id(), job=report.job, state=report.state, at=report.at, detail=report.detail, reason=report.reason
        )
        self._line.reported[frame.id] = report
        return [_send(frame)]

    def _remember(self, report: Report) -> None:
        self._last.pop(report.job, None)
        self._last[report.job] = report
        while len(self._last) > REMEMBERED:
            del self._last[next(iter(self._last))]

    def _ask(self, asked: _Asked) -> list[Step]:
        if self.state is not LinkState.LIVE:
            return []
        frame = wire.Press(id=self._id(), press=asked.press, what=asked.what, data=asked.data)
        self._line.asked[frame.id] = asked.press
        return [_send(frame)]

    def _give_up_oldest(self) -> list[Step]:
        """Away from the hall presses pile up; beyond 64 the oldest is answered by ourselves."""
        if len(self._presses) <= PILED_PRESSES:
            return []
        oldest = next(iter(self._presses))
        del self._presses[oldest]
        return [Answered(oldest, None, _error(None, "try_later", "The hall could not be reached."))]

    def _send_health(self) -> list[Step]:
        if self.state not in CONNECTED:
            return []
        link = wire.Part(rtt_ms=round(self.clock.trip_s * 1000, 1), offset_ms=round(self.clock.seconds * 1000, 1))
        return [_send(wire.Health(id=self._id(), parts={**self.parts, "link": link}))]

    # ---- what the hall says

    def _on_welcome(self, welcome: wire.Welcome, now: Moment) -> list[Step]:
        if self.state is not LinkState.GREETING:
            return []
        self._measure(welcome.re, welcome.at, welcome.at, now)
        self.gen, self._beat_s = welcome.gen, max(welcome.beat_s, 1.0)
        self.state = LinkState.PENDING if welcome.status == "pending" else LinkState.LIVE
        self._line.next_beat, self._line.since = now.mono + self._beat_s, now.mono
        if welcome.feed is None:
            self.feed = FeedReader()
        elif not welcome.feed.recovered:
            self.feed.gap = True  # the snapshot is on its way
        home = [Home(welcome.issued)] if self.issued is not None and self.state is LinkState.LIVE else []
        return [Moved(self.state), *self._freshen(), *self._send_health(), *self._check_clock(), *self._repeat(now), *home]

    def _freshen(self) -> list[Step]:
        was, self.stale = self.stale, False
        return [Fresh()] if was else []

    def _on_snapshot(self, snapshot: wire.Snapshot, now: Moment) -> list[Step]:
        self.feed.reset(snapshot)
        self.feed.owe_got(now.mono)
        return [Show(wire.Position(snapshot.epoch, snapshot.offset), snapshot.board)]

    def _on_event(self, event: wire.Event, now: Moment) -> list[Step]:
        had_gap = self.feed.gap
        if self.feed.take(event):
            self.feed.owe_got(now.mono)
            return [Apply(event, flashes(event, self.hall_time(now)))]
        return [_send(wire.Resync(id=self._id()))] if self.feed.gap and not had_gap else []

    def _on_job(self, job: wire.Job, now: Moment) -> list[Step]:
        if job.gen != self.gen:
            return []
        last = self._last.get(job.job) or self.ledger.last_report(job.job)
        if last is not None:
            return self._tell(last)
        at = self.hall_time(now)
        if job.kind not in self.caps:
            return self._tell(Report(job.job, "refused", at, reason=f"this device cannot {job.kind}"[:500]))
        if job.expires <= at:
            return self._tell(Report(job.job, "expired", at))
        return [*self._tell(Report(job.job, "accepted", at)), Do(job)]

    def _on_lease(self, lease: wire.Lease, now: Moment) -> list[Step]:
        return [Lend(lease)] if lease.gen == self.gen and self.issued is not None else []

    def _on_issued_ok(self, ok: wire.IssuedOk, now: Moment) -> list[Step]:
        if ok.re != self._line.brought:
            return []
        self._line.brought = None
        return [Home(ok.through)]

    def _on_config(self, config: wire.Config, now: Moment) -> list[Step]:
        if config.gen != self.gen:
            return []
        return [Configure(config.rev, config.data), _send(wire.Ok(re=config.id))]

    def _on_rotate(self, rotate: wire.Rotate, now: Moment) -> list[Step]:
        return [Keep(rotate.secret), _send(wire.Rotated(re=rotate.id))]

    def _on_beat_ok(self, answer: wire.BeatOk, now: Moment) -> list[Step]:
        self._line.unheard = 0
        self._measure(answer.re, answer.recv, answer.sent, now)
        return self._check_clock()

    def _measure(self, re: int, recv: datetime, sent: datetime, now: Moment) -> None:
        mine = self._line.beats.pop(re, None)
        if mine is not None and mine.moved == now.moved:
            self.clock.measure(mine.wall, recv, sent, now.wall)

    def _check_clock(self) -> list[Step]:
        """Say once that the clock went wrong, and once that it is right again."""
        if self.clock.wrong == self._clock_wrong:
            return []
        self._clock_wrong = self.clock.wrong
        alarm = [Alarm(f"clock is {self.clock.seconds:+.1f} s off")] if self._clock_wrong else []
        return [*alarm, *self._send_health()]

    def _on_ok(self, ok: wire.Ok, now: Moment) -> list[Step]:
        self._heard_report(ok.re)
        press = self._line.asked.pop(ok.re, None)
        if press is None or self._presses.pop(press, None) is None:
            return []
        return [Answered(press, ok.data, None)]

    def _on_error(self, error: wire.Error, now: Moment) -> list[Step]:
        if error.re is None:
            return []
        if error.re == self._line.brought:  # with the next beat they are brought again
            return [] if error.retry else [Alarm(f"the hall does not take in what was given out: {error.message}")]
        if not error.retry:
            self._heard_report(error.re)
        asked = self._presses.get(self._line.asked.pop(error.re, ""))
        if asked is None or (error.retry and now.mono - asked.since < ASKING_S):
            return []  # a press put off is asked again with the next beat
        del self._presses[asked.press]
        return [Answered(asked.press, None, error)]

    def _heard_report(self, re: int) -> None:
        """The hall has this report; a newer one of the same job may still be under way."""
        report = self._line.reported.pop(re, None)
        if report is not None and self._unheard_reports.get(report.job) == report:
            del self._unheard_reports[report.job]

    def _on_bye(self, bye: wire.Bye, now: Moment) -> list[Step]:
        self._line.retry_s = bye.retry_s
        return []


def _send(message: wire.Message) -> Send:
    return Send(wire.encode(message))


def _error(re: int | None, code: str, message: str) -> wire.Error:
    return wire.Error(re=re, code=code, message=message, retry=False)


_HANDLERS: dict[type[wire.Message], Callable[[Link, Any, Moment], list[Step]]] = {
    wire.Welcome: Link._on_welcome,
    wire.Snapshot: Link._on_snapshot,
    wire.Event: Link._on_event,
    wire.Job: Link._on_job,
    wire.Lease: Link._on_lease,
    wire.IssuedOk: Link._on_issued_ok,
    wire.Config: Link._on_config,
    wire.Rotate: Link._on_rotate,
    wire.BeatOk: Link._on_beat_ok,
    wire.Ok: Link._on_ok,
    wire.Error: Link._on_error,
    wire.Bye: Link._on_bye,
}
