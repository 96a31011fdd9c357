"""The strip of dots over a window: nobody here, welcome, away for a moment, or whose turn it is.

This driver draws the strip's dots into `<out>/<name>.png` at their real number and tells its state in `<name>.json`:
{"device", "state", "text", "width", "height", "flash", "scrolls"}. A text that no shorter wording makes fit runs as an
animated PNG. Drivers that send the same wording to a maker's control card stand beside this one in DRIVERS.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from PIL import Image

from devices.drivers import Hall
from devices.drivers.drawing.dots import CELL, dots, width

FLASH_S = 8.0  # how long a fresh call blinks
STEP, STEP_MS = 2, 40  # a running text moves two dots every 40 ms: 50 dots, three characters, a second
COLOURS = {"red": (255, 48, 32), "amber": (255, 176, 0), "green": (48, 255, 96)}

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


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`out` is a folder; `width` and `height` in dots."""

    out: str
    width: int = 128
    height: int = CELL
    colour: Literal["red", "amber", "green"] = "red"
    lang: Literal["zh-Hans", "zh-Hant", "en"] = "zh-Hans"


class LedStrip:
    """Follows the feed of its window (or zone) and keeps the drawn strip in step with it."""

    caps: frozenset[str] = frozenset()

    def __init__(self, name: str, settings: Settings, hall: Hall) -> None:
        if settings.height < CELL or settings.width < CELL:
            raise ValueError(f"a strip has at least {CELL} by {CELL} dots")
        self.name, self.settings = name, settings
        self.folder = Path(settings.out)
        self.texts = dict(TEXTS[settings.lang])
        self.windows: dict[str, str] = {}
        self.calls: dict[str, str] = {}  # ticket -> window, the newest call last
        self.is_stale = True
        self.flashing = False
        self._flash_ends: asyncio.TimerHandle | None = None
        self._drawn: tuple[object, ...] = ()

    async def open(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._draw()

    async def close(self) -> None:
        if self._flash_ends:
            self._flash_ends.cancel()

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        return {"strip": {"state": "ok"}}

    def configure(self, data: Mapping[str, Any]) -> None:
        """Takes `screen_text`: wording by state in place of the built-in one, e.g. {"open": "欢迎光临热情服务"}."""
        own = data.get("screen_text")
        if isinstance(own, Mapping):
            self.texts |= {state: (str(text),) for state, text in own.items() if state in self.texts}
            self._draw()

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
                self._flash(flash)
            case "cleared":
                self.flashing = self.flashing and data["ticket"] != self._newest()[0]
                self.calls.pop(data["ticket"], None)
            case "window_opened" | "window_resumed":
                self.windows[data["window"]] = "open"
            case "window_paused" | "window_closed":
                self.windows[data["window"]] = kind.removeprefix("window_")
        self._draw()

    def stale(self, is_stale: bool) -> None:
        self.is_stale = is_stale
        self._flash(False)

    @property
    def state(self) -> str:
        """What the strip says: stale, call, open, paused or closed."""
        if self.is_stale:
            return "stale"
        if self.calls:
            return "call"
        states = set(self.windows.values()) - {"closed"}
        return "closed" if not states else "paused" if states == {"paused"} else "open"

    def wording(self) -> str:
        """The best wording that fits, or the best of all when none does."""
        ticket, window = self._newest()
        texts = [text.format(t=ticket, w=window) for text in self.texts[self.state]]
        return next((text for text in texts if width(text) <= self.settings.width), texts[0])

    def _newest(self) -> tuple[str, str]:
        return next(reversed(self.calls.items()), ("", ""))

    def _flash(self, on: bool) -> None:
        """A fresh call blinks for eight seconds, then stands still."""
        if self._flash_ends:
            self._flash_ends.cancel()
        self.flashing = on
        self._flash_ends = asyncio.get_running_loop().call_later(FLASH_S, self._flash, False) if on else None
        self._draw()

    def _draw(self) -> None:
        text = self.wording()
        now = (text, self.state, self.flashing)
        if now == self._drawn:
            return
        self._drawn = now
        frames = self._frames(text)
        part = self.folder / f".{self.name}.png"
        frames[0].save(part, "PNG", save_all=len(frames) > 1, append_images=frames[1:], duration=STEP_MS, loop=0)
        part.replace(self.folder / f"{self.name}.png")
        self._tell(text, scrolls=len(frames) > 1)

    def _frames(self, text: str) -> list[Image.Image]:
        """One still picture, or every step of the text running through from right to left."""
        written, across = dots(text), self.settings.width
        if written.width <= across:
            return [self._lit(written, (across - written.width) // 2)]
        return [self._lit(written, across - x) for x in range(0, across + written.width, STEP)]

    def _lit(self, written: Image.Image, x: int) -> Image.Image:
        strip = Image.new("L", (self.settings.width, self.settings.height), 0)
        strip.paste(written, (x, (self.settings.height - CELL) // 2))
        lit = strip.point([0] * 128 + [1] * 128).convert("P")
        lit.putpalette([0, 0, 0, *COLOURS[self.settings.colour]])
        return lit

    def _tell(self, text: str, scrolls: bool) -> None:
        state = {
            "device": self.name,
            "state": self.state,
            "text": text,
            "width": self.settings.width,
            "height": self.settings.height,
            "flash": self.flashing,
            "scrolls": scrolls,
        }
        part = self.folder / f".{self.name}.json"
        part.write_text(json.dumps(state, ensure_ascii=False))
        part.replace(self.folder / f"{self.name}.json")


def make(name: str, settings: Mapping[str, Any], hall: Hall) -> LedStrip:
    """The driver of one drawn strip. ValueError or msgspec.ValidationError for settings that can't be used."""
    return LedStrip(name, msgspec.convert(settings, Settings), hall)
