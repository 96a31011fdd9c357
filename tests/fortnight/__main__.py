"""`./hall rehearse`: a fortnight through the real processes in a minute. Prints what the calendar said and what came of it."""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from datetime import time as clock
from pathlib import Path

from tests.fortnight.days import FORTNIGHT, ZONE
from tests.fortnight.judges import judge
from tests.fortnight.people import People
from tests.fortnight.play import Note, Play
from tests.fortnight.stage import staged

OPENING = clock(8, 0)


def main() -> int:
    parser = argparse.ArgumentParser("hall rehearse", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave the hall's files and logs where they are")
    keep = parser.parse_args().keep
    home = Path(tempfile.mkdtemp(prefix="hall-fortnight-"))
    began = time.monotonic()
    passed = False
    try:
        passed = asyncio.run(rehearse(home))
    finally:
        if passed and not keep:
            shutil.rmtree(home)
        else:
            print(f"rehearse: the hall's files and logs are in {home}")
    print(f"rehearse: {len(FORTNIGHT)} days in {time.monotonic() - began:.0f} s, {'passed' if passed else 'FAILED'}", flush=True)
    return 0 if passed else 1


async def rehearse(home: Path) -> bool:
    first = FORTNIGHT[0]
    async with staged(home, first.at(OPENING)) as stage:
        people = People(stage.hall)
        play, lit = Play(stage, people), list["asyncio.Task[None]"]()
        try:
            await play.prepare()
            lit = await stage.switch_on(people.tokens["engineer"])
            await play.run()
        except AssertionError as stuck:
            (play.notes[-1] if play.notes else play.begin(first)).wrong.append(str(stuck))
        finally:
            for board in lit:
                board.cancel()
            await asyncio.gather(*lit, return_exceptions=True)
            await people.close()
        whole = len(play.notes) == len(FORTNIGHT)
        judged = await judge(stage, play) if whole else ["the fortnight was not played to its end"]
    tell(play.notes)
    for line in judged:
        print(f"  DIFFERS  {line}")
    return not judged and not any(note.wrong for note in play.notes)


def tell(notes: list[Note]) -> None:
    """A line a day, and under it what differed."""
    heads = f"{'in':>4}{'booked':>8}{'away':>6}{'served':>8}  {'windows':<9}{'over':<7}"
    print(f"{'day':<11}{'kind':<12}{'the calendar says':<58}{heads}")
    for note in notes:
        done = f"{note.done_at.astimezone(ZONE):%H:%M}" if note.done_at else ""
        print(
            f"{note.day.day:%m-%d %a}  {note.day.kind:<12}{note.day.hours:<58}{note.walked_in:>4}{note.checked_in:>8}"
            f"{note.turned_away:>6}{note.served:>8}  {','.join(note.opened):<9}{done:<7}{note.day.why}"
        )
        for line in note.wrong:
            print(f"  DIFFERS  {line}")


if __name__ == "__main__":
    sys.exit(main())
