"""The one-time link that makes the first manager."""

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette

from floor.app import make_app
from floor.database import Connection
from floor.first import first_link
from floor.settings import Settings
from tests.floor.conftest import Client, client_of

FORM = {"code": "north", "hall": "北区政务大厅", "username": "li", "name": "李", "password": "a long enough one"}


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[Starlette]:
    """A house that nobody works in."""
    made = make_app(settings)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
def browser(app: Starlette) -> Client:
    return client_of(app, accept="text/html", origin="http://hall.test")


async def test_the_link_makes_a_hall_and_its_manager_once(app: Starlette, browser: Client, db: Connection) -> None:
    link = await first_link(db)
    assert link is not None
    assert (await browser.get(link)).status_code == 200
    made = await browser.post(link, data=FORM)
    assert (made.status_code, made.headers["location"], "hall_session=" in made.headers["set-cookie"]) == (
        303,
        "/north/manage",
        True,
    )
    signed_in = await client_of(app).post("/api/v1/sessions", json={"username": "li", "password": FORM["password"]})
    assert signed_in.json()["user"]["roles"] == ["manager", "engineer"]
    assert (await browser.get(link)).status_code == 404
    assert (await browser.post(link, data=FORM | {"username": "mallory"})).status_code == 404
    assert await first_link(db) is None


async def test_each_start_prints_a_new_link_and_the_old_one_dies(browser: Client, db: Connection) -> None:
    old, new = await first_link(db), await first_link(db)
    assert old is not None
    assert new is not None
    assert ((await browser.get(old)).status_code, (await browser.get(new)).status_code) == (404, 200)


async def test_what_cannot_be_used_is_marked_and_the_link_stays_good(browser: Client, db: Connection) -> None:
    link = await first_link(db)
    assert link is not None
    answer = await browser.post(link, data=FORM | {"code": "North Hall", "password": "short"})
    assert (answer.status_code, answer.text.count('aria-invalid="true"'), "short" in answer.text) == (422, 2, False)
    assert (await browser.get(link)).status_code == 200


async def test_another_sites_form_makes_nobody(app: Starlette, db: Connection) -> None:
    link = await first_link(db)
    assert link is not None
    assert (await client_of(app, origin="http://evil.test").post(link, data=FORM)).status_code == 403
    assert await db.fetchval("SELECT count(*) FROM users") == 0
