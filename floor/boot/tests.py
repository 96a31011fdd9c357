"""Run everything that must hold before a change may land: style, types, tests, browser, storm, bench."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("floor", "queueing", "devices", "displays", "scheduling", "tests")
UNIT = [f"--ignore=tests/{apart}" for apart in ("hall", "storm", "fortnight", "bench")]


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    act: Callable[[], bool]


def everything() -> int:
    """Every step in order, each with its time; 0 when all passed."""
    return take(STEPS)


def check() -> int:
    """The steps that take seconds."""
    return take(CHECKS)


CHECKS = (
    Step("style", lambda: python("-m", "ruff", "check", *ROOMS, "hall")),
    Step("layout", lambda: python("-m", "ruff", "format", "--check", *ROOMS, "hall")),
    Step("types", lambda: python("-m", "mypy")),
    Step("imports", lambda: python("-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache")),
)


def take(steps: Sequence[Step]) -> int:
    outcomes: list[tuple[str, bool, float]] = []
    for step in steps:
        print(f"\n── {step.name}", flush=True)
        began = time.monotonic()
        outcomes.append((step.name, step.act(), time.monotonic() - began))
    print()
    for name, passed, seconds in outcomes:
        print(f"{'passed' if passed else 'FAILED'}  {seconds:6.1f} s  {name}")
    for left_out in LEFT_OUT:
        print(f"NOT RUN            {left_out}")
    failed = sum(not passed for _, passed, _ in outcomes)
    print(f"\nsteps: {len(outcomes) - failed} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def python(*arguments: str) -> bool:
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment()).returncode == 0


def tested(*arguments: str) -> bool:
    """Tests side by side, a file by one worker; what is drawn at random is the same each time."""
    return python("-m", "pytest", "-q", "--dist", "loadfile", "--hypothesis-profile=same", *arguments)


def environment() -> dict[str, str]:
    """The hall's own settings of whoever runs the tests stay out of them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("HALL_")}
    return {**kept, "PYTHONPATH": str(ROOT)}


def become(module: str, arguments: Sequence[str]) -> int:
    """Run a program of the tests in our place; only its end returns here."""
    return subprocess.run([sys.executable, "-P", "-m", module, *arguments], cwd=ROOT).returncode


def chromium() -> bool:
    """Have a browser: Debian's, installed where that is allowed. False only where its absence must not pass."""
    missing = [*([] if browser() else ["chromium"]), *([] if has_fonts() else ["fonts-wqy-microhei"])]
    if missing and may_install():
        install(missing)
    if browser():
        print(f"{browser()}")
        return True
    return not_run("tests/hall", "no Chromium here and no right to install it (apt-get install chromium fonts-wqy-microhei)")


def browser() -> str | None:
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def privilege() -> list[str] | None:
    """What to write before apt-get: nothing as root, sudo where it asks no password, None where neither goes."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0:
        return ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    return None


def may_install() -> bool:
    return shutil.which("apt-get") is not None and privilege() is not None


def has_fonts() -> bool:
    """Whether a page's Chinese is drawn with signs and not with empty boxes."""
    if shutil.which("fc-list") is None:
        return False
    return bool(subprocess.run(["fc-list", ":lang=zh"], capture_output=True).stdout.strip())


def install(packages: Sequence[str]) -> None:
    before = privilege() or []
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", *packages]):
        done = subprocess.run([*before, "apt-get", *command], env=env, text=True, capture_output=True)
        if done.returncode != 0:
            print(f"apt-get {command[0]} failed: {(done.stderr or done.stdout).strip()[-500:]}")


def hall_tests() -> bool:
    if not browser():
        return not_run("tests/hall", "without Chromium")
    return tested("-n", "2", "tests/hall")


def emulator() -> bool:
    """Have the receipt printer we did not write. It needs Python 3.13, which not every machine has: its tests may be left out,
    by name."""
    asked = [sys.executable, "-m", "tests.devices.drivers.emupos"]
    done = subprocess.run(asked, cwd=ROOT, env=environment(), text=True, capture_output=True)
    print(done.stdout.strip() or done.stderr.strip())
    if done.returncode != 0:
        not_run("tests/devices/drivers/test_emupos.py", done.stdout.strip())
    return True


LEFT_OUT: list[str] = []  # what the end of the report names once more


def not_run(where: str, why: str) -> bool:
    """Name the tests that did not run. In CI that is a failure where the tests are of the hall itself."""
    LEFT_OUT.append(f"{where} ({why})")
    named = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--collect-only", where],
        cwd=ROOT, env=environment(), text=True, capture_output=True,
    ).stdout  # fmt: skip
    print(f"NOT RUN ({why}):", *(line for line in named.splitlines() if "::" in line), sep="\n  ")
    return os.environ.get("CI") != "true"


STEPS = (
    *CHECKS,
    Step("chromium", chromium),
    Step("emulator", emulator),
    Step("tests", lambda: tested("-n", "3", "-m", "not slow", *UNIT)),
    Step("processes", lambda: tested("-n", "2", "-m", "slow", *UNIT)),
    Step("hall", hall_tests),
    Step("storm", lambda: python("-m", "tests.storm", "--seconds", "30", "--seed", "1")),
    Step("fortnight", lambda: python("-m", "tests.fortnight")),
    Step("bench", lambda: python("-m", "tests.bench", "--short")),
)
