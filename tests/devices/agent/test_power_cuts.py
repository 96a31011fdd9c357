"""The plug is pulled at each step of a paper: what the hall is told afterwards, and how many papers there are."""

import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from tests.devices.agent.agents import Agent, write_config
from tests.devices.agent.browser import Browser
from tests.devices.agent.hall import Frame, Hall
from tests.devices.agent.test_own_page import lease
from tests.devices.drivers.conftest import eventually
from tests.devices.drivers.printers import Papers
from tests.devices.drivers.test_ticket import TICKET

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(
    ("step", "told", "papers"),
    [
        ("accepted, not begun", "done", 1),  # nobody began it: it is done when the hall brings it again
        ("begun, nothing printed", "uncertain", 0),
        ("printed, not confirmed", "uncertain", 1),
        ("confirmed, not written", "uncertain", 1),
        ("written, not told", "done", 1),
        ("told, not acknowledged", "done", 1),
    ],
)
async def test_a_power_cut_never_makes_a_second_paper(
    agent: Agent, hall: Hall, printer: Papers, step: str, told: str, papers: int
) -> None:
    agent.module = "tests.devices.agent.crashing"
    await agent.start(HALL_TEST_CUT=step)
    await hall.give(await hall.live(), "jb_1", "print", TICKET)
    assert agent.process is not None
    assert await agent.process.wait() == -9
    agent.module = "devices.agent"
    before = len(hall.heard)
    await agent.start()
    visit = await hall.live(2)
    await hall.give(visit, "jb_1", "print", TICKET)  # the hall has no ending yet, so it brings the job again
    await eventually(lambda: any(frame.get("state") == told for frame in hall.heard[before:]))
    endings = [frame["state"] for frame in hall.heard[before:] if frame["type"] == "job_report"]
    assert [set(endings) - {"accepted", "started"}, len(printer.record)] == [{told}, papers]


@pytest.mark.parametrize(
    ("step", "tickets", "papers"),
    [
        ("asked, no number yet", 0, 0),
        ("number written, no paper begun", 1, 1),  # nobody began it: it is printed after the start, unmarked
        ("begun, nothing printed", 1, 1),
        ("printed, not confirmed", 1, 2),  # it may be out: the second says that it is a copy
        ("confirmed, not written", 1, 2),
        ("written, not told", 1, 1),
        ("paper out, not settled", 1, 1),
        ("settled, not brought home", 1, 1),
        ("brought home, not written", 1, 1),
    ],
)
async def test_a_power_cut_while_it_gives_numbers_alone_loses_no_number_and_never_prints_a_second_paper_unmarked(
    agent: Agent, hall: Hall, printer: Papers, browser: Browser, step: str, tickets: int, papers: int
) -> None:
    hall.leases, hall.lives = [lease()], False
    agent.config.write_text(agent.config.read_text() + f'page = "{browser.place}"\n')
    agent.module = "tests.devices.agent.crashing"
    await agent.start(HALL_TEST_CUT=step)
    await browser.shows("take")
    await browser.open()
    with suppress(httpx2.TransportError):
        await browser.take()
    assert agent.process is not None
    assert await asyncio.wait_for(agent.process.wait(), 20) == -9
    agent.module = "devices.agent"
    await agent.start()
    await browser.shows("take")
    await browser.open()
    assert (await browser.take()).json()["ticket"] == f"A{2001 + tickets}"
    await eventually(lambda: len(printer.record) == papers + 1, 20)
    await eventually(lambda: hall.through == tickets + 1, 20)
    brought = {ticket["seq"]: ticket["number"] for f in hall.heard if f["type"] == "issued" for ticket in f["tickets"]}
    assert brought == {seq: 2000 + seq for seq in range(1, tickets + 2)}
    ledger = sqlite3.connect(agent.config.parent / "state/ledger.sqlite")
    await eventually(lambda: ledger.execute("SELECT count(*) FROM issued WHERE NOT settled").fetchone() == (0,))
    assert ledger.execute("SELECT count(*) FROM jobs WHERE state = 'started'").fetchone() == (0,)


async def test_a_press_nobody_answered_is_sent_again_after_a_power_cut(hall: Hall, tmp_path: Path, unused_tcp_port: int) -> None:
    hall.codes["E"], hall.acknowledges = "dv_evaluator_1", False
    box = {"kind": "evaluator", "name": "e1", "code": "E", "listen": f"127.0.0.1:{unused_tcp_port}"}
    write_config(tmp_path / "agent.toml", hall.web, [box])
    agent = Agent(tmp_path / "agent.toml")
    await agent.start()
    visit = await hall.live()
    reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
    assert await reader.readline() == b"idle\n"
    await hall.give(visit, "jb_1", "ask_rating", {"ticket_id": "tk_9", "ticket": "A039", "levels": 5, "seconds": 30})
    assert await reader.readline() == b"ask A039 30\n"
    writer.write(b"4\n")
    await eventually(lambda: len(presses(hall)) == 1)
    await agent.cut_power()
    writer.close()
    hall.acknowledges = True
    await agent.start()
    await eventually(lambda: len(presses(hall)) == 2, 20)
    first, again = presses(hall)
    assert (again["press"], again["data"]) == (first["press"], {"ticket_id": "tk_9", "level": 4, "reasons": []})
    ledger = sqlite3.connect(tmp_path / "state/ledger.sqlite")
    await eventually(lambda: ledger.execute("SELECT count(*) FROM presses").fetchone() == (0,))
    await agent.stop()


def presses(hall: Hall) -> list[Frame]:
    return [frame for frame in hall.heard if frame["type"] == "press"]


async def test_what_was_begun_is_named_in_the_next_greeting_or_settled(agent: Agent, hall: Hall, printer: Papers) -> None:
    await printer.fault("slow 1")
    await agent.start()
    await hall.give(await hall.live(), "jb_1", "print", TICKET)
    await eventually(lambda: "started" in hall.reports("jb_1"))
    await agent.cut_power()
    await agent.start()
    ending = await hall.ended("jb_1")
    assert (ending["state"], ending["reason"]) == ("uncertain", "interrupted")


async def test_a_sentence_cut_off_is_never_repeated(hall: Hall, agent: Agent) -> None:
    out = agent.config.parent / "voice"
    hall.codes["S"] = "dv_speaker_1"
    agent.config.write_text(
        agent.config.read_text().split("[[device]]")[0]
        + f'[[device]]\nkind = "speaker"\nname = "s1"\ncode = "S"\nplay = "files"\nout = "{out}"\n'
    )
    say = {"sentences": [{"lang": "zh-Hans", "text": "请A零零一号到三号窗口办理"}], "times": 2, "chime": True, "call": "cl_1"}
    await agent.start()
    await hall.give(await hall.live(), "jb_1", "say", say, seconds=20)
    await eventually(lambda: (out / "s1/said.jsonl").exists())
    await agent.cut_power()
    await agent.start()
    visit = await hall.live(2)
    await hall.give(visit, "jb_1", "say", say, seconds=20)
    assert (await hall.ended("jb_1"))["state"] == "uncertain"
    assert len((out / "s1/said.jsonl").read_text().splitlines()) == 1
