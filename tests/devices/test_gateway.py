"""The door of the hall, over real websockets: who gets in, what they hear, and how they are let go."""

import asyncio
import gc
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from devices import fanout, gateway, health, wire
from devices.jobs import NewJob, of_key, owe
from devices.registry import ask_rotation, authenticate, configure, get_device, revoke
from devices.settings import complete
from floor.database import Connection, Pool
from tests.devices.halls import make_paired, make_ticket
from tests.devices.lines import ORIGIN, Client, narrow_socket, running


async def make(pool: Pool, hall: int, kind: str = "led", **place: str) -> Any:
    async with pool.acquire() as db:
        _, paired = await make_paired(db, hall, kind, **place)
    return paired


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=5)


async def test_who_may_not_open_a_line_is_told_by_an_http_status(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id)
    good, cookie = f"{paired.device_id}:{paired.secret}", f"device-{paired.device_id}={paired.secret}"
    query = f"?device={paired.device_id}"
    asked: dict[str, tuple[str | None, dict[str, Any]]] = {
        "nobody": (None, {}),
        "wrong secret": (f"{paired.device_id}:wrong", {}),
        "unknown device": ("dv_led_99999:x", {}),
        "not a device": ("no colon", {}),
        "no version": (good, {"subprotocols": None}),
        "other version": (good, {"subprotocols": ["hall.v9"]}),
        "foreign page": (good, {"headers": {"Origin": "http://evil.test"}}),
        "null page": (good, {"headers": {"Origin": "null"}}),
        "foreign page with the cookie": (None, {"query": query, "headers": {"Cookie": cookie, "Origin": "http://evil.test"}}),
        "cookie without a page": (None, {"query": query, "headers": {"Cookie": cookie}}),
        "another's cookie": (None, {"query": "?device=dv_led_99999", "headers": {"Cookie": cookie, "Origin": ORIGIN}}),
        "broken cookie": (None, {"query": query, "headers": {"Cookie": '";=,[', "Origin": ORIGIN}}),
    }
    said = {}
    async with running(pool) as hall:
        for who, (credential, more) in asked.items():
            with pytest.raises(InvalidStatus) as refused:
                await hall.dial(credential, **more)
            said[who] = refused.value.response.status_code
    assert said == {
        "nobody": 403, "wrong secret": 401, "unknown device": 401, "not a device": 401, "no version": 400, "other version": 400,
        "foreign page": 403, "null page": 403, "foreign page with the cookie": 403, "cookie without a page": 403,
        "another's cookie": 401, "broken cookie": 401,
    }  # fmt: skip


async def test_a_browser_comes_in_with_its_cookie_from_the_halls_own_page(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "tv")
    headers = {"Cookie": f"x=1; device-{paired.device_id}={paired.secret}", "Origin": ORIGIN}
    async with running(pool) as hall, hall.dial(None, query=f"?device={paired.device_id}", headers=headers) as connection:
        client = Client(connection)
        await client.greet()
        assert (connection.subprotocol, client.welcome["status"], client.welcome["gen"]) == ("hall.v1", "live", 1)


async def test_guessing_secrets_and_dialling_without_end_are_429(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id)
    good = f"{paired.device_id}:{paired.secret}"

    async def status(credential: str) -> int:
        try:
            async with hall.dial(credential):
                return 101
        except InvalidStatus as refused:
            assert refused.response.status_code != 429 or refused.response.headers["Retry-After"] == "30"
            return refused.response.status_code

    async with running(pool, dials=3) as hall:
        assert [await status(good) for _ in range(4)] == [101, 101, 101, 429]
        guesses = [await status("dv_led_1:x") for _ in range(32)]
        assert (guesses[:30], guesses[-1]) == ([401] * 30, 429)


async def test_a_greeting_is_answered_by_welcome_then_the_board_then_jobs(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "led", window="1")
    async with pool.acquire() as db:
        await configure(db, paired.device_id, {"screen_text": {"open": "您好"}})
        await owe(db, [NewJob(hall_id, paired.device_id, "sound_test", "test:1", soon(), {})])
    async with running(pool) as hall:
        hall.hall.next_event()
        async with hall.live(paired) as client:
            welcome = client.welcome
            assert (welcome["gen"], welcome["status"], welcome["beat_s"], welcome["config_rev"]) == (1, "live", 10.0, 1)
            assert (welcome["feed"], welcome["limits"]) == (
                {"epoch": "k3", "offset": 1, "recovered": False}, {"frame": 16384, "jobs": 4},
            )  # fmt: skip
            heard = [await client.hear() for _ in range(3)]
            assert [frame["type"] for frame in heard] == ["snapshot", "config", "job"]
            told = {**complete("led", {"screen_text": {"open": "您好"}}), "asleep": False}
            assert (heard[1]["data"], heard[2]["gen"], heard[2]["attempt"]) == (told, 1, 1)


