"""A visit is asked for at home, at the kiosk, at the desk or with a number in hand; no page acts by itself."""

import re
from html import unescape
from typing import Any

import pytest
from starlette.applications import Starlette

from displays.announce import announce
from floor.database import Connection
from floor.people import add_user
from queueing import journal
from queueing.halls import Hall
from queueing.tickets import take
from scheduling import doorstep
from scheduling.teams import save_team
from tests.floor.conftest import HASHED, Client, client_of
from tests.floor.pages.staff import Page, look, staff
from tests.floor.screens import kiosk, machine
from tests.scheduling.outings import all_there, on, prepared

WHO: dict[str, Any] = {
    "reason": "mobility", "name": "欧阳明月", "phone": "13900001234", "address": "柳荫路17号2单元301", "area": "east",
    "consent": "1", "part": ["2027-03-03 am", "2027-03-04 pm", "nonsense"], "delivery": "mail",
}  # fmt: skip


@pytest.fixture(autouse=True)
async def out(db: Connection, hall: Hall) -> None:
    await prepared(db, hall)


@pytest.fixture
def phone(app: Starlette) -> Client:
    return client_of(app, "10.0.0.42", accept="text/html")


async def send(client: Client, page: Page, form: str = "who", **typed: Any) -> tuple[int, str]:
    """Send a form of a page as it was drawn; the status and where it leads."""
    shown = page.forms[form]
    answer = await client.post(unescape(shown.action), data={**shown.fields, **typed})
    return answer.status_code, answer.headers.get("location", answer.text)


async def asked(phone: Client, **typed: Any) -> str:
    page = await look(phone, "/demo/doorstep/ask?matter=CERT")
    status, to = await send(phone, page, **{**WHO, **typed})
    assert status == 303, to
    return to.partition("/d/")[2].partition("?")[0]


async def test_a_phone_asks_once_and_sees_how_it_stands(phone: Client, db: Connection, hall: Hall) -> None:
    page = await look(phone, "/demo/doorstep")
    assert re.findall(r'name="matter" value="(\w+)"', page.answer.text) == ["CARD", "CERT", "DEED"] and "行动不便" in page.words
    page = await look(phone, "/demo/doorstep/ask?matter=CERT&matter=CARD")
    status, wrong = await send(phone, page, matter=["CERT"], phone="12")
    assert (status, re.findall(r'href="#(\w+)"', wrong)) == (422, ["main", "reason", "name", "address", "phone", "consent"])
    for _ in range(2):
        status, to = await send(phone, page, **WHO, matter=["CERT", "CARD"])
        assert status == 303 and to.startswith("/d/")
    (visit,) = await doorstep.find(db, hall)
    assert (visit.matters, visit.channel, visit.area, visit.delivery) == (["CERT", "CARD"], "web", "east", "mail")
    assert visit.preferred == [{"from": on(9, day=3), "to": on(12, day=3)}, {"from": on(13, 30, day=4), "to": on(17, day=4)}]
    page = await look(phone, to)
    assert "申请已收到" in page.words and "养老资格认证" in page.words and "欧阳" not in page.words and "柳荫" not in page.words
    assert (await phone.get(f"/d/{visit.key}/cancel")).status_code == 200
    assert (await doorstep.by_key(db, visit.key)).state == "requested"
    status, to = await send(phone, await look(phone, f"/d/{visit.key}/cancel"), f"/d/{visit.key}/cancel?lang=zh-Hans")
    assert "申请已取消" in (await look(phone, to)).words
    await look(phone, "/d/nothing", 404)


