"""The counter: one button goes on, every act happens once, and whoever has no seat is told so."""

import re
from datetime import datetime, timedelta

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall
from scheduling.escalation import climb
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, press, staff
from tests.floor.visits import take
from tests.scheduling.clocks import at
from tests.scheduling.halls import DAY, number, until_five

CONSOLE = "/demo/console/1"


@pytest.fixture
async def li(app: Starlette) -> Client:
    return await staff(app, "clerk01")


@pytest.fixture
async def counter(li: Client, desk: Client) -> Page:
    """An open window with two people waiting for it."""
    await take(desk)
    await take(desk, category="elderly", evidence="身份证")
    return await press(li, await look(li, CONSOLE), "primary")


def state(page: Page) -> str | None:
    return page.by_id["console"]["data-state"]


async def test_the_one_button_opens_calls_begins_and_finishes(li: Client, desk: Client) -> None:
    await take(desk)
    page, seen = await look(li, CONSOLE), []
    for _ in range(5):
        seen.append((state(page), page.forms["primary"].action.rpartition("/")[2]))
        page = await press(li, page, "primary")
    assert seen == [("closed", "open"), ("open", "next"), ("called", "arrive"), ("serving", "finish"), ("open", "next")]
    assert page.sentence == "现在没有人等候"


async def test_the_line_shows_who_is_next_and_why(counter: Page) -> None:
    assert counter.words.index("A002") < counter.words.index("A001")
    assert ("优先 20 分" in counter.words, "按取号先后" in counter.words) == (True, True)


async def test_a_button_pressed_twice_acts_once(li: Client, counter: Page, db: Connection) -> None:
    first = await press(li, counter, "primary")
    again = await press(li, counter, "primary")
    assert (state(first), state(again), again.sentence) == ("called", "called", "")
    assert await db.fetchval("SELECT count(*) FROM journal WHERE kind = 'ticket.called'") == 1


async def test_the_evaluator_is_asked_again_only_once_somebody_was_served(li: Client, counter: Page) -> None:
    page, able = counter, []
    for _ in range(4):
        able.append("disabled" not in page.forms["act-open-rating"].buttons[0])
        page = await press(li, page, "primary")
    assert able == [False, False, False, True]


async def test_without_scripts_a_press_leads_back_to_the_page(li: Client, counter: Page) -> None:
    form = counter.forms["primary"]
    answer = await li.post(form.action, data=form.fields)
    assert (answer.status_code, answer.headers["location"]) == (303, CONSOLE)


async def test_a_refusal_is_a_sentence_and_the_page_stays(li: Client, counter: Page) -> None:
    page = await press(li, counter, "act-call", number="z999")
    assert (state(page), page.sentence) == ("open", "找不到该号")
    page = await press(li, page, "act-call", number="")
    assert (state(page), page.sentence) == ("open", "不能为空")


async def test_a_held_ticket_is_named_and_taken_back(li: Client, counter: Page) -> None:
    page = await press(li, await press(li, counter, "primary"), "act-hold", kind="with_papers", note="等照片")
    assert (state(page), page.sentence, "材料留在窗口：等照片" in page.words) == ("open", "A002 已暂挂", True)
    page = await press(li, page, "resume-A002")
    assert (state(page), "备注：等照片" in page.words) == ("serving", True)


async def test_nobody_came_sends_the_ticket_back_and_then_lists_it_as_missed(li: Client, counter: Page) -> None:
    page = counter
    for _ in range(2):
        page = await press(li, await press(li, page, "act-call", number="A001"), "act-no-show")
    assert page.sentence == "A001 未到，已往后排"
    page = await press(li, await press(li, page, "act-call", number="A001"), "act-no-show")
    assert (page.sentence, "call-A001" in page.forms) == ("A001 已过号", True)
    assert state(await press(li, page, "call-A001")) == "called"


async def test_a_transfer_keeps_the_number(li: Client, counter: Page) -> None:
    page = await press(li, await press(li, counter, "primary"), "act-transfer", to="window:2", position="front")
    assert (state(page), page.sentence) == ("open", "A002 已转移，号码不变")


async def test_finishing_can_call_the_next_at_once(li: Client, counter: Page) -> None:
    called = await press(li, counter, "primary")
    serving = await press(li, called, "primary")
    page = await press(li, serving, "act-finish-next")
    assert (state(page), "A001" in page.words) == ("called", True)


async def test_a_pause_tells_why_and_the_one_button_ends_it(li: Client, counter: Page) -> None:
    page = await press(li, counter, "act-pause", reason="用餐")
    assert (state(page), "暂停原因：用餐" in page.words) == ("paused", True)
    assert state(await press(li, page, "primary")) == "open"


