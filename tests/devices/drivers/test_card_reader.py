"""The reader of identity cards: frames as they are published, a reader in another process, and nothing left behind."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from devices.drivers import Answer
from devices.drivers.identity import frames
from devices.drivers.identity.frames import FIND, READ, SELECT, BadAnswer, read_number, request, take_answer
from devices.drivers.identity.reader import CardReader
from tests.devices.agent.agents import Agent, write_config
from tests.devices.agent.hall import hall_open
from tests.devices.drivers.card_reader import Reader, answer, reader_running, text_of
from tests.devices.drivers.conftest import Notes, eventually

# Nobody's: a number that adds up (GB 11643's own example), a name and an address made up for this file.
NUMBER, NAME, ADDRESS = "11010519491231002X", "覃贞观", "云上市虚构路7号"
OTHER = "440524188001010014"


@pytest.mark.parametrize(
    ("command", "golden"),
    [
        (FIND, "AA AA AA 96 69 00 03 20 01 22"),
        (SELECT, "AA AA AA 96 69 00 03 20 02 21"),
        (READ, "AA AA AA 96 69 00 03 30 01 32"),
    ],
)
def test_requests_are_the_published_frames(command: bytes, golden: str) -> None:
    assert request(command) == bytes.fromhex(golden)


@pytest.mark.parametrize(
    ("golden", "status", "size"),
    [
        ("AA AA AA 96 69 00 08 00 00 9F 00 00 00 00 97", "00009f", 4),  # found
        ("AA AA AA 96 69 00 0C 00 00 90 00 00 00 00 00 00 00 00 9C", "000090", 8),  # selected
        ("AA AA AA 96 69 00 04 00 00 80 84", "000080", 0),  # no card
    ],
)
def test_answers_are_read_in_any_pieces_and_leave_nothing(golden: str, status: str, size: int) -> None:
    heard, whole = bytearray(), b"\xff" + bytes.fromhex(golden)
    for byte in whole[:-1]:
        heard.append(byte)
        assert take_answer(heard) is None
    heard.append(whole[-1])
    told = take_answer(heard)
    assert told is not None and (told.status.hex(), len(told.data), heard) == (status, size, bytearray())


def test_a_cards_number_is_read_and_nothing_else_is_shown() -> None:
    data = (256).to_bytes(2, "big") + b"\x04\x00" + text_of(NUMBER, NAME, ADDRESS) + bytes(1024)
    told = take_answer(bytearray(answer(b"\0\0\x90", data)))
    assert told is not None
    assert read_number(told) == NUMBER
    assert str(told) == "Answer(status=000090, 1284 bytes)"


@pytest.mark.parametrize("written", ["110105194912310021", "1101051949123100", "ABCDEFGHIJKLMNOPQR", ""])
def test_a_number_that_does_not_add_up_is_none_and_is_not_said(written: str) -> None:
    data = (256).to_bytes(2, "big") + b"\x04\x00" + text_of(written, NAME, ADDRESS)
    with pytest.raises(BadAnswer, match=r"^a card without a number$"):
        read_number(frames.Answer(b"\0\0\x90", data))


@pytest.mark.parametrize(
    "golden", ["AA AA AA 96 69 00 04 00 00 80 85", "AA AA AA 96 69 FF FF 00 00 80 84", "AA AA AA 96 69 00 01 01"]
)
def test_a_broken_answer_is_told_and_forgotten(golden: str) -> None:
    heard = bytearray.fromhex(golden)
    with pytest.raises(BadAnswer):
        take_answer(heard)
    assert heard == bytearray()


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    with reader_running(tmp_path / "ttyCARD") as running:
        yield running


@pytest_asyncio.fixture
async def cards(reader: Reader, hall: Notes) -> AsyncIterator[CardReader]:
    driver = CardReader("d1", f"serial://{reader.link}", 115200, hall)
    await driver.open()
    yield driver
    await driver.close()


async def test_a_card_laid_down_is_one_press_until_it_is_laid_down_anew(
    cards: CardReader, reader: Reader, hall: Notes, capsys: pytest.CaptureFixture[str]
) -> None:
    reader.tell(f"lay {NUMBER} {NAME} {ADDRESS}")
    await eventually(lambda: cards.lying)
    reader.tell("lift")
    await eventually(lambda: not cards.lying)
    reader.tell(f"lay {OTHER} {NAME} {ADDRESS}")
    await eventually(lambda: len(hall.presses) == 2)
    assert [data for _, data in hall.presses] == [{"number": NUMBER}, {"number": OTHER}]
    said = capsys.readouterr()
    assert [word for word in (NUMBER, OTHER, NAME, ADDRESS) if word in said.out + said.err] == []
    assert "card" in said.out  # there was something to be found in


async def test_a_garbled_card_is_read_again(cards: CardReader, reader: Reader, hall: Notes) -> None:
    reader.tell("garble")
    reader.tell(f"lay {NUMBER} {NAME} {ADDRESS}")
    await eventually(lambda: hall.presses == [("card", {"number": NUMBER})])


async def test_a_card_the_hall_cannot_take_stops_nothing(cards: CardReader, reader: Reader, hall: Notes) -> None:
    hall.answer = Answer("try_later")
    reader.tell(f"lay {NUMBER} {NAME} {ADDRESS}")
    await eventually(lambda: len(hall.presses) == 1)
    assert cards.state == "ok"


async def test_a_reader_that_falls_silent_is_told_and_told_to_be_back(cards: CardReader, reader: Reader) -> None:
    reader.tell("mute")
    await eventually(lambda: cards.state == "mute", seconds=15)
    reader.tell("speak")
    await eventually(lambda: cards.state == "ok", seconds=15)


@pytest.mark.slow
async def test_the_agent_brings_a_card_to_the_hall_and_keeps_nothing_of_it(reader: Reader, tmp_path: Path) -> None:
    async with hall_open() as hall:
        hall.codes["C"] = "dv_dispenser_1"
        kiosk = {"kind": "dispenser", "name": "d1", "code": "C", "printer": f"file://{tmp_path}/lp0"}
        write_config(tmp_path / "agent.toml", hall.web, [kiosk | {"card_reader": f"serial://{reader.link}"}])
        agent = Agent(tmp_path / "agent.toml")
        await agent.start()
        try:
            visit = await hall.live()
            assert next(f["parts"]["cards"]["state"] for f in visit.heard if f["type"] == "health") == "ok"
            reader.tell(f"lay {NUMBER} {NAME} {ADDRESS}")
            await eventually(lambda: any(f["type"] == "press" for f in visit.heard))
            await eventually(lambda: "card " in agent.log.read_text())
        finally:
            await agent.stop()
        told = [(f["what"], f["data"]) for f in visit.heard if f["type"] == "press"]
        assert told == [("card", {"number": NUMBER})]
        kept = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
        plain = [word.encode() for word in (NUMBER, NAME, ADDRESS)] + [NAME.encode("utf-16-le"), ADDRESS.encode("utf-16-le")]
        assert [word for word in plain if word in kept] == []
        assert b"dv_dispenser_1" in kept  # there was something to be found in
