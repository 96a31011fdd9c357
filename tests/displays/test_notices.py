"""What a visitor is told by SMS, through a gateway that is a program of its own: each word once, whatever breaks."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from displays import contacts, notices, outbox, wordings
from displays.sealed import Seal
from displays.ways import make
from floor.database import Connection, Db, Pool, acquire
from floor.notices import Post
from queueing import calls, settings, tickets
from queueing.errors import BadInput
from queueing.halls import Hall, get_hall
from scheduling.ladder_rows import Offer, offer
from tests.displays.days import open_all, seat
from tests.displays.gateway import Gateway, gateway_running
from tests.scheduling.clocks import half_past

PHONE = "13912345678"
SEAL = Seal(b"a secret of thirty-two characters")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with gateway_running(tmp_path / "gateway.jsonl") as running:
        yield running


@pytest.fixture
async def sending(db: Connection, hall: Hall, gateway: Gateway) -> Hall:
    """A hall with a gateway, its windows open, that has begun to follow its record."""
    await outbox.set_way(db, hall.id, "phone", "http", gateway.setting(), seal=SEAL, secret="key-of-the-gateway")
    await open_all(db, hall)
    await notices.follow(db, hall)
    return hall


async def take(
    db: Connection, hall: Hall, phone: str | None = PHONE, service: str = "A", lang: str = "zh-Hans"
) -> tickets.Ticket:
    key = tickets.new_key()
    if phone:
        assert await contacts.keep(db, hall.id, key, phone, seal=SEAL, lang=lang)
    act = await tickets.take(db, hall, [service], actor="desk:desk01", channel="desk", lang=lang, key=key)
    return act.ticket


async def post(db: Db, hall: Hall, rounds: int = 2, worker: Post | None = None) -> None:
    """One program looks, sends, and looks again; the try-again times are skipped over."""
    worker = worker or Post(SEAL, "https://hall.example.cn", {})
    for _ in range(rounds):
        await worker.look(db, [hall])
        await asyncio.gather(*worker.under_way)
    await worker.settle(db)


async def due_now(db: Connection) -> None:
    await db.execute("UPDATE notices SET due = now() - interval '1 s' WHERE state = 'waiting'")


async def kept(db: Connection) -> list[tuple[str, str, str | None]]:
    rows = await db.fetch("SELECT template, state::text AS state, why FROM notices ORDER BY id")
    return [(row["template"], row["state"], row["why"]) for row in rows]


async def test_a_visit_is_told_in_words_once_each_and_no_recall_is(db: Connection, sending: Hall, gateway: Gateway) -> None:
    await db.execute("UPDATE halls SET calls_before_missed = 2")
    hall = await get_hall(db, "demo")
    ticket = await take(db, hall)
    await post(db, hall)
    await calls.call_next(db, hall, seat("1"))
    await calls.recall(db, hall, seat("1"))
    await post(db, hall)
    await calls.no_show(db, hall, seat("1"))
    await post(db, hall)
    assert gateway.texts == [
        f"您的号码A001，社会保险当前等待0人，办理窗口：1;2。轮到您时会有短信提醒，也请看大屏。https://hall.example.cn/t/{ticket.key}",
        "请A001到1号窗口办理。祝您愉快。",
        "A001号已过号。仍要办理请到导办台，不必重新取号。",
    ]
    assert [(line["to"], line["template"]) for line in gateway.delivered] == [
        (PHONE, "taken"), (PHONE, "called"), (PHONE, "missed")
    ]  # fmt: skip
    assert {line["key"] for line in gateway.lines if "key" in line} == {"key-of-the-gateway"}


async def test_each_reader_gets_their_own_language(db: Connection, sending: Hall, gateway: Gateway) -> None:
    await take(db, sending, lang="en")
    await take(db, sending, phone="13900000002", lang="zh-Hant")
    for window in ("1", "2"):
        await calls.call_next(db, sending, seat(window))
    await post(db, sending, 4)
    assert sorted(text for text in gateway.texts if "window 1" in text or "號窗口" in text) == [
        "A001, please go to window 1.", "請A002到2號窗口辦理。祝您愉快。"
    ]  # fmt: skip


async def test_who_gave_no_number_is_told_nothing(db: Connection, sending: Hall, gateway: Gateway) -> None:
    await take(db, sending, phone=None)
    await calls.call_next(db, sending, seat("1"))
    await post(db, sending)
    assert (await kept(db), gateway.lines) == ([], [])


async def test_the_turn_is_announced_n_people_ahead_and_only_once(db: Connection, sending: Hall, gateway: Gateway) -> None:
    for _ in range(5):
        await take(db, sending, phone=None)
    await take(db, sending)
    await post(db, sending)
    assert len(gateway.texts) == 1  # five ahead: only that the number was taken
    await calls.call_next(db, sending, seat("1"))
    await post(db, sending)
    assert len(gateway.texts) == 1
    await calls.call_next(db, sending, seat("2"))
    await post(db, sending)
    assert gateway.texts[1:] == ["A006号：前面还有3人，请回到等候区，留意叫号。"]
    await calls.arrive(db, sending, seat("1"))
    await calls.finish(db, sending, seat("1"))
    await calls.call_next(db, sending, seat("1"))
    await post(db, sending)
    assert len(gateway.texts) == 2


async def test_a_turn_also_comes_near_when_others_leave(db: Connection, sending: Hall, gateway: Gateway) -> None:
    first, *_ = [await take(db, sending, phone=None) for _ in range(4)]
    await take(db, sending)
    await tickets.cancel(db, sending, first.key, actor="citizen")
    await post(db, sending)
    assert [template for template, _, _ in await kept(db)] == ["taken", "near"]


async def test_who_is_near_when_the_number_is_taken_is_not_told_twice(db: Connection, sending: Hall, gateway: Gateway) -> None:
    await take(db, sending)
    await post(db, sending, 4)
    assert (len(gateway.texts), await kept(db)) == (1, [("taken", "sent", None), ("near", "dropped", "near_when_taken")])


async def test_reading_the_record_again_from_anywhere_makes_nothing_twice(
    db: Connection, sending: Hall, gateway: Gateway
) -> None:
    for n in range(8):
        await take(db, sending, phone=f"1390000000{n}")
    for window in ("1", "2"):
        await calls.call_next(db, sending, seat(window))
    await notices.follow(db, sending)
    before = await db.fetch("SELECT subject, template, step, state::text, why FROM notices ORDER BY id")
    for offset in (0, 3, 7):
        await db.execute('UPDATE notice_positions SET "offset" = $1', offset)
        await notices.follow(db, sending)
    assert await db.fetch("SELECT subject, template, step, state::text, why FROM notices ORDER BY id") == before


async def test_a_reader_that_dies_in_the_middle_leaves_nothing_and_the_next_makes_all(db: Connection, sending: Hall) -> None:
    await take(db, sending)
    at = await notices.reached(db, sending.id)
    with pytest.raises(RuntimeError):
        async with db.transaction():
            await notices.follow(db, sending)
            raise RuntimeError("power cut")
    assert (await kept(db), await notices.reached(db, sending.id)) == ([], at)
    await notices.follow(db, sending)
    assert [template for template, _, _ in await kept(db)] == ["taken", "near"]


async def test_after_hours_away_what_is_too_late_is_not_sent(db: Connection, sending: Hall, gateway: Gateway) -> None:
    await take(db, sending)
    await calls.call_next(db, sending, seat("1"))
    await db.execute("ALTER TABLE journal DISABLE TRIGGER journal_is_append_only")
    await db.execute("UPDATE journal SET at = at - interval '10 minutes'")
    await post(db, sending)
    assert [(line["template"]) for line in gateway.delivered] == ["taken"]
    assert ("called", "dropped", "late") in await kept(db)


@pytest.mark.parametrize(("fault", "why"), [("500", "http 500"), ("timeout", "timeout"), ("no", "refused")])
async def test_a_gateway_that_fails_is_tried_again(db: Connection, sending: Hall, gateway: Gateway, fault: str, why: str) -> None:
    gateway.fail(fault)
    await take(db, sending)
    if fault == "timeout":
        await outbox.set_way(db, sending.id, "phone", "http", gateway.setting(timeout_s=0.3), seal=SEAL)
    await post(db, sending, 1)
    assert (await kept(db))[0] == ("taken", "waiting", why)
    await outbox.set_way(db, sending.id, "phone", "http", gateway.setting(), seal=SEAL)
    await due_now(db)
    await post(db, sending)
    assert ((await kept(db))[0], len(gateway.texts)) == (("taken", "sent", None), 1)


@pytest.mark.parametrize("fault", ["drop", "slow"])
async def test_a_message_whose_answer_was_lost_or_late_goes_out_once(
    db: Connection, sending: Hall, gateway: Gateway, fault: str
) -> None:
    gateway.fail(fault)
    await take(db, sending)
    await post(db, sending)
    await due_now(db)
    await post(db, sending)
    assert ((await kept(db))[0], len(gateway.texts)) == (("taken", "sent", None), 1)


async def test_what_fails_to_the_end_is_given_up_in_the_open_and_may_be_tried_again(
    db: Connection, sending: Hall, gateway: Gateway
) -> None:
    gateway.fail(*["500"] * outbox.TRIES)
    await take(db, sending)
    for _ in range(outbox.TRIES):
        await post(db, sending, 1)
        await due_now(db)
    assert ((await kept(db))[0], gateway.texts) == (("taken", "failed", "http 500"), [])
    assert (await outbox.counts(db, sending.id))["failed"] == 1
    assert await outbox.again(db, sending.id) == 1
    await post(db, sending)
    assert len(gateway.texts) == 1


@asynccontextmanager
async def worker_of(pool: Pool) -> AsyncIterator[Callable[[Hall], Awaitable[None]]]:
    """A sending program of its own, with a connection of its own."""
    worker = Post(SEAL, "", {})
    async with acquire(pool) as db:

        async def look(hall: Hall) -> None:
            await post(db, hall, 3, worker)

        yield look


async def test_two_programs_share_the_work_and_send_nothing_twice(
    db: Connection, sending: Hall, gateway: Gateway, pool: Pool
) -> None:
    for n in range(30):
        await take(db, sending, phone=f"139000000{n:02}")
    async with worker_of(pool) as one, worker_of(pool) as other:
        for _ in range(4):
            await asyncio.gather(one(sending), other(sending))
    tried = [line["tried"] for line in gateway.lines if "tried" in line]
    assert (len(gateway.texts), len(tried), len(set(tried))) == (30, 30, 30)


async def test_what_a_dead_program_had_in_hand_another_sends(db: Connection, sending: Hall, gateway: Gateway) -> None:
    await take(db, sending)
    await notices.follow(db, sending)
    [taken] = await outbox.take(db, [sending.id], SEAL, "")
    await post(db, sending)
    assert gateway.texts == []  # it is in somebody's hand
    await due_now(db)
    await post(db, sending)
    assert len(gateway.texts) == 1
    await outbox.settle(db, taken, "timeout")  # the first comes back from the dead
    assert (await kept(db))[0] == ("taken", "sent", None)


async def test_who_said_stop_is_never_written_to_again(db: Connection, sending: Hall, gateway: Gateway) -> None:
    ticket = await take(db, sending)
    assert await contacts.stop(db, ticket.key)
    await post(db, sending)
    assert not await contacts.keep(db, sending.id, tickets.new_key(), f"+86 {PHONE}", seal=SEAL, lang="en")
    assert await contacts.stop_all(db, sending.id, ["139-0000-0003", "nonsense", PHONE], SEAL) == 1
    assert (gateway.texts, await db.fetchval("SELECT count(*) FROM notice_contacts")) == ([], 0)


async def test_stop_holds_for_what_is_on_its_way(db: Connection, sending: Hall, gateway: Gateway) -> None:
    ticket = await take(db, sending)
    await notices.follow(db, sending)
    await contacts.stop(db, ticket.key)
    await post(db, sending)
    assert ((await kept(db))[0], gateway.lines) == (("taken", "dropped", "stopped"), [])


async def test_a_number_gets_only_so_many_messages_a_day(db: Connection, sending: Hall, gateway: Gateway) -> None:
    await settings.choose(db, sending.id, notices.DAILY_CAP, 2)
    hall = await get_hall(db, "demo")
    for _ in range(4):
        await take(db, hall, service="B")
    await take(db, hall, phone="13900000009")
    await post(db, hall, 4)
    taken = [(state, why) for template, state, why in await kept(db) if template == "taken"]
    assert taken == [("sent", None)] * 2 + [("dropped", "capped")] * 2 + [("sent", None)]


@pytest.mark.parametrize(
    ("begin", "end", "at", "until"),
    [
        (22, 7, "2026-11-02T23:30", "2026-11-03T07:00"),
        (22, 7, "2026-11-03T06:59", "2026-11-03T07:00"),
        (22, 7, "2026-11-03T07:00", None),
        (12, 14, "2026-11-03T12:00", "2026-11-03T14:00"),
        (12, 14, "2026-11-03T14:00", None),
        (0, 0, "2026-11-03T00:00", None),
    ],
)
def test_quiet_hours_may_pass_midnight(hall: Hall, begin: int, end: int, at: str, until: str | None) -> None:
    quiet = replace(hall, chosen={"notice_quiet_from": begin, "notice_quiet_to": end})
    moment = datetime.fromisoformat(f"{at}+08:00")
    assert notices.quiet_until(quiet, moment.astimezone(UTC)) == (until and datetime.fromisoformat(f"{until}+08:00"))


async def test_in_quiet_hours_word_that_would_come_too_late_is_dropped(db: Connection, sending: Hall, gateway: Gateway) -> None:
    await half_past(db)
    local = await db.fetchval("SELECT extract(hour FROM hall_now() AT TIME ZONE 'Asia/Shanghai')::int")
    quiet = replace(sending, chosen={"notice_quiet_from": local, "notice_quiet_to": (local + 3) % 24})
    await take(db, quiet)
    await post(db, quiet)
    assert ((await kept(db))[0], gateway.lines) == (("taken", "dropped", "quiet"), [])


async def test_a_template_that_is_off_is_not_sent(db: Connection, sending: Hall, gateway: Gateway) -> None:
    quiet = replace(sending, chosen={"notice_taken": False, "notice_near": False})
    await take(db, quiet)
    await calls.call_next(db, quiet, seat("1"))
    await post(db, quiet)
    assert [line["template"] for line in gateway.delivered] == ["called"]


async def test_a_hall_may_word_it_itself_and_go_back(db: Connection, sending: Hall, gateway: Gateway) -> None:
    await wordings.word(db, sending.id, "called", "zh-Hans", "{ticket} 请到 {window} 窗\r\n")
    await take(db, sending)
    await calls.call_next(db, sending, seat("1"))
    await post(db, sending)
    assert gateway.texts.count("A001 请到 1 窗") == 1
    with pytest.raises(BadInput):
        await wordings.word(db, sending.id, "called", "zh-Hans", "{phone}")
    await wordings.word(db, sending.id, "called", "zh-Hans", "")
    assert (await wordings.texts(db, sending.id))["called", "zh-Hans"] == wordings.TEXTS["called"]["zh-Hans"]


def test_every_wording_is_there_in_all_languages_with_gaps_that_are_filled() -> None:
    for by_lang in wordings.TEXTS.values():
        assert set(by_lang) == set(wordings.LANGS)
        gaps = {lang: set(wordings.GAP.findall(text)) for lang, text in by_lang.items()}
        assert all(found <= set(wordings.GAPS) and found == gaps["zh-Hans"] for found in gaps.values())
    assert set(wordings.TEXTS) == set(notices.GOOD_FOR)


async def test_a_multi_step_visit_is_told_of_each_step(db: Connection, sending: Hall, gateway: Gateway) -> None:
    key = tickets.new_key()
    await contacts.keep(db, sending.id, key, PHONE, seal=SEAL, lang="zh-Hans")
    await db.execute("UPDATE windows SET services = CASE no WHEN '1' THEN '{A}' ELSE '{B}' END::text[]")
    await tickets.take(db, sending, ["A", "B"], actor="desk:desk01", channel="desk", key=key)
    for window in ("1", "2"):
        await calls.call_next(db, sending, seat(window))
        await calls.arrive(db, sending, seat(window))
        await calls.finish(db, sending, seat(window))
        await post(db, sending)
    rows = await db.fetch("SELECT step FROM notices WHERE template = 'called' ORDER BY id")
    assert [row["step"] for row in rows] == [1, 2]


async def test_numbers_go_when_the_visit_is_over_and_a_row_proves_it(db: Connection, sending: Hall) -> None:
    for n in range(3):
        await take(db, sending, phone=f"1390000000{n}")
    orphan = tickets.new_key()
    await contacts.keep(db, sending.id, orphan, PHONE, seal=SEAL, lang="en")
    assert await contacts.erase(db, sending.id, 0) == 0
    await db.execute("UPDATE notice_contacts SET at = at - interval '20 minutes' WHERE subject = $1", orphan)
    assert await contacts.erase(db, sending.id, 0) == 1
    await notices.follow(db, sending)
    await db.execute("UPDATE notice_contacts SET day = day - 1")
    await db.execute("UPDATE notices SET at = at - interval '2 days'")
    assert await contacts.erase(db, sending.id, 1) == 0
    assert await contacts.erase(db, sending.id, 0) == 3
    proof = await db.fetch("SELECT erased FROM notice_erasures ORDER BY at")
    left = await db.fetchrow(
        "SELECT (SELECT count(*) FROM notice_contacts), (SELECT count(*) FROM notices WHERE who IS NOT NULL)"
    )
    assert ([row["erased"] for row in proof], tuple(left or ())) == ([1, 3], (0, 0))


async def test_a_number_is_in_no_table_no_log_and_no_frame(
    db: Connection, sending: Hall, gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    with structlog.testing.capture_logs() as lines:
        gateway.fail("500", "no", "drop")
        ticket = await take(db, sending)
        await calls.call_next(db, sending, seat("1"))
        for _ in range(4):
            await post(db, sending)
            await due_now(db)
    assert len(gateway.texts) == 2  # it did arrive where it should
    tables = [row["tablename"] for row in await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    leaks = [
        name for name in tables if await db.fetchval(f"SELECT count(*) FROM {name} t WHERE t::text LIKE $1", f"%{PHONE[1:]}%")
    ]
    said = json.dumps(lines, default=str) + "".join(capsys.readouterr())
    assert (leaks, PHONE[1:] in said, await contacts.find(db, ticket.key, SEAL)) == (
        [], False, contacts.Contact("phone", PHONE, False)
    )  # fmt: skip


async def test_the_key_of_the_gateway_is_in_no_table(db: Connection, sending: Hall) -> None:
    row = await db.fetchval("SELECT w::text FROM notice_ways w")
    assert "key-of-the-gateway" not in row and b"key-of-the-gateway".hex() not in row


@pytest.mark.parametrize(
    ("kind", "driver", "setting"),
    [
        ("phone", "http", {"url": "ftp://x"}),
        ("phone", "http", {"url": "https://x", "success": "("}),
        ("phone", "http", {"url": "https://x", "nonsense": 1}),
        ("phone", "smtp", {"host": "mail", "sender": "a@b"}),
        ("mail", "smtp", {"host": "mail"}),
        ("phone", "apprise", {"url": "nonsense"}),
    ],
)
async def test_a_way_that_cannot_work_is_refused(
    db: Connection, hall: Hall, kind: str, driver: str, setting: dict[str, Any]
) -> None:
    with pytest.raises(BadInput):
        await outbox.set_way(db, hall.id, kind, driver, setting, seal=SEAL)


def test_no_way_takes_longer_than_a_notice_is_left_in_one_hand() -> None:
    way = make("phone", "http", {"url": "https://x/send?to={phone}"}, "key")
    assert way.setting.timeout_s < outbox.LEASE_S / 2  # type: ignore[attr-defined]


async def test_who_is_offered_another_time_or_a_visit_is_told_each_once_with_the_way_to_answer(
    pool: Pool, db: Connection, sending: Hall, gateway: Gateway
) -> None:
    first, second, over = (
        await take(db, sending),
        await take(db, sending, "13912345679", lang="en"),
        await take(db, sending, "13912345670"),
    )
    await post(db, sending)
    before = len(gateway.texts)
    rows = [Offer("slot", "A", ticket.id, {"start": "2027-03-04T09:00:00+08:00"}) for ticket in (first, second, over)]
    await offer(db, sending, rows, actor="clock")
    await tickets.cancel(db, sending, over.key, actor="citizen")  # before anybody read of it

    async def clock() -> None:
        async with acquire(pool) as own:
            await post(own, sending)

    await asyncio.gather(clock(), clock())
    await offer(db, sending, [*rows, Offer("doorstep", "A", first.id)], actor="clock")
    await post(db, sending)
    told = gateway.texts[before:]
    link = "https://hall.example.cn/t/"
    wording = {lang: wordings.TEXTS["offered"][lang] for lang in ("zh-Hans", "en")}
    said = wording["zh-Hans"].format(ticket=first.number, link=link + first.key)
    assert sorted(told) == sorted([said, said, wording["en"].format(ticket=second.number, link=link + second.key)])
