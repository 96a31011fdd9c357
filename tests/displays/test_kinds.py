"""Each kind of screen shows its part of a board."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from displays import kinds
from displays.boards import Board, Line
from displays.kinds import led_strip, plate, tv, zone_board

NOON = datetime(2026, 11, 2, 4, tzinfo=UTC)


def line(ticket: str, window: str, state: str, age: int = 0) -> Line:
    return Line(ticket, window, NOON - timedelta(seconds=age), state)


def test_the_list_of_kinds_holds_every_file() -> None:
    files = {path.stem for path in Path(kinds.__file__).parent.glob("*.py")} - {"__init__"}
    assert set(kinds.KINDS) == files


def test_a_strip_calls_then_names_whom_it_serves() -> None:
    assert led_strip.show(Board(lines=(line("A001", "3", "called"),))) == led_strip.Strip("请A001到3号窗口", "called")
    assert led_strip.show(Board(lines=(line("A001", "3", "serving"),))) == led_strip.Strip("A001", "serving")


def test_a_strip_without_a_ticket_says_whether_its_window_works() -> None:
    assert led_strip.show(Board(windows={"3": "open"})) == led_strip.Strip("欢迎光临", "open")
    assert led_strip.show(Board(windows={"3": "paused"})) == led_strip.Strip("暂停服务", "paused")
    assert led_strip.show(Board(windows={"3": "closed"})) == led_strip.Strip("窗口未开", "closed")
    assert led_strip.show(Board()) == led_strip.Strip("窗口未开", "closed")


def test_a_zone_board_puts_those_who_must_go_first() -> None:
    board = Board(lines=(line("A003", "1", "serving"), line("A002", "2", "called"), line("A001", "3", "called")))
    assert [row.ticket for row in zone_board.show(board).rows] == ["A002", "A001", "A003"]


def test_a_zone_board_says_how_many_it_can_not_show() -> None:
    board = Board(lines=tuple(line(f"A{n:03}", str(n), "called") for n in range(20)))
    assert (len(zone_board.show(board).rows), zone_board.show(board).more) == (8, 12)


def test_a_television_shows_calls_alone() -> None:
    board = Board(lines=(line("A003", "1", "serving"), line("A002", "2", "called")), waiting={"A": 4})
    assert tv.show(board) == zone_board.Screen((line("A002", "2", "called"),), 0, {"A": 4}, ())


def test_a_plate_names_the_ticket_at_its_window() -> None:
    assert plate.show(Board(lines=(line("A002", "2", "serving"),))) == plate.Plate("A002", "serving")
    assert plate.show(Board(windows={"2": "paused"})) == plate.Plate(None, "paused")
