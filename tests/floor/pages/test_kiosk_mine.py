"""Somebody with nothing but a paper stands at the kiosk: sees how the number stands, takes an offer, asks for one or says no."""

from dataclasses import replace

import pytest
from starlette.applications import Starlette

from devices.pairing import Paired
from floor.database import Connection
from queueing.day_roll import expire_day
from queueing.halls import Hall, get_hall
from scheduling.escalation import climb
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look
from tests.floor.screens import kiosk, machine
from tests.scheduling.clocks import at
from tests.scheduling.halls import DAY, number, slot, until_five

PLACE = "/demo/kiosk/mine"


@pytest.fixture(autouse=True)
async def morning(db: Connection, hall: Hall) -> None:
    """Before anybody signs in: a kiosk's sign-in lasts a month of the hall's time."""
    await at(db, f"{DAY} 08:00+08")


@pytest.fixture
async def dispenser(db: Connection, hall_id: int) -> Paired:
    return await machine(db, hall_id, "dispenser")


@pytest.fixture
async def stand(app: Starlette, db: Connection, dispenser: Paired) -> Client:
    return await kiosk(app, db, dispenser.device_id)


@pytest.fixture
async def closing(db: Connection, hall: Hall) -> Hall:
    """Just past the last ticket: A001 and A002 wait since 16:29 and no window is open; what is due was offered."""
    shut = await until_five(db, hall)
    await db.execute("UPDATE services SET bookable = true")
    await at(db, f"{DAY} 16:29+08")
    for _ in range(2):
        await number(db, shut)
    await at(db, f"{DAY} 16:31+08")
    await climb(db, shut)
    return replace(await get_hall(db, "demo"), always_open=False)


async def key_of(db: Connection, printed: str) -> str:
    key: str = await db.fetchval("SELECT key FROM tickets WHERE number = $1", printed)
    return key


async def send(stand: Client, page: Page, ending: str, status: int = 200, **typed: str) -> Page:
    form = next(form for form in page.every if form.action.endswith(ending))
    answer = await stand.post(form.action, data=form.fields | typed)
    assert answer.status_code == status, answer.text
    return Page(answer)


async def test_number_and_minute_of_the_paper_lead_to_the_offer_and_one_touch_takes_it(
    stand: Client, db: Connection, closing: Hall
) -> None:
    assert PLACE in (await stand.get("/demo/kiosk/screen")).text
    assert "请出示您的号码" in (await look(stand, PLACE)).words
    assert "小票上的取号时间" in (await look(stand, f"{PLACE}?number=a001")).words
    page = await look(stand, f"{PLACE}?number=a001&time=1629")
    assert "A001" in page.words and "最近的空位是 3月4日 周四 09:00" in page.words
    taken = await send(stand, page, "/accept")
    assert "已为您改约" in taken.words and "请保留这张小票" in taken.words
    again = await send(stand, page, "/accept")  # a second touch on the same screen
    assert again.words == taken.words and await db.fetchval("SELECT count(*) FROM appointments") == 1
    row = await db.fetchrow("SELECT e.decided_by, a.channel FROM escalations e JOIN appointments a ON a.owed = e.ticket")
    assert row is not None and row["decided_by"].startswith("device:") and row["channel"] == "kiosk"
    # The paper of that day is all it takes to check in.
    await db.execute(
        "INSERT INTO doors (hall, day, service, opens, last_ticket, closes) VALUES ($1, '2027-03-04', 'A', "
        "'2027-03-04 08:00+08', '2027-03-04 16:30+08', '2027-03-04 17:00+08')", closing.id,
    )  # fmt: skip
    await at(db, "2027-03-04 08:50+08")
    page = await look(stand, f"{PLACE}?key={await key_of(db, 'A001')}")
    given = await send(stand, page, "/kiosk/check-in", lang="zh-Hans")
    assert await db.fetchval("SELECT booked_for IS NOT NULL FROM tickets WHERE day = '2027-03-04'") and "A001" in given.words


