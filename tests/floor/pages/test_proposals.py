"""Proposals on the manager's board: one click does it, one takes it back, and what came of it stands there; the day slid back."""

import re

import pytest
from starlette.applications import Starlette

from floor.balancing import Balancer
from floor.database import Connection, Pool
from queueing import settings
from queueing.halls import get_hall
from queueing.settings import choose
from scheduling.hours import open_doors
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, press, staff
from tests.floor.test_balancing import PAST
from tests.floor.visits import at, opened, take

# The minute of now, since the day's roll.
MINUTE = """
SELECT floor(extract(epoch FROM now() - began) / 60)::int
FROM halls, LATERAL (SELECT (business_day(now(), time_zone, day_starts) + day_starts) AT TIME ZONE time_zone AS began) d
"""


@pytest.fixture
async def lin(app: Starlette) -> Client:
    return await staff(app, "manager")


@pytest.fixture
async def crowded(db: Connection, hall_id: int, clerk: Client, desk: Client) -> None:
    """Window 1 is open, window 2 is not, and twelve wait."""
    await choose(db, hall_id, settings.ROUNDS, 1)
    await db.execute(PAST, hall_id)  # whatever the clock says, nobody more is expected today
    await db.execute("UPDATE services SET minutes = 12")
    await opened(clerk)
    for _ in range(12):
        await take(desk)
    await at(clerk, "1", "next")


async def rounds(pool: Pool, db: Connection, times: int = 2) -> None:
    balancer = Balancer(pool)
    for n in range(times):
        await db.execute("DELETE FROM ticks")
        await balancer.look(1000.0 * n, 1000.0 * n)


def acts_of(page: Page) -> list[str]:
    return [form.action.rsplit("/", 1)[-1] for form in page.every if "/proposals/" in form.action]


def action(page: Page, act: str) -> str:
    return next(form.action for form in page.every if form.action.endswith(f"/{act}") and "/proposals/" in form.action)


async def test_one_click_opens_the_window_and_one_closes_it_again(lin: Client, db: Connection, pool: Pool, crowded: None) -> None:
    assert "目前没有建议" in (await look(lin, "/demo/manage")).words
    await rounds(pool, db)
    page = await look(lin, "/demo/manage")
    assert "开 2 号窗口办 A 社会保险" in page.words and acts_of(page) == ["apply", "refuse"]
    page = await press(lin, page, action(page, "apply"))
    assert (page.sentence, acts_of(page), "已照办" in page.words) == ("", ["undo"], True)
    assert await db.fetchval("SELECT state FROM windows WHERE no = '2'") == "open"
    await rounds(pool, db, 1)
    page = await look(lin, "/demo/manage")
    assert re.search(r"目前 \d+ 分钟（11 人，还有 11 人在等）", page.words)
    page = await press(lin, page, action(page, "undo"))
    assert (page.sentence, acts_of(page), "已撤销" in page.words) == ("", [], True)
    assert await db.fetchval("SELECT state FROM windows WHERE no = '2'") == "closed"


async def test_opened_by_hand_as_it_was_proposed_it_counts_as_done(
    lin: Client, db: Connection, pool: Pool, crowded: None
) -> None:
    await rounds(pool, db)
    sheet = await look(lin, "/demo/manage/2")
    page = await press(lin, sheet, "/demo/manage/2/open", clerk="clerk02", services="A")
    assert (page.sentence, acts_of(page), "已照办" in page.words) == ("", ["undo"], True)
    told = await db.fetchrow("SELECT state, decided_by, step ->> 'clerk' FROM proposals WHERE step ->> 'window' = '2'")
    assert tuple(told or ()) == ("applied", "manager:manager", "clerk02")
    page = await press(lin, page, action(page, "undo"))
    assert await db.fetchval("SELECT state FROM windows WHERE no = '2'") == "closed"


