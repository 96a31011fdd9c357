"""The link tells boards and machines of an act at once, whatever is restarted."""

import asyncio
import os
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from redis.asyncio import Redis

from floor import doorbell, pump
from floor.database import Connection, Pool
from floor.doorbell import open_redis
from floor.settings import Settings
from queueing import calls
from queueing.halls import Hall
from queueing.tickets import Act
from tests.displays.days import open_all, seat, take
from tests.displays.machines import put_up
from tests.floor.links import Running, caught_up, closed_with, hear, link_running, machine, page, sign_in, until
from tests.floor.test_doorbell import listening
from tests.ports import free_port


async def test_a_call_reaches_board_speaker_and_page_by_the_bell_alone(
    db: Connection, hall: Hall, settings: Settings, pool: Pool, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "SWEEP_S", 600)
    at = replace(settings, host="127.0.0.1", port=free_port(), link_port=free_port())
    board, speaker = await put_up(db, hall, "led", window="1"), await put_up(db, hall, "speaker", zone="A")
    token = await sign_in(db, hall, "manager", "manager")
    await open_all(db, hall)
    await take(db, hall)
    async with (
        link_running(at, pool, redis) as running,
        machine(running, board) as strip,
        machine(running, speaker) as voice,
        page(running, "window:1", token) as mirror,
    ):
        await listening(redis)
        await caught_up(db, hall, running)
        await hear(strip, "snapshot")
        await hear(voice, "welcome")
        await hear(mirror, "snapshot")
        called = await calls.call_next(db, hall, seat("1"))
        assert isinstance(called, Act)
        running.bell.ring(hall.id)
        event = await hear(strip, "event")
        assert (event["kind"], event["offset"], event["data"]["call"]) == ("called", called.offset, called.call_id)
        assert await hear(mirror, "event") == event
        job = await hear(voice, "job")
        assert (job["kind"], job["key"]) == ("say", f"call:{called.call_id}")
        assert job["data"]["sentences"] == [{"lang": "zh-Hans", "text": "请A零零一号到一号窗口办理"}]


async def test_without_a_ring_a_call_is_found_by_the_look_of_every_second(db: Connection, hall: Hall, running: Running) -> None:
    assert doorbell.SWEEP_S == 1
    board = await put_up(db, hall, "tv", zone="A")
    await open_all(db, hall)
    await take(db, hall)
    async with machine(running, board) as screen:
        await hear(screen, "snapshot")
        called = await calls.call_next(db, hall, seat("1"))
        assert isinstance(called, Act)
        while (event := await hear(screen, "event"))["kind"] != "called":
            pass
        assert event["offset"] == called.offset


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
    assert isinstance(first, Act)
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


async def test_a_window_put_up_later_has_a_feed_when_its_strip_dials_again(db: Connection, hall: Hall, running: Running) -> None:
    await db.execute("INSERT INTO windows (hall, no, name, zone, serves) VALUES ($1, '9', '九号', 'A', '{A}')", hall.id)
    board = await put_up(db, hall, "led", window="9")
    async with machine(running, board) as strip:
        assert await closed_with(strip) == 4004
    await until(lambda: "window:9" in getattr(running.link.pumps.of[hall.id].feeds, "feeds", {}))
    async with machine(running, board) as strip:
        assert (await hear(strip, "snapshot"))["board"]["windows"] == {"9": "closed"}


async def test_a_hall_that_opens_later_is_found(db: Connection, hall: Hall, running: Running) -> None:
    other = await db.fetchval("INSERT INTO halls (code, name) VALUES ('other', '另一个大厅') RETURNING id")
    await db.execute("INSERT INTO hall_streams (hall, epoch) VALUES ($1, 'x1')", other)
    await until(lambda: other in running.link.pumps.of and running.link.pumps.ready)


# ---- pages


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
