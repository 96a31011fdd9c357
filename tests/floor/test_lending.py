"""A dispenser and the whole link: numbers are lent to it, and what it gave out alone comes home into the queue."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from devices import registry
from devices.errors import BadRange, OnlyDispensersLend, RangeTaken
from devices.pairing import Paired
from floor.database import Connection, Pool
from floor.settings import Settings
from queueing import journal, tickets
from queueing.halls import Hall
from tests.devices.halls import make_paired
from tests.floor.links import Running, hear, link_running

Frame = dict[str, Any]


class Dispenser:
    """The other end, frame by frame."""

    def __init__(self, line: ClientConnection) -> None:
        self.line, self.id = line, 0

    async def say(self, type: str, **fields: Any) -> int:
        self.id += 1
        await self.line.send(msgspec.json.encode({"type": type, "id": self.id, **fields}).decode())
        return self.id

    async def greet(self, *caps: str, issued: int | None = None) -> Frame:
        more = {} if issued is None else {"issued": issued}
        await self.say("hello", boot="b1", agent="1.0", caps=list(caps), at=datetime.now(UTC).isoformat(), **more)
        return await hear(self.line, "welcome")

    async def bring(self, *brought: Frame) -> Frame:
        await self.say("issued", tickets=list(brought))
        return await hear(self.line, "issued_ok", "error")


def dial(running: Running, paired: Paired) -> connect:
    return connect(
        running.at("/devices/link"), subprotocols=[Subprotocol("hall.v1")], compression=None,
        additional_headers={"Authorization": f"Device {paired.device_id}:{paired.secret}"},
    )  # fmt: skip


def given(seq: int, lease: Frame, number: int, **more: Any) -> Frame:
    at = datetime.now(UTC).isoformat()
    return {"seq": seq, "lease": lease["lease"], "number": number, "at": at, "up_ms": 1000 * seq} | more


async def test_what_was_given_out_alone_comes_home_into_the_queue_once(
    settings: Settings, pool: Pool, redis: Redis, db: Connection, hall: Hall
) -> None:
    _, paired = await make_paired(db, hall.id, "dispenser")
    async with link_running(settings, pool, redis) as running:
        async with dial(running, paired) as line:
            box = Dispenser(line)
            welcome = await box.greet("print", "lease")
            leases = [await hear(line, "lease") for _ in range(2)]
            brought = [given(1, leases[0], 2001, lang="en"), given(2, leases[1], 2001, key="k" * 22), given(3, leases[0], 2099)]
            assert (await box.bring(*brought))["through"] == 3
        async with dial(running, paired) as line:
            box = Dispenser(line)
            again = await box.greet("print", "lease", issued=3)
            assert (await box.bring(*brought))["through"] == 3
    assert (welcome.get("issued"), again["issued"]) == (0, 3)
    assert [(lease["service"], lease["first"], lease["last"], lease["gen"]) for lease in leases] == [
        ("A", 2001, 2020, welcome["gen"]), ("B", 2001, 2020, welcome["gen"]),
    ]  # fmt: skip
    assert leases[0]["data"] == {
        "prefix": "A", "names": {"zh-Hans": "社会保险", "zh-Hant": "社會保險", "en": "Social insurance"}, "where": "A区",
        "hall": "测试政务大厅", "line": "当日有效，过号请到导办台",
        "url": f"http://127.0.0.1:{settings.port}/t/", "utc_offset_s": 28800, "kiosk": "/demo/kiosk",
    }  # fmt: skip
    assert [(t.number, t.channel, t.lang) for t in await tickets.find(db, hall)] == [
        ("A2001", "offline", "en"), ("B2001", "offline", "zh-Hans"),
    ]  # fmt: skip
    assert (await tickets.by_key(db, "k" * 22)).number == "B2001"
    told = [(entry.kind, entry.data.get("ticket")) for entry in await journal.read(db, hall.id, 0)]
    assert [row for row in told if row[0].startswith("ticket.")] == [
        ("ticket.taken", "A2001"), ("ticket.taken", "B2001"), ("ticket.disputed", "A2099"),
    ]  # fmt: skip


async def test_its_clock_is_corrected_by_what_it_measured(
    settings: Settings, pool: Pool, redis: Redis, db: Connection, hall: Hall
) -> None:
    _, paired = await make_paired(db, hall.id, "dispenser")
    async with link_running(settings, pool, redis) as running, dial(running, paired) as line:
        box = Dispenser(line)
        await box.greet("lease")
        lease = await hear(line, "lease")
        await db.execute("UPDATE leases SET granted_at = granted_at - interval '1 hour'")
        await box.say("health", parts={"link": {"rtt_ms": 1, "offset_ms": -3_600_000}})
        an_hour_fast = datetime.now(UTC) + timedelta(minutes=50)
        await box.bring(given(1, lease, 2001, at=an_hour_fast.isoformat()))
    (ticket,) = await tickets.find(db, hall)
    assert ticket.rank_at == an_hour_fast - timedelta(hours=1)


async def test_a_box_that_cannot_go_on_alone_is_lent_nothing(
    settings: Settings, pool: Pool, redis: Redis, db: Connection, hall: Hall
) -> None:
    _, plain = await make_paired(db, hall.id, "dispenser")
    _, speaker = await make_paired(db, hall.id, "speaker")
    async with link_running(settings, pool, redis) as running:
        async with dial(running, plain) as line:
            assert "issued" not in await Dispenser(line).greet("print")
        async with dial(running, speaker) as line:
            box = Dispenser(line)
            assert "issued" not in await box.greet("say", "lease")
            assert (await box.bring())["code"] == "not_allowed"
    assert await db.fetchval("SELECT count(*) FROM leases") == 0


async def test_every_dispenser_has_a_thousand_numbers_of_its_own(db: Connection, hall: Hall) -> None:
    made = [(await make_paired(db, hall.id, kind))[0] for kind in ("dispenser", "led", "dispenser", "dispenser")]
    assert [device.first_offline for device in made] == [2001, None, 3001, 4001]
    await registry.revoke(db, made[0].id, actor="engineer")
    assert (await make_paired(db, hall.id, "dispenser"))[0].first_offline == 2001
    assert (await registry.set_range(db, made[2].id, 8001)).first_offline == 8001
    for device, first, broken in ((made[2], 2001, RangeTaken), (made[2], 2500, BadRange), (made[1], 5001, OnlyDispensersLend)):
        with pytest.raises(broken):
            await registry.set_range(db, device.id, first)
