"""The link tells boards, machines and pages of an act at once, whatever is restarted, and lets nobody in who should not be."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from redis.asyncio import Redis
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from devices.pairing import Paired
from floor.database import Connection, Pool
from floor.doorbell import Doorbell, open_redis
from floor.link import Link
from floor.people import add_user, find_user
from floor.settings import Settings
from floor.signin import open_session
from queueing import calls, journal, tickets, windows
from queueing.halls import Hall
from tests.displays.days import open_all, seat, take
from tests.displays.machines import put_up

PATIENCE_S = 6.0
Frame = dict[str, Any]


@dataclass
class Running:
    """A link that runs in this test, and how to reach it."""

    link: Link
    settings: Settings
    bell: Doorbell
    stop: asyncio.Event

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    def at(self, path: str) -> str:
        return f"ws://127.0.0.1:{self.settings.link_port}{path}"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def link_running(settings: Settings, pool: Pool, redis: Redis) -> AsyncIterator[Running]:
    stop, link = asyncio.Event(), Link(settings, pool, redis)
    task = asyncio.create_task(link.run(stop))
    await until(lambda: link.pumps.ready)
    try:
        yield Running(link, settings, Doorbell(redis), stop)
    finally:
        stop.set()
        await task


@pytest.fixture
async def running(hall: Hall, settings: Settings, pool: Pool, redis: Redis) -> AsyncIterator[Running]:
    at = replace(settings, host="127.0.0.1", port=free_port(), link_port=free_port())
    async with link_running(at, pool, redis) as started:
        yield started


async def until(true: Callable[[], Any]) -> None:
    for _ in range(int(PATIENCE_S * 100)):
        if true():
            return
        await asyncio.sleep(0.01)
    raise TimeoutError


async def caught_up(db: Connection, hall: Hall, running: Running) -> None:
    """Wait until the link has told and announced all that happened so far."""
    running.bell.ring(hall.id)
    pump, newest = running.link.pumps.of[hall.id], (await journal.top(db, hall.id)).offset
    await until(lambda: pump.feeds is not None and pump.feeds.position == newest == pump.announced)


async def hear(line: ClientConnection, *types: str) -> Frame:
    """The next frame of one of these types."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            frame: Frame = msgspec.json.decode(await line.recv())
            if frame["type"] in types:
                return frame


async def closed_with(line: ClientConnection) -> int | None:
    async with asyncio.timeout(PATIENCE_S + 4):
        while True:
            try:
                await line.recv()
            except ConnectionClosed as closed:
                return closed.rcvd.code if closed.rcvd else None


@asynccontextmanager
async def machine(running: Running, paired: Paired, feed: Frame | None = None) -> AsyncIterator[ClientConnection]:
    """A device that has been welcomed."""
    async with connect(
        running.at("/devices/link"), subprotocols=[Subprotocol("hall.v1")], compression=None,
        additional_headers={"Authorization": f"Device {paired.device_id}:{paired.secret}"},
    ) as line:  # fmt: skip
        hello = {
            "type": "hello", "id": 1, "boot": "b1", "agent": "1.0", "caps": ["say", "print", "ask_rating"],
            "at": datetime.now(UTC).isoformat(),
        }  # fmt: skip
        await line.send(msgspec.json.encode(hello | ({"feed": feed} if feed else {})).decode())
        yield line


def page(running: Running, view: str, token: str | None = None, *, origin: str | None = "own", more: str = "") -> connect:
    headers = {"Cookie": f"hall_session={token}"} if token else {}
    return connect(
        running.at(f"/pages/link?hall=demo&view={view}{more}"), subprotocols=[Subprotocol("hall.page.v1")], compression=None,
        origin=running.origin if origin == "own" else origin, additional_headers=headers,  # type: ignore[arg-type]
    )  # fmt: skip


async def sign_in(db: Connection, hall: Hall, username: str, *roles: str, zone: str | None = None) -> str:
    await add_user(db, hall.id, username, "no password", name="李雷", roles=roles, zone=zone)
    user = await find_user(db, username)
    assert user is not None
    return (await open_session(db, user)).token


async def refused(dialled: connect) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        await dialled
    return refusal.value.response.status_code


# ---- one act, everybody hears


