"""How the machines are: when each was last heard, what is wrong with which part, and what every board has shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from devices.clock import WRONG_S
from devices.db import RECORD, Db
from devices.wire import Part

WELL = frozenset({"ok", "unknown", "online"})  # states of a part that need nobody
MUTE = ("printer", "unknown")  # three questions without an answer that makes sense: nobody knows whether there is paper
READY_PRINTER = frozenset({"ok", "paper_low", "unknown"})


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something a person should look at: part `printer` with `paper_out`, `link` with `lost`, `clock` with `off`, …"""

    device: str
    hall: int
    part: str
    state: str
    since: datetime
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A board had shown everything of its feed up to an offset at this time."""

    device: str
    kind: str
    name: str
    zone: str | None
    window: str | None
    at: datetime


SEEN = "UPDATE devices SET last_seen = hall_now() WHERE id = ANY ($1)"


async def seen(db: Db, devices: Sequence[str]) -> None:
    """These machines were heard just now."""
    await db.execute(SEEN, list(devices))


def troubles(parts: Mapping[str, Part]) -> dict[str, str]:
    """What of these parts needs a person: part -> state. The link's measured offset speaks for the clock."""
    wrong = {
        name: part.state
        for name, part in parts.items()
        if part.state is not None and (part.state not in WELL or (name, part.state) == MUTE)
    }
    link = parts.get("link")
    if link is not None and link.offset_ms is not None and abs(link.offset_ms) > WRONG_S * 1000:
        wrong["clock"] = "off"
    return wrong


# Alarms follow a wish list: `wanted` names what is wrong now, `heard` what this statement knows about. An alarm known
# about and not wanted any more is cleared; a wanted one not yet raised is raised; both are told in the hall's record.
FOLLOW = f"""
, cleared AS (
    UPDATE device_alarms a SET cleared_at = hall_now() FROM heard h
    WHERE a.device = h.device AND a.part = h.part AND a.cleared_at IS NULL
      AND NOT EXISTS (SELECT FROM wanted w WHERE w.device = a.device AND w.part = a.part AND w.state = a.state)
    RETURNING a.device, a.part, a.state
), raised AS (
    INSERT INTO device_alarms (device, part, state, since)
    SELECT w.device, w.part, w.state, hall_now() FROM wanted w
    WHERE (SELECT count(*) FROM cleared) >= 0 AND NOT EXISTS (
        SELECT FROM device_alarms a WHERE a.device = w.device AND a.part = w.part AND a.state = w.state AND a.cleared_at IS NULL)
    ON CONFLICT (device, part) WHERE cleared_at IS NULL DO NOTHING
    RETURNING device, part, state
), changed AS (
    SELECT 0 AS raised, * FROM cleared UNION ALL SELECT 1, * FROM raised
), told AS (
    SELECT d.hall, CASE c.raised WHEN 1 THEN 'device.alarm' ELSE 'device.cleared' END AS kind, 'device:' || d.id AS actor,
           d.window_no, row_number() OVER (ORDER BY d.n, c.part, c.raised) AS rank,
           jsonb_build_object('device', d.id, 'kind', d.kind, 'zone', d.zone, 'window', d.window_no,
                              'part', c.part, 'state', c.state) AS data
    FROM changed c JOIN devices d ON d.id = c.device
)
{RECORD}
SELECT hall FROM recorded
"""

REPORT = f"""
WITH known AS (
    UPDATE devices SET parts = parts || $2, last_seen = hall_now() WHERE id = $1 AND revoked_at IS NULL RETURNING id
), heard AS (
    SELECT id AS device, unnest($3::text[]) AS part FROM known
), wanted AS (
    SELECT id AS device, w.part, w.state FROM known, unnest($4::text[], $5::text[]) AS w (part, state)
)
{FOLLOW}
"""


async def report(db: Db, device: str, parts: Mapping[str, Part]) -> int:
    """Keep what a machine says of its parts; raise and clear its alarms. Gives how many rows the hall's record got."""
    wrong = troubles(parts)
    heard = [*parts, *(["clock"] if "link" in parts else [])]
    kept = msgspec.to_builtins(dict(parts))
    return len(await db.fetch(REPORT, device, kept, heard, list(wrong), list(wrong.values())))


BROKEN_MINUTES = 6  # a box that sent what nobody can read comes back after five

