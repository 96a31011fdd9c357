"""A voice pack: a person's recordings, cut into words and joined to sentences. What is not recorded isn't said by halves.

A folder with WAV files (16 bit, mono or stereo, 8 to 48 kHz) and `pack.toml`:

    name = "张老师"
    gap_ms = 40                 # silence between two recordings
    [clips.zh-Hans]
    "请" = "qing.wav"
    "号到三号窗口办理" = "window-3.wav"

A sentence is laid with as few recordings as possible. All are brought to one level; silence at their ends is cut.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from devices.drivers.voice import sound

MANIFEST = "pack.toml"
SPEECH_RMS = 0.1  # what the speech in every recording is brought to before it is joined
QUIET_DB = 40.0  # this far below its loudest moment a recording is silent
EDGE_S = 0.015  # left of the silence at each end, so that no consonant is cut
FADE_S = 0.004
TOKEN = {"en": re.compile(r"[A-Za-z']+|[0-9]+"), "zh": re.compile(r"[A-Za-z]|[0-9]|[^\W_]")}


class BadPack(ValueError):
    """The folder is no voice pack."""


class Manifest(msgspec.Struct, forbid_unknown_fields=True):
    clips: dict[str, dict[str, str]]
    name: str = ""
    gap_ms: int = 40


Words = tuple[str, ...]


class Pack:
    """The recordings of one folder, by language. Reads them all when it is made: BadPack says which one is unusable."""

    def __init__(self, folder: Path) -> None:
        try:
            manifest = msgspec.convert(tomllib.loads((folder / MANIFEST).read_text("utf-8")), Manifest)
        except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
            raise BadPack(f"{folder / MANIFEST}: {error}") from error
        self.name, self.gap = manifest.name or folder.name, np.zeros(int(sound.RATE * manifest.gap_ms / 1000))
        self._clips: dict[str, dict[Words, sound.Sound]] = {
            lang: {words(text, lang): recording(folder / file) for text, file in texts.items()}
            for lang, texts in manifest.clips.items()
        }
        self._longest = {lang: max(map(len, known), default=0) for lang, known in self._clips.items()}

    def lay(self, text: str, lang: str) -> list[Words] | None:
        """The recordings that say this text, as few as possible; None when one is missing."""
        said, known = words(text, lang), self._clips.get(lang, {})
        best: list[list[Words] | None] = [[], *([None] * len(said))]
        for end in range(1, len(said) + 1):
            for begin in range(max(0, end - self._longest.get(lang, 0)), end):
                before = best[begin]
                if before is None or said[begin:end] not in known:
                    continue
                there = best[end]
                if there is None or len(before) + 1 < len(there):
                    best[end] = [*before, said[begin:end]]
        return best[-1] or None

    def say(self, text: str, lang: str) -> sound.Sound | None:
        """The text as sound, at the hall's loudness; None when a recording is missing."""
        laid = self.lay(text, lang)
        if laid is None:
            return None
        return sound.level(join([self._clips[lang][piece] for piece in laid], self.gap))

    def missing(self, sentences: Iterable[tuple[str, Sequence[str]]]) -> dict[str, list[str]]:
        """By language, the pieces without which these sentences (language, pieces) can't be said, each once."""
        lacking: dict[str, dict[str, None]] = {}
        for lang, pieces in sentences:
            whole = " ".join(pieces)
            if self.lay(whole, lang) is None:
                heard = self._recorded(words(whole, lang), lang)
                absent = [piece for piece in pieces if not all(next(heard) for _ in words(piece, lang))]
                alone = [piece for piece in pieces if words(piece, lang) and self.lay(piece, lang) is None]
                lacking.setdefault(lang, {}).update(dict.fromkeys(piece.strip(" ,") for piece in absent or alone))
        return {lang: list(pieces) for lang, pieces in lacking.items()}

    def _recorded(self, said: Words, lang: str) -> Iterator[bool]:
        """For each word in turn, whether a recording says it together with its neighbours here."""
        known, there = self._clips.get(lang, {}), [False] * len(said)
        for begin in range(len(said)):
            for end in range(begin + 1, len(said) + 1):
                if said[begin:end] in known:
                    there[begin:end] = [True] * (end - begin)
        return iter(there)


def words(text: str, lang: str) -> Words:
    """A text as what is heard of it: English by words and whole numbers, Chinese by characters; no punctuation."""
    pattern = TOKEN["en" if lang == "en" else "zh"]
    return tuple(token.casefold() for token in pattern.findall(text))


def recording(file: Path) -> sound.Sound:
    """One recording, at the hall's rate, trimmed and at the level of all others. BadPack."""
    try:
        heard = trimmed(sound.read_any(file))
    except (OSError, EOFError, ValueError) as error:
        raise BadPack(f"{file}: {error}") from error
    if not len(heard):
        raise BadPack(f"{file}: there is nothing to hear in it")
    return faded(heard * (SPEECH_RMS / speech_rms(heard)))


def trimmed(heard: sound.Sound) -> sound.Sound:
    """Without the silence at both ends; empty when it is all silence."""
    frame = int(sound.RATE * 0.01)
    frames = heard[: len(heard) // frame * frame].reshape(-1, frame)
    levels = np.sqrt(np.mean(frames**2, axis=1)) if len(frames) else np.zeros(0)
    loudest = float(levels.max(initial=0.0))
    if loudest < 1e-4:
        return heard[:0]
    (audible,) = np.nonzero(levels > loudest * 10 ** (-QUIET_DB / 20))
    edge = int(sound.RATE * EDGE_S)
    return heard[max(0, audible[0] * frame - edge) : (audible[-1] + 1) * frame + edge]


def speech_rms(heard: sound.Sound) -> float:
    """The level of what is spoken: of the moments within 20 dB of the loudest, so that pauses and length don't count."""
    frame = int(sound.RATE * 0.02)
    padded = np.pad(heard, (0, -len(heard) % frame)).reshape(-1, frame)
    powers = np.mean(padded**2, axis=1)
    return float(np.sqrt(np.mean(powers[powers > powers.max() / 100])))


def faded(heard: sound.Sound) -> sound.Sound:
    ramp = np.minimum(1.0, np.arange(len(heard)) / (sound.RATE * FADE_S))
    smooth: sound.Sound = heard * ramp * ramp[::-1]
    return smooth


def join(pieces: Sequence[sound.Sound], gap: sound.Sound) -> sound.Sound:
    """One after another with a short silence between."""
    parts = [part for piece in pieces for part in (piece, gap)]
    whole: sound.Sound = np.concatenate(parts[:-1])
    return whole


def write_manifest(folder: Path, name: str, clips: Mapping[str, Mapping[str, str]]) -> None:
    """The `pack.toml` of recordings that a program made."""
    quoted: Any = msgspec.json.encode  # a JSON string is a TOML string
    lines = [f"name = {quoted(name).decode()}"]
    for lang, files in clips.items():
        lines += ["", f"[clips.{lang}]", *(f"{quoted(text).decode()} = {quoted(file).decode()}" for text, file in files.items())]
    (folder / MANIFEST).write_text("\n".join(lines) + "\n", "utf-8")
