"""Both ends of a line together, cut at any moment: every effect is made once, in order, and boards end up right."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from devices import client, session, wire
from devices.client import Link, Report
from devices.clock import Moment
from devices.jobs import Job
from devices.session import Output, Session
from devices.wire import ENDINGS

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)


@dataclass
class Hall:
    """What the database would hold: jobs and a feed of offsets 1, 2, 3…"""

    jobs: dict[str, Job] = field(default_factory=dict)
    offset: int = 0

    def owe(self, now: Moment) -> Job:
        n = len(self.jobs) + 1
        expires = now.wall + timedelta(hours=9)
        self.jobs[f"jb_{n}"] = job = Job(
            f"jb_{n}", 1, "dv", "say", f"call:{n}", expires, {}, "owed", 0, now.wall, None, None, None, None, None
        )
        return job

    def open_jobs(self, held: Sequence[str]) -> list[Job]:
        unfinished = [job for job in self.jobs.values() if job.state not in ENDINGS]
        return [job for job in unfinished[:4] if job.id not in held]


@dataclass
class Box:
    """A device whose disk survives and whose effects are counted."""

    reports: dict[str, Report] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)

    def last_report(self, job: str) -> Report | None:
        return self.reports.get(job)

    def begun(self) -> Sequence[str]:
        return [job for job, report in self.reports.items() if report.state == "started"]


class Pair:
    """The two machines joined by two queues that a cut empties."""

    def __init__(self, seed: int) -> None:
        self.hall, self.box, self.seconds, self.gen = Hall(), Box(), 0.0, 0
        self.link = Link(self.box, "1", ["say"], dice=random.Random(seed))
        self.line: Session | None = None
        self.up: list[bytes] = []
        self.down: list[bytes] = []
        self.todo: list[tuple[str, wire.JobState]] = []

    @property
    def now(self) -> Moment:
        return Moment(self.seconds, NOON + timedelta(seconds=self.seconds))

    def run(self, seconds: float) -> None:
        """Let time pass, and everything under way arrive."""
        until = self.seconds + seconds
        while self.seconds < until:
            self.seconds += 1
            self.step(self.link.tick(self.now))
            self.decide(self.line.tick(self.now) if self.line else [])
            self.deliver()

    def deliver(self, most: int = 1_000_000) -> None:
        """Let up to so many things arrive: frames up, frames down, steps of work."""
        while most and (self.up or self.down or self.todo):
            most -= 1
            if self.up and self.line is not None:
                self.decide(self.line.receive(self.up.pop(0).decode(), self.now))
            elif self.down:
                self.step(self.link.received(self.down.pop(0), self.now))
            elif self.todo:
                self.work(*self.todo.pop(0))
            else:
                self.up.clear()

    def cut(self) -> None:
        """The line breaks: what was under way is lost, on both sides."""
        self.line = None
        self.up.clear()
        self.down.clear()
        self.step(self.link.closed(None, self.now))

    def restart(self) -> None:
        """The device loses its power: memory goes, the disk stays, and what was begun is uncertain."""
        self.cut()
        self.todo.clear()
        for job in self.box.begun():
            self.box.reports[job] = Report(job, "uncertain", self.now.wall)
        self.link = Link(self.box, "1", ["say"])

    def work(self, job: str, state: wire.JobState) -> None:
        """Begin or end a job: written to disk before it is told."""
        self.box.reports[job] = Report(job, state, self.now.wall)
        if state == "started":
            self.todo.insert(0, (job, "done"))
        else:
            self.box.made.append(job)
        self.step(self.link.report(job, state, self.now))

    def step(self, steps: Sequence[client.Step]) -> None:
        for step in steps:
            match step:
                case client.Send(frame) if self.line is not None:
                    self.up.append(frame)
                case client.Dial():
                    self.line = Session(self.now.mono)
                    self.step(self.link.opened(self.now))
                case client.Hang():
                    self.line = None
                case client.Do(job):
                    self.todo.append((job.job, "started"))
                case client.Show(position):
                    self.box.shown = [position.offset]
                case client.Apply(event):
                    assert event.prev == self.box.shown[-1]
                    self.box.shown.append(event.offset)

    def decide(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            assert self.line is not None
            match output:
                case session.Send(frame):
                    self.down.append(frame)
                case session.Greet(hello):
                    self.greet(hello)
                case session.Fetch():
                    self.decide(self.line.fetched(self.hall.open_jobs(self.line.held), self.now))
                case session.Settle(report):
                    known = self.hall.jobs[report.job]
                    if known.state not in ENDINGS:
                        self.hall.jobs[report.job] = replace(known, state=report.state)
                    self.decide(self.line.settled(report))
                case session.Feel(health):
                    self.decide(self.line.done(health.id))
                case session.Reread():
                    self.down.append(self.snapshot())
                case session.Hangup(code):
                    self.line = None
                    self.step(self.link.closed(int(code), self.now))
                    return

    def greet(self, hello: wire.Hello) -> None:
        assert self.line is not None
        self.gen += 1
        recovered = hello.feed is not None and hello.feed.offset <= self.hall.offset
        feed = wire.Recovered("k3", self.hall.offset, recovered)
        first, *rest = self.line.greeted(hello, self.gen, self.now, placed=True, config_rev=0, config={}, feed=feed)
        self.decide([first])
        if hello.feed is not None and recovered:
            self.down += [self.event(offset) for offset in range(hello.feed.offset + 1, self.hall.offset + 1)]
        else:
            self.down.append(self.snapshot())
        self.decide(rest)

    def event(self, offset: int) -> bytes:
        return wire.encode(wire.Event(prev=offset - 1, offset=offset, kind="called", at=NOON, data={}))

    def snapshot(self) -> bytes:
        return wire.encode(wire.Snapshot(epoch="k3", offset=self.hall.offset, board={}))

    def publish(self, *, lost: bool = False) -> None:
        self.hall.offset += 1
        if self.line is not None and self.line.phase is session.Phase.LIVE and not lost:
            self.down.append(self.event(self.hall.offset))

    def owe(self, *, offered: bool) -> None:
        job = self.hall.owe(self.now)
        if offered and self.line is not None:
            self.decide(self.line.offer([job], self.now))
        elif self.line is not None:
            self.line._more = True


ACTS = st.sampled_from([
    "owe", "owe", "owe unheard", "publish", "publish", "lose a frame", "cut", "restart",
    "deliver 1", "deliver 2", "deliver 5", "deliver 9", "run", "run 40",
])  # fmt: skip


@given(st.lists(ACTS, min_size=60, max_size=120), st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_cut_at_any_moment_every_sentence_is_said_once_and_every_board_ends_up_right(acts: list[str], seed: int) -> None:
    pair = Pair(seed)
    for act in acts:
        match act:
            case "owe":
                pair.owe(offered=True)
            case "owe unheard":
                pair.owe(offered=False)
            case "publish":
                pair.publish()
            case "lose a frame":
                pair.publish(lost=True)
            case "cut":
                pair.cut()
            case "restart":
                pair.restart()
            case "deliver 1" | "deliver 2" | "deliver 5" | "deliver 9":
                pair.deliver(int(act[-1]))
            case "run":
                pair.run(3)
            case "run 40":
                pair.run(40)
    pair.run(60)
    pair.publish()
    pair.run(60)
    done = [job.id for job in pair.hall.jobs.values() if job.state == "done"]
    assert pair.box.made == done  # each once, in the order of the calls
    assert {job.state for job in pair.hall.jobs.values()} <= {"done", "uncertain"}
    assert pair.box.shown[-1] == pair.hall.offset
    assert pair.box.shown == sorted(set(pair.box.shown))