async def test_a_board_that_was_away_gets_just_the_events_it_missed(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "led", zone="A")
    async with running(pool) as hall:
        for _ in range(5):
            hall.hall.next_event()
        async with hall.live(paired, feed={"epoch": "k3", "offset": 3}) as client:
            assert client.welcome["feed"] == {"epoch": "k3", "offset": 5, "recovered": True}
            missed = [await client.hear() for _ in range(2)]
            assert [(frame["prev"], frame["offset"]) for frame in missed] == [(3, 4), (4, 5)]
            hall.gateway.fanout.publish(hall_id, "zone:A", hall.hall.next_event())
            assert (await client.hear())["offset"] == 6
            await client.send("resync")
            assert (await client.hear_until("snapshot"))["offset"] == 6
        async with hall.live(paired, feed={"epoch": "k2", "offset": 6}) as client:
            assert client.welcome["feed"]["recovered"] is False
            assert (await client.hear())["type"] == "snapshot"


async def test_what_a_board_has_shown_is_kept(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "led", window="1")
    async with running(pool) as hall, hall.live(paired) as client:
        hall.gateway.fanout.publish(hall_id, "window:1", hall.hall.next_event())
        await client.hear_until("event")
        await client.connection.send('{"type":"got","offset":1}')
        await client.beat()
        await asyncio.sleep(1.3)
        async with pool.acquire() as db:
            shown = await health.confirmations(db, hall_id, "k3", 1)
            assert [(each.device, each.window) for each in shown] == [(paired.device_id, "1")]
            assert (await get_device(db, paired.device_id)).present
        await client.connection.send('{"type":"got","offset":9007199254740991}')
        await asyncio.sleep(1.3)
        async with pool.acquire() as db:
            newest = await db.fetchval("SELECT top FROM hall_streams WHERE hall = $1", hall_id)
            assert await health.confirmations(db, hall_id, "k3", newest) != []
            assert await health.confirmations(db, hall_id, "k3", newest + 1) == []


async def test_owed_jobs_come_four_at_a_time_and_are_followed_to_their_end(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "speaker", zone="A")
    async with running(pool) as hall, hall.live(paired) as client:
        async with pool.acquire() as db:
            new = [NewJob(hall_id, paired.device_id, "say", f"call:{n}", soon(), {"times": 2}) for n in range(6)]
            owed = await owe(db, new)
        hall.gateway.offer(owed)
        first = [await client.hear() for _ in range(4)]
        assert [frame["job"] for frame in first] == [job.id for job in owed[:4]]
        assert (await client.report(owed[0].id, "accepted"))["type"] == "ok"
        number = await client.send("job_report", job=owed[0].id, state="done", at=soon().isoformat())
        assert [(await client.hear())["re"], (await client.hear())["job"]] == [number, owed[4].id]
        async with pool.acquire() as db:
            [kept] = await of_key(db, hall_id, "call:0")
        assert kept.state == "done"
        assert (await client.report("jb_424242", "done"))["code"] == "not_allowed"


async def test_a_job_made_by_another_process_is_found_within_seconds(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "speaker")
    async with running(pool) as hall, hall.live(paired) as client:
        await client.beat()
        async with pool.acquire() as db:
            [owed] = await owe(db, [NewJob(hall_id, paired.device_id, "sound_test", "test:1", soon(), {})])
        assert (await client.hear_until("job", within=3))["job"] == owed.id
        await client.report(owed.id, "done")


async def test_unfinished_jobs_come_again_after_a_reconnect_with_the_new_gen(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "speaker")
    async with running(pool) as hall:
        async with hall.live(paired) as client:
            async with pool.acquire() as db:
                owed = await owe(db, [NewJob(hall_id, paired.device_id, "say", "call:1", soon(), {})])
            hall.gateway.offer(owed)
            await client.hear_until("job")
            await client.report(owed[0].id, "started")
        async with hall.live(paired, open=[owed[0].id]) as client:
            again = await client.hear_until("job")
            assert (again["job"], again["gen"]) == (owed[0].id, 2)
            await client.report(owed[0].id, "done")
        async with hall.live(paired) as client:
            assert (await client.beat())["type"] == "beat_ok"


