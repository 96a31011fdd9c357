"""Coming in and leaving, and the demo's doors."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from starlette.applications import Starlette

from floor.app import make_app
from floor.boot.demo import open_demo_hall
from floor.boot.furnished import SignIns
from floor.database import Connection
from floor.pages.signin import safe_path
from floor.settings import Settings
from queueing.halls import get_hall
from scheduling.hours import open_doors
from tests.floor.conftest import PASSWORD, Client, client_of
from tests.floor.pages.staff import look, staff


async def test_a_wrong_password_is_told_in_the_form_and_the_name_stays(app: Starlette) -> None:
    client = client_of(app, accept="text/html")
    answer = await client.post("/signin", data={"username": "clerk01", "password": "wrong"})
    assert (answer.status_code, "用户名或密码不正确" in answer.text, 'value="clerk01"' in answer.text) == (401, True, True)


async def test_who_leaves_is_asked_to_sign_in_again(app: Starlette) -> None:
    client = await staff(app, "clerk01")
    page = await look(client, "/demo/console")
    assert (await client.post("/signout", data=page.forms["/signout"].fields)).status_code == 303
    assert (await client.get("/demo/console")).headers["location"] == "/signin?next=/demo/console"


async def test_a_language_chosen_at_work_stays_and_a_kiosk_forgets_it(app: Starlette) -> None:
    client = await staff(app, "clerk01")
    assert "lang" not in client.cookies
    await client.get("/demo/kiosk?lang=en")
    assert "lang" not in client.cookies
    await client.get("/demo/console?lang=en")
    assert (await client.get("/demo/console")).headers["content-language"] == "en"


async def test_another_site_can_not_sign_anybody_in(app: Starlette) -> None:
    client = client_of(app, accept="text/html", origin="http://elsewhere.test")
    assert (await client.post("/signin", data={"username": "clerk01", "password": PASSWORD})).status_code == 403


@pytest.mark.parametrize("path", ["https://elsewhere.test/", "//elsewhere.test", "/\\elsewhere.test", "demo"])
def test_signing_in_never_leads_to_another_site(path: str) -> None:
    assert safe_path(path) == "/"


async def test_a_real_hall_has_no_demo_doors(app: Starlette, anyone: Client) -> None:
    answer = await anyone.post("/signin/demo", data={"who": "manager", "next": "/demo/manage"})
    assert answer.status_code == 403
    assert "/signin/demo" not in (await anyone.get("/")).text


@pytest.fixture
async def demo_settings(settings: Settings) -> Settings:
    return replace(settings, demo=True)


@pytest.fixture
async def demo(db: Connection, demo_settings: Settings) -> SignIns:
    """The demo hall, as the first start makes it."""
    sign_ins = await open_demo_hall(db, demo_settings)
    await open_doors(db, await get_hall(db, sign_ins.hall))
    return sign_ins


@pytest.fixture
async def visitor(demo: SignIns, demo_settings: Settings) -> AsyncIterator[Client]:
    """A newcomer's browser at the demo."""
    made = make_app(demo_settings)
    async with made.router.lifespan_context(made):
        yield client_of(made, accept="text/html")


async def test_every_door_of_the_demo_opens_with_one_click(visitor: Client) -> None:
    doors = [form.fields for form in (await look(visitor, "/")).every if form.action == "/signin/demo"]
    opened = {}
    for door in doors:  # of the page as it was drawn before anybody signed in: it stays open in its tab
        answer = await visitor.post("/signin/demo", data=door)
        opened[door["next"]] = (answer.status_code, (await visitor.get(door["next"], follow_redirects=True)).status_code)
    names = (
        "kiosk", "door", "board/A", "tv", "wall", "pad/1", "console", "console/1", "shifts", "desk", "helps", "papers", "orders",
        "field", "manage", "calendar", "roster", "bookings", "dispatch", "matters", "rules", "sites", "notices", "fleet", "voice",
        "faults",
    )  # fmt: skip
    assert opened == {f"/demo/{name}": (303, 200) for name in names}


async def test_a_click_is_enough_to_be_the_manager(visitor: Client) -> None:
    answer = await visitor.post("/signin/demo", data={"who": "manager", "next": "/demo/manage"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo/manage")
    assert "林静" in (await look(visitor, "/demo/manage")).words


@pytest.mark.parametrize(("who", "page"), [("door01", "field"), ("agent02", "orders"), ("desk01", "desk")])
async def test_a_click_without_a_page_leads_to_the_own_work_with_a_way_back(visitor: Client, who: str, page: str) -> None:
    answer = await visitor.post("/signin/demo", data={"who": who})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/demo/{page}")
    assert re.search(r'href="/">\s*演示首页', (await look(visitor, f"/demo/{page}")).answer.text)


async def test_a_click_makes_the_browser_a_kiosk(visitor: Client) -> None:
    answer = await visitor.post("/signin/demo", data={"who": "kiosk", "next": "/demo/kiosk"})
    assert (answer.status_code, [cookie.name for cookie in visitor.cookies.jar]) == (303, ["hall_kiosk"])
    assert "社保医保" in (await look(visitor, "/demo/kiosk")).words


async def test_a_kiosk_page_opened_by_itself_is_switched_on_where_it_stands(visitor: Client) -> None:
    start = (await look(visitor, "/demo/kiosk", 403)).forms["/signin/demo"]
    answer = await visitor.post(start.action, data=start.fields)
    assert (answer.status_code, answer.headers["location"]) == (303, "/demo/kiosk")
    page = await look(visitor, "/demo/kiosk")
    assert ("社保医保" in page.words, "/signin/demo" in page.forms) == (True, False)


async def test_in_a_real_hall_a_kiosk_that_is_off_names_who_switches_it_on(anyone: Client) -> None:
    page = await look(anyone, "/demo/kiosk", 403)
    assert "请设备管理员在这里登录" in page.words
    assert ('href="/signin?next=/demo/fleet"' in page.answer.text, "/signin/demo" in page.forms) == (True, False)


async def test_the_code_at_the_door_of_the_demo_opens_without_a_phone(visitor: Client) -> None:
    await visitor.post("/signin/demo", data={"who": "desk01", "next": "/demo/door"})
    code = re.search(r"/demo/take\?code=\w+", (await look(visitor, "/demo/door")).answer.text)
    assert code is not None and "take" in (await look(visitor, code.group())).forms


async def test_mirrors_keep_whoever_is_signed_in(visitor: Client) -> None:
    await visitor.post("/signin/demo", data={"who": "clerk01", "next": "/demo/console"})
    page = await look(visitor, "/")
    wall = next(form for form in page.every if form.fields.get("next") == "/demo/wall")
    assert (await visitor.post(wall.action, data=wall.fields)).status_code == 303
    assert "陈晓芸" in (await look(visitor, "/")).words
