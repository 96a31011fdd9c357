"""The manager's board: figures that are true, and windows opened and closed from afar."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette

from floor import trends
from floor.database import Connection
from floor.pages.figures import points
from queueing import numbers
from queueing.halls import Hall
from queueing.journal import Entry
from queueing.numbers import Issued
from scheduling.day_types import day_types, save_day_type
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, press, staff
from tests.floor.visits import at, finished, opened, take
from tests.scheduling import clocks


@pytest.fixture
async def lin(app: Starlette) -> Client:
    return await staff(app, "manager")


def figures(page: Page) -> list[str]:
    """The five figures in their order."""
    return re.findall(r'<span class="figure">(\d+)', page.answer.text)


async def test_the_five_figures_are_those_of_the_hall(lin: Client, desk: Client, clerk: Client, anyone: Client) -> None:
    await opened(clerk)
    first = await finished(desk, clerk)
    assert (await anyone.post(f"/api/v1/tickets/{first['key']}/rating", json={"level": 1})).status_code == 201
    for _ in range(3):
        await take(desk)
    assert figures(await look(lin, "/demo/manage")) == ["3", "0", "1", "1", "1"]
    await at(clerk, "1", "next")
    assert figures(await look(lin, "/demo/manage/part")) == ["2", "0", "1", "1", "1"]


async def test_a_window_is_opened_for_a_clerk_and_closed_again(lin: Client, desk: Client) -> None:
    sheet = await look(lin, "/demo/manage/2")
    page = await press(lin, sheet, "/demo/manage/2/open", clerk="clerk02", services="A")
    assert (page.sentence, "姓名clerk02" in page.words) == ("", True)
    page = await press(lin, await look(lin, "/demo/manage/2"), "/demo/manage/2/close", reason="")
    assert "姓名clerk02" not in page.words


async def test_a_visit_that_ended_without_a_window_has_its_row_among_the_ratings(
    lin: Client, desk: Client, clerk: Client, db: Connection
) -> None:
    await opened(clerk)
    await finished(desk, clerk)
    await finished(desk, clerk)
    await db.execute("UPDATE visits SET window_no = NULL, clerk = NULL WHERE number = 'A001'")
    seen = [(await look(lin, f"/demo/manage?by={by}")) for by in ("window", "clerk")]
    assert [(page.answer.status_code, word in page.words) for page, word in zip(seen, ("不在窗口", "无人员"), strict=True)] == [
        (200, True), (200, True),
    ]  # fmt: skip


async def test_a_seated_clerk_can_not_be_seated_twice(lin: Client, clerk: Client) -> None:
    sheet = await look(lin, "/demo/manage/2")
    await opened(clerk)
    page = await press(lin, sheet, "/demo/manage/2/open", clerk="clerk01", services="A")
    assert "1 号窗口" in page.sentence


async def test_a_disputed_offline_number_is_shown_and_joins_the_queue(lin: Client, db: Connection, hall_id: int) -> None:
    assert "离线号待处理" not in (await look(lin, "/demo/manage")).words
    for seq, number in ((1, 2001), (2, 2002)):
        issued = Issued(seq, "ls_9", number, datetime.now(UTC), 1, timedelta(), None, "zh-Hans")
        await numbers.dispute(db, hall_id, "dv_9", issued, datetime.now(UTC), "after_deadline")
    await db.execute("UPDATE offline_tickets SET service = 'A', printed = 'A' || number")
    page = await look(lin, "/demo/manage")
    assert re.findall(r'<span class="number">(A200\d)</span><span class="why">([^<]+)<', page.answer.text) == [
        ("A2001", "过了时限"), ("A2002", "过了时限"),
    ]  # fmt: skip
    ids = [row["id"] for row in await db.fetch("SELECT id FROM offline_tickets ORDER BY id")]
    page = await press(lin, page, f"/demo/manage/disputed/{ids[0]}/admit")
    page = await press(lin, page, f"/demo/manage/disputed/{ids[1]}/dismiss")
    assert (page.sentence, "离线号待处理" in page.words) == ("", False)
    assert [row["number"] for row in await db.fetch("SELECT number FROM tickets")] == ["A2001"]


async def test_a_busy_window_offers_no_close(lin: Client, desk: Client, clerk: Client) -> None:
    await opened(clerk)
    await take(desk)
    await at(clerk, "1", "next")
    sheet = await look(lin, "/demo/manage/1")
    assert (sheet.forms, "正在接待" in sheet.words) == ({}, True)


async def test_an_auditor_watches_and_does_nothing(app: Starlette, clerk: Client) -> None:
    auditor = await staff(app, "auditor")
    assert (await look(auditor, "/demo/manage/2")).forms == {}
    board = await look(auditor, "/demo/manage")
    token = board.forms["/signout"].fields["csrf"]
    assert (await auditor.post("/demo/manage/2/open", data={"csrf": token, "clerk": "clerk02"})).status_code == 403


async def test_ratings_can_be_taken_along_as_a_table(lin: Client, desk: Client, clerk: Client) -> None:
    await opened(clerk)
    await finished(desk, clerk)
    answer = await lin.get("/demo/manage/ratings.csv?by=clerk")
    assert answer.text.replace("\r", "").splitlines() == ["\ufeff人员,办结,咨询,评价,好评,差评", "姓名clerk01,1,0,0,0,0"]


async def test_clerks_do_not_see_the_board(app: Starlette) -> None:
    assert (await (await staff(app, "clerk01")).get("/demo/manage")).status_code == 403


def entry(offset: int, minute: float, kind: str, of: int | None = None, **data: str) -> Entry:
    at = datetime(2026, 11, 20, 1, 0, tzinfo=UTC) + timedelta(minutes=minute)
    return Entry(1, offset, at, kind, "clock", None, of, data.get("window"), dict(data))


def test_a_day_is_folded_into_one_sample_a_minute() -> None:
    day = trends.Day(datetime(2026, 11, 20, tzinfo=UTC).date(), "k3", 0)
    for row in (
        entry(1, 0.1, "window.opened", window="1", state="open"),
        entry(2, 0.2, "ticket.taken", 7, ticket="A001", state="waiting"),
        entry(3, 0.3, "ticket.taken", 8, ticket="A002", state="waiting"),
        entry(4, 2.5, "ticket.called", 7, ticket="A001", state="called", window="1"),
        entry(5, 3.5, "ticket.finished", 7, ticket="A001", state="finished", window="1"),
    ):
        day.fold(row)
    day.pass_time(entry(6, 4.1, "clock.tick").at)
    told = [(sample.waiting, sample.longest_s, sample.open, sample.served) for sample in day.samples]
    assert told == [(2, 48, 1, 0), (2, 108, 1, 0), (1, 162, 1, 0), (1, 222, 1, 1)]
    assert [(call.number, call.window) for call in day.calls] == [("A001", "1")]


@pytest.mark.parametrize(
    ("values", "line"), [([], "0.0,46.0 120.0,46.0"), ([3], "0.0,2.0 120.0,2.0"), ([0, 2, 4], "0.0,46.0 60.0,24.0 120.0,2.0")]
)
def test_a_trend_is_a_line_whatever_it_holds(values: list[int], line: str) -> None:
    assert points(values)["line"] == line


async def test_the_board_tells_of_windows_that_are_missing_and_where_to_look(lin: Client, db: Connection, hall: Hall) -> None:
    await clocks.at(db, "2026-03-03 10:00+08")
    await save_day_type(db, hall, replace((await day_types(db, hall))["weekday"], zones={"A": 2}))
    page = await look(lin, "/demo/manage")
    assert "A区现在只开了 0 个窗口，最低要求 2 个。 看排班" in page.words
    await db.execute("DELETE FROM day_zones")
    assert "最低要求" not in (await look(lin, "/demo/manage")).words
