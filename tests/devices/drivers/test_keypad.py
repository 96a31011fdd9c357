"""The clerk's keys: a box in another process on a serial line, and the driver that reads it by its map."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio

from devices.drivers import Answer, BadSetting, make
from devices.drivers.buttons.frames import Frames
from devices.drivers.keypad import ACTS, Keypad
from tests.devices.agent.agents import Agent, write_config
from tests.devices.agent.hall import hall_open
from tests.devices.drivers.box import Box, box_running
from tests.devices.drivers.conftest import Notes, eventually

MAP = """
[keys]
"1B 31 0D" = "next"
"1B 32 0D" = "recall"
"1B 33 0D" = "hold"
"1B 34 0D" = "pause"

[display]
text = "1B 51 41 {} 0D"
width = 12
accepted = "07"
refused = "07 07"
"""
NEXT, RECALL, HOLD, PAUSE = "1B310D", "1B320D", "1B330D", "1B340D"


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with box_running(tmp_path / "ttyKEYS") as running:
        yield running


@pytest.fixture
def keymap(tmp_path: Path) -> Path:
    file = tmp_path / "keys.toml"
    file.write_text(MAP, "utf-8")
    return file


def made(hall: Notes, box: Box, keymap: Path, **more: Any) -> Keypad:
    settings = {"keypad": f"serial://{box.link}", "map": str(keymap)}
    return cast(Keypad, make("keypad", "k1", settings | more, hall))


@pytest_asyncio.fixture
async def keypad(hall: Notes, box: Box, keymap: Path) -> AsyncIterator[Keypad]:
    driver = made(hall, box, keymap)
    await driver.open()
    yield driver
    await driver.close()


def shown(text: str, light: str) -> bytes:
    return bytes.fromhex(light) + b"\x1bQA" + text.encode("gb18030").ljust(12) + b"\r"


async def test_a_key_is_a_press_and_its_answer_is_shown(keypad: Keypad, box: Box, hall: Notes) -> None:
    hall.answer = Answer(data={"ticket": "A038", "call": "cl_1"})
    box.push(NEXT)
    await box.hears(shown("A038", "07"))
    ((what, data),) = hall.presses
    assert (what, list(data)) == ("next", ["at"])


async def test_a_hold_says_where_the_papers_are(keypad: Keypad, box: Box, hall: Notes) -> None:
    box.push(HOLD)
    await box.hears(shown("好", "07"))
    assert hall.presses[0][1]["kind"] == "with_papers"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer("window_not_open"), "请先登录开窗"),
        (Answer("not_in_that_state"), "现在不行"),
        (Answer("expired"), "请再按一次"),
    ],
)
async def test_a_refusal_is_shown_in_words(keypad: Keypad, box: Box, hall: Notes, answer: Answer, said: str) -> None:
    hall.answer = answer
    box.push(RECALL)
    await box.hears(shown(said, "0707"))


async def test_nobody_waiting_is_no_refusal(keypad: Keypad, box: Box, hall: Notes) -> None:
    hall.answer = Answer(data={"ticket": None})
    box.push(NEXT)
    await box.hears(shown("无人等候", "07"))


async def test_a_key_that_bounces_or_is_held_is_one_press(hall: Notes, box: Box, keymap: Path) -> None:
    """Held for half a second and bouncing all the while: each frame is nearer to the one before than a second is long."""
    driver = made(hall, box, keymap, debounce_s=1.0)
    await driver.open()
    box.push("+".join([NEXT] * 10) + "+" + PAUSE)
    await eventually(lambda: [what for what, _ in hall.presses] == ["next", "pause"])
    await driver.close()


async def test_two_presses_are_two(hall: Notes, box: Box, keymap: Path) -> None:
    driver = made(hall, box, keymap, debounce_s=0.0)
    await driver.open()
    box.push(f"{NEXT}+{NEXT}")
    await eventually(lambda: [what for what, _ in hall.presses] == ["next", "next"])
    await driver.close()


async def test_noise_and_halves_between_keys_do_no_harm(keypad: Keypad, box: Box, hall: Notes) -> None:
    box.push(f"FF00 1B31 + 0D 1B {RECALL} 31")
    await eventually(lambda: [what for what, _ in hall.presses] == ["next", "recall"])


async def test_a_box_unplugged_is_told_and_comes_back_by_itself(hall: Notes, tmp_path: Path, keymap: Path) -> None:
    link = tmp_path / "ttyKEYS"
    with box_running(link) as first:
        driver = made(hall, first, keymap)
        await driver.open()
        assert driver.parts() == {"keys": {"state": "ok"}}
    await eventually(lambda: driver.parts() == {"keys": {"state": "offline"}})
    with box_running(link) as second:
        await eventually(lambda: driver.parts() == {"keys": {"state": "ok"}})
        second.push(NEXT)
        await eventually(lambda: len(hall.presses) == 1)
        await driver.close()


async def test_a_usb_keypad_is_read_by_its_node(hall: Notes, box: Box, keymap: Path) -> None:
    """Reports of eight bytes with a release after each press; a pty stands in for the node."""
    keymap.write_text('[keys]\n"00 00 1E" = "next"\n"00 00 1F" = "recall"\n')
    driver = made(hall, box, keymap, keypad=f"hid://{box.link}")
    await driver.open()
    box.push("00001E0000000000+0000000000000000+00001F0000000000+0000000000000000")
    await eventually(lambda: [what for what, _ in hall.presses] == ["next", "recall"])
    await driver.close()


async def test_a_numeric_keypad_needs_no_map_of_its_own(hall: Notes, box: Box) -> None:
    driver = cast(Keypad, make("keypad", "k1", {"keypad": f"hid://{box.link}"}, hall))
    await driver.open()
    box.push("0000580000000000+0000000000000000+0000590000000000")
    await eventually(lambda: [what for what, _ in hall.presses] == ["next", "arrive"])
    await driver.close()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[keys]\n"31" = "dance"', "no key does dance"),
        ('[keys]\n"3" = "next"', "non-hexadecimal"),
        ('[keys]\n"31" = "next"\n"31 32" = "recall"', "is the beginning of another"),
        ("keys = 3", "Expected `object`"),
    ],
)
def test_a_map_that_cannot_be_used_is_refused_in_words(hall: Notes, tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "keys.toml").write_text(text)
    with pytest.raises(BadSetting, match=why):
        make("keypad", "k1", {"keypad": "serial:///dev/null", "map": str(tmp_path / "keys.toml")}, hall)


def test_a_half_frame_of_long_ago_is_forgotten() -> None:
    frames = Frames({b"\x1b1\r": "next"})
    assert frames.feed(b"\x1b", 10.0) == []
    assert frames.feed(b"1\r", 20.0) == []
    assert (frames.noise, frames.feed(b"\x1b1\r", 20.1)) == (b"1\r", ["next"])


def test_the_keys_are_the_acts_the_hall_takes_from_a_keypad() -> None:
    from floor.presses import ACTS as TAKEN

    assert {what for kind, what in TAKEN if kind == "keypad"} == set(ACTS)


@pytest.mark.slow
async def test_a_press_keeps_its_id_until_the_hall_has_answered(box: Box, keymap: Path, tmp_path: Path) -> None:
    async with hall_open() as hall:
        hall.codes["K"] = "dv_keypad_1"
        keypad = {"kind": "keypad", "name": "k1", "code": "K", "keypad": f"serial://{box.link}", "map": str(keymap)}
        write_config(tmp_path / "agent.toml", hall.web, [keypad])
        agent = Agent(tmp_path / "agent.toml")
        await agent.start()
        try:
            visit = await hall.live()
            hall.acknowledges = False
            box.push(NEXT)
            await eventually(lambda: len(presses(visit.heard)) == 1)
            hall.acknowledges = True
            await visit.connection.close()  # the answer is lost with the line
            await eventually(lambda: len(hall.visits) == 2 and len(presses(hall.visits[1].heard)) == 1, 15)
            assert presses(hall.visits[1].heard) == presses(visit.heard)
            await box.hears(shown("无人等候", "07"))
        finally:
            await agent.stop()


def presses(heard: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    return [(frame["press"], frame["data"]) for frame in heard if frame["type"] == "press"]