# What no machine can report about itself: that it is gone, that its board lags, that nobody can read it, and that a
# living ticket got no paper from it.
SWEEP = f"""
WITH heard AS (
    SELECT id AS device, part FROM devices, unnest(ARRAY['link', 'board', 'frames', 'tickets']) AS part
    WHERE revoked_at IS NULL AND paired_at IS NOT NULL
), wanted AS (
    SELECT id AS device, 'link' AS part, 'lost' AS state FROM devices
    WHERE revoked_at IS NULL AND paired_at IS NOT NULL AND last_seen <= hall_now() - interval '25 s'
    UNION ALL
    SELECT id, 'board', 'behind' FROM devices
    WHERE revoked_at IS NULL AND behind > 0 AND last_seen > hall_now() - interval '25 s'
    UNION ALL
    SELECT id, 'frames', 'broken' FROM devices
    WHERE revoked_at IS NULL AND broken_at > hall_now() - make_interval(mins => {BROKEN_MINUTES})
    UNION ALL
    SELECT DISTINCT j.device, 'tickets', 'no_paper' FROM jobs j
    JOIN tickets t ON t.id = substring(j.key FROM '^ticket:tk_([0-9]{{1,18}}):')::bigint
                  AND t.state IN ('waiting', 'called', 'serving', 'held', 'missed')
    JOIN devices d ON d.id = j.device AND d.revoked_at IS NULL
    WHERE j.kind = 'print' AND j.state IN ('failed', 'expired', 'uncertain', 'refused')
      AND j.owed_at > hall_now() - interval '1 day'
      AND NOT EXISTS (
        SELECT FROM jobs k WHERE k.kind = 'print' AND k.data ->> 'ticket_id' = j.data ->> 'ticket_id'
                             AND k.state IN ('owed', 'accepted', 'started', 'done'))
)
{FOLLOW}
"""


async def sweep(db: Db) -> list[int]:
    """Raise and clear what only the hall can see: silence of 25 s, boards that lag, broken frames, tickets without paper.

    Gives the halls whose record grew; safe to run twice, and by two clocks.
    """
    return [row["hall"] for row in await db.fetch(SWEEP)]


ALARMS = """
SELECT a.device, d.hall, a.part, a.state, a.since, a.cleared_at FROM device_alarms a JOIN devices d ON d.id = a.device
WHERE d.hall = $1 AND a.cleared_at IS NULL ORDER BY a.since, a.id
"""


async def alarms(db: Db, hall: int) -> list[Alarm]:
    """What is wrong in a hall now, oldest first."""
    return [Alarm(**row) for row in await db.fetch(ALARMS, hall)]


PAST = """
SELECT a.device, d.hall, a.part, a.state, a.since, a.cleared_at FROM device_alarms a JOIN devices d ON d.id = a.device
WHERE a.device = $1 AND (a.cleared_at IS NULL OR a.cleared_at > $2) ORDER BY a.since, a.id
"""


async def alarms_of(db: Db, device: str, since: datetime) -> list[Alarm]:
    """What was wrong with one machine since then, or still is, oldest first."""
    return [Alarm(**row) for row in await db.fetch(PAST, device, since)]


SHOWN = """
SELECT epoch, "offset", at FROM device_gots WHERE device = $1 ORDER BY at DESC, "offset" DESC LIMIT 1
"""


async def shown_last(db: Db, device: str) -> tuple[str, int, datetime] | None:
    """What a board confirmed last: epoch, offset, when. None for one that never did."""
    row = await db.fetchrow(SHOWN, device)
    return (row["epoch"], row["offset"], row["at"]) if row else None


PRINTER = "SELECT parts -> 'printer' ->> 'state' FROM devices WHERE id = $1"


async def printer_ready(db: Db, device: str) -> bool:
    """Whether a dispenser may promise paper: its last health says ok, paper_low or unknown, or nothing yet."""
    return (await db.fetchval(PRINTER, device) or "unknown") in READY_PRINTER


GOT = """
INSERT INTO device_gots (device, epoch, "offset")
SELECT g.device, g.epoch, least(g."offset", s.top)
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS g(device, epoch, "offset")
JOIN devices d ON d.id = g.device JOIN hall_streams s ON s.hall = d.hall ON CONFLICT DO NOTHING
"""


async def got(db: Db, shown: Sequence[tuple[str, str, int]]) -> None:
    """Boards confirm: (device, epoch, offset) each, everything of their feeds up to there is shown.

    Nobody has shown what has not happened: an offset beyond the record counts as the record's newest.
    """
    devices, epochs, offsets = zip(*shown, strict=True) if shown else ((), (), ())
    await db.execute(GOT, list(devices), list(epochs), list(offsets))


CONFIRMATIONS = """
SELECT d.id AS device, d.kind, d.name, d.zone, d.window_no AS "window", g.at
FROM devices d, LATERAL (
    SELECT at FROM device_gots WHERE device = d.id AND epoch = $2 AND "offset" >= $3 ORDER BY "offset" LIMIT 1
) g WHERE d.hall = $1 ORDER BY g.at, d.n
"""


async def confirmations(db: Db, hall: int, epoch: str, offset: int) -> list[Confirmation]:
    """Which boards have confirmed this offset, and when first. A board of another zone confirms what it skipped, too."""
    return [Confirmation(**row) for row in await db.fetch(CONFIRMATIONS, hall, epoch, offset)]


PRUNE = """
WITH gots AS (DELETE FROM device_gots WHERE at < hall_now() - make_interval(days => $1)),
codes AS (DELETE FROM pairing_codes WHERE expires < hall_now() - interval '1 day'),
alarms AS (DELETE FROM device_alarms WHERE cleared_at < hall_now() - interval '90 days')
DELETE FROM pairing_tries WHERE latest < hall_now() - interval '30 days'
"""


async def prune(db: Db, days: int = 7) -> None:
    """Forget confirmations older than this, dead pairing codes, alarms of last season, and who guessed wrong a month ago."""
    await db.execute(PRUNE, days)
