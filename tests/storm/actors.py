"""The people of the storm: citizens who insist, clerks who press all at once; each act is written down before and after."""

import asyncio
import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx2

from tests.storm.hall import PASSWORD, Hall
from tests.storm.history import History, Op

GIVE_UP_S = 3.0  # a request that takes longer has an unknown outcome
CLERKS = 20
SERVICES = ["A", "B"]  # all twenty windows serve both, so that all twenty reach for the same tickets


class Caller:
    """HTTP to both web processes, from an address of its own as each citizen's phone has, recorded in the history."""

    def __init__(self, hall: Hall, history: History, luck: random.Random, address: str = "127.0.0.1"):
        self.history, self.luck = history, luck
        transport = httpx2.AsyncHTTPTransport(local_address=address)
        self.webs = [httpx2.AsyncClient(base_url=web, timeout=GIVE_UP_S, transport=transport) for web in hall.webs]

    async def close(self) -> None:
        for web in self.webs:
            await web.aclose()

    async def once(
        self, who: str, act: str, path: str, body: dict[str, Any], *, press: str, token: str | None, web: int,
        noted: dict[str, Any] | None = None,
    ) -> Op:  # fmt: skip
        """One request. No answer leaves it `info`, unless it was certainly never sent."""
        headers = {"Idempotency-Key": press} if press else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        op = self.history.invoke(who, act, press, noted or body, web)
        try:
            reply = await self.webs[web].post(path, json=body, headers=headers)
        except httpx2.ConnectError as fault:
            self.history.settle(op, "fail", 0, "no_connection", {"fault": repr(fault)}, {})
        except httpx2.TransportError as fault:
            self.history.settle(op, "info", 0, "no_answer", {"fault": repr(fault)}, {})
        else:
            answer = reply.json() if reply.content else {}
            outcome = "ok" if reply.status_code < 300 else "info" if reply.status_code >= 500 and press else "fail"
            if reply.status_code == 503:
                outcome = "info"  # refused before or after the commit, the caller can't tell
            code = answer.get("code", "") if isinstance(answer, dict) else ""
            self.history.settle(op, outcome, reply.status_code, code, answer, dict(reply.headers))  # type: ignore[arg-type]
        return op

    async def insist(
        self, who: str, act: str, path: str, body: dict[str, Any], *, token: str | None, tries: int = 4,
        noted: dict[str, Any] | None = None,
    ) -> Op:  # fmt: skip
        """Ask until there is an answer, always with the same press and at whichever web process; sometimes press twice."""
        press = secrets.token_hex(12)
        web = self.luck.randrange(2)
        if self.luck.random() < 0.1:
            asked = [self.once(who, act, path, body, press=press, token=token, web=at, noted=noted) for at in (0, 1)]
            first, second = await asyncio.gather(*asked)
            if "ok" in (first.outcome, second.outcome):
                return first if first.outcome == "ok" else second
        for attempt in range(tries):
            op = await self.once(who, act, path, body, press=press, token=token, web=web, noted=noted)
            if op.outcome != "info" and op.code != "no_connection":
                return op
            web = 1 - web
            await asyncio.sleep(0.2 * (attempt + 1))
        return op


