"""What furnishes the hall at a start: a process that reads its libraries while PostgreSQL starts, and is gone by the opening.

So the one that stays, to keep the others alive, holds none of them: it weighs 31 MB instead of 68.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from floor.boot.program import CannotStart

ROOT = Path(__file__).resolve().parents[2]


class SignIns(msgspec.Struct, frozen=True):
    """What the start prints: the hall's code, the one password of all its people and their usernames by role."""

    hall: str
    password: str
    people: dict[str, list[str]]


class Furnished(msgspec.Struct, frozen=True):
    """What the welcome tells: the demo's sign-ins, or the path by which a new house's first manager comes in."""

    sign_ins: SignIns | None = None
    first_door: str | None = None


@asynccontextmanager
async def furnisher() -> AsyncIterator[Callable[[str], Awaitable[Furnished]]]:
    """The process, reading its libraries; called with the database's address it does its work. CannotStart."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "floor.boot.furnish", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT, start_new_session=True,
    )  # fmt: skip

    async def furnished(database_url: str) -> Furnished:
        told, _ = await child.communicate(database_url.encode())
        if child.returncode:
            raise CannotStart(told.decode().strip() or "The record could not be made ready; the lines above say why.")
        return msgspec.json.decode(told, type=Furnished)

    try:
        yield furnished
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
