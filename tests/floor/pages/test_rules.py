"""The manager's rules: seen by those who watch, changed by the manager after a look at what would change, tried on an hour."""

import html
import re

import pytest
from starlette.applications import Starlette

from displays import notices
from floor.database import Connection
from floor.pages.rules import CARDS, MORE
from queueing.settings import SETTINGS
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, staff
from tests.floor.visits import at, opened, take
from tests.scheduling.clocks import half_past


@pytest.fixture
async def lin(app: Starlette) -> Client:
    return await staff(app, "manager")


def typed(page: Page, **values: str) -> dict[str, str]:
    """The form as it stands, with these values typed over."""
    return {"csrf": page.forms["rules"].fields["csrf"], **{name.replace("__", "."): value for name, value in values.items()}}


async def test_a_change_is_confirmed_saved_and_shown(lin: Client, db: Connection) -> None:
    page = await look(lin, "/demo/rules")
    answer = await lin.post("/demo/rules/check", data=typed(page, set__interleave="2", category__veteran__credit_minutes="45"))
    confirm = Page(answer)
    assert (answer.status_code, "30" in confirm.words, "45" in confirm.words) == (200, True, True)
    asked = html.unescape(str(confirm.forms["/demo/rules"].fields["changes"]))
    saved = await lin.post("/demo/rules", data={"csrf": confirm.forms["/demo/rules"].fields["csrf"], "changes": asked})
    assert (saved.status_code, saved.headers["location"]) == (303, "/demo/rules?said=saved")
    assert await db.fetchval("SELECT credit_minutes FROM categories WHERE code = 'veteran'") == 45
    assert await db.fetchval("SELECT value FROM settings WHERE name = 'interleave'") == 2
    late = await lin.post("/demo/rules", data={"csrf": confirm.forms["/demo/rules"].fields["csrf"], "changes": asked})
    assert (late.status_code, "别人刚改过" in late.text) == (409, True)


async def test_what_can_not_be_used_is_marked_and_nothing_is_asked(lin: Client) -> None:
    page = await look(lin, "/demo/rules")
    answer = await lin.post("/demo/rules/check", data=typed(page, set__interleave="99", hall__return_after="7"))
    assert answer.status_code == 422
    field = re.search(r'<input[^>]*name="set.interleave"[^>]*>', answer.text)
    assert field is not None
    assert ('value="99"' in field[0], "aria-invalid" in field[0], "应在 0 到 50 之间" in answer.text) == (True, True, True)
    kept = re.search(r'<input[^>]*name="hall.return_after"[^>]*>', answer.text)
    assert kept is not None
    assert 'value="7"' in kept[0]


async def test_a_preview_plays_the_hour_and_changes_nothing(lin: Client, desk: Client, clerk: Client, db: Connection) -> None:
    await half_past(db)
    await opened(clerk)
    for _ in range(3):
        await take(desk)
    for act in ("next", "finish", "next", "finish", "next"):
        await at(clerk, "1", act)
    hour = await db.fetchval("SELECT extract(hour FROM hall_now() AT TIME ZONE 'Asia/Shanghai')::int")
    page = await look(lin, "/demo/rules")
    answer = await lin.post("/demo/rules/preview", data=typed(page, hour=str(hour), set__interleave="2"))
    assert answer.status_code == 200
    assert re.findall(r'class="number">(\w+)<', answer.text) == ["A001", "A002", "A003"]
    assert "社会保险" in answer.text
    assert await db.fetchval("SELECT count(*) FROM settings") == 0
    nothing = await lin.post("/demo/rules/preview", data=typed(page, hour="nonsense"))
    assert (nothing.status_code, "number" in nothing.text) == (200, False)


async def test_a_group_is_added_and_a_pause_is_lifted_with_a_reason(lin: Client, db: Connection) -> None:
    page = await look(lin, "/demo/rules")
    csrf = page.forms["rules"].fields["csrf"]
    made = await lin.post("/demo/rules/add/category", data={"csrf": csrf, "key": "agent", "name": "多件代办"})
    assert made.status_code == 303
    twice = await lin.post("/demo/rules/add/category", data={"csrf": csrf, "key": "agent", "name": "多件代办"})
    assert twice.status_code == 409
    ban = await db.fetchval(
        "INSERT INTO bans (hall, person, id_mask, strikes, made_at, until)"
        " SELECT id, 'x', '002X', 3, now(), now() + interval '1 day' FROM halls RETURNING id"
    )
    assert "…002X" in (await look(lin, "/demo/rules")).words
    lifted = await lin.post(f"/demo/rules/pause/{ban}", data={"csrf": csrf, "why": "情况属实"})
    assert lifted.status_code == 303
    assert await db.fetchval("SELECT lifted_by FROM bans") == "manager:manager"


async def test_an_auditor_reads_and_a_clerk_does_not(app: Starlette) -> None:
    auditor = await staff(app, "auditor")
    page = await look(auditor, "/demo/rules")
    assert "fieldset" in page.answer.text and page.by_id.get("preview") is not None
    refused = await auditor.post("/demo/rules/check", data=typed(page, set__interleave="2"))
    assert refused.status_code == 403
    assert (await (await staff(app, "clerk01")).get("/demo/rules")).status_code == 403


@pytest.mark.parametrize("lang", ["zh-Hans", "zh-Hant", "en"])
async def test_every_field_and_choice_has_its_word(lin: Client, lang: str) -> None:
    page = await look(lin, f"/demo/rules?lang={lang}")
    assert page.answer.headers["content-language"] == lang
    leads = re.findall(r'<a href="#([a-z]+)">', page.answer.text)
    assert leads[: len(CARDS)] == list(CARDS) and [name for name in leads if name not in page.by_id] == []


async def test_every_setting_has_its_field_on_the_page_it_is_told_of(lin: Client) -> None:
    rules, texts = [(await look(lin, f"/demo/{page}")).answer.text for page in ("rules", "notices")]
    fields = sorted(name for name in re.findall(r'name="set\.([a-z_]+)"', rules))
    assert sorted(set(fields)) == sorted(setting.name for setting in (*SETTINGS, *MORE))
    assert [setting.name for setting in notices.SETTINGS if f'name="{setting.name}"' not in texts] == []
