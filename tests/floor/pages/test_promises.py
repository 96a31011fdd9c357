"""The page on which the hall owns up to what it told."""

import re

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from floor.pages.promises import holds, plot
from queueing import promises
from queueing.promises import Told
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, staff
from tests.floor.visits import take

KEPT = "INSERT INTO promises SELECT id, hall, day, service, 300, 600, $1, true FROM tickets WHERE number = $2"


@pytest.fixture
async def lin(app: Starlette) -> Client:
    return await staff(app, "manager")


async def test_an_empty_day_says_when_something_will_be_there(lin: Client) -> None:
    page = await look(lin, "/demo/promises")
    assert "有人取号并叫到之后，这里每分钟更新" in page.words
    assert "<svg viewBox" not in page.answer.text.partition('class="promises"')[2]


async def test_the_account_of_the_day_stands_on_both_pages(lin: Client, desk: Client, db: Connection) -> None:
    for n in range(10):
        number = (await take(desk))["number"]
        await db.execute(KEPT, 240 if n < 6 else 500 if n < 9 else 900, number)
    await promises.settle(db, await db.fetchval("SELECT id FROM halls"))
    page = await look(lin, "/demo/promises")
    cells = re.findall(r'<td class="num">(?:<b>)?([^<]*)', page.answer.text.partition('id="accounts"')[2])
    assert cells[:5] == ["10", "90 %", "60 %", "1.0", "2.6"]
    assert page.answer.text.count('<circle class="half"') == 2, "one point and one in the key"
    board = await look(lin, "/demo/manage")
    assert "10 人中 90 % 在范围之内" in board.words and 'href="/demo/promises"' in board.answer.text


def test_chance_alone_makes_few_people_say_nothing() -> None:
    assert [holds(9, 10), holds(18, 20), holds(13, 20), holds(450, 500), holds(400, 500)] == [None, True, False, True, False]


def test_the_plot_puts_what_was_true_on_the_slant() -> None:
    drawn = plot([Told(8, 600, 1200, 600, 1200), Told(9, 1200, 1800, 1500, 1800)])
    assert drawn is not None
    even, longer = drawn["halves"]
    assert even["x"] - drawn["edge"] == pytest.approx(drawn["side"] - even["y"])
    assert longer["x"] - drawn["edge"] < drawn["side"] - longer["y"], "waited longer than told: above the line"
    assert plot([]) is None
