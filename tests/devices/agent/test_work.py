"""A machine's jobs: one at a time, what is urgent first, then in the order the hall made them."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from devices.agent.ledger import Ledger
from devices.agent.work import Work
from devices.drivers import Ending, Job
from tests.devices.drivers.conftest import Notes, make_job


class Slow:
    """A machine that is busy with each job until it is told to go on."""

    caps = frozenset({"say"})

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.go_on = asyncio.Semaphore(0)

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        return {}

    def configure(self, data: Mapping[str, Any]) -> None: ...

    async def ready(self, job: Job) -> None: ...

    async def act(self, job: Job, waiting: int) -> Ending:
        self.begun.append(job.job)
        await self.go_on.acquire()
        self.done.append(job.job)
        return Ending("done")


async def test_an_emergency_overtakes_what_waits_but_not_what_is_under_way(tmp_path: Path) -> None:
    machine, ledger = Slow(), Ledger(tmp_path / "ledger.sqlite")
    work = Work("s1", machine, ledger.page("dv_1"), Notes(tmp_path), lambda *_: None)
    running = asyncio.create_task(work.run())
    work.add(make_job("say", {"order": 3}, n=1))
    async with asyncio.timeout(10):
        while not machine.begun:
            await asyncio.sleep(0.01)
        for n, order in ((12, 2), (2, None), (3, 3), (4, 1), (5, 0)):
            work.add(make_job("say", {} if order is None else {"order": order}, n=n))
        for _ in range(6):
            machine.go_on.release()
        while len(machine.done) < 6:
            await asyncio.sleep(0.01)
    running.cancel()
    assert machine.done == ["jb_1", "jb_5", "jb_4", "jb_2", "jb_12", "jb_3"]
