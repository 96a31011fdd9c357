"""A process loads what it uses: the libraries that weigh most stay out of those that never, or hardly ever, need them."""

import subprocess
import sys

import pytest

# What each weighs once it is loaded, in MB: pypinyin 56, openpyxl 30, numpy 16, PIL 10, holidays 9.
HEAVY = ("PIL", "chinese_calendar", "holidays", "numpy", "openpyxl", "pypinyin")


@pytest.mark.parametrize(
    ("program", "needs"),
    [("floor.app", []), ("floor.link", []), ("floor.clock", ["numpy"]), ("floor.boot.run", []), ("devices.agent.__main__", [])],
)
def test_a_process_starts_without_what_it_does_not_use(program: str, needs: list[str]) -> None:
    asked = f"import sys, {program}; print(*(name for name in {HEAVY} if name in sys.modules))"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, timeout=60, check=True)
    assert told.stdout.split() == needs
