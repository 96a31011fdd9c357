"""Which machines the hall has, where each stands, and whether the one at the door is who it says it is."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from devices import settings
from devices.db import RECORD, Db, Row
from devices.errors import NotFound, named

PRESENT_S = 25  # seen within this many seconds means present
NEED_A_WINDOW = ("evaluator", "keypad")
FOLLOW_NOTHING = ("speaker", "dispenser")


@dataclass(frozen=True, slots=True)
class Device:
    """One machine. Kind, zone, window and hall are the hall's facts; model, agent, caps and parts its own words."""

    id: str
    hall: int
    kind: str  # dispenser, led, tv, speaker, evaluator, keypad
    zone: str | None
    window: str | None
    name: str
    model: str | None
    agent: str | None
    fw: str | None
    caps: tuple[str, ...]
    created_at: datetime
    paired_at: datetime | None
    revoked_at: datetime | None
    last_seen: datetime | None
    present: bool  # seen within the last 25 s
    gen: int
    rotate: bool  # a new secret was asked for
    config: Mapping[str, Any]  # what differs from the usual settings of its kind
    config_rev: int
    config_taken: int  # the newest settings it has answered
    config_taken_at: datetime | None
    config_refused: str | None  # why it would not take those
    asleep: bool
    test: Mapping[str, Any] | None  # a line to be looked at: {"text", "until"}
    behind: int  # events told and not confirmed for seconds
    behind_since: datetime | None
    renewing: bool  # a new secret is asked for, or has not been used yet
    parts: Mapping[str, Mapping[str, Any]]  # part -> {"state", "since", "rtt_ms", …} as reported last
    first_offline: int | None  # a dispenser's thousand numbers for when the hall is away begin here

    @property
    def placed(self) -> bool:
        """Whether it knows whom it serves: an evaluator or keypad does at a window, the others anywhere in the hall."""
        return self.window is not None or self.kind not in NEED_A_WINDOW

    @property
    def told(self) -> dict[str, Any]:
        """The settings as its link carries them: all of its kind, whether it rests, and a line to be looked at."""
        return {**settings.complete(self.kind, self.config), "asleep": self.asleep, **({"test": self.test} if self.test else {})}

    @property
    def lends(self) -> bool:
        """Whether it can go on alone, with numbers lent to it."""
        return "lease" in self.caps and self.first_offline is not None and self.paired_at is not None

    @property
    def view(self) -> str | None:
        """The feed it follows: `window:3`, `zone:A`, `hall`, or None."""
        if self.kind in FOLLOW_NOTHING or not self.placed:
            return None
        if self.window is not None:
            return f"window:{self.window}"
        return f"zone:{self.zone}" if self.zone is not None else "hall"


COLUMNS = """
id, hall, kind, zone, window_no AS "window", name, model, agent, fw, caps, created_at, paired_at, revoked_at, last_seen,
coalesce(last_seen > hall_now() - interval '25 s', false) AS present, gen, rotate, config, config_rev,
config_taken, config_taken_at, config_refused, asleep, test, behind, behind_since,
rotate OR next_secret IS NOT NULL AS renewing, parts, first_offline
"""


def as_device(row: Row | Mapping[str, Any]) -> Device:
    """A row of COLUMNS."""
    return Device(**{**row, "caps": tuple(row["caps"])})


def new_secret() -> tuple[str, bytes]:
    """A secret of 32 random bytes, 43 characters long, and the SHA-256 by which it is kept."""
    secret = secrets.token_urlsafe(32)
    return secret, digest(secret)


def digest(secret: str) -> bytes:
    """How a secret is kept."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


GET_DEVICE = f"SELECT {COLUMNS} FROM devices WHERE id = $1"


async def get_device(db: Db, device_id: str) -> Device:
    """One machine, revoked or not. NotFound."""
    row = await db.fetchrow(GET_DEVICE, device_id)
    if row is None:
        raise NotFound(what="device")
    return as_device(row)


LIST_DEVICES = f"SELECT {COLUMNS} FROM devices WHERE hall = $1 ORDER BY n"


async def list_devices(db: Db, hall: int) -> list[Device]:
    """All machines of a hall, oldest first, the revoked ones too."""
    return [as_device(row) for row in await db.fetch(LIST_DEVICES, hall)]


STANDING = f"SELECT {COLUMNS} FROM devices WHERE id = ANY($1)"


async def standing(db: Db, ids: Sequence[str]) -> dict[str, Device]:
    """How these machines stand now, by id: what the link checks every few seconds for all it holds."""
    return {row["id"]: as_device(row) for row in await db.fetch(STANDING, list(ids))}


# The first use of a new secret drops the old one. Most callers come with the present secret and change nothing.
AUTHENTICATE = f"""
WITH renewed AS (
    UPDATE devices SET secret = next_secret, next_secret = NULL
    WHERE id = $1 AND next_secret = $2 AND revoked_at IS NULL RETURNING id
)
SELECT {COLUMNS} FROM devices
WHERE id = $1 AND revoked_at IS NULL AND paired_at IS NOT NULL AND (secret = $2 OR id IN (SELECT id FROM renewed))
"""


async def authenticate(db: Db, device_id: str, secret: str) -> Device | None:
    """The device that this id and secret belong to; None for an unknown, revoked or wrong one."""
    if "\0" in device_id:
        return None
    row = await db.fetchrow(AUTHENTICATE, device_id, digest(secret))
    return as_device(row) if row else None


GREET = f"""
UPDATE devices SET gen = gen + 1, boot = $2, agent = $3, fw = $4, caps = $5, last_seen = hall_now(),
                   behind = 0, behind_since = NULL
