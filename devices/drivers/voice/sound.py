"""Sound as the hall hears it: a chime, sentences of one loudness, silence between them."""

from __future__ import annotations

import wave
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Sound = NDArray[np.float64]  # mono, -1 to 1

RATE = 22_050  # frames a second, what espeak-ng writes
LOUDNESS = -18.0  # LUFS of a sentence: what espeak's voices reach without their peaks being cut
PEAK = 0.89  # -1 dBFS
GAP_S = 0.35  # between sentences
NOTES = ((659.26, 0.0), (523.25, 0.42))  # E5, C5: ding, dong; (Hz, begins at seconds)
CHIME_S = 1.25

# How loud people find a sound, by ITU-R BS.1770: the ear's weighting as two filters (b, a) for 48 kHz, blocks of 0.4 s
# every 0.1 s, and what lies under a gate is silence and does not count.
EAR_HZ = 48_000
EAR = (
    ((1.53512485958697, -2.69169618940638, 1.19839281085285), (1.0, -1.69065929318241, 0.73248077421585)),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)
BLOCK, HOP = int(RATE * 0.4), int(RATE * 0.1)
SILENCE, QUIETER = -70.0, 10.0  # LUFS below which nothing is heard; LU below the rest that counts as a pause


@cache
def chime() -> Sound:
    """Two falling notes, each a tone with two overtones dying away; a little softer than speech."""
    whole = np.zeros(int(RATE * CHIME_S))
    for pitch, begins in NOTES:
        at = int(RATE * begins)
        t = np.arange(len(whole) - at) / RATE
        tone = sum(level * np.sin(2 * np.pi * pitch * n * t) for n, level in ((1, 1.0), (2, 0.28), (3, 0.1)))
        whole[at:] += tone * np.exp(-t * 4.2) * np.minimum(1.0, t / 0.006)
    whole *= np.minimum(1.0, (len(whole) - np.arange(len(whole))) / (0.08 * RATE))
    quiet: Sound = whole * (0.4 / np.max(np.abs(whole)))
    return quiet


def level(sound: Sound) -> Sound:
    """The sentence at the hall's one loudness, without clipping. Silence is returned as it is."""
    loud = loudness(sound)
    if loud < SILENCE:
        return sound
    louder: Sound = sound * 10 ** ((LOUDNESS - loud) / 20)
    peak = float(np.max(np.abs(louder)))
    return louder if peak <= PEAK else louder * (PEAK / peak)


def loudness(sound: Sound) -> float:
    """The sound's integrated loudness in LUFS, -inf for silence; a word shorter than a block is measured as one block."""
    power = as_heard(np.pad(sound, (0, max(0, BLOCK - len(sound))))) ** 2
    so_far = np.concatenate(([0.0], np.cumsum(power)))
    blocks = (so_far[BLOCK::HOP] - so_far[:-BLOCK:HOP]) / BLOCK
    audible = blocks[blocks > power_of(SILENCE)]
    return lufs(audible[audible > power_of(lufs(audible) - QUIETER)])


def lufs(powers: Sound) -> float:
    return float(10 * np.log10(np.mean(powers)) - 0.691) if len(powers) else -np.inf


def power_of(lufs: float) -> float:
    return float(10 ** ((lufs + 0.691) / 10))


def as_heard(sound: Sound) -> Sound:
    """The sound through the ear's filters, whose response is taken at each of its frequencies."""
    size = len(sound) + RATE  # the filters have died away within the second of silence behind it
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(size, 1 / RATE) / EAR_HZ)
    response = np.prod([np.polyval(b[::-1], z) / np.polyval(a[::-1], z) for b, a in EAR], axis=0)
    heard: Sound = np.fft.irfft(np.fft.rfft(sound, size) * response, size)[: len(sound)]
    return heard


def compose(sentences: list[Sound], times: int, with_chime: bool, volume: float) -> Sound:
    """The whole announcement; `volume` from 0 to 1."""
    gap = np.zeros(int(RATE * GAP_S))
    parts = [chime()] if with_chime else []
    for _ in range(max(1, times)):
        for sentence in sentences:
            parts += [sentence, gap]
    whole: Sound = np.concatenate(parts) * volume
    return whole


def read(file: Path) -> Sound:
    """A mono 16-bit WAV at RATE. ValueError for any other."""
    with wave.open(str(file)) as sound:
        if (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) != (RATE, 1, 2):
            raise ValueError(f"{file.name} is not {RATE} Hz mono 16 bit")
        frames: Sound = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2") / 32768.0
        return frames


def read_any(file: Path) -> Sound:
    """A recording from elsewhere: 16-bit WAV, mono or stereo, 8 to 48 kHz, brought to RATE. ValueError for any other."""
    try:
        with wave.open(str(file)) as sound:
            rate, channels, width = sound.getframerate(), sound.getnchannels(), sound.getsampwidth()
            frames = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2" if width == 2 else "u1")
    except wave.Error as error:
        raise ValueError(str(error)) from error
    if width != 2 or channels not in (1, 2) or not 8_000 <= rate <= 48_000:
        raise ValueError(f"{8 * width} bit, {channels} channels, {rate} Hz; 16 bit, mono or stereo, 8 to 48 kHz is wanted")
    mono = frames.reshape(-1, channels).mean(axis=1) / 32768.0
    return mono if rate == RATE else resampled(mono, rate)


def resampled(sound: Sound, rate: int) -> Sound:
    """The same sound at RATE, through its spectrum: nothing above the lower rate's half is left or made up."""
    size = round(len(sound) * RATE / rate)
    if size == 0:
        return sound[:0]
    spectrum = np.fft.rfft(sound)
    kept = np.zeros(size // 2 + 1, dtype=spectrum.dtype)
    shared = min(len(kept), len(spectrum))
    kept[:shared] = spectrum[:shared]
    same: Sound = np.fft.irfft(kept, size) * (size / len(sound))
    return same


def write(file: Path, sound: Sound) -> float:
    """Writes a mono 16-bit WAV, whole or not at all; returns its seconds."""
    part = file.with_suffix(".part")
    with wave.open(str(part), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes((np.clip(sound, -1.0, 1.0) * 32767).astype("<i2").tobytes())
    part.replace(file)
    return len(sound) / RATE
