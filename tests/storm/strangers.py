"""Who tries to come in without being asked: two boxes with one code, a used code, guesses, and a box that was sent away."""

import asyncio
import contextlib
import json
import secrets
from collections import Counter
from typing import Any

import httpx2
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.storm.boards import dial, hello
from tests.storm.evidence import Probe
from tests.storm.hall import Hall

BOXES = 4  # that hold the same code; five wrong tries a minute shut the door to an address
GUESSES = 12


async def knock(hall: Hall, token: str) -> list[Probe]:
    """What came of each attempt; guesses last, since they shut the door to this address for a minute."""
    async with contextlib.AsyncExitStack() as stack:
        webs = [await stack.enter_async_context(httpx2.AsyncClient(base_url=at, timeout=10)) for at in hall.webs]
        code, device = await put_up(webs[0], token)
        answers = await asyncio.gather(*(pair(webs[n % len(webs)], code) for n in range(BOXES)))
        came_in = [answer.json()["secret"] for answer in answers if answer.status_code == 201]
        told = Counter(answer.status_code for answer in answers)
        return [
            Probe("one code, four boxes", (f"1 in, {BOXES - 1} refused",), f"{told[201]} in, {told[404]} refused"),
            Probe("a used code", ("404",), str((await pair(webs[0], code)).status_code)),
            *await sent_away(hall, webs[0], token, device, came_in[0] if came_in else ""),
            Probe("guessing codes", ("429",), await guess(webs[0])),
        ]


async def put_up(web: httpx2.AsyncClient, token: str) -> tuple[str, str]:
    """A new board: its code and its id."""
    headers = {"Authorization": f"Bearer {token}"}
    made = await web.post("/api/v1/halls/demo/devices", json={"kind": "tv", "name": "stranger", "zone": "A"}, headers=headers)
    made.raise_for_status()
    return made.json()["code"], made.json()["id"]


async def pair(web: httpx2.AsyncClient, code: str) -> httpx2.Response:
    return await web.post("/devices/pair", json={"code": code, "model": "stranger", "agent": "storm"})


async def guess(web: httpx2.AsyncClient) -> str:
    """How the hall answers the last of many wrong codes."""
    answers = [await pair(web, secrets.token_hex(5).upper()) for _ in range(GUESSES)]
    return str(answers[-1].status_code)


async def sent_away(hall: Hall, web: httpx2.AsyncClient, token: str, device: str, secret: str) -> list[Probe]:
    """A board is revoked while it is live; it dials again, and then with a secret it never had."""
    ended: str | int = "open"
    async with dial(hall, device, secret) as line:
        await line.send(hello())
        await asyncio.wait_for(line.recv(), 5)
        gone = await web.delete(f"/api/v1/devices/{device}", headers={"Authorization": f"Bearer {token}"})
        gone.raise_for_status()
        try:
            while True:
                json.loads(await asyncio.wait_for(line.recv(), 10))
        except ConnectionClosed as closed:
            ended = closed.rcvd.code if closed.rcvd else 1006
        except TimeoutError:
            ended = "still open after 10 s"
    return [
        Probe("a board revoked while it is live", ("4501",), str(ended)),
        Probe("its secret afterwards", ("401",), await greeted(hall, device, secret)),
        Probe("a secret it never had", ("401",), await greeted(hall, device, secrets.token_urlsafe(32))),
    ]


async def greeted(hall: Hall, device: str, secret: str) -> str:
    """How a dial ends: the status it was refused with, or `in`."""
    try:
        async with dial(hall, device, secret) as line:
            await line.send(hello())
            answer: dict[str, Any] = json.loads(await asyncio.wait_for(line.recv(), 5))
            return f"in: {answer['type']}"
    except InvalidStatus as refused:
        return str(refused.response.status_code)
    except ConnectionClosed as closed:
        return str(closed.rcvd.code if closed.rcvd else 1006)