async def test_a_call_reaches_board_speaker_and_page_in_the_same_second(db: Connection, hall: Hall, running: Running) -> None:
    board, speaker = await put_up(db, hall, "led", window="1"), await put_up(db, hall, "speaker", zone="A")
    token = await sign_in(db, hall, "manager", "manager")
    await open_all(db, hall)
    await take(db, hall)
    await caught_up(db, hall, running)
    async with machine(running, board) as strip, machine(running, speaker) as voice, page(running, "window:1", token) as mirror:
        await hear(strip, "snapshot")
        await hear(voice, "welcome")
        await hear(mirror, "snapshot")
        called = await calls.call_next(db, hall, seat("1"))
        assert called is not None
        running.bell.ring(hall.id)
        event = await hear(strip, "event")
        assert (event["kind"], event["offset"], event["data"]["call"]) == ("called", called.offset, called.call_id)
        assert await hear(mirror, "event") == event
        job = await hear(voice, "job")
        assert (job["kind"], job["key"]) == ("say", f"call:{called.call_id}")
        assert job["data"]["sentences"] == [{"lang": "zh-Hans", "text": "请A零零一号到一号窗口办理"}]
        assert (datetime.now(UTC) - called.at).total_seconds() < 1


async def test_without_a_ring_a_call_is_found_within_a_second_and_a_half(db: Connection, hall: Hall, running: Running) -> None:
    board = await put_up(db, hall, "tv", zone="A")
    await open_all(db, hall)
    await take(db, hall)
    async with machine(running, board) as screen:
        await hear(screen, "snapshot")
        called = await calls.call_next(db, hall, seat("1"))
        assert called is not None
        while (event := await hear(screen, "event"))["kind"] != "called":
            pass
        assert event["offset"] == called.offset
        assert (datetime.now(UTC) - called.at).total_seconds() < 1.6


async def test_a_link_without_redis_still_tells(db: Connection, hall: Hall, settings: Settings, pool: Pool) -> None:
    nowhere = open_redis("unix:///nowhere/at/all")
    at = replace(settings, host="127.0.0.1", port=free_port(), link_port=free_port())
    board = await put_up(db, hall, "tv")
    async with link_running(at, pool, nowhere) as running, machine(running, board) as screen:
        await hear(screen, "snapshot")
        act = await take(db, hall)
        assert (await hear(screen, "event"))["offset"] == act.offset
    await nowhere.aclose()


async def test_a_board_that_was_cut_off_hears_what_it_missed_and_old_sentences_stay_unsaid(
    db: Connection, hall: Hall, running: Running
) -> None:
    board, speaker = await put_up(db, hall, "led", window="1"), await put_up(db, hall, "speaker", zone="A")
    await open_all(db, hall)
    await take(db, hall)
    await caught_up(db, hall, running)
    async with machine(running, board) as strip:
        at = await hear(strip, "snapshot")
    first = await calls.call_next(db, hall, seat("1"))
    again = await calls.recall(db, hall, seat("1"))
    assert first is not None
    await caught_up(db, hall, running)
    await db.execute("UPDATE jobs SET expires = now() - interval '1 second'")
    async with machine(running, board, {"epoch": at["epoch"], "offset": at["offset"]}) as strip:
        welcome = await hear(strip, "welcome")
        assert welcome["feed"] == {"epoch": "k3", "offset": again.offset, "recovered": True}
        told = [await hear(strip, "event", "snapshot") for _ in range(2)]
    assert [(event["prev"], event["offset"], event["kind"]) for event in told] == [
        (at["offset"], first.offset, "called"), (first.offset, again.offset, "recalled"),
    ]  # fmt: skip
    async with machine(running, speaker) as voice:
        await hear(voice, "welcome")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(hear(voice, "job"), 0.5)


async def test_a_resync_brings_the_whole_board(db: Connection, hall: Hall, running: Running) -> None:
    board = await put_up(db, hall, "tv", zone="A")
    async with machine(running, board) as screen:
        first = await hear(screen, "snapshot")
        await screen.send('{"type":"resync","id":2}')
        assert await hear(screen, "snapshot") == first


# ---- what may happen to the hall meanwhile

KILL_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def test_a_database_whose_every_connection_dies_is_found_again(db: Connection, hall: Hall, running: Running) -> None:
    board = await put_up(db, hall, "tv", zone="A")
    async with machine(running, board) as screen:
        await hear(screen, "snapshot")
        await db.execute(KILL_OTHERS)
        act = await take(db, hall)
        assert (await hear(screen, "event"))["offset"] == act.offset


async def test_a_restored_database_is_shown_by_a_snapshot_and_no_event_crosses(
    db: Connection, hall: Hall, running: Running
) -> None:
    board = await put_up(db, hall, "tv", zone="A")
    await open_all(db, hall)
    async with machine(running, board) as screen:
        before = await hear(screen, "snapshot")
        await db.execute("UPDATE hall_streams SET epoch = 'k4'")
        await take(db, hall)
        running.bell.ring(hall.id)
        after = await hear(screen, "snapshot", "event")
        assert (before["epoch"], after["type"], after["epoch"], after["board"]["waiting"]) == (
            "k3", "snapshot", "k4", {"A": 1, "B": 0},
        )  # fmt: skip
        act = await take(db, hall)
        running.bell.ring(hall.id)
        assert (await hear(screen, "event"))["prev"] == after["offset"]
        await screen.send(msgspec.json.encode({"type": "got", "offset": act.offset}).decode())
        await asyncio.sleep(1.5)
        assert [tuple(row) for row in await db.fetch('SELECT epoch, "offset" FROM device_gots')] == [("k4", act.offset)]


