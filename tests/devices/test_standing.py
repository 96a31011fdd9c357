"""A box that is replaced, lags, can't be read or answers its settings, over real websockets."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from devices import health
from devices.pairing import new_code, pair
from devices.registry import configure, get_device
from floor.database import Pool
from tests.devices.lines import running
from tests.devices.test_gateway import make


async def test_a_box_that_was_replaced_is_hung_up_on_with_4501_however_soon_the_new_one_dials(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id)
    async with running(pool) as hall, hall.live(paired) as old:
        async with pool.acquire() as db:
            code, _ = await new_code(db, paired.device_id)
            fresh = await pair(db, code, "box-2", "1.0.0", address="10.0.0.10")
        assert fresh.device_id == paired.device_id
        async with hall.live(fresh) as new:
            assert await old.closed(within=5) == 4501
            assert (await new.beat())["type"] == "beat_ok"
            with pytest.raises(InvalidStatus) as refused:
                await hall.dial(f"{paired.device_id}:{paired.secret}")
            assert refused.value.response.status_code == 401


async def test_a_replaced_box_goes_even_when_the_new_one_never_dials(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id)
    async with running(pool) as hall, hall.live(paired) as old:
        async with pool.acquire() as db:
            code, _ = await new_code(db, paired.device_id)
            await pair(db, code, "box-2", "1.0.0", address="10.0.0.10")
        assert await old.closed(within=5) == 4501


@pytest.mark.parametrize(
    ("answer", "refused"),
    [({"type": "ok"}, None), ({"type": "error", "code": "not_allowed", "message": "no font", "retry": False}, "no font")],
)
async def test_what_a_machine_says_to_its_settings_is_kept(
    pool: Pool, hall_id: int, answer: dict[str, object], refused: str | None
) -> None:
    paired = await make(pool, hall_id)
    async with running(pool) as hall, hall.live(paired) as client:
        async with pool.acquire() as db:
            await configure(db, paired.device_id, {"wake_minutes": 10})
        config = await client.hear_until("config")
        await client.connection.send(json.dumps({**answer, "re": config["id"]}))
        await eventually(lambda: taken(pool, paired.device_id), (1, refused))


async def taken(pool: Pool, device: str) -> tuple[int, str | None]:
    async with pool.acquire() as db:
        now = await get_device(db, device)
    return now.config_taken, now.config_refused


async def test_a_board_that_confirms_nothing_is_behind_until_it_does(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "tv")

    async def behind() -> tuple[int, bool]:
        async with pool.acquire() as db:
            now = await get_device(db, paired.device_id)
        return now.behind, now.behind_since is not None

    async with running(pool) as hall, hall.live(paired) as client:
        for offset in (1, 2, 3):
            hall.gateway.fanout.publish(hall_id, "hall", hall.hall.next_event())
            hall.gateway.told(hall_id, "hall", offset)
        await client.connection.send('{"type":"got","offset":1}')
        await eventually(behind, (2, True))
        await client.connection.send('{"type":"got","offset":3}')
        await eventually(behind, (0, False))


async def test_a_box_that_nobody_can_read_is_noted(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id)

    async def broken() -> bool:
        async with pool.acquire() as db:
            await health.sweep(db)
            return [(alarm.part, alarm.state) for alarm in await health.alarms(db, hall_id)] == [("frames", "broken")]

    async with running(pool) as hall, hall.live(paired) as client:
        for _ in range(3):
            await client.connection.send("{")
        assert await client.closed() == 4504
        await eventually(broken, True)


async def eventually(ask: Callable[[], Awaitable[Any]], wanted: object) -> None:
    """Wait until it is so, eight seconds at most."""
    found: object = None
    for _ in range(160):
        found = await ask()
        if found == wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"{found} and not {wanted}")
