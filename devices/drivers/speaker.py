"""The loudspeaker of a zone: a chime and whose turn it is, twice; sooner and shorter when others are waiting to be said.

It speaks by a synthetic voice, or by a pack of recordings (`pack`, see voice/clips.py) where they hold the whole sentence.
Speakers that are heard in one room never talk over each other (voice/room.py).

What was said is kept below `<out>/<name>/`: `<n>.wav` (the newest 40) and one line each in `said.jsonl`:
{"at", "text", "wav", "job", "key", "call", "seconds", "times", "expires"}; `at` is when the sound began, by the hall's
clock, and never later than `expires`.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import structlog

from devices.drivers import Ending, Hall, Job
from devices.drivers.voice import sound
from devices.drivers.voice.clips import Pack
from devices.drivers.voice.player import NoSound, Play, find_player, play
from devices.drivers.voice.room import room
from devices.drivers.voice.sentences import Sentence, Sentences
from devices.drivers.voice.speech import SpeechFailed

log = structlog.get_logger()

KEPT = 40
TEST: Mapping[str, Any] = {"sentences": [{"lang": "zh-Hans", "text": "声音测试，一二三"}], "times": 1, "chime": True}


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`out` is the folder for sound files; `rate` in words a minute; `watchdog_s` in seconds; `pack` a voice pack's folder.

    `room` names what is heard together where the hall can't know it: a window's box beside a zone's loudspeaker.
    """

    out: str | None = None
    play: Play = "auto"
    rate: int = 150
    watchdog_s: float = 15.0
    pack: str | None = None
    room: str | None = None


@cache
def pack_in(folder: Path) -> Pack:
    """The recordings of a folder, read once for all speakers of this program. BadPack."""
    return Pack(folder)


@cache
def sentences_in(folder: Path) -> Sentences:
    """The one cache, and the speech processes behind it, of all speakers of this program."""
    return Sentences(folder)