async def test_a_failed_print_is_followed_by_its_reprint_on_the_same_line(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "dispenser")
    async with pool.acquire() as db:
        ticket = await make_ticket(db, hall_id)
    async with running(pool) as hall, hall.live(paired) as client:
        async with pool.acquire() as db:
            data = {"template": "ticket", "ticket_id": ticket, "ticket": "A001"}
            owed = await owe(db, [NewJob(hall_id, paired.device_id, "print", f"ticket:{ticket}:1", soon(), data)])
        hall.gateway.offer(owed)
        await client.hear_until("job")
        await client.send("job_report", job=owed[0].id, state="failed", at=soon().isoformat(), reason="paper_out")
        again = await client.hear_until("job")
        assert (again["key"], again["data"]["template"], again["data"]["ticket"]) == (f"ticket:{ticket}:2", "reprint", "A001")
        assert [job.key for job in hall.hall.reprints] == [f"ticket:{ticket}:2"]
        felt = await client.ask("health", parts={"printer": {"state": "paper_out"}, "link": {"rtt_ms": 3, "offset_ms": 2}})
        async with pool.acquire() as db:
            assert [alarm.state for alarm in await health.alarms(db, hall_id)] == ["paper_out"]
        assert (felt["type"], hall.hall.rung) == ("ok", [hall_id])


async def test_a_press_acts_once_however_often_it_is_sent(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "evaluator", window="1")
    async with running(pool) as hall, hall.live(paired) as client:
        data = {"ticket_id": "tk_1", "level": 5, "reasons": ["510"]}
        answers = [await client.ask("press", press="pr_1", what="rating", data=data) for _ in range(3)]
        assert [answer["data"] for answer in answers] == [{"taken": 1}] * 3
        refused = await client.ask("press", press="pr_2", what="take", data={})
        assert (refused["type"], refused["code"], refused["retry"]) == ("error", "not_allowed", False)


async def test_a_device_without_a_place_may_beat_until_it_is_placed(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "evaluator")
    async with running(pool) as hall, hall.live(paired) as client:
        assert (client.welcome["status"], "feed" in client.welcome) == ("pending", False)
        assert (await client.beat())["type"] == "beat_ok"
        assert (await client.ask("press", press="p", what="rating", data={}))["code"] == "not_allowed"
        async with pool.acquire() as db:
            await db.execute("UPDATE devices SET window_no = '1'")
        assert await client.closed() == 4004


async def test_the_second_connection_of_a_device_wins(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id)
    async with running(pool) as hall, hall.live(paired) as first, hall.live(paired) as second:
        assert await first.closed() == 4502
        assert second.welcome["gen"] == first.welcome["gen"] + 1
        assert (await second.beat())["type"] == "beat_ok"


async def test_a_revoked_device_is_hung_up_on_within_five_seconds_and_not_let_in_again(pool: Pool, hall_id: int) -> None:
    paired, other = await make(pool, hall_id), await make(pool, hall_id)
    async with running(pool) as hall, hall.live(paired) as client, hall.live(other) as neighbour:
        async with pool.acquire() as db:
            await revoke(db, paired.device_id, actor="engineer")
        assert await client.closed(within=5) == 4501
        with pytest.raises(InvalidStatus) as refused:
            await hall.dial(f"{paired.device_id}:{paired.secret}")
        assert refused.value.response.status_code == 401
        assert (await neighbour.beat())["type"] == "beat_ok"


async def test_settings_and_a_new_secret_reach_a_live_device(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id)
    async with running(pool) as hall, hall.live(paired) as client:
        async with pool.acquire() as db:
            await configure(db, paired.device_id, {"wake_minutes": 10})
            await ask_rotation(db, paired.device_id)
        config, rotate = await client.hear_until("config"), await client.hear_until("rotate")
        told = {**complete("led", {"wake_minutes": 10}), "asleep": False}
        assert (config["rev"], config["data"], config["gen"], rotate["id"]) == (1, told, 1, config["id"] + 1)
        async with pool.acquire() as db:
            assert await authenticate(db, paired.device_id, paired.secret) is not None
        await client.connection.send(f'{{"type":"rotated","re":{rotate["id"]}}}')
        assert await client.closed() == 4004  # to come back with the new secret
        async with pool.acquire() as db:
            assert await authenticate(db, paired.device_id, rotate["secret"]) is not None
            assert await authenticate(db, paired.device_id, paired.secret) is None


