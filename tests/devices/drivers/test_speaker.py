"""The loudspeaker: real speech, measured; a hanging voice; sentences that come too late."""

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyloudnorm
import pytest
import pytest_asyncio

from devices.drivers import Ending, Job, make
from devices.drivers.speaker import Speaker
from devices.drivers.voice import sound
from devices.drivers.voice.room import room
from devices.drivers.voice.sentences import PREPARED, Sentences
from devices.drivers.voice.speech import Speech, SpeechFailed
from tests.devices.drivers.conftest import Notes, make_job

TEXT = "请A零零一号到三号窗口办理"
SHORT = "好"


def say(text: str = SHORT, *, n: int = 1, seconds: float = 20, **more: Any) -> Job:
    sentences = more.pop("sentences", [{"lang": "zh-Hans", "text": text}])
    return make_job("say", {"sentences": sentences, "times": 2, "chime": True, "call": f"cl_{n}", **more}, n=n, seconds=seconds)


@pytest_asyncio.fixture
async def speaker(hall: Notes, tmp_path: Path) -> AsyncIterator[Speaker]:
    made = cast(Speaker, make("speaker", "s1", {"out": str(tmp_path / "voice"), "play": "files"}, hall))
    await made.open()
    yield made
    await made.close()


@pytest_asyncio.fixture
async def speech() -> AsyncIterator[Speech]:
    made = Speech()
    yield made
    await made.close()


def said(speaker: Speaker) -> list[dict[str, Any]]:
    file = speaker.folder / "said.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def kept(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.wav"))


