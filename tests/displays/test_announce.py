"""From the record follow a sentence for each speaker, a paper for each ticket and a question for each evaluator, once."""

import asyncio
from datetime import time, timedelta
from typing import Any

import asyncpg

import devices.jobs
from devices import registry
from devices.jobs import Job
from displays import announce, tuning
from displays.phrases import Lexicon
from displays.voice import Voice
from floor.database import Connection, connect
from queueing import calls, journal, tickets
from queueing.halls import Hall
from queueing.journal import Position
from queueing.settings import choose
from queueing.tickets import Act
from scheduling.ladder_rows import Offer, offer
from tests.displays.days import open_all, seat, take
from tests.displays.machines import put_up

PAGES = "http://hall.example"


async def announced(db: Connection, hall: Hall) -> list[Job]:
    """What the rows behind the announcing position bring, as the link does it."""
    at = await announce.reached(db, hall.id)
    entries = await journal.read(db, hall.id, at.offset if at else 0)
    return await announce.announce(db, hall.id, "k3", entries, PAGES)


async def jobs(db: Connection) -> list[asyncpg.Record]:
    return await db.fetch("SELECT device, kind, key, state::text, data, expires FROM jobs ORDER BY id")


async def test_a_call_is_said_by_every_speaker_of_its_zone_and_no_other(db: Connection, hall: Hall) -> None:
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", hall.id)
    near = [await put_up(db, hall, "speaker", zone="A"), await put_up(db, hall, "speaker", zone="A")]
    await put_up(db, hall, "speaker", zone="B")
    await put_up(db, hall, "speaker")
    await open_all(db, hall)
    await take(db, hall)
    called = await calls.call_next(db, hall, seat("1"))
    assert isinstance(called, Act)
    made = await announced(db, hall)
    assert [job.device for job in made] == [speaker.device_id for speaker in near]
    assert {(job.key, job.state, job.expires - called.at) for job in made} == {
        (f"call:{called.call_id}", "owed", timedelta(seconds=20))
    }
    assert made[0].data == {
        "sentences": [{"lang": "zh-Hans", "text": "请A零零一号到一号窗口办理"}],
        "times": 2, "chime": True, "call": called.call_id, "ticket": "A001", "window": "1",
        "volume": 100, "order": 2, "room": "zone:A", "next": [],
    }  # fmt: skip


async def test_a_zone_without_a_speaker_is_heard_in_the_whole_hall(db: Connection, hall: Hall) -> None:
    speaker = await put_up(db, hall, "speaker")
    await open_all(db, hall)
    await take(db, hall, lang="en")
    await calls.call_next(db, hall, seat("1"))
    (job,) = await announced(db, hall)
    assert job.device == speaker.device_id
    assert [sentence["lang"] for sentence in job.data["sentences"]] == ["zh-Hans", "en"]


async def test_a_call_says_what_will_probably_be_said_next(db: Connection, hall: Hall) -> None:
    await put_up(db, hall, "speaker", zone="A")
    await open_all(db, hall)
    for lang in ("zh-Hans", "en", "zh-Hans", "zh-Hans"):
        await take(db, hall, lang=lang)
    await calls.call_next(db, hall, seat("1"))
    (job,) = await announced(db, hall)
    texts = [sentence["text"] for sentence in job.data["next"]]
    assert [text for text in texts if "一号窗口" in text] == ["请A零零二号到一号窗口办理", "请A零零三号到一号窗口办理"]
    assert "Ticket A 0 0 2, please go to window 1" in texts and not any("零零一号" in text for text in texts)


async def test_each_speaker_knows_which_others_are_heard_beside_it(db: Connection, hall: Hall) -> None:
    for place in ({"zone": "A"}, {"window": "1"}):
        await put_up(db, hall, "speaker", **place)
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    assert [job.data["room"] for job in await announced(db, hall)] == ["zone:A", "window:1"]


async def test_a_call_sounds_as_the_hall_has_set_it_from_the_next_call_on(db: Connection, hall: Hall) -> None:
    await put_up(db, hall, "speaker")
    await open_all(db, hall)
    await take(db, hall, lang="zh-Hant")
    lexicon = Lexicon(one="幺", prefixes={"yue": {"A": "社保"}}, readings={})
    quiet = ((time(0), 40),)
    await tuning.save(db, hall.id, Voice(("zh-Hans",), True, "yue", 3, False, quiet, lexicon))
    await calls.call_next(db, hall, seat("1"))
    (job,) = await announced(db, hall)
    assert [sentence["text"] for sentence in job.data["sentences"]] == [
        "请A零零幺号到一号窗口办理", "請社保零零一號到一號窗口辦理",
    ]  # fmt: skip
    assert (job.data["times"], job.data["chime"], job.data["volume"]) == (3, False, 40)


