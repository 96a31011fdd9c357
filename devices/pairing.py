"""How a machine joins the hall: an engineer reads out a code, the machine trades it, once, for a secret of its own."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from devices.db import RECORD, Db
from devices.errors import BadCode, NotFound, TooManyTries, named
from devices.registry import COLUMNS, Device, as_device, new_secret

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # 32 letters without I, L, O and U: nobody mistakes them on a screen
LENGTH = 10
CODE_MINUTES = 10
WRONG_TRIES = 5  # per address and minute
LOOKALIKES = str.maketrans({"I": "1", "L": "1", "O": "0", "-": None, " ": None})


@dataclass(frozen=True, slots=True)
class Paired:
    """What a machine takes away from pairing. The secret is shown this once."""

    device_id: str
    secret: str


def mint_code() -> str:
    """A fresh code as people read it: `7F3K-9QTM-2W`."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    return f"{letters[:4]}-{letters[4:8]}-{letters[8:]}"


def code_hash(code: str) -> bytes:
    """How a code is kept. Case, hyphens and look-alike letters don't matter."""
    plain = code.upper().translate(LOOKALIKES)
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).digest()


CREATE_DEVICE = f"""
WITH numbered AS (
    SELECT nextval(pg_get_serial_sequence('devices', 'n')) AS n
), made AS (
    INSERT INTO devices (n, id, hall, kind, zone, window_no, name, created_by) OVERRIDING SYSTEM VALUE
    SELECT n, format('dv_%s_%s', $2::text, n), $1, $2, $3, $4, $5, $8 FROM numbered RETURNING *
), code AS (
    INSERT INTO pairing_codes (hash, device, expires)
    SELECT $6, id, hall_now() + make_interval(mins => $7) FROM made RETURNING expires
)
SELECT {COLUMNS}, (SELECT expires FROM code) AS expires FROM made
"""


async def create_device(
    db: Db, hall: int, kind: str, *, name: str, actor: str, zone: str | None = None, window: str | None = None
) -> tuple[Device, str, datetime]:
    """Make room for a machine. Gives it, its pairing code, and when that code dies (10 minutes).

    UnknownKind, UnknownZone, UnknownWindow, TwoPlaces, BadName.
    """
    code = mint_code()
    with named():
        row = await db.fetchrow(CREATE_DEVICE, hall, kind, zone, window, name, code_hash(code), CODE_MINUTES, actor)
    assert row is not None
    expires: datetime = row["expires"]
    return as_device({key: value for key, value in row.items() if key != "expires"}), code, expires


NEW_CODE = """
WITH old AS (
    UPDATE pairing_codes SET used_at = hall_now() WHERE device = $1 AND used_at IS NULL
)
INSERT INTO pairing_codes (hash, device, expires)
SELECT $2, id, hall_now() + make_interval(mins => $3) FROM devices WHERE id = $1 AND revoked_at IS NULL
RETURNING expires
"""


async def new_code(db: Db, device_id: str) -> tuple[str, datetime]:
    """Another code for a machine; the earlier ones die. Its present secret works until the code is used. NotFound."""
    code = mint_code()
    expires: datetime | None = await db.fetchval(NEW_CODE, device_id, code_hash(code), CODE_MINUTES)
    if expires is None:
        raise NotFound(what="device")
    return code, expires


COUNT_TRY = """
INSERT INTO pairing_tries AS t (address, since, tries, latest) VALUES ($1, hall_now(), 1, hall_now())
ON CONFLICT (address) DO UPDATE SET
    tries = CASE WHEN t.since > hall_now() - interval '1 min' THEN t.tries + 1 ELSE 1 END,
    since = CASE WHEN t.since > hall_now() - interval '1 min' THEN t.since ELSE hall_now() END,
    wrong = t.wrong + 1, latest = hall_now()
RETURNING tries, ceil(extract(epoch FROM since + interval '1 min' - hall_now()))::integer AS seconds
"""


async def count_try(db: Db, address: str) -> None:
    """Count a try as wrong until it proves right. TooManyTries (.details["seconds"]) beyond 5 in a minute."""
    row = await db.fetchrow(COUNT_TRY, address)
    assert row is not None
    if row["tries"] > WRONG_TRIES:
        raise TooManyTries(seconds=max(row["seconds"], 1))


# The code is consumed where the secret is laid down: two boxes with one code race for this row.
PAIR = f"""
WITH code AS (
    UPDATE pairing_codes SET used_at = hall_now()
    WHERE hash = $1 AND used_at IS NULL AND expires > hall_now() RETURNING device
), joined AS (
    UPDATE devices d SET secret = $2, next_secret = NULL, rotate = false, model = $3, agent = $4, paired_at = hall_now()
    FROM code WHERE d.id = code.device AND d.revoked_at IS NULL RETURNING d.*
), forgiven AS (
    UPDATE pairing_tries SET tries = tries - 1, wrong = wrong - 1 WHERE address = $5 AND EXISTS (SELECT FROM joined)
), told AS (
    SELECT hall, 'device.paired' AS kind, 'device:' || id AS actor, window_no, 1 AS rank,
           jsonb_build_object('device', id, 'kind', kind, 'zone', zone, 'window', window_no) AS data FROM joined
)
{RECORD}
SELECT id FROM joined
"""


async def pair(db: Db, code: str, model: str, agent: str, *, address: str) -> Paired:
    """Trade a code for a secret. `address` is who asks. BadCode, TooManyTries.

    Two statements of their own, not one transaction with anything else: a wrong try must stay counted.
    """
    await count_try(db, address)
    secret, kept = new_secret()
    device_id: str | None = await db.fetchval(PAIR, code_hash(code), kept, model, agent, address)
    if device_id is None:
        raise BadCode()
    return Paired(device_id, secret)
