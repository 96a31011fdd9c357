"""Boards are folded from the journal, and always agree with the tables."""

import random

import pytest

from displays import boards
from floor.database import Connection
from queueing import calls, journal
from queueing.day_roll import expire_day
from queueing.halls import Hall
from queueing.tickets import Act
from tests.displays.days import act, open_all, seat, take


async def shown(db: Connection, hall: Hall, view: str = "hall") -> dict[str, object]:
    loaded = await boards.load(db, hall.id)
    return loaded.hall.board(*loaded.places.views()[view]).wire()


async def test_an_empty_hall_shows_nobody(db: Connection, hall: Hall) -> None:
    assert await shown(db, hall) == {
        "lines": [],
        "waiting": {"A": 0, "B": 0},
        "windows": {"1": "closed", "2": "closed"},
        "notices": [],
    }


async def test_a_call_puts_the_number_and_its_window_on_the_board(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    await take(db, hall)
    await take(db, hall)
    called = await calls.call_next(db, hall, seat("1"))
    assert isinstance(called, Act)
    assert await shown(db, hall) == {
        "lines": [{"ticket": "A001", "window": "1", "at": boards.stamp(called.at), "state": "called"}],
        "waiting": {"A": 1, "B": 0},
        "windows": {"1": "open", "2": "open"},
        "notices": [],
    }


async def test_the_newest_call_stands_on_top_and_a_recall_moves_its_number_up(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    for _ in range(2):
        await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    await calls.call_next(db, hall, seat("2"))
    loaded = await boards.load(db, hall.id)
    assert [line.ticket for line in loaded.hall.board(["1", "2"], []).lines] == ["A002", "A001"]
    await calls.recall(db, hall, seat("1"))
    again = await boards.load(db, hall.id)
    assert [line.ticket for line in again.hall.board(["1", "2"], []).lines] == ["A001", "A002"]


async def test_a_window_view_shows_its_own_window_only(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    await take(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    await calls.call_next(db, hall, seat("2"))
    board = await shown(db, hall, "window:2")
    assert board["windows"] == {"2": "open"}
    assert [line["ticket"] for line in board["lines"]] == ["A002"]  # type: ignore[attr-defined]


async def test_the_views_of_a_hall_are_itself_its_zones_and_its_windows(db: Connection, hall: Hall) -> None:
    loaded = await boards.load(db, hall.id)
    assert list(loaded.places.views()) == ["hall", "zone:A", "window:1", "window:2"]


async def test_the_day_roll_takes_everybody_off_the_board(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    await take(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    state = (await boards.load(db, hall.id)).hall
    await db.execute("UPDATE tickets SET day = day - 1")
    before = (await journal.top(db, hall.id)).offset
    await expire_day(db, hall.id)
    kinds = [state.fold(entry).kind for entry in await journal.read(db, hall.id, before)]
    assert sorted(kinds) == ["", "cleared"]
    assert (state.lines, state.counts) == ({}, {"A": 0})


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_folding_the_journal_gives_what_the_tables_say(db: Connection, hall: Hall, seed: int) -> None:
    chance = random.Random(seed)
    await open_all(db, hall)
    folded = await boards.load(db, hall.id)
    offset = folded.reached.offset
    for _ in range(150):
        await act(db, hall, chance)
        for entry in await journal.read(db, hall.id, offset):
            folded.hall.fold(entry)
            offset = entry.offset
        read = await boards.load(db, hall.id)
        assert read.reached.offset == offset
        for windows, services in folded.places.views().values():
            assert folded.hall.board(windows, services) == read.hall.board(windows, services)
    assert offset > 40
