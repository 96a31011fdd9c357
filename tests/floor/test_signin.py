"""Signing in, staying in, and being out everywhere."""

import asyncio
import hashlib
import hmac
import time
from dataclasses import replace

import pytest
from starlette.applications import Starlette

from floor import people, signin
from floor.api import limits
from floor.database import Connection
from floor.people import User, find_user
from floor.signin import KIOSK_COOKIE, STAFF_COOKIE
from tests.floor.conftest import PASSWORD, Client, SignsIn, client_of
from tests.floor.visits import HALL, said, take

OURS = {"Origin": "http://hall.test"}


async def user_of(db: Connection, username: str) -> User:
    user = await find_user(db, username)
    assert user is not None
    return user


class Browser:
    """A browser with a cookie and what its pages know."""

    def __init__(self, app: Starlette, cookie: str, token: str) -> None:
        self.client = client_of(app, cookie=f"{cookie}={token}")
        self.token = token
        self.app = app

    def proof(self) -> dict[str, str]:
        """What a page of this browser sends along: the contract of X-CSRF-Token, made anew here."""
        secret = self.app.state.settings.secret
        return {"X-CSRF-Token": hmac.new(secret, f"csrf:{self.token}".encode(), hashlib.sha256).hexdigest(), **OURS}


async def browser(app: Starlette, db: Connection, username: str) -> Browser:
    opened = await signin.open_session(db, await user_of(db, username))
    return Browser(app, STAFF_COOKIE, opened.token)


async def test_a_name_and_its_password_give_a_token_for_a_shift(anyone: Client) -> None:
    answer = await anyone.post("/api/v1/sessions", json={"username": "clerk01", "password": PASSWORD})
    assert answer.json()["user"] == {"username": "clerk01", "name": "姓名clerk01", "roles": ["clerk"]}
    assert len(answer.json()["token"]) == 43


async def test_a_wrong_password_and_an_unknown_name_are_the_same_refusal(anyone: Client) -> None:
    wrong = await anyone.post("/api/v1/sessions", json={"username": "clerk01", "password": "no"})
    nobody = await anyone.post("/api/v1/sessions", json={"username": "nobody", "password": "no"})
    assert (said(wrong), wrong.json()) == ((401, "not_signed_in"), nobody.json())


