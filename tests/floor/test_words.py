"""The catalogues of the three languages and which of them is read."""

import string
from pathlib import Path

import pytest
from starlette.requests import Request

from floor import words as module
from floor.words import LANGUAGES, WordsMissing, check_words, language, words


def asking(query: str = "", **headers: str) -> Request:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "query_string": query.encode(), "headers": sent})


def gaps(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_is_in_all_languages_with_the_same_gaps() -> None:
    check_words()
    here = words("zh-Hans")
    # English tells zones by their letter, Chinese by their name; the page gives both.
    pairs = [(lang, key) for lang in LANGUAGES for key in sorted(words(lang).keys())]
    different = [(lang, key) for lang, key in pairs if gaps(words(lang)[key]) - gaps(here[key]) and key != "common.zone"]
    assert different == []


@pytest.mark.parametrize(
    ("asked", "lang"),
    [
        ("", "zh-Hans"), ("en-GB,en;q=0.9", "en"), ("zh-HK", "zh-Hant"), ("zh-Hant-TW,en;q=0.9", "zh-Hant"), ("zh", "zh-Hans"),
        ("de,en;q=0.5,zh;q=0.7", "zh-Hans"), ("en;q=zero", "zh-Hans"), ("de", "zh-Hans"),
    ],
)  # fmt: skip
def test_the_language_is_the_best_the_reader_names(asked: str, lang: str) -> None:
    assert language(asking(accept_language=asked)) == lang


def test_what_was_chosen_on_the_page_wins() -> None:
    assert language(asking(cookie="lang=zh-Hant", accept_language="en")) == "zh-Hant"
    assert language(asking("lang=en", cookie="lang=zh-Hant")) == "en"
    assert language(asking("lang=xx", accept_language="en")) == "en"


def test_a_text_that_one_language_lacks_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for lang in LANGUAGES:
        (tmp_path / lang).mkdir()
        (tmp_path / lang / "kiosk.toml").write_text('take = "x"\n' + ('more = "y"\n' if lang != "en" else ""))
    monkeypatch.setattr(module, "LOCALES", tmp_path)
    words.cache_clear()
    try:
        with pytest.raises(WordsMissing, match=r"en: kiosk\.more"):
            check_words()
    finally:
        words.cache_clear()