async def test_a_slow_reader_is_let_go_and_the_others_notice_nothing(
    pool: Pool, hall_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fanout, "CLOSING_S", 30)  # on a busy machine it may read for long before it comes to the last frame
    slow_one, quick_one = await make(pool, hall_id, "tv"), await make(pool, hall_id, "tv")
    async with running(pool) as hall, hall.live(quick_one) as quick:
        sock = narrow_socket(hall.port)
        connection = await hall.dial(f"{slow_one.device_id}:{slow_one.secret}", sock=sock, max_queue=1, close_timeout=1)
        slow = Client(connection)
        await slow.greet()
        connection.transport.pause_reading()
        heard, longest, started, took = 0, 0.0, asyncio.get_running_loop().time(), 0.0
        while slow_one.device_id in {device.id for device in hall.gateway.connected()} and took < 10:
            event = hall.hall.next_event()
            sent = asyncio.get_running_loop().time()
            hall.gateway.fanout.publish(hall_id, "hall", event)
            frame = await quick.hear_until("event")
            longest = max(longest, asyncio.get_running_loop().time() - sent)
            heard += 1
            took = asyncio.get_running_loop().time() - started
            assert frame["offset"] == heard
        connection.transport.resume_reading()
        assert (took < 10, longest < 2) == (True, True), (heard, took, longest)
        assert await slow.closed() == 4002
        assert (await quick.beat())["type"] == "beat_ok"


DEEP = "[" * 5000 + "]" * 5000
UNREADABLE: list[tuple[str | bytes, str]] = [
    ("{", "bad_frame"),
    ("[]", "bad_frame"),
    ("null", "bad_frame"),
    ('{"type":"beat"}', "bad_frame"),
    ('{"type":"beat","id":"9","sent":"2026-11-02T01:13:00Z","state":"x"}', "bad_frame"),
    ('{"type":"got","offset":1e3}', "bad_frame"),
    ('{"type":"press","id":90,"press":"p","what":"rating","data":{"x":' + DEEP + "}}", "bad_frame"),
    ('{"type":"press","id":90,"press":"p","what":"\\u0000","data":{}}', "bad_frame"),
    (b"\x00\xff", "bad_frame"),
    ('{"type":"dance","id":91}', "unknown_type"),
    ('{"type":"welcome","id":92}', "unknown_type"),
    ('{"type":"beat","id":1,"sent":"2026-11-02T01:13:00Z","state":"x"}', "id_reuse"),
    ('{"type":"hello","id":93,"boot":"b","agent":"a","caps":[],"at":"2026-11-02T01:13:00Z"}', "not_allowed"),
    ('{"type":"issued","id":94,"tickets":[]}', "not_allowed"),
]


@pytest.mark.parametrize(("frame", "code"), UNREADABLE, ids=range(len(UNREADABLE)))
async def test_any_bytes_get_a_defined_answer(pool: Pool, hall_id: int, frame: str | bytes, code: str) -> None:
    paired = await make(pool, hall_id)
    async with running(pool) as hall, hall.live(paired) as client:
        await client.connection.send(frame)
        assert (await client.hear_until("error"))["code"] == code
        client.id = 200
        assert (await client.beat())["type"] == "beat_ok"


async def test_three_broken_frames_in_a_minute_end_the_line(pool: Pool, hall_id: int) -> None:
    paired, other = await make(pool, hall_id), await make(pool, hall_id)
    async with running(pool) as hall, hall.live(other) as neighbour:
        async with hall.live(paired) as client:
            for _ in range(3):
                await client.connection.send("{")
            assert await client.closed() == 4504
        async with hall.live(paired) as client:
            await client.connection.send("x" * 1_000_000)
            assert await client.closed() == 1009
        async with hall.live(paired) as client:
            await client.connection.send('{"type":"got","offset":1,"x":"' + "x" * 20_000 + '"}')
            assert (await client.hear_until("error"))["code"] == "too_big"
            assert await client.closed() == 1009
        async with hall.live(paired) as client:
            await client.connection.send(b"\xff\xfe", text=True)
            assert await client.closed() == 1007
        async with hall.live(paired) as client:
            code = asyncio.create_task(client.closed())
            with pytest.raises(ConnectionClosed):
                for _ in range(1000):
                    await client.connection.send('{"type":"got","offset":1}')
                    await asyncio.sleep(0.001)
            assert await code == 4005
        assert (await neighbour.beat())["type"] == "beat_ok"


