"""The kiosk's browser at an agent's own page, as far as HTTP goes."""

import asyncio
import re
import secrets
from dataclasses import dataclass
from typing import Any

import httpx2


@dataclass
class Browser:
    """One page, drawn once; `place` is HOST:PORT."""

    place: str
    token: str = ""

    async def get(self, path: str, **headers: str) -> httpx2.Response:
        async with httpx2.AsyncClient(timeout=5) as client:
            return await client.get(f"http://{self.place}{path}", headers=headers)

    async def open(self) -> str:
        text = (await self.get("/")).text
        found = re.search(r'name="page-token" content="([^"]+)"', text)
        assert found is not None
        self.token = found[1]
        return text

    async def state(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.get("/state")).json()
        return found

    async def shows(self, what: str, seconds: float = 20) -> dict[str, Any]:
        """The state, once the page shows this."""
        for _ in range(int(seconds / 0.1)):
            try:
                found = await self.state()
            except httpx2.TransportError:
                found = {}
            if found.get("show") == what:
                return found
            await asyncio.sleep(0.1)
        raise AssertionError(f"the page shows {found}, not {what}")

    async def post(self, path: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
        sent = {"Origin": f"http://{self.place}", "X-Page-Token": self.token, "Content-Type": "application/json"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        async with httpx2.AsyncClient(timeout=5) as client:
            return await client.post(f"http://{self.place}{path}", json=body, headers=sent)

    async def take(self, service: str = "A", lang: str = "zh-Hans", press: str | None = None) -> httpx2.Response:
        return await self.post("/take", {"service": service, "lang": lang, "press": press or secrets.token_hex(8)})
