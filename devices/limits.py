"""How much one machine may say before the hall stops listening."""

from collections import deque
from dataclasses import dataclass, field

from devices.wire import BURST, RATE

DEBT = 20  # frames beyond the burst that are still answered (`too_fast`) before the line is closed
BAD_FRAMES, BAD_WINDOW_S = 3, 60.0


@dataclass(slots=True)
class Bucket:
    """20 frames a second, 60 at once. `take` gives what is left: below 0 the frame is too much, below -20 the sender is."""

    at: float
    left: float = BURST

    def take(self, mono: float) -> float:
        """Count one frame."""
        self.left = min(BURST, self.left + max(mono - self.at, 0.0) * RATE) - 1
        self.at = mono
        return self.left


@dataclass(slots=True)
class Strikes:
    """Unreadable frames of the last minute."""

    _at: deque[float] = field(default_factory=lambda: deque(maxlen=BAD_FRAMES))

    def strike(self, mono: float) -> bool:
        """Count one; True when it was one too many."""
        self._at.append(mono)
        return len(self._at) == BAD_FRAMES and mono - self._at[0] < BAD_WINDOW_S
