"""The guide for writers of drivers: its driver, its line, its settings, its peer and its test, run as they stand there."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from devices.agent.config import read_config

ROOT = Path(__file__).resolve().parents[3]
GUIDE = (ROOT / "docs" / "new-driver.md").read_text("utf-8")
BLOCK = re.compile(r"```(?:python|toml)\n# ([^\n]+)\n(.*?)```", re.DOTALL)
# What step 2 of the guide does in the list, done for one run: the driver lies in the folder of this file.
CONFTEST = """
from pathlib import Path

import devices.drivers
from devices.drivers import DRIVERS, Make
from tests.devices.drivers.conftest import hall

devices.drivers.__path__.append(str(Path(__file__).parent))
DRIVERS.update({{
{line}}})
__all__ = ["hall"]
"""


def blocks() -> dict[str, str]:
    """Every block of the guide by the name it begins with."""
    return dict(BLOCK.findall(GUIDE))


def test_the_guides_driver_passes_the_guides_test(tmp_path: Path) -> None:
    found = blocks()
    for name in ("devices/drivers/digits.py", "tests/devices/drivers/digits_peer.py", "tests/devices/drivers/test_digits.py"):
        (tmp_path / Path(name).name).write_text(found[name], "utf-8")
    (tmp_path / "conftest.py").write_text(CONFTEST.format(line=found["a line of DRIVERS"]), "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"),
         "--rootdir", str(tmp_path), str(tmp_path / "test_digits.py")],
        cwd=ROOT, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert (run.returncode, "4 passed" in run.stdout) == (0, True), run.stdout + run.stderr


def test_the_guides_settings_are_an_agents(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text('[agent]\nserver = "http://127.0.0.1:8000"\nstate = "state"\n' + blocks()["an entry of the agent's file"])
    [device] = read_config(file).devices
    assert (device.kind, device.settings) == ("led", {"driver": "digits", "at": "192.168.7.31:7000"})
    assert tomllib.loads(file.read_text())["device"][0]["name"] == "digits-3"