@dataclass
class People:
    """Everybody in the hall during one storm."""

    hall: Hall
    history: History
    seed: int
    over: asyncio.Event = field(default_factory=asyncio.Event)  # no new citizens
    home: asyncio.Event = field(default_factory=asyncio.Event)  # clerks stop too
    gong: asyncio.Condition = field(default_factory=asyncio.Condition)
    tokens: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)  # printed number -> key
    dispenser: str | None = None
    staff: Caller = field(init=False)
    phones: list[Caller] = field(init=False)

    def __post_init__(self) -> None:
        self.staff = Caller(self.hall, self.history, random.Random(self.seed))
        self.phones = [Caller(self.hall, self.history, random.Random(self.seed + n), f"127.0.0.{n}") for n in range(2, 22)]

    async def close(self) -> None:
        for caller in (self.staff, *self.phones):
            await caller.close()

    async def sign_in(self) -> None:
        names = ["desk01", "manager", "engineer", *(f"clerk{n:02d}" for n in range(1, CLERKS + 1))]
        for name in names:
            reply = await self.staff.webs[0].post("/api/v1/sessions", json={"username": name, "password": PASSWORD})
            reply.raise_for_status()
            self.tokens[name] = reply.json()["token"]

    async def strike(self, every_s: float) -> None:
        """The gong at which all clerks press next together."""
        while not self.home.is_set():
            await asyncio.sleep(every_s)
            async with self.gong:
                self.gong.notify_all()

    async def citizens(self, per_second: float) -> None:
        luck = random.Random(self.seed * 31)
        async with asyncio.TaskGroup() as visits:
            while not self.over.is_set():
                visits.create_task(self.visit(random.Random(luck.random())))
                await asyncio.sleep(luck.expovariate(per_second))

    async def visit(self, luck: random.Random) -> None:
        """Take a number (now and then on paper, now and then give up)."""
        services = luck.choice([["A"], ["B"], ["A", "B"]])
        body: dict[str, Any] = {"services": services}
        if luck.random() < 0.2:
            body |= {"category": luck.choice(("soldier", "disabled", "ill")), "evidence": "证件"}
        if luck.random() < 0.3:  # some of few people: the day's limit turns them away sooner or later
            body["id_number"] = f"H{luck.randint(1, 6):08d}"
        if self.dispenser and luck.random() < 0.1:
            body["print_at"] = self.dispenser
        op = await self.staff.insist("desk", "take", "/api/v1/halls/demo/tickets", body, token=self.tokens["desk01"])
        if op.outcome != "ok":
            return
        key = op.answer["key"]
        self.keys[op.answer["number"]] = key
        if luck.random() < 0.1:
            await self.phone(luck, "rate", key, {"level": 5, "reasons": []})  # too early: must be refused
        if luck.random() < 0.05:
            await asyncio.sleep(luck.random())
            await self.phone(luck, "cancel", key, {})

    async def phone(self, luck: random.Random, act: str, key: str, body: dict[str, Any]) -> Op:
        path = f"/api/v1/tickets/{quote(key)}/{'rating' if act == 'rate' else act}"
        return await luck.choice(self.phones).insist("phone", act, path, body, token=None, noted={**body, "key": key})

    async def rate(self, luck: random.Random, number: str) -> None:
        key = self.keys.get(number)
        if key is None or luck.random() > 0.3:
            return
        level = luck.randint(1, 5)
        await self.phone(luck, "rate", key, {"level": level, "reasons": []})
        if luck.random() < 0.3:
            await self.phone(luck, "rate", key, {"level": 6 - level, "reasons": []})  # a second opinion is refused


@dataclass
class Clerk:
    """One of twenty: presses next with all the others at the gong, then does something to whoever came."""

    people: People
    number: int
    luck: random.Random
    held: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return f"clerk{self.number:02d}"

    async def press(self, act: str, body: dict[str, Any] | None = None) -> Op:
        path = f"/api/v1/halls/demo/windows/{self.number}/{act}"
        return await self.people.staff.insist(self.name, act, path, body or {}, token=self.people.tokens[self.name])

    async def work(self) -> None:
        await self.press("open", {"services": SERVICES})
        while not self.people.home.is_set():
            async with self.people.gong:
                await self.people.gong.wait()
            op = await self.press("next")
            if op.code == "window_busy":
                await self.press("finish")
            elif op.code == "window_not_open":
                await self.press("open", {"services": SERVICES})
            elif op.status == 200:
                await self.see(op.answer["ticket"]["number"])

    async def see(self, number: str) -> None:
        """What becomes of a visit, by chance."""
        await asyncio.sleep(self.luck.uniform(0.05, 0.6))
        path = self.luck.choices((self.serve, self.call_again, self.set_aside, self.send_on), (80, 8, 6, 6))[0]
        act: Callable[[str], Awaitable[None]] = path
        await act(number)

    async def serve(self, number: str) -> None:
        if self.luck.random() < 0.7:
            await self.press("arrive")
            await asyncio.sleep(self.luck.uniform(0.05, 0.3))
        for _ in range(2):
            op = await self.press("finish", {"outcome": "done"})
            if op.answer.get("state") != "serving":
                break
        if op.outcome == "ok" and op.answer["state"] == "finished":
            await self.people.rate(self.luck, number)

    async def call_again(self, number: str) -> None:
        await self.press("recall")
        for _ in range(10):
            if (await self.press("no-show")).code != "too_early":
                return
            await asyncio.sleep(1)

    async def set_aside(self, number: str) -> None:
        op = await self.press("hold", {"kind": self.luck.choice(("with_papers", "without_papers", "waiting"))})
        await asyncio.sleep(0.3)
        if op.outcome == "ok" and self.luck.random() < 0.4:
            key = quote(op.answer["key"])
            await self.people.staff.insist(
                self.name, "release", f"/api/v1/tickets/{key}/release", {}, token=self.people.tokens[self.name]
            )
            return
        if op.outcome == "ok" and (await self.press("resume-held", {"number": number})).outcome == "ok":
            await self.serve(number)

    async def send_on(self, number: str) -> None:
        position = self.luck.choice(("front", "keep", "back"))
        target = self.luck.choice(({"to_service": "B"}, {"to_window": str(self.luck.randint(1, CLERKS))}))
        await self.press("transfer", {**target, "position": position})