async def test_a_link_that_starts_again_announces_what_it_slept_through(
    db: Connection, hall: Hall, settings: Settings, pool: Pool, redis: Redis
) -> None:
    at = replace(settings, host="127.0.0.1", port=free_port(), link_port=free_port())
    dispenser, speaker = await put_up(db, hall, "dispenser"), await put_up(db, hall, "speaker", zone="A")
    await open_all(db, hall)
    async with link_running(at, pool, redis):
        pass
    act = await take(db, hall, print_at=dispenser.device_id)
    await calls.call_next(db, hall, seat("1"))
    async with link_running(at, pool, redis) as running, machine(running, dispenser) as printer:
        assert (await hear(printer, "job"))["key"] == f"ticket:{act.ticket.ticket_id}:1"
        async with machine(running, speaker) as voice:
            assert (await hear(voice, "job"))["kind"] == "say"
    async with link_running(at, pool, redis):
        assert await db.fetchval("SELECT count(*) FROM jobs") == 2


async def test_a_window_put_up_later_has_a_feed_when_its_strip_dials_again(
    db: Connection, hall: Hall, running: Running
) -> None:
    await db.execute("INSERT INTO windows (hall, no, name, zone, serves) VALUES ($1, '9', '九号', 'A', '{A}')", hall.id)
    board = await put_up(db, hall, "led", window="9")
    async with machine(running, board) as strip:
        assert await closed_with(strip) == 4001
    await until(lambda: "window:9" in getattr(running.link.pumps.of[hall.id].feeds, "feeds", {}))
    async with machine(running, board) as strip:
        assert (await hear(strip, "snapshot"))["board"]["windows"] == {"9": "closed"}


async def test_a_hall_that_opens_later_is_found(db: Connection, hall: Hall, running: Running) -> None:
    other = await db.fetchval("INSERT INTO halls (code, name) VALUES ('other', '另一个大厅') RETURNING id")
    await db.execute("INSERT INTO hall_streams (hall, epoch) VALUES ($1, 'x1')", other)
    await until(lambda: other in running.link.pumps.of and running.link.pumps.ready)


# ---- pages


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
        assert called is not None
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


async def test_a_page_that_talks_is_closed(running: Running) -> None:
    async with page(running, "kiosk") as kiosk:
        for _ in range(70):
            await kiosk.send("hello")
        assert await closed_with(kiosk) == 4005


async def test_a_board_that_never_reads_harms_only_itself(db: Connection, hall: Hall, running: Running) -> None:
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
        assert max((heard[act.offset] - act.at).total_seconds() for act in recalls) < 0.5
        await until(lambda: len(running.link.gateway.connected()) == 1)
        deaf.transport.resume_reading()
        assert await closed_with(deaf) == 4002
        watching.cancel()


# ---- what people press at machines


async def press(line: ClientConnection, number: int, what: str, data: Frame, press_id: str = "pr_1") -> Frame:
    said = {"type": "press", "id": number, "press": press_id, "what": what, "data": data}
    await line.send(msgspec.json.encode(said).decode())
    return await hear(line, "ok", "error")


async def test_an_evaluator_is_asked_and_its_answer_is_kept_once(db: Connection, hall: Hall, running: Running) -> None:
    evaluator = await put_up(db, hall, "evaluator", window="1")
    await open_all(db, hall)
    ticket = (await take(db, hall)).ticket
    await calls.call_next(db, hall, seat("1"))
    async with machine(running, evaluator) as box:
        await hear(box, "snapshot")
        await calls.finish(db, hall, seat("1"))
        running.bell.ring(hall.id)
        job = await hear(box, "job")
        assert (job["kind"], job["data"]["ticket_id"]) == ("ask_rating", ticket.ticket_id)
        rating = {"ticket_id": ticket.ticket_id, "level": 2, "reasons": ["213"]}
        first = await press(box, 2, "rating", rating)
        assert await press(box, 3, "rating", rating) == first | {"re": 3}
        assert first["data"] == {"ticket": ticket.number}
        assert (await press(box, 4, "rating", rating | {"level": 5, "reasons": []}, "pr_2"))["code"] == "already_rated"
    kept = await db.fetch("SELECT level, channel, window_no FROM ratings")
    assert [tuple(row) for row in kept] == [(2, "evaluator", "1")]


