"""The floor of P3: the least that takes a POST to 224 screens: one statement, one Redis message, one raw write each.

`python -m tests.bench.spike link PORT` is the side that holds the lines; the side that answers POSTs is `spike:app`.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import asyncpg
import uvloop
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from devices.fanout import text_frame
from devices.wire import Event, encode
from floor.database import Connection
from tests.bench.fanserver import Bare

CHANNEL = "spike"
# As LEAST_NEXT of P1, with parameters.
NEXT = """
WITH head AS (
    SELECT id FROM tickets WHERE hall = $1 AND day = business_day(now(), 'Asia/Shanghai', '04:00') AND service = 'A'
      AND state = 'waiting' AND for_window IS NULL ORDER BY rank_at, id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
), t AS (
    UPDATE tickets t SET state = 'called', window_no = $2, called_at = now() FROM head WHERE t.id = head.id RETURNING t.*
), s AS (
    UPDATE hall_streams SET top = top + 1 WHERE hall = (SELECT hall FROM t) RETURNING top
), j AS (
    INSERT INTO journal (hall, "offset", kind, actor, ticket, window_no, data)
    SELECT t.hall, s.top, 'ticket.called', 'bench', t.id, t.window_no, jsonb_build_object('ticket', t.number) FROM t, s
    RETURNING "offset"
)
SELECT t.number, j."offset" FROM t, j
"""


async def call_next(request: Request) -> JSONResponse:
    db: Connection = request.app.state.db
    window = request.path_params["no"]
    row = await db.fetchrow(NEXT, request.path_params["hall"], window)
    assert row is not None, "the hall ran out of room"
    call = f"sp_{row['offset']}"
    data = {"call": call, "ticket": row["number"], "window": window, "recall": 0}
    event = Event(prev=row["offset"] - 1, offset=row["offset"], kind="called", at=datetime.now(UTC), data=data)
    await request.app.state.redis.publish(CHANNEL, encode(event))
    return JSONResponse({"call": {"id": call}})


@asynccontextmanager
async def connected(app: Starlette) -> AsyncIterator[None]:
    app.state.db = await asyncpg.connect(os.environ["HALL_DATABASE_URL"])
    app.state.redis = Redis.from_url(os.environ["HALL_REDIS_URL"])
    yield


app = Starlette(routes=[Route("/halls/{hall:int}/windows/{no}/next", call_next, methods=["POST"])], lifespan=connected)


async def link(port: int) -> None:
    ring = Redis.from_url(os.environ["HALL_REDIS_URL"]).pubsub()
    await ring.subscribe(CHANNEL)
    await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", port, backlog=1024)
    async for message in ring.listen():
        if message["type"] == "message":
            raw = text_frame(message["data"])
            for transport in Bare.everybody:
                transport.write(raw)


if __name__ == "__main__":
    uvloop.run(link(int(sys.argv[2])))
