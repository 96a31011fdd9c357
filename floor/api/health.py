"""Whether the process lives, whether the hall can work, and the figures a monitor collects."""

from typing import Literal

from msgspec import Struct
from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import Response

from floor import metrics
from floor.api.routes import answer, get
from floor.boot.migrate import migrations
from floor.database import Unavailable, acquire
from floor.signin import require

HERE = frozenset({"127.0.0.1", "::1"})


class Alive(Struct):
    status: Literal["ok"]


class Parts(Struct):
    postgres: Literal["ok", "away"]
    migrations: Literal["ok", "behind", "unknown"]
    redis: Literal["ok", "away"]


class Ready(Struct):
    """`degraded`: everything works, slower, since Redis is away. `unavailable` comes with status 503."""

    status: Literal["ok", "degraded", "unavailable"]
    parts: Parts


async def alive(request: Request) -> Response:
    return answer(Alive("ok"))


async def ready(request: Request) -> Response:
    """200 when Postgres answers and its shape is the one this version expects."""
    parts = Parts(*await postgres(request), await redis(request))
    if parts.postgres != "ok" or parts.migrations != "ok":
        response = answer(Ready("unavailable", parts), 503)
        response.headers["retry-after"] = "2"
        return response
    return answer(Ready("ok" if parts.redis == "ok" else "degraded", parts))


NEWEST = "SELECT max(number) FROM migrations"


async def postgres(request: Request) -> tuple[Literal["ok", "away"], Literal["ok", "behind", "unknown"]]:
    try:
        async with acquire(request.app.state.pool) as db:
            newest = await db.fetchval(NEWEST)
    except Unavailable:
        return "away", "unknown"
    return "ok", "ok" if newest == migrations()[-1].number else "behind"


async def redis(request: Request) -> Literal["ok", "away"]:
    try:
        await request.app.state.redis.ping()
    except (RedisError, OSError, TimeoutError):
        return "away"
    return "ok"


async def figures(request: Request) -> Response:
    """Prometheus text, for this machine itself or for staff who keep the hall."""
    if request.client is None or request.client.host not in HERE:
        await require(request, "engineer", "manager", "auditor")
    return Response(metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


ROUTES = [
    get("/healthz", alive, "Whether the process lives", "Anybody", Alive),
    get("/readyz", ready, "Whether the hall can work", "Anybody", None, answers={200: Ready, 503: Ready}),
    get("/metrics", figures, "Figures for Prometheus", "This machine; engineer, manager, auditor", str, media="text/plain"),
]
