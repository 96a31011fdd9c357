"""The catalogue as the web process remembers it: read again only when it has changed."""

import asyncio
from dataclasses import dataclass

from starlette.requests import Request

from floor.catalogue.search import Index
from floor.database import Db
from queueing.halls import Hall
from queueing.matters import Catalogue, catalogue, version


@dataclass(frozen=True, slots=True)
class Known:
    """A hall's catalogue and what finds things in it."""

    catalogue: Catalogue
    index: Index


async def known(request: Request, db: Db, hall: Hall) -> Known:
    """The newest catalogue of a hall; its version is asked each time, its hundreds of rows once."""
    kept: dict[int, Known] = request.app.state.catalogues
    now = await version(db, hall)
    if hall.id not in kept or kept[hall.id].catalogue.version != now:
        read = await catalogue(db, hall)
        kept[hall.id] = Known(read, await asyncio.to_thread(Index, read))  # some hundred names
    return kept[hall.id]
