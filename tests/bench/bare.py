"""The floor of P2: the least Starlette route around the product's own statement, on bare connections from a free list."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from floor.database import POOL_SIZE, Connection, set_up
from queueing.calls import NEXT
from queueing.tickets import TAKE

free: "asyncio.Queue[Connection]" = asyncio.Queue()


async def take(request: Request) -> JSONResponse:
    services: list[str] = (await request.json())["services"]
    db = await free.get()
    try:
        row = await db.fetchrow(
            TAKE, int(request.path_params["hall"]), "desk:desk01", secrets.token_bytes(32), secrets.token_bytes(32),
            secrets.token_urlsafe(16), services, [], None, None, "desk", "zh-Hans", None, None,
            None, None, 15, None, 30, 0, None,
        )  # fmt: skip
    finally:
        free.put_nowait(db)
    assert row is not None
    return JSONResponse({"key": row["key"], "number": row["number"], "state": row["state"]}, 201)


async def call_next(request: Request) -> JSONResponse:
    db = await free.get()
    try:
        for _ in range(40):  # the heads may all have been called in the same instant: the product looks again too
            row = await db.fetchrow(
                NEXT, int(request.path_params["hall"]), "manager:m", secrets.token_bytes(32), secrets.token_bytes(32),
                request.path_params["no"], None,
            )  # fmt: skip
            if row is not None:
                break
    finally:
        free.put_nowait(db)
    assert row is not None, "the hall ran out of room"
    return JSONResponse({"ticket": {"key": row["key"], "number": row["number"]}, "call": {"offset": row["offset"]}})


@asynccontextmanager
async def connected(app: Starlette) -> AsyncIterator[None]:
    for _ in range(POOL_SIZE):
        db = await asyncpg.connect(os.environ["HALL_DATABASE_URL"])
        await set_up(db)
        free.put_nowait(db)
    yield


app = Starlette(
    routes=[
        Route("/halls/{hall}/tickets", take, methods=["POST"]),
        Route("/halls/{hall}/windows/{no}/next", call_next, methods=["POST"]),
    ],
    lifespan=connected,
)
