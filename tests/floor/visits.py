"""Short words for what tests of the interface do again and again."""

from typing import Any

import httpx2

Client = httpx2.AsyncClient
HALL = "/api/v1/halls/demo"


async def take(client: Client, *services: str, **more: Any) -> dict[str, Any]:
    """A ticket."""
    answer = await client.post(f"{HALL}/tickets", json={"services": list(services or "A"), **more})
    assert answer.status_code == 201, answer.text
    ticket: dict[str, Any] = answer.json()
    return ticket


async def at(client: Client, window: str, act: str, body: object = None, **headers: str) -> httpx2.Response:
    """An act at a window."""
    return await client.post(f"{HALL}/windows/{window}/{act}", json=body, headers=headers)


async def opened(client: Client, window: str = "1") -> None:
    assert (await at(client, window, "open")).status_code == 200


async def finished(desk: Client, clerk: Client, window: str = "1") -> dict[str, Any]:
    """A visit from paper to the end; the ticket."""
    ticket = await take(desk)
    for act in ("next", "arrive", "finish"):
        answer = await at(clerk, window, act)
        assert answer.status_code == 200, answer.text
    return ticket


def said(answer: httpx2.Response) -> tuple[int, str]:
    """Status and word of a refusal."""
    return answer.status_code, answer.json()["code"]
