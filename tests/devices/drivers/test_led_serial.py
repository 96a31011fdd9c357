"""Plain serial strips: real frames down a pseudo terminal, and the dots that they lit."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest

from devices.drivers import BadSetting, make
from devices.drivers.led_serial import LedSerial
from devices.drivers.strips import upkeep
from devices.drivers.strips.cable import PAUSE_S, Cable
from tests.devices.drivers.conftest import Notes, eventually
from tests.devices.drivers.panels import Panels, card, panels_running
from tests.devices.drivers.test_led_strip import CALL, board


@pytest.fixture(scope="module")
def panels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panels]:
    folder = tmp_path_factory.mktemp("strips")
    line = f"pty://{folder}/com1"
    plain = {"protocol": "led_serial"}
    cards = [
        card("window", line, addresses=[3], **plain),
        card("screen", line, addresses=[11, 12, 13], height=48, **plain),
    ]
    with panels_running(folder, cards) as running:
        yield running


@asynccontextmanager
async def strips(hall: Notes, panels: Panels, *addresses: int, **settings: Any) -> AsyncIterator[LedSerial]:
    line = panels.places["window"].replace("pty://", "serial://")
    made = cast(LedSerial, make("led", "led-3", {"driver": "led_serial", "line": line, "strips": addresses, **settings}, hall))
    await made.open()
    try:
        yield made
    finally:
        await made.close()


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (board(window="closed"), "未登录"),
        (board(window="open"), "欢迎光临"),
        (board(window="paused"), "暂离"),
        (board(("A001", "3")), "请A001到3号窗口"),
        (board(("LOVE001", "12")), "LOVE001到12号"),
    ],
)
async def test_a_window_strip_says_what_its_window_is(hall: Notes, panels: Panels, shown: dict[str, Any], text: str) -> None:
    async with strips(hall, panels, 3) as strip:
        strip.show(shown)
        await eventually(lambda: panels.text("window") == text)
        assert strip.parts() == {"strip": {"state": "unknown"}}


async def test_a_large_screen_of_several_strips_moves_up_with_each_call(hall: Notes, panels: Panels) -> None:
    async with strips(hall, panels, 11, 12, 13) as screen:
        screen.show(board())
        await eventually(lambda: panels.text("screen") == "欢迎光临\n\n")
        for n in (1, 2, 3, 4):
            screen.follow("called", {**CALL, "ticket": f"A00{n}"}, True)
        await eventually(lambda: panels.text("screen") == "请A002到3号窗口\n请A003到3号窗口\n请A004到3号窗口")


async def test_strips_of_one_line_take_turns_with_a_pause_after_each_write(
    hall: Notes, panels: Panels, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[float] = []
    monkeypatch.setattr(Cable, "_note", lambda self, way, data: written.append(time.monotonic()))
    async with strips(hall, panels, 3) as window, strips(hall, panels, 11, 12, 13) as screen:
        window.show(board(window="paused"))
        screen.show(board(("A001", "3")))
        await eventually(lambda: (panels.text("window"), panels.text("screen")) == ("暂离", "请A001到3号窗口\n\n"))
    pauses = [after - before for before, after in pairwise(written)]
    assert len(pauses) >= 3 and min(pauses) >= PAUSE_S


async def test_a_strip_that_was_off_is_told_again(hall: Notes, panels: Panels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "ASK_S", 0.1)
    monkeypatch.setattr(upkeep, "REPEAT_S", 0.2)
    async with strips(hall, panels, 3) as strip:
        await eventually(lambda: panels.text("window") == "请留意广播")
        assert await panels.fault("window", "deaf") == "ok"
        strip.show(board(window="paused"))
        await eventually(lambda: strip.upkeep._shown == strip._plain())
        assert (panels.text("window"), await panels.fault("window", "ok")) == ("请留意广播", "ok")
        await eventually(lambda: panels.text("window") == "暂离")


async def test_a_line_that_is_not_there_is_an_alarm(hall: Notes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "AGAIN_S", (0.01,))
    place = {"driver": "led_serial", "line": f"serial://{tmp_path}/none", "strips": [3]}
    made = cast(LedSerial, make("led", "led-3", place, hall))
    await made.open()
    await eventually(lambda: made.parts() == {"strip": {"state": "offline"}})
    await made.close()
    assert hall.changes == 1


@pytest.mark.parametrize(
    ("settings", "why"),
    [({"strips": []}, "at least one address"), ({"strips": [256]}, "from 0 to 255"), ({"width": 8}, "16 dots across")],
)
def test_settings_that_cannot_be_are_refused_in_words(hall: Notes, settings: dict[str, Any], why: str) -> None:
    with pytest.raises(BadSetting, match=why):
        make("led", "led-3", {"driver": "led_serial", "line": "serial:///dev/ttyS9", "strips": [3], **settings}, hall)
