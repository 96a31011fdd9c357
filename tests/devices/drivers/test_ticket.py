"""The paper: what it says, that its code can be read, and that it fits the roll."""

from typing import Any

import pytest
import zxingcpp
from PIL import Image

from devices.drivers.drawing.ticket import draw_test, draw_ticket
from devices.drivers.drawing.words import WORDS, wait_range, words

TICKET: dict[str, Any] = {
    "template": "ticket",
    "ticket_id": "tk_1",
    "ticket": "A039",
    "service": "A",
    "ahead": 6,
    "wait": {"p50_s": 720, "p90_s": 1075},
    "at": "2026-11-02T09:12:11+08:00",
    "url": "http://192.168.1.20:8000/t/8Jk2nQe5xW",
    "hall": "云上市政务服务中心",
    "where": "社保医保区",
    "line": "当日有效，过号请到导办台",
    "lang": "zh-Hans",
    "service_name": "社保医保",
}


def codes(image: Image.Image) -> list[str]:
    return [code.text for code in zxingcpp.read_barcodes(image.convert("L"))]


def black(image: Image.Image, top: int, bottom: int) -> float:
    """The share of black dots between two rows."""
    strip = image.crop((0, top, image.width, bottom)).convert("L")
    return strip.histogram()[0] / (strip.width * strip.height)


@pytest.mark.parametrize("across", [576, 384])
@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
def test_the_code_of_a_ticket_leads_to_its_phone_page(across: int, lang: str) -> None:
    image = draw_ticket({**TICKET, "lang": lang}, across)
    assert (image.mode, image.width, codes(image)) == ("1", across, [TICKET["url"]])


def test_a_ticket_is_no_longer_than_twelve_centimetres() -> None:
    assert draw_ticket(TICKET).height < 12 / 2.54 * 203


def test_the_number_is_the_tallest_thing_on_the_paper() -> None:
    with_number, without = draw_ticket(TICKET), draw_ticket({**TICKET, "ticket": " "})
    assert with_number.height == without.height
    rows = [
        y
        for y in range(with_number.height)
        if with_number.crop((0, y, 576, y + 1)).tobytes() != without.crop((0, y, 576, y + 1)).tobytes()
    ]
    assert len(rows) > 150  # dots, nearly two centimetres


def test_a_copy_is_marked_at_both_ends_and_an_original_at_none() -> None:
    original, copy = draw_ticket(TICKET), draw_ticket({**TICKET, "template": "reprint", "copy": 2})
    assert [black(original, 0, 10) > 0.5, black(original, original.height - 30, original.height - 20) > 0.5] == [False] * 2
    assert [black(copy, 0, 10) > 0.5, black(copy, copy.height - 30, copy.height - 20) > 0.5] == [True] * 2


def test_a_ticket_of_which_only_the_number_is_known_can_be_drawn() -> None:
    assert draw_ticket({"ticket": "LOVE001"}).width == 576


def test_the_three_languages_have_the_same_words() -> None:
    assert [set(words(lang)) for lang in ("zh-Hant", "en", "xx")] == [set(WORDS["zh-Hans"])] * 3


@pytest.mark.parametrize(
    ("p50_s", "p90_s", "said"),
    [(720, 1075, "12–18 分钟"), (10, 50, "约 1 分钟"), (0, 0, "很快轮到"), (300, 300, "约 5 分钟"), (119, 121, "1–3 分钟")],
)
def test_a_wait_is_whole_minutes_with_the_far_end_rounded_up(p50_s: int, p90_s: int, said: str) -> None:
    assert wait_range({"p50_s": p50_s, "p90_s": p90_s}, words("zh-Hans")) == said


def test_an_unknown_wait_is_not_made_up() -> None:
    assert wait_range(None, words("zh-Hans")) == "请留意叫号"


def test_the_test_page_has_a_code_too() -> None:
    assert codes(draw_test({"url": "http://hall/t/x", "at": TICKET["at"]})) == ["http://hall/t/x"]
