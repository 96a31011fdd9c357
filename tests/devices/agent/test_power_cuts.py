"""The plug is pulled at each step of a paper: what the hall is told afterwards, and how many papers there are."""

import pytest

from tests.devices.agent.agents import Agent
from tests.devices.agent.hall import Hall
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
