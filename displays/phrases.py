"""What the hall says aloud, in each voice, and how a number is read so that everybody hears the same."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

VOICES = ("zh-Hans", "en", "yue")  # Mandarin, English, Cantonese

DIGITS = dict(zip("0123456789", "零一二三四五六七八九", strict=True))
# An English voice reads a lone A as in "a ticket".
SPELLED = "ay bee see dee ee eff gee aitch eye jay kay ell em en oh pee queue are ess tee you vee double-u ex why zed"
LETTERS = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", SPELLED.split(), strict=True))

# A call, cut where a recording may be joined: {number} and {window} are one or several pieces themselves.
CALLS: Mapping[str, tuple[str, ...]] = {
    "zh-Hans": ("请", "{number}", "号到", "{window}", "号窗口办理"),
    "en": ("Ticket ", "{number}", ", please go to window ", "{window}"),
    "yue": ("請", "{number}", "號到", "{window}", "號窗口辦理"),
}

# What is said in a zone in which somebody was offered another time or a visit: most have nothing but their paper. Short: while it
# is said a call waits, and a call is good for 20 seconds.
OFFERED: Mapping[str, str] = {
    "zh-Hans": "部分号码今天可能办不到，请拿小票到取号机或导办台改约。",
    "en": "Some numbers may not be served today. Please show your paper at a ticket machine or the guide desk.",
    "yue": "部分號碼今日可能辦唔到，請攞小票去取號機或者導辦台改約。",
}

# Prefixes that are words; other letters are read one by one.
PREFIXES: Mapping[str, Mapping[str, str]] = {
    "zh-Hans": {"VIP": "贵宾", "LOVE": "爱心", "AP": "预约"},
    "yue": {"VIP": "貴賓", "LOVE": "愛心", "AP": "預約"},
    "en": {"LOVE": "Love"},
}

# Words that the voice or its dictionary gets wrong: pinyin with tones. A hall adds its own streets and names.
READINGS: Mapping[str, Mapping[str, str]] = {
    "zh-Hans": {"长春路": "chang2 chun1 lu4", "便宜": "pian2 yi5", "朝阳路": "chao2 yang2 lu4"},
}


@dataclass(frozen=True, slots=True)
class Lexicon:
    """How one hall reads: by voice, what a prefix is called and how a word of two readings is pronounced."""

    one: str = "一"  # 1 in a ticket's number; 幺 where people know it from the telephone. A window is always a number
    prefixes: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: PREFIXES)
    readings: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: READINGS)


USUAL = Lexicon()


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence to be said. `read` is what a speech engine is given where that differs from what people read."""

    lang: str
    text: str
    read: str | None = None

    def wire(self) -> dict[str, str]:
        """As a job carries it."""
        return {"lang": self.lang, "text": self.text} | ({"read": self.read} if self.read else {})


def number_pieces(number: str, lang: str, lexicon: Lexicon = USUAL) -> list[str]:
    """A printed number as it is read: A012 is A 零 一 二, in English A 0 1 2. A prefix that is a word is said as one."""
    letters, digits = split(number)
    word = lexicon.prefixes.get(lang, {}).get(letters)
    before = [word] if word else list(letters)
    if lang == "en":
        return [*before, *digits]
    read = DIGITS | {"1": lexicon.one} if lang == "zh-Hans" else DIGITS
    return [*before, *(read[digit] for digit in digits)]


def window_pieces(window: str, lang: str) -> list[str]:
    """A window's number as it is read: 2 is 二 (never 两), 12 is 十二, 120 is 一百二十; letters stay letters."""
    letters, digits = split(window)
    if not digits:
        return list(letters)
    return [*letters, str(int(digits)) if lang == "en" else count(int(digits))]


def split(printed: str) -> tuple[str, str]:
    """The letters in front and the digits behind."""
    letters = printed.rstrip("0123456789")
    return letters, printed[len(letters) :]


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


def call_pieces(number: str, window: str, lang: str, lexicon: Lexicon = USUAL) -> list[str]:
    """The sentence of a call in the pieces a recording may be joined from; joined by `joined` it is the sentence."""
    parts = {"{number}": number_pieces(number, lang, lexicon), "{window}": window_pieces(window, lang)}
    return [piece for part in CALLS[lang] for piece in parts.get(part, [part])]


def say_call(number: str, window: str, lang: str, lexicon: Lexicon = USUAL) -> Sentence:
    """The sentence of a call: 「请A零零一号到三号窗口办理」 for A001 and window 3."""
    between = " " if lang == "en" else ""
    gaps = {
        "{number}": between.join(number_pieces(number, lang, lexicon)), "{window}": between.join(window_pieces(window, lang))
    }  # fmt: skip
    return sentence("".join(gaps.get(part, part) for part in CALLS[lang]), lang, lexicon)


def sentence(text: str, lang: str, lexicon: Lexicon = USUAL) -> Sentence:
    """Any text to be said, with the hall's readings in place of the words the voice would get wrong."""
    readings = lexicon.readings.get(lang, {})
    read = text
    if readings:
        longest_first = "|".join(map(re.escape, sorted(readings, key=len, reverse=True)))
        read = re.sub(longest_first, lambda found: f" {readings[found[0]]} ", text).strip()
    if lang == "en":
        read = re.sub(r"\b[A-Z]\b", lambda letter: LETTERS[letter[0]], read)
    return Sentence(lang, text, read if read != text else None)


def call_sentences(number: str, window: str, langs: Sequence[str], own: str | None, lexicon: Lexicon = USUAL) -> list[Sentence]:
    """What a call says: once in each of the hall's voices, then in the ticket's own if that is another one."""
    voices = dict.fromkeys((*langs, own) if own in VOICES else langs)
    return [say_call(number, window, voice, lexicon) for voice in voices]
