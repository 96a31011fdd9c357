"""What a machine sends is an act of the hall, done once, by whom it stands for."""

from datetime import UTC, datetime, timedelta

import msgspec
from websockets.asyncio.client import ClientConnection

from floor.database import Connection
from queueing import calls, tickets, windows
from queueing.halls import Hall
from tests.displays.days import open_all, seat, take
from tests.displays.machines import put_up
from tests.floor.links import Frame, Running, hear, machine


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


async def test_every_key_is_the_act_of_whoever_sits_there(db: Connection, hall: Hall, running: Running) -> None:
    keypad = await put_up(db, hall, "keypad", window="1")
    await open_all(db, hall)
    for _ in range(3):
        await take(db, hall)
    await db.execute("UPDATE halls SET min_call_s = 0")
    async with machine(running, keypad) as box:
        keys = [
            ("next", {}, {"ticket": "A001"}), ("recall", {}, {"ticket": "A001"}), ("no_show", {}, {"ticket": "A001"}),
            ("next", {}, {"ticket": "A002"}), ("arrive", {}, {"ticket": "A002"}),
            ("hold", {"kind": "waiting"}, {"ticket": "A002"}),
            ("next", {}, {"ticket": "A003"}), ("finish", {}, {"ticket": "A003"}), ("rate", {}, {"ticket": "A003"}),
            ("pause", {}, {"window": "1", "state": "paused"}), ("resume", {}, {"window": "1", "state": "open"}),
        ]  # fmt: skip
        for n, (what, data, answer) in enumerate(keys, start=2):
            said = (await press(box, n, what, data, f"pr_{n}"))["data"]
            assert {name: said.get(name) for name in answer} == answer, what
        assert (await press(box, 20, "hold", {"kind": "whatever"}, "pr_20"))["code"] == "bad_input"
        assert (await press(box, 21, "arrive", {}, "pr_21"))["code"] == "not_in_that_state"
    acted = await db.fetch("SELECT DISTINCT actor FROM journal WHERE window_no = '1' AND kind LIKE 'ticket.%'")
    assert [row["actor"] for row in acted] == ["clerk:clerk1"]


async def test_a_key_where_nobody_sits_is_refused_and_a_repeat_is_answered_all_the_same(
    db: Connection, hall: Hall, running: Running
) -> None:
    keypad = await put_up(db, hall, "keypad", window="1")
    await take(db, hall)
    async with machine(running, keypad) as box:
        refused = await press(box, 2, "next", {}, "pr_1")
        assert (refused["code"], refused["message"]) == ("window_not_open", "Nobody sits at window 1: sign in and open it first.")
        await open_all(db, hall)
        first = await press(box, 3, "next", {}, "pr_2")
        assert (await press(box, 4, "finish", {}, "pr_3"))["data"] == {"ticket": "A001"}
        await windows.close(db, hall, "1", actor="clerk:clerk1")
        assert (await press(box, 5, "next", {}, "pr_2"))["data"] == first["data"]
        assert (await press(box, 6, "finish", {}, "pr_4"))["code"] == "window_not_open"


async def test_a_key_that_comes_too_late_does_nothing(db: Connection, hall: Hall, running: Running) -> None:
    keypad = await put_up(db, hall, "keypad", window="1")
    await open_all(db, hall)
    await take(db, hall)
    now: datetime = await db.fetchval("SELECT hall_now()")
    async with machine(running, keypad) as box:
        late = {"at": (now - timedelta(seconds=20)).isoformat()}
        assert (await press(box, 2, "next", late, "pr_1"))["code"] == "expired"
        assert (await press(box, 3, "next", {"at": now.isoformat()}, "pr_2"))["data"]["ticket"] == "A001"
        assert (await press(box, 4, "next", {"at": "yesterday"}, "pr_3"))["code"] == "bad_input"
    assert [ticket.state for ticket in await tickets.find(db, hall)] == ["called"]


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
        assert (await press(box, 6, "take", {"service": "A", "lang": "xx"}, "pr_5"))["code"] == "bad_input"
        assert (await press(box, 7, "take", {"service": "A" * 5000}, "pr_6"))["code"] == "bad_input"


async def test_a_dispenser_without_paper_gives_no_number(db: Connection, hall: Hall, running: Running) -> None:
    dispenser = await put_up(db, hall, "dispenser")
    async with machine(running, dispenser) as box:
        health = {"printer": {"state": "paper_out", "since": datetime.now(UTC).isoformat()}}
        await box.send(msgspec.json.encode({"type": "health", "id": 2, "parts": health}).decode())
        await hear(box, "ok")
        assert (await press(box, 3, "take", {"service": "A"}))["code"] == "printer_not_ready"
    assert await tickets.find(db, hall) == []


# ---- the door itself
