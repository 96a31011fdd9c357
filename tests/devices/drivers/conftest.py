"""Drivers without a hall: what they say is written down here."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from devices.drivers import Answer, Job
from tests.devices.drivers.printers import Papers, printer_running


@dataclass
class Notes:
    """The hall's side of a driver: it keeps time, counts news of health, and answers presses as told."""

    state: Path
    answer: Answer = field(default_factory=Answer)
    changes: int = 0
    presses: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def health_changed(self) -> None:
        self.changes += 1

    async def press(self, what: str, data: Mapping[str, Any], within_s: float | None = None) -> Answer:
        self.presses.append((what, dict(data)))
        return self.answer


@pytest.fixture
def hall(tmp_path: Path) -> Notes:
    return Notes(tmp_path / "state")


@pytest.fixture(scope="module")
def printer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Papers]:
    with printer_running(tmp_path_factory.mktemp("paper")) as papers:
        yield papers


async def eventually(check: Callable[[], bool], seconds: float = 10) -> None:
    """Waits until it is so. AssertionError when it never came to be."""
    for _ in range(int(seconds / 0.02)):
        if check():
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not so after {seconds} s")


def make_job(kind: str, data: Mapping[str, Any], *, n: int = 1, seconds: float = 20) -> Job:
    return Job(f"jb_{n}", kind, f"{kind}:{n}", datetime.now(UTC) + timedelta(seconds=seconds), data)
