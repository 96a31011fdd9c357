"""A request that may be sent twice and acts once, where the act is not one of the queue's own."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from floor.acts import pressed
from floor.api.routes import answer, nothing, press_of
from floor.database import Db, acquire
from queueing.db import keep, once


async def remembered(
    request: Request,
    actor: str,
    asked: object,
    status: int,
    act: Callable[[Db], Awaitable[Any]],
    again: Callable[[Db, Any], Awaitable[Any]] | None = None,
) -> Response:
    """Do `act` in one transaction with its press and answer `status` with what it gives; a repeat gives the same.

    `again` makes the answer of a repeat from the kept one, where that may not be kept as it was told.
    """
    press = pressed(request, actor, press_of(request), asked)

    async with acquire(request.app.state.pool) as db:

        async def fresh() -> tuple[Any, bool]:
            async with db.transaction():
                told, kept = split(await act(db))
                await keep(db, press, status, kept)
                return told, False

        told, replayed = await once(db, press, fresh, lambda kept: (kept.answer, True))
        if replayed and again is not None:
            told = await again(db, told)
    return nothing(replayed=replayed) if status == 204 else answer(told, status, replayed=replayed)


class Untold:
    """An answer of which only a part may be kept."""

    def __init__(self, told: Any, kept: Any) -> None:
        self.told = told
        self.kept = kept


def split(done: Any) -> tuple[Any, Any]:
    return (done.told, done.kept) if isinstance(done, Untold) else (done, done)
