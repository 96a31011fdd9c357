"""A page hears what concerns it, and nobody listens who should not."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime

import msgspec
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect

from devices import fanout
from floor import sockets
from floor.database import Connection, Db, Pool
from floor.settings import Settings
from floor.signin import digest
from floor.views import still_good
from queueing import calls, windows
from queueing.halls import Hall
from queueing.tickets import Act
from scheduling.teams import Kit, keep_kit, save_team
from tests.displays.days import open_all, seat, take
from tests.displays.machines import put_up
from tests.floor.links import Running, caught_up, closed_with, hear, link_running, machine, page, refused, sign_in, until


async def test_a_mirror_that_was_cut_off_resumes_too(db: Connection, hall: Hall, running: Running) -> None:
    token = await sign_in(db, hall, "auditor", "auditor")
    async with page(running, "zone:A", token) as mirror:
        at = await hear(mirror, "snapshot")
    act = await take(db, hall)
    await caught_up(db, hall, running)
    async with page(running, "zone:A", token, more=f"&epoch={at['epoch']}&offset={at['offset']}") as mirror:
        event = await hear(mirror, "snapshot", "event")
        assert (event["type"], event["offset"], event["data"]) == ("event", act.offset, {"service": "A", "count": 1})


async def test_a_phone_is_told_of_its_place_and_of_its_call(db: Connection, hall: Hall, running: Running) -> None:
    await open_all(db, hall)
    await take(db, hall)
    key = (await take(db, hall)).ticket.key
    async with page(running, f"ticket:{key}") as phone:
        told = await hear(phone, "ticket")
        assert (told["number"], told["state"], told["ahead"]) == ("A002", "waiting", 1)
        await calls.call_next(db, hall, seat("1"))
        running.bell.ring(hall.id)
        assert (await hear(phone, "ticket"))["ahead"] == 0
        called = await calls.call_next(db, hall, seat("2"))
        assert isinstance(called, Act)
        running.bell.ring(hall.id)
        told = await hear(phone, "ticket")
        assert (told["state"], told["ahead"], told["window"], told["call"]) == ("called", None, "2", called.call_id)


async def test_pages_are_nudged_about_what_concerns_them(db: Connection, hall: Hall, running: Running) -> None:
    manager, clerk = await sign_in(db, hall, "manager", "manager"), await sign_in(db, hall, "clerk1", "clerk")
    pages = page(running, "manage", manager), page(running, "console:1", clerk), page(running, "kiosk")
    async with pages[0] as board, pages[1] as console, pages[2] as kiosk:
        await windows.open_window(db, hall, "1", "clerk1", actor="clerk:clerk1")
        running.bell.ring(hall.id)
        for watching in (board, console, kiosk):
            assert (await hear(watching, "poke"))["offset"] == 1
        for _ in range(20):
            act = await take(db, hall)
            running.bell.ring(hall.id)
        nudges = 1
        while (await hear(board, "poke"))["offset"] < act.offset:
            nudges += 1
        assert nudges <= 3


async def test_the_dispatch_page_hears_of_visits_and_not_of_tickets(db: Connection, hall: Hall, running: Running) -> None:
    manager, desk = await sign_in(db, hall, "manager", "manager"), await sign_in(db, hall, "desk1", "desk")
    assert await refused(page(running, "dispatch", desk)) == 403
    async with page(running, "dispatch", manager) as board:
        ticket = await take(db, hall)
        running.bell.ring(hall.id)
        await caught_up(db, hall, running)
        await keep_kit(db, hall, Kit("photo", "拍照包", None, None, [], 1))
        await save_team(
            db, hall, date(2027, 3, 2), "一组", ("door01", "door02"), skills=["A"], kits=["photo"], start=(26.6, 104.8),
            starts=datetime(2027, 3, 2, 1, tzinfo=UTC), ends=datetime(2027, 3, 2, 9, tzinfo=UTC), actor="manager:manager",
        )  # fmt: skip
        running.bell.ring(hall.id)
        assert (await hear(board, "poke"))["offset"] == ticket.offset + 1


async def test_a_page_that_hears_nothing_else_hears_a_beat(
    db: Connection, hall: Hall, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with page(running, "kiosk") as kiosk:
        beating = asyncio.create_task(running.link.pages.beat())
        monkeypatch.setattr("floor.sockets.BEAT_S", 0.05)
        beating.cancel()
        again = asyncio.create_task(running.link.pages.beat())
        beat = await hear(kiosk, "beat")
        again.cancel()
        assert abs((datetime.fromisoformat(beat["at"]) - datetime.now(UTC)).total_seconds()) < 5


@pytest.mark.parametrize("origin", [None, "null", "http://evil.example", "http://127.0.0.1:1"])
async def test_a_page_of_somebody_else_is_not_let_in(running: Running, origin: str | None) -> None:
    assert await refused(page(running, "kiosk", origin=origin)) == 403


async def test_a_board_needs_a_member_of_staff(db: Connection, hall: Hall, running: Running) -> None:
    assert await refused(page(running, "hall")) == 401
    assert await refused(page(running, "hall", "made-up")) == 401


async def test_every_page_is_for_its_own_people(db: Connection, hall: Hall, running: Running) -> None:
    await open_all(db, hall)
    clerk = await sign_in(db, hall, "clerk1", "clerk")
    assert await refused(page(running, "manage", clerk)) == 403
    assert await refused(page(running, "fleet", clerk)) == 403
    assert await refused(page(running, "desk", clerk)) == 403
    assert await refused(page(running, "console:2", clerk)) == 403
    async with page(running, "console:1", clerk):
        pass


async def test_a_leader_sees_the_consoles_of_the_own_zone_alone(db: Connection, hall: Hall, running: Running) -> None:
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", hall.id)
    leader, other = await sign_in(db, hall, "l1", "leader", zone="A"), await sign_in(db, hall, "l2", "leader", zone="B")
    async with page(running, "console:2", leader):
        pass
    assert await refused(page(running, "console:2", other)) == 403


@pytest.mark.parametrize("view", ["", "zone:a", "nothing", "window:1%00", "ticket:x", "hall:1"])
async def test_a_view_nobody_can_watch_is_a_bad_request(running: Running, view: str) -> None:
    assert await refused(page(running, view)) == 400


async def test_what_does_not_exist_is_not_found(db: Connection, hall: Hall, running: Running) -> None:
    token = await sign_in(db, hall, "manager", "manager")
    assert await refused(page(running, "zone:Z", token)) == 404
    assert await refused(page(running, "console:99", token)) == 404
    assert await refused(page(running, "ticket:AAAAAAAAAAAAAAAAAAAAAA")) == 404
    assert await refused(connect(running.at("/elsewhere"))) == 404


@pytest.mark.parametrize(
    ("asked", "host", "status"),
    [
        ("/pages/link?hall=demo&view=hall", "[bad", 403), ("/devices/link", "[bad", 403), ("//[bad", "127.0.0.1", 404),
        ("/pages/link?hall=demo%00&view=hall", "127.0.0.1", 400),
    ],
)  # fmt: skip
async def test_an_address_nobody_can_read_is_refused_and_no_fault(running: Running, asked: str, host: str, status: int) -> None:
    origin = running.origin if status == 400 else "http://evil.example"
    lines = (
        f"GET {asked} HTTP/1.1", f"Host: {host}", f"Origin: {origin}", "Connection: Upgrade", "Upgrade: websocket",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Protocol: hall.v1, hall.page.v1", "", "",
    )  # fmt: skip
    reader, writer = await asyncio.open_connection("127.0.0.1", running.settings.link_port)
    writer.write("\r\n".join(lines).encode())
    assert (await reader.readline()).startswith(f"HTTP/1.1 {status} ".encode())
    writer.close()


async def test_the_sockets_of_a_sign_in_that_ends_are_closed_within_five_seconds(
    db: Connection, hall: Hall, running: Running
) -> None:
    token = await sign_in(db, hall, "manager", "manager")
    async with page(running, "manage", token) as board, page(running, "kiosk") as kiosk:
        await db.execute("DELETE FROM sessions")
        began = asyncio.get_running_loop().time()
        assert await closed_with(board) == 4401
        assert asyncio.get_running_loop().time() - began < 5
        act = await take(db, hall)
        running.bell.ring(hall.id)
        assert (await hear(kiosk, "poke"))["offset"] == act.offset


async def test_a_page_that_comes_while_the_sign_ins_are_looked_up_stays(
    db: Connection, hall: Hall, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its sign-in was not among those that were asked about."""
    first, second = await sign_in(db, hall, "manager", "manager"), await sign_in(db, hall, "desk1", "desk")
    looked, came = asyncio.Event(), asyncio.Event()

    async def slowly(db: Db, sessions: Sequence[bytes]) -> set[bytes]:
        found = await still_good(db, sessions)
        looked.set()
        await came.wait()
        return found

    monkeypatch.setattr(sockets, "still_good", slowly)
    async with page(running, "manage", first) as board:
        async with asyncio.timeout(10):
            await looked.wait()
        async with page(running, "desk", second) as desk:
            await until(lambda: len(running.link.pages.open) == 2)
            await db.execute("DELETE FROM sessions WHERE token = $1", digest(first))
            came.set()
            assert await closed_with(board) == 4401  # the next look has found it: the one before is over
            act = await take(db, hall)
            running.bell.ring(hall.id)
            assert (await hear(desk, "poke"))["offset"] == act.offset


