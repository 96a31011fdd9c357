"""The agent's settings file: the example is right, and mistakes are named."""

from pathlib import Path

import pytest

from devices.agent.config import BadConfig, read_code, read_config
from devices.drivers import make
from tests.devices.drivers.conftest import Notes

EXAMPLE = Path(__file__).parents[3] / "devices/agent/example.toml"


def test_every_device_of_the_example_can_be_made(tmp_path: Path) -> None:
    config = read_config(EXAMPLE)
    made = [make(device.kind, device.name, device.settings, Notes(tmp_path)) for device in config.devices]
    drivers = ["EscposPrinter", "LedStrip", "OnbonBx", "Speaker", "Evaluator", "Keypad"]
    assert [type(driver).__name__ for driver in made] == drivers


def test_a_code_is_read_as_it_stands_in_the_file_now(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(EXAMPLE.read_text())
    before = read_code(file, "led-1")
    file.write_text(EXAMPLE.read_text().replace("7F3K-9QTM-3W", "AAAA-BBBB-CC"))
    assert (before, read_code(file, "led-1"), read_code(file, "nobody")) == ("7F3K-9QTM-3W", "AAAA-BBBB-CC", None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[agent", "Expected ']'"),
        ('[agent]\nserver = "http://x"\n[[device]]\n', "state is missing"),
        ('[agent]\nserver = "http://x"\nstate = "s"\n', "device is missing"),
        ('[agent]\nserver = "http://x"\nstate = "s"\n[[device]]\nkind = "led"\nname = "../x"\n', "made of letters"),
        (
            '[agent]\nserver = "http://x"\nstate = "s"\n' + '[[device]]\nkind = "led"\nname = "x"\n' * 2,
            "two devices have one name",
        ),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(text)
    with pytest.raises(BadConfig, match=said):
        read_config(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="No such file"):
        read_config(tmp_path / "nowhere.toml")