async def test_who_says_no_is_asked_why_and_offered_a_visit_that_needs_a_telephone_alone(
    stand: Client, db: Connection, closing: Hall
) -> None:
    page = await look(stand, f"{PLACE}?key={await key_of(db, 'A002')}")
    why = await send(stand, page, "/refuse")
    assert "为什么不用？" in why.words
    page = await send(stand, why, "/refuse", why="time")
    assert "可以请我们上门" in page.words
    key = await key_of(db, "A002")
    phone = await look(stand, f"/demo/kiosk/visit?ticket={key}&step=phone&because=mobility&paper=disabled")
    wrong = await send(stand, phone, "/kiosk/visit", 422, phone="12")
    assert "号码不对" in wrong.words
    done = await send(stand, wrong, "/kiosk/visit", phone="13912345678")
    assert "申请已收到" in done.words
    await climb(db, closing)
    steps = await db.fetch("SELECT e.step, e.state, e.why FROM escalations e JOIN tickets t ON t.id = e.ticket WHERE t.key = $1 "
                           "ORDER BY e.id", key)  # fmt: skip
    assert [tuple(row) for row in steps] == [("slot", "refused", "time"), ("doorstep", "accepted", "visit")]
    assert await db.fetchval("SELECT state::text FROM tickets WHERE key = $1", key) == "doorstep"


async def test_another_time_may_be_asked_for_before_the_hall_offers_it(stand: Client, db: Connection, hall: Hall) -> None:
    shut = await until_five(db, hall)
    await db.execute("UPDATE services SET bookable = true")
    await number(db, shut)
    page = await look(stand, f"{PLACE}?number=A001&time=0900")
    assert "下一个就是您" in page.words and not any(form.action.endswith("/ask") for form in page.every)
    await at(db, f"{DAY} 09:20+08")  # a long wait
    page = await look(stand, f"{PLACE}?number=A001&time=0900")
    assert "等不了？" in page.words
    page = await send(stand, page, "/ask")
    assert "最近的空位是 3月4日 周四 09:00" in page.words
    shown = page
    await db.execute("UPDATE slots SET taken = capacity WHERE service = 'A'")
    await slot(db, shut, "A", "2027-03-04 11:00+08")
    gone = await send(stand, shown, "/accept", 409)  # the time on the button is what is taken, or none
    assert "没有空的时段了" in gone.words
    page = await look(stand, f"{PLACE}?number=A001&time=0900")
    assert "最近的空位是 3月4日 周四 11:00" in page.words
    await db.execute("UPDATE slots SET taken = capacity")
    page = await look(stand, f"{PLACE}?number=A001&time=0900")
    assert "暂时没有空的时段" in page.words and not any(form.action.endswith("/accept") for form in page.every)


async def test_who_left_without_an_answer_finds_the_offer_again_next_day(
    stand: Client, anyone: Client, db: Connection, closing: Hall
) -> None:
    key = await key_of(db, "A001")
    await at(db, "2027-03-04 07:40+08")
    assert await expire_day(db, closing.id) == 2
    await climb(db, closing)
    page = await look(stand, f"{PLACE}?number=A001&time=1629")
    assert "那天没有办到您，很抱歉" in page.words
    assert "那天没有办到您，很抱歉" in Page(await anyone.get(f"/t/{key}", headers={"accept-language": "zh-CN"})).words
    assert "已为您改约" in (await send(stand, page, "/accept")).words
    assert await db.fetchval("SELECT owed IS NOT NULL FROM appointments")
    await at(db, "2027-03-11 08:00+08")
    await climb(db, closing)
    left = await db.fetch("SELECT state, why FROM escalations WHERE step = 'slot' ORDER BY id")
    assert [tuple(row) for row in left] == [("accepted", None), ("lapsed", "no_answer")]


async def test_nobody_answers_for_a_paper_they_do_not_hold(stand: Client, anyone: Client, db: Connection, closing: Hall) -> None:
    answers = [await stand.get(f"{PLACE}?number=A001&time=09{n:02}") for n in range(6)]
    assert [answer.status_code for answer in answers] == [404] * 5 + [429]
    assert (await stand.get(f"{PLACE}?number=A001&time=1629")).status_code == 429  # for ten minutes, by hand; the desk helps
    assert (await stand.get(f"{PLACE}?key={await key_of(db, 'A001')}")).status_code == 200
    assert (await stand.get(f"{PLACE}?key=nobody")).status_code == 404
    assert (await anyone.get(f"{PLACE}?number=A001&time=1629")).status_code == 403
    assert (await anyone.post(f"{PLACE}/accept", data={"key": await key_of(db, "A001"), "step": "slot"})).status_code == 403
