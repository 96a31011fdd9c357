"""The agent as a service: what it needs to run, what its service manager is told, and that the unit file is right."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.devices.agent.agents import write_config
from tests.devices.drivers.conftest import eventually

ROOT = Path(__file__).parents[3]
UNIT = ROOT / "devices/agent/hall-agent.service"

# A clean interpreter in which whatever belongs to the hall alone cannot be imported.
ALONE = """
import sys
from importlib.abc import MetaPathFinder

FOREIGN = {"asyncpg", "starlette", "redis", "uvicorn", "jinja2", "floor", "queueing", "scheduling", "displays"}

class Blocked(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FOREIGN:
            raise ImportError(f"{name} is not here")
        return None

sys.meta_path.insert(0, Blocked())
from importlib import import_module
from pkgutil import walk_packages
import devices.agent, devices.drivers
for package in (devices.agent, devices.drivers):
    for module in walk_packages(package.__path__, package.__name__ + "."):
        if not module.name.endswith(("__main__", ".child")):
            import_module(module.name)
from devices.agent import __main__ as program
assert not FOREIGN & {name.partition(".")[0] for name in sys.modules}
sys.exit(program.main(sys.argv[1:]))
"""


def test_it_runs_where_neither_the_database_nor_the_web_can_be_imported(tmp_path: Path) -> None:
    write_config(tmp_path / "agent.toml", "http://127.0.0.1:9", [{"kind": "dispenser", "name": "d1", "printer": "lp0"}])
    done = subprocess.run(
        [sys.executable, "-c", ALONE, "--config", str(tmp_path / "agent.toml")], cwd=ROOT, capture_output=True,
        text=True, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stderr.startswith("The agent can't start: d1: printer must be")) == (2, True), done.stderr


async def test_its_service_manager_hears_that_it_is_ready_that_it_lives_and_that_it_stops(tmp_path: Path) -> None:
    write_config(tmp_path / "agent.toml", "http://127.0.0.1:9", [{"kind": "led", "name": "l1", "out": str(tmp_path)}])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.setblocking(False)
        told: list[str] = []

        def hear() -> list[str]:
            while True:
                try:
                    told.append(manager.recv(64).decode())
                except BlockingIOError:
                    return told

        agent = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "devices.agent", "--config", str(tmp_path / "agent.toml"), cwd=ROOT,
            env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"},
        )  # fmt: skip
        await eventually(lambda: hear().count("WATCHDOG=1") >= 2 and "READY=1" in told, 30)
        agent.terminate()
        assert await asyncio.wait_for(agent.wait(), 20) == 0
        assert hear()[-1] == "STOPPING=1"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd on this machine")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    """Checked with a Python and a user that exist here; everything else is as it is shipped."""
    text = UNIT.read_text("utf-8").replace("/opt/hall/.venv/bin/python", sys.executable).replace("hall-agent\n", "root\n")
    copy = tmp_path / "hall-agent.service"
    copy.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, timeout=60)
    said = [line for line in done.stderr.splitlines() if "hall-agent" in line]
    assert (done.returncode, said) == (0, []), done.stderr


def test_both_service_files_start_the_same_program() -> None:
    unit = UNIT.read_text("utf-8")
    windows = ElementTree.parse(UNIT.with_suffix(".xml")).getroot()
    assert "-m devices.agent --config /etc/hall/agent.toml" in unit
    assert (windows.findtext("arguments") or "").startswith("-m devices.agent --config ")
    account = [windows.findtext(f"serviceaccount/{part}") for part in ("domain", "user")]
    assert account == ["NT AUTHORITY", "LocalService"]  # as WinSW 2 reads it; 3 has one name for both
    assert {"NoNewPrivileges=yes", "ProtectSystem=strict", "Restart=always", "WatchdogSec=30"} <= set(unit.splitlines())


def test_what_a_windows_box_needs_is_locked_and_no_more_than_an_agent_needs() -> None:
    wanted = (ROOT / "requirements/agent.in").read_text("utf-8").split()
    assert not {"asyncpg", "starlette", "redis", "uvicorn"} & set(wanted)
    assert json.dumps(tomllib.loads((ROOT / "devices/agent/example.toml").read_text("utf-8")))
