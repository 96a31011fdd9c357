"""Strips on control cards: real frames to a program that stands in for the card, and the dots that it lit."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from PIL import Image

from devices.drivers import BadSetting, make
from devices.drivers.drawing.dots import dots, width
from devices.drivers.onbon_bx import OnbonBx
from devices.drivers.strips import sign, upkeep
from tests.devices.drivers.conftest import Notes, eventually
from tests.devices.drivers.panels import Panels, card, panels_running
from tests.devices.drivers.test_led_strip import CALL, board


@pytest.fixture(scope="module")
def panels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panels]:
    folder = tmp_path_factory.mktemp("cards")
    line = f"pty://{folder}/rs485"
    cards = [
        card("one"),
        card("dead"),
        card("narrow", width=64),
        card("screen", height=48),
        card("bus-1", line, addresses=[1]),
        card("bus-2", line, addresses=[2]),
    ]
    with panels_running(folder, cards) as running:
        yield running


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "ASK_S", 0.1)
    monkeypatch.setattr(upkeep, "AGAIN_S", (0.05,))


@asynccontextmanager
async def strip(hall: Notes, place: str, **settings: Any) -> AsyncIterator[OnbonBx]:
    made = cast(OnbonBx, make("led", "led-3", {"driver": "onbon_bx", "card": place, "timeout_s": 0.5, **settings}, hall))
    await made.open()
    try:
        yield made
    finally:
        await made.close()


def health(strip: OnbonBx) -> str:
    return " ".join(strip.parts()["strip"].values())


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (board(window="closed"), "未登录"),
        (board(window="open"), "欢迎光临"),
        (board(window="paused"), "暂离"),
        (board(("A001", "3")), "请A001到3号窗口"),
    ],
)
async def test_a_window_has_four_states_and_the_card_shows_their_dots(
    hall: Notes, panels: Panels, shown: dict[str, Any], text: str
) -> None:
    async with strip(hall, panels.places["one"]) as one:
        one.show(shown)
        await eventually(lambda: panels.text("one") == text and health(one) == "ok")
        expected = Image.new("L", (128, 16))
        expected.paste(dots(text), ((128 - width(text)) // 2, 0))
        assert panels.lit("one") == expected.tobytes()


async def test_words_with_marks_in_them_arrive_and_a_name_it_cannot_show_is_replaced(hall: Notes, panels: Panels) -> None:
    async with strip(hall, panels.places["one"]) as one:
        one.show(board())
        for own, text in (("人力资源登记处单位", "人力资源登记处单位"), ("王喆䶮", "王哲〓")):
            one.configure({"screen_text": {"open": own}})
            await eventually(lambda text=text: panels.text("one") == text)  # type: ignore[misc]


async def test_a_shorter_wording_comes_before_a_running_one(hall: Notes, panels: Panels) -> None:
    async with strip(hall, panels.places["one"]) as one, strip(hall, panels.places["narrow"], width=64) as narrow:
        for each in (one, narrow):
            each.show(board(("LOVE001", "12")))
        await eventually(lambda: (panels.text("one"), panels.text("narrow")) == ("LOVE001到12号", "请LOVE001到12号窗口"))
        assert (panels.said("one")["scrolls"], panels.said("narrow")["scrolls"]) == (False, True)


async def test_a_screen_of_several_rows_moves_up_with_each_call(hall: Notes, panels: Panels) -> None:
    async with strip(hall, panels.places["screen"], height=48, rows=3) as screen:
        screen.show(board())
        await eventually(lambda: panels.text("screen") == "欢迎光临\n\n")
        for n in (1, 2, 3, 4):
            screen.follow("called", {**CALL, "ticket": f"A00{n}"}, True)
        await eventually(lambda: panels.text("screen") == "请A002到3号窗口\n请A003到3号窗口\n请A004到3号窗口")
        screen.follow("recalled", {**CALL, "ticket": "A002"}, True)
        screen.follow("cleared", {"ticket": "A004", "window": "3"}, False)
        await eventually(lambda: panels.text("screen") == "请A001到3号窗口\n请A003到3号窗口\n请A002到3号窗口")


async def test_two_cards_share_a_serial_line_each_hearing_its_own(hall: Notes, panels: Panels) -> None:
    line = panels.places["bus-1"].replace("pty://", "serial://")
    async with strip(hall, line, address=1) as first, strip(hall, line, address=2) as second:
        first.show(board(("A001", "3")))
        second.show(board(window="paused"))
        await eventually(lambda: (panels.text("bus-1"), panels.text("bus-2")) == ("请A001到3号窗口", "暂离"))
        await eventually(lambda: (health(first), health(second)) == ("ok", "ok"))


@pytest.mark.parametrize(
    ("fault", "state"), [("silent", "silent"), ("nak", "refused unknown_command"), ("garble", "silent"), ("unplug", "offline")]
)
async def test_a_card_that_fails_is_an_alarm_until_it_is_well_and_then_shows_the_newest(
    hall: Notes, panels: Panels, fault: str, state: str
) -> None:
    async with strip(hall, panels.places["dead"]) as dead:
        dead.show(board())
        await eventually(lambda: panels.text("dead") == "欢迎光临" and health(dead) == "ok")
        assert await panels.fault("dead", fault) == "ok"
        dead.follow("called", CALL, True)
        await eventually(lambda: health(dead) == state)
        dead.follow("called", {**CALL, "ticket": "A009"}, True)
        assert await panels.fault("dead", "ok") == "ok"
        await eventually(lambda: panels.text("dead") == "请A009到3号窗口" and health(dead) == "ok")
    assert hall.changes >= 3


async def test_a_card_that_lost_its_power_gets_its_text_again(hall: Notes, panels: Panels) -> None:
    async with strip(hall, panels.places["dead"]) as dead:
        dead.show(board(window="paused"))
        await eventually(lambda: panels.text("dead") == "暂离")
        assert [await panels.fault("dead", fault) for fault in ("unplug", "ok")] == ["ok", "ok"]
        await eventually(lambda: panels.text("dead") == "暂离")


async def test_one_lost_answer_is_no_alarm(hall: Notes, panels: Panels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "STRIKES", 10_000)
    async with strip(hall, panels.places["dead"]) as dead:
        dead.show(board())
        await eventually(lambda: health(dead) == "ok")
        await panels.fault("dead", "nak")
        dead.show(board(window="paused"))
        await eventually(lambda: dead.upkeep._strikes > 0)
        await panels.fault("dead", "ok")
        await eventually(lambda: panels.text("dead") == "暂离" and dead.upkeep._strikes == 0)
        assert health(dead) == "ok"


async def test_a_fresh_call_comes_up_from_below_and_then_stands(
    hall: Notes, panels: Panels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign, "FLASH_S", 0.1)
    sent: list[int] = []
    async with strip(hall, panels.places["one"]) as one:
        tell = one._put

        async def note(lines: tuple[sign.Line, ...], anew: bool) -> None:
            sent.append(int(lines[0].fresh))
            await tell(lines, anew)

        one.show(board())
        await eventually(lambda: panels.text("one") == "欢迎光临")
        one.upkeep._put = note
        one.follow("called", CALL, True)
        await eventually(lambda: sent == [1, 0])


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"card": "lp0"}, "hangs on tcp://HOST:PORT or serial"),
        ({"card": "tcp://127.0.0.1:5005", "rows": 2}, "16 down for each row"),
        ({"card": "tcp://127.0.0.1:5005", "lang": "zh-Hant"}, "not in GB 2312"),
        ({"card": "tcp://127.0.0.1:5005", "address": 70000}, "two bytes"),
    ],
)
def test_settings_that_cannot_be_are_refused_in_words(hall: Notes, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(BadSetting, match=why):
        make("led", "led-3", {"driver": "onbon_bx", **settings}, hall)


def test_frames_are_logged_in_hex_where_asked_for(hall: Notes, tmp_path: Path) -> None:
    made = cast(OnbonBx, make("led", "led-3", {"driver": "onbon_bx", "card": f"serial://{tmp_path}/x", "log_frames": True}, hall))
    assert made.cable.log_frames
