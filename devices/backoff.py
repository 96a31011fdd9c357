"""How long a device stays away after its line was closed: longer each time, never in step with its neighbours."""

import random
from dataclasses import dataclass, field

from devices.wire import AFTER, After, Close

FIRST_S, LONGEST_S = 1.0, 32.0
SETTLED_S = 60.0  # so long live, and the next loss starts from the beginning
NEVER = float("inf")


def after(code: int | None) -> After:
    """What the protocol says about a close code. An unknown one means: below 4500 come back, from there on stay away."""
    try:
        return AFTER[Close(code or 0)]
    except ValueError:
        return After(f"closed with {code}" if code else "connection lost", stops=bool(code and 4500 <= code < 5000))


@dataclass(slots=True)
class Backoff:
    """Seconds until the next dial. `replaced` remembers that the one try after a 4502 has been spent."""

    dice: random.Random = field(default_factory=random.Random)
    _base: float = FIRST_S
    replaced: bool = False

    def settle(self) -> None:
        """The line has held for a minute."""
        self._base, self.replaced = FIRST_S, False

    def step(self) -> float:
        """1 to 2 s at first, doubling to at most 32 s, a new random part every time."""
        base, self._base = self._base, min(self._base * 2, LONGEST_S / 2)
        return base + self.dice.uniform(0, base)

    def after_close(self, code: int | None, retry_s: float | None) -> float:
        """Seconds to wait after a close; NEVER when the device is to stop."""
        what = after(code)
        if what.stops or (code == Close.REPLACED and self.replaced):
            return NEVER
        if code == Close.REPLACED:
            self.replaced = True
        if code == Close.DRAINING:
            return self.dice.uniform(0, retry_s if retry_s is not None else 5.0)
        return self.step() if what.wait_s is None else what.wait_s

    def after_refusal(self, status: int, retry_s: float | None) -> float:
        """Seconds to wait when the hall would not even open the line (an HTTP status); NEVER when it is to stop."""
        if status in (400, 401):  # this version or this credential will not do
            return NEVER
        if status == 503:
            return FIRST_S + self.dice.uniform(0, retry_s if retry_s is not None else 5.0)
        if status in (403, 429):
            return max(30.0, retry_s or 0.0) + self.dice.uniform(0, 5.0)
        return self.step()
