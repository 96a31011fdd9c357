"""Where the sound goes: to the sound card, or where there is none into files, in the time it would take to hear it."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Literal

Play = Literal["auto", "card", "files"]
CARDS = Path("/proc/asound/cards")
LATE_S = 5.0  # a player that needs this much longer than the sound is stuck


class NoSound(Exception):
    """The sound card did not play."""


def find_player(play: Play) -> tuple[str, ...] | None:
    """The command that plays a WAV, or None for files only. NoSound when a card is asked for and there is none."""
    if play == "files":
        return None
    if shutil.which("paplay") and Path("/run/pulse/native").exists():
        return ("paplay",)
    if shutil.which("aplay") and CARDS.exists() and "no soundcards" not in CARDS.read_text():
        return ("aplay", "-q")
    if play == "card":
        raise NoSound("no sound card, or neither aplay nor paplay, on this machine")
    return None


async def play(player: tuple[str, ...] | None, file: Path, seconds: float) -> None:
    """Plays the file to its end; without a player the speaker is busy for as long as the sentence. NoSound."""
    if player is None:
        await asyncio.sleep(seconds)
        return
    process = await asyncio.create_subprocess_exec(*player, str(file), stderr=asyncio.subprocess.DEVNULL)
    try:
        async with asyncio.timeout(seconds + LATE_S):
            code = await process.wait()
    except TimeoutError as error:
        raise NoSound("the sound card hangs") from error
    finally:
        if process.returncode is None:
            process.kill()
    if code != 0:
        raise NoSound(f"{player[0]} ended with {code}")
