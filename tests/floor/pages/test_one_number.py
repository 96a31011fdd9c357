"""One number, one window over days that somebody chose: sums by service and by day, and a file of the same."""

import re
from datetime import date, timedelta

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall, business_day
from tests.displays.days import open_all, seat
from tests.floor.pages.staff import Client, look, staff
from tests.floor.quality.test_one_number import served

HERE = "/demo/matters/one-number"


@pytest.fixture
async def today(db: Connection, hall: Hall) -> date:
    """Two visits of today, one of them sent on; and one of nine days ago."""
    await open_all(db, hall)
    await served(db, hall, seat("1"))
    await db.execute("UPDATE tickets SET day = day - 9")
    await served(db, hall, seat("1"))
    await served(db, hall, seat("2"), to=seat("1"))
    return await business_day(db, hall)


@pytest.fixture
async def lin(app: Starlette) -> Client:
    return await staff(app, "manager")


def cells(text: str, table: str) -> list[str]:
    return re.findall(r'<td class="num">(\d+)', text.partition(f'id="{table}"')[2].partition("</table>")[0])


async def test_the_days_asked_for_are_summed(lin: Client, today: date) -> None:
    usual = (await look(lin, HERE)).answer.text
    assert (cells(usual, "by-service"), cells(usual, "by-day")) == (["2", "1", "0"], ["2", "1", "0"])
    wide = (await look(lin, f"{HERE}?from={today - timedelta(9)}&to={today}")).answer.text
    assert (cells(wide, "by-service"), cells(wide, "by-day")) == (["3", "1", "0"], ["2", "1", "0", "1", "0", "0"])
    file = await lin.get(f"{HERE}.csv?from={today - timedelta(9)}&to={today - timedelta(9)}")
    assert file.text.splitlines()[1:] == [f"{today - timedelta(9)},A,1,0,0"]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("from=2026-03-02&to=2026-03-01", "结束日期早于开始日期"),
        ("from=2020-01-01&to=2026-03-01", "最多看 366 天"),
        ("from=x", "两个日期"),
    ],
)
async def test_days_that_make_no_sense_are_told(lin: Client, asked: str, said: str) -> None:
    assert said in (await look(lin, f"{HERE}?{asked}", 422)).words


async def test_the_catalogue_leads_there_and_an_empty_week_says_so(lin: Client) -> None:
    assert HERE in (await look(lin, "/demo/matters")).answer.text
    assert "还没有办结的号" in (await look(lin, HERE)).words