async def test_in_silent_hours_nothing_is_said_and_a_later_call_is(db: Connection, hall: Hall) -> None:
    await put_up(db, hall, "speaker")
    await open_all(db, hall)
    await take(db, hall)
    await tuning.save(db, hall.id, Voice(volumes=((time(0), 0),)))
    await calls.call_next(db, hall, seat("1"))
    assert await announced(db, hall) == []
    await tuning.save(db, hall.id, Voice(volumes=((time(0), 70),)))
    again = await calls.recall(db, hall, seat("1"))
    assert [(job.key, job.data["order"]) for job in await announced(db, hall)] == [(f"call:{again.call_id}", 3)]


async def test_a_recall_is_a_new_sentence(db: Connection, hall: Hall) -> None:
    await put_up(db, hall, "speaker", zone="A")
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    await announced(db, hall)
    again = await calls.recall(db, hall, seat("1"))
    assert [job.key for job in await announced(db, hall)] == [f"call:{again.call_id}"]


async def test_a_revoked_speaker_owes_nothing(db: Connection, hall: Hall) -> None:
    speaker = await put_up(db, hall, "speaker", zone="A")
    await registry.revoke(db, speaker.device_id, actor="test")
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    assert await announced(db, hall) == []


async def test_a_ticket_taken_at_a_dispenser_is_owed_on_paper(db: Connection, hall: Hall) -> None:
    dispenser = await put_up(db, hall, "dispenser")
    await open_all(db, hall)
    await take(db, hall)
    act = await take(db, hall, print_at=dispenser.device_id)
    (job,) = await announced(db, hall)
    said = dict(job.data)
    wait = said.pop("wait")
    assert (job.kind, job.key, job.expires - act.at) == ("print", f"ticket:{act.ticket.ticket_id}:1", timedelta(minutes=5))
    assert said == {
        "template": "ticket", "ticket_id": act.ticket.ticket_id, "ticket": "A002", "service": "A", "ahead": 1,
        "service_name": "社会保险", "where": "A区", "hall": "测试政务大厅", "line": hall.ticket_line, "lang": "zh-Hans",
        "at": said["at"], "url": f"{PAGES}/t/{act.ticket.key}",
    }  # fmt: skip
    assert job.data["at"].endswith("+08:00")
    assert sorted(wait) == ["p50_s", "p90_s"]


async def test_a_ticket_taken_elsewhere_has_no_paper(db: Connection, hall: Hall) -> None:
    await put_up(db, hall, "dispenser")
    await take(db, hall)
    assert await announced(db, hall) == []


async def test_every_copy_somebody_asks_for_is_a_paper_of_its_own(db: Connection, hall: Hall) -> None:
    dispenser = (await put_up(db, hall, "dispenser")).device_id
    act = await take(db, hall, print_at=dispenser, lang="en")
    for _ in range(2):
        await tickets.reprint(db, hall, act.ticket.key, dispenser, actor="desk:desk01")
    made = await announced(db, hall)
    assert [(job.data["template"], job.data.get("copy")) for job in made] == [("ticket", None), ("reprint", 2), ("reprint", 3)]
    assert len({job.key for job in made}) == 3
    assert made[1].data["service_name"] == "Social insurance"


async def test_a_finished_visit_is_asked_about_at_its_own_window(db: Connection, hall: Hall) -> None:
    evaluator = await put_up(db, hall, "evaluator", window="1")
    await put_up(db, hall, "evaluator", window="2")
    await open_all(db, hall)
    act = await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    await calls.finish(db, hall, seat("1"))
    (job,) = await announced(db, hall)
    assert (job.device, job.kind, job.key) == (evaluator.device_id, "ask_rating", f"rating:{act.ticket.ticket_id}")
    assert job.data == {
        "ticket_id": act.ticket.ticket_id,
        "ticket": "A001",
        "clerk": "clerk1",
        "levels": 5,
        "seconds": 30,
    }


async def test_an_evaluator_asks_as_long_as_it_is_set_to(db: Connection, hall: Hall) -> None:
    evaluator = await put_up(db, hall, "evaluator", window="1")
    await registry.configure(db, evaluator.device_id, {"ask_seconds": 60})
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    await calls.finish(db, hall, seat("1"))
    (job,) = await announced(db, hall)
    finished = await db.fetchval("SELECT at FROM journal WHERE kind = 'ticket.finished'")
    assert (job.data["seconds"], job.expires - finished) == (60, timedelta(seconds=75))


async def test_a_question_may_be_asked_again(db: Connection, hall: Hall) -> None:
    await put_up(db, hall, "evaluator", window="1")
    await open_all(db, hall)
    ticket = (await take(db, hall)).ticket
    await calls.call_next(db, hall, seat("1"))
    await calls.finish(db, hall, seat("1"))
    data: dict[str, Any] = {"ticket": ticket.number, "window": "1"}
    offset = await journal.append(db, hall.id, "rating.asked", "clerk:clerk1", data=data, ticket=ticket.id, window="1")
    assert [job.key for job in await announced(db, hall)] == [f"rating:tk_{ticket.id}", f"rating:tk_{ticket.id}:{offset}"]


