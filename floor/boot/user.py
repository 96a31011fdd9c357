"""Add a member of staff from the terminal: how the first manager of a real hall comes to be."""

import argparse
import asyncio
import getpass
import os
import sys
from collections.abc import Sequence

from floor.boot.at_hand import database
from floor.boot.migrate import migrate
from floor.boot.program import CannotStart
from floor.database import connect
from floor.people import ROLES, add_user, hash_password
from floor.refusals import UserExists
from queueing.errors import NotFound
from queueing.halls import get_hall

SHORTEST = 8


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="hall user", description="Add a member of staff.")
    parser.add_argument("username", help="the name to sign in with")
    parser.add_argument("--hall", required=True, help="code of the hall")
    parser.add_argument("--name", required=True, help="as the plate shows it")
    parser.add_argument("--role", action="append", required=True, choices=ROLES, help="may be given several times")
    parser.add_argument("--zone", help="the zone a leader leads")
    parser.add_argument("--site", help="the station an agent works at, and for it alone")
    parser.add_argument("--number", help="of the badge")
    asked = parser.parse_args(arguments)
    asyncio.run(add(asked, password()))
    print(f"{asked.username} may sign in to {asked.hall} as {', '.join(asked.role)}.")
    return 0


def password() -> str:
    """HALL_PASSWORD, a line of standard input, or typed twice without an echo; never an argument, which others could read."""
    given = os.environ.get("HALL_PASSWORD")
    if not given and not sys.stdin.isatty():
        given = sys.stdin.readline().rstrip("\n")
    if not given:
        given = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != given:
            raise CannotStart("the two passwords differ.")
    if len(given) < SHORTEST:
        raise CannotStart(f"a password has {SHORTEST} characters or more.")
    return given


async def add(asked: argparse.Namespace, password: str) -> None:
    async with database() as url:
        await migrate(url)
        db = await connect(url)
        try:
            hall = await get_hall(db, asked.hall)
            hashed = await hash_password(password)
            await add_user(
                db, hall.id, asked.username, hashed,
                name=asked.name, roles=asked.role, number=asked.number, zone=asked.zone, site=asked.site,
            )  # fmt: skip
        except NotFound as reason:
            raise CannotStart(f"there is no hall {asked.hall!r} on this database.") from reason
        except UserExists as reason:
            raise CannotStart(f"{asked.username} is taken already.") from reason
        finally:
            await db.close()