async def test_who_asks_for_whom_is_told_and_the_times_are_changed(phone: Client, db: Connection, hall: Hall) -> None:
    page = await look(phone, "/demo/doorstep/ask?matter=CERT")
    for who, missing in (("family", ["asker", "relation"]), ("agent", ["asker"])):
        status, wrong = await send(phone, page, **{**WHO, "applicant": who})
        assert (status, re.findall(r'href="#(\w+)"', wrong)) == (422, ["main", *missing])
    await db.execute("UPDATE doorstep_reasons SET needs_evidence = true WHERE code = 'mobility'")
    status, wrong = await send(phone, await look(phone, "/demo/doorstep/ask?matter=CERT"), **WHO)
    assert status == 422 and "要写明有什么证明" in wrong
    await db.execute("UPDATE doorstep_reasons SET needs_evidence = false")
    key = await asked(phone, applicant="family", asker="司马光年", relation="外甥女")
    (visit,) = await doorstep.find(db, hall)
    page = await look(phone, f"/d/{key}")
    for seen in (visit.number, "家人代为申请", "东街", "3月3日 周三 09:00–12:00", "3月4日 周四 13:30–17:00"):
        assert seen in page.words
    assert "司马" not in page.answer.text
    page = await look(phone, f"/d/{key}/time")
    assert (await send(phone, page, "time"))[0] == 422
    status, to = await send(phone, page, "time", part=["2027-03-05 am"])
    assert status == 303 and "已记下您在家的时间" in (await look(phone, to)).words
    assert (await doorstep.by_key(db, key)).preferred == [{"from": on(9, day=5), "to": on(12, day=5)}]
    await look(phone, "/d/nothing/time", 404)


async def test_a_lost_page_is_found_by_number_and_telephone_and_guessing_is_slow(
    app: Starlette, phone: Client, db: Connection, hall: Hall
) -> None:
    key = await asked(phone)
    (visit,) = await doorstep.find(db, hall)
    page = await look(phone, "/demo/doorstep/find")
    assert (await send(phone, page, "find", number=visit.number, phone="1234")) == (303, f"/d/{key}?lang=zh-Hans")
    status, wrong = await send(phone, page, "find", number=visit.number, phone="9999")
    assert status == 404 and "编号和电话对不上" in wrong and key not in wrong
    for n in range(9):  # from wherever: the number itself is shut for a while
        other = client_of(app, f"10.0.7.{n}", accept="text/html")
        written = f"{'0' * n} {visit.number}٣"  # in other words, the same number
        assert (await send(other, await look(other, "/demo/doorstep/find"), "find", number=written, phone="0000"))[0] == 404
    assert (await send(phone, page, "find", number=visit.number, phone="1234"))[0] == 429


async def test_who_comes_is_named_with_the_plate_and_the_visit_is_confirmed_and_rated(
    app: Starlette, phone: Client, db: Connection, hall: Hall
) -> None:
    for name, number in (("door01", "9501"), ("door02", "9502")):
        await add_user(db, hall.id, name, HASHED, name=f"姓名{name}", roles=["doorstep"], number=number)
    team = await save_team(
        db, hall, on(9).date(), "一队", ("door01", "door02"), skills=["A"], kits=["photo"], starts=on(9), ends=on(17),
        start=(26.59, 104.83), actor="m",
    )  # fmt: skip
    key = await asked(phone)
    desk = await staff(app, "desk01")
    page = await look(desk, f"/demo/desk/visits?visit={key}")
    assert "柳荫路" not in page.answer.text and "13900001234" in page.words and "地址已填写，只有上门小组能看到" in page.words
    entries = await journal.read(db, hall.id, 0)
    assert [(each.kind, each.actor) for each in entries][-1] == ("doorstep.looked", "desk:desk01")
    assert (await send(desk, page, "accept", evidence="残疾证"))[0] == 303
    await doorstep.schedule(db, hall, key, on(10), team.id, actor="m")
    await all_there(db)
    page = await look(desk, f"/demo/desk/visits?visit={key}")
    assert "柳荫路" not in page.words and "只有上门的两人能看" in page.words
    page = await look(phone, f"/d/{key}")
    assert "姓名door01" in page.words and "工号 9502" in page.words and "3月2日 周二 10:00" in page.words
    await db.execute("UPDATE doorstep_visits SET given = start - interval '20 minutes' WHERE key = $1", key)
    assert "时间有调整，原定 3月2日 周二 09:40" in (await look(phone, f"/d/{key}")).words
    assert (await send(phone, page, f"/d/{key}/confirm?lang=zh-Hans"))[0] == 303
    assert "您已确认在家" in (await look(phone, f"/d/{key}")).words
    for act in (doorstep.depart, doorstep.arrive):
        await act(db, hall, key, actor="d", member="door01")
    assert "现在不能取消" in (await look(phone, f"/d/{key}/cancel")).words
    await doorstep.complete(db, hall, key, "done", actor="d", member="door01")
    assert (await send(phone, await look(phone, f"/d/{key}"), "rate", level="5"))[0] == 303
    assert await db.fetchval("SELECT level FROM ratings") == 5 and "谢谢，已收到评价" in (await look(phone, f"/d/{key}")).words


