"""At the kiosk a matter is found by typing, by area or by moment of life, and any number of them is one number."""

import re

import pytest
from starlette.applications import Starlette

from devices.pairing import Paired
from floor.database import Connection
from queueing.halls import Hall
from tests.floor.catalogues import offer
from tests.floor.screens import Client, browser, fields, kiosk, machine, text

PLACE = "/demo/kiosk"
ROW = r'class="name">([^<]+)<'


@pytest.fixture
async def dispenser(db: Connection, hall_id: int) -> Paired:
    return await machine(db, hall_id, "dispenser")


@pytest.fixture
async def stand(app: Starlette, db: Connection, hall: Hall, dispenser: Paired) -> Client:
    await offer(db, hall)
    return await kiosk(app, db, dispenser.device_id)


async def names(stand: Client, query: str) -> list[str]:
    answer = await stand.get(f"{PLACE}/found?{query}")
    assert answer.status_code == 200
    return re.findall(ROW, answer.text)


async def take(stand: Client, page: str) -> str:
    form = {name: fields(page, name)[0] for name in ("press", "csrf", "lang")} | {"matter": fields(page, "matter")}
    answer = await stand.post(f"{PLACE}/take", data=form)
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("typed", ["BDC", "budongchan", "不动产", "不动c", "b01", "property", "budogchan"])
async def test_what_is_typed_finds_the_matter(stand: Client, typed: str) -> None:
    assert await names(stand, f"q={typed}") == ["不动产转移登记"]


async def test_without_a_word_the_packages_are_offered(stand: Client) -> None:
    assert await names(stand, "") == ["新居入住一件事"]


async def test_areas_and_moments_of_life_lead_to_their_matters(stand: Client) -> None:
    assert "买房" in (await stand.get(f"{PLACE}/found?tab=events")).text
    assert await names(stand, "tab=events&event=V01") == ["新居入住一件事", "不动产转移登记"]
    assert await names(stand, "tab=zones&zone=A") == ["新居入住一件事", "社会保障卡申领", "公租房申请", "不动产转移登记"]


async def test_a_card_says_what_to_bring_and_counts_that_somebody_looked(stand: Client, db: Connection) -> None:
    said = text((await stand.get(f"{PLACE}/matter/A01")).text)
    for words in ("社会保障卡申领", "最多跑一次", "带齐了吗？ 身份证原件 近期照片", "常见错误 没有带原件", "指南版本 2026-09"):
        assert words in said
    await stand.get(f"{PLACE}/matter/A01?lang=en&quiet=1")
    assert await db.fetchval("SELECT views FROM matter_views WHERE matter = 'A01' AND channel = 'kiosk'") == 1


async def test_the_card_speaks_the_language_that_was_touched(stand: Client) -> None:
    said = text((await stand.get(f"{PLACE}/matter/A01?lang=en")).text)
    assert "Have you brought everything? Identity document Recent photograph" in said


async def test_a_matter_is_taken_in_its_own_queue(stand: Client, db: Connection) -> None:
    page = await take(stand, (await stand.get(f"{PLACE}/matter/B01")).text)
    assert re.findall(r'class="number">([^<]+)<', page) == ["B001"]
    assert "不动产转移登记" in text(page)
    row = await db.fetchrow("SELECT services, matters FROM tickets")
    assert row is not None and (row["services"], row["matters"]) == (["B"], ["B01"])


async def test_several_matters_are_one_number_served_in_turn(stand: Client, db: Connection) -> None:
    card = (await stand.get(f"{PLACE}/matter/A02?picked=B01+A01")).text
    assert "取一个号，办 3 项" in text(card)
    assert "一个号按顺序在 2 个区域办理，号码不变" in text(card)
    page = await take(stand, card)
    assert re.findall(r'class="number">([^<]+)<', page) == ["B001"]
    row = await db.fetchrow("SELECT services, matters FROM tickets")
    assert row is not None and (row["services"], row["matters"]) == (["B", "A"], ["B01", "A01", "A02"])


async def test_a_package_is_one_number_for_one_window(stand: Client, db: Connection) -> None:
    card = (await stand.get(f"{PLACE}/matter/P01")).text
    assert "一个号办 2 项 不动产转移登记 公租房申请" in text(card)
    await take(stand, card)
    row = await db.fetchrow("SELECT services, matters FROM tickets")
    assert row is not None and (row["services"], row["matters"]) == (["B"], ["P01"])


async def test_a_closed_queue_is_grey_and_says_when(stand: Client, db: Connection) -> None:
    await db.execute("UPDATE doors SET opens = now() + interval '30 min' WHERE service = 'B' AND opens < now()")
    page = (await stand.get(f"{PLACE}/found?q=bdc")).text
    assert re.search(r'class="find shut".*?\d\d:\d\d 开始取号', page, re.DOTALL)
    card = (await stand.get(f"{PLACE}/matter/B01")).text
    assert fields(card, "matter") == []
    assert re.search(r"\d\d:\d\d 开始取号", text(card))


async def test_a_matter_nobody_offers_gives_no_number(stand: Client, db: Connection) -> None:
    page = (await stand.get(f"{PLACE}/matter/A01")).text
    await db.execute("UPDATE matters SET retired = true WHERE code = 'A01'; UPDATE catalogues SET version = version + 1")
    form = {name: fields(page, name)[0] for name in ("press", "csrf", "matter")}
    answer = await stand.post(f"{PLACE}/take", data=form)
    assert (answer.status_code, "没有取到号" in text(answer.text)) == (422, True)
    assert await db.fetchval("SELECT count(*) FROM tickets") == 0


async def test_the_first_screen_offers_the_search_only_where_there_is_something_to_find(stand: Client, db: Connection) -> None:
    assert "搜索事项" in (await stand.get(PLACE)).text
    await db.execute("DELETE FROM life_events; DELETE FROM matters; DELETE FROM catalogues")
    assert "搜索事项" not in (await stand.get(PLACE)).text


async def test_a_browser_that_is_no_kiosk_finds_nothing(app: Starlette, db: Connection, hall: Hall) -> None:
    await offer(db, hall)
    anybody = browser(app)
    for path in ("find", "found", "matter/A01"):
        assert (await anybody.get(f"{PLACE}/{path}")).status_code == 403


async def test_a_finger_resting_on_the_address_bar_breaks_nothing(stand: Client) -> None:
    odd = ("page=99", "page=-1", "page=999999999999", "tab=zones&zone=ZZ", "tab=events&event=no", "picked=XX+YY", "q=%00'%22<")
    for query in odd:
        assert (await stand.get(f"{PLACE}/find?{query}")).status_code == 200