async def test_rows_announced_twice_bring_their_jobs_once(db: Connection, hall: Hall) -> None:
    await put_up(db, hall, "speaker", zone="A")
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    entries = await journal.read(db, hall.id, 0)
    assert len(await announce.announce(db, hall.id, "k3", entries, PAGES)) == 1
    assert await announce.announce(db, hall.id, "k3", entries, PAGES) == []
    assert len(await jobs(db)) == 1


async def test_two_announcers_at_once_make_each_job_once(db: Connection, hall: Hall, database_url: str) -> None:
    for _ in range(3):
        await put_up(db, hall, "speaker", zone="A")
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    for _ in range(30):
        await calls.recall(db, hall, seat("1"))
    other = await connect(database_url)
    entries = await journal.read(db, hall.id, 0)
    made = await asyncio.gather(*(announce.announce(one, hall.id, "k3", entries, PAGES) for one in (db, other)))
    await other.close()
    assert sum(map(len, made)) == len(await jobs(db)) == 93
    assert await announce.reached(db, hall.id) == Position("k3", entries[-1].offset)


async def test_after_a_long_silence_calls_are_kept_as_expired_and_papers_still_come(db: Connection, hall: Hall) -> None:
    await put_up(db, hall, "speaker", zone="A")
    dispenser = await put_up(db, hall, "dispenser")
    await open_all(db, hall)
    await take(db, hall, print_at=dispenser.device_id)
    await calls.call_next(db, hall, seat("1"))
    await db.execute(
        "CREATE OR REPLACE FUNCTION hall_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT now() + interval '60 s' $$"
    )
    await announced(db, hall)
    assert [(job["kind"], job["state"]) for job in await jobs(db)] == [("print", "owed"), ("say", "expired")]


async def test_the_announcing_position_never_goes_back(db: Connection, hall: Hall) -> None:
    assert await announce.reached(db, hall.id) is None
    for _ in range(3):
        await take(db, hall)
    entries = await journal.read(db, hall.id, 0)
    await announce.announce(db, hall.id, "k3", entries, PAGES)
    await announce.announce(db, hall.id, "k3", entries[:1], PAGES)
    assert await announce.reached(db, hall.id) == Position("k3", 3)


async def test_rows_of_a_record_that_was_replaced_make_nothing(db: Connection, hall: Hall) -> None:
    await put_up(db, hall, "speaker", zone="A")
    await open_all(db, hall)
    await take(db, hall)
    await calls.call_next(db, hall, seat("1"))
    entries = await journal.read(db, hall.id, 0)
    await db.execute("UPDATE hall_streams SET epoch = 'k4'")
    assert await announce.announce(db, hall.id, "k3", entries, PAGES) == []
    assert await announce.reached(db, hall.id) is None


async def test_a_copy_that_fails_is_printed_again(db: Connection, hall: Hall) -> None:
    dispenser = (await put_up(db, hall, "dispenser")).device_id
    act = await take(db, hall)
    copied = await tickets.reprint(db, hall, act.ticket.key, dispenser, actor="desk:desk01")
    (job,) = await announced(db, hall)
    _, again = await devices.jobs.settle(db, dispenser, job.id, "failed", reason="paper_out")
    stem = f"ticket:{act.ticket.ticket_id}:c{copied.offset}"
    assert (job.key, again.key, again.data["copy"]) == (f"{stem}:1", f"{stem}:2", 2)


async def test_that_something_is_offered_is_said_once_in_the_zone_of_those_who_wait(db: Connection, hall: Hall) -> None:
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", hall.id)
    near, far = await put_up(db, hall, "speaker", zone="A"), await put_up(db, hall, "speaker", zone="B")
    await put_up(db, hall, "speaker", window="1")
    await open_all(db, hall)
    waiting = [await take(db, hall) for _ in range(3)]
    await announced(db, hall)
    rows = [Offer("slot", "A", act.ticket.id, {"start": "2027-03-04T09:00:00+08:00"}) for act in waiting]
    await offer(db, hall, [Offer("alert", "A"), rows[0], rows[1]], actor="clock")
    made = await announced(db, hall)
    assert [(job.device, job.kind, job.state) for job in made] == [(near.device_id, "say", "owed")], far
    assert [sentence["lang"] for sentence in made[0].data["sentences"]] == ["zh-Hans"]
    assert "A001" not in str(made[0].data) and made[0].data["order"] == announce.RECALL
    await choose(db, hall.id, announce.SPOKEN, 0)
    await offer(db, hall, rows, actor="clock")
    assert await announced(db, hall) == []
