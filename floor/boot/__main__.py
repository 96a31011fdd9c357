"""What `./hall` can do: one function per command."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence

from floor.boot.migrate import MigrationError
from floor.boot.program import CannotStart
from floor.database import Unavailable
from floor.settings import SettingsError

Arguments = Sequence[str]


def run(arguments: Arguments) -> int:
    """open the hall on this machine"""
    from floor.boot import run as opening

    parser = parser_of("run", run)
    parser.add_argument("--crowd", action="store_true", help="let a crowd play a day in the demo hall")
    return opening.run(parser.parse_args(arguments).crowd)


def test(arguments: Arguments) -> int:
    """set up and run every check and test"""
    from floor.boot import tests

    parser_of("test", test).parse_args(arguments)
    return tests.everything()


def check(arguments: Arguments) -> int:
    """style, types and imports, in seconds"""
    from floor.boot import tests

    parser_of("check", check).parse_args(arguments)
    return tests.check()


def bench(arguments: Arguments) -> int:
    """measure the hall against the floor of this machine"""
    from floor.boot import tests

    return tests.become("tests.bench", arguments)


def storm(arguments: Arguments) -> int:
    """load and faults, judged afterwards"""
    from floor.boot import tests

    return tests.become("tests.storm", arguments)


def rehearse(arguments: Arguments) -> int:
    """a fortnight in a minute, held against the calendar"""
    from floor.boot import tests

    return tests.become("tests.fortnight", arguments)


def crowd(arguments: Arguments) -> int:
    """play a day against the running hall"""
    from floor.boot.crowd import main

    return main(arguments)


def user(arguments: Arguments) -> int:
    """add a member of staff"""
    from floor.boot import user as adding

    return adding.main(arguments)


def import_(arguments: Arguments) -> int:
    """put a catalogue of matters in"""
    from floor.boot import importing

    return importing.main(arguments)


def voice(arguments: Arguments) -> int:
    """voice packs: what to record, what is missing, or one rendered"""
    from floor.boot import voice as packs

    return packs.main(arguments)


def figures(arguments: Arguments) -> int:
    """bring the figures of a small hall to its centre"""
    from floor.boot import figures as bringing

    return bringing.main(arguments)


def migrate(arguments: Arguments) -> int:
    """bring the database up to date"""
    from floor.boot.at_hand import database
    from floor.boot.migrate import migrate as apply

    parser_of("migrate", migrate).parse_args(arguments)

    async def up_to_date() -> None:
        async with database() as url:
            applied = await apply(url)
        print("\n".join(f"applied {name}" for name in applied) or "nothing to apply")

    asyncio.run(up_to_date())
    return 0


LISTED = (run, test, check, bench, storm, rehearse, crowd, user, import_, voice, figures, migrate)
COMMANDS: dict[str, Callable[[Arguments], int]] = {command.__name__.rstrip("_"): command for command in LISTED}


def parser_of(name: str, command: Callable[[Arguments], int]) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(prog=f"hall {name}", description=command.__doc__)


def main(arguments: Arguments) -> int:
    command = COMMANDS.get(arguments[0]) if arguments else None
    if command is None:
        print("\n".join(f"hall {name:<8} {it.__doc__}" for name, it in COMMANDS.items()), file=sys.stderr)
        return 2
    try:
        return command(arguments[1:])
    except (CannotStart, SettingsError, MigrationError) as reason:
        print(f"hall: {reason}", file=sys.stderr)
        return 1
    except Unavailable as gone:
        print(f"hall: the database does not answer ({gone.__cause__}); see HALL_DATABASE_URL.", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.exit(main(sys.argv[1:]))
