"""Where no browser can be had, the tests that need one are named; letting a change in without them is refused."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
STEPS = (
    "import sys; from floor.boot import tests; sys.exit(tests.take([s for s in tests.STEPS if s.name in ('chromium', 'hall')]))"
)


@pytest.mark.parametrize(("ci", "code"), [("true", 1), ("", 0)])
def test_without_a_browser_every_test_that_did_not_run_is_named(tmp_path: Path, ci: str, code: int) -> None:
    nothing_else = {**os.environ, "PATH": str(tmp_path), "CI": ci}  # no browser here, and no apt-get to fetch one
    done = subprocess.run([sys.executable, "-c", STEPS], cwd=ROOT, env=nothing_else, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    named = [line.strip().partition("::")[0] for line in done.stdout.splitlines() if "::" in line]
    files = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests" / "hall").glob("test_*.py"))
    assert sorted(set(named)) == files
    assert done.stdout.count("NOT RUN (") == 2
    assert done.stdout.count("NOT RUN  ") == 2


def test_without_a_younger_python_the_tests_on_the_printer_we_did_not_write_are_named(tmp_path: Path) -> None:
    """They may be left out, even where a change is let in; the end of the report says so."""
    nothing_else = {**os.environ, "PATH": str(tmp_path), "PYENV_ROOT": str(tmp_path), "CI": "true"}
    steps = STEPS.replace("'chromium', 'hall'", "'emulator',")
    done = subprocess.run([sys.executable, "-c", steps], cwd=ROOT, env=nothing_else, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    where = "tests/devices/drivers/test_emupos.py"
    assert done.stdout.count(f"{where}::test_") > 5
    assert f"NOT RUN            {where} (no Python 3.13 or newer here)" in done.stdout.splitlines()
