"""The hall's database for a command at the terminal: the named one, the running hall's, or its own started for a moment."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from floor.boot import run
from floor.boot.place import is_occupied, occupied, running, socket_directory
from floor.boot.supervise import Console, Watch
from floor.settings import load


@asynccontextmanager
async def database() -> AsyncIterator[str]:
    """The address of the database, for as long as the block runs."""
    settings = load(os.environ)
    if settings.database_url:
        yield settings.database_url
        return
    here = running(settings.data_dir)
    if here is not None and is_occupied(settings.data_dir):
        yield here.database_url
        return
    watches: list[Watch] = []
    with occupied(settings.data_dir), socket_directory(settings.data_dir) as sockets:
        try:
            yield await run.own_postgres(settings, sockets, Console(), watches)
        finally:
            for watch in watches:
                await watch.end()
