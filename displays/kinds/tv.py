"""The television in the waiting room: only people who must go now, and the notices of the hall."""

from displays.boards import Board
from displays.kinds.zone_board import Screen

ROWS = 6


def show(board: Board, *, rows: int = ROWS) -> Screen:
    """The screen of the whole hall: tickets called and not yet at their window, the newest call first."""
    called = [line for line in board.lines if line.state == "called"]
    return Screen(tuple(called[:rows]), max(0, len(called) - rows), board.waiting, board.notices)
