"""How a board reads its feed: apply what follows, ignore what it has, ask for the whole board after a gap."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.wire import FLASH_S, GOT_EVENTS, GOT_S, Event, Position, Snapshot


@dataclass(slots=True)
class FeedReader:
    """The device's half of the feed rule. `position` is None until the first snapshot."""

    position: Position | None = None
    gap: bool = False  # a resync is under way: nothing is applied until the snapshot
    _ungot: int = 0
    _got_due: float | None = None

    def take(self, event: Event) -> bool:
        """Whether to apply this event. False with `gap` newly set means: ask for a resync."""
        if self.gap or (self.position is not None and event.offset <= self.position.offset):
            return False
        if self.position is None or event.prev != self.position.offset:
            self.gap = True
            return False
        self.position = Position(self.position.epoch, event.offset)
        return True

    def reset(self, snapshot: Snapshot) -> None:
        """The whole board has come: read on from there."""
        self.position = Position(snapshot.epoch, snapshot.offset)
        self.gap = False

    def owe_got(self, mono: float) -> None:
        """Something was applied, so a `got` falls due."""
        self._ungot += 1
        if self._got_due is None:
            self._got_due = mono + GOT_S

    @property
    def got_due(self) -> float | None:
        """The monotonic moment for the next `got`; None when nothing is owed."""
        return self._got_due if self._ungot < GOT_EVENTS else 0.0

    def got(self) -> int | None:
        """The offset to confirm, once; None without a position."""
        self._ungot, self._got_due = 0, None
        return self.position.offset if self.position else None


def flashes(event: Event, hall_time: datetime) -> bool:
    """Only a live call younger than 20 s may flash; `hall_time` is the device's corrected time."""
    return event.kind in ("called", "recalled") and hall_time - event.at < timedelta(seconds=FLASH_S)
