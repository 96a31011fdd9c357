"""The board at the entrance of an area: the newest calls on top, and how many wait for each matter."""

from collections.abc import Mapping
from dataclasses import dataclass

from displays.boards import Board, Line

ROWS = 8  # what can be read from 20 m on a screen of 1080 lines


@dataclass(frozen=True, slots=True)
class Screen:
    """The rows that fit, how many more tickets are at windows, who waits for what, and the notices."""

    rows: tuple[Line, ...]
    more: int
    waiting: Mapping[str, int]
    notices: tuple[str, ...]


def show(board: Board, *, rows: int = ROWS) -> Screen:
    """The screen of a zone: tickets called stand before tickets being served, each with the newest call first."""
    ordered = sorted(board.lines, key=lambda line: line.state != "called")
    return Screen(tuple(ordered[:rows]), max(0, len(ordered) - rows), board.waiting, board.notices)
