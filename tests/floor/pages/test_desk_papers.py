"""At the desk papers are looked over before a window is spent, what is missing is told once, and whoever returns goes first."""

import re

import pytest
from starlette.applications import Starlette

from devices import health
from devices.jobs import of_key
from devices.wire import Part
from displays import announce
from floor.database import Connection
from queueing import journal
from queueing.halls import Hall
from tests.floor.catalogues import CARD, offer
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, press, staff
from tests.floor.screens import browser, machine, text
from tests.floor.visits import at, opened


@pytest.fixture
async def su(app: Starlette, db: Connection, hall: Hall) -> Client:
    await offer(db, hall)
    await db.execute(
        "INSERT INTO categories (hall, code, name, credit_minutes, evidence) VALUES ($1, 'returning', '告知后再来', 30, 'slip')",
        hall.id,
    )
    return await staff(app, "desk01")


async def issued(su: Client, *codes: str) -> str:
    """A number for these matters, issued at the desk."""
    page = await look(su, "/demo/desk")
    form = page.forms["issue"]
    sent = {**form.fields, "matter": list(codes), "category": "", "evidence": "", "print_at": ""}
    answer = await su.post(form.action, data=sent, headers={"hx-request": "true"})
    assert "已出号" in answer.text, answer.text
    found = text(answer.text).partition("已出号 ")[2]
    return found[:4]


async def told(su: Client, number: str, **more: str) -> str:
    """Tell a ticket's visitor once that the photograph is missing; the slip's code."""
    page = await look(su, f"/demo/desk?number={number}")
    done = await press(su, page, "papers", lacking="近期照片", **more)
    assert "已开好，请交给群众" in done.sentence
    return done.sentence.partition("告知单 ")[2][:9].replace(" ", "")


async def test_matters_are_found_picked_and_taken_as_one_number(su: Client, db: Connection) -> None:
    found = await su.get("/demo/desk/matters?q=bdc&matter=A01")
    assert re.findall(r'value="(\w+)" (checked)?', found.text) == [("A01", "checked"), ("B01", "")]
    await issued(su, "B01", "A01")
    row = await db.fetchrow("SELECT services, matters, channel FROM tickets")
    assert row is not None and tuple(row) == (["B", "A"], ["B01", "A01"], "desk")


async def test_triage_shows_each_kind_of_visitor_what_is_theirs(su: Client, db: Connection) -> None:
    await db.execute("UPDATE services SET class = 'legal' WHERE code = 'B'")
    person = (await look(su, "/demo/desk?who=natural")).answer.text
    company = (await look(su, "/demo/desk?who=legal")).answer.text
    assert ('name="service" value="B"' in person, 'name="service" value="B"' in company) == (False, True)
    assert "公租房申请" not in (await su.get("/demo/desk/matters?q=gzf&who=legal")).text
    assert "公租房申请" in (await su.get("/demo/desk/matters?q=gzf&who=natural")).text


async def test_a_lacking_paper_is_seen_at_the_window_before_and_after_the_call(
    su: Client, app: Starlette, clerk: Client, db: Connection
) -> None:
    number = await issued(su, "A01")
    page = await look(su, f"/demo/desk?number={number}")
    done = await press(su, page, "papers", lacking="近期照片", do="precheck")
    assert done.sentence == f"{number} 的预审结果已记下，窗口看得到"
    assert "材料不齐" in done.words
    await opened(clerk)
    console = await staff(app, "clerk01")
    assert "材料不齐" in (await look(console, "/demo/console/1")).words
    await at(clerk, "1", "next")
    called = (await look(console, "/demo/console/1")).words
    assert ("事项：社会保障卡申领" in called, "预审：还缺 近期照片" in called) == (True, True)
    kinds = [row["kind"] for row in await db.fetch('SELECT kind FROM journal WHERE ticket IS NOT NULL ORDER BY "offset"')]
    assert kinds == ["ticket.taken", "ticket.prechecked", "ticket.called"]


async def test_papers_that_are_all_there_are_ready(su: Client, db: Connection) -> None:
    number = await issued(su, "A01")
    done = await press(su, await look(su, f"/demo/desk?number={number}"), "papers", do="precheck")
    assert "材料齐全" in done.words
    assert await db.fetchval("SELECT ready FROM prechecks") is True


async def test_a_slip_tells_once_and_is_found_again_with_priority(su: Client, db: Connection) -> None:
    number = await issued(su, "A01")
    code = await told(su, number, leave="1")
    assert await db.fetchval("SELECT state FROM tickets") == "cancelled"
    page = await look(su, f"/demo/desk?number={code[:4].lower()}-{code[4:].lower()}")
    assert ("近期照片" in page.words, "姓名desk01告知" in page.words, "首问：姓名desk01" in page.words) == (True, True, True)
    back = await press(su, page, f"return-{code}", print_at="")
    assert back.sentence == "已出号 A002，请告知群众"
    row = await db.fetchrow("SELECT category, credit, verified_by, evidence FROM tickets WHERE number = 'A002'")
    assert row is not None and tuple(row) == ("returning", 30, "desk:desk01", "一次性告知单")
    used = await look(su, f"/demo/desk?number={code}")
    assert ("已用过" in used.words, f"return-{code}" in used.forms) == (True, False)


