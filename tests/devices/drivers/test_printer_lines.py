"""The same printer on each of its lines: the network has its own tests, here are serial, USB and the system's node."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from devices.drivers import BadSetting, Ending, make
from devices.drivers.drawing.ticket import draw_ticket
from devices.drivers.escpos_printer import EscposPrinter, Settings
from tests.devices.drivers.conftest import Notes, eventually, make_job
from tests.devices.drivers.printers import Papers, printer_running
from tests.devices.drivers.test_ticket import TICKET
from tests.devices.drivers.usb_cable import Bus

job = make_job("print", TICKET, seconds=60)
QUICK: dict[str, Any] = {"timeout_s": 5, "poll_s": 0.2}


@pytest.fixture(scope="module")
def cabled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Papers]:
    with printer_running(tmp_path_factory.mktemp("serial"), listen="pty") as papers:
        yield papers


async def prints_and_tells(driver: EscposPrinter, papers: Papers, mode: str) -> None:
    """One paper dot for dot, then an ended roll that is seen and seen to be over."""
    await driver.open()
    try:
        await papers.fault("ok")
        await driver.ready(job)
        assert await driver.act(job, 0) == Ending("done", detail={"paper": "ok"})
        newest = papers.record[-1]
        if mode == "image":
            assert papers.image(newest["n"]).convert("1").tobytes() == draw_ticket(TICKET).tobytes()
        assert papers.codes()[-1] == TICKET["url"]
        await papers.fault("paper-out")
        await eventually(lambda: driver.parts()["printer"]["state"] == "paper_out")
        await papers.fault("ok")
        await eventually(lambda: driver.parts()["printer"]["state"] == "ok")
    finally:
        await driver.close()


@pytest.mark.parametrize("mode", ["image", "text"])
async def test_a_printer_on_a_serial_line(cabled: Papers, hall: Notes, mode: str) -> None:
    settings = {"printer": f"serial://{cabled.address}", "baud": 115200, "mode": mode}
    await prints_and_tells(cast(EscposPrinter, make("dispenser", "d1", settings | QUICK, hall)), cabled, mode)


async def test_a_usb_printer_by_the_node_of_the_system(cabled: Papers, hall: Notes) -> None:
    settings = {"printer": f"usb://{cabled.address}"} | QUICK
    await prints_and_tells(cast(EscposPrinter, make("dispenser", "d1", settings, hall)), cabled, "image")


async def test_a_usb_printer_by_its_ids(printer: Papers, hall: Notes) -> None:
    bus = Bus(printer.address)
    driver = EscposPrinter("d1", Settings("usb://0416:5011", **QUICK), hall, usb=bus)
    await prints_and_tells(driver, printer, "image")
    assert (bus.claimed, bus.let_go) == (0, 1)  # given back after each talk; the system's own driver let go once


async def test_a_usb_printer_that_is_another_is_offline(printer: Papers, hall: Notes) -> None:
    driver = EscposPrinter("d1", Settings("usb://0416:5012"), hall, usb=Bus(printer.address))
    await driver.open()
    assert (driver.parts()["printer"]["state"], await driver.act(job, 0)) == ("offline", Ending("failed", "offline"))
    await driver.close()


async def test_a_serial_line_that_is_not_there_is_offline(hall: Notes, tmp_path: Path) -> None:
    driver = cast(EscposPrinter, make("dispenser", "d1", {"printer": f"serial://{tmp_path}/ttyUSB7"}, hall))
    await driver.open()
    assert driver.parts()["printer"]["state"] == "offline"
    await driver.close()


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"printer": "usb://printer"}, "must name vendor and product as four hex digits"),
        ({"printer": "tcp://"}, "printer must be"),
        ({"printer": "tcp://h", "width": 80}, "384 for 58 mm, 576 for 80 mm"),
        ({"printer": "tcp://h", "status": "perhaps"}, "perhaps"),
        ({"printer": "tcp://h", "mode": "colour"}, "colour"),
    ],
)
def test_settings_that_cannot_be_used_are_refused_in_words(hall: Notes, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(BadSetting, match=why):
        make("dispenser", "d1", settings, hall)


# ---- how far a printer can be believed


async def told(printer: Papers, hall: Notes, fault: str, **settings: Any) -> dict[str, Any]:
    """What the hall is told of a printer with a fault, by a driver with these settings; and one paper all the same."""
    await printer.fault("ok")
    await printer.fault(fault)
    driver = cast(EscposPrinter, make("dispenser", "d1", {"printer": f"tcp://{printer.address}", **QUICK, **settings}, hall))
    await driver.open()
    said = dict(driver.parts()["printer"])
    ending = await driver.act(job, 0)
    await driver.close()
    await printer.fault("ok")
    return said | {"print": ending.state, "paper": ending.detail.get("paper")}


async def test_a_printer_that_calls_itself_offline_all_day_is_believed_about_its_paper_only(printer: Papers, hall: Notes) -> None:
    assert await told(printer, hall, "moody") == {"state": "offline", "print": "failed", "paper": "offline"}
    assert await told(printer, hall, "moody", status="paper") == {"state": "ok", "print": "done", "paper": "ok"}
    assert (await told(printer, hall, "paper-out", status="paper"))["state"] == "paper_out"


async def test_a_printer_that_never_answers_is_asked_nothing_and_its_paper_is_nobodys_knowledge(
    printer: Papers, hall: Notes
) -> None:
    said = await told(printer, hall, "silent", status="none")
    assert said == {"state": "ok", "detail": "paper_not_watched", "print": "done", "paper": "unconfirmed"}


async def test_silence_of_a_printer_that_should_answer_is_unknown_and_never_plenty(printer: Papers, hall: Notes) -> None:
    assert (await told(printer, hall, "silent"))["state"] == "unknown"
    assert (await told(printer, hall, "silent", status="paper"))["state"] == "unknown"


async def test_a_model_without_a_near_end_sensor_is_not_asked_for_it(printer: Papers, hall: Notes) -> None:
    assert await told(printer, hall, "near-end") == {"state": "paper_low", "print": "done", "paper": "low"}
    assert await told(printer, hall, "near-end", near_end_sensor=False) == {"state": "ok", "print": "done", "paper": "ok"}


async def test_a_jammed_knife_is_named(printer: Papers, hall: Notes) -> None:
    said = await told(printer, hall, "jam")
    assert (said["state"], said["detail"], said["print"]) == ("offline", "cutter_jammed", "failed")
