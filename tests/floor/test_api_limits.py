"""How often one may ask, with Redis and without it."""

import secrets
import time
from dataclasses import replace

from starlette.applications import Starlette

from floor.app import make_app
from floor.database import Connection
from floor.settings import Settings
from tests.floor.conftest import Client, client_of
from tests.floor.test_api_ratings import paired
from tests.floor.visits import HALL, said


async def test_a_dispenser_takes_sixty_a_minute(app: Starlette, manager: Client, db: Connection) -> None:
    own = 1000 + secrets.randbelow(10**9)  # tests share one Redis: the counter is of a machine no other test has
    await db.execute("SELECT setval(pg_get_serial_sequence('devices', 'n'), $1)", own)
    dispenser = await paired(app, manager, "dispenser")
    answers = [await dispenser.post(f"{HALL}/tickets", json={"services": ["A"]}) for _ in range(61)]
    assert [answer.status_code for answer in answers] == [201] * 60 + [429]
    assert (said(answers[-1]), 0 < int(answers[-1].headers["retry-after"]) <= 60) == ((429, "too_fast"), True)


async def test_staff_are_not_counted(desk: Client) -> None:
    assert {(await desk.post(f"{HALL}/tickets", json={"services": ["A"]})).status_code for _ in range(65)} == {201}


async def test_one_address_without_a_name_is_counted_for_itself(app: Starlette) -> None:
    one, other = client_of(app, "10.9.9.1"), client_of(app, "10.9.9.2")
    answers = [await one.post(f"{HALL}/tickets", json={"services": ["A"]}) for _ in range(31)]
    assert [answer.status_code for answer in answers] == [401] * 30 + [429]
    assert (await other.post(f"{HALL}/tickets", json={"services": ["A"]})).status_code == 401


async def test_without_redis_everything_goes_on_and_nobody_waits_for_it(settings: Settings, people: None) -> None:
    alone = make_app(replace(settings, redis_url="unix:///nowhere/redis.sock"))
    async with alone.router.lifespan_context(alone):
        client = client_of(alone, "10.9.9.3")
        assert (await client.get("/readyz")).json()["status"] == "degraded"
        began = time.monotonic()
        answers = [await client.post(f"{HALL}/tickets", json={"services": ["A"]}) for _ in range(31)]
        assert [answer.status_code for answer in answers] == [401] * 30 + [429]
        assert time.monotonic() - began < 3


async def test_a_stuck_redis_costs_a_request_less_than_200_ms(settings: Settings, people: None, stuck_redis: str) -> None:
    alone = make_app(replace(settings, redis_url=stuck_redis))
    async with alone.router.lifespan_context(alone):
        client = client_of(alone, "10.9.9.4")
        await client.get(HALL)
        seconds = []
        for _ in range(5):
            began = time.monotonic()
            await client.post(f"{HALL}/tickets", json={"services": ["A"]})
            seconds.append(time.monotonic() - began)
        assert sorted(seconds)[2] < 0.35  # 150 ms for Redis, and room for a loaded machine
