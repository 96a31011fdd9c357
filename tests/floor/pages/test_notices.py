"""The page of the text messages, and the visitor's own: a number asked for, shown masked, stopped."""

import re
from collections.abc import Mapping

import pytest
from starlette.applications import Starlette

from displays import contacts, notices, outbox
from displays.sealed import Seal
from displays.ways.http import Gateway
from floor.database import Connection
from floor.settings import Settings
from queueing import tickets
from queueing.halls import Hall, get_hall
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, staff
from tests.floor.screens import browser, text
from tests.floor.visits import HALL

PAGE = "/demo/notices"
PHONE = "13912345678"
GATEWAY = {
    "is_on": "on", "driver": "http", "method": "POST", "body_type": "json", "url": "https://sms.example.cn/send",
    "headers": "Authorization: Bearer {secret}\nX-App: hall", "body": '{"to": "{phone}", "text": "{text}"}',
    "success": '"code": 0', "secret": "the key of the gateway",
}  # fmt: skip


@pytest.fixture
async def keeper(app: Starlette) -> Client:
    return await staff(app, "manager")


@pytest.fixture
def phone(app: Starlette) -> Client:
    return browser(app)


async def send(client: Client, form: str, typed: Mapping[str, str], status: int = 303) -> Page:
    """Press a form's button; the page that follows."""
    page = await look(client, PAGE)
    found = page.forms[f"{PAGE}/{form}"]
    answer = await client.post(found.action, data={**found.fields, **typed})
    assert answer.status_code == status, answer.text
    return await look(client, answer.headers["location"]) if status == 303 else Page(answer)


async def ticket(db: Connection, hall: Hall) -> tickets.Ticket:
    return (await tickets.take(db, hall, ["A"], actor="test", channel="dispenser")).ticket


async def test_a_gateway_is_set_up_and_its_secret_is_never_shown_again(
    keeper: Client, db: Connection, hall: Hall, settings: Settings
) -> None:
    page = await send(keeper, "way", GATEWAY)
    assert ("网关已保存" in page.words, "the key of the gateway" in page.answer.text) == (True, False)
    await send(keeper, "way", GATEWAY | {"secret": "", "url": "https://sms.example.cn/v2"})
    seal = Seal(settings.secret)
    known = await outbox.open_ways(db, seal, {})
    [opened] = known.values()
    way = opened.way
    assert isinstance(way, Gateway)
    assert [again is opened for again in (await outbox.open_ways(db, seal, {}, known)).values()] == [True]
    assert (way.secret, way.setting.url, way.setting.headers["X-App"]) == (
        "the key of the gateway", "https://sms.example.cn/v2", "hall"
    )  # fmt: skip


async def test_a_gateway_that_cannot_be_is_refused_and_nothing_is_kept(keeper: Client, db: Connection) -> None:
    page = await send(keeper, "way", GATEWAY | {"url": "sms.example.cn"}, 422)
    assert (await db.fetchval("SELECT count(*) FROM notice_ways"), "error-summary" in page.answer.text) == (0, True)


async def test_the_rules_are_kept_and_out_of_range_ones_are_not(keeper: Client, db: Connection) -> None:
    rules = {setting.name: str(setting.usual) for setting in notices.SETTINGS if isinstance(setting.usual, int)}
    typed = rules | {"notice_near_ahead": "5", "notice_quiet_from": "22", "notice_quiet_to": "7", "notice_called": "on"}
    for template in ("taken", "near", "missed"):
        typed.pop(f"notice_{template}")
    await send(keeper, "rule", typed)
    hall = await get_hall(db, "demo")
    assert {name: hall.chosen[name] for name in sorted(hall.chosen)} == {
        "notice_missed": False, "notice_near": False, "notice_near_ahead": 5, "notice_quiet_from": 22, "notice_quiet_to": 7,
        "notice_taken": False,
    }  # fmt: skip
    await send(keeper, "rule", typed | {"notice_near_ahead": "99", "notice_daily_cap": "50"}, 422)
    assert (await get_hall(db, "demo")).chosen == hall.chosen


async def test_wording_is_kept_and_a_strange_gap_is_refused(keeper: Client) -> None:
    page = await look(keeper, PAGE)
    form = next(form for form in page.every if form.fields.get("template") == "called")
    own = {"zh-Hans": "请{ticket}到{window}窗", "zh-Hant": "", "en": "{ticket}: window {window}"}
    assert (await keeper.post(form.action, data={**form.fields, **own})).status_code == 303
    assert "请{ticket}到{window}窗" in (await look(keeper, PAGE)).answer.text
    assert (await keeper.post(form.action, data={**form.fields, **own, "en": "{phone}"})).status_code == 422


