"""Who comes and who works in the fortnight: a manager on the pages, citizens at a dispenser, clerks at their windows."""

import asyncio
import re
import secrets
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import httpx2

from tests.storm.hall import PASSWORD, Hall

PATIENCE = 10
API = "/api/v1/halls/demo"
CSRF = re.compile(r'"X-CSRF-Token": "([^"]*)"')  # empty before anybody has signed in
NUMBER = re.compile(r'class="number">([A-Z]+\d+)<')
CALENDAR = "/demo/calendar"


@dataclass
class Answer:
    """An HTTP status and what came with it."""

    status: int
    body: Any

    @property
    def code(self) -> str:
        return str(self.body.get("code", "")) if isinstance(self.body, dict) else ""


@dataclass
class Browser:
    """A browser at the hall in which somebody has signed in by the demo's front door."""

    web: httpx2.AsyncClient
    csrf: str = ""

    async def enter(self, who: str) -> "Browser":
        entered = await self.press("/signin/demo", {"who": who, "next": "/"})
        assert entered.status_code == 303, f"{who}: {entered.status_code} {entered.text[:300]}"
        self.csrf = found(CSRF, (await self.web.get("/")).text)  # of the sign-in, on all its pages
        return self

    async def press(self, path: str, form: dict[str, Any]) -> httpx2.Response:
        """Send a form of the hall's own page."""
        headers = {"origin": str(self.web.base_url).rstrip("/"), "x-csrf-token": self.csrf}
        return await self.web.post(path, data=form, headers=headers)


def found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    words = re.sub(r"<[^>]+>|\s+", " ", text)
    assert match, f"no {pattern.pattern} in {words[:900]}"
    return match.group(1)


@dataclass
class People:
    """Everybody, by what they can do."""

    hall: Hall
    tokens: dict[str, str] = field(default_factory=dict)
    browsers: dict[str, Browser] = field(default_factory=dict)
    booked: int = 0

    def __post_init__(self) -> None:
        self.web = httpx2.AsyncClient(base_url=self.hall.webs[0], timeout=20, verify=False)

    async def close(self) -> None:
        for browser in self.browsers.values():
            await browser.web.aclose()
        await self.web.aclose()

    async def sign_in(self, *names: str) -> None:
        """Begin a working day: yesterday's sign-ins have run out."""
        for name in names:
            if name in ("manager", "kiosk"):
                await self.at_desk(name)
                continue
            answer = await self.web.post("/api/v1/sessions", json={"username": name, "password": PASSWORD})
            assert answer.status_code == 201, f"{name}: {answer.text}"
            self.tokens[name] = answer.json()["token"]

    async def at_desk(self, name: str) -> Browser:
        """A fresh browser of somebody, signed in."""
        if old := self.browsers.pop(name, None):
            await old.web.aclose()
        web = httpx2.AsyncClient(base_url=self.hall.webs[0], timeout=20, verify=False, headers={"accept": "text/html"})
        self.browsers[name] = await Browser(web).enter(name)
        return self.browsers[name]

    async def act(self, who: str | None, method: str, path: str, body: dict[str, Any] | None = None) -> Answer:
        headers = {"Idempotency-Key": secrets.token_hex(8)} if method != "GET" else {}
        if who:
            headers["Authorization"] = f"Bearer {self.tokens[who]}"
        for _ in range(PATIENCE):
            reply = await self.web.request(method, path, json=body, headers=headers)
            if reply.status_code != 503:
                break
            await asyncio.sleep(0.5)  # a machine that does much else; the same press again
        return Answer(reply.status_code, reply.json() if reply.content else {})

    # ---- the manager

    async def set_kind(self, code: str, form: dict[str, Any]) -> None:
        answer = await self.browsers["manager"].press(f"{CALENDAR}/kinds/{code}", form)
        assert answer.status_code == 303, f"{code}: {answer.status_code}"

    async def set_day(self, day: date, kind: str, name: str) -> None:
        form = {"day_type": kind, "name": name}
        answer = await self.browsers["manager"].press(f"{CALENDAR}/{day}", form)
        assert answer.status_code == 303, f"{day}: {answer.status_code}"

    async def roster(self, week: date, act: str, **form: str) -> None:
        answer = await self.browsers["manager"].press(f"/demo/roster/{week}/{act}", form)
        assert answer.status_code == 303, f"roster {week} {act} {form}: {answer.status_code} {answer.text[-600:]}"

    async def board(self) -> str:
        """What stands on the manager's board."""
        return (await self.browsers["manager"].web.get("/demo/manage")).text

    # ---- citizens

    async def touch(self, service: str) -> str:
        """Touch a service at the dispenser; the number, or nothing where there is a sentence instead."""
        answer = await self.browsers["kiosk"].press(
            "/demo/kiosk/take", {"service": service, "press": secrets.token_hex(8), "lang": "zh-Hans"}
        )
        assert answer.status_code in (200, 409), f"take {service}: {answer.status_code} {answer.text[:300]}"
        return found(NUMBER, answer.text) if answer.status_code == 200 else ""

    async def check_in(self, code: str) -> str:
        """Type a booking's code at the dispenser; the number, or nothing."""
        form = {"code": code, "press": secrets.token_hex(8), "lang": "zh-Hans"}
        answer = await self.browsers["kiosk"].press("/demo/kiosk/check-in", form)
        return found(NUMBER, answer.text) if answer.status_code == 200 else ""

    async def offered(self, service: str, day: date) -> dict[datetime, int]:
        """The places of a day, each with how many are left."""
        answer = await self.act(None, "GET", f"{API}/slots?service={service}&from={day}&to={day}")
        assert answer.status == 200, answer.body
        return {datetime.fromisoformat(slot["start"]): slot["left"] for slot in answer.body}

    async def book(self, service: str, start: datetime) -> Answer:
        """A new person books a place."""
        self.booked += 1
        body = {"service": service, "start": start.isoformat(), "name": "李小明", "id_number": f"P{self.booked:08}"}
        return await self.act(None, "POST", f"{API}/appointments", body)

    # ---- clerks

    async def at_window(self, who: str, window: str, act: str, body: dict[str, Any] | None = None) -> Answer:
        return await self.act(who, "POST", f"{API}/windows/{window}/{act}", body or {})
