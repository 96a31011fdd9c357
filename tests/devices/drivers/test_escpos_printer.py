"""The ticket printer in good and bad hours, on a printer process that speaks real ESC/POS over TCP."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio

from devices.drivers import Ending, Named, make
from devices.drivers.drawing.ticket import draw_ticket
from devices.drivers.escpos_printer import EscposPrinter
from tests.devices.drivers.conftest import Notes, eventually, make_job
from tests.devices.drivers.printers import Papers
from tests.devices.drivers.test_ticket import TICKET

PRINTED = Ending("done", detail={"paper": "ok"})
job = make_job("print", TICKET)


@pytest_asyncio.fixture
async def driver(printer: Papers, hall: Notes) -> AsyncIterator[EscposPrinter]:
    await printer.fault("ok")
    settings = {"printer": f"tcp://{printer.address}", "timeout_s": 3, "poll_s": 0.3}
    made = cast(EscposPrinter, make("dispenser", "d1", settings, hall))
    await made.open()
    yield made
    await made.close()


def state(driver: EscposPrinter) -> str:
    return str(driver.parts()["printer"]["state"])


async def until(driver: EscposPrinter, wanted: str) -> None:
    await eventually(lambda: state(driver) == wanted, seconds=10)


async def test_what_is_sent_comes_out_dot_for_dot(driver: EscposPrinter, printer: Papers) -> None:
    await driver.ready(job)
    assert await driver.act(job, 0) == PRINTED
    newest = printer.record[-1]
    assert printer.image(newest["n"]).convert("1").tobytes() == draw_ticket(TICKET).tobytes()
    assert printer.codes()[-1] == TICKET["url"]


@pytest.mark.parametrize(
    ("fault", "said"),
    [("near-end", "paper_low"), ("paper-out", "paper_out"), ("cover-open", "cover_open"), ("unplug", "offline")],
)
async def test_each_state_is_told_within_ten_seconds_and_clears_by_itself(
    driver: EscposPrinter, printer: Papers, hall: Notes, fault: str, said: str
) -> None:
    assert state(driver) == "ok"
    await printer.fault(fault)
    await until(driver, said)
    await printer.fault("ok")
    await until(driver, "ok")
    assert hall.changes == 3  # ok at first sight, the fault, ok again


async def test_it_says_model_and_firmware_once_it_is_ready(printer: Papers, hall: Notes) -> None:
    await printer.fault("paper-out")
    made = cast(EscposPrinter, make("dispenser", "d1", {"printer": f"tcp://{printer.address}", "poll_s": 0.3}, hall))
    await made.open()
    assert isinstance(made, Named) and made.fw is None, "without paper it answers nothing in its turn"
    await printer.fault("ok")
    await eventually(lambda: made.fw == "PAPER-80 1.05 ESC/POS", seconds=10)
    assert await made.act(job, 0) == PRINTED, "the question left nothing on the paper"
    assert printer.image(printer.record[-1]["n"]).convert("1").tobytes() == draw_ticket(TICKET).tobytes()
    await made.close()


@pytest.mark.parametrize("fault", ["garble", "silent"])
async def test_an_unreadable_answer_is_unknown_after_three_and_never_no_paper(
    driver: EscposPrinter, printer: Papers, fault: str
) -> None:
    await printer.fault(fault)
    seen = ["ok"]

    def unknown() -> bool:
        seen.append(state(driver))
        return seen[-1] == "unknown"

    await eventually(unknown)
    assert set(seen) == {"ok", "unknown"}


async def test_a_printer_that_never_answers_prints_once_and_says_unconfirmed(driver: EscposPrinter, printer: Papers) -> None:
    await printer.fault("silent")
    await until(driver, "unknown")
    before = len(printer.record)
    await driver.ready(job)
    assert await driver.act(job, 0) == Ending("done", detail={"paper": "unconfirmed"})
    await asyncio.sleep(0.2)
    assert len(printer.record) == before + 1


async def test_paper_that_ended_before_is_waited_for(driver: EscposPrinter, printer: Papers) -> None:
    await printer.fault("paper-out")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await driver.ready(job)
    await printer.fault("ok")
    async with asyncio.timeout(20):
        await driver.ready(job)
    assert await driver.act(job, 0) == PRINTED


async def test_paper_that_ends_under_a_ticket_is_a_failure_and_leaves_nothing_to_come_out_later(
    driver: EscposPrinter, printer: Papers
) -> None:
    await printer.fault("paper-out-after 300")
    before = len(printer.record)
    assert await driver.act(job, 0) == Ending("failed", "paper_out", {"paper": "paper_out"})
    assert state(driver) == "paper_out"
    await printer.fault("ok")
    await asyncio.sleep(0.3)
    assert [(line["torn"], line["height"]) for line in printer.record[before:]] == [(True, 300)]


async def test_a_cover_opened_under_a_ticket_is_a_failure(driver: EscposPrinter, printer: Papers) -> None:
    await printer.fault("slow 1.2")
    acting = asyncio.create_task(driver.act(job, 0))
    await asyncio.sleep(0.4)
    await printer.fault("cover-open")
    assert await acting == Ending("failed", "cover_open", {"paper": "cover_open"})


async def test_a_plug_pulled_under_a_ticket_leaves_it_uncertain(driver: EscposPrinter, printer: Papers) -> None:
    await printer.fault("slow 1.2")
    acting = asyncio.create_task(driver.act(job, 0))
    await asyncio.sleep(0.6)
    await printer.fault("unplug")
    assert await acting == Ending("uncertain", "offline")


async def test_a_slow_printer_is_waited_for_and_its_answer_is_not_mistaken(driver: EscposPrinter, printer: Papers) -> None:
    await printer.fault("slow 0.6")
    assert await driver.act(job, 0) == PRINTED


async def test_a_printer_that_is_not_there_leaves_the_ticket_unbegun(hall: Notes) -> None:
    driver = cast(EscposPrinter, make("dispenser", "d1", {"printer": "tcp://127.0.0.1:9", "timeout_s": 1}, hall))
    await driver.open()
    assert await driver.act(job, 0) == Ending("failed", "offline")
    await driver.close()


async def test_a_file_gets_the_bytes(hall: Notes, tmp_path: Path) -> None:
    driver = cast(EscposPrinter, make("dispenser", "d1", {"printer": f"file://{tmp_path}/lp0"}, hall))
    await driver.open()
    assert await driver.act(job, 0) == Ending("done", detail={"paper": "unconfirmed"})
    await driver.close()
    assert (tmp_path / "lp0").read_bytes().endswith(b"\x1dVB\x00")


async def test_the_last_byte_is_at_the_printer_soon(driver: EscposPrinter) -> None:
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        await driver.ready(job)
        assert await driver.act(job, 0) == PRINTED
        taken.append(time.perf_counter() - began)
    assert sorted(taken)[2] < 1.0  # the goal is 0.15 s and is measured by the bench; this guards against a lost second