def undo(page: Page) -> tuple[str, str, str]:
    """The act that the offered undo presses, its number, and its words."""
    form = page.forms["undo"]
    words = re.search(r'<form id="undo".*?<kbd>U</kbd><span>(.*?)</span>', page.answer.text, re.DOTALL)
    return form.action.rpartition("/")[2], form.fields.get("number", ""), words[1] if words else ""


async def last(db: Connection) -> tuple[str, str | None]:
    """The newest row of the record: what happened, and by which rule."""
    row = await db.fetchrow('SELECT kind, data FROM journal ORDER BY "offset" DESC LIMIT 1')
    assert row is not None
    return row["kind"], row["data"].get("rule")


async def test_a_hold_is_undone_by_taking_the_ticket_back(li: Client, counter: Page, db: Connection) -> None:
    page = await press(li, await press(li, counter, "primary"), "act-hold", kind="waiting")
    assert undo(page) == ("resume-held", "A002", "撤销")
    page = await press(li, page, "undo")
    assert (state(page), await last(db)) == ("serving", ("ticket.resumed", None))


async def test_a_no_show_is_undone_by_calling_the_number_again_and_says_so(li: Client, counter: Page, db: Connection) -> None:
    page = await press(li, await press(li, counter, "primary"), "act-no-show")
    assert undo(page) == ("call", "A002", "撤销并重呼")
    page = await press(li, page, "undo")
    assert (state(page), await last(db)) == ("called", ("ticket.called", "special"))


async def test_a_missed_number_is_called_again_by_the_undo_too(li: Client, counter: Page) -> None:
    page = counter
    for _ in range(3):
        page = await press(li, await press(li, page, "act-call", number="A001"), "act-no-show")
    assert (page.sentence, undo(page)) == ("A001 已过号", ("call", "A001", "撤销并重呼"))
    assert state(await press(li, page, "undo")) == "called"


@pytest.mark.parametrize("to", ["window:2", "service:B"])
async def test_a_transfer_is_undone_by_calling_the_number_again_here(li: Client, counter: Page, db: Connection, to: str) -> None:
    page = await press(li, await press(li, counter, "primary"), "act-transfer", to=to, position="front")
    assert undo(page) == ("take-back", "A002", "撤销并重呼")
    page = await press(li, page, "undo")
    assert (state(page), "A002" in page.words, await last(db)) == ("called", True, ("ticket.called", "special"))
    again = await db.fetchrow("SELECT service, for_window FROM tickets WHERE number = 'A002'")
    assert again is not None and tuple(again) == ("A", None)


async def test_a_transfer_that_was_called_elsewhere_meanwhile_stays_there(app: Starlette, li: Client, counter: Page) -> None:
    page = await press(li, await press(li, counter, "primary"), "act-transfer", to="window:2", position="front")
    wang = await staff(app, "clerk02")
    await press(wang, await press(wang, await look(wang, "/demo/console/2"), "primary"), "primary")
    page = await press(li, page, "undo")
    assert (state(page), page.sentence != "", "undo" in page.forms) == ("open", True, False)


async def test_a_pause_is_undone_by_going_on(li: Client, counter: Page) -> None:
    page = await press(li, counter, "act-pause", reason="用餐")
    assert undo(page) == ("resume", "", "撤销")
    assert state(await press(li, page, "undo")) == "open"


async def test_an_undo_is_offered_for_five_seconds(li: Client, counter: Page) -> None:
    page = await press(li, counter, "act-pause", reason="用餐")
    (button,) = page.forms["undo"].buttons
    drawn = datetime.fromisoformat(str(page.by_id["console"]["data-now"]))
    assert datetime.fromisoformat(str(button["data-before"])) - drawn == timedelta(seconds=5)


async def test_an_undo_is_gone_with_the_next_act_and_with_a_reload(li: Client, counter: Page) -> None:
    page = await press(li, counter, "act-pause", reason="用餐")
    reloaded, next_act = await look(li, CONSOLE), await press(li, page, "primary")
    assert ("undo" in page.forms, "undo" in reloaded.forms, "undo" in next_act.forms) == (True, False, False)


async def test_an_undo_pressed_twice_acts_once(li: Client, counter: Page, db: Connection) -> None:
    page = await press(li, await press(li, counter, "primary"), "act-no-show")
    await press(li, page, "undo")
    again = await press(li, page, "undo")
    assert (state(again), again.sentence) == ("called", "")
    assert await db.fetchval("SELECT count(*) FROM journal WHERE data ->> 'rule' = 'special'") == 1


async def test_a_finished_visit_is_not_undone(li: Client, counter: Page) -> None:
    page = counter
    for _ in range(3):
        page = await press(li, page, "primary")
    assert (page.sentence, "undo" in page.forms) == ("A002 已完成，正在请群众评价", False)


