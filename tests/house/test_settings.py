"""What a hall may choose is told in three places, and each names all of it: the code, the manager's pages and the manual."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

from displays import notices
from floor.pages.rules import MORE, sections
from queueing.settings import SETTINGS, Setting

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("queueing", "scheduling", "displays", "floor")
ON_PAGES = (*SETTINGS, *MORE, *notices.SETTINGS)


def declared() -> dict[str, Any]:
    """Every setting that a module of the house makes, by name, with what is usual."""
    found: dict[str, Any] = {}
    for file in sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py")):
        if not re.search(r"= Setting\(|: Setting\(", file.read_text("utf-8")):
            continue
        module = import_module(".".join(file.relative_to(ROOT).with_suffix("").parts))
        for value in vars(module).values():
            several = value.values() if isinstance(value, dict) else (value,)
            found |= {each.name: each.usual for each in several if isinstance(each, Setting)}
    return found


def told(usual: object) -> str:
    return str(usual).lower() if isinstance(usual, bool) else str(usual)


def test_every_setting_is_on_a_page_once_and_every_one_on_a_page_is_a_setting() -> None:
    names = [setting.name for setting in ON_PAGES]
    assert (sorted(names), len(set(names))) == (sorted(declared()), len(names))


def test_every_setting_of_the_rules_is_on_one_card() -> None:
    alone = [name.removeprefix("set.") for names in sections().values() for name in names if name.startswith("set.")]
    assert sorted(alone) == sorted(setting.name for setting in (*SETTINGS, *MORE))


def test_the_manual_names_every_setting_with_what_is_usual() -> None:
    text = (ROOT / "docs" / "settings.md").read_text("utf-8")
    rows = re.findall(r"^\| (`[a-z].*?) \| (.+?) \| ", text, re.MULTILINE)
    manual: list[tuple[str, str]] = []
    for names, usual in rows:
        manual += zip(re.findall(r"`([a-z_]+)`", names), usual.split(", "), strict=True)
    assert sorted(manual) == sorted((name, told(usual)) for name, usual in declared().items())
