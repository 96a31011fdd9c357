"""What a person records once for a hall is enough for every call of it, and no word is asked for twice."""

from pathlib import Path

import numpy as np
import pytest

from devices.drivers.voice import clips, sound
from devices.drivers.voice.clips import Pack
from displays import phrases, recordings
from displays.phrases import Lexicon
from displays.voice import Voice
from floor.boot import voice as command
from floor.database import Connection
from queueing.halls import Hall


def pack_of(folder: Path, lang: str, words: list[str]) -> Pack:
    """A pack in which every recording is the same hum: only what it says matters here."""
    folder.mkdir()
    sound.write(folder / "hum.wav", 0.3 * np.sin(np.arange(6000) / 20))
    clips.write_manifest(folder, "hum", {lang: dict.fromkeys(words, "hum.wav")})
    return Pack(folder)


async def test_the_takes_say_every_number_at_every_window_in_every_language(db: Connection, hall: Hall, tmp_path: Path) -> None:
    lexicon = Lexicon(prefixes={"zh-Hans": {"B": "工商"}})
    said = await recordings.calls(db, hall, Voice(hant="yue", lexicon=lexicon))
    takes = recordings.takes(said)
    assert len(takes) == len(set(takes)) and {lang for lang, _ in takes} == {"zh-Hans", "yue", "en"}
    for lang in ("zh-Hans", "yue", "en"):
        pack = pack_of(tmp_path / lang, lang, [words for one, words in takes if one == lang])
        for number, window in (("A001", "1"), ("B987", "2"), ("A2463", "2"), ("B5", "1")):
            assert pack.lay(phrases.say_call(number, window, lang, lexicon).text, lang), (lang, number, window)


async def test_longer_spans_are_enough_too(db: Connection, hall: Hall, tmp_path: Path) -> None:
    said = await recordings.calls(db, hall, Voice())
    spans = recordings.spans(said, "zh-Hans")
    assert spans == ["请A", *"零一二三四五六七八九", "号到一号窗口办理", "请B", "号到二号窗口办理"]
    pack = pack_of(tmp_path / "pack", "zh-Hans", spans)
    assert pack.missing(call for call in said if call[0] == "zh-Hans") == {}
    assert recordings.spans(said, "en") == [
        "Ticket A",
        *"0123456789",
        ", please go to window 1",
        "Ticket B",
        ", please go to window 2",
    ]


async def test_a_hall_without_windows_has_nothing_to_record(db: Connection, hall: Hall) -> None:
    await db.execute("DELETE FROM windows")
    assert await recordings.calls(db, hall, Voice()) == []


async def test_the_command_names_what_a_pack_lacks(
    db: Connection, hall: Hall, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = await recordings.calls(db, hall, Voice(own_lang=False))
    words = [words for _, words in recordings.takes(said)]
    pack_of(tmp_path / "whole", "zh-Hans", words)
    pack_of(tmp_path / "short", "zh-Hans", [word for word in words if word not in ("二", "B")])
    assert [command.check(said, tmp_path / name, None) for name in ("whole", "short")] == [0, 1]
    assert capsys.readouterr().out.splitlines() == [
        f"Every call of this hall can be said with {tmp_path / 'whole'}.", "zh-Hans lacks: 二、B",
    ]  # fmt: skip


def test_a_mandarin_voice_is_given_letters_as_it_can_say_them() -> None:
    assert command.spelled("请VIP") == "请维艾批" and len(command.LETTERS) == 26
