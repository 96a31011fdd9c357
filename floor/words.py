"""The hall's words in its three languages, and which of them the person asking would like to read."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from starlette.requests import HTTPConnection

LANGUAGES = ("zh-Hans", "zh-Hant", "en")
LOCALES = Path(__file__).parent / "locales"


class WordsMissing(Exception):
    """The catalogues of the languages differ."""


class Words:
    """One language's words: `words["kiosk.take"]`, or with its gaps filled `words("kiosk.people", n=3)`."""

    __slots__ = ("_texts", "lang")

    def __init__(self, lang: str, texts: Mapping[str, str]) -> None:
        self.lang = lang
        self._texts = texts

    def __getitem__(self, key: str) -> str:
        return self._texts[key]

    def __contains__(self, key: object) -> bool:
        return key in self._texts

    def __call__(self, key: str, **details: object) -> str:
        text = self._texts[key]
        return text.format(**details) if details else text

    def get(self, key: str, usual: object) -> object:
        """The text of a key, `usual` for a key the hall has no word for."""
        return self._texts.get(key, usual)

    def keys(self) -> set[str]:
        return set(self._texts)


@cache
def words(lang: str) -> Words:
    """The catalogue of a language. KeyError for a language the hall doesn't speak."""
    if lang not in LANGUAGES:
        raise KeyError(lang)
    return Words(lang, read_catalogue(LOCALES / lang))


def read_catalogue(folder: Path) -> dict[str, str]:
    """All `<page>.toml` of a folder as one flat mapping of `page.key` to text."""
    texts: dict[str, str] = {}
    for file in sorted(folder.glob("*.toml")):
        texts.update(flatten(file.stem, tomllib.loads(file.read_text("utf-8"))))
    return texts


def flatten(prefix: str, table: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Dotted keys of nested tables."""
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from flatten(f"{prefix}.{key}", value)
        else:
            yield f"{prefix}.{key}", str(value)


def check_words() -> None:
    """Raise WordsMissing, naming each key that one language has and another lacks."""
    everything = set().union(*(words(lang).keys() for lang in LANGUAGES))
    missing = [f"{lang}: {key}" for lang in LANGUAGES for key in sorted(everything - words(lang).keys())]
    if missing:
        raise WordsMissing("words missing: " + ", ".join(missing))


def language(request: HTTPConnection) -> str:
    """The language of a request: what `?lang=` says, else the cookie `lang`, else Accept-Language, else zh-Hans."""
    asked = request.query_params.get("lang") or request.cookies.get("lang")
    return spoken(asked) or accepted(request.headers.get("accept-language", "")) or LANGUAGES[0]


def said_in(lang: str) -> dict[str, str]:
    """The headers of an answer in a language: which it is, and what in the request chose it."""
    return {"content-language": lang, "vary": "Accept-Language, Cookie"}


def accepted(header: str) -> str | None:
    """The best language of an Accept-Language header that the hall speaks."""
    best, weight = None, 0.0
    for part in header.split(","):
        tag, _, quality = part.partition(";q=")
        try:
            wish = float(quality) if quality else 1.0
        except ValueError:
            continue
        if wish > weight and (lang := spoken(tag.strip())):
            best, weight = lang, wish
    return best


def spoken(tag: str | None) -> str | None:
    """The hall's name for a language tag: zh-TW and zh-HK read traditional characters, other zh simplified ones."""
    tag = (tag or "").lower()
    if tag.startswith("zh"):
        return "zh-Hant" if tag.startswith(("zh-hant", "zh-tw", "zh-hk", "zh-mo")) else "zh-Hans"
    return "en" if tag.startswith("en") else None
