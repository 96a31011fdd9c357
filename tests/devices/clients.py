"""A device's end of a line as its tests hold it: a link with a ledger, and the frames a hall sends it."""

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from devices import client
from devices.client import Link, Report, Step
from devices.clock import Moment

NOON = datetime(2026, 11, 2, 4, 0, tzinfo=UTC)
AT = NOON.isoformat()


@dataclass
class Disk:
    """The device's ledger, written by nobody but the test."""

    reports: dict[str, Report] = field(default_factory=dict)

    def last_report(self, job: str) -> Report | None:
        return self.reports.get(job)

    def begun(self) -> Sequence[str]:
        return [job for job, report in self.reports.items() if report.state == "started"]


def at(seconds: float) -> Moment:
    return Moment(5000.0 + seconds, NOON + timedelta(seconds=seconds))


def frame(type: str, **fields: Any) -> str:
    return json.dumps({"type": type, **fields})


def make(**more: Any) -> Link:
    return Link(Disk(), "1.0", ["say", "print"], boot="b", dice=random.Random(7), **more)


def sent(steps: list[Step]) -> list[dict[str, Any]]:
    return [json.loads(step.frame) for step in steps if isinstance(step, client.Send)]


def other(steps: list[Step]) -> list[Step]:
    return [step for step in steps if not isinstance(step, client.Send)]


def welcome(gen: int = 1, **more: Any) -> str:
    fields = {"re": 1, "gen": gen, "status": "live", "at": AT, "beat_s": 10, "limits": {"frame": 16384, "jobs": 4}}
    return frame("welcome", **{**fields, **more})


def feed(offset: int, recovered: bool = False) -> dict[str, Any]:
    return {"epoch": "k3", "offset": offset, "recovered": recovered}


def connect(link: Link, seconds: float = 0, **more: Any) -> list[Step]:
    link._dial_at = 0
    link.tick(at(seconds))
    link.opened(at(seconds))
    return link.received(welcome(at=at(seconds).wall.isoformat(), **more), at(seconds))


def event(prev: int, offset: int, kind: str = "called", seconds: float = 0) -> str:
    return frame("event", prev=prev, offset=offset, kind=kind, at=at(seconds).wall.isoformat(), data={"ticket": "A001"})


def job(n: int, gen: int = 1, kind: str = "say", expires_s: float = 20) -> str:
    expires = (NOON + timedelta(seconds=expires_s)).isoformat()
    return frame("job", gen=gen, job=f"jb_{n}", kind=kind, key=f"call:{n}", expires=expires, attempt=1, data={})


def board(offset: int, epoch: str = "k3") -> str:
    return frame("snapshot", epoch=epoch, offset=offset, board={"lines": []})
