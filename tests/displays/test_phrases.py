"""The hall speaks plainly, and reads every number in one way: its own."""

import pytest

from displays import phrases
from displays.phrases import Lexicon, Sentence

FIRST = Sentence("zh-Hans", "请A零零一号到三号窗口办理")


@pytest.mark.parametrize(
    ("lang", "text", "read"),
    [
        ("zh-Hans", "请A零零一号到十二号窗口办理", None),
        ("yue", "請A零零一號到十二號窗口辦理", None),
        ("en", "Ticket A 0 0 1, please go to window 12", "Ticket ay 0 0 1, please go to window 12"),
    ],
)
def test_the_sentence_of_a_call_in_each_language(lang: str, text: str, read: str | None) -> None:
    assert phrases.say_call("A001", "12", lang) == Sentence(lang, text, read)


@pytest.mark.parametrize(
    ("window", "read"),
    [("2", "二"), ("10", "十"), ("12", "十二"), ("20", "二十"), ("21", "二十一"), ("101", "一百零一"), ("110", "一百一十"),
     ("130", "一百三十"), ("A3", "A三"), ("VIP", "VIP")],
)  # fmt: skip
def test_a_window_is_read_as_a_number(window: str, read: str) -> None:
    assert "".join(phrases.window_pieces(window, "zh-Hans")) == read


@pytest.mark.parametrize(
    ("number", "lang", "read"),
    [("A001", "zh-Hans", "A零零一"), ("B1203", "zh-Hans", "B一二零三"), ("VIP007", "zh-Hans", "贵宾零零七"),
     ("LOVE010", "zh-Hans", "爱心零一零"), ("AP012", "zh-Hans", "预约零一二"), ("LOVE001", "yue", "愛心零零一"),
     ("LOVE001", "en", "Love001"), ("VIP7", "en", "VIP7")],
)  # fmt: skip
def test_a_ticket_is_read_digit_by_digit_and_its_prefix_as_a_word(number: str, lang: str, read: str) -> None:
    assert "".join(phrases.number_pieces(number, lang, phrases.USUAL)) == read


def test_one_is_yao_where_the_hall_says_so_but_never_in_a_window() -> None:
    lexicon = Lexicon(one="幺", prefixes={"zh-Hans": {"A": "社保"}})
    assert phrases.say_call("A101", "11", "zh-Hans", lexicon).text == "请社保幺零幺号到十一号窗口办理"
    assert phrases.say_call("A101", "11", "yue", lexicon).text == "請A一零一號到十一號窗口辦理"


def test_the_pieces_of_a_call_are_its_sentence() -> None:
    for lang in phrases.VOICES:
        for number, window in (("A001", "3"), ("LOVE120", "12"), ("AP9", "A3")):
            whole = "".join(phrases.call_pieces(number, window, lang))
            assert whole.replace(" ", "") == phrases.say_call(number, window, lang).text.replace(" ", "")


def test_a_word_of_two_readings_is_given_to_the_voice_as_the_lexicon_reads_it() -> None:
    lexicon = Lexicon(readings={"zh-Hans": {"长春": "chang2 chun1", "长春路": "chang2 chun1 lu4", "行": "hang2"}})
    said = phrases.sentence("请到长春路银行", "zh-Hans", lexicon)
    assert said == Sentence("zh-Hans", "请到长春路银行", "请到 chang2 chun1 lu4 银 hang2")
    assert said.wire() == {"lang": "zh-Hans", "text": "请到长春路银行", "read": "请到 chang2 chun1 lu4 银 hang2"}
    assert FIRST.wire() == {"lang": "zh-Hans", "text": "请A零零一号到三号窗口办理"}


def test_a_ticket_is_called_in_the_halls_voices_and_then_its_own() -> None:
    def langs(hall: tuple[str, ...], own: str | None) -> list[str]:
        return [said.lang for said in phrases.call_sentences("A001", "3", hall, own)]

    assert phrases.call_sentences("A001", "3", ("zh-Hans",), "zh-Hans") == [FIRST]
    assert langs(("zh-Hans",), "en") == ["zh-Hans", "en"]
    assert langs(("zh-Hans", "en"), "en") == ["zh-Hans", "en"]
    assert langs(("yue", "zh-Hans"), "en") == ["yue", "zh-Hans", "en"]
    assert langs(("zh-Hans",), None) == langs(("zh-Hans",), "fr") == ["zh-Hans"]