async def test_an_evaluator_rates_its_own_window_only(db: Connection, hall: Hall, running: Running) -> None:
    evaluator = await put_up(db, hall, "evaluator", window="2")
    await open_all(db, hall)
    ticket = (await take(db, hall)).ticket
    await calls.call_next(db, hall, seat("1"))
    await calls.finish(db, hall, seat("1"))
    async with machine(running, evaluator) as box:
        answer = await press(box, 2, "rating", {"ticket_id": ticket.ticket_id, "level": 1})
        assert (answer["type"], answer["code"]) == ("error", "not_allowed")


async def test_a_keypad_calls_the_next_and_finishes_who_was_there(db: Connection, hall: Hall, running: Running) -> None:
    keypad = await put_up(db, hall, "keypad", window="1")
    await open_all(db, hall)
    for _ in range(2):
        await take(db, hall)
    async with machine(running, keypad) as box:
        assert (await press(box, 2, "next", {}, "pr_1"))["data"]["ticket"] == "A001"
        assert (await press(box, 3, "next", {}, "pr_1"))["data"]["ticket"] == "A001"
        assert (await press(box, 4, "next", {}, "pr_2"))["data"]["ticket"] == "A002"
        assert (await press(box, 5, "next", {}, "pr_3"))["data"] == {"ticket": None}
    assert [ticket.state for ticket in await tickets.find(db, hall)] == ["finished", "finished"]


async def test_a_button_of_a_dispenser_gives_a_number_and_its_paper(db: Connection, hall: Hall, running: Running) -> None:
    dispenser = await put_up(db, hall, "dispenser")
    await open_all(db, hall)
    async with machine(running, dispenser) as box:
        await hear(box, "welcome")
        answer = await press(box, 2, "take", {"service": "A"})
        assert (answer["data"]["ticket"], answer["data"]["ahead"]) == ("A001", 0)
        job = await hear(box, "job")
        assert (job["kind"], job["data"]["ticket"]) == ("print", "A001")
        assert job["data"]["url"].startswith(running.origin + "/t/")
        assert (await press(box, 3, "take", {"service": "Z"}, "pr_2"))["code"] == "unknown_service"
        assert (await press(box, 4, "take", {"what": "ever"}, "pr_3"))["code"] == "bad_input"
        assert (await press(box, 5, "next", {}, "pr_4"))["code"] == "not_allowed"


async def test_a_dispenser_without_paper_gives_no_number(db: Connection, hall: Hall, running: Running) -> None:
    dispenser = await put_up(db, hall, "dispenser")
    async with machine(running, dispenser) as box:
        health = {"printer": {"state": "paper_out", "since": datetime.now(UTC).isoformat()}}
        await box.send(msgspec.json.encode({"type": "health", "id": 2, "parts": health}).decode())
        await hear(box, "ok")
        assert (await press(box, 3, "take", {"service": "A"}))["code"] == "printer_not_ready"
    assert await tickets.find(db, hall) == []


# ---- the door itself


async def test_the_process_takes_nonsense_calmly_and_ends_when_asked(
    db: Connection, hall: Hall, settings: Settings, tmp_path: Path
) -> None:
    port = free_port()
    environment = os.environ | {
        "HALL_DATABASE_URL": settings.database_url or "", "HALL_REDIS_URL": settings.redis_url or "",
        "HALL_DATA_DIR": str(tmp_path), "HALL_HOST": "127.0.0.1", "HALL_LINK_PORT": str(port), "HALL_PORT": str(free_port()),
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "floor.link", env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert b"link_open" in await process.stdout.readline()
        for nonsense in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00", b""):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(nonsense)
            writer.write_eof()
            await reader.read()
            writer.close()
        process.terminate()
        said = (await process.stdout.read()).decode()
        assert (await process.wait(), said) == (0, "")


async def test_the_link_says_that_it_lives(running: Running) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", running.settings.link_port)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
    writer.close()


async def test_a_link_that_is_told_to_end_sends_everybody_away_to_come_back(
    db: Connection, hall: Hall, settings: Settings, pool: Pool, redis: Redis
) -> None:
    at = replace(settings, host="127.0.0.1", port=free_port(), link_port=free_port())
    board = await put_up(db, hall, "tv")
    async with link_running(at, pool, redis) as running, machine(running, board) as screen, page(running, "kiosk") as kiosk:
        await hear(screen, "snapshot")
        running.stop.set()
        assert [await closed_with(screen), await closed_with(kiosk)] == [4000, 4000]
        with pytest.raises(OSError):
            await page(running, "kiosk")