async def test_who_says_nothing_after_the_upgrade_is_hung_up_on(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id)
    async with running(pool) as hall, hall.dial(f"{paired.device_id}:{paired.secret}") as connection:
        assert await Client(connection).closed() == 4006


async def test_a_drain_sends_everybody_away_twenty_at_a_time(pool: Pool, hall_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gateway, "DRAIN_S", 0.8)
    paired = [await make(pool, hall_id) for _ in range(25)]
    async with running(pool) as hall:
        dialled = [await hall.dial(f"{each.device_id}:{each.secret}") for each in paired]
        clients = [Client(connection) for connection in dialled]
        for client in clients:
            await client.greet()
        draining = asyncio.create_task(hall.gateway.drain(retry_s=7))
        async with asyncio.timeout(10):
            while len(hall.gateway.connected()) > 5:
                await asyncio.sleep(0.01)
        assert len(hall.gateway.connected()) == 5
        with pytest.raises(InvalidStatus) as refused:
            await hall.dial(f"{paired[0].device_id}:{paired[0].secret}")
        assert (refused.value.response.status_code, refused.value.response.headers["Retry-After"]) == (503, "5")
        bye = await clients[0].hear_until("bye")
        assert (bye["code"], bye["retry_s"]) == (4000, 7.0)
        assert {await client.closed() for client in clients} == {4000}
        await draining


async def test_a_database_that_is_away_makes_try_later_and_503(pool: Pool, hall_id: int, database_url: str) -> None:
    paired = await make(pool, hall_id, "speaker")
    async with running(pool) as hall, hall.live(paired) as client:
        await pool.close()
        answer = await client.report("jb_1", "done")
        assert (answer["code"], answer["retry"]) == ("try_later", True)
        assert (await client.beat())["type"] == "beat_ok"
        with pytest.raises(InvalidStatus) as refused:
            await hall.dial(f"{paired.device_id}:{paired.secret}")
        assert refused.value.response.status_code == 503


KILL_THE_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()
"""


async def test_the_link_outlives_every_connection_to_the_database(pool: Pool, db: Connection, hall_id: int) -> None:
    paired = await make(pool, hall_id, "speaker")
    async with running(pool) as hall, hall.live(paired) as client:
        for _ in range(25):
            await db.execute(KILL_THE_OTHERS)
            await asyncio.sleep(0.1)
            assert (await client.report("jb_1", "done"))["code"] in ("not_allowed", "try_later")
        await asyncio.sleep(1)
        [owed] = await owe(db, [NewJob(hall_id, paired.device_id, "say", "call:1", soon(), {})])
        assert (await client.hear_until("job"))["job"] == owed.id


async def test_coming_and_going_a_hundred_times_leaves_nothing_behind(pool: Pool, hall_id: int) -> None:
    paired = await make(pool, hall_id, "led", window="1")
    async with running(pool, dials=1000) as hall:
        async with hall.live(paired):
            pass
        async with asyncio.timeout(10):
            while hall.gateway.connected():
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # its task ends after its line
        before = len(asyncio.all_tasks())
        for _ in range(100):
            async with hall.live(paired):
                pass
        async with asyncio.timeout(10):
            while len(asyncio.all_tasks()) > before or hall.gateway.connected():
                await asyncio.sleep(0.01)
        gc.collect()
        assert (len(asyncio.all_tasks()), hall.gateway.connected(), hall.gateway.fanout.followed()) == (before, [], set())
        assert len(hall.gateway.doorway.admitted) == 0


def test_a_frame_is_the_bytes_of_the_standard() -> None:
    from devices.fanout import text_frame

    sizes = {size: text_frame(b"x" * size)[:10] for size in (0, 125, 126, 65535, 65536)}
    assert {size: frame[:2] for size, frame in sizes.items()} == {
        0: b"\x81\x00", 125: b"\x81\x7d", 126: b"\x81\x7e", 65535: b"\x81\x7e", 65536: b"\x81\x7f",
    }  # fmt: skip
    assert [sizes[126][2:4], sizes[65536][2:10]] == [b"\x00\x7e", b"\x00\x00\x00\x00\x00\x01\x00\x00"]
    assert wire.encode(wire.Got(offset=1)) == b'{"type":"got","offset":1}'
