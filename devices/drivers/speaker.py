"""The loudspeaker of a zone: a chime and whose turn it is, twice; sooner and shorter when others are waiting to be said.

What was said is kept below `<out>/<name>/`: `<n>.wav` (the newest 40) and one line each in `said.jsonl`:
{"at", "text", "wav", "job", "key", "call", "seconds", "times", "expires"}; `at` is when the sound began, by the hall's
clock, and never later than `expires`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import structlog

from devices.drivers import Ending, Hall, Job
from devices.drivers.voice import sound
from devices.drivers.voice.player import NoSound, Play, find_player, play
from devices.drivers.voice.sentences import Sentences
from devices.drivers.voice.speech import SpeechFailed

log = structlog.get_logger()

KEPT = 40
TEST: Mapping[str, Any] = {"sentences": [{"lang": "zh-Hans", "text": "声音测试，一二三"}], "times": 1, "chime": True}


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`out` is the folder for sound files; `rate` in words a minute; `watchdog_s` in seconds."""

    out: str | None = None
    play: Play = "auto"
    rate: int = 150
    watchdog_s: float = 15.0


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
        self.volume = 1.0
        self._health = {"speech": "ok", "speaker": "ok"}
        self._count = 0

    async def open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._count = _last(self.folder / "said.jsonl")
        await self.sentences.open()

    async def close(self) -> None:
        await self.sentences.speech.close()

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        return {part: {"state": state} for part, state in self._health.items()}

    def configure(self, data: Mapping[str, Any]) -> None:
        """Takes `volume`, 0 to 100."""
        volume = data.get("volume")
        if isinstance(volume, int | float):
            self.volume = min(1.0, max(0.0, volume / 100))

    async def ready(self, job: Job) -> None:
        """A speaker can always try; what comes too late expires."""

    async def act(self, job: Job, waiting: int) -> Ending:
        data = job.data if job.data.get("sentences") else TEST
        times, chime = (1, False) if waiting else (int(data.get("times", 1)), bool(data.get("chime", True)))
        try:
            spoken = [
                await self.sentences.get(s["text"], s["lang"], self.settings.rate, self.settings.watchdog_s)
                for s in data["sentences"]
            ]
        except SpeechFailed as error:
            self._feel("speech", "failed")
            return Ending("failed", str(error))
        self._feel("speech", "ok")
        return await self._play(job, sound.compose(spoken, times, chime, self.volume), times)

    async def _play(self, job: Job, whole: sound.Sound, times: int) -> Ending:
        file = self.folder / f"{self._count + 1}.wav"
        seconds = sound.write(file, whole)
        begins = self.hall.now()
        if begins >= job.expires:  # asked last of all: making the sound took its time too
            file.unlink()
            return Ending("expired", "too_late")
        self._count += 1
        (self.folder / f"{self._count - KEPT}.wav").unlink(missing_ok=True)
        self._note(job, begins, file, seconds, times)
        try:
            await play(self.player, file, seconds)
        except NoSound as error:
            log.warning("no sound", device=self.name, job=job.job, error=str(error))
            self._feel("speaker", "failed")
            return Ending("failed", "no_sound")
        self._feel("speaker", "ok")
        return Ending("done", detail={"seconds": round(seconds, 1), "times": times})

    def _note(self, job: Job, begins: datetime, file: Path, seconds: float, times: int) -> None:
        sentences = (job.data if job.data.get("sentences") else TEST)["sentences"]
        line = {
            "at": begins.isoformat(timespec="milliseconds"),
            "text": " ".join(sentence["text"] for sentence in sentences),
            "wav": file.name,
            "job": job.job,
            "key": job.key,
            "call": job.data.get("call"),
            "seconds": round(seconds, 2),
            "times": times,
            "expires": job.expires.isoformat(timespec="milliseconds"),
        }
        with (self.folder / "said.jsonl").open("a") as said:
            said.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _feel(self, part: str, state: str) -> None:
        if self._health[part] != state:
            self._health[part] = state
            self.hall.health_changed()


def _last(said: Path) -> int:
    """The number of the last sentence of an earlier run."""
    if not said.exists():
        return 0
    lines = said.read_text().splitlines()
    return max((int(json.loads(line)["wav"].removesuffix(".wav")) for line in lines if line), default=0)


def make(name: str, settings: Mapping[str, Any], hall: Hall) -> Speaker:
    """The driver of one loudspeaker. ValueError or msgspec.ValidationError for settings that can't be used."""
    return Speaker(name, msgspec.convert(settings, Settings), hall)
