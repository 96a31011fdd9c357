"""Every driver is declared, and no device gets settings nobody reads."""

from pathlib import Path

import pytest

import devices.drivers
from devices.drivers import DRIVERS, PEERS, BadSetting, make
from tests.devices.drivers.conftest import Notes


def test_every_module_of_the_folder_is_in_a_list() -> None:
    folder = Path(devices.drivers.__path__[0])
    found = {f"devices.drivers.{file.stem}" for file in folder.glob("*.py") if file.stem not in ("__init__", "__main__")}
    assert found == {driver.module for driver in DRIVERS.values()} | set(PEERS.values())


@pytest.mark.parametrize("name", DRIVERS)
def test_each_is_tried_against_its_machine_in_a_file_that_skips_nothing(name: str) -> None:
    """The only tests of drivers that may stay out are those of emupos, and they are named when they do."""
    tests = (Path(__file__).parent / f"test_{name}.py").read_text("utf-8")
    assert ("pytest.skip" in tests or "mark.skip" in tests, "async def test_" in tests) == (False, True)


def test_a_kind_without_a_driver_is_refused_in_words(hall: Notes) -> None:
    with pytest.raises(BadSetting, match=r"tv-1: there is no driver .*for a device of kind tv"):
        make("tv", "tv-1", {}, hall)


def test_an_unknown_setting_is_refused_in_words(hall: Notes) -> None:
    with pytest.raises(BadSetting, match=r"d1: Object contains unknown field `colour`"):
        make("dispenser", "d1", {"printer": "tcp://127.0.0.1:9100", "colour": "red"}, hall)


def test_a_printer_address_that_is_none_is_refused(hall: Notes) -> None:
    with pytest.raises(BadSetting, match=r"printer must be tcp://HOST:PORT, serial://.* or file:///PATH, not lp0"):
        make("dispenser", "d1", {"printer": "lp0"}, hall)
