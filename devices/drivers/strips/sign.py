"""What a strip says, from the feed it follows: nobody here, welcome, away for a moment, or whose turn it is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from devices.drivers import Hall
from devices.drivers.drawing.dots import width

FLASH_S = 8.0  # how long a fresh call stands out
Lang = Literal["zh-Hans", "zh-Hant", "en"]

# Wordings by state, the best first, each shorter than the one before; {t} is the ticket, {w} the window.
TEXTS: dict[str, dict[str, tuple[str, ...]]] = {
    "zh-Hans": {
        "closed": ("未登录",),
        "open": ("欢迎光临",),
        "paused": ("暂离",),
        "call": ("请{t}到{w}号窗口", "{t}到{w}号窗口", "{t}到{w}号"),
        "stale": ("请留意广播", "听广播"),
    },
    "zh-Hant": {
        "closed": ("未登錄",),
        "open": ("歡迎光臨",),
        "paused": ("暫離",),
        "call": ("請{t}到{w}號窗口", "{t}到{w}號窗口", "{t}到{w}號"),
        "stale": ("請留意廣播", "聽廣播"),
    },
    "en": {
        "closed": ("Closed",),
        "open": ("Welcome",),
        "paused": ("Back soon",),
        "call": ("{t} to window {w}", "{t} window {w}", "{t} > {w}"),
        "stale": ("Please listen", "Listen"),
    },
}


@dataclass(frozen=True)
class Line:
    """One row of a screen. It runs through when no wording fits; it is fresh for eight seconds after its call."""

    text: str
    runs: bool = False
    fresh: bool = False


class Sign:
    """Follows the feed of a window or a zone, and has `_changed` called whenever its lines may read otherwise.

    A window's strip has one row: its newest call, or how the window is. A screen of several rows keeps the newest calls
    in their order; each new one comes in below, and the others move up."""

    caps: frozenset[str] = frozenset()

    def __init__(self, lang: Lang, across: int, hall: Hall, rows: int = 1) -> None:
        self.across, self.rows, self.hall = across, rows, hall
        self.usual = TEXTS[lang]
        self.texts = dict(self.usual)
        self.asleep = False
        self.test = ""  # a line that somebody wants to look at, whatever else there is to say
        self._test_ends: asyncio.TimerHandle | None = None
        self.windows: dict[str, str] = {}
        self.calls: dict[str, str] = {}  # ticket -> window, the newest call last
        self.is_stale = True
        self.flashing = False
        self._flash_ends: asyncio.TimerHandle | None = None

    async def close(self) -> None:
        for timer in (self._flash_ends, self._test_ends):
            if timer:
                timer.cancel()

    def configure(self, data: Mapping[str, Any]) -> None:
        """Takes `screen_text`: wording by state in place of the built-in one, e.g. {"open": "欢迎光临热情服务"}; `asleep`:
        dark; `test`: {"text", "until"}, shown until then.
        """
        own = data.get("screen_text")
        if isinstance(own, Mapping):
            self.texts = self.usual | {state: (str(text),) for state, text in own.items() if state in self.usual}
        self.asleep = bool(data.get("asleep", self.asleep))
        test = data.get("test")
        if isinstance(test, Mapping):
            left_s = (datetime.fromisoformat(str(test["until"])) - self.hall.now()).total_seconds()
            self._try_out(str(test["text"]) if left_s > 0 else "", left_s)
        self._changed()

    def _try_out(self, text: str, seconds: float) -> None:
        if self._test_ends:
            self._test_ends.cancel()
        self.test = text
        self._test_ends = asyncio.get_running_loop().call_later(seconds, self._tried) if text else None

    def _tried(self) -> None:
        self._try_out("", 0)
        self._changed()

    def show(self, board: Mapping[str, Any]) -> None:
        self.windows = dict(board.get("windows", {}))
        self.calls = {line["ticket"]: line["window"] for line in reversed(board["lines"])}
        self.is_stale = False
        self._flash(False)

    def follow(self, kind: str, data: Mapping[str, Any], flash: bool) -> None:
        match kind:
            case "called" | "recalled":
                self.calls.pop(data["ticket"], None)
                self.calls[data["ticket"]] = data["window"]
                self._try_out("", 0)  # whoever looks at a test line now sees a call instead
                self._flash(flash)
            case "cleared":
                self.flashing = self.flashing and data["ticket"] != next(reversed(self.calls), "")
                self.calls.pop(data["ticket"], None)
            case "window_opened" | "window_resumed":
                self.windows[data["window"]] = "open"
            case "window_paused" | "window_closed":
                self.windows[data["window"]] = kind.removeprefix("window_")
        self._changed()

    def stale(self, is_stale: bool) -> None:
        self.is_stale = is_stale
        self._flash(False)

    @property
    def state(self) -> str:
        """What the strip says: test, asleep, stale, call, open, paused or closed."""
        if self.test or self.asleep:
            return "test" if self.test else "asleep"
        if self.is_stale:
            return "stale"
        if self.calls:
            return "call"
        states = set(self.windows.values()) - {"closed"}
        return "closed" if not states else "paused" if states == {"paused"} else "open"

    def lines(self) -> tuple[Line, ...]:
        """What stands in each row, from the top."""
        state = self.state
        if state in ("test", "asleep"):
            said = [self._fitted([self.spell(self.test)])]
        elif state != "call":
            said = [self._line(state)]
        else:
            newest = list(self.calls.items())[-self.rows :]
            said = [self._line(state, *call, fresh=self.flashing and call is newest[-1]) for call in newest]
        return (*said, *[Line("")] * (self.rows - len(said)))

    def spell(self, text: str) -> str:
        """The text as this kind of strip can show it."""
        return text

    def _line(self, state: str, ticket: str = "", window: str = "", fresh: bool = False) -> Line:
        """The best wording that fits, or the best of all, running, when none does."""
        return self._fitted([self.spell(text.replace("{t}", ticket).replace("{w}", window)) for text in self.texts[state]], fresh)

    def _fitted(self, texts: Sequence[str], fresh: bool = False) -> Line:
        fitting = next((text for text in texts if width(text) <= self.across), None)
        return Line(texts[0], runs=True, fresh=fresh) if fitting is None else Line(fitting, fresh=fresh)

    def _flash(self, on: bool) -> None:
        """A fresh call stands out for eight seconds."""
        if self._flash_ends:
            self._flash_ends.cancel()
        self.flashing = on
        self._flash_ends = asyncio.get_running_loop().call_later(FLASH_S, self._flash, False) if on else None
        self._changed()

    def _changed(self) -> None:
        raise NotImplementedError