async def test_a_page_that_talks_is_closed(running: Running) -> None:
    async with page(running, "kiosk") as kiosk:
        for _ in range(70):
            await kiosk.send("hello")
        assert await closed_with(kiosk) == 4005


async def test_a_board_that_never_reads_harms_only_itself(
    db: Connection, hall: Hall, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "CLOSING_S", 30)  # on a busy machine it may read for long before it comes to the last frame
    board, stuck = await put_up(db, hall, "tv", zone="A"), await put_up(db, hall, "tv", zone="A")
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    await caught_up(db, hall, running)
    heard: dict[int, datetime] = {}

    async def watch(screen: ClientConnection) -> None:
        async for frame in screen:
            heard[msgspec.json.decode(frame).get("offset", 0)] = datetime.now(UTC)

    async with machine(running, board) as screen, machine(running, stuck) as deaf:
        await hear(deaf, "snapshot")
        deaf.transport.pause_reading()
        watching = asyncio.create_task(watch(screen))
        await until(lambda: heard)
        fill = msgspec.json.encode({"type": "event", "pad": "x" * 20_000})  # an hour of calls in a second
        for _ in range(100):
            running.link.gateway.fanout.publish(hall.id, "zone:A", fill)
            await asyncio.sleep(0.01)
        recalls = []
        for _ in range(5):
            recalls.append(await calls.recall(db, hall, seat("1")))
            running.bell.ring(hall.id)
        await until(lambda: recalls[-1].offset in heard)
        assert max((heard[act.offset] - act.at).total_seconds() for act in recalls) < 2
        await until(lambda: len(running.link.gateway.connected()) == 1)
        deaf.transport.resume_reading()
        assert await closed_with(deaf) == 4002
        watching.cancel()


async def test_the_link_ends_in_five_seconds_whoever_hangs_on(settings: Settings, pool: Pool, redis: Redis, hall: Hall) -> None:
    async with AsyncExitStack() as lines:
        async with link_running(settings, pool, redis) as running:
            _, silent = await asyncio.open_connection("127.0.0.1", settings.link_port)
            lines.callback(silent.close)
            for _ in range(50):
                deaf = await page(running, "kiosk")
                lines.callback(deaf.transport.abort)
                deaf.transport.pause_reading()
            began = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began < 5