async def test_guessing_gets_slower_and_then_has_to_wait(app: Starlette, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SLOWEST_S", 0.2)
    async with client_of(app, "10.0.0.66") as guesser:
        started = time.monotonic()
        tries = [await guesser.post("/api/v1/sessions", json={"username": "desk01", "password": f"no{n}"}) for n in range(11)]
        assert [answer.status_code for answer in tries] == [401] * 10 + [429]
        assert (said(tries[-1]), time.monotonic() - started > 1.8) == ((429, "too_fast"), True)
        assert 0 < int(tries[-1].headers["retry-after"]) <= 60
    async with client_of(app, "10.0.0.67") as owner:
        right = await owner.post("/api/v1/sessions", json={"username": "desk01", "password": PASSWORD})
        assert right.status_code == 201


async def test_a_disabled_user_is_out_within_five_seconds(app: Starlette, desk: Client, db: Connection, hall_id: int) -> None:
    await take(desk)
    await people.disable_user(db, hall_id, "desk01")
    await asyncio.sleep(signin.KEPT_S)
    assert said(await desk.get(f"{HALL}/tickets")) == (401, "not_signed_in")


async def test_signing_out_ends_the_token_at_once(desk: Client) -> None:
    assert (await desk.delete("/api/v1/sessions/current")).status_code == 204
    assert said(await desk.get(f"{HALL}/tickets")) == (401, "not_signed_in")
    assert said(await desk.delete("/api/v1/sessions/current")) == (401, "not_signed_in")


async def test_a_shift_ends(desk: Client, app: Starlette, db: Connection) -> None:
    await db.execute("UPDATE sessions SET expires = now() - interval '1 second'")
    app.state.sessions = signin.Sessions(app.state.pool)
    assert said(await desk.get(f"{HALL}/tickets")) == (401, "not_signed_in")


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer", "Basic YTpi", "Device x", "Device dv_1:\0", ""])
async def test_credentials_that_are_none_are_refused_even_where_nobody_is_asked(
    app: Starlette, header: str, hall_id: int
) -> None:
    answer = await client_of(app, authorization=header).post("/api/v1/tickets/x/cancel")
    assert said(answer) in ((401, "not_signed_in"), (404, "not_found"))
    assert said(await client_of(app, authorization=header).get(f"{HALL}/tickets")) == (401, "not_signed_in")


async def test_a_cookie_reads_but_acts_only_with_the_pages_proof(app: Starlette, db: Connection, desk: Client) -> None:
    page = await browser(app, db, "clerk01")
    path = f"{HALL}/windows/1/open"
    assert (await page.client.get(f"{HALL}/tickets")).status_code == 200
    assert said(await page.client.post(path)) == (403, "not_allowed")
    assert said(await page.client.post(path, headers={**page.proof(), "X-CSRF-Token": "0" * 64})) == (403, "not_allowed")
    assert (await page.client.post(path, headers=page.proof())).status_code == 200


@pytest.mark.parametrize(
    "foreign",
    [{"Origin": "http://evil.test"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
     {"Origin": "https://hall.test"}, {"Origin": "http://hall.test:81"}],
)  # fmt: skip
async def test_another_sites_page_cannot_act_even_with_the_proof(app: Starlette, db: Connection, foreign: dict[str, str]) -> None:
    page = await browser(app, db, "clerk01")
    assert said(await page.client.post(f"{HALL}/windows/1/open", headers=page.proof() | foreign)) == (403, "not_allowed")


async def test_a_sign_in_of_another_person_proves_nothing(app: Starlette, db: Connection) -> None:
    mine, theirs = await browser(app, db, "clerk01"), await browser(app, db, "clerk02")
    assert said(await mine.client.post(f"{HALL}/windows/1/open", headers=theirs.proof())) == (403, "not_allowed")


async def test_a_kiosk_page_takes_as_its_dispenser_and_does_nothing_else(app: Starlette, db: Connection, manager: Client) -> None:
    made = (await manager.post(f"{HALL}/devices", json={"kind": "dispenser", "name": "大厅1"})).json()
    opened = await signin.open_kiosk(db, await user_of(db, "engineer"), made["id"])
    page = Browser(app, KIOSK_COOKIE, opened.token)
    answer = await page.client.post(f"{HALL}/tickets", json={"services": ["A"]}, headers=page.proof())
    assert (answer.status_code, answer.json()["channel"]) == (201, "dispenser")
    assert said(await page.client.get(f"{HALL}/tickets")) == (403, "not_allowed")
    staff = Browser(app, STAFF_COOKIE, opened.token)  # a kiosk's sign-in is no staff's
    assert said(await staff.client.get(f"{HALL}/tickets")) == (401, "not_signed_in")


async def test_staff_of_one_hall_are_strangers_in_another(db: Connection, desk: Client, clerk: Client) -> None:
    other = await db.fetchval("INSERT INTO halls (code, name) VALUES ('other', '别处') RETURNING id")
    await db.execute("INSERT INTO hall_streams (hall, epoch) VALUES ($1, 'k9')", other)
    assert said(await desk.get("/api/v1/halls/other/tickets")) == (403, "not_allowed")
    assert said(await clerk.post("/api/v1/halls/other/windows/1/next")) == (403, "not_allowed")


async def test_over_https_cookies_carry_the_host_prefix(app: Starlette, db: Connection) -> None:
    app.state.settings = replace(app.state.settings, public_url="https://hall.test", plain_http=False)
    opened = await signin.open_session(db, await user_of(db, "clerk01"))
    plain, prefixed = Browser(app, STAFF_COOKIE, opened.token), Browser(app, f"__Host-{STAFF_COOKIE}", opened.token)
    assert said(await plain.client.get(f"{HALL}/tickets")) == (401, "not_signed_in")
    assert (await prefixed.client.get(f"{HALL}/tickets")).status_code == 200


async def test_nobody_learns_a_token_or_password_from_the_tables(db: Connection, desk: Client) -> None:
    rows = str(await db.fetch("SELECT to_jsonb(s)::text FROM sessions s")) + str(await db.fetch("SELECT password FROM users"))
    token = desk.headers["authorization"].removeprefix("Bearer ")
    assert (token in rows, PASSWORD in rows, "$argon2id$" in rows) == (False, False, True)


async def test_a_clerk_signs_in_twice(sign_in: SignsIn) -> None:
    first, second = await sign_in("clerk01"), await sign_in("clerk01")
    assert first.headers["authorization"] != second.headers["authorization"]