async def test_put_aside_it_is_told_among_those_settled(lin: Client, db: Connection, pool: Pool, crowded: None) -> None:
    await rounds(pool, db)
    page = await look(lin, "/demo/manage")
    page = await press(lin, page, action(page, "refuse"))
    assert (acts_of(page), "不采用" in page.words) == ([], True)
    assert (await db.fetchval("SELECT decided_by FROM proposals")) == "manager:manager"


async def test_a_proposal_of_which_something_else_has_become_says_so(
    lin: Client, db: Connection, pool: Pool, crowded: None
) -> None:
    await rounds(pool, db)
    page = await look(lin, "/demo/manage")
    await db.execute("UPDATE proposals SET state = 'expired', decided_at = now(), decided_by = 'clock'")
    page = await press(lin, page, action(page, "apply"))
    assert page.sentence == "这条建议已经有了结果，不能再处理"


async def test_the_sheet_of_an_advised_window_has_clerk_and_services_chosen(
    lin: Client, db: Connection, pool: Pool, crowded: None
) -> None:
    await rounds(pool, db)
    page = await look(lin, "/demo/manage")
    assert re.findall(r'id="spot-(\w+)" class="[^"]*is-advised', page.answer.text) == ["2"]
    sheet = await look(lin, "/demo/manage/2")
    assert re.findall(r'<option value="(\w+)" selected>', sheet.answer.text) == ["clerk02"]


async def test_an_auditor_sees_proposals_and_can_not_press_them(
    app: Starlette, db: Connection, pool: Pool, crowded: None
) -> None:
    await rounds(pool, db)
    auditor = await staff(app, "auditor")
    page = await look(auditor, "/demo/manage")
    assert ("开 2 号窗口办 A" in page.words, acts_of(page)) == (True, [])
    token = page.forms["/signout"].fields["csrf"]
    id_ = await db.fetchval("SELECT min(id) FROM proposals WHERE state = 'offered'")
    assert (await auditor.post(f"/demo/manage/proposals/{id_}/apply", data={"csrf": token})).status_code == 403


async def test_an_earlier_minute_shows_the_hall_as_it_stood_and_offers_nothing_to_press(
    lin: Client, db: Connection, hall_id: int, desk: Client, clerk: Client
) -> None:
    await db.execute("UPDATE halls SET day_starts = (now() AT TIME ZONE time_zone - interval '3 hours')::time")
    await db.execute("DELETE FROM doors")
    await open_doors(db, await get_hall(db, "demo"))
    await opened(clerk)
    await take(desk)
    await take(desk)
    await at(clerk, "1", "next")
    await db.execute("ALTER TABLE journal DISABLE TRIGGER journal_is_append_only")
    await db.execute("""UPDATE journal SET at = at - interval '20 minutes' WHERE "offset" <= 3""")
    await db.execute("UPDATE tickets SET joined_at = joined_at - interval '20 minutes'")
    minute: int = await db.fetchval(MINUTE)
    page = await look(lin, f"/demo/manage?m={minute - 10}")
    figures = re.findall(r'<span class="figure">(\d+)', page.answer.text)
    assert (figures[0], figures[2]) == ("2", "1")
    assert re.search(r"您在看 \d\d:\d\d 的大厅", page.words) and "回到现在" in page.words
    assert not any("/manage/" in form.action for form in page.every)
    assert 'hx-trigger="hall:refresh' not in page.answer.text
    assert re.findall(r'<span class="figure">(\d+)', (await look(lin, "/demo/manage")).answer.text)[0] == "1"
    for nonsense in ("-1", "x", "99999", "٣"):
        assert "您在看" not in (await look(lin, f"/demo/manage?m={nonsense}")).words


async def test_the_load_of_a_window_is_that_of_what_it_serves(lin: Client, db: Connection, pool: Pool, crowded: None) -> None:
    page = await look(lin, "/demo/manage")
    assert re.findall(r'id="spot-1" class="[^"]*is-load-(\w+)', page.answer.text) == ["over"]
    assert "太挤" in page.words
