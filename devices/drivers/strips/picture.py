"""The picture of a strip: its dots on black at their real number, and a line of JSON that tells what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from devices.drivers.drawing.dots import CELL, dots, width

STEP, STEP_MS = 2, 40  # a running text moves two dots every 40 ms: 50 dots, three characters, a second
COLOURS = {"red": (255, 48, 32), "green": (48, 255, 96), "amber": (255, 176, 0)}


@dataclass(frozen=True)
class Row:
    """A text in its place on the strip, `height` dots high; one that runs goes through from right to left."""

    text: str
    y: int = 0
    height: int = CELL
    colour: str = "red"
    runs: bool = False


def frames(rows: Sequence[Row], across: int, down: int) -> list[Image.Image]:
    """One still picture, or every step of the rows that run; a shorter text waits until the longest is through."""
    steps = max((across + width(row.text) for row in rows if row.runs), default=STEP)
    return [_lit(rows, across, down, at) for at in range(0, steps, STEP)]


def keep(folder: Path, name: str, pictures: Sequence[Image.Image], state: Mapping[str, Any]) -> None:
    """Replaces `<name>.png` and then `<name>.json`, each whole."""
    part = folder / f".{name}.png"
    pictures[0].save(part, "PNG", save_all=len(pictures) > 1, append_images=pictures[1:], duration=STEP_MS, loop=0)
    part.replace(folder / f"{name}.png")
    part = folder / f".{name}.json"
    part.write_text(json.dumps(state, ensure_ascii=False), "utf-8")
    part.replace(folder / f"{name}.json")


def _lit(rows: Sequence[Row], across: int, down: int, at: int) -> Image.Image:
    strip = Image.new("P", (across, down), 0)
    strip.putpalette([0, 0, 0, *(part for colour in COLOURS.values() for part in colour)])
    for row in rows:
        written = dots(row.text)
        x = across - at if row.runs else (across - written.width) // 2
        pen = 1 + list(COLOURS).index(row.colour)
        strip.paste(pen, (x, row.y + (row.height - CELL) // 2), written.point([0] * 128 + [255] * 128))
    return strip
