"""An identity card laid on a kiosk's reader stands behind the next number taken there, for a minute.

The reader's agent sends the card's number once over its own line. Here it is encrypted and lies in Redis for a minute under
the dispenser's name. The kiosk page learns a token, no more; a take that shows the token is a take with that number, of
which the ticket keeps what every take does: a keyed hash and the last four signs. Then the token is spent. Without Redis no
card is read, and numbers are taken as before.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode

from cryptography.fernet import Fernet, InvalidToken
from redis.asyncio import Redis
from redis.exceptions import RedisError

GOOD_S = 60  # how long a card laid down counts


async def keep(redis: Redis, secret: bytes, device: str, press: str, number: str) -> None:
    """A card was laid down at this dispenser; the same press makes the same token. RedisError."""
    seed = hmac.new(secret, f"card:{device}:{press}".encode(), hashlib.sha256).digest()
    token = urlsafe_b64encode(seed[:18]).decode()
    await redis.set(_at(device), f"{token}:{_box(secret).encrypt(number.encode()).decode()}", ex=GOOD_S)


async def lying(redis: Redis, device: str) -> str | None:
    """The token of the card that counts at this dispenser now."""
    try:
        token, _ = await _card(redis, device)
        return token if token and not await redis.exists(_spent(token)) else None
    except RedisError:
        return None


async def number_behind(redis: Redis, secret: bytes, device: str, token: str, press: str) -> str | None:
    """The number behind a token; None when it is too old, another dispenser's, or spent by another press."""
    try:
        lies, sealed = await _card(redis, device)
        if not lies or not hmac.compare_digest(lies, token) or await redis.get(_spent(token)) not in (None, press):
            return None
        return _box(secret).decrypt(sealed, ttl=GOOD_S).decode()
    except (RedisError, InvalidToken):
        return None


async def spend(redis: Redis, token: str, press: str) -> None:
    """The token has given its number: only the same press may show it again."""
    try:
        await redis.set(_spent(token), press, ex=GOOD_S, nx=True)
    except RedisError:
        return  # it dies within the minute


def _box(secret: bytes) -> Fernet:
    return Fernet(urlsafe_b64encode(hmac.new(secret, b"cards", hashlib.sha256).digest()))


async def _card(redis: Redis, device: str) -> tuple[str, str]:
    token, _, sealed = str(await redis.get(_at(device)) or "").partition(":")
    return token, sealed


def _at(device: str) -> str:
    return f"hall:card:{device}"


def _spent(token: str) -> str:
    return f"hall:card-spent:{token}"