class Speaker:
    """One loudspeaker; the agent gives it one job at a time, in the order the hall made them."""

    caps = frozenset({"say", "sound_test"})

    def __init__(self, name: str, settings: Settings, hall: Hall) -> None:
        self.name, self.settings, self.hall = name, settings, hall
        try:
            self.player = find_player(settings.play)
        except NoSound as error:
            raise ValueError(str(error)) from error
        if self.player is None and settings.out is None:
            raise ValueError("a speaker without a sound card needs a folder, out")
        self.folder = Path(settings.out) / name if settings.out else hall.state / name
        self.sentences = sentences_in(hall.state / "sentences")
        self.pack = pack_in(Path(settings.pack)) if settings.pack else None
        self.volume = 1.0
        self.languages: frozenset[str] = frozenset()  # it speaks only these; none named: all
        self._health = {"speech": "ok", "speaker": "ok"}
        self._count = 0

    async def open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._count = _last(self.folder / "said.jsonl")
        await self.sentences.open()

    async def close(self) -> None:
        await self.sentences.close()

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        return {part: {"state": state} for part, state in self._health.items()}

    def configure(self, data: Mapping[str, Any]) -> None:
        """Takes `volume`, 0 to 100 percent of the hall's own, and `languages`, those it speaks."""
        volume, languages = data.get("volume"), data.get("languages")
        if isinstance(volume, int | float):
            self.volume = min(1.0, max(0.0, volume / 100))
        if isinstance(languages, list):
            self.languages = frozenset(str(lang) for lang in languages)

    async def ready(self, job: Job) -> None:
        """A speaker can always try; what comes too late expires."""

    async def act(self, job: Job, waiting: int) -> Ending:
        data = job.data if job.data.get("sentences") else TEST
        said = self._mine(data["sentences"])
        try:
            spoken = await self._spoken(said)
        except SpeechFailed as error:
            self._feel("speech", "failed")
            return Ending("failed", str(error))
        self._feel("speech", "ok")
        here = room(self.settings.room or str(data.get("room") or self.name))
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout((job.expires - self.hall.now()).total_seconds()):
                    turn = here.turn(job.key, job.order, waiting > 0)
                    brief = await stack.enter_async_context(turn)
            except TimeoutError:
                return Ending("expired", "too_late")
            self._prepare(self._mine(data.get("next", ())))
            times, chime = (1, False) if brief else (int(data.get("times", 1)), bool(data.get("chime", True)))
            volume = self.volume * float(data.get("volume", 100)) / 100
            return await self._play(job, said, sound.compose(spoken, times, chime, volume), times)

    def _mine(self, sentences: Sequence[Mapping[str, str]]) -> Sequence[Mapping[str, str]]:
        """Those in its languages; all, if it speaks none of them: better in any language than not at all."""
        return [sentence for sentence in sentences if sentence["lang"] in self.languages] or sentences

    async def _spoken(self, sentences: Sequence[Mapping[str, str]]) -> list[sound.Sound]:
        """The sentences as sound, each wholly recorded or wholly synthetic: half a person is worse than none. SpeechFailed."""
        return [
            await self.sentences.get(*self._asked(said), self.settings.watchdog_s) if clip is None else clip
            for said in sentences
            for clip in [self.pack.say(said["text"], said["lang"]) if self.pack else None]
        ]

    def _prepare(self, sentences: Sequence[Mapping[str, str]]) -> None:
        """What will probably be said next is made while this is heard; recordings need no time."""
        unready = [said for said in sentences if self.pack is None or self.pack.lay(said["text"], said["lang"]) is None]
        self.sentences.prepare([self._asked(said) for said in unready], self.settings.watchdog_s)

    def _asked(self, said: Mapping[str, str]) -> Sentence:
        return said.get("read", said["text"]), said["lang"], self.settings.rate

    async def _play(self, job: Job, said: Sequence[Mapping[str, str]], whole: sound.Sound, times: int) -> Ending:
        file = self.folder / f"{self._count + 1}.wav"
        seconds = sound.write(file, whole)
        begins = self.hall.now()
        if begins >= job.expires:  # asked last of all: making the sound took its time too
            file.unlink()
            return Ending("expired", "too_late")
        self._count += 1
        (self.folder / f"{self._count - KEPT}.wav").unlink(missing_ok=True)
        self._note(job, said, begins, file, seconds, times)
        try:
            await play(self.player, file, seconds)
        except NoSound as error:
            log.warning("no sound", device=self.name, job=job.job, error=str(error))
            self._feel("speaker", "failed")
            return Ending("failed", "no_sound")
        self._feel("speaker", "ok")
        return Ending("done", detail={"seconds": round(seconds, 1), "times": times})

    def _note(
        self, job: Job, said: Sequence[Mapping[str, str]], begins: datetime, file: Path, seconds: float, times: int
    ) -> None:
        line = {
            "at": begins.isoformat(timespec="milliseconds"),
            "text": " ".join(sentence["text"] for sentence in said),
            "wav": file.name,
            "job": job.job,
            "key": job.key,
            "call": job.data.get("call"),
            "seconds": round(seconds, 2),
            "times": times,
            "expires": job.expires.isoformat(timespec="milliseconds"),
        }
        with (self.folder / "said.jsonl").open("a", encoding="utf-8") as record:
            record.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _feel(self, part: str, state: str) -> None:
        if self._health[part] != state:
            self._health[part] = state
            self.hall.health_changed()


def _last(said: Path) -> int:
    """The number of the last sentence of an earlier run."""
    if not said.exists():
        return 0
    lines = said.read_text("utf-8").splitlines()
    return max((int(json.loads(line)["wav"].removesuffix(".wav")) for line in lines if line), default=0)


def make(name: str, settings: Mapping[str, Any], hall: Hall) -> Speaker:
    """The driver of one loudspeaker. ValueError or msgspec.ValidationError for settings that can't be used."""
    return Speaker(name, msgspec.convert(settings, Settings), hall)
