"""On the phone a ticket says where it stands in one sentence, lets its holder leave, and asks for the rating once."""

import re

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from queueing import calls, tickets
from queueing.calls import Seat
from queueing.halls import Hall
from queueing.tickets import Ticket
from queueing.windows import open_window
from tests.floor.screens import Client, browser, staff, text

SEAT = Seat("1", "clerk:clerk01", "clerk01")


@pytest.fixture
def phone(app: Starlette) -> Client:
    return browser(app)


async def taken(db: Connection, hall: Hall, service: str = "A") -> Ticket:
    return (await tickets.take(db, hall, [service], actor="test", channel="dispenser")).ticket


async def at_window(db: Connection, hall: Hall, *acts: str) -> None:
    """Open window 1, call the next ticket and do these acts there."""
    await open_window(db, hall, "1", "clerk01", actor="clerk:clerk01")
    await calls.call_next(db, hall, SEAT)
    for act in acts:
        await getattr(calls, act)(db, hall, SEAT)


async def test_a_waiting_ticket_shows_those_ahead_as_its_one_big_figure(phone: Client, db: Connection, hall: Hall) -> None:
    for _ in range(2):
        await taken(db, hall)
    ticket = await taken(db, hall)
    page = (await phone.get(f"/t/{ticket.key}")).text
    assert re.findall(r'id="ahead">(\d+)<', page) == ["2"]
    assert 'data-view="ticket:' + ticket.key in page


async def test_a_called_ticket_says_which_window_and_marks_it_on_the_plan(phone: Client, db: Connection, hall: Hall) -> None:
    ticket = await taken(db, hall)
    await at_window(db, hall)
    page = (await phone.get(f"/t/{ticket.key}/now")).text
    assert "请到 1 号窗口 请现在过去，窗口在等您" in text(page)
    assert re.findall(r'<li class="num here">(\d+)', page) == ["1"]


@pytest.mark.parametrize(
    ("acts", "said"),
    [
        (("arrive",), "正在 1 号窗口办理 办完后可在本页评价"),
        (("arrive", "finish"), "已办完，谢谢您 请评价这次服务"),
    ],
)
async def test_every_step_is_one_sentence(phone: Client, db: Connection, hall: Hall, acts: tuple[str, ...], said: str) -> None:
    ticket = await taken(db, hall)
    await at_window(db, hall, *acts)
    assert said in text((await phone.get(f"/t/{ticket.key}/now")).text)


async def test_leaving_asks_once_more_and_then_leaves(phone: Client, db: Connection, hall: Hall) -> None:
    ticket = await taken(db, hall)
    asked = await phone.get(f"/t/{ticket.key}/leave")
    assert "确定要取消排队吗？" in text(asked.text)
    assert (await tickets.by_key(db, ticket.key)).state == "waiting"
    left = await phone.post(f"/t/{ticket.key}/leave", data={"press": "p1"})
    assert (left.status_code, left.headers["location"]) == (303, f"/t/{ticket.key}")
    assert "您已取消排队 需要办理时，请重新取号" in text((await phone.get(f"/t/{ticket.key}")).text)


async def test_nobody_leaves_while_being_served(phone: Client, db: Connection, hall: Hall) -> None:
    ticket = await taken(db, hall)
    await at_window(db, hall, "arrive")
    answer = await phone.post(f"/t/{ticket.key}/leave", data={"press": "p1"})
    assert (answer.status_code, "现在不能取消" in answer.text) == (409, True)
    assert (await tickets.by_key(db, ticket.key)).state == "serving"


async def test_a_finished_visit_is_rated_once_and_never_shown_a_default(phone: Client, db: Connection, hall: Hall) -> None:
    ticket = await taken(db, hall)
    await at_window(db, hall, "arrive", "finish")
    page = (await phone.get(f"/t/{ticket.key}")).text
    assert re.findall(r'name="level" value="(\d)"', page) == ["5", "4", "3", "2", "1"]
    assert "checked" not in page
    form = {"level": "2", "reasons": ["213", "108"], "press": "p1"}  # 108 belongs to level 1: its box was hidden
    assert (await phone.post(f"/t/{ticket.key}/rating", data=form)).status_code == 303
    kept = await db.fetch("SELECT level, jsonb_path_query_array(reasons, '$[*].code') AS codes, channel FROM ratings")
    assert [(row["level"], row["codes"], row["channel"]) for row in kept] == [(2, ["213"], "phone")]
    again = (await phone.get(f"/t/{ticket.key}")).text
    assert "谢谢，已收到评价" in again and 'name="level"' not in again


async def test_a_rating_without_a_face_is_asked_for_again(phone: Client, db: Connection, hall: Hall) -> None:
    ticket = await taken(db, hall)
    await at_window(db, hall, "arrive", "finish")
    answer = await phone.post(f"/t/{ticket.key}/rating", data={"press": "p1"})
    assert (answer.status_code, "请先选一个评价" in answer.text) == (422, True)
    assert await db.fetchval("SELECT count(*) FROM ratings") == 0


async def test_a_clerk_is_a_citizen_too(app: Starlette, db: Connection, hall: Hall) -> None:
    ticket = await taken(db, hall)
    at_home = await staff(app, db, "clerk02")
    assert (await at_home.post(f"/t/{ticket.key}/leave", data={"press": "p1"})).status_code == 303
    actor = await db.fetchval("SELECT actor FROM journal WHERE kind = 'ticket.cancelled'")
    assert actor == "citizen"


async def test_an_unknown_key_is_a_sentence_and_not_an_error(phone: Client) -> None:
    answer = await phone.get("/t/nothing-of-ours")
    assert (answer.status_code, "找不到这个号码" in answer.text) == (404, True)


async def test_the_page_holds_nothing_personal(phone: Client, db: Connection, hall: Hall) -> None:
    act = await tickets.take(
        db, hall, ["A"], actor="desk:desk01", channel="desk", category="veteran", evidence="优待证 E-7788", person=b"\x07" * 32
    )
    await at_window(db, hall)
    page = (await phone.get(f"/t/{act.ticket.key}")).text
    assert [word for word in ("7788", "veteran", "desk01", "clerk01", "姓名", "07070707") if word in page] == []
