"""Who has booked finds the booking at the kiosk by code, scanner or card, and one touch makes it a number."""

import re
from datetime import date

import pytest
from starlette.applications import Starlette

from devices.pairing import Paired
from floor import cards
from floor.database import Connection
from queueing.halls import Hall, get_hall
from scheduling.hours import rehang_doors
from scheduling.slots import lay_slots
from scheduling.statutory import keep_known
from tests.floor.conftest import Client
from tests.floor.screens import fields, kiosk, machine, text
from tests.floor.test_api_appointments import LI
from tests.scheduling.clocks import at


@pytest.fixture(autouse=True)
async def monday(db: Connection, hall: Hall) -> None:
    await at(db, "2027-03-01 08:00+08")
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("DELETE FROM doors")
    await keep_known(db, date(2027, 3, 1))
    await lay_slots(db, await get_hall(db, "demo"))


@pytest.fixture
async def dispenser(db: Connection, hall_id: int) -> Paired:
    return await machine(db, hall_id, "dispenser")


@pytest.fixture
async def stand(app: Starlette, db: Connection, dispenser: Paired) -> Client:
    return await kiosk(app, db, dispenser.device_id)


@pytest.fixture
async def code(anyone: Client) -> str:
    """A booking on Tuesday at nine."""
    made: str = (await anyone.post("/api/v1/halls/demo/appointments", json=LI)).json()["code"]
    return made


async def tuesday(db: Connection, clock: str) -> None:
    await at(db, f"2027-03-02 {clock}+08")
    await rehang_doors(db, await get_hall(db, "demo"))


def touched(page: str) -> dict[str, str]:
    """What the check-in button of a screen sends."""
    return {name: fields(page, name)[0] for name in ("code", "press", "csrf")} | {"lang": "zh-Hans"}


@pytest.mark.parametrize("read", ["{0}", "https://hall.test/b/{0}", "{1}"])
async def test_a_code_leads_to_one_number_however_it_is_read_and_often_touched(
    stand: Client, db: Connection, code: str, read: str
) -> None:
    await tuesday(db, "08:50")
    assert "/demo/kiosk/booked" in (await stand.get("/demo/kiosk/screen")).text
    screen = (await stand.get("/demo/kiosk/booked", params={"code": read.format(code, code.lower())})).text
    assert "3月2日 周二 09:00–09:30" in text(screen)
    assert await db.fetchval("SELECT count(*) FROM tickets") == 0
    numbers = [
        re.findall(r'class="number">([^<]+)<', (await stand.post("/demo/kiosk/check-in", data=touched(screen))).text)
        for _ in range(2)
    ]
    assert numbers == [["A001"], ["A001"]]
    assert tuple(await db.fetchrow("SELECT channel, booked_for IS NOT NULL FROM tickets") or ()) == ("dispenser", True)
    again = text((await stand.get("/demo/kiosk/booked", params={"code": code})).text)
    assert "已经签到，您的号码是 A001" in again


async def test_the_card_on_the_reader_finds_todays_booking_and_is_used_up_by_the_number(
    stand: Client, app: Starlette, db: Connection, dispenser: Paired, code: str
) -> None:
    await tuesday(db, "08:50")
    redis, secret = app.state.redis, app.state.settings.secret
    await cards.keep(redis, secret, dispenser.device_id, "p1", LI["id_number"])
    token = await cards.lying(redis, dispenser.device_id)
    assert token is not None
    screen = (await stand.get("/demo/kiosk/booked")).text
    assert fields(screen, "code") == [code]
    answer = await stand.post("/demo/kiosk/check-in", data=touched(screen) | {"card": token})
    assert (answer.status_code, re.findall(r'class="number">([^<]+)<', answer.text)) == (200, ["A001"])
    assert await cards.lying(redis, dispenser.device_id) is None


async def test_a_card_without_a_booking_is_sent_on(stand: Client, app: Starlette, dispenser: Paired, code: str) -> None:
    await cards.keep(app.state.redis, app.state.settings.secret, dispenser.device_id, "p2", LI["id_number"])
    answer = await stand.get("/demo/kiosk/booked")  # booked for tomorrow
    assert (answer.status_code, "这张身份证今天没有预约" in text(answer.text)) == (404, True)


@pytest.mark.parametrize(
    ("clock", "says"), [("08:20", "3月2日 周二 08:30 起才能签到"), ("09:20", "签到时间到 09:15 为止，已经过了")]
)
async def test_too_early_and_too_late_say_what_to_do_and_give_no_button(
    stand: Client, db: Connection, code: str, clock: str, says: str
) -> None:
    await tuesday(db, clock)
    screen = (await stand.get("/demo/kiosk/booked", params={"code": code})).text
    assert (says in text(screen), "data-take" in screen) == (True, False)


async def test_a_code_nobody_has_is_said_to_be_none(stand: Client) -> None:
    for typed in ("ZZZZZZZZZZ", "12", "中"):
        answer = await stand.get("/demo/kiosk/booked", params={"code": typed})
        assert (answer.status_code, "没有找到这个预约" in text(answer.text)) == (404, True)


async def test_a_refused_service_offers_to_book_another_time(stand: Client, db: Connection) -> None:
    await db.execute("UPDATE halls SET always_open = true")
    await rehang_doors(db, await get_hall(db, "demo"))
    page = (await stand.get("/demo/kiosk/screen")).text
    form = {name: fields(page, name)[0] for name in ("service", "press", "csrf")}
    await db.execute("UPDATE doors SET audience = 'booked' WHERE service = 'A'")
    answer = await stand.post("/demo/kiosk/take", data=form)
    assert (answer.status_code, "扫码预约其他时间" in text(answer.text)) == (409, True), text(answer.text)
    await db.execute("UPDATE doors SET audience = 'booked'")
    screen = (await stand.get("/demo/kiosk/screen")).text
    assert "现在只接待有预约的办事人" in text(screen) and "/demo/kiosk/booked" in screen


async def test_a_browser_that_is_no_kiosk_finds_nothing(anyone: Client, code: str) -> None:
    assert (await anyone.get("/demo/kiosk/booked", params={"code": code})).status_code == 403
    assert (await anyone.post("/demo/kiosk/check-in", data={"code": code})).status_code == 403
