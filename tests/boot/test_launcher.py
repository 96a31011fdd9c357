"""The one command makes its environment once and says in a line what it cannot do."""

import importlib.util
import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def launcher(tmp_path: Path) -> ModuleType:
    """The launcher as a module, with an environment folder of its own."""
    loader = SourceFileLoader("launcher", str(ROOT / "hall"))
    spec = importlib.util.spec_from_loader("launcher", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    venv = tmp_path / "venv"
    vars(module).update(VENV=venv, PYTHON=venv / "bin" / "python", STAMP=venv / "hall-installed")
    return module


def test_it_needs_nothing_but_python() -> None:
    imported = subprocess.run(
        [sys.executable, "-S", "-I", str(ROOT / "hall"), "help"], capture_output=True, text=True, check=True
    )
    assert imported.stdout.startswith("The one command of the hall")


def test_an_unknown_command_shows_what_there_is() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "hall"), "dance"], capture_output=True, text=True)
    assert (done.returncode, "./hall run" in done.stdout) == (2, True)


def test_the_tests_environment_serves_the_hall_and_a_changed_lock_is_installed_anew(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []

    def make_venv() -> None:
        launcher.PYTHON.parent.mkdir(parents=True, exist_ok=True)
        launcher.PYTHON.touch()

    monkeypatch.setattr(launcher, "make_venv", make_venv)
    monkeypatch.setattr(launcher, "install", lambda lock: installed.append(lock.name))
    for name in ("run", "run", "tests", "tests", "run"):
        launcher.set_up(name)
    assert installed == ["linux-run.lock", "linux-tests.lock"]
    launcher.STAMP.write_text("run 0000\ntests 0000\n")
    launcher.set_up("run")
    assert installed == ["linux-run.lock", "linux-tests.lock", "linux-run.lock"]


def test_a_python_that_cannot_make_environments_is_said_so_in_a_line(
    launcher: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launcher.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(launcher.os, "geteuid", lambda: 1000)
    assert launcher.main(["setup"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == (
        "hall: this Python cannot make environments. Install the package python3-venv, then try again."
    )


def test_pips_own_settings_are_handed_on_and_its_betters_win(launcher: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = "global.index-url='https://mirror.example/simple'\n:env:.cert='/etc/ca.crt'\nglobal.constraint='c.txt'\n"
    monkeypatch.setattr(launcher, "run", lambda command, env=None: subprocess.CompletedProcess(command, 0, listed, ""))
    monkeypatch.setenv("SSL_CERT_FILE", "/mine.crt")
    monkeypatch.delenv("UV_DEFAULT_INDEX", raising=False)
    given = launcher.uv_environment()
    assert (given["UV_DEFAULT_INDEX"], given["SSL_CERT_FILE"]) == ("https://mirror.example/simple", "/mine.crt")


@pytest.fixture
def on_windows(launcher: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """The launcher as Windows starts it, with nothing on the path but what a test puts there."""
    monkeypatch.setattr(launcher, "WINDOWS", True)
    monkeypatch.setenv("PATH", str(tmp_path))
    return launcher


def test_on_windows_the_hall_is_started_inside_its_linux(
    on_windows: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("HALL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HALL_PORT", "8100")
    monkeypatch.setenv("HALL_DATA_DIR", r"C:\hall")
    wsl = tmp_path / "wsl"
    wsl.write_text(f'#!/bin/sh\nprintf "%s\\n" "$WSLENV" "$@" > {tmp_path}/asked\nexit 7\n')
    wsl.chmod(0o755)
    assert on_windows.main(["run", "--crowd"]) == 7
    named, *asked = (tmp_path / "asked").read_text().splitlines()
    assert sorted(named.split(":")) == ["HALL_DATA_DIR/p", "HALL_PORT"]
    assert asked == ["--cd", str(ROOT), "--exec", "python3", "hall", "run", "--crowd"]


def test_a_windows_without_linux_is_told_how_to_get_it(on_windows: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert on_windows.main(["run"]) == 1
    assert capsys.readouterr().err == (
        "hall: on Windows the hall runs inside WSL. Install it with: wsl --install, then type this again.\n"
    )
