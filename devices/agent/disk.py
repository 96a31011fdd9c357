"""Whether there is room on the box's disk: where the ledger cannot be written no machine of the box does a job."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

LOW_BYTES = 64 * 1024 * 1024
LOOK_S = 5.0


def room(folder: Path, low: int = LOW_BYTES) -> str:
    """`ok`, or `full` while fewer bytes than `low` are free where this folder is."""
    return "full" if shutil.disk_usage(folder).free < low else "ok"


async def watch(folder: Path, tell: Callable[[str], None]) -> None:
    """Say how it is, again and again."""
    while True:
        tell(room(folder))
        await asyncio.sleep(LOOK_S)