async def test_numbers_that_answered_stop_are_kept_as_digests(keeper: Client, db: Connection) -> None:
    page = await send(keeper, "stop", {"numbers": f"{PHONE}\r\n+86 {PHONE}; 13900000001, nonsense"})
    assert ("2 个号码要求停发" in page.words, PHONE in page.answer.text) == (True, False)
    assert await db.fetchval("SELECT count(*) FROM notice_optouts WHERE octet_length(who) = 32") == 2


async def test_failed_ones_are_seen_and_tried_again(keeper: Client, db: Connection, hall: Hall) -> None:
    await db.execute(
        "INSERT INTO notices (hall, subject, template, data, state, why, expires, ended_at) VALUES "
        "($1, 'k', 'called', '{\"ticket\": \"A017\"}', 'failed', 'http 500', now() + interval '1 hour', now())",
        hall.id,
    )
    page = await look(keeper, PAGE)
    assert re.search(r"A017 请到窗口 失败 http 500", page.words)
    page = await send(keeper, "again", {})
    assert re.search(r"A017 请到窗口 待发", page.words)


@pytest.mark.parametrize(("who", "looks", "acts"), [("engineer", 200, 303), ("auditor", 200, 403), ("clerk01", 403, 403)])
async def test_engineers_keep_it_auditors_look_and_clerks_do_not(app: Starlette, who: str, looks: int, acts: int) -> None:
    client, keeper = await staff(app, who), await staff(app, "manager")
    assert (await client.get(PAGE)).status_code == looks
    form = (await look(client, PAGE)).forms[f"{PAGE}/stop"] if looks == 200 else (await look(keeper, PAGE)).forms[f"{PAGE}/stop"]
    assert (await client.post(form.action, data={**form.fields, "numbers": PHONE})).status_code == acts


async def test_a_phone_asks_for_word_sees_its_number_masked_and_says_stop(
    phone: Client, keeper: Client, db: Connection, hall: Hall, settings: Settings
) -> None:
    mine = await ticket(db, hall)
    assert "短信提醒我" not in text((await phone.get(f"/t/{mine.key}")).text)  # the hall sends nothing yet
    await send(keeper, "way", GATEWAY)
    assert "短信提醒我" in text((await phone.get(f"/t/{mine.key}")).text)
    wrong = await phone.post(f"/t/{mine.key}/notices", data={"phone": "nonsense"})
    assert (wrong.status_code, "请填写手机号码" in text(wrong.text)) == (422, True)
    assert (await phone.post(f"/t/{mine.key}/notices", data={"phone": f"+86 {PHONE}"})).status_code == 303
    page = (await phone.get(f"/t/{mine.key}")).text
    assert ("有消息发短信到 139****5678" in text(page), PHONE in page) == (True, False)
    assert await contacts.find(db, mine.key, Seal(settings.secret)) == contacts.Contact("phone", PHONE, False)
    assert (await phone.post(f"/t/{mine.key}/notices/stop")).status_code == 303
    refused = await phone.post(f"/t/{mine.key}/notices", data={"phone": PHONE})
    assert (refused.status_code, "已要求停发" in text(refused.text)) == (409, True)


async def test_a_number_given_when_taking_gets_word_and_is_forgotten_where_no_ticket_came(
    desk: Client, keeper: Client, db: Connection, settings: Settings
) -> None:
    await send(keeper, "way", GATEWAY)
    asked = {"services": ["A"], "phone": "139 1234 5678"}
    for _ in range(2):  # the same request twice: one ticket, one contact
        answer = await desk.post(f"{HALL}/tickets", json=asked, headers={"idempotency-key": "k1"})
        assert answer.status_code == 201
    found = await contacts.find(db, answer.json()["key"], Seal(settings.secret))
    assert found == contacts.Contact("phone", PHONE, False)
    assert (await desk.post(f"{HALL}/tickets", json={"services": ["Z"], "phone": PHONE})).status_code == 422
    assert (await desk.post(f"{HALL}/tickets", json={"services": ["A"], "phone": "x"})).status_code == 422
    assert await db.fetchval("SELECT count(*) FROM notice_contacts") == 1
