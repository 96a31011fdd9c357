"""The board's memory in the browser keeps the rules of hall.v1, tried in a real browser on the very file that is served."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.floor.scripts import browsing

NOW = 1_795_000_000_000  # ms; what the browser's clock is held at
FOLD = """([now, frames]) => import('/feed.js').then(({ Board }) => {
    Date.now = () => now;
    const board = new Board();
    const became = frames.map((frame) => board.take(structuredClone(frame)));
    const fresh = board.fresh && board.fresh.ticket;
    return { became, fresh, lines: board.lines.map((l) => [l.ticket, l.window, l.state]), waiting: board.waiting,
             windows: board.windows, offset: board.offset };
})"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with browsing() as browser:
        opened = browser.new_page()
        opened.goto("http://hall.test/")
        yield opened


def fold(page: Page, *frames: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = page.evaluate(FOLD, [NOW, list(frames)])
    return result


def snapshot(offset: int, *lines: tuple[str, str, str]) -> dict[str, Any]:
    told = [{"ticket": t, "window": w, "state": s, "at": "2026-11-18T00:00:00.000Z"} for t, w, s in lines]
    board = {"lines": told, "waiting": {"A": 4}, "windows": {"1": "open"}, "notices": []}
    return {"type": "snapshot", "epoch": "k3", "offset": offset, "board": board}


def event(prev: int, offset: int, kind: str, *, ago_s: float = 1, **data: Any) -> dict[str, Any]:
    at = datetime.fromtimestamp(NOW / 1000 - ago_s, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"type": "event", "prev": prev, "offset": offset, "kind": kind, "at": at, "data": data}


def call(prev: int, offset: int, ticket: str, window: str, **more: Any) -> dict[str, Any]:
    return event(prev, offset, "called", call=f"cl_{offset}", ticket=ticket, window=window, recall=0, **more)


def test_nothing_is_applied_before_the_first_snapshot(page: Page) -> None:
    assert fold(page, call(0, 1, "A001", "1"))["became"] == ["gap"]


def test_a_snapshot_shows_and_never_flashes(page: Page) -> None:
    board = fold(page, snapshot(10, ("A001", "1", "called")))
    assert (board["became"], board["fresh"], board["lines"]) == (["snapshot"], None, [["A001", "1", "called"]])


def test_a_live_call_comes_on_top_and_flashes(page: Page) -> None:
    board = fold(page, snapshot(10, ("A001", "1", "called")), call(10, 12, "A002", "2"))
    assert (board["fresh"], board["offset"]) == ("A002", 12)
    assert board["lines"] == [["A002", "2", "called"], ["A001", "1", "called"]]


def test_a_call_of_twenty_seconds_ago_is_shown_without_flashing(page: Page) -> None:
    board = fold(page, snapshot(10), event(10, 12, "called", ago_s=20, call="c", ticket="A002", window="2", recall=0))
    assert (board["fresh"], board["lines"]) == (None, [["A002", "2", "called"]])


def test_a_frame_that_came_before_is_ignored(page: Page) -> None:
    board = fold(page, snapshot(10), call(10, 12, "A002", "2"), call(10, 12, "A002", "2"))
    assert (board["became"], len(board["lines"])) == (["snapshot", "event", "old"], 1)


def test_after_a_gap_nothing_is_applied_until_the_next_snapshot(page: Page) -> None:
    board = fold(page, snapshot(10), call(11, 13, "A003", "1"), call(13, 14, "A004", "2"), snapshot(14, ("A004", "2", "called")))
    assert board["became"] == ["snapshot", "gap", "gap", "snapshot"]
    assert (board["lines"], board["offset"]) == ([["A004", "2", "called"]], 14)


def test_a_recall_moves_its_line_up_and_leaves_one(page: Page) -> None:
    again = event(12, 13, "recalled", call="c2", ticket="A001", window="1", recall=1)
    board = fold(page, snapshot(10, ("A001", "1", "called")), call(10, 12, "A002", "2"), again)
    assert board["lines"] == [["A001", "1", "called"], ["A002", "2", "called"]]


def test_arriving_changes_the_word_and_leaving_the_board_takes_the_line(page: Page) -> None:
    board = fold(
        page, snapshot(10, ("A001", "1", "called"), ("A002", "2", "called")),
        event(10, 11, "arrived", ticket="A002", window="2"), event(11, 12, "cleared", ticket="A001", window="1"),
    )  # fmt: skip
    assert board["lines"] == [["A002", "2", "serving"]]


def test_counts_come_alone_or_with_another_event(page: Page) -> None:
    board = fold(
        page, snapshot(10), event(10, 11, "waiting", service="A", count=7),
        call(11, 12, "A001", "1", waiting={"A": 6, "B": 2}),
    )  # fmt: skip
    assert board["waiting"] == {"A": 6, "B": 2}


def test_windows_open_pause_and_close(page: Page) -> None:
    kinds = ("window_opened", "window_paused", "window_resumed", "window_closed")
    seen = [fold(page, snapshot(10), event(10, 11, kind, window="2"))["windows"]["2"] for kind in kinds]
    assert seen == ["open", "paused", "open", "closed"]
