"""What a person has to read aloud once, so that every call of a hall can be said in that voice."""

from collections.abc import Sequence

from displays.phrases import DIGITS, call_pieces
from displays.voice import Voice
from queueing.db import Db
from queueing.halls import Hall

EVERY_DIGIT = "".join(DIGITS)

NAMED = """
SELECT (SELECT array_agg(DISTINCT prefix ORDER BY prefix) FROM services WHERE hall = $1) AS prefixes,
       (SELECT array_agg(no ORDER BY rank, no) FROM windows WHERE hall = $1) AS windows
"""


Call = tuple[str, list[str]]  # language, pieces


async def calls(db: Db, hall: Hall, voice: Voice) -> list[Call]:
    """Calls in which every prefix, digit and window of the hall occurs, in each language it may speak, in pieces."""
    row = await db.fetchrow(NAMED, hall.id)
    prefixes, windows = (row["prefixes"] or [], row["windows"] or []) if row else ([], [])
    if not prefixes or not windows:
        return []
    named = [(prefix, windows[0]) for prefix in prefixes] + [(prefixes[0], window) for window in windows[1:]]
    return [
        (lang, call_pieces(prefix + EVERY_DIGIT, window, lang, voice.lexicon))
        for lang in languages(voice) for prefix, window in named
    ]  # fmt: skip


def spans(said: Sequence[Call], lang: str) -> list[str]:
    """The same calls in one language in longer spans: up to the digits, each digit, and all behind them."""
    cut: dict[str, None] = {}
    for one, pieces in said:
        if one == lang:
            first = next(n for n, piece in enumerate(pieces) if piece == read_zero(lang))
            digits = pieces[first : first + len(EVERY_DIGIT)]
            cut |= dict.fromkeys(("".join(pieces[:first]), *digits, "".join(pieces[first + len(EVERY_DIGIT) :])))
    return list(cut)


def read_zero(lang: str) -> str:
    return EVERY_DIGIT[0] if lang == "en" else DIGITS[EVERY_DIGIT[0]]


def languages(voice: Voice) -> list[str]:
    """The languages a call may be said in: the hall's, and those of its tickets."""
    own = ("zh-Hans", voice.hant, "en") if voice.own_lang else ()
    return list(dict.fromkeys((*voice.langs, *own)))


def takes(said: Sequence[Call]) -> list[tuple[str, str]]:
    """What to record for these calls: (language, words), each once."""
    return list(dict.fromkeys((lang, piece.strip(" ,")) for lang, pieces in said for piece in pieces))
