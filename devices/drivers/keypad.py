"""The clerk's keys without a screen: next, recall, arrived, finished, nobody came, aside, pause.

A key is a frame of the box's own; `map` names a TOML file that says what each means, and what the box can show or sound
(`numeric` is the one of USB numeric keypads that lies beside this program):

    [keys]
    "1B 31 0D" = "next"        # bytes = act: next, recall, arrive, finish, no_show, hold, pause, resume, rate

    [display]                  # only for a box that has one
    text = "1B 51 41 {} 0D"    # what is sent to show a text, {} being the text
    encoding = "gb18030"       # default
    width = 16                 # bytes that fit
    accepted = "07"            # a beep or a light, when the hall said yes
    refused = "07 07"          # and when it said no

A press gets its id when the finger comes down and keeps it until the hall has answered. Whoever sits at the window acts;
the hall refuses when nobody does, and a press that reached it too late to be meant.
"""

from __future__ import annotations

import asyncio
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import structlog

from devices.drivers import Answer, Hall
from devices.drivers.buttons.cable import Cable
from devices.drivers.buttons.frames import Frames, read_bytes
from devices.drivers.buttons.words import WORDS

log = structlog.get_logger()

ACTS = ("next", "recall", "arrive", "finish", "no_show", "hold", "pause", "resume", "rate")


OURS = Path(__file__).parent / "buttons" / "numeric.toml"


class Display(msgspec.Struct, forbid_unknown_fields=True):
    """What the box can show; `text` holds {} where the text goes."""

    text: str = ""
    encoding: str = "gb18030"
    width: int = 16
    accepted: str = ""
    refused: str = ""


class KeyMap(msgspec.Struct, forbid_unknown_fields=True):
    """A map file."""

    keys: dict[str, str]
    display: Display = msgspec.field(default_factory=Display)


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """`keypad` is where the box is, `map` the file of its make; a key held or bouncing for `debounce_s` is one press."""

    keypad: str
    map: str = "numeric"
    baud: int = 9600
    debounce_s: float = 0.3
    hold: Literal["with_papers", "without_papers", "waiting"] = "with_papers"
    lang: Literal["zh-Hans", "zh-Hant", "en"] = "zh-Hans"


class Keypad:
    """One box of keys at a window."""

    caps: frozenset[str] = frozenset()

    def __init__(self, name: str, settings: Settings, hall: Hall) -> None:
        self.name, self.settings, self.hall = name, settings, hall
        self._map = read_map(OURS if settings.map == OURS.stem else Path(settings.map))
        self._frames = Frames({read_bytes(written): act for written, act in self._map.keys.items()})
        self._cable = Cable(settings.keypad, settings.baud, self._heard, hall.health_changed)
        self._down: dict[str, float] = {}  # act -> when its key was last seen down
        self._asking: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        await self._cable.open()

    async def close(self) -> None:
        for asking in self._asking:
            asking.cancel()
        await self._cable.close()

    def parts(self) -> Mapping[str, Mapping[str, Any]]:
        return {"keys": {"state": "ok" if self._cable.present else "offline"}}

    def configure(self, data: Mapping[str, Any]) -> None:
        """A keypad has no settings of the hall's."""

    def show(self, board: Mapping[str, Any]) -> None:
        """What stands on the window's board stands above the window; the keys show what their own presses brought."""

    def follow(self, kind: str, data: Mapping[str, Any], flash: bool) -> None:
        """As `show`."""

    def stale(self, is_stale: bool) -> None:
        self._say("away" if is_stale else "done")

    def _heard(self, data: bytes) -> None:
        now = time.monotonic()
        for act in self._frames.feed(data, now):
            bounced = now - self._down.get(act, -1e9) < self.settings.debounce_s
            self._down[act] = now
            if not bounced:
                asking = asyncio.get_running_loop().create_task(self._press(act))
                self._asking.add(asking)
                asking.add_done_callback(self._asking.discard)
        if self._frames.noise.strip(b"\0"):
            log.info("keys nobody mapped", device=self.name, bytes=self._frames.noise.hex(" "))

    async def _press(self, act: str) -> None:
        data: dict[str, Any] = {"at": self.hall.now().isoformat()}
        answer = await self.hall.press(act, data | ({"kind": self.settings.hold} if act == "hold" else {}))
        log.info("key", device=self.name, act=act, refused=answer.code)
        display = self._map.display
        self._cable.send(read_bytes(light) if (light := display.accepted if answer.accepted else display.refused) else b"")
        self._say(self._word(act, answer))

    def _word(self, act: str, answer: Answer) -> str:
        """What the press brought: a number, or a word."""
        if not answer.accepted:
            return str(answer.code) if answer.code in WORDS[self.settings.lang] else "refused"
        if act in ("pause", "resume"):
            return "paused" if act == "pause" else "open"
        return str(answer.data.get("ticket") or ("nobody" if act == "next" else "done"))

    def _say(self, word: str) -> None:
        display = self._map.display
        if not display.text:
            return
        before, _, after = display.text.partition("{}")
        text = WORDS[self.settings.lang].get(word, word)
        while len(text.encode(display.encoding, "replace")) > display.width:
            text = text[:-1]
        said = text.encode(display.encoding, "replace")
        self._cable.send(_maybe(before) + said.ljust(display.width) + _maybe(after))


def read_map(file: Path) -> KeyMap:
    """ValueError when the file can't be used; the sentence says why."""
    try:
        keys = msgspec.convert(tomllib.loads(file.read_text("utf-8")), KeyMap)
        if unknown := sorted(set(keys.keys.values()) - set(ACTS)):
            raise ValueError(f"no key does {', '.join(unknown)}; acts are {', '.join(ACTS)}")
        for written in (*keys.keys, *filter(None, (keys.display.accepted, keys.display.refused))):
            read_bytes(written)
        for part in keys.display.text.partition("{}")[::2]:
            _maybe(part)
        "".encode(keys.display.encoding)
    except (OSError, tomllib.TOMLDecodeError, msgspec.ValidationError, LookupError, ValueError) as error:
        raise ValueError(f"{file}: {error}") from error
    return keys


def _maybe(written: str) -> bytes:
    return read_bytes(written) if written.strip() else b""


def make(name: str, settings: Mapping[str, Any], hall: Hall) -> Keypad:
    """The driver of one box of keys. ValueError or msgspec.ValidationError for settings that can't be used."""
    return Keypad(name, msgspec.convert(settings, Settings), hall)