async def test_a_number_in_hand_becomes_a_visit(app: Starlette, phone: Client, db: Connection, hall: Hall) -> None:
    ticket = (await take(db, hall, ["A"], actor="d", channel="desk", matters=["CERT"])).ticket
    page = await look(phone, f"/t/{ticket.key}")
    assert f'href="/t/{ticket.key}/doorstep' in page.answer.text
    status, to = await send(phone, await look(phone, f"/t/{ticket.key}/doorstep"), **WHO, matter=["CERT"])
    assert status == 303 and "申请已收到" in (await look(phone, to)).words
    assert "已转为上门服务" in (await look(phone, f"/t/{ticket.key}")).words
    clerk = await staff(app, "clerk01")
    other = (await take(db, hall, ["B"], actor="d", channel="desk")).ticket
    page = await look(clerk, f"/demo/desk/visits?ticket={other.number}")
    assert 'id="waiting"' not in page.answer.text and f'value="{other.number}"' in page.answer.text
    assert (await send(clerk, page, "ask", **WHO, ticket=other.number))[0] == 303
    (_, visit) = await doorstep.find(db, hall)
    assert (visit.ticket, visit.skills, visit.channel) == (other.id, ["B"], "ticket")


async def test_a_booking_in_hand_becomes_a_visit(phone: Client, db: Connection, hall: Hall) -> None:
    await db.execute(
        "INSERT INTO slots (hall, service, start, ends, day, capacity) VALUES ($1, 'A', $2, $3, '2027-03-02', 1)",
        hall.id, on(15), on(15, 30),
    )  # fmt: skip
    booking = {"service": "A", "start": on(15).isoformat(), "name": "欧阳明月", "id_number": "E12345678", "matters": ["CERT"]}
    code = (await phone.post("/api/v1/halls/demo/appointments", json=booking, headers={"accept": "*/*"})).json()["code"]
    assert f'href="/b/{code}/doorstep' in (await look(phone, f"/b/{code}")).answer.text
    page = await look(phone, f"/b/{code}/doorstep")
    assert re.findall(r'value="(\w+)" checked', page.answer.text)[0] == "CERT"
    status, to = await send(phone, page, **WHO, matter=["CERT"])
    assert status == 303 and "申请已收到" in (await look(phone, to)).words
    assert "预约已取消" in (await look(phone, f"/b/{code}")).words
    assert await db.fetchval("SELECT taken FROM slots WHERE start = $1", on(15)) == 0


async def test_the_desk_takes_a_call_and_declines_with_a_reason(
    app: Starlette, phone: Client, db: Connection, hall: Hall
) -> None:
    desk = await staff(app, "desk01")
    page = await look(desk, "/demo/desk/visits")
    status, wrong = await send(desk, page, "ask", channel="hotline", reason="occupation", name="欧阳明月")
    assert status == 422 and "请填写地址" in wrong and 'value="欧阳明月"' in wrong
    status, to = await send(desk, page, "ask", **WHO | {"reason": "occupation", "matter": ["DEED"], "channel": "hotline"})
    assert status == 303
    (visit,) = await doorstep.find(db, hall)
    assert (visit.channel, visit.because, visit.matters) == ("hotline", "occupation", ["DEED"])
    page = await look(desk, to)
    assert "欧**" in page.words and "****1234" in page.words
    assert (await send(desk, page, "times"))[0] == 422
    status, to = await send(desk, page, "times", part=["2027-03-05 pm"])
    page = await look(desk, to)
    assert status == 303 and "已记下在家的时间" in page.words and "3月5日 周五 13:30–17:00" in page.words
    assert (await send(desk, page, "decline", reason="no_capacity", words=""))[0] == 303
    assert "近期小组都已排满" in (await look(phone, f"/d/{visit.key}")).words
    assert (await staff(app, "engineer")) and (await (await staff(app, "engineer")).get("/demo/desk/visits")).status_code == 403


