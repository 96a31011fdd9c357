"""Sentences ready to be played: spoken once, brought to one loudness, kept on disk under a name made of their content."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from pathlib import Path
from weakref import WeakValueDictionary

from devices.drivers.voice import sound
from devices.drivers.voice.speech import Speech

KEPT_BYTES = 64 * 1024 * 1024  # about 300 sentences
SWEEP_EVERY = 32  # new sentences between two looks at the folder's size


class Sentences:
    """The cache of one program, shared by its speakers."""

    def __init__(self, folder: Path, kept_bytes: int = KEPT_BYTES) -> None:
        self.folder, self.kept_bytes = folder, kept_bytes
        self.speech = Speech()
        self._made = 0
        self._warm = False
        self._opening = asyncio.Lock()
        self._making: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()

    async def open(self) -> None:
        """Makes the first sentence as quick as the others; the first speaker to open does it for all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        async with self._opening:
            if not self._warm:
                await self.speech.warm_up()
                await asyncio.to_thread(sound.level, sound.chime())
                self._warm = True

    async def get(self, text: str, lang: str, rate: int, deadline_s: float) -> sound.Sound:
        """The sentence as sound. SpeechFailed."""
        name = hashlib.sha256(f"{lang}\0{rate}\0{sound.LOUDNESS}\0{text}".encode()).hexdigest()[:32]
        file = self.folder / f"{name}.wav"
        lock = self._making.setdefault(file, asyncio.Lock())  # two speakers want the same sentence: it is made once
        async with lock:
            if not file.exists():
                await self._make(file, text, lang, rate, deadline_s)
        file.touch()  # the sweep goes by when a sentence was last wanted
        return sound.read(file)

    async def _make(self, file: Path, text: str, lang: str, rate: int, deadline_s: float) -> None:
        raw = file.with_suffix(".raw")
        await self.speech.speak(text, lang, rate, raw, deadline_s)
        spoken = sound.read(raw)
        raw.unlink()
        sound.write(file, await asyncio.to_thread(sound.level, spoken))
        self._made += 1
        if self._made % SWEEP_EVERY == 1:
            await asyncio.to_thread(self._sweep)

    def _sweep(self) -> None:
        """The sentences not wanted for longest make room."""
        files = sorted(self.folder.glob("*.wav"), key=lambda file: file.stat().st_mtime, reverse=True)
        room = self.kept_bytes
        for file in files:
            room -= file.stat().st_size
            if room < 0:
                with contextlib.suppress(FileNotFoundError):  # somebody tidied up by hand
                    file.unlink()
