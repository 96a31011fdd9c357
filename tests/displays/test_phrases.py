"""The hall speaks plainly, and reads every number in one way."""

import pytest

from displays import phrases
from displays.phrases import Sentence


def test_the_sentence_of_a_call_is_the_one_everybody_knows() -> None:
    assert phrases.say_call("A001", "3", "zh-Hans") == "请A零零一号到三号窗口办理"


def test_a_call_in_english_names_each_digit() -> None:
    assert phrases.say_call("A001", "3", "en") == "Ticket A 0 0 1, please go to window 3"


@pytest.mark.parametrize(
    ("window", "read"),
    [("2", "二"), ("10", "十"), ("12", "十二"), ("20", "二十"), ("21", "二十一"), ("101", "一百零一"), ("110", "一百一十"),
     ("130", "一百三十"), ("A3", "A三"), ("VIP", "VIP")],
)  # fmt: skip
def test_a_window_is_read_as_a_number(window: str, read: str) -> None:
    assert phrases.read_window(window, "zh-Hans") == read


@pytest.mark.parametrize(
    ("number", "read"), [("A001", "A零零一"), ("B1203", "B一二零三"), ("VIP007", "贵宾零零七"), ("LOVE010", "爱心零一零")]
)
def test_a_ticket_is_read_digit_by_digit(number: str, read: str) -> None:
    assert phrases.read_number(number, "zh-Hans") == read


def test_both_scripts_share_one_voice() -> None:
    assert phrases.call_sentences("A001", "3", ["zh-Hant"]) == [Sentence("zh-Hans", "请A零零一号到三号窗口办理")]


def test_an_english_ticket_is_called_in_both_languages() -> None:
    assert phrases.call_sentences("A012", "12", ["en"]) == [
        Sentence("zh-Hans", "请A零一二号到十二号窗口办理"),
        Sentence("en", "Ticket A 0 1 2, please go to window 12"),
    ]


def test_a_language_nobody_speaks_here_is_left_out() -> None:
    assert phrases.call_sentences("A001", "1", ["fr"]) == [Sentence("zh-Hans", "请A零零一号到一号窗口办理")]


def test_every_language_of_a_ticket_has_a_voice_with_a_sentence() -> None:
    assert set(phrases.SPOKEN_AS.values()) == set(phrases.CALLS)