async def test_the_kiosk_takes_a_telephone_and_the_rest_comes_later(
    app: Starlette, phone: Client, db: Connection, hall: Hall
) -> None:
    stand = await kiosk(app, db, (await machine(db, hall.id, "dispenser")).device_id)
    path, seen = "/demo/kiosk/visit?lang=zh-Hans&picked=CERT&step=why", []
    assert "/demo/kiosk/visit?" in (await stand.get("/demo/kiosk/screen")).text
    for word in ("行动不便", "残疾人证", "东街"):
        drawn = (await stand.get(path)).text
        (path,) = [
            unescape(href) for href, name in re.findall(r'data-go="([^"]+)"[^>]*>.*?<b>([^<]+)</b>', drawn) if name == word
        ]
        seen.append(path)
    form = Page(await stand.get(path)).forms["visit"]
    answer = await stand.post(form.action, data={**form.fields, "phone": "123"})
    assert answer.status_code == 422 and "号码不对" in answer.text
    for _ in range(2):
        answer = await stand.post(form.action, data={**form.fields, "phone": "13900001234"})
        assert answer.status_code == 200 and "申请已收到" in answer.text and "<svg" in answer.text
    (visit,) = await doorstep.find(db, hall)
    assert (visit.channel, visit.because, visit.area, visit.evidenced) == ("kiosk", "mobility", "east", True)
    assert "13900001234" not in "".join(seen)
    printed = [each for each in await journal.read(db, hall.id, 0) if each.kind == "doorstep.printed"]
    (paper,) = await announce(db, hall.id, "k3", printed, "http://hall.example")  # once, whatever was pressed again
    assert (paper.kind, paper.data["template"], paper.data["number"]) == ("print", "visit", visit.number)
    assert "/demo/doorstep/find" in paper.data["url"] and visit.key not in str(printed)
    desk = await staff(app, "desk01")
    page = await look(desk, f"/demo/desk/visits?visit={visit.key}")
    status, wrong = await send(desk, page, "accept")
    assert status == 409 and "请先问清姓名、电话和地址" in wrong
    page = await look(phone, f"/d/{visit.key}?lang=zh-Hans")
    assert (await send(phone, page, "door", name="欧阳明月", address="柳荫路17号"))[0] == 303
    assert "door" not in (await look(phone, f"/d/{visit.key}")).forms
    assert (await phone.post(f"/d/{visit.key}/door", data={"name": "别人", "address": "别处"})).status_code == 409
    page = await look(desk, f"/demo/desk/visits?visit={visit.key}")
    assert (await send(desk, page, "accept"))[0] == 303
    assert "地址已填写" in page.words and "柳荫路" not in page.answer.text


async def test_an_agent_asks_for_somebody_of_the_village(app: Starlette, db: Connection, hall: Hall) -> None:
    await add_user(db, hall.id, "village01", HASHED, name="村代办", roles=["agent"], number="9801")
    agent = await staff(app, "village01")
    page = await look(agent, "/demo/desk/visits")
    assert "waiting" not in page.by_id and (await send(agent, page, "ask", **WHO, matter=["CERT"]))[0] == 303
    (visit,) = await doorstep.find(db, hall)
    assert (visit.channel, visit.verified_by) == ("agent", None)
    assert (await agent.post(f"/demo/desk/visits/{visit.key}/accept")).status_code == 403


@pytest.mark.parametrize(("lang", "word"), [("zh-Hant", "申請上門服務"), ("en", "Ask for a home visit")])
async def test_the_language_goes_along(phone: Client, lang: str, word: str) -> None:
    assert word in (await look(phone, f"/demo/doorstep?lang={lang}")).words
    _, to = await send(phone, await look(phone, f"/demo/doorstep/ask?lang={lang}&matter=CERT"), **WHO, matter=["CERT"])
    assert f"lang={lang}" in to
