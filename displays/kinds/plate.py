"""The plate on a window's desk: whose turn it is here, and whether the window is at work."""

from dataclasses import dataclass

from displays.boards import Board


@dataclass(frozen=True, slots=True)
class Plate:
    """`ticket` at the window, or None; `state` is called, serving, open, paused or closed."""

    ticket: str | None
    state: str


def show(board: Board) -> Plate:
    """The plate of the board's one window (view `window:n`)."""
    if board.lines:
        return Plate(board.lines[0].ticket, board.lines[0].state)
    return Plate(None, next(iter(board.windows.values()), "closed"))
