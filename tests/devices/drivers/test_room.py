"""Speakers that are heard together: in unison or one after another, never mixed."""

import asyncio
from collections.abc import Callable

import pytest

from devices.drivers.voice.room import UNISON_S, Room


class Stage:
    """What happens in a room: who came in and who left, in order."""

    def __init__(self) -> None:
        self.room = Room()
        self.seen: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self.done: dict[str, asyncio.Event] = {}

    async def speak(self, who: str, key: str, rank: int = 2, brief: bool = False) -> None:
        """Come and wait for the turn; hold it until `leave`."""
        self.done[who] = asyncio.Event()

        async def hold() -> None:
            async with self.room.turn(key, rank, brief) as short:
                self.seen.append(f"{who} {key}{' short' if short else ''}")
                await self.done[who].wait()

        self.tasks[who] = asyncio.create_task(hold())
        await settled()

    async def leave(self, who: str) -> None:
        self.done[who].set()
        await self.tasks[who]
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def stage() -> Stage:
    return Stage()


async def test_two_sentences_are_never_heard_at_once_and_the_second_is_short(stage: Stage) -> None:
    await stage.speak("left", "call:1")
    await stage.speak("right", "call:2")
    await stage.speak("left2", "call:3")
    assert stage.seen == ["left call:1"]
    await stage.leave("left")
    assert stage.seen == ["left call:1", "right call:2 short"]
    await stage.leave("right")
    assert stage.seen[2:] == ["left2 call:3"]


async def test_the_same_sentence_is_said_in_unison_and_alike(stage: Stage) -> None:
    await stage.speak("left", "call:1", brief=True)
    await stage.speak("right", "call:1")
    assert stage.seen == ["left call:1 short", "right call:1 short"]
    await stage.speak("left2", "call:2")
    await stage.leave("left")
    assert len(stage.seen) == 2  # the other one still speaks
    await stage.leave("right")
    assert stage.seen[2:] == ["left2 call:2"]


async def test_who_waits_for_the_same_sentence_comes_in_together(stage: Stage) -> None:
    await stage.speak("left", "call:1")
    for who, key in (("a", "call:2"), ("b", "call:3"), ("c", "call:2")):
        await stage.speak(who, key)
    await stage.leave("left")
    assert stage.seen[1:] == ["a call:2 short", "c call:2 short"]


async def test_a_latecomer_is_no_echo(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    now: Callable[[], float] = loop.time
    await stage.speak("left", "call:1")
    monkeypatch.setattr(loop, "time", lambda: now() + UNISON_S + 0.01)
    await stage.speak("late", "call:1")
    assert stage.seen == ["left call:1"]
    await stage.leave("left")
    assert stage.seen[1:] == ["late call:1"]


async def test_an_emergency_goes_before_a_notice_a_call_and_a_recall(stage: Stage) -> None:
    await stage.speak("first", "call:0")
    for who, rank in (("recall", 3), ("call", 2), ("notice", 1), ("call2", 2), ("emergency", 0)):
        await stage.speak(who, who, rank)
    order = ("first", "emergency", "notice", "call", "call2", "recall")
    for who in order:
        await stage.leave(who)
    assert [seen.split()[0] for seen in stage.seen] == list(order)


async def test_who_gives_up_waiting_leaves_the_room_to_the_others(stage: Stage) -> None:
    await stage.speak("left", "call:1")
    await stage.speak("gone", "call:2")
    await stage.speak("right", "call:3")
    stage.tasks["gone"].cancel()
    await stage.leave("left")
    assert stage.seen == ["left call:1", "right call:3"]


async def test_who_is_called_in_and_gives_up_in_the_same_moment_blocks_nobody(stage: Stage) -> None:
    turn = stage.room.turn("call:1", 2, False)
    await turn.__aenter__()
    await stage.speak("gone", "call:2")
    await stage.speak("right", "call:3")
    await turn.__aexit__(None, None, None)  # "gone" is called in here,
    stage.tasks["gone"].cancel()  # and is told of neither before it is told of both
    await settled()
    assert stage.seen == ["right call:3"]