WHERE id = $1 AND revoked_at IS NULL RETURNING {COLUMNS}
"""


async def greet(db: Db, device_id: str, boot: str, agent: str, fw: str | None, caps: Sequence[str]) -> Device | None:
    """Count one more accepted connection and note who runs there. None when it was revoked meanwhile."""
    row = await db.fetchrow(GREET, device_id, boot, agent, fw, list(caps))
    return as_device(row) if row else None


REVOKE = f"""
WITH gone AS (
    UPDATE devices SET revoked_at = hall_now(), secret = NULL, next_secret = NULL
    WHERE id = $1 AND revoked_at IS NULL RETURNING *
), codes AS (
    UPDATE pairing_codes SET used_at = hall_now() WHERE used_at IS NULL AND device IN (SELECT id FROM gone)
), alarms AS (
    UPDATE device_alarms SET cleared_at = hall_now() WHERE cleared_at IS NULL AND device IN (SELECT id FROM gone)
), told AS (
    SELECT hall, 'device.revoked' AS kind, $2::text AS actor, window_no, 1 AS rank,
           jsonb_build_object('device', id, 'kind', kind, 'zone', zone, 'window', window_no) AS data FROM gone
)
{RECORD}
SELECT EXISTS (SELECT FROM devices WHERE id = $1)
"""


async def revoke(db: Db, device_id: str, *, actor: str) -> None:
    """Take a machine's credential away, for good; its live link is closed within seconds. NotFound."""
    if not await db.fetchval(REVOKE, device_id, actor):
        raise NotFound(what="device")


ASK_ROTATION = "UPDATE devices SET rotate = true WHERE id = $1 AND revoked_at IS NULL AND paired_at IS NOT NULL RETURNING id"


async def ask_rotation(db: Db, device_id: str) -> None:
    """Have the link give this machine a new secret when it is next connected. NotFound."""
    if await db.fetchval(ASK_ROTATION, device_id) is None:
        raise NotFound(what="device")


ROTATE = "UPDATE devices SET next_secret = $2, rotate = false WHERE id = $1 AND revoked_at IS NULL RETURNING id"


async def rotate(db: Db, device_id: str) -> str:
    """A new secret beside the present one: both open the door until the new one has been used. NotFound."""
    secret, kept = new_secret()
    if await db.fetchval(ROTATE, device_id, kept) is None:
        raise NotFound(what="device")
    return secret


SET_RANGE = f"UPDATE devices SET first_offline = $2 WHERE id = $1 AND revoked_at IS NULL RETURNING {COLUMNS}"


async def set_range(db: Db, device_id: str, first: int | None) -> Device:
    """Give a dispenser another thousand numbers for when the hall is away, 2001 or 3001 and so on; None: it gives out none.

    NotFound, BadRange, RangeTaken, OnlyDispensersLend.
    """
    with named():
        row = await db.fetchrow(SET_RANGE, device_id, first)
    if row is None:
        raise NotFound(what="device")
    return as_device(row)


CONFIGURE = f"""
UPDATE devices SET config = $2, config_rev = config_rev + 1 WHERE id = $1 AND revoked_at IS NULL RETURNING {COLUMNS}
"""


async def configure(db: Db, device_id: str, config: Mapping[str, Any]) -> Device:
    """Give a machine other settings in place of all it had; the link sends them within seconds. NotFound, BadInput."""
    kept = settings.usable((await get_device(db, device_id)).kind, config)
    row = await db.fetchrow(CONFIGURE, device_id, kept)
    if row is None:
        raise NotFound(what="device")
    return as_device(row)


TOOK = """
UPDATE devices SET config_taken = $2, config_taken_at = hall_now(), config_refused = $3 WHERE id = $1 AND config_taken <= $2
"""


async def took_config(db: Db, device_id: str, rev: int, refused: str | None) -> None:
    """The machine has answered its settings: taken over, or `refused` with its own words."""
    await db.execute(TOOK, device_id, rev, refused)


SHOW_TEST = """
UPDATE devices SET test = jsonb_build_object('text', $2::text, 'until', hall_now() + make_interval(secs => $3)),
                   config_rev = config_rev + 1
WHERE id = $1 AND revoked_at IS NULL RETURNING id
"""


async def show_test(db: Db, device_id: str, text: str, seconds: float) -> None:
    """Have a screen show this line for so long, whatever else it has to show. NotFound."""
    if await db.fetchval(SHOW_TEST, device_id, text, seconds) is None:
        raise NotFound(what="device")


REST = """
UPDATE devices d SET asleep = NOT asleep, config_rev = config_rev + 1
WHERE d.hall = $1 AND d.revoked_at IS NULL AND d.asleep <> (d.id = ANY ($2)) RETURNING d.id
"""


async def rest(db: Db, hall: int, sleepers: Sequence[str]) -> list[str]:
    """Let these machines of a hall sleep and no others. Gives whom that changed; the link tells them within seconds."""
    return [row["id"] for row in await db.fetch(REST, hall, list(sleepers))]
