"""At the kiosk one touch gives one number, and whatever stands in the way is said before a number is taken."""

import re

import pytest
from starlette.applications import Starlette

from devices import health
from devices.pairing import Paired
from devices.wire import Part
from floor.database import Connection
from queueing import tickets
from queueing.halls import Hall
from tests.floor.screens import Client, browser, fields, kiosk, machine, text

PLACE = "/demo/kiosk"


@pytest.fixture
async def dispenser(db: Connection, hall_id: int) -> Paired:
    return await machine(db, hall_id, "dispenser")


@pytest.fixture
async def stand(app: Starlette, db: Connection, dispenser: Paired) -> Client:
    return await kiosk(app, db, dispenser.device_id)


async def touch(stand: Client, at: int = 0, **more: str) -> tuple[int, str]:
    """Touch the card at that place of a freshly drawn screen; the status and the next screen."""
    page = (await stand.get(f"{PLACE}/screen")).text
    form = {"service": fields(page, "service")[at], "press": fields(page, "press")[at], "csrf": fields(page, "csrf")[at]}
    answer = await stand.post(f"{PLACE}/take", data=form | {"lang": "zh-Hans"} | more)
    return answer.status_code, answer.text


async def test_the_first_screen_offers_every_open_service_with_those_who_wait(stand: Client) -> None:
    page = (await stand.get(PLACE)).text
    assert re.findall(r'class="name">([^<]+)<', page) == ["社会保险", "不动产登记"]
    assert text(page).count("无人等候") == 2


async def test_a_touch_gives_a_number_with_where_to_sit_and_the_way_to_it_on_a_phone(stand: Client, db: Connection) -> None:
    status, page = await touch(stand)
    key = await db.fetchval("SELECT key FROM tickets")
    assert status == 200
    assert re.findall(r'class="number">([^<]+)<', page) == ["A001"]
    assert "请在A区就座等候" in text(page)
    assert f'hx-get="/demo/kiosk/paper/{key}' in page
    assert page.count("<svg") >= 3 and "正在出票" in page


async def test_a_second_touch_on_the_same_card_gives_the_same_number(stand: Client, db: Connection) -> None:
    page = (await stand.get(f"{PLACE}/screen")).text
    form = {name: fields(page, name)[0] for name in ("service", "press", "csrf")}
    numbers = [re.findall(r'class="number">([^<]+)<', (await stand.post(f"{PLACE}/take", data=form)).text) for _ in range(2)]
    assert numbers == [["A001"], ["A001"]]
    assert await db.fetchval("SELECT count(*) FROM tickets") == 1


async def test_every_drawing_of_a_card_has_a_press_of_its_own(stand: Client) -> None:
    presses = [press for _ in range(2) for press in fields((await stand.get(f"{PLACE}/screen")).text, "press")]
    assert len(set(presses)) == 4


async def test_a_kiosk_that_rests_is_dark(stand: Client, db: Connection, dispenser: Paired) -> None:
    await db.execute("UPDATE devices SET asleep = true")
    assert "data-asleep" not in (await stand.get(f"{PLACE}/screen")).text  # numbers are given: it is not dark yet
    await db.execute("UPDATE halls SET always_open = false")
    await db.execute("DELETE FROM doors")
    assert "data-asleep" in (await stand.get(f"{PLACE}/screen")).text


async def test_without_paper_no_number_is_offered(stand: Client, db: Connection, dispenser: Paired) -> None:
    await health.report(db, dispenser.device_id, {"printer": Part(state="paper_out")})
    page = (await stand.get(PLACE)).text
    assert "取号机暂时缺纸 请到旁边的取号机，或到导办台取号" in text(page)
    assert fields(page, "service") == []


async def test_paper_that_ran_out_after_the_screen_was_drawn_takes_no_number(
    stand: Client, db: Connection, dispenser: Paired
) -> None:
    page = (await stand.get(f"{PLACE}/screen")).text
    await health.report(db, dispenser.device_id, {"printer": Part(state="paper_out")})
    answer = await stand.post(f"{PLACE}/take", data={name: fields(page, name)[0] for name in ("service", "press", "csrf")})
    assert (answer.status_code, "取号机暂时缺纸" in answer.text) == (409, True)
    assert await db.fetchval("SELECT count(*) FROM tickets") == 0


