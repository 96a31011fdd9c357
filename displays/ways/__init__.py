"""The ways a message leaves the hall. WAYS is the list; each says whether the other side took it."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

import msgspec

from queueing.errors import BadInput


@dataclass(frozen=True, slots=True)
class Message:
    """One text to one address. `id` is the same at every try: a gateway that remembers it sends no second one."""

    id: str
    kind: str  # phone or mail
    address: str
    text: str
    template: str
    lang: str
    gaps: Mapping[str, Any]


class NotTaken(Exception):
    """The other side did not take it; the reason is one short word or a status, never what it answered."""


class Way(Protocol):
    """A way that is set up."""

    async def send(self, message: Message) -> None:
        """Returns when the other side has taken it. NotTaken; any time-out is the way's own."""


# A way is added by a module with `make(setting, secret)` and a line here.
WAYS: dict[str, str] = {
    "http": "displays.ways.http",
    "apprise": "displays.ways.chat",
    "smtp": "displays.ways.smtp",
}
FOR: dict[str, tuple[str, ...]] = {"phone": ("http", "apprise"), "mail": ("smtp", "http", "apprise")}


def make(kind: str, driver: str, setting: Mapping[str, Any], secret: str) -> Way:
    """Sets a way up. BadInput when its settings can't be used."""
    if driver not in FOR.get(kind, ()):
        raise BadInput(field="driver", message=f"one of {', '.join(FOR.get(kind, ()))}")
    try:
        way: Way = import_module(WAYS[driver]).make(setting, secret)
    except (msgspec.ValidationError, ValueError) as error:
        raise BadInput(field="setting", message=str(error)) from error
    return way
