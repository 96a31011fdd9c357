"""Our bytes as a printer reads them that somebody else wrote, and its faults as our driver and agent see them."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
import zxingcpp

from devices.drivers import Ending, make
from devices.drivers.drawing.ticket import draw_ticket
from devices.drivers.escpos_printer import EscposPrinter
from tests.devices.agent.agents import Agent, write_config
from tests.devices.agent.hall import Hall, hall_open
from tests.devices.drivers.conftest import Notes, eventually, make_job
from tests.devices.drivers.emupos import Emulator, NotHere, emulator_running, environment
from tests.devices.drivers.test_ticket import TICKET

pytestmark = pytest.mark.slow
job = make_job("print", TICKET, seconds=120)
QUICK: dict[str, Any] = {"timeout_s": 10, "poll_s": 0.2}


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    try:
        place = environment()
    except NotHere as why:
        pytest.skip(f"emupos, the printer we did not write, is not here: {why}")
    with emulator_running(place, tmp_path_factory.mktemp("emupos")) as running:
        yield running


@pytest_asyncio.fixture
async def driver(emulator: Emulator, hall: Notes) -> AsyncIterator[EscposPrinter]:
    emulator.heal()
    settings = {"printer": f"tcp://127.0.0.1:{emulator.port}"} | QUICK
    made = cast(EscposPrinter, make("dispenser", "d1", settings, hall))
    await made.open()
    yield made
    await made.close()


async def prints(emulator: Emulator, hall: Notes, device: str = "k1", **settings: Any) -> tuple[Ending, Any]:
    emulator.heal()
    before = len(emulator.receipts(device))
    driver = cast(EscposPrinter, make("dispenser", "d1", QUICK | settings, hall))
    await driver.open()
    try:
        ending = await driver.act(job, 0)
        return ending, await emulator.newest(before, device)
    finally:
        await driver.close()


async def test_a_ticket_comes_out_dot_for_dot_and_its_code_is_read(emulator: Emulator, hall: Notes) -> None:
    ending, image = await prints(emulator, hall, printer=f"tcp://127.0.0.1:{emulator.port}")
    assert ending == Ending("done", detail={"paper": "ok"})
    drawn = draw_ticket(TICKET)
    assert (image.size, image.convert("1").tobytes()) == (drawn.size, drawn.tobytes())
    assert [code.text for code in zxingcpp.read_barcodes(image.convert("L"))] == [TICKET["url"]]


async def test_a_serial_printer_of_another_make_prints_the_same(emulator: Emulator, hall: Notes) -> None:
    settings = {"printer": f"serial://{emulator.serial}", "baud": 9600, "mode": "image"}
    ending, image = await prints(emulator, hall, "k2", **settings)
    assert ending.state == "done"
    drawn = draw_ticket(TICKET)
    assert (image.size, image.convert("1").tobytes()) == (drawn.size, drawn.tobytes())


async def test_a_code_that_the_printer_draws_is_read(emulator: Emulator, hall: Notes) -> None:
    for mode in ("image", "text"):
        _, image = await prints(emulator, hall, printer=f"tcp://127.0.0.1:{emulator.port}", qr="native", mode=mode)
        assert [code.text for code in zxingcpp.read_barcodes(image.convert("L"))] == [TICKET["url"]]
    assert TICKET["url"] in emulator.text()


async def test_the_latin_of_a_text_ticket_is_read_back(emulator: Emulator, hall: Notes) -> None:
    """Its Chinese comes out as code page 437: this emulator knows no FS &."""
    await prints(emulator, hall, printer=f"tcp://127.0.0.1:{emulator.port}", mode="text")
    text = emulator.text()
    assert "A039" in text and "2026-11-02  09:12" in text and "12-18" in text


@pytest.mark.parametrize(
    ("fault", "said"),
    [("paper-near-end", "paper_low"), ("paper-out", "paper_out"), ("cover-open", "cover_open"), ("offline", "offline")],
)
async def test_each_fault_is_seen_and_seen_to_be_over(driver: EscposPrinter, emulator: Emulator, fault: str, said: str) -> None:
    assert driver.parts()["printer"]["state"] == "ok"
    emulator.fault(fault, True)
    await eventually(lambda: driver.parts()["printer"]["state"] == said)
    emulator.fault(fault, False)
    await eventually(lambda: driver.parts()["printer"]["state"] == "ok")


async def test_without_paper_nothing_is_printed_and_the_ticket_is_not_done(driver: EscposPrinter, emulator: Emulator) -> None:
    before = len(emulator.receipts())
    emulator.fault("paper-out", True)
    assert await driver.act(job, 0) == Ending("failed", "paper_out", {"paper": "paper_out"})
    assert len(emulator.receipts()) == before
    emulator.heal()


async def test_the_agent_tells_the_hall_of_the_fault_and_prints_when_paper_is_back(emulator: Emulator, tmp_path: Path) -> None:
    emulator.heal()
    async with hall_open() as hall:
        hall.codes["7F3K-9QTM-2W"] = "dv_dispenser_1"
        config = tmp_path / "agent.toml"
        printer = {"printer": f"tcp://127.0.0.1:{emulator.port}"} | QUICK
        write_config(config, hall.web, [{"kind": "dispenser", "name": "d1", "code": "7F3K-9QTM-2W"} | printer])
        agent = Agent(config)
        await agent.start()
        try:
            visit = await hall.live()
            emulator.fault("paper-out", True)
            await eventually(lambda: health_of(hall)[-1] == "paper_out")
            before = len(emulator.receipts())
            await hall.give(visit, "jb_1", "print", TICKET)
            emulator.heal()
            assert (await hall.ended("jb_1"))["state"] == "done"
            await emulator.newest(before)
            await eventually(lambda: health_of(hall)[-1] == "ok")
            assert len(emulator.receipts()) == before + 1
        finally:
            await agent.stop()


def health_of(hall: Hall) -> list[str]:
    return [frame["parts"]["printer"]["state"] for frame in hall.heard if frame["type"] == "health"]
