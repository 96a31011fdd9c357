"""What the hall says aloud, in each voice, and how a number is read so that everybody hears the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SPOKEN_AS = {"zh-Hans": "zh-Hans", "zh-Hant": "zh-Hans", "en": "en"}  # two scripts, one voice

DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
PREFIXES: Mapping[str, str] = {"VIP": "贵宾", "LOVE": "爱心"}  # prefixes that are words; other letters are read one by one


CALLS: Mapping[str, str] = {
    "zh-Hans": "请{number}号到{window}号窗口办理",
    "en": "Ticket {number}, please go to window {window}",
}


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence to be said, in the language it is written in."""

    lang: str
    text: str


def read_number(number: str, lang: str) -> str:
    """A printed number as it is read: A012 is "A零一二", in English "A 0 1 2". A prefix that is a word is said as one."""
    letters = number.rstrip("0123456789")
    digits = number[len(letters) :]
    if lang == "en":
        return " ".join((*letters, *digits))
    return PREFIXES.get(letters, letters) + "".join(DIGITS[digit] for digit in digits)


def read_window(window: str, lang: str) -> str:
    """A window's number as it is read: 2 is 二 (never 两), 12 is 十二, 120 is 一百二十; letters stay letters."""
    letters = window.rstrip("0123456789")
    digits = window[len(letters) :]
    if lang == "en":
        return " ".join((*letters, digits)) if digits else letters
    return letters + (count(int(digits)) if digits else "")


def count(value: int) -> str:
    """A whole number below 10,000 as a Chinese numeral; longer ones digit by digit."""
    if value >= 10_000:
        return "".join(DIGITS[digit] for digit in str(value))
    if value < 10:
        return DIGITS[str(value)]
    said, gap = "", False
    for unit, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = value // size % 10
        if digit:
            said += ("零" if gap and said else "") + DIGITS[str(digit)] + unit
        gap = digit == 0
    return said.removeprefix("一") if value < 20 else said


def call_sentences(number: str, window: str, langs: Sequence[str]) -> list[Sentence]:
    """What a call says, once per voice: zh-Hans first, then the ticket's own language if it is another one."""
    voices = dict.fromkeys(SPOKEN_AS[lang] for lang in ("zh-Hans", *langs) if lang in SPOKEN_AS)
    return [Sentence(voice, say_call(number, window, voice)) for voice in voices]


def say_call(number: str, window: str, lang: str) -> str:
    """The sentence of a call: 「请A零零一号到三号窗口办理」 for A001 and window 3."""
    return CALLS[lang].format(number=read_number(number, lang), window=read_window(window, lang))
