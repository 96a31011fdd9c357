"""What an engineer may set about a hall's voice, and what is refused: above all a reading that nobody would understand."""

import re
from collections.abc import Mapping, Sequence

from displays.phrases import VOICES
from displays.voice import LOUDEST, Voice
from queueing.db import Db
from queueing.errors import BadInput

ONES = ("一", "幺")
HANT = ("zh-Hans", "yue")
TIMES = (1, 3)
LINES = 200  # words of either kind
WRITTEN, SPOKEN = 20, 80  # characters
SYLLABLE = re.compile(r"[a-zü]{1,6}[1-5]")


SAVE = """
WITH kept AS (
    INSERT INTO voices (hall, langs, own_lang, hant, one, times, chime) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (hall) DO UPDATE SET langs = excluded.langs, own_lang = excluded.own_lang, hant = excluded.hant,
        one = excluded.one, times = excluded.times, chime = excluded.chime
), volumes AS (
    SELECT (e ->> 0)::time AS from_time, (e ->> 1)::integer AS volume FROM jsonb_array_elements($8) e
), quieter AS (
    DELETE FROM voice_volumes WHERE hall = $1 AND from_time NOT IN (SELECT from_time FROM volumes)
), louder AS (
    INSERT INTO voice_volumes (hall, from_time, volume) SELECT $1, from_time, volume FROM volumes
    ON CONFLICT (hall, from_time) DO UPDATE SET volume = excluded.volume
), words AS (
    SELECT e ->> 0 AS kind, e ->> 1 AS lang, e ->> 2 AS written, e ->> 3 AS spoken FROM jsonb_array_elements($9) e
), forgotten AS (
    DELETE FROM voice_words WHERE hall = $1 AND (kind, lang, written) NOT IN (SELECT kind, lang, written FROM words)
)
INSERT INTO voice_words (hall, kind, lang, written, spoken) SELECT $1, kind, lang, written, spoken FROM words
ON CONFLICT (hall, kind, lang, written) DO UPDATE SET spoken = excluded.spoken
"""


async def save(db: Db, hall_id: int, voice: Voice) -> None:
    """Set all of the hall's voice; it holds from the next call on. BadInput."""
    check(voice)
    lexicon = voice.lexicon
    words = [
        (kind, lang, written, spoken)
        for kind, known in (("prefix", lexicon.prefixes), ("reading", lexicon.readings))
        for lang, entries in known.items() for written, spoken in entries.items()
    ]  # fmt: skip
    await db.execute(
        SAVE, hall_id, list(voice.langs), voice.own_lang, voice.hant, lexicon.one, voice.times, voice.chime,
        [(f"{begins:%H:%M}", volume) for begins, volume in voice.volumes], words,
    )  # fmt: skip


def check(voice: Voice) -> None:
    """BadInput for what no voice can be set to; the database would refuse it too, but could not say it so well."""
    if not voice.langs or set(voice.langs) - set(VOICES):
        raise BadInput(field="langs", message=f"each once, of {', '.join(VOICES)}")
    if voice.hant not in HANT:
        raise BadInput(field="hant", message=f"one of {', '.join(HANT)}")
    if voice.lexicon.one not in ONES:
        raise BadInput(field="one", message=f"one of {', '.join(ONES)}")
    if not TIMES[0] <= voice.times <= TIMES[1]:
        raise BadInput(field="times", message=f"{TIMES[0]} to {TIMES[1]}")
    for _, volume in voice.volumes:
        if not 0 <= volume <= LOUDEST:
            raise BadInput(field="volumes", message=f"0 to {LOUDEST}")
    if len({begins for begins, _ in voice.volumes}) < len(voice.volumes):
        raise BadInput(field="volumes", message="a time of day stands there twice")
    check_words(voice.lexicon.prefixes, "prefixes")
    check_words(voice.lexicon.readings, "readings")
    for written, spoken in voice.lexicon.readings.get("zh-Hans", {}).items():
        check_reading(written, spoken)


def check_words(known: Mapping[str, Mapping[str, str]], name: str) -> None:
    entries = [entry for words in known.values() for entry in words.items()]
    if len(entries) > LINES:
        raise BadInput(field=name, message=f"Expected `array` of length <= {LINES}")
    for written, spoken in entries:
        if len(written) > WRITTEN or len(spoken) > SPOKEN:
            raise BadInput(field=name, message=f"at most {WRITTEN if len(written) > WRITTEN else SPOKEN} characters")


def check_reading(written: str, spoken: str) -> None:
    """Each character has its syllable, and one it can have: a mistyped reading is worse than none. BadInput."""
    syllables = spoken.split()
    if len(syllables) != len(written) or not all(SYLLABLE.fullmatch(syllable) for syllable in syllables):
        raise BadInput(field="readings", message=f"{written}: a syllable with its tone for each character")
    for character, syllable in zip(written, syllables, strict=True):
        if syllable not in readings_of(character):
            raise BadInput(field="readings", message=f"{written}: nobody reads {character} as {syllable}")


def readings_of(character: str) -> set[str]:
    """Every way a character is read, `chang2` and `zhang3` for 长; the neutral tone (5) is always possible."""
    from pypinyin import Style, pinyin  # half a second and 56 MB: only who writes readings pays for it

    known = {reading for readings in pinyin(character, Style.TONE3, heteronym=True) for reading in readings}
    return {reading.replace("v", "ü") for reading in known} | {f"{reading.rstrip('12345')}5" for reading in known}


def suggested(written: str) -> str:
    """How a word is most likely read, as the lexicon wants it: for the engineer to correct."""
    from pypinyin import Style, pinyin

    return " ".join(syllable for (syllable,) in pinyin(written, Style.TONE3, neutral_tone_with_five=True))


def ordered(langs: Sequence[str]) -> tuple[str, ...]:
    """The languages somebody ticked, in the order in which a hall says them."""
    return tuple(lang for lang in VOICES if lang in langs)
