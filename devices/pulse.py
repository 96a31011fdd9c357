"""How each line keeps up: its round trip, its clock, and how far its board is behind what it was told."""

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from devices.db import Db

LATE = timedelta(seconds=3)  # a board confirms every 2 s what it has shown; what is older than this it is behind with
REMEMBERED = 256  # events of a feed; whoever is further behind than that is behind with all of them
MOST_MS = 3_600_000.0


@dataclass(frozen=True, slots=True)
class Behind:
    """So many events were told and not confirmed, the first of them at `since`."""

    events: int = 0
    since: datetime | None = None


ABREAST = Behind()


@dataclass(slots=True)
class Feeds:
    """What was told to each feed lately, and when."""

    _told: defaultdict[tuple[int, str], deque[tuple[int, datetime]]] = field(
        default_factory=lambda: defaultdict(lambda: deque(maxlen=REMEMBERED))
    )

    def tell(self, hall: int, view: str, offset: int, at: datetime) -> None:
        """An event of this offset went out."""
        self._told[hall, view].append((offset, at))

    def begin_anew(self, hall: int) -> None:
        """Offsets of an older epoch mean nothing any more."""
        for place in [place for place in self._told if place[0] == hall]:
            del self._told[place]

    def behind(self, hall: int, view: str, confirmed: int, now: datetime) -> Behind:
        """How far a board is behind that has confirmed up to an offset; nothing within the first seconds."""
        told = self._told.get((hall, view))
        if not told or told[-1][0] <= confirmed:
            return ABREAST
        first = bisect_right(told, confirmed, key=lambda event: event[0])
        since = told[first][1]
        return Behind(len(told) - first, since) if now - since > LATE else ABREAST


@dataclass(slots=True)
class Minute:
    """What one machine's line was like since the last sample."""

    rtt_ms: float | None = None
    offset_ms: float | None = None
    behind: int = 0

    def beat(self, rtt_ms: float | None, offset_ms: float | None) -> None:
        if rtt_ms is not None:
            self.rtt_ms = min(max(self.rtt_ms or 0.0, rtt_ms), MOST_MS)
        if offset_ms is not None:
            self.offset_ms = min(max(offset_ms, -MOST_MS), MOST_MS)


KEEP_SAMPLES = """
WITH given AS (
    SELECT * FROM unnest($1::text[], $2::float8[], $3::float8[], $4::integer[]) AS g (device, rtt_ms, offset_ms, behind)
), shown AS (
    UPDATE devices d SET parts = parts || jsonb_build_object('link', coalesce(parts -> 'link', '{}')
                                 || jsonb_build_object('rtt_ms', g.rtt_ms, 'offset_ms', g.offset_ms))
    FROM given g WHERE d.id = g.device AND g.rtt_ms IS NOT NULL
)
INSERT INTO device_samples AS s (device, at, rtt_ms, offset_ms, behind)
SELECT g.device, date_trunc('minute', hall_now()), g.rtt_ms, g.offset_ms, g.behind FROM given g
ON CONFLICT (device, at) DO UPDATE SET
    rtt_ms = greatest(s.rtt_ms, excluded.rtt_ms), offset_ms = coalesce(excluded.offset_ms, s.offset_ms),
    behind = greatest(s.behind, excluded.behind)
"""


async def keep_samples(db: Db, minutes: Sequence[tuple[str, Minute]]) -> None:
    """One sample for each machine that was connected."""
    devices, kept = zip(*minutes, strict=True) if minutes else ((), ())
    await db.execute(
        KEEP_SAMPLES, list(devices), [one.rtt_ms for one in kept], [one.offset_ms for one in kept], [one.behind for one in kept]
    )


FALL_BEHIND = """
UPDATE devices d SET behind = g.events, behind_since = g.since
FROM unnest($1::text[], $2::integer[], $3::timestamptz[]) AS g (device, events, since) WHERE d.id = g.device
"""


async def fall_behind(db: Db, boards: Sequence[tuple[str, Behind]]) -> None:
    """These boards are behind, or abreast again."""
    devices, kept = zip(*boards, strict=True) if boards else ((), ())
    await db.execute(FALL_BEHIND, list(devices), [one.events for one in kept], [one.since for one in kept])


BREAK = "UPDATE devices SET broken_at = hall_now() WHERE id = ANY ($1)"


async def broken(db: Db, devices: Sequence[str]) -> None:
    """These machines were hung up on: nobody could read what they sent."""
    await db.execute(BREAK, list(devices))


@dataclass(frozen=True, slots=True)
class Sample:
    """One minute of a machine's line."""

    at: datetime
    rtt_ms: float | None
    offset_ms: float | None
    behind: int


SAMPLES = "SELECT at, rtt_ms, offset_ms, behind FROM device_samples WHERE device = $1 AND at >= $2 ORDER BY at"


async def samples(db: Db, device: str, since: datetime) -> list[Sample]:
    """Its minutes since then, oldest first."""
    return [Sample(**row) for row in await db.fetch(SAMPLES, device, since)]


FORGET = "DELETE FROM device_samples WHERE at < hall_now() - make_interval(days => $1)"


async def forget(db: Db, days: int = 3) -> None:
    """Drop older samples."""
    await db.execute(FORGET, days)