async def test_the_undo_is_in_the_help_of_the_keys(li: Client, counter: Page) -> None:
    assert "U 撤销（5 秒内）" in (await look(li, CONSOLE)).words


@pytest.mark.parametrize(
    ("lang", "back", "again"),
    [("zh-Hans", "撤销", "撤销并重呼"), ("zh-Hant", "撤銷", "撤銷並重呼"), ("en", "Undo", "Undo, call again")],
)
async def test_the_undo_speaks_three_languages(app: Starlette, counter: Page, lang: str, back: str, again: str) -> None:
    li = await staff(app, "clerk01", **{"accept-language": lang})
    page = await press(li, await look(li, CONSOLE), "act-pause", reason="")
    paused = undo(page)
    page = await press(li, await press(li, page, "undo"), "primary")
    assert (paused[2], undo(await press(li, page, "act-no-show"))[2]) == (back, again)


async def test_a_seated_clerk_goes_straight_to_the_own_window(li: Client, counter: Page) -> None:
    answer = await li.get("/demo/console")
    assert (answer.status_code, answer.headers["location"]) == (303, CONSOLE)
    assert "请选择今天的窗口" in (await look(li, "/demo/console?all=1")).words


async def test_anothers_window_shows_the_floor_and_says_whose_it_is_not(app: Starlette, counter: Page) -> None:
    wang = await staff(app, "clerk02")
    page = await look(wang, CONSOLE, 409)
    assert ("1 号窗口不是您的座位" in page.words, "/demo/console/2/open" in page.forms) == (True, True)


async def test_a_leader_looks_into_any_window_of_the_own_area(app: Starlette, counter: Page) -> None:
    leader = await staff(app, "leader01")
    assert state(await look(leader, CONSOLE)) == "open"


async def test_the_desk_has_no_seat_at_a_window(app: Starlette, counter: Page) -> None:
    desk = await staff(app, "desk01")
    assert (await desk.get(CONSOLE)).status_code == 403


async def test_a_stranger_is_asked_to_sign_in_and_comes_back(anyone: Client) -> None:
    answer = await anyone.get(CONSOLE, headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/signin?next={CONSOLE}")


async def test_an_act_without_the_pages_own_token_is_refused(li: Client, counter: Page) -> None:
    form = counter.forms["primary"]
    answer = await li.post(form.action, data={"press": form.fields["press"]})
    assert answer.status_code == 403


@pytest.mark.parametrize(("lang", "word"), [("zh-Hans", "呼叫下一位"), ("zh-Hant", "呼叫下一位"), ("en", "Call the next person")])
async def test_the_counter_speaks_three_languages(li: Client, counter: Page, lang: str, word: str) -> None:
    assert word in (await look(li, f"{CONSOLE}?lang={lang}")).words


async def test_who_was_offered_another_time_is_asked_at_the_counter_and_the_word_kept(
    app: Starlette, db: Connection, hall: Hall
) -> None:
    shut = await until_five(db, hall)
    await at(db, f"{DAY} 16:29+08")
    for service in "AAAB":
        await number(db, shut, service)
    await at(db, f"{DAY} 16:31+08")
    await climb(db, shut)
    await db.execute("UPDATE windows SET serves = '{A}' WHERE no = '1'")
    li = await staff(app, "clerk01")
    page = await press(li, await look(li, CONSOLE), "primary")
    assert "3 待答复" in page.words and "take-B001" not in page.forms  # not of this window
    once, again = await press(li, page, "take-A001"), await press(li, page, "take-A001")
    assert once.sentence.startswith("A001 已改约 3月4日 周四 09:00，预约码") and again.sentence == once.sentence
    page = again
    page = await press(li, page, "refuse-A003-slot", why="time")
    assert page.sentence == "A003 不要，已记下原因"
    page = await press(li, page, "primary")
    called = page.forms["act-rebook"].fields | {"number": await db.fetchval("SELECT number FROM tickets WHERE state = 'called'")}
    page = await press(li, page, "act-rebook", **called)
    assert (state(page), page.sentence[:8]) == ("open", "A002 已改约"), page.sentence
    page = await press(li, page, "act-rebook", number="A999")
    assert page.sentence == "找不到该号"
    rows = await db.fetch(
        "SELECT t.number, e.state, e.why, e.decided_by FROM escalations e JOIN tickets t ON t.id = e.ticket "
        "WHERE e.step = 'slot' ORDER BY t.number"
    )
    assert [tuple(row) for row in rows][:3] == [
        ("A001", "accepted", None, "clerk:clerk01"), ("A002", "accepted", None, "clerk:clerk01"),
        ("A003", "refused", "time", "clerk:clerk01"),
    ]  # fmt: skip
    assert await db.fetchval("SELECT count(*) FROM tickets WHERE carried = 'slot'") == 2
