"""The button box: a real box on a real socket."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from devices.drivers import Answer, BadSetting, Ending, make
from devices.drivers.evaluator import Evaluator
from tests.devices.drivers.box import Box as SerialBox
from tests.devices.drivers.box import box_running
from tests.devices.drivers.conftest import Notes, make_job

QUESTION = {"ticket_id": "tk_9", "ticket": "A039", "clerk": "clerk01", "levels": 5, "seconds": 20}


class Box:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def push(self, line: str) -> None:
        self.writer.write(f"{line}\n".encode())

    async def reads(self) -> str:
        async with asyncio.timeout(20):
            return (await self.reader.readline()).decode().strip()


@pytest_asyncio.fixture
async def evaluator(hall: Notes) -> AsyncIterator[Evaluator]:
    made = cast(Evaluator, make("evaluator", "e1", {"listen": "127.0.0.1:0"}, hall))
    await made.open()
    yield made
    await made.close()


@pytest_asyncio.fixture
async def box(evaluator: Evaluator) -> Box:
    made = Box(*await asyncio.open_connection("127.0.0.1", evaluator.port))
    assert await made.reads() == "idle"
    return made


async def test_a_press_becomes_a_rating_with_its_reasons(evaluator: Evaluator, box: Box, hall: Notes) -> None:
    asking = asyncio.create_task(evaluator.act(make_job("ask_rating", QUESTION), 0))
    assert await box.reads() == "ask A039 20"
    box.push("2 205 207")
    assert [await box.reads(), await box.reads()] == ["thanks", "idle"]
    assert await asking == Ending("done", detail={"rated": True})
    assert hall.presses == [("rating", {"ticket_id": "tk_9", "level": 2, "reasons": ["205", "207"]})]


async def test_no_press_is_no_rating(evaluator: Evaluator, box: Box, hall: Notes) -> None:
    ending = await evaluator.act(make_job("ask_rating", {**QUESTION, "seconds": 0.1}), 0)
    assert (ending, hall.presses) == (Ending("done", detail={"rated": False}), [])


async def test_a_press_without_a_question_is_nothing(box: Box, hall: Notes) -> None:
    box.push("5")
    assert (await box.reads(), hall.presses) == ("sorry no_question", [])


async def test_a_key_that_does_not_exist_is_nothing(evaluator: Evaluator, box: Box, hall: Notes) -> None:
    asking = asyncio.create_task(evaluator.act(make_job("ask_rating", {**QUESTION, "seconds": 1}), 0))
    assert await box.reads() == "ask A039 1"
    box.push("9")
    assert await box.reads() == "sorry unknown_key"
    assert (await asking, hall.presses) == (Ending("done", detail={"rated": False}), [])


async def test_a_press_the_hall_refuses_is_said_and_may_be_repeated(evaluator: Evaluator, box: Box, hall: Notes) -> None:
    hall.answer = Answer("not_in_that_state")
    asking = asyncio.create_task(evaluator.act(make_job("ask_rating", QUESTION), 0))
    await box.reads()
    box.push("5")
    assert await box.reads() == "sorry not_in_that_state"
    hall.answer = Answer()
    box.push("5")
    assert [await box.reads(), await asking] == ["thanks", Ending("done", detail={"rated": True})]


@pytest.mark.parametrize(("key", "level"), [("0", 5), ("4", 1)])
async def test_a_box_that_counts_the_other_way_round_is_understood(hall: Notes, key: str, level: int) -> None:
    keys = {"0": 5, "1": 4, "2": 3, "3": 2, "4": 1}
    evaluator = cast(Evaluator, make("evaluator", "e1", {"listen": "127.0.0.1:0", "keys": keys}, hall))
    await evaluator.open()
    box = Box(*await asyncio.open_connection("127.0.0.1", evaluator.port))
    await box.reads()
    asking = asyncio.create_task(evaluator.act(make_job("ask_rating", QUESTION), 0))
    await box.reads()
    box.push(key)
    assert (await asking).detail == {"rated": True}
    assert hall.presses[0][1]["level"] == level
    await evaluator.close()


async def test_a_box_plugged_in_under_a_question_sees_it(evaluator: Evaluator) -> None:
    asking = asyncio.create_task(evaluator.act(make_job("ask_rating", QUESTION), 0))
    await asyncio.sleep(0)
    assert evaluator.parts() == {"buttons": {"state": "unknown"}}  # no box was ever here: no fault
    late = Box(*await asyncio.open_connection("127.0.0.1", evaluator.port))
    assert await late.reads() == "ask A039 20"
    assert evaluator.parts() == {"buttons": {"state": "ok"}}
    late.push("4")
    assert (await asking).detail == {"rated": True}
    late.writer.close()
    async with asyncio.timeout(20):
        while evaluator.parts() != {"buttons": {"state": "offline"}}:
            await asyncio.sleep(0.01)


async def test_a_box_that_talks_nonsense_is_hung_up_on(evaluator: Evaluator, box: Box) -> None:
    box.writer.write(b"x" * 5000)
    async with asyncio.timeout(20):
        assert await box.reader.read() == b""


def test_a_level_that_does_not_exist_is_refused(hall: Notes) -> None:
    with pytest.raises(BadSetting, match="keys must map to levels 1 to 5"):
        make("evaluator", "e1", {"listen": "127.0.0.1:0", "keys": {"1": 6}}, hall)


# ---- boxes on a serial line

# One maker's newer kit counts 5 to 1, its older one 0 to 4 the other way round, a four-level box of before 3 to 0.
KITS: dict[str, dict[str, int]] = {
    "best is 5": {"0xAA0155": 1, "0xAA0255": 2, "0xAA0355": 3, "0xAA0455": 4, "0xAA0555": 5},
    "best is 0": {"0xAA0055": 5, "0xAA0155": 4, "0xAA0255": 3, "0xAA0355": 2, "0xAA0455": 1},
    "four levels": {"0xAA0355": 5, "0xAA0255": 4, "0xAA0155": 3, "0xAA0055": 2},
}


@pytest.fixture
def serial_box(tmp_path: Path) -> Iterator[SerialBox]:
    with box_running(tmp_path / "ttyRATE") as running:
        yield running


@pytest.mark.parametrize(
    ("kit", "sent", "level"),
    [
        ("best is 5", "AA0555", 5),
        ("best is 5", "AA0155", 1),
        ("best is 0", "AA0055", 5),
        ("best is 0", "AA0455", 1),
        ("four levels", "AA0355", 5),
        ("four levels", "AA0055", 2),
    ],
)
async def test_a_serial_box_means_what_its_map_says_at_both_ends(
    hall: Notes, serial_box: SerialBox, kit: str, sent: str, level: int
) -> None:
    shows = {"ask": "AA 10 01", "thanks": "AA 10 02", "idle": "AA 10 00"}
    settings = {"box": f"serial://{serial_box.link}", "keys": KITS[kit], "shows": shows}
    evaluator = cast(Evaluator, make("evaluator", "e1", settings, hall))
    await evaluator.open()
    asking = asyncio.create_task(evaluator.act(make_job("ask_rating", QUESTION), 0))
    await serial_box.hears(b"\xaa\x10\x01")
    serial_box.push(f"FF {sent}")
    assert (await asking).detail == {"rated": True}
    await serial_box.hears(b"\xaa\x10\x02\xaa\x10\x00")
    assert [data["level"] for _, data in hall.presses] == [level]
    await evaluator.close()


async def test_a_serial_box_that_talks_in_lines(hall: Notes, serial_box: SerialBox) -> None:
    evaluator = cast(Evaluator, make("evaluator", "e1", {"box": f"serial://{serial_box.link}"}, hall))
    await evaluator.open()
    asking = asyncio.create_task(evaluator.act(make_job("ask_rating", QUESTION), 0))
    await serial_box.hears(b"ask A039 20\n")
    serial_box.push(b"2 2".hex() + "+" + b"05\r\n".hex())
    assert (await asking).detail == {"rated": True}
    assert hall.presses == [("rating", {"ticket_id": "tk_9", "level": 2, "reasons": ["205"]})]
    await evaluator.close()


async def test_no_key_of_a_serial_box_is_no_rating(hall: Notes, serial_box: SerialBox) -> None:
    settings = {"box": f"serial://{serial_box.link}", "keys": KITS["best is 0"], "shows": {"sorry": "AA 10 0F"}}
    evaluator = cast(Evaluator, make("evaluator", "e1", settings, hall))
    await evaluator.open()
    assert evaluator.parts() == {"buttons": {"state": "ok"}}
    serial_box.push("AA0055")  # before anything was asked
    await serial_box.hears(b"\xaa\x10\x0f")
    ending = await evaluator.act(make_job("ask_rating", {**QUESTION, "seconds": 0.3}), 0)
    assert (ending, hall.presses) == (Ending("done", detail={"rated": False}), [])
    await evaluator.close()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "either listen"),
        ({"listen": "127.0.0.1:0", "box": "serial:///dev/ttyS0"}, "either listen"),
        ({"box": "serial:///dev/ttyS0", "keys": {"0xAA": 1, "5": 5}}, "either all keys are bytes"),
        ({"box": "lp0"}, "the machine must be at"),
    ],
)
def test_settings_of_a_box_that_cannot_be_are_refused(hall: Notes, settings: dict[str, object], why: str) -> None:
    with pytest.raises(BadSetting, match=why):
        make("evaluator", "e1", settings, hall)
