"""Every board hears each change of its view once, in order, and a board that was away is told what it missed."""

import random

import pytest

from devices.wire import RESUME_EVENTS, Event, encode
from displays import feed
from displays.feed import CONFLATED_S, Feeds, follow, open_feeds
from floor.database import Connection
from queueing import calls, windows
from queueing.halls import Hall
from queueing.journal import Position
from queueing.tickets import Act
from tests.displays.days import act, open_all, seat, take
from tests.displays.screen import Screen


async def news(db: Connection, feeds: Feeds, clock: float) -> list[tuple[str, Event]]:
    _, entries = await follow(db, feeds.hall_id, feeds.position)
    assert feeds.knows(entries)
    return feeds.take(entries, clock)


def shown(feeds: Feeds, view: str) -> tuple[object, ...]:
    return Screen(feeds.snapshot(view)).shown()


async def test_a_call_is_one_event_in_each_view_that_shows_its_window(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    await take(db, hall)
    feeds = await open_feeds(db, hall.id)
    before = feeds.position
    called = await calls.call_next(db, hall, seat("1"))
    assert isinstance(called, Act)
    data = {"call": called.call_id, "ticket": "A001", "window": "1", "recall": 0, "waiting": {"A": 0}}
    expected = Event(prev=before, offset=called.offset, kind="called", at=called.at, data=data)
    told = await news(db, feeds, 0)
    assert told[:3] == [(view, expected) for view in ("hall", "zone:A", "window:1")]
    assert [(view, event.kind, event.data) for view, event in told[3:]] == [("window:2", "waiting", {"service": "A", "count": 0})]


async def test_a_recall_says_the_how_manieth_it_is(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    feeds = await open_feeds(db, hall.id)
    await calls.recall(db, hall, seat("1"))
    again = await calls.recall(db, hall, seat("1"))
    told = [event for view, event in await news(db, feeds, 0) if view == "window:1"]
    assert [event.data["recall"] for event in told] == [1, 2]
    assert told[1].data["call"] == again.call_id


async def test_a_ticket_that_leaves_its_window_is_cleared(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("2"))
    feeds = await open_feeds(db, hall.id)
    await calls.arrive(db, hall, seat("2"))
    await calls.finish(db, hall, seat("2"))
    told = [(event.kind, event.data) for view, event in await news(db, feeds, 0) if view == "zone:A"]
    assert told == [("arrived", {"ticket": "A001", "window": "2"}), ("cleared", {"ticket": "A001", "window": "2"})]


async def test_a_window_that_opens_pauses_and_closes_is_told(db: Connection, hall: Hall) -> None:
    feeds = await open_feeds(db, hall.id)
    await windows.open_window(db, hall, "1", "clerk1", actor="clerk:clerk1")
    await windows.pause(db, hall, "1", actor="clerk:clerk1", reason="去接孩子")
    await windows.resume(db, hall, "1", actor="clerk:clerk1")
    await windows.close(db, hall, "1", actor="clerk:clerk1")
    told = [event for view, event in await news(db, feeds, 0) if view == "window:1"]
    assert [event.kind for event in told] == ["window_opened", "window_paused", "window_resumed", "window_closed"]
    assert "clerk1" not in str(told)
    assert "去接孩子" not in str(told)


async def test_people_waiting_are_counted_at_once_and_then_a_few_times_a_second(db: Connection, hall: Hall) -> None:
    feeds = await open_feeds(db, hall.id)
    first = await take(db, hall)
    now = [event for view, event in await news(db, feeds, 10.0) if view == "hall"]
    assert [(event.prev, event.offset, event.kind, event.data) for event in now] == [
        (0, first.offset, "waiting", {"service": "A", "count": 1})
    ]
    for _ in range(50):
        last = await take(db, hall)
    assert await news(db, feeds, 10.1) == []
    assert feeds.due() == 10.0 + CONFLATED_S
    later = [event for view, event in feeds.settle(10.3) if view == "hall"]
    assert [(event.prev, event.offset, event.data) for event in later] == [
        (first.offset, last.offset, {"service": "A", "count": 51})
    ]
    assert feeds.due() is None


async def test_a_call_takes_along_the_counts_that_were_held_back(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    feeds = await open_feeds(db, hall.id)
    await take(db, hall, "B")
    await news(db, feeds, 10.0)
    await take(db, hall, "A")
    await calls.call_next(db, hall, seat("1"))
    await calls.call_next(db, hall, seat("2"))
    counts = [event.data["waiting"] for view, event in await news(db, feeds, 10.1) if view == "zone:A"]
    assert counts == [{"A": 1, "B": 0}, {"A": 0}]
    assert feeds.feeds["zone:A"].untold == {}


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_screen_that_follows_the_chain_shows_the_board(db: Connection, hall: Hall, seed: int) -> None:
    chance = random.Random(seed)
    feeds = await open_feeds(db, hall.id)
    await open_all(db, hall)
    screens = {view: Screen(feeds.snapshot(view)) for view in feeds.feeds}
    clock = 0.0
    for _ in range(200):
        await act(db, hall, chance)
        clock += chance.choice((0.01, 0.3))
        for view, event in await news(db, feeds, clock):
            screens[view].apply(event)
    for view, event in feeds.settle(clock + 1):
        screens[view].apply(event)
    read = await open_feeds(db, hall.id)
    for view, screen in screens.items():
        assert screen.shown() == shown(feeds, view) == shown(read, view)
        assert [offset for offset, _ in screen.heard] == sorted({offset for offset, _ in screen.heard})


@pytest.mark.parametrize("restarted", [False, True])
async def test_a_board_that_was_away_hears_all_it_missed(db: Connection, hall: Hall, restarted: bool) -> None:
    chance = random.Random(7)
    feeds = await open_feeds(db, hall.id)
    await open_all(db, hall)
    away: list[tuple[str, Screen]] = []
    heard: dict[str, list[tuple[int, str]]] = {view: [] for view in feeds.feeds}
    for step in range(150):
        await act(db, hall, chance)
        for view, event in await news(db, feeds, step * 0.1):
            heard[view].append((event.offset, event.kind))
        away += [(view, Screen(feeds.snapshot(view))) for view in heard]
    now = await open_feeds(db, hall.id) if restarted else feeds
    for view, screen in away:
        before = screen.offset
        missed = now.resume(view, Position("k3", before))
        assert missed is not None
        for event in missed:
            screen.apply(event)
        assert screen.offset == now.feeds[view].last
        assert screen.shown() == shown(now, view)
        calls_missed = [offset for offset, kind in heard[view] if offset > before and kind == "called"]
        assert [offset for offset, kind in screen.heard if kind == "called"] == calls_missed


async def test_a_board_too_far_behind_takes_a_snapshot(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    feeds = await open_feeds(db, hall.id)
    before = feeds.position
    for _ in range(RESUME_EVENTS):
        await calls.recall(db, hall, seat("1"))
    await news(db, feeds, 0)
    assert len(feeds.resume("hall", Position("k3", before)) or ()) == RESUME_EVENTS
    await calls.recall(db, hall, seat("1"))
    await news(db, feeds, 0)
    assert feeds.resume("hall", Position("k3", before)) is None


async def test_the_tail_of_a_view_never_grows_past_its_bound(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    feeds = await open_feeds(db, hall.id)
    for _ in range(feed.KEPT + 20):
        await calls.recall(db, hall, seat("1"))
        await news(db, feeds, 0)
    tail = feeds.feeds["hall"].tail
    assert len(tail) == feed.KEPT
    assert feeds.feeds["hall"].since == tail[0].prev


async def test_another_epoch_or_a_place_not_reached_yet_is_never_a_recovery(db: Connection, hall: Hall) -> None:
    await take(db, hall)
    feeds = await open_feeds(db, hall.id)
    assert feeds.resume("hall", Position("k3", feeds.position)) == []
    assert feeds.resume("hall", Position("k2", feeds.position)) is None
    assert feeds.resume("hall", Position("k3", feeds.position + 1)) is None


async def test_a_restored_database_shows_with_the_rows_it_gives(db: Connection, hall: Hall) -> None:
    await take(db, hall)
    await db.execute("UPDATE hall_streams SET epoch = 'k4'")
    reached, entries = await follow(db, hall.id, 0)
    assert (reached, [entry.kind for entry in entries]) == (Position("k4", 1), ["ticket.taken"])


async def test_rows_of_a_window_nobody_knows_ask_for_a_new_start(db: Connection, hall: Hall) -> None:
    feeds = await open_feeds(db, hall.id)
    await db.execute("INSERT INTO windows (hall, no, name, zone, serves) VALUES ($1, '9', '九号', 'A', '{A}')", hall.id)
    await windows.open_window(db, hall, "9", "clerk9", actor="clerk:clerk9")
    _, entries = await follow(db, hall.id, feeds.position)
    assert not feeds.knows(entries)
    assert "window:9" in (await open_feeds(db, hall.id)).feeds


async def test_a_frame_carries_numbers_letters_and_windows_and_nothing_of_the_person(db: Connection, hall: Hall) -> None:
    await open_all(db, hall)
    feeds = await open_feeds(db, hall.id)
    ticket = (await take(db, hall)).ticket
    await calls.call_next(db, hall, seat("1"))
    said = b"".join(encode(event) for _, event in await news(db, feeds, 0)) + encode(feeds.snapshot("hall"))
    assert ticket.key.encode() not in said
    assert b"clerk1" not in said