async def test_a_slip_gives_its_priority_once_however_often_and_from_wherever(su: Client, db: Connection) -> None:
    code = await told(su, await issued(su, "A01"))
    page, other = [await look(su, f"/demo/desk?number={code}") for _ in range(2)]
    for _ in range(2):
        assert (await press(su, page, f"return-{code}", print_at="")).sentence == "已出号 A002，请告知群众"
    assert (await press(su, other, f"return-{code}", print_at="")).sentence == "这张告知单已用过或已过期"
    assert await db.fetchval("SELECT count(*) FROM tickets") == 2


async def test_a_slip_of_a_visitor_without_a_number_is_found_by_code_alone_and_ends_in_time(su: Client, db: Connection) -> None:
    page = await look(su, "/demo/desk?matter=A01")
    done = await press(su, page, "papers", lacking="身份证原件", other="无犯罪证明")
    assert "已开好" in done.sentence
    assert await db.fetchval("SELECT lacking FROM slips") == ["身份证原件", "无犯罪证明"]
    await db.execute("UPDATE slips SET good_until = good_until - 31")
    code = await db.fetchval("SELECT code FROM slips")
    assert "已过期" in (await look(su, f"/demo/desk?number={code}")).words


async def test_the_slip_reads_as_the_visitor_does_whatever_the_desk_speaks(su: Client, db: Connection) -> None:
    number = await issued(su, "A01")
    await db.execute("UPDATE tickets SET lang = 'en'")
    await told(su, number, other="手写一条")
    row = await db.fetchrow("SELECT lang, lacking FROM slips")
    assert row is not None and tuple(row) == ("en", ["Recent photograph", "手写一条"])


async def test_nothing_missing_is_no_slip(su: Client, db: Connection) -> None:
    number = await issued(su, "A01")
    assert (await press(su, await look(su, f"/demo/desk?number={number}"), "papers")).sentence == "请先勾选缺少的材料"
    assert await db.fetchval("SELECT count(*) FROM slips") == 0


async def test_the_slip_is_printed_with_its_list_and_on_a_phone_it_reads_the_same(
    su: Client, app: Starlette, db: Connection, hall: Hall
) -> None:
    printer = await machine(db, hall.id, "dispenser")
    await health.report(db, printer.device_id, {"printer": Part(state="ok")})
    number = await issued(su, "A01")
    page = await look(su, f"/demo/desk?number={number}")
    code = (await press(su, page, "papers", lacking="近期照片", print_at=printer.device_id)).sentence.partition("告知单 ")[2][:9]
    entries = await journal.read(db, hall.id, 0)
    made = await announce.announce(db, hall.id, (await journal.top(db, hall.id)).epoch, entries, "http://hall.test")
    (job,) = [job for job in made if job.data.get("template") == "slip"]
    told = {name: job.data[name] for name in ("matters", "lacking", "mistakes", "teller", "code")}
    assert told == {
        "matters": [CARD.name], "lacking": ["近期照片"], "mistakes": ["没有带原件"], "teller": "姓名desk01",
        "code": code.replace(" ", ""),
    }  # fmt: skip
    assert await of_key(db, hall.id, job.key) == [job]
    phone = text((await browser(app).get(job.data["url"].removeprefix("http://hall.test"))).text)
    assert ("近期照片" in phone, "社会保障卡申领" in phone) == (True, True)
    assert (await browser(app).get("/demo/slip/00000000")).status_code == 404


async def test_a_question_is_counted_by_one_tap_and_taken_back_by_another(su: Client, db: Connection) -> None:
    page = await look(su, "/demo/desk?who=legal")
    for _ in range(2):
        done = await press(su, page, "question-papers")
    assert done.sentence == "已记一次：带什么材料"
    row = await db.fetchrow(
        "SELECT count(*) AS n, min(tag) AS tag, min(applicant) AS who, min(asked) AS asked FROM consultations"
    )
    assert row is not None and tuple(row) == (1, "papers", "legal", "desk:desk01")
    undone = await press(su, done, "undo-question")
    assert undone.sentence == "已撤销刚才那一次"
    assert await db.fetchval("SELECT count(*) FROM consultations WHERE undone_at IS NULL") == 0


async def test_a_slip_left_at_home_is_found_by_the_id_card_and_gives_its_priority(su: Client, db: Connection) -> None:
    card = "11010519491231002X"
    page = await look(su, "/demo/desk?matter=A01")
    first = await press(su, page, "papers", lacking="近期照片", id_number=card)
    code = first.sentence.partition("告知单 ")[2][:9].replace(" ", "")
    page = await press(su, await look(su, "/demo/desk"), "card", id_number=card.lower())
    assert page.sentence == "找到 1 张告知单"
    assert f"return-{code}" in page.forms
    back = await press(su, page, f"return-{code}")
    assert "已出号" in back.sentence
    assert await db.fetchval("SELECT category FROM tickets") == "returning"
    again = await press(su, await look(su, "/demo/desk"), "card", id_number=card)
    assert f"return-{code}" not in again.forms and f"slip-{code}" in again.forms
    other = await press(su, page, "card", id_number="110105194912310038")
    assert "没有找到此人的告知单" in other.sentence
    assert (await press(su, page, "card", id_number="12")).sentence != ""


async def test_two_slips_of_one_person_are_both_shown(su: Client) -> None:
    for code in ("A01", "B01"):
        page = await look(su, f"/demo/desk?matter={code}")
        await press(su, page, "papers", other="委托书", id_number="11010519491231002X")
    page = await press(su, await look(su, "/demo/desk"), "card", id_number="11010519491231002X")
    assert sum(name.startswith("return-") for name in page.forms) == 2
