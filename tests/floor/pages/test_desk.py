"""The guide desk: numbers by hand, numbers found, missed ones brought back."""

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, press, staff
from tests.floor.visits import at, opened, take


@pytest.fixture
async def su(app: Starlette) -> Client:
    return await staff(app, "desk01")


async def test_a_number_is_issued_once_however_often_the_button_is_sent(su: Client, db: Connection) -> None:
    page = await look(su, "/demo/desk")
    for _ in range(2):
        issued = await press(su, page, "issue", service="B", category="", evidence="", print_at="")
        assert issued.sentence == "已出号 B001，请告知群众"
    assert await db.fetchval("SELECT count(*) FROM tickets") == 1


async def test_a_head_start_needs_a_paper_that_was_seen(su: Client, db: Connection) -> None:
    page = await press(su, await look(su, "/demo/desk"), "issue", service="A", category="veteran", evidence="")
    assert page.sentence == "退役军人需要先查验证件，请填写看过的证件名称"
    page = await press(su, page, "issue", service="A", category="veteran", evidence="优待证")
    assert page.sentence == "已出号 A001，请告知群众"
    assert await db.fetchval("SELECT evidence FROM tickets") == "优待证"


async def test_a_number_is_found_as_people_type_it(su: Client, desk: Client) -> None:
    await take(desk)
    page = await look(su, "/demo/desk?number=a001")
    assert ("等候中" in page.words, "A 社会保险" in page.words) == (True, True)
    assert (await look(su, "/demo/desk?number=A009")).sentence == "今天没有 A009 这个号"


async def test_a_missed_number_goes_back_into_line(su: Client, desk: Client, clerk: Client, db: Connection) -> None:
    await db.execute("UPDATE halls SET calls_before_missed = 1")
    ticket = await take(desk)
    await opened(clerk)
    for act in ("next", "no-show"):
        await at(clerk, "1", act)
    page = await look(su, "/demo/desk?number=A001")
    page = await press(su, page, f"restore-front-{ticket['key']}")
    assert (page.sentence, "等候中" in page.words) == ("A001 已恢复排队，号码不变", True)


async def test_a_cancelled_number_is_not_cancelled_again(su: Client, desk: Client) -> None:
    ticket = await take(desk)
    page = await look(su, "/demo/desk?number=A001")
    done = await press(su, page, f"cancel-{ticket['key']}")
    assert (done.sentence, "已取消" in done.words) == ("A001 已取消", True)
    assert (await press(su, page, f"cancel-{ticket['key']}")).sentence == "A001 已取消"
    assert f"cancel-{ticket['key']}" not in done.forms


async def test_clerks_have_no_desk(app: Starlette) -> None:
    assert (await (await staff(app, "clerk01")).get("/demo/desk")).status_code == 403


async def test_the_desk_sends_a_held_ticket_back_into_line(app: Starlette, desk: Client, clerk: Client) -> None:
    await opened(clerk)
    await take(desk)
    for act, body in (("next", {}), ("hold", {"kind": "without_papers"})):
        assert (await at(clerk, "1", act, body)).status_code == 200
    here = await staff(app, "desk01")
    page = await look(here, "/demo/desk?number=A001")
    (form,) = [form for form in page.every if form.action.endswith("/release")]
    answer = await here.post(form.action, data=form.fields, headers={"hx-request": "true"})
    assert (answer.status_code, "回到队伍" in answer.text) == (200, True)


async def test_an_appeal_is_kept_and_the_desk_lifts_a_pause_with_a_reason(app: Starlette, su: Client, db: Connection) -> None:
    ban = await db.fetchval(
        "INSERT INTO bans (hall, person, id_mask, strikes, made_at, until)"
        " SELECT id, 'x', '002X', 3, now(), now() + interval '1 day' FROM halls RETURNING id"
    )
    page = await look(su, "/demo/desk")
    assert "…002X" in page.words
    page = await press(su, page, f"appeal-{ban}", appeal="当天住院，有病历")
    assert (page.sentence, "当天住院，有病历" in page.words) == ("申诉已记下，主管看得到", True)
    assert "当天住院，有病历" in (await look(await staff(app, "manager"), "/demo/rules")).words
    page = await press(su, page, f"lift-{ban}", why="情况属实")
    assert (page.sentence, "…002X" in page.words) == ("已解除，可以取号了", False)
    told = await db.fetch("SELECT kind, actor FROM journal WHERE kind LIKE 'person.%' ORDER BY \"offset\"")
    assert [tuple(row) for row in told] == [("person.appealed", "desk:desk01"), ("person.unbanned", "desk:desk01")]
    answer = await su.post(f"/demo/desk/pause/{ban}/lift", data=page.forms["issue"].fields | {"why": "再来一次"})
    assert (answer.status_code, "不能这样做" in answer.text) == (200, True)
    clerk = await staff(app, "clerk01")
    fields = {"csrf": (await look(clerk, "/demo/console")).forms["/signout"].fields["csrf"], "why": "x"}
    assert (await clerk.post(f"/demo/desk/pause/{ban}/lift", data=fields)).status_code == 403
