"""The strip of red dots above a window: whom it calls, whom it serves, or whether it is open at all."""

from dataclasses import dataclass

from displays.boards import Board
from displays.phrases import PHRASES, strip_call

CELLS = 16  # half-width characters: 128 dots at 8 a cell, the usual strip of eight Chinese characters


@dataclass(frozen=True, slots=True)
class Strip:
    """One line of text, and why it is there: called, serving, open, paused or closed."""

    text: str
    state: str


def show(board: Board, *, lang: str = "zh-Hans", cells: int = CELLS) -> Strip:
    """The strip of the board's one window (view `window:n`)."""
    if board.lines:
        line = board.lines[0]
        text = strip_call(line.ticket, line.window, lang, cells) if line.state == "called" else line.ticket
        return Strip(text, line.state)
    words = PHRASES[lang]
    state = next(iter(board.windows.values()), "closed")
    return Strip({"open": words.welcome, "paused": words.away}.get(state, words.closed), state)
