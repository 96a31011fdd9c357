"""Answers remembered for a few seconds, so that a busy minute asks the record once and not a thousand times."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key, each good for `seconds`; the oldest goes when there are more than `most`. Errors are not kept."""

    def __init__(self, seconds: float, most: int = 10_000) -> None:
        self.seconds = seconds
        self.most = most
        self._values: OrderedDict[K, tuple[float, V]] = OrderedDict()

    async def get(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        """The kept value, or what `load` gives now. Two who miss at once both load; neither waits for the other."""
        kept = self._values.get(key)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        value = await load()
        self._values[key] = (time.monotonic() + self.seconds, value)
        self._values.move_to_end(key)
        if len(self._values) > self.most:
            self._values.popitem(last=False)
        return value

    def forget(self, key: K) -> None:
        """Load anew the next time."""
        self._values.pop(key, None)
