"""The strip over a window, looked at dot by dot."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from PIL import Image, ImageSequence

from devices.drivers import make
from devices.drivers.drawing.dots import dots, width
from devices.drivers.led_strip import LedStrip
from devices.drivers.strips import sign
from tests.devices.drivers.conftest import Notes, eventually

CALL = {"ticket": "A001", "window": "3", "call": "cl_1", "recall": 0}


def board(*lines: tuple[str, str], window: str = "open") -> dict[str, Any]:
    return {
        "lines": [{"ticket": t, "window": w, "at": "2026-11-02T01:00:00Z", "state": "called"} for t, w in lines],
        "waiting": {},
        "windows": {"3": window},
        "notices": [],
    }


@pytest_asyncio.fixture
async def strip(hall: Notes, tmp_path: Path) -> AsyncIterator[LedStrip]:
    made = cast(LedStrip, make("led", "led-3", {"out": str(tmp_path)}, hall))
    await made.open()
    yield made
    await made.close()


def said(strip: LedStrip) -> tuple[str, bool]:
    """The text and whether it blinks, as the state file has it."""
    state = json.loads((strip.folder / "led-3.json").read_text())
    return state["text"], state["flash"]


def lit(file: Path) -> bytes:
    """Every dot, 255 where it is lit."""
    return Image.open(file).convert("L").point([0] + [255] * 255).tobytes()


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (board(window="closed"), "未登录"),
        (board(window="open"), "欢迎光临"),
        (board(window="paused"), "暂离"),
        (board(("A001", "3")), "请A001到3号窗口"),
    ],
)
async def test_a_window_strip_has_four_states(strip: LedStrip, shown: dict[str, Any], text: str) -> None:
    strip.show(shown)
    assert said(strip) == (text, False)


async def test_the_dots_are_those_of_the_text_in_the_middle_of_the_strip(strip: LedStrip) -> None:
    strip.show(board(("A001", "3")))
    picture = Image.open(strip.folder / "led-3.png")
    expected = Image.new("L", (128, 16))
    expected.paste(dots("请A001到3号窗口"), (4, 0))
    assert (picture.size, lit(strip.folder / "led-3.png")) == ((128, 16), expected.tobytes())


def test_a_character_is_sixteen_dots_wide_and_a_letter_eight() -> None:
    assert [width("请A001到3号窗口"), width("请A001号到3号窗口"), width("欢迎光临热情服务")] == [120, 136, 128]


async def test_a_fresh_call_blinks_and_an_old_board_does_not(strip: LedStrip) -> None:
    strip.show(board())
    strip.follow("called", CALL, True)
    assert said(strip) == ("请A001到3号窗口", True)
    strip.show(board(("A001", "3")))
    assert said(strip) == ("请A001到3号窗口", False)


async def test_blinking_ends_by_itself(strip: LedStrip, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sign, "FLASH_S", 0.05)
    strip.show(board())
    strip.follow("called", CALL, True)
    await asyncio.sleep(0.1)
    assert said(strip) == ("请A001到3号窗口", False)


async def test_the_newest_call_is_shown_and_the_one_before_returns_when_it_is_over(strip: LedStrip) -> None:
    strip.show(board(("A001", "3")))
    strip.follow("called", {**CALL, "ticket": "A002"}, True)
    assert said(strip) == ("请A002到3号窗口", True)
    strip.follow("cleared", {"ticket": "A002", "window": "3"}, False)
    assert said(strip) == ("请A001到3号窗口", False)
    strip.follow("cleared", {"ticket": "A001", "window": "3"}, False)
    assert said(strip) == ("欢迎光临", False)


async def test_the_strip_follows_its_window(strip: LedStrip) -> None:
    strip.show(board(window="closed"))
    seen = []
    for kind in ("window_opened", "window_paused", "window_resumed", "window_closed"):
        strip.follow(kind, {"window": "3"}, False)
        seen.append(said(strip)[0])
    assert seen == ["欢迎光临", "暂离", "欢迎光临", "未登录"]


async def test_without_the_hall_it_says_listen_until_the_hall_is_back(strip: LedStrip) -> None:
    assert said(strip) == ("请留意广播", False)
    strip.show(board(("A001", "3")))
    strip.stale(True)
    assert said(strip) == ("请留意广播", False)
    strip.stale(False)
    assert said(strip) == ("请A001到3号窗口", False)


async def test_a_longer_number_gets_a_shorter_wording_before_it_runs(strip: LedStrip) -> None:
    strip.show(board(("LOVE001", "12")))
    assert said(strip) == ("LOVE001到12号", False)


async def test_what_no_wording_makes_fit_runs_through(hall: Notes, tmp_path: Path) -> None:
    narrow = cast(LedStrip, make("led", "led-3", {"out": str(tmp_path), "width": 64}, hall))
    await narrow.open()
    narrow.show(board(("LOVE001", "12")))
    running = Image.open(tmp_path / "led-3.png")
    steps = (64 + width("请LOVE001到12号窗口")) // 2
    assert (running.size, sum(frame.info["duration"] for frame in ImageSequence.Iterator(running))) == ((64, 16), steps * 40)
    assert json.loads((tmp_path / "led-3.json").read_text())["scrolls"] is True


async def test_the_hall_may_give_its_own_words(strip: LedStrip) -> None:
    strip.show(board())
    strip.configure({"screen_text": {"open": "欢迎光临热情服务", "nonsense": "x"}})
    assert said(strip) == ("欢迎光临热情服务", False)


async def test_words_that_are_taken_back_give_way_to_the_usual_ones(strip: LedStrip) -> None:
    strip.show(board())
    strip.configure({"screen_text": {"open": "您好"}})
    strip.configure({"screen_text": {}})
    assert said(strip) == ("欢迎光临", False)


async def test_a_strip_that_sleeps_is_dark_and_wakes_with_what_it_missed(strip: LedStrip) -> None:
    strip.show(board())
    strip.configure({"asleep": True})
    dark = (said(strip), set(lit(strip.folder / "led-3.png")))
    strip.follow("called", CALL, True)
    still_dark = said(strip)[0]
    strip.configure({"asleep": False})
    assert (dark, still_dark, said(strip)) == ((("", False), {0}), "", ("请A001到3号窗口", True))


async def test_a_test_line_stands_until_its_time_and_an_old_one_is_not_shown(strip: LedStrip, hall: Notes) -> None:
    strip.show(board())
    shown = []
    for seconds in (-1.0, 0.05):
        until = hall.now() + timedelta(seconds=seconds)
        strip.configure({"asleep": True, "test": {"text": "试一试", "until": until.isoformat()}})
        shown.append(said(strip)[0])
    await eventually(lambda: said(strip)[0] == "")
    assert shown == ["", "试一试"]


async def test_a_call_ends_a_test_line(strip: LedStrip, hall: Notes) -> None:
    strip.show(board())
    strip.configure({"test": {"text": "试一试", "until": (hall.now() + timedelta(seconds=60)).isoformat()}})
    strip.follow("called", CALL, True)
    assert said(strip) == ("请A001到3号窗口", True)
