"""The people who work in the hall: who they are, what they may do and the password only they know."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import asyncpg
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from floor.database import Db
from floor.refusals import UserExists

ROLES = ("clerk", "desk", "leader", "manager", "engineer", "auditor", "doorstep", "agent")

# OWASP's smallest argon2id setting: 85 ms and 19 MiB a try here. Two at once leave a core's worth for the queue.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
THREADS = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")


@cache
def nobodys_hash() -> str:
    """Verified for a name nobody has, so that a wrong name takes as long as a wrong password."""
    return HASHER.hash("nobody signs in with this")


@dataclass(frozen=True, slots=True)
class User:
    """One member of staff. `roles` in the order they count; `password` is an argon2id hash."""

    id: int
    hall: int
    username: str
    name: str
    number: str | None
    post: str | None
    photo: str | None
    roles: list[str]
    zone: str | None
    password: str
    disabled: bool
    site: str | None = None


COLUMNS = ", ".join(User.__slots__)


async def hash_password(password: str) -> str:
    """The argon2id hash of a password, made in a thread of its own."""
    return await asyncio.get_running_loop().run_in_executor(THREADS, HASHER.hash, password)


async def verify_password(user: User | None, password: str) -> bool:
    """Whether this is the password of a user who may sign in. Takes as long when there is no such user."""
    hashed = user.password if user else None
    matches = await asyncio.get_running_loop().run_in_executor(THREADS, verify, hashed, password)
    return matches and user is not None and not user.disabled


def verify(hashed: str | None, password: str) -> bool:
    try:
        return HASHER.verify(hashed or nobodys_hash(), password)
    except (VerificationError, InvalidHashError):
        return False


ADD = """
INSERT INTO users (hall, username, name, number, post, photo, roles, zone, password, site)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id
"""


async def add_user(
    db: Db,
    hall: int,
    username: str,
    hashed: str,
    *,
    name: str,
    roles: Sequence[str],
    number: str | None = None,
    post: str | None = None,
    photo: str | None = None,
    zone: str | None = None,
    site: str | None = None,
) -> int:
    """Add a member of staff to a hall; the new id. `hashed` comes from hash_password, `site` bounds an agent to a station.
    UserExists for a taken name."""
    try:
        user: int = await db.fetchval(ADD, hall, username, name, number, post, photo, list(roles), zone, hashed, site)
    except asyncpg.UniqueViolationError as taken:
        raise UserExists(username=username) from taken
    return user


async def find_user(db: Db, username: str) -> User | None:
    """The member of staff who signs in with this name."""
    row = await db.fetchrow(f"SELECT {COLUMNS} FROM users WHERE username = $1", username)
    return User(**row) if row else None


async def list_users(db: Db, hall: int) -> list[User]:
    """Everybody who works in a hall, by name they sign in with."""
    return [User(**row) for row in await db.fetch(f"SELECT {COLUMNS} FROM users WHERE hall = $1 ORDER BY username", hall)]


DISABLE = """
WITH gone AS (UPDATE users SET disabled = true WHERE hall = $1 AND username = $2 RETURNING id)
DELETE FROM sessions WHERE "user" IN (SELECT id FROM gone)
"""


async def disable_user(db: Db, hall: int, username: str) -> None:
    """Let somebody sign in no more and end the sign-ins they have; pages and sockets notice within 5 s."""
    await db.execute(DISABLE, hall, username)
