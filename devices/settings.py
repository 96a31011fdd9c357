"""What a hall may set on each kind of machine, what is usual, and why a value can't be used."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from devices.errors import BadInput

Language = Literal["zh-Hans", "zh-Hant", "en"]
Spoken = Literal["zh-Hans", "en", "yue"]
Voice = Literal["zh-Hans", "en", "yue"]
Wording = Annotated[str, Meta(min_length=1, max_length=40)]


class Settings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`power`: dark once the day is over and nobody is left to serve (drain), or never (always); awake again so many
    minutes before the doors open.
    """

    power: Literal["drain", "always"] = "drain"
    wake_minutes: Annotated[int, Meta(ge=0, le=240)] = 15


class Dispenser(Settings, frozen=True, kw_only=True):
    """A dispenser prints what each ticket says; nothing of it is set here."""


class Led(Settings, frozen=True, kw_only=True):
    """The strip's own wording where nobody is called, in place of the usual one."""

    screen_text: dict[Literal["open", "paused", "closed"], Wording] = {}


class Tv(Settings, frozen=True, kw_only=True):
    """How a screen lays out its calls. `zones`: whose windows it shows, all it follows when empty."""

    columns: Annotated[int, Meta(ge=1, le=2)] = 1
    rows: Annotated[int, Meta(ge=3, le=8)] = 8
    zones: Annotated[list[Annotated[str, Meta(max_length=8)]], Meta(max_length=50)] = []
    counts: bool = True
    notice: bool = True
    notice_text: Annotated[str, Meta(max_length=80)] = ""
    qr: bool = False


class Speaker(Settings, frozen=True, kw_only=True):
    """`volume` 0 to 100; `languages` that are spoken of those the hall has a sentence in, all when empty."""

    volume: Annotated[int, Meta(ge=0, le=100)] = 100
    languages: Annotated[list[Spoken], Meta(max_length=3)] = []


class Evaluator(Settings, frozen=True, kw_only=True):
    """The language a pad rests in, and for how many seconds it asks how a visit was."""

    language: Language = "zh-Hans"
    ask_seconds: Annotated[int, Meta(ge=5, le=120)] = 30


class Keypad(Settings, frozen=True, kw_only=True):
    """A keypad only rests and wakes."""


KINDS: dict[str, type[Settings]] = {
    "dispenser": Dispenser, "led": Led, "tv": Tv, "speaker": Speaker, "evaluator": Evaluator, "keypad": Keypad,
}  # fmt: skip


def usable(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """These values of a kind, checked, the usual ones left out; texts of a form are read as what they mean. BadInput."""
    try:
        read = msgspec.convert(values, KINDS[kind], strict=False)
    except msgspec.ValidationError as wrong:
        text, _, path = str(wrong).partition(" - at `$.")
        unknown = re.search(r"unknown field `(\w+)`", text)
        field = unknown.group(1) if unknown else re.split(r"[`\[.]", path)[0]
        raise BadInput(field=field, message="there is no such setting" if unknown else text) from wrong
    usual = msgspec.to_builtins(KINDS[kind]())
    return {name: value for name, value in msgspec.to_builtins(read).items() if value != usual[name]}


def complete(kind: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Everything a machine of this kind is set to: these values over the usual ones."""
    usual: dict[str, Any] = msgspec.to_builtins(KINDS[kind]())
    return {**usual, **values}
