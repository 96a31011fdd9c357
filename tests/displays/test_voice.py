"""How a hall sounds: as it was set, at the hall's own time of day; what nobody could say is refused."""

from datetime import UTC, datetime, time

import asyncpg
import pytest

from displays import tuning, voice
from displays.phrases import PREFIXES, Lexicon
from displays.voice import Voice
from floor.database import Connection
from queueing.errors import BadInput
from queueing.halls import Hall

WORDS = {"zh-Hans": {"LOVE": "爱心", "VIP": "贵宾"}, "en": {"VIP": "V I P"}}
SET = Voice(
    langs=("zh-Hans", "yue"), own_lang=False, hant="yue", times=1, chime=False, volumes=((time(8, 30), 80), (time(18), 0)),
    lexicon=Lexicon("幺", WORDS, {"zh-Hans": {"长春路": "chang2 chun1 lu4"}}),
)  # fmt: skip


async def test_a_hall_that_never_set_it_sounds_as_usual(db: Connection, hall: Hall) -> None:
    usual = await voice.load(db, hall.id)
    assert usual == Voice(time_zone=hall.time_zone)
    assert (usual.lexicon.prefixes, usual.volume_at(datetime.now(UTC))) == (PREFIXES, 100)


async def test_what_was_set_is_kept_whole_and_replaces_what_was_before(db: Connection, hall: Hall) -> None:
    await tuning.save(db, hall.id, SET)
    assert await voice.load(db, hall.id) == SET
    bare = Voice(lexicon=Lexicon("一", {}, {}))
    await tuning.save(db, hall.id, bare)
    assert await voice.load(db, hall.id) == bare


@pytest.mark.parametrize(
    ("utc", "percent"), [((0, 29), 0), ((0, 30), 80), ((9, 59), 80), ((10, 0), 0), ((23, 0), 0)]
)  # 08:29, 08:30, 17:59, 18:00 and 07:00 in Guiyang
def test_the_volume_goes_by_the_halls_own_clock_through_midnight(utc: tuple[int, int], percent: int) -> None:
    assert SET.volume_at(datetime(2026, 11, 23, *utc, tzinfo=UTC)) == percent


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Voice(langs=()), "langs"), (Voice(langs=("fr",)), "langs"), (Voice(hant="en"), "hant"), (Voice(times=4), "times"),
        (Voice(volumes=((time(8), 101),)), "volumes"), (Voice(volumes=((time(8), 1), (time(8), 2))), "volumes"),
        (Voice(lexicon=Lexicon(one="腰")), "one"), (Voice(lexicon=Lexicon(prefixes={"en": {"X" * 21: "x"}})), "prefixes"),
        (Voice(lexicon=Lexicon(readings={"zh-Hans": {"长春路": "chang2 chun1"}})), "readings"),
        (Voice(lexicon=Lexicon(readings={"zh-Hans": {"长春路": "chang2 chun1 lu"}})), "readings"),
        (Voice(lexicon=Lexicon(readings={"zh-Hans": {"长春路": "shang2 chun1 lu4"}})), "readings"),
    ],
)  # fmt: skip
async def test_what_no_voice_can_say_is_refused_by_its_field(db: Connection, hall: Hall, wrong: Voice, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        await tuning.save(db, hall.id, wrong)
    assert refused.value.details["field"] == field
    assert await db.fetchval("SELECT count(*) FROM voices") == 0


@pytest.mark.parametrize(
    ("table", "columns", "values", "constraint"),
    [
        ("voices", "langs", "'{fr}'", "voice_speaks_known_languages"),
        ("voices", "langs", "'{}'", "voice_speaks_known_languages"),
        ("voices", "hant", "'en'", "voice_of_hant_is_chinese"), ("voices", "one", "'二'", "voice_says_yi_or_yao"),
        ("voices", "times", "0", "voice_says_it_once_to_thrice"),
        ("voice_volumes", "from_time, volume", "'08:00', 101", "voice_volume_is_percent"),
        ("voice_words", "kind, lang, written, spoken", "'song', 'en', 'a', 'b'", "voice_word_kind"),
        ("voice_words", "kind, lang, written, spoken", "'prefix', 'fr', 'a', 'b'", "voice_word_language"),
        ("voice_words", "kind, lang, written, spoken", "'prefix', 'en', '', 'b'", "voice_word_written"),
        ("voice_words", "kind, lang, written, spoken", "'prefix', 'en', 'a', ''", "voice_word_spoken"),
    ],
)  # fmt: skip
async def test_the_database_refuses_it_too(
    db: Connection, hall: Hall, table: str, columns: str, values: str, constraint: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refused:
        await db.execute(f"INSERT INTO {table} (hall, {columns}) VALUES ({hall.id}, {values})")
    assert refused.value.constraint_name == constraint


def test_a_reading_is_suggested_and_every_reading_of_a_character_is_known() -> None:
    assert tuning.suggested("登记处") == "deng1 ji4 chu4"
    assert {"chang2", "zhang3", "chang5"} <= tuning.readings_of("长") and "shang2" not in tuning.readings_of("长")
