"""How the crowd reaches the hall: the public HTTP contract and nothing else, patiently and without acting twice."""

import asyncio
import secrets
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx2

from floor.boot.crowd.day import CLOSES_MIN, OPENS_MIN

# What a hall may rightly answer to a crowd: two people reached for the same thing, or the moment has passed.
EXPECTED = frozenset((
    "nobody_waiting", "window_busy", "window_taken", "window_not_open", "not_in_that_state", "too_early", "still_waiting",
    "closed", "past_last_ticket", "quota_full", "already_rated", "too_late", "not_finished",
))  # fmt: skip


class Clock:
    """The simulated time of day. Nights are skipped: when the doors close it is opening time again."""

    def __init__(self, speed: float, start_minute: float):
        self.speed = speed
        self.over = asyncio.Event()
        self._zero, self._start = time.monotonic(), start_minute - OPENS_MIN

    @property
    def elapsed_s(self) -> float:
        """Simulated seconds since the crowd began."""
        return (time.monotonic() - self._zero) * self.speed

    @property
    def minute(self) -> float:
        """Minute of the simulated day."""
        return OPENS_MIN + (self._start + self.elapsed_s / 60) % (CLOSES_MIN - OPENS_MIN)

    async def sleep(self, simulated_s: float, at_least_s: float = 0.0) -> None:
        """Wait, but no longer than the crowd lasts."""
        await self.sleep_real(max(simulated_s / self.speed, at_least_s))

    async def sleep_real(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self.over.wait(), seconds)
        except TimeoutError:
            return


@dataclass(frozen=True)
class Answer:
    """What the hall said: an HTTP status, its body, and the problem's code when it refused."""

    status: int
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        return self.status < 300

    @property
    def code(self) -> str:
        return str(self.body.get("code", self.status)) if not self.ok else ""


@dataclass
class Tally:
    """What happened so far, for the summary line."""

    acts: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    trouble: Counter[str] = field(default_factory=Counter)
    sentences: Counter[str] = field(default_factory=Counter)


class Front:
    """One connection pool to the hall, shared by everybody in the crowd."""

    def __init__(self, address: str, hall: str, password: str, clock: Clock):
        self.hall, self.password, self.clock, self.tally = hall, password, clock, Tally()
        self.keys: dict[str, str] = {}  # printed number -> the citizen's key, for tickets the crowd took
        self.seen: dict[str, Any] = {}  # the newest picture of the hall
        self._tokens: dict[str, str] = {}
        self._http = httpx2.AsyncClient(base_url=address, timeout=10, limits=httpx2.Limits(max_connections=40))

    async def close(self) -> None:
        await self._http.aclose()

    async def sign_in(self, username: str) -> None:
        answer = await self._send("POST", "/api/v1/sessions", {"username": username, "password": self.password}, {})
        if not answer.ok:
            raise SystemExit(f"crowd: {username} cannot sign in: {answer.code}. Is HALL_DEMO_PASSWORD right?")
        self._tokens[username] = answer.body["token"]

    async def act(self, who: str | None, name: str, path: str, body: dict[str, Any]) -> Answer:
        """POST one act; a lost answer or a busy hall is asked again with the same key, so nothing happens twice."""
        answer = await self._signed("POST", path, body, who, {"Idempotency-Key": secrets.token_urlsafe(16)})
        if answer.ok:
            self.tally.acts[name] += answer.status != 204  # 204: pressed, and nobody was waiting
        elif answer.code in EXPECTED:
            self.tally.refused[f"{name} {answer.code}"] += 1
        else:
            self._note(f"{name} {answer.code}", answer)
        return answer

    async def read(self, path: str, who: str | None = None) -> Answer:
        answer = await self._signed("GET", path, None, who, {})
        if not answer.ok:
            self._note(f"read {answer.code}", answer)
        return answer

    async def watch(self) -> None:
        """Keep an eye on the hall's own picture of itself, as everybody in the hall does."""
        while not self.clock.over.is_set():
            answer = await self.read(f"/api/v1/halls/{self.hall}")
            if answer.ok:
                self.seen = answer.body
            await self.clock.sleep(6, at_least_s=1)

    def waiting(self, services: list[str] | None = None) -> int:
        """People waiting, of these services or of all."""
        wanted = self.seen.get("services", [])
        return sum(row["waiting"] for row in wanted if services is None or row["code"] in services)

    def _note(self, what: str, answer: Answer) -> None:
        self.tally.trouble[what] += 1
        print(f"crowd: unexpected answer to {what}: {answer.body}", file=sys.stderr, flush=True)

    async def _signed(
        self, method: str, path: str, body: dict[str, Any] | None, who: str | None, headers: dict[str, str]
    ) -> Answer:
        for _ in range(2):
            if who is not None:
                headers["Authorization"] = f"Bearer {self._tokens[who]}"
            answer = await self._send(method, path, body, headers)
            if answer.status != 401 or who is None:
                return answer
            await self.sign_in(who)  # the session ended under us, as after a long day
        return answer

    async def _send(self, method: str, path: str, body: dict[str, Any] | None, headers: dict[str, str]) -> Answer:
        """Until the hall answers for good: 429 and 503 are waited out as long as Retry-After asks."""
        pause_s = 0.5
        for left in range(20, -1, -1):
            try:
                reply = await self._http.request(method, path, json=body, headers=headers)
            except httpx2.TransportError as fault:
                answer, wait_s = Answer(503, {"code": "no_answer", "detail": repr(fault)}), pause_s
            else:
                answer = Answer(reply.status_code, reply.json() if reply.content else {})
                if answer.status not in (429, 503):
                    return answer
                wait_s = float(reply.headers.get("Retry-After", pause_s))
            if left == 0 or self.clock.over.is_set():
                return answer
            self.tally.refused["asked again"] += 1
            await self.clock.sleep_real(wait_s)
            pause_s = min(pause_s * 2, 8)
        raise AssertionError("unreachable")
