"""The rooms know each other only as the plan of the house says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("floor", "queueing", "devices", "displays", "scheduling")


def test_no_room_imports_one_it_may_not() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {file.parent for room in ROOMS for file in (ROOT / room).rglob("*.py")}
    assert sorted(str(folder) for folder in folders if not (folder / "__init__.py").exists()) == []


def test_every_module_says_what_it_is_for() -> None:
    modules = [file for room in ROOMS for file in (ROOT / room).rglob("*.py") if file.stat().st_size > 0]
    silent = [str(file.relative_to(ROOT)) for file in modules if not file.read_text("utf-8").startswith('"""')]
    assert sorted(silent) == []


def test_no_module_is_past_500_lines() -> None:
    modules = [file for room in (*ROOMS, "tests") for file in (ROOT / room).rglob("*.py")]
    assert [str(file.relative_to(ROOT)) for file in modules if len(file.read_text("utf-8").splitlines()) > 500] == []


def test_nothing_is_called_a_drawer() -> None:
    drawers = {"common", "core", "utils", "util", "helpers", "services", "base", "misc"}
    found = [file for room in ROOMS for file in (ROOT / room).rglob("*.py")]
    assert [str(file.relative_to(ROOT)) for file in found if drawers & {*file.relative_to(ROOT).parts, file.stem}] == []
