"""Sentences ready to be played: spoken once, brought to one loudness, kept on disk under a name made of their content."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakValueDictionary

import structlog

from devices.drivers.voice import sound
from devices.drivers.voice.speech import Speech, SpeechFailed

KEPT_BYTES = 64 * 1024 * 1024  # about 300 sentences
SWEEP_EVERY = 32  # new sentences between two looks at the folder's size
PREPARED = 12  # of what is likely to be said next, the newest so many are made ready

Sentence = tuple[str, str, int]  # text, language, words a minute

log = structlog.get_logger()


class Sentences:
    """The cache of one program, shared by its speakers."""

    def __init__(self, folder: Path, kept_bytes: int = KEPT_BYTES) -> None:
        self.folder, self.kept_bytes = folder, kept_bytes
        self.speech = Speech()
        self._made = 0
        self._warm = False
        self._opening = asyncio.Lock()
        self._making: WeakValueDictionary[Path, asyncio.Lock] = WeakValueDictionary()
        self._likely: dict[Sentence, None] = {}
        self._preparing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Makes the first sentence as quick as the others; the first speaker to open does it for all."""
        self.folder.mkdir(parents=True, exist_ok=True)
        async with self._opening:
            if not self._warm:
                await self.speech.warm_up()
                await asyncio.to_thread(sound.level, sound.chime())
                self._warm = True

    async def close(self) -> None:
        if self._preparing:
            self._preparing.cancel()
            await asyncio.wait([self._preparing])
        await self.speech.close()
        self._warm = False

    def prepare(self, likely: Sequence[Sentence], deadline_s: float) -> None:
        """Makes what will probably be said next, one after another in the background, while there is nothing else to do."""
        self._likely |= dict.fromkeys(sentence for sentence in likely if not self.has(*sentence))
        for old in list(self._likely)[:-PREPARED]:
            del self._likely[old]
        if self._likely and (self._preparing is None or self._preparing.done()):
            self._preparing = asyncio.create_task(self._prepare(deadline_s))

    async def _prepare(self, deadline_s: float) -> None:
        while self._likely:
            sentence = next(iter(self._likely))
            del self._likely[sentence]
            try:
                await self.get(*sentence, deadline_s)
            except SpeechFailed as error:
                log.warning("a sentence could not be prepared", text=sentence[0], error=str(error))

    def has(self, text: str, lang: str, rate: int) -> bool:
        """Whether the sentence is ready."""
        return self._file(text, lang, rate).exists()

    def _file(self, text: str, lang: str, rate: int) -> Path:
        name = hashlib.sha256(f"{lang}\0{rate}\0{sound.LOUDNESS}\0{text}".encode()).hexdigest()[:32]
        return self.folder / f"{name}.wav"

    async def get(self, text: str, lang: str, rate: int, deadline_s: float) -> sound.Sound:
        """The sentence as sound. SpeechFailed."""
        file = self._file(text, lang, rate)
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
