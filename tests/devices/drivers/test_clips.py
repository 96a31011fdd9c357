"""Recordings joined to sentences: level, length, silence; and never half a person."""

import wave
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from devices.drivers import make
from devices.drivers.speaker import Speaker
from devices.drivers.voice import clips, sound
from devices.drivers.voice.clips import BadPack, Pack
from tests.devices.drivers.conftest import Notes, make_job

HERTZ = {"请": 300, "A": 400, "零": 500, "一": 600, "号到": 700, "三": 800, "号窗口办理": 900, "三号窗口办理": 1000}
CLIP_S, SILENCE_S = 0.4, 0.5


def tone(hertz: float, loud: float, rate: int) -> NDArray[np.float64]:
    """A word of 0.4 s with half a second of silence before and behind it, as a person presses the buttons."""
    t = np.arange(int(rate * CLIP_S)) / rate
    silence = np.zeros(int(rate * SILENCE_S))
    return np.concatenate([silence, loud * np.sin(2 * np.pi * hertz * t), silence])


def record(file: Path, heard: NDArray[np.float64], rate: int = 48_000, channels: int = 2, width: int = 2) -> None:
    with wave.open(str(file), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(width)
        out.setframerate(rate)
        frames = np.repeat((heard * 32767).astype("<i2"), channels)
        out.writeframes(frames.tobytes() if width == 2 else (np.repeat(heard, channels) * 127 + 128).astype("u1").tobytes())


def make_pack(folder: Path, texts: list[str]) -> Path:
    """Recordings of one tone each, at very different levels and rates."""
    folder.mkdir(exist_ok=True)
    files = {}
    for n, text in enumerate(texts):
        rate = (48_000, 44_100, 24_000, 22_050)[n % 4]
        record(folder / f"{n}.wav", tone(HERTZ[text], (0.05, 0.9, 0.3)[n % 3], rate), rate, 1 + n % 2)
        files[text] = f"{n}.wav"
    clips.write_manifest(folder, "张老师", {"zh-Hans": files})
    return folder


def pitch(heard: sound.Sound) -> int:
    """The loudest tone, to 20 Hz."""
    spectrum = np.abs(np.fft.rfft(heard))
    return round(float(np.argmax(spectrum)) * sound.RATE / len(heard) / 20) * 20


def test_a_sentence_is_laid_with_as_few_recordings_as_possible(tmp_path: Path) -> None:
    pack = Pack(make_pack(tmp_path, list(HERTZ)))
    assert pack.lay("请A零零一号到三号窗口办理", "zh-Hans") == [
        ("请",), ("a",), ("零",), ("零",), ("一",), ("号", "到"), ("三", "号", "窗", "口", "办", "理"),
    ]  # fmt: skip
    assert pack.lay("请A零零二号到三号窗口办理", "zh-Hans") is None
    assert pack.lay("请A零零一号到三号窗口办理", "en") is None and pack.lay("", "zh-Hans") is None


def test_recordings_are_trimmed_levelled_and_joined_with_short_gaps(tmp_path: Path) -> None:
    said = Pack(make_pack(tmp_path, list(HERTZ))).say("请A零三号窗口办理", "zh-Hans")
    assert said is not None
    step = CLIP_S + 2 * clips.EDGE_S + 0.04
    assert len(said) / sound.RATE == pytest.approx(4 * step - 0.04, abs=0.06)
    words = [said[int(sound.RATE * (n * step + 0.1)) : int(sound.RATE * (n * step + 0.3))] for n in range(4)]
    assert [pitch(word) for word in words] == [300, 400, 500, 1000]
    levels = [float(np.sqrt(np.mean(word**2))) for word in words]
    assert max(levels) / min(levels) < 1.06  # half a decibel apart, and they were recorded 25 dB apart
    assert float(np.max(np.abs(said))) <= sound.PEAK + 0.001


def test_english_is_laid_by_words_so_that_no_word_is_spelled(tmp_path: Path) -> None:
    files = dict.fromkeys(("Ticket", "A", "0", "1", "12", "go", "to window", *"please"), "x.wav")
    record(tmp_path / "x.wav", tone(400, 0.5, 22_050), 22_050)
    clips.write_manifest(tmp_path, "", {"en": files})
    pack = Pack(tmp_path)
    assert pack.lay("Ticket A 0 1, go to window 12", "en") == [
        ("ticket",),
        ("a",),
        ("0",),
        ("1",),
        ("go",),
        ("to", "window"),
        ("12",),
    ]
    assert pack.lay("Ticket A 0 1, please go to window 12", "en") is None


def test_what_a_hall_lacks_is_named_once(tmp_path: Path) -> None:
    pack = Pack(make_pack(tmp_path, ["请", "A", "零", "号到", "三号窗口办理"]))
    pieces = [("zh-Hans", ["请", "A", digit, "号到", window, "号窗口办理"]) for digit in "零一" for window in ("三", "四")]
    assert pack.missing(pieces) == {"zh-Hans": ["四", "号窗口办理", "一"]}
    assert pack.missing([("zh-Hans", ["请", "A", "零", "号到", "三", "号窗口办理"])]) == {}
    assert pack.missing([("en", ["Ticket ", "A"])]) == {"en": ["Ticket", "A"]}


@pytest.mark.parametrize(
    ("width", "heard", "why"),
    [(1, tone(400, 0.5, 22_050), "8 bit"), (2, np.zeros(22_050), "nothing to hear")],
)
def test_an_unusable_recording_is_named(tmp_path: Path, width: int, heard: NDArray[np.float64], why: str) -> None:
    record(tmp_path / "bad.wav", heard, 22_050, 1, width)
    clips.write_manifest(tmp_path, "", {"zh-Hans": {"请": "bad.wav"}})
    with pytest.raises(BadPack, match=rf"bad\.wav: .*{why}"):
        Pack(tmp_path)


@pytest.mark.parametrize("manifest", [None, "clips = 3", "[clips", '[clips.zh-Hans]\n"请" = "gone.wav"'])
def test_a_folder_that_is_no_pack_is_refused(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "pack.toml").write_text(manifest)
    with pytest.raises(BadPack, match=str(tmp_path)):
        Pack(tmp_path)


def test_a_recording_at_another_rate_keeps_its_pitch_and_length() -> None:
    heard = tone(1000, 0.5, 48_000)
    same = sound.resampled(heard, 48_000)
    assert (len(same), pitch(same)) == (round(len(heard) * sound.RATE / 48_000), 1000)
    assert float(np.max(np.abs(same))) == pytest.approx(0.5, abs=0.05)


async def test_a_speaker_uses_its_recordings_and_the_synthetic_voice_for_a_whole_sentence(hall: Notes, tmp_path: Path) -> None:
    pack = make_pack(tmp_path / "pack", list(HERTZ))
    settings = {"out": str(tmp_path / "voice"), "play": "files", "pack": str(pack)}
    speaker = cast(Speaker, make("speaker", "s1", settings, hall))
    await speaker.open()
    for n, text in ((1, "请A零零一号到三号窗口办理"), (2, "请A零零二号到三号窗口办理")):
        job = make_job("say", {"sentences": [{"lang": "zh-Hans", "text": text}], "times": 1, "chime": False}, n=n)
        assert (await speaker.act(job, 0)).state == "done"
    recorded, synthetic = (sound.read(speaker.folder / f"{n}.wav") for n in (1, 2))
    word = slice(int(sound.RATE * 0.1), int(sound.RATE * 0.3))
    assert pitch(recorded[word]) == 300 and pitch(synthetic[word]) != 300
    whole = Pack(pack).say("请A零零一号到三号窗口办理", "zh-Hans")
    assert whole is not None and np.allclose(recorded[: len(whole)], whole, atol=1e-4)
    await speaker.close()
