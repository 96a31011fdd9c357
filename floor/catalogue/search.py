"""Finding a matter by what people type: characters, pinyin, its initials, a mixture of them, or something nearly right."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from queueing.matters import Catalogue, Matter

MOST_TYPED = 30

BLANK = re.compile(r"[\s·,，。.、/()（）《》“”\"'-]+")

Readings = tuple[frozenset[str], ...]  # of each character: itself and every pinyin it is read as
Sounds = Sequence[Sequence[str]]  # of each character: every pinyin it is read as


@dataclass(frozen=True, slots=True)
class Names:
    """A matter as it can be asked for: each name as characters with their readings, and as it may sound."""

    matter: Matter
    spelled: tuple[Readings, ...]
    sounds: tuple[Sounds, ...]
    english: str


@cache
def syllables() -> list[tuple[str, str, str]]:
    """Each syllable, the characters that are read so before all else, and those that may be read so: 0.1 MB."""
    lines = (files(__package__) / "readings.txt").read_text("utf-8").splitlines()
    told = [line.split(" ") for line in lines if not line.startswith("#")]
    return [(syllable, first, "".join(rest)) for syllable, first, *rest in told]


@lru_cache(maxsize=8192)
def spoken(character: str) -> tuple[str, ...]:
    """How a character is read, the usual way first; what is no Chinese character is its own sound."""
    usual = [syllable for syllable, first, _ in syllables() if character in first]
    other = [syllable for syllable, _, rest in syllables() if character in rest]
    return (*usual, *other) if character >= "\u4e00" and usual else (character,)


@lru_cache(maxsize=8192)
def readings(character: str) -> frozenset[str]:
    """Every way to type one character."""
    return frozenset({character, *spoken(character)})


def sound(text: str) -> str:
    """A text as it is spoken, letters only: 不动产 is budongchan."""
    return "".join(spoken(character)[0] for character in text)


def plain(text: str) -> str:
    """A text without blanks and marks, in small letters."""
    return BLANK.sub("", text.casefold())


class Index:
    """What is offered, ready to be searched."""

    def __init__(self, known: Catalogue) -> None:
        self.names = [names_of(matter) for matter in known.offered]

    def find(self, typed: str, most: int = 50) -> list[Matter]:
        """The matters that fit what was typed, the best first; near misses only where nothing else fits."""
        asked = plain(typed[:MOST_TYPED])
        if not asked:
            return []
        scored = [(score(asked, typed, names), names) for names in self.names]
        if not any(points > 0 for points, _ in scored):
            scored = [(points or near(asked, names), names) for points, names in scored]
        good = sorted((pair for pair in scored if pair[0] > 0), key=lambda pair: (-pair[0], len(pair[1].matter.name)))
        return [names.matter for _, names in good[:most]]


def names_of(matter: Matter) -> Names:
    told = [matter.name, *matter.aliases, *([matter.name_hant] if matter.name_hant else [])]
    texts = [plain(text) for text in told]
    return Names(
        matter, tuple(tuple(readings(character) for character in text) for text in texts),
        tuple(tuple(spoken(character) for character in text) for text in texts), (matter.name_en or "").casefold(),
    )  # fmt: skip


def score(asked: str, typed: str, names: Names) -> float:
    """How well a matter fits, 0 when it doesn't: the code, a word of the English name, or a run of characters and pinyin."""
    if names.matter.code.casefold() == asked:
        return 200
    points = max((run_score(asked, spelled) - 10 * (place > 0) for place, spelled in enumerate(names.spelled)), default=0.0)
    return max(points, english_score(typed.casefold().split(), names.english))


def run_score(asked: str, spelled: Readings) -> float:
    """A run of characters, each typed as itself or as the beginning of its pinyin; the earlier and fuller the better."""
    for start, ways in enumerate(spelled):
        if any(way[0] == asked[0] for way in ways) and (covered := run(asked, spelled, start)):
            return 100 - min(start, 20) * 1.5 + 20 * covered / len(spelled)
    return 0


def run(asked: str, spelled: Readings, start: int) -> int:
    """How many characters from `start` on the whole of `asked` spells; 0 when it doesn't."""
    reached = {0}
    for count, ways in enumerate(spelled[start:], start=1):
        after: set[int] = set()
        for at in reached:
            for way in ways:
                for length in range(1, len(way) + 1):
                    if not asked.startswith(way[:length], at):
                        break
                    after.add(at + length)
        if len(asked) in after:
            return count
        if not after:
            return 0
        reached = after
    return 0


def english_score(typed: Sequence[str], english: str) -> float:
    """Every word typed begins a word of the name, or its initials are typed."""
    if not english or not typed:
        return 0
    own = re.findall(r"[a-z0-9]+", english)
    if all(any(word.startswith(part) for word in own) for part in typed):
        return 90 if own[0].startswith(typed[0]) else 80
    return 0


def near(asked: str, names: Names) -> float:
    """A slip of the finger: one letter off in four or more, two in eight or more, wherever it stands in the sound."""
    said = sound(asked)
    allowed = 0 if len(said) < 4 else 1 if len(said) < 8 else 2
    off = min((distance(said, heard) for heard in heards(names)), default=99)
    return 40 - 10 * off if off <= allowed and allowed else 0


def heards(names: Names) -> Iterable[Sounds]:
    yield from names.sounds
    if names.english:
        yield BLANK.sub("", names.english)


def distance(asked: str, heard: Sounds) -> int:
    """The fewest letters to add, drop or change so that `asked` stands somewhere in `heard`, each character read as suits.

    How far off each beginning of `asked` is grows or falls by one from letter to letter, so two numbers hold it, a bit a
    letter (Myers 1999): five times as quick as a table. Readings that differ are followed side by side until they agree.
    """
    whole, places = (1 << len(asked)) - 1, dict.fromkeys(asked, 0)
    for at, letter in enumerate(asked):
        places[letter] |= 1 << at
    states, least = {(whole, 0)}, len(asked)
    for ways in heard:
        after = set()
        for up, down in states:
            for way in ways:
                ends = up, down
                for letter in way:
                    ends = past(places.get(letter, 0), whole, *ends)
                    least = min(least, ends[0].bit_count() - ends[1].bit_count())
                after.add(ends)
        states = after
    return least


def past(same: int, whole: int, up: int, down: int) -> tuple[int, int]:
    """Where `asked` grows farther off and where nearer, once a letter is heard that stands in it at `same`."""
    matched = (((same & up) + up) ^ up) | same
    grows, falls = (down | ~(matched | up)) << 1, (up & matched) << 1
    return (falls | ~(same | down | grows)) & whole, grows & (same | down) & whole
