"""Put a catalogue of matters in from the terminal: first what it would change, then, once that is confirmed, the change."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from floor.boot.at_hand import database
from floor.boot.migrate import migrate
from floor.boot.program import CannotStart
from floor.catalogue import sheets
from floor.catalogue.drafts import Difference, compare
from floor.catalogue.reading import Reader, read_all
from floor.catalogue.sheets import Unreadable
from floor.database import connect
from floor.words import Words, words
from queueing import journal, matters
from queueing.errors import CatalogueMoved, NotFound
from queueing.halls import get_hall, services

SHOWN = 20  # of the changed and of the refused; the rest is counted


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="hall import", description="Put a catalogue of matters in (xlsx or csv).")
    parser.add_argument("file", type=Path)
    parser.add_argument("--hall", required=True, help="code of the hall")
    parser.add_argument("--yes", action="store_true", help="import without asking; else nothing changes before you agree")
    asked = parser.parse_args(arguments)
    say = words("zh-Hans" if os.environ.get("LANG", "").startswith("zh") else "en")
    try:
        return asyncio.run(put_in(asked.file.read_bytes(), asked.file.name, asked.hall, asked.yes, say))
    except OSError as reason:
        raise CannotStart(f"{asked.file} can't be read: {reason.strerror}.") from reason
    except Unreadable as why:
        raise CannotStart(say[f"matters.unreadable_{why.reason}"]) from why


async def put_in(file: bytes, name: str, code: str, yes: bool, say: Words) -> int:
    async with database() as url:
        await migrate(url)
        db = await connect(url)
        try:
            hall = await get_hall(db, code)
            known = await matters.catalogue(db, hall)
            found, _ = sheets.rows(file)
            reader = read_all(found, [service.code for service in await services(db, hall)], known)
            differences = compare(reader.entries, known, reader.given)
            moved = [each for each in differences if each.kind != "same"]
            print(preview(name, differences, reader, say))
            if not moved or not (yes or agreed(say("matters.confirm", n=len(moved)))):
                return 0
            fresh = sum(each.kind == "new" for each in moved)
            async with db.transaction():
                await matters.store(db, hall, [each.entry for each in moved], expects=known.version)
                told = {"new": fresh, "changed": len(moved) - fresh, "refused": len(reader.faults)}
                await journal.append(db, hall.id, "catalogue.imported", "engineer:terminal", data=told)
            print(say("matters.applied", new=fresh, changed=len(moved) - fresh))
        except NotFound as reason:
            raise CannotStart(f"there is no hall {code!r} on this database.") from reason
        except CatalogueMoved as reason:
            raise CannotStart(say["matters.moved"]) from reason
        finally:
            await db.close()
    return 0


def preview(name: str, differences: list[Difference], reader: Reader, say: Words) -> str:
    """What the file would do: the counts, then the first of the changed and of the refused rows."""
    lines = [say("matters.preview", file=name)]
    for side in ("new", "changed", "same"):
        lines.append(f"  {say[f'matters.{side}']}: {sum(each.kind == side for each in differences)}")
    lines.append(f"  {say['matters.refused']}: {len(reader.faults)}")
    for fault in reader.faults[:SHOWN]:
        reason = say(f"matters.fault_{fault.reason}", value=fault.value)
        lines.append(f"  {say['matters.row']} {fault.row}, {say[f'matters.column_{fault.column}']}: {reason}")
    for each in [each for each in differences if each.kind == "changed"][:SHOWN]:
        columns = ", ".join(say[f"matters.column_{field}"] for field, _, _ in each.fields)
        lines.append(f"  {say['matters.row']} {each.row}, {each.entry.code} {each.entry.name}: {columns}")
    return "\n".join(lines)


def agreed(question: str) -> bool:
    """Whether somebody at the keyboard says yes; a program that can't be asked has to say --yes."""
    return sys.stdin.isatty() and input(f"{question}? [y/N] ").strip().casefold() in ("y", "yes", "是")