async def test_a_service_that_is_closed_is_grey_and_says_when_it_opens(stand: Client, db: Connection) -> None:
    await db.execute("UPDATE doors SET opens = now() + interval '30 min' WHERE service = 'A' AND opens < now()")
    page = (await stand.get(PLACE)).text
    assert fields(page, "service") == ["B"]
    assert re.search(r'class="service shut">.*?\d\d:\d\d 开始取号', page, re.DOTALL)


async def test_a_service_that_closed_under_the_finger_is_refused_with_another_way(stand: Client, db: Connection) -> None:
    page = (await stand.get(f"{PLACE}/screen")).text
    await db.execute("UPDATE doors SET left_places = 0 WHERE service = 'A'")
    answer = await stand.post(f"{PLACE}/take", data={name: fields(page, name)[0] for name in ("service", "press", "csrf")})
    assert answer.status_code == 409
    assert "“社会保险”今天的号已取完 您可以选择其他业务，或到导办台咨询" in text(answer.text)


async def test_a_closed_hall_says_so_in_place_of_everything(stand: Client, db: Connection) -> None:
    await db.execute("DELETE FROM doors")
    page = (await stand.get(PLACE)).text
    assert "大厅现在不取号 今天的取号已经结束，请在工作时间再来" in text(page)
    assert fields(page, "service") == []


@pytest.mark.parametrize(
    ("lang", "choose", "first"),
    [("zh-Hant", "請選擇要辦理的業務", "社會保險"), ("en", "What are you here for?", "Social insurance")],
)
async def test_the_screen_speaks_the_language_that_was_touched(stand: Client, lang: str, choose: str, first: str) -> None:
    page = (await stand.get(f"{PLACE}/screen?lang={lang}")).text
    assert choose in page
    assert re.findall(r'class="name">([^<]+)<', page)[0] == first


async def test_a_browser_that_is_no_kiosk_can_take_nothing(app: Starlette, db: Connection) -> None:
    anybody = browser(app)
    assert (await anybody.get(PLACE)).status_code == 403
    assert (await anybody.post(f"{PLACE}/take", data={"service": "A"})).status_code == 403
    assert await db.fetchval("SELECT count(*) FROM tickets") == 0


async def test_another_site_cannot_touch_the_kiosk(stand: Client, db: Connection) -> None:
    answer = await stand.post(f"{PLACE}/take", data={"service": "A"}, headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert await db.fetchval("SELECT count(*) FROM tickets") == 0


@pytest.mark.parametrize(
    ("states", "said"),
    [((), "正在出票"), (("done",), "请取票"), (("failed", "owed"), "没有打出纸票，号码有效"), (("failed", "done"), "请取票")],
)
async def test_the_screen_says_how_far_the_paper_is(
    stand: Client, db: Connection, hall: Hall, dispenser: Paired, states: tuple[str, ...], said: str
) -> None:
    act = await tickets.take(db, hall, ["A"], actor="test", channel="dispenser")
    for n, state in enumerate(states, start=1):
        await db.execute(
            "INSERT INTO jobs (hall, device, kind, key, expires, data, state, ended_at)"
            " VALUES ($1, $2, 'print', $3, now() + interval '5 min', jsonb_build_object('ticket_id', $4::text),"
            " $5::text::job_state, CASE WHEN $5::text = 'owed' THEN NULL ELSE now() END)",
            hall.id, dispenser.device_id, f"ticket:{act.ticket.ticket_id}:{n}", act.ticket.ticket_id, state,
        )  # fmt: skip
    page = (await stand.get(f"{PLACE}/paper/{act.ticket.key}")).text
    assert said in text(page)
    assert ("hx-get" in page) == (said != "请取票")
