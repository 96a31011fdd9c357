"""A migration has one number in the whole house, in its room's range, and is never edited once it has been released."""

import tomllib
from pathlib import Path

from floor.boot.migrate import migrations

ROOT = Path(__file__).resolve().parents[2]
RANGES = {
    "queueing": range(1, 20), "devices": range(20, 30), "displays": range(30, 40),
    "floor": range(40, 60), "scheduling": range(60, 100),
}  # fmt: skip
RELEASED = Path(__file__).with_name("released.toml")


def test_numbers_are_unique_and_in_their_rooms_range() -> None:
    numbers = {migration.name: migration.number for migration in migrations()}
    for room, numbered in RANGES.items():
        for file in (ROOT / room / "migrations").glob("*.sql"):
            assert numbers[file.name] in numbered, f"{file.name} belongs to {room}: {numbered}"
    assert len(set(numbers.values())) == len(numbers) > 0


def test_released_migrations_are_as_they_were_released() -> None:
    """A database that ran the old text would differ for ever. Change the shape with a new file."""
    released: dict[str, str] = tomllib.loads(RELEASED.read_text("utf-8"))["released"]
    present = {migration.name: migration.sha256 for migration in migrations()}
    assert {name: present.get(name) for name in released} == released
