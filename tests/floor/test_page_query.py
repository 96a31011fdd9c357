"""The query screen answers whoever walks up to it: businesses, windows, waiting, guides, and a code for the phone."""

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from queueing import tickets
from queueing.halls import Hall
from tests.floor.catalogues import offer
from tests.floor.screens import Client, browser, text

PLACE = "/demo/query"


@pytest.fixture
async def anybody(app: Starlette, db: Connection, hall: Hall) -> Client:
    await offer(db, hall)
    return browser(app)


async def test_it_says_who_waits_and_which_windows_are_at_work(anybody: Client, db: Connection, hall: Hall) -> None:
    await tickets.take(db, hall, ["A"], actor="test", channel="desk")
    await db.execute("UPDATE windows SET state = 'open', clerk = 'clerk01', services = '{A}' WHERE no = '1'")
    said = text((await anybody.get(PLACE)).text)
    assert "A 社会保险 A区 1 1" in said
    assert "B 不动产登记 A区 暂无窗口 0 —" in said


async def test_a_guide_comes_with_a_code_that_opens_it_on_a_phone(anybody: Client, db: Connection) -> None:
    page = (await anybody.get(f"{PLACE}/matter/A01")).text
    assert ("带齐了吗？ 身份证原件 近期照片" in text(page), "<svg" in page, 'action="' in page) == (True, True, False)
    phone = await anybody.get("/demo/guide/A01?lang=en")
    assert "Have you brought everything? Identity document Recent photograph" in text(phone.text)
    rows = await db.fetch("SELECT channel, views FROM matter_views ORDER BY channel")
    assert [tuple(row) for row in rows] == [("phone", 1), ("query", 1)]


async def test_matters_are_found_as_at_the_kiosk(anybody: Client) -> None:
    found = (await anybody.get(f"{PLACE}/found?q=bdc")).text
    assert ("不动产转移登记" in found, "/demo/query/matter/B01" in found) == (True, True)
    assert "不动产转移登记" in (await anybody.get(f"{PLACE}/find?q=bdc")).text


@pytest.mark.parametrize(("lang", "said"), [("zh-Hant", "社會保險"), ("en", "Social insurance")])
async def test_it_speaks_the_language_that_was_touched(anybody: Client, lang: str, said: str) -> None:
    page = (await anybody.get(f"{PLACE}/screen?lang={lang}")).text
    assert (said in page, 'data-plain="0"' in page) == (True, True)
    assert 'data-plain="1"' in (await anybody.get(f"{PLACE}/screen")).text


async def test_what_is_not_offered_is_not_found(anybody: Client) -> None:
    for path in ("query/matter/X99", "guide/X99"):
        assert (await anybody.get(f"/demo/{path}")).status_code == 404
