"""A small hall's figures as a file, and a file's figures into the centre: for halls that no net reaches."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import msgspec

from displays.sealed import Seal
from floor.boot.at_hand import database
from floor.boot.migrate import migrate
from floor.boot.program import CannotStart
from floor.database import Connection, connect
from floor.quality import rollup, sheets
from floor.quality.sheets import Signed
from floor.refusals import NotAllowed, SheetDiffers
from floor.settings import load
from queueing.errors import BadInput, NotFound
from queueing.halls import Hall, get_hall


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="hall figures", description="Bring the figures of a small hall to its centre by file.")
    parser.add_argument("--hall", required=True, help="code of the hall: the small one to export, the centre to import")
    parser.add_argument("--export", type=Path, metavar="FILE", help="write every day's figures, signed (- for the screen)")
    parser.add_argument("--site", help="with --export: what the centre calls this hall; its key is in HALL_CENTRE_KEY")
    parser.add_argument("--since", type=date.fromisoformat, help="with --export: not the days before this one")
    parser.add_argument("--import", type=Path, dest="taken", metavar="FILE", help="take the figures of a file in")
    asked = parser.parse_args(arguments)
    if (asked.export is None) == (asked.taken is None):
        parser.error("name --export or --import, one of them")
    return asyncio.run(export(asked) if asked.export else take_in(asked))


async def opened(code: str, url: str) -> tuple[Connection, Hall]:
    await migrate(url)
    db = await connect(url)
    try:
        return db, await get_hall(db, code)
    except NotFound as reason:
        await db.close()
        raise CannotStart(f"there is no hall {code!r} on this database.") from reason


async def export(asked: argparse.Namespace) -> int:
    """Count the past days and write them, one signed sheet a line."""
    key = os.environ.get("HALL_CENTRE_KEY")
    if not asked.site or not key:
        raise CannotStart("name the site with --site and give its key in HALL_CENTRE_KEY.")
    async with database() as url:
        db, hall = await opened(asked.hall, url)
        try:
            await sheets.make(db, hall, asked.site)
            signed = await sheets.signed(db, hall, key, since=asked.since)
        finally:
            await db.close()
    lines = b"".join(msgspec.json.encode(each) + b"\n" for each in signed)
    if str(asked.export) == "-":
        sys.stdout.buffer.write(lines)
    else:
        asked.export.write_bytes(lines)
    print(f"{len(signed)} sheets of {asked.site} are written.", file=sys.stderr)
    return 0


async def take_in(asked: argparse.Namespace) -> int:
    """Take a file's sheets in, each on its own; what does not fit is named and changes nothing."""
    try:
        lines = asked.taken.read_bytes().splitlines()
    except OSError as reason:
        raise CannotStart(f"{asked.taken} can't be read: {reason.strerror}.") from reason
    new, wrong = 0, list[str]()
    async with database() as url:
        db, hall = await opened(asked.hall, url)
        try:
            for number, line in enumerate(lines, start=1):
                try:
                    signed = msgspec.json.decode(line, type=Signed)
                    new += await rollup.take_in(db, hall, signed, Seal(load().secret), via="file")
                except NotAllowed:
                    wrong.append(f"line {number}: it is not signed with the key this site has now.")
                except (msgspec.DecodeError, SheetDiffers, BadInput) as reason:
                    wrong.append(f"line {number}: {reason}")
        finally:
            await db.close()
    print(f"{new} of {len(lines)} sheets are new.")
    for each in wrong:
        print(each, file=sys.stderr)
    return 1 if wrong else 0
