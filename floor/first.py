"""The first manager of a house where nobody can sign in yet: whoever holds the one-time link from the start's own output."""

import secrets
from datetime import timedelta

from floor.database import Db
from floor.people import User, add_user, find_user
from floor.refusals import LinkUsed
from floor.signin import digest

GOOD_FOR = timedelta(hours=24)

LINK = """
WITH old AS (DELETE FROM first_links)
INSERT INTO first_links (token, expires) SELECT $1, hall_now() + $2::interval WHERE NOT EXISTS (SELECT FROM users) RETURNING token
"""


async def first_link(db: Db) -> str | None:
    """A new link's path, good once and for a day, while nobody works here; None as soon as somebody does. Earlier links die."""
    token = secrets.token_urlsafe(32)
    made = await db.fetchval(LINK, digest(token), GOOD_FOR)
    return f"/first/{token}" if made else None


GOOD = "SELECT EXISTS (SELECT FROM first_links WHERE token = $1 AND expires > hall_now()) AND NOT EXISTS (SELECT FROM users)"


async def is_good(db: Db, token: str) -> bool:
    """Whether a link still makes a manager."""
    good: bool = await db.fetchval(GOOD, digest(token))
    return good


USE = "DELETE FROM first_links WHERE token = $1 AND expires > hall_now() AND NOT EXISTS (SELECT FROM users) RETURNING token"
HALL = "INSERT INTO halls (code, name) VALUES ($1, $2) ON CONFLICT (code) DO UPDATE SET name = excluded.name RETURNING id"
STREAM = "INSERT INTO hall_streams (hall, epoch) VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def make_first_manager(db: Db, token: str, *, code: str, hall: str, username: str, name: str, hashed: str) -> User:
    """Use the link up and make the hall and its first manager, who also keeps its machines. LinkUsed."""
    async with db.transaction():
        if await db.fetchval(USE, digest(token)) is None:
            raise LinkUsed()
        made: int = await db.fetchval(HALL, code, hall)
        await db.execute(STREAM, made, f"k{secrets.token_hex(3)}")
        await add_user(db, made, username, hashed, name=name, roles=["manager", "engineer"])
        user = await find_user(db, username)
    assert user is not None
    return user
