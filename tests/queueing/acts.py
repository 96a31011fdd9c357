"""What the sentences about the queue have in common: a press, and someone who takes a ticket at the desk."""

from typing import Protocol

from queueing.db import Press
from queueing.tickets import Act


def press(n: int) -> Press:
    """The press number n; it always asks for the same."""
    return Press(n.to_bytes(32), bytes([1]) * 32)


class TakesTickets(Protocol):
    async def __call__(self, *services: str, press: Press | None = None) -> Act: ...
