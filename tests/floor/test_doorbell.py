"""The bell costs nobody anything when Redis is gone, and rings again when it is back."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.asyncio.client import PubSub

from floor import doorbell as doorbell_module
from floor.boot import valkey
from floor.doorbell import CHANNEL, PENDING, RING_S, Doorbell, open_redis
from tests.conftest import started


@pytest.fixture
def place() -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="hall-t-", dir="/tmp"))
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
async def doorbell(redis: Redis) -> AsyncIterator[Doorbell]:
    bell = Doorbell(redis)
    yield bell
    await bell.close()


async def heard(doorbell: Doorbell, wanted: int) -> list[int]:
    rung = []
    async for hall_id in doorbell.listen():
        rung.append(hall_id)
        if len(rung) == wanted:
            return rung
    return rung


async def listening(redis: Redis) -> None:
    async with asyncio.timeout(5):
        while (await redis.pubsub_numsub(CHANNEL))[0][1] == 0:
            await asyncio.sleep(0.01)


async def test_who_listens_hears_every_ring(doorbell: Doorbell, redis: Redis) -> None:
    listener = asyncio.create_task(heard(doorbell, 3))
    await listening(redis)
    for hall_id in (7, 8, 7):
        doorbell.ring(hall_id)
        await asyncio.sleep(0.02)
    assert await asyncio.wait_for(listener, 5) == [7, 8, 7]


async def test_what_is_not_a_hall_is_not_heard(doorbell: Doorbell, redis: Redis) -> None:
    listener = asyncio.create_task(heard(doorbell, 1))
    await listening(redis)
    for payload in ("", "x", "-1", "٣", "9"):
        await redis.publish(CHANNEL, payload)
    assert await asyncio.wait_for(listener, 5) == [9]


async def test_without_redis_a_ring_returns_at_once_and_says_so_once(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bell = Doorbell(open_redis(f"unix://{place}/nobody"))
    began = time.thread_time()
    for _ in range(50):
        bell.ring(1)
    assert time.thread_time() - began < 0.05
    await bell.close()
    assert bell.rings == set()
    assert capsys.readouterr().out.count("doorbell_silent") == 1


async def test_a_redis_that_hangs_costs_200_ms_and_no_memory(place: Path) -> None:
    held: list[asyncio.StreamWriter] = []
    server = await asyncio.start_unix_server(lambda _, writer: held.append(writer), place / "mute")
    bell = Doorbell(open_redis(f"unix://{place}/mute"))
    for _ in range(3 * PENDING):
        bell.ring(1)
    assert len(bell.rings) == PENDING
    began = time.perf_counter()
    await bell.close()
    assert time.perf_counter() - began < RING_S + 2
    for writer in held:
        writer.close()
    server.close()


async def test_a_listener_survives_a_restart_of_redis(place: Path) -> None:
    server = valkey.server(place, place)
    log = place / "out"
    client = open_redis(server.url)
    bell = Doorbell(client)
    listener = asyncio.create_task(heard(bell, 2))
    with started(server, log):
        await listening(client)
        bell.ring(1)
        await bell.close()
    await asyncio.sleep(0.1)
    with started(server, log):
        await listening(client)
        bell.ring(2)
        assert await asyncio.wait_for(listener, 5) == [1, 2]
    await client.aclose()


async def test_a_quiet_hour_costs_one_ping_in_so_many_seconds(
    doorbell: Doorbell, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doorbell_module.QUIET_S == 5
    monkeypatch.setattr(doorbell_module, "QUIET_S", 1.5)
    pings = 0
    ping = PubSub.ping

    async def counted(subscription: PubSub) -> None:
        nonlocal pings
        pings += 1
        await ping(subscription)

    monkeypatch.setattr(PubSub, "ping", counted)
    listener = asyncio.create_task(heard(doorbell, 1))
    await listening(redis)
    await asyncio.sleep(2)
    doorbell.ring(3)
    assert await asyncio.wait_for(listener, 5) == [3]
    assert pings == 1
