"""Scripts we did not write are served exactly as published, and pages carry no script or style of their own inline."""

import hashlib
import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "floor" / "static" / "vendor"
TEMPLATES = sorted((ROOT / "floor" / "templates").rglob("*.html"))
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=|javascript:", re.IGNORECASE)


def vendored() -> list[dict[str, str]]:
    files: list[dict[str, str]] = tomllib.loads((VENDOR / "vendored.toml").read_text("utf-8"))["file"]
    return files


def test_every_vendored_file_is_the_published_one() -> None:
    hashes = {file["name"]: hashlib.sha512((VENDOR / file["name"]).read_bytes()).hexdigest() for file in vendored()}
    assert hashes == {file["name"]: file["sha512"] for file in vendored()}


def test_no_script_is_vendored_without_being_declared() -> None:
    assert sorted(path.name for path in VENDOR.glob("*.js")) == sorted(file["name"] for file in vendored())


def test_the_package_lock_names_the_same_versions_with_their_integrity() -> None:
    wanted = json.loads((ROOT / "package.json").read_text("utf-8"))["dependencies"]
    locked = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert wanted == {file["package"]: file["version"] for file in vendored()}
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert [name for name in wanted if not locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")] == []


def test_no_template_holds_an_inline_script_or_style() -> None:
    found = [f"{path.name}: {match.group()}" for path in TEMPLATES for match in INLINE.finditer(path.read_text("utf-8"))]
    assert found == []
