"""A board's end of a line: every event once and in order, what it asks for again, and what it confirms."""

from devices import client, wire
from devices.wire import Close
from tests.devices.clients import at, board, connect, event, feed, make, other, sent, welcome


def test_the_feed_rule() -> None:
    link = make()
    connect(link, feed=feed(10))
    assert other(link.received(event(10, 11), at(0))) == []  # nothing is applied before the snapshot
    assert other(link.received(board(10), at(0))) == [client.Show(wire.Position("k3", 10), {"lines": []})]
    applied = [link.received(event(*step), at(0)) for step in ((10, 12), (10, 12), (8, 10), (12, 13))]
    assert [[step.event.offset for step in steps if isinstance(step, client.Apply)] for steps in applied] == [[12], [], [], [13]]
    assert sent(link.received(event(14, 15), at(0)))[0]["type"] == "resync"
    assert link.received(event(15, 16), at(0)) == []
    assert link.received(event(13, 14), at(0)) == []
    link.received(board(16), at(0))
    assert [type(step).__name__ for step in link.received(event(16, 20), at(0))] == ["Apply"]


def test_only_a_call_of_this_moment_flashes() -> None:
    link = make()
    connect(link, feed=feed(0))
    link.received(board(0), at(0))
    heard = [
        link.received(event(0, 1, "called", seconds=81), at(100)),
        link.received(event(1, 2, "called", seconds=80), at(100)),
        link.received(event(2, 3, "recalled", seconds=99), at(100)),
        link.received(event(3, 4, "window_opened", seconds=99), at(100)),
    ]
    assert [[step.flash for step in steps if isinstance(step, client.Apply)] for steps in heard] == [
        [True],
        [False],
        [True],
        [False],
    ]


def test_a_board_that_comes_back_asks_for_what_it_missed() -> None:
    link = make()
    connect(link, feed=feed(5))
    link.received(board(5), at(0))
    link.received(event(5, 9), at(0))
    link.closed(None, at(1))
    link._dial_at = 0
    link.tick(at(2))
    assert sent(link.opened(at(2)))[0]["feed"] == {"epoch": "k3", "offset": 9}
    link.received(welcome(feed=feed(11, recovered=True)), at(2))
    missed = [*link.received(event(9, 10), at(2)), *link.received(event(10, 11), at(2))]
    assert [step.event.offset for step in missed if isinstance(step, client.Apply)] == [10, 11]


def test_a_position_the_hall_cannot_use_is_forgotten() -> None:
    link = make()
    connect(link, feed=feed(5))
    link.received(board(5), at(0))
    link.closed(Close.BAD_POSITION, at(1))
    link._dial_at = 0
    link.tick(at(3))
    assert "feed" not in sent(link.opened(at(3)))[0]


def test_what_is_shown_is_confirmed_after_two_seconds_or_twenty_events() -> None:
    link = make()
    connect(link, feed=feed(0))
    link.received(board(0), at(0))
    assert (link.next_tick, link.tick(at(1.9))) == (at(2).mono, [])
    assert sent(link.tick(at(2))) == [{"type": "got", "offset": 0}]
    assert link.next_tick == at(10).mono
    for n in range(20):
        link.received(event(n, n + 1), at(3))
    assert sent(link.tick(at(3))) == [{"type": "got", "offset": 20}]


def test_after_25_silent_seconds_a_board_is_stale_until_it_is_welcomed_again() -> None:
    link = make()
    connect(link, feed=feed(0))
    link.received(board(0), at(0))
    link.closed(None, at(1))
    link._dial_at = at(300).mono
    assert (link.next_tick, link.tick(at(24)), link.tick(at(25)), link.tick(at(26))) == (at(25).mono, [], [client.Stale()], [])
    assert client.Fresh() in connect(link, 301, feed=feed(0, recovered=True))