def children() -> list[int]:
    """The speech processes this test process has started and not yet buried (its servers are its children too)."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in pids if b"voice/child.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]


async def test_a_call_is_said_twice_after_a_chime(speaker: Speaker) -> None:
    began = asyncio.get_running_loop().time()
    ending = await speaker.act(say(), 0)
    whole = sound.read(speaker.folder / "1.wav")
    seconds = len(whole) / sound.RATE
    assert ending == Ending("done", detail={"seconds": round(seconds, 1), "times": 2})
    assert asyncio.get_running_loop().time() - began >= seconds  # the speaker was busy for as long as it takes to hear
    assert np.allclose(whole[: len(sound.chime())], sound.chime(), atol=1e-3)
    sentence = (len(whole) - len(sound.chime())) // 2
    first, second = whole[-2 * sentence : -sentence], whole[-sentence:]
    assert np.array_equal(first, second) and float(np.max(np.abs(first))) > 0.1
    (line,) = said(speaker)
    assert (line["text"], line["wav"], line["call"], line["times"]) == (SHORT, "1.wav", "cl_1", 2)
    assert line["at"] < line["expires"]


async def test_with_others_waiting_it_is_said_once_without_chime(speaker: Speaker) -> None:
    ending = await speaker.act(say(), 1)
    assert ending.detail["times"] == 1
    assert len(sound.read(speaker.folder / "1.wav")) < len(sound.chime()) + sound.RATE


async def test_a_sentence_has_sound_the_right_length_and_the_halls_loudness(tmp_path: Path) -> None:
    sentences = Sentences(tmp_path)
    await sentences.open()
    spoken = await sentences.get(TEXT, "zh-Hans", 150, 15)
    await sentences.speech.close()
    assert 3.5 < len(spoken) / sound.RATE < 6
    assert pyloudnorm.Meter(sound.RATE).integrated_loudness(spoken) == pytest.approx(sound.LOUDNESS, abs=0.5)
    assert float(np.max(np.abs(spoken))) <= sound.PEAK + 0.001


async def test_chinese_is_spoken_as_chinese_and_english_as_english(speech: Speech, tmp_path: Path) -> None:
    seconds = [await speech.speak("A 1", lang, 150, tmp_path / lang, 15) for lang in ("zh-Hans", "en")]
    assert seconds[0] != seconds[1]


async def test_a_sentence_said_before_comes_from_disk(tmp_path: Path) -> None:
    sentences = Sentences(tmp_path)
    await sentences.open()
    first = await sentences.get(TEXT, "zh-Hans", 150, 15)
    await sentences.speech.close()
    for child in children():
        os.kill(child, signal.SIGSTOP)  # nobody can speak now
    assert np.array_equal(await sentences.get(TEXT, "zh-Hans", 150, 0.05), first)


async def test_the_cache_keeps_within_its_size(tmp_path: Path) -> None:
    sentences = Sentences(tmp_path, kept_bytes=60_000)
    await sentences.open()
    for n in range(33):
        await sentences.get(f"{n}", "en", 300, 15)
    await sentences.speech.close()
    assert kept(tmp_path) <= 60_000


async def test_two_hundred_sentences_in_a_row_are_all_there(speech: Speech, tmp_path: Path) -> None:
    seconds = [await speech.speak(f"{n}号", "zh-Hans", 150, tmp_path / "x.wav", 15) for n in range(200)]
    assert min(seconds) > 0.2


async def test_a_hanging_voice_is_ended_and_the_next_sentence_still_comes(speech: Speech, tmp_path: Path) -> None:
    await speech.warm_up()
    (hanging,) = children()
    os.kill(hanging, signal.SIGSTOP)
    with pytest.raises(SpeechFailed, match="speech_hung"):
        await speech.speak(SHORT, "zh-Hans", 150, tmp_path / "1.wav", 0.3)
    assert await speech.speak(SHORT, "zh-Hans", 150, tmp_path / "2.wav", 15) > 0.2
    assert len(children()) == 1 and children() != [hanging]


async def test_a_voice_that_dies_fails_its_sentence_alone(speech: Speech, tmp_path: Path) -> None:
    await speech.warm_up()
    (dying,) = children()
    os.kill(dying, signal.SIGKILL)
    with pytest.raises(SpeechFailed, match="speech_died"):
        await speech.speak(SHORT, "zh-Hans", 150, tmp_path / "1.wav", 15)
    assert await speech.speak(SHORT, "zh-Hans", 150, tmp_path / "2.wav", 15) > 0.2


async def test_one_hanging_sentence_does_not_silence_the_other_speakers(speech: Speech, tmp_path: Path) -> None:
    await speech.warm_up()
    stuck = children()[0]
    os.kill(stuck, signal.SIGSTOP)
    hanging = asyncio.create_task(speech.speak(SHORT, "zh-Hans", 150, tmp_path / "1.wav", 30))
    await asyncio.sleep(0.01)
    assert await speech.speak(SHORT, "zh-Hans", 150, tmp_path / "2.wav", 15) > 0.2
    assert not hanging.done()
    os.kill(stuck, signal.SIGKILL)
    with pytest.raises(SpeechFailed):
        await hanging


async def test_a_hung_voice_is_a_failed_sentence_and_shows_in_the_health(hall: Notes, tmp_path: Path) -> None:
    settings = {"out": str(tmp_path / "voice"), "play": "files", "watchdog_s": 3}
    speaker = cast(Speaker, make("speaker", "s1", settings, hall))
    await speaker.open()
    os.kill(children()[0], signal.SIGSTOP)
    assert await speaker.act(say(), 0) == Ending("failed", "speech_hung")
    assert speaker.parts()["speech"] == {"state": "failed"}
    speaker.settings.watchdog_s = 60  # the next process may take its time to start
    assert (await speaker.act(say(n=2), 1)).state == "done"
    assert speaker.parts()["speech"] == {"state": "ok"}
    assert [line["job"] for line in said(speaker)] == ["jb_2"]
    await speaker.close()


async def test_what_is_ready_too_late_is_not_said(speaker: Speaker) -> None:
    assert await speaker.act(say(seconds=0), 0) == Ending("expired", "too_late")
    assert said(speaker) == []


async def test_the_volume_is_the_halls(speaker: Speaker) -> None:
    await speaker.act(say(), 1)
    speaker.configure({"volume": 25})
    await speaker.act(say(n=2), 1)
    loud, soft = (float(np.max(np.abs(sound.read(speaker.folder / f"{n}.wav")))) for n in (1, 2))
    assert soft / loud == pytest.approx(0.25, abs=0.01)


async def test_the_hour_of_the_day_and_the_speakers_own_volume_both_count(speaker: Speaker) -> None:
    speaker.configure({"volume": 50})
    await speaker.act(say(), 1)
    await speaker.act(say(n=2, volume=40), 1)
    loud, soft = (float(np.max(np.abs(sound.read(speaker.folder / f"{n}.wav")))) for n in (1, 2))
    assert soft / loud == pytest.approx(0.4, abs=0.01)


async def test_a_speaker_speaks_its_own_languages_and_any_rather_than_none(speaker: Speaker) -> None:
    both = [{"lang": "zh-Hans", "text": "好"}, {"lang": "en", "text": "Good"}]
    for n, languages in enumerate((["en"], ["yue"], []), 1):
        speaker.configure({"languages": languages})
        await speaker.act(say(n=n, sentences=both), 1)
    assert [line["text"] for line in said(speaker)] == ["Good", "好 Good", "好 Good"]


@pytest.mark.parametrize("lang", ["zh-Hans", "en", "yue"])
async def test_every_language_of_the_hall_has_a_voice_of_its_own(speech: Speech, tmp_path: Path, lang: str) -> None:
    text = {"en": "Ticket ay 0 0 1, please go to window 3", "yue": "請A零零一號到三號窗口辦理"}.get(lang, TEXT)
    assert 3 < await speech.speak(text, lang, 150, tmp_path / lang, 15) < 8


async def test_what_the_engine_reads_may_differ_from_what_is_written(speaker: Speaker) -> None:
    await speaker.act(say(sentences=[{"lang": "zh-Hans", "text": "长春路", "read": "chang2 chun1 lu4"}]), 1)
    assert said(speaker)[0]["text"] == "长春路"
    assert speaker.sentences.has("chang2 chun1 lu4", "zh-Hans", 150) and not speaker.sentences.has("长春路", "zh-Hans", 150)


async def test_what_will_probably_be_said_next_is_made_meanwhile(speaker: Speaker) -> None:
    likely = [{"lang": "zh-Hans", "text": f"下{n}"} for n in range(3)]
    await speaker.act(say(next=likely), 1)
    async with asyncio.timeout(15):
        while not all(speaker.sentences.has(sentence["text"], "zh-Hans", 150) for sentence in likely):
            await asyncio.sleep(0.01)


async def test_no_more_is_prepared_than_the_newest_few(tmp_path: Path) -> None:
    sentences = Sentences(tmp_path)
    sentences.folder.mkdir(exist_ok=True)
    sentences.prepare([(f"{n}", "en", 300) for n in range(PREPARED + 5)], 15)
    async with asyncio.timeout(30):
        while not sentences.has(f"{PREPARED + 4}", "en", 300):
            await asyncio.sleep(0.01)
    assert [sentences.has(f"{n}", "en", 300) for n in (4, 5)] == [False, True]
    await sentences.close()


async def test_two_speakers_of_a_zone_say_a_call_together_and_the_next_after_it(hall: Notes, tmp_path: Path) -> None:
    settings = {"out": str(tmp_path / "voice"), "play": "files"}
    left, right = (cast(Speaker, make("speaker", name, settings, hall)) for name in ("left", "right"))
    await left.open()
    await right.open()
    await left.act(say(room="zone:B", n=9), 1)  # in the cache from here on
    together = [speaker.act(say(room="zone:A", n=1), 0) for speaker in (left, right)]
    await asyncio.gather(*together, left.act(say(room="zone:A", n=2), 0))
    spans = {
        (speaker.name, line["job"]): (datetime.fromisoformat(line["at"]), line["seconds"])
        for speaker in (left, right) for line in said(speaker)
    }  # fmt: skip
    first, echo, second = spans["left", "jb_1"], spans["right", "jb_1"], spans["left", "jb_2"]
    assert abs(first[0] - echo[0]) < timedelta(seconds=0.5) and first[1] == echo[1]
    assert second[0] >= first[0] + timedelta(seconds=first[1]) and second[1] == first[1]
    await left.close()
    await right.close()


async def test_a_sentence_whose_turn_comes_too_late_is_not_said(speaker: Speaker) -> None:
    async with room("zone:A").turn("call:0", 2, False):
        assert await speaker.act(say(room="zone:A", seconds=0.5), 0) == Ending("expired", "too_late")
    assert said(speaker) == []


async def test_numbers_go_on_after_a_restart(speaker: Speaker, hall: Notes, tmp_path: Path) -> None:
    await speaker.act(say(), 1)
    again = cast(Speaker, make("speaker", "s1", {"out": str(tmp_path / "voice"), "play": "files"}, hall))
    await again.open()
    await again.act(say(n=2), 1)
    assert [line["wav"] for line in said(again)] == ["1.wav", "2.wav"]


async def test_a_sound_test_needs_no_words_of_the_hall(speaker: Speaker) -> None:
    assert (await speaker.act(make_job("sound_test", {}), 1)).state == "done"


async def test_speakers_that_close_together_end_the_voice_once(speech: Speech, caplog: pytest.LogCaptureFixture) -> None:
    await speech.warm_up()
    await asyncio.gather(*(speech.close() for _ in range(8)))
    assert (children(), [record.message for record in caplog.records]) == ([], [])


def test_a_full_tone_measures_what_the_standard_says() -> None:
    t = np.arange(3 * sound.RATE) / sound.RATE
    assert sound.loudness(np.sin(2 * np.pi * 997 * t)) == pytest.approx(-3.01, abs=0.01)
    assert sound.loudness(np.zeros(100)) == -np.inf
