"""What is installed is fixed: every library by version and hash, the tests' set holding exactly the hall's."""

import re
from pathlib import Path

import pytest

LOCKS = Path(__file__).resolve().parents[2] / "requirements"
PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==([^ ]+) \\$", re.M)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((LOCKS / name).read_text("utf-8")))


@pytest.mark.parametrize("lock", sorted(path.name for path in LOCKS.glob("*.lock")))
def test_every_library_has_a_version_and_a_hash(lock: str) -> None:
    text = (LOCKS / lock).read_text("utf-8")
    entries = [entry for entry in re.split(r"\n(?=[a-z0-9])", text.strip()) if not entry.startswith("#")]
    assert [entry.splitlines()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    assert len(pins(lock)) == len(entries) > 0


@pytest.mark.parametrize("lock", sorted(path.name for path in LOCKS.glob("*.lock")))
def test_a_lock_holds_no_address(lock: str) -> None:
    assert re.findall(r"https?://|--index|--find-links", (LOCKS / lock).read_text("utf-8")) == []


def test_the_tests_run_on_the_very_libraries_the_hall_runs_on() -> None:
    run, tests = pins("linux-run.lock"), pins("linux-tests.lock")
    assert {name: tests.get(name) for name in run} == run
