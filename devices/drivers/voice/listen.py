"""Says something once and ends: sentences in as JSON on standard input, the WAV out on standard output.

In: {"sentences": [{"lang", "text", "read"?}], "times", "chime", "rate"}. A page lets an engineer hear a setting by it; the web
process itself has neither the speech engine nor its libraries in memory.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec

from devices.drivers.voice import sound
from devices.drivers.voice.sentences import Sentences

DEADLINE_S = 10.0


class Said(msgspec.Struct):
    lang: str
    text: str
    read: str | None = None


class Asked(msgspec.Struct):
    sentences: list[Said]
    times: int = 1
    chime: bool = False
    rate: int = 150


async def say(asked: Asked, folder: Path) -> bytes:
    """The announcement as the bytes of a WAV. SpeechFailed."""
    sentences = Sentences(folder)
    await sentences.open()
    spoken = [await sentences.get(said.read or said.text, said.lang, asked.rate, DEADLINE_S) for said in asked.sentences]
    await sentences.close()
    sound.write(folder / "whole.wav", sound.compose(spoken, asked.times, asked.chime, 1.0))
    return (folder / "whole.wav").read_bytes()


def main() -> None:
    asked = msgspec.json.decode(sys.stdin.buffer.read(), type=Asked)
    with tempfile.TemporaryDirectory(prefix="hall-voice-") as folder:
        sys.stdout.buffer.write(asyncio.run(say(asked, Path(folder))))


if __name__ == "__main__":
    main()
