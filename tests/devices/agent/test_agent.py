"""The agent program between a hall and a printer: pairing, jobs once and only once, health, and coming back."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from devices import wire
from devices.drivers.printing.lines import ADDRESSES
from tests.devices.agent.agents import Agent, write_config
from tests.devices.agent.conftest import CODE
from tests.devices.agent.hall import Hall, hall_open
from tests.devices.drivers.conftest import eventually
from tests.devices.drivers.printers import Papers
from tests.devices.drivers.test_ticket import TICKET

pytestmark = pytest.mark.slow

WHOLE_LIFE = ["accepted", "started", "done"]


async def test_a_ticket_is_printed_and_told_step_by_step(agent: Agent, hall: Hall, printer: Papers) -> None:
    await agent.start()
    visit = await hall.live()
    hello = visit.heard[0]
    assert (hello["type"], hello["caps"], hello.get("open", [])) == ("hello", ["print", "print_test"], [])
    await hall.give(visit, "jb_1", "print", TICKET)
    ending = await hall.ended("jb_1")
    assert (hall.reports("jb_1"), ending["detail"]) == (WHOLE_LIFE, {"paper": "ok"})
    assert printer.codes() == [TICKET["url"]]


async def test_a_job_delivered_again_is_not_done_again(agent: Agent, hall: Hall, printer: Papers) -> None:
    await agent.start()
    visit = await hall.live()
    for _ in range(3):
        await hall.give(visit, "jb_1", "print", TICKET)
    await hall.ended("jb_1")
    await hall.give(visit, "jb_1", "print", TICKET)
    await agent.cut_power()
    await agent.start()
    visit = await hall.live(2)
    await hall.give(visit, "jb_1", "print", TICKET)
    await eventually(lambda: any(frame["type"] == "job_report" for frame in visit.heard))
    assert visit.heard[-1]["state"] == "done"
    assert len(printer.record) == 1


async def test_it_waits_for_a_hall_that_is_not_open_yet(agent: Agent, hall: Hall, tmp_path: Path) -> None:
    async with hall_open() as later:
        web, link = (int(address.rsplit(":", 1)[1].split("/")[0]) for address in (later.web, later.link))
    agent.config.write_text(agent.config.read_text().replace(hall.web, later.web))
    await agent.start()
    await asyncio.sleep(1.5)
    async with hall_open(web, link) as opened:
        opened.codes[CODE] = "dv_dispenser_1"
        visit = await opened.live()
        assert visit.device == "dv_dispenser_1"


async def test_a_used_up_code_is_replaced_in_the_file_while_it_runs(agent: Agent, hall: Hall) -> None:
    hall.codes.clear()
    await agent.start()
    await asyncio.sleep(1)
    hall.codes["FRESH-CODE"] = "dv_dispenser_7"
    agent.config.write_text(agent.config.read_text().replace(CODE, "FRESH-CODE"))
    assert (await hall.live()).device == "dv_dispenser_7"


async def test_it_comes_back_with_its_secret_and_pairs_no_second_time(agent: Agent, hall: Hall) -> None:
    await agent.start()
    first = await hall.live()
    assert first.heard[0]["fw"] == "PAPER-80 1.05 ESC/POS", "as the printer itself says"
    assert await agent.stop() == 0
    await agent.start()
    second = await hall.live(2)
    assert (second.device, second.secret, hall.codes) == (first.device, first.secret, {})


async def test_a_lost_link_is_dialled_again_and_the_ending_is_told_then(agent: Agent, hall: Hall, printer: Papers) -> None:
    await agent.start()
    visit = await hall.live()
    await printer.fault("slow 0.6")
    await hall.give(visit, "jb_1", "print", TICKET)
    await eventually(lambda: "started" in hall.reports("jb_1"))
    visit.connection.transport.abort()
    await hall.ended("jb_1")
    assert (len(hall.visits), hall.reports("jb_1")) == (2, WHOLE_LIFE)


async def test_a_rotated_secret_is_used_from_the_next_dial_on(agent: Agent, hall: Hall) -> None:
    await agent.start()
    visit = await hall.live()
    hall.secrets[visit.device].add("brand-new")
    await visit.send(wire.Rotate(id=1, secret="brand-new"))
    await eventually(lambda: any(frame["type"] == "rotated" for frame in visit.heard))
    await visit.connection.close(wire.Close.SERVER_ERROR)
    assert (await hall.live(2)).secret == "brand-new"


async def test_a_secret_the_hall_never_got_to_know_falls_back_to_the_old_one(agent: Agent, hall: Hall) -> None:
    await agent.start()
    visit = await hall.live()
    await visit.send(wire.Rotate(id=1, secret="never-settled"))
    await eventually(lambda: any(frame["type"] == "rotated" for frame in visit.heard))
    await visit.connection.close(wire.Close.SERVER_ERROR)
    assert (await hall.live(2)).secret == visit.secret


async def test_a_revoked_device_pairs_anew_with_a_fresh_code(agent: Agent, hall: Hall) -> None:
    await agent.start()
    visit = await hall.live()
    hall.secrets.clear()
    await visit.connection.close(wire.Close.REVOKED)
    await asyncio.sleep(0.5)
    hall.codes["FRESH-CODE"] = "dv_dispenser_2"
    agent.config.write_text(agent.config.read_text().replace(CODE, "FRESH-CODE"))
    assert (await hall.live(2)).device == "dv_dispenser_2"


async def test_an_expired_job_is_told_and_not_done(agent: Agent, hall: Hall, printer: Papers) -> None:
    await agent.start()
    visit = await hall.live()
    await printer.fault("paper-out")
    await hall.give(visit, "jb_1", "print", TICKET, seconds=1.5)
    ending = await hall.ended("jb_1")
    assert (hall.reports("jb_1"), ending["reason"]) == (["accepted", "expired"], "not_ready_in_time")
    await printer.fault("ok")
    assert printer.record == []


async def test_a_job_it_cannot_do_is_refused(agent: Agent, hall: Hall) -> None:
    await agent.start()
    await hall.give(await hall.live(), "jb_1", "say", {"sentences": []})
    assert (await hall.ended("jb_1"))["state"] == "refused"


async def test_a_job_that_makes_no_sense_fails_and_the_next_is_done(agent: Agent, hall: Hall) -> None:
    await agent.start()
    visit = await hall.live()
    await hall.give(visit, "jb_1", "print", {"lang": "en"})
    await hall.give(visit, "jb_2", "print", TICKET)
    assert (await hall.ended("jb_1"))["reason"] == "bad_job"
    assert (await hall.ended("jb_2"))["state"] == "done"


async def test_owed_papers_wait_for_the_roll_and_come_in_order(agent: Agent, hall: Hall, printer: Papers) -> None:
    await agent.start()
    visit = await hall.live()
    await printer.fault("paper-out")
    await eventually(lambda: visit.heard[-1].get("parts", {}).get("printer", {}).get("state") == "paper_out")
    for n in (12, 101, 9):
        await hall.give(visit, f"jb_{n}", "print", {**TICKET, "url": f"http://hall/t/{n}"})
        await eventually(lambda n=n: hall.reports(f"jb_{n}") == ["accepted"])  # type: ignore[misc]
        await asyncio.sleep(0.2)  # the first of them is taken up and waits for the roll, the others behind it
    await printer.fault("ok")
    for n in (12, 9, 101):
        assert (await hall.ended(f"jb_{n}"))["state"] == "done"
    assert printer.codes() == [f"http://hall/t/{n}" for n in (12, 9, 101)]


async def test_health_is_told_once_for_each_change(agent: Agent, hall: Hall, printer: Papers) -> None:
    await agent.start()
    visit = await hall.live()
    await printer.fault("near-end")
    await eventually(lambda: visit.heard[-1].get("parts", {}).get("printer", {}).get("state") == "paper_low")
    await asyncio.sleep(1)
    told = [frame["parts"]["printer"]["state"] for frame in visit.heard if frame["type"] == "health"]
    assert told == ["ok", "paper_low"]


async def test_one_program_holds_many_devices(hall: Hall, tmp_path: Path) -> None:
    names = [f"led-{n}" for n in range(1, 9)]
    hall.codes.update({name: f"dv_{name}" for name in names})
    config = tmp_path / "agent.toml"
    leds = [{"kind": "led", "name": name, "code": name, "out": str(tmp_path / "led")} for name in names]
    write_config(config, hall.web, leds)
    agent = Agent(config)
    await agent.start()
    await eventually(lambda: len(hall.visits) == 8 and all(len(visit.heard) > 1 for visit in hall.visits))
    assert {visit.device for visit in hall.visits} == {f"dv_{name}" for name in names}
    for visit in hall.visits:
        data = {"call": "cl_1", "ticket": "A001", "window": "3", "recall": 0}
        await visit.send(wire.Event(prev=1, offset=2, kind="called", at=datetime.now(UTC), data=data))
    await eventually(lambda: all("A001到3号" in (tmp_path / f"led/{name}.json").read_text() for name in names))
    assert await agent.stop() == 0


async def test_a_rating_pressed_on_the_box_reaches_the_hall(hall: Hall, tmp_path: Path, unused_tcp_port: int) -> None:
    hall.codes["E"] = "dv_evaluator_1"
    config = tmp_path / "agent.toml"
    box = {"kind": "evaluator", "name": "e1", "code": "E", "listen": f"127.0.0.1:{unused_tcp_port}"}
    write_config(config, hall.web, [box])
    agent = Agent(config)
    await agent.start()
    visit = await hall.live()
    reader, writer = await asyncio.open_connection("127.0.0.1", unused_tcp_port)
    assert await reader.readline() == b"idle\n"
    data = {"ticket_id": "tk_9", "ticket": "A039", "clerk": "clerk01", "levels": 5, "seconds": 10}
    await hall.give(visit, "jb_1", "ask_rating", data)
    assert await reader.readline() == b"ask A039 10\n"
    writer.write(b"4 405\n")
    assert await reader.readline() == b"thanks\n"
    assert (await hall.ended("jb_1"))["detail"] == {"rated": True}
    (press,) = [frame for frame in hall.heard if frame["type"] == "press"]
    assert (press["what"], press["data"]) == ("rating", {"ticket_id": "tk_9", "level": 4, "reasons": ["405"]})
    writer.close()
    await agent.stop()


async def test_a_settings_file_that_is_wrong_ends_it_with_one_clear_line(tmp_path: Path) -> None:
    config = tmp_path / "agent.toml"
    write_config(config, "http://127.0.0.1:9", [{"kind": "dispenser", "name": "d1", "printer": "lp0"}])
    agent = Agent(config)
    await agent.start()
    assert agent.process is not None and await agent.process.wait() == 2
    assert agent.log.read_text() == f"The agent can't start: d1: printer must be {ADDRESSES}, not lp0\n"
