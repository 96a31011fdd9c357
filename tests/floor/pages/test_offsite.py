"""What is done off site, for whom, where and with what is the manager's to change, on record; leaders look."""

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from queueing import journal
from queueing.halls import Hall
from scheduling import teams
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, staff
from tests.scheduling.outings import prepared

PLACE = "/demo/offsite"


@pytest.fixture
async def boss(app: Starlette, db: Connection, hall: Hall) -> Client:
    await prepared(db, hall)
    return await staff(app, "manager")


async def send(client: Client, page: Page, form: str, **typed: str) -> Page:
    """Send a form of the page, and go where it leads."""
    answer = await client.post(page.forms[form].action, data={**page.forms[form].fields, **typed})
    return Page(answer) if answer.status_code != 303 else await look(client, answer.headers["location"])


async def test_a_manager_edits_the_rows_and_the_record_says_so(boss: Client, db: Connection, hall: Hall) -> None:
    page = await look(boss, PLACE)
    page = await send(boss, page, "reason-new", kind="other", name="孕产妇", name_en="Expecting")
    assert page.sentence == "已保存" and "孕产妇" in page.answer.text
    await send(boss, page, "reason-occupation", name="职业特殊", credit_hours="12", needs_evidence="1")
    await send(boss, page, "matter-new", code="HALL", kit="photo", minutes="25")
    await send(boss, page, "matter-CARD", drop="1", minutes="30")
    await send(boss, page, "kit-photo", name="拍照包", holds="高拍仪、补光灯", owned="5")
    page = await send(boss, page, "area-new", name="南村", lat="26.4", lon="104.9")
    (work,) = [each for each in await teams.reasons(db, hall) if each.code == "occupation"]
    assert (work.credit_minutes, work.needs_evidence, work.offered, work.kind) == (720, True, False, "occupation")
    assert [(each.code, each.kit, each.minutes) for each in await teams.door_matters(db, hall)] == [
        ("CERT", "photo", 20), ("DEED", None, 40), ("HALL", "photo", 25)]  # fmt: skip
    (kit,) = [each for each in await teams.kits(db, hall) if each.code == "photo"]
    assert (kit.holds, kit.owned) == (["高拍仪", "补光灯"], 5)
    assert [each.name for each in await teams.areas(db, hall)] == ["东街", "西村", "南村"]
    told = [each.data["what"] for each in await journal.read(db, hall.id, 0) if each.kind == "doorstep.offer"]
    assert told == ["reason", "reason", "matter", "matter", "kit", "area"]


@pytest.mark.parametrize(
    ("form", "typed"),
    [
        ("matter-new", {"code": "NONE", "minutes": "20"}), ("matter-CERT", {"minutes": "1"}),
        ("matter-CERT", {"minutes": "soon"}),
        ("kit-photo", {"name": "", "owned": "1"}), ("area-new", {"name": "南村", "lat": "91", "lon": "0"}),
        ("area-new", {"name": "南村", "lat": "north", "lon": "0"}), ("area-east", {"drop": "1", "lat": "0", "lon": "0"}),
    ],
)  # fmt: skip
async def test_what_can_not_be_is_said(boss: Client, db: Connection, hall: Hall, form: str, typed: dict[str, str]) -> None:
    await db.execute(
        "INSERT INTO doorstep_visits (key, hall, reason, channel, matters, minutes, area, asked_on, asked_at) "
        "VALUES ('a key of twenty signs', $1, 'other', 'desk', '{CERT}', 20, 'east', '2027-03-02', hall_now())", hall.id,
    )  # fmt: skip
    page = await send(boss, await look(boss, PLACE), form, **typed)
    assert page.answer.status_code == 422 and page.sentence
    assert not [each for each in await journal.read(db, hall.id, 0) if each.kind == "doorstep.offer"]


async def test_leaders_look_and_nobody_else_changes_it(app: Starlette, boss: Client) -> None:
    leader = await staff(app, "leader01")
    page = await look(leader, PLACE)
    assert "matter-new" not in page.forms and "养老资格认证" in page.words
    changed = {**page.forms["matter-CERT"].fields, "minutes": "20"}
    assert (await leader.post(f"{PLACE}/matter", data=changed)).status_code == 403
    assert (await (await staff(app, "desk01")).get(PLACE)).status_code == 403
