"""The web application of a hall, as a client over HTTP meets it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from argon2 import PasswordHasher
from redis.asyncio import Redis
from starlette.applications import Starlette

from floor.app import make_app
from floor.database import Connection, Pool
from floor.people import add_user
from floor.settings import Settings
from queueing.halls import Hall
from tests.floor.links import Running, link_running
from tests.floor.promise import kept
from tests.ports import free_port

PASSWORD = "correct horse battery"
HASHED = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)  # a real one takes 26 ms to be checked
PEOPLE = {
    "clerk01": ["clerk"], "clerk02": ["clerk"], "desk01": ["desk"], "leader01": ["leader"], "manager": ["manager"],
    "engineer": ["engineer"], "auditor": ["auditor"],
}  # fmt: skip

Client = httpx2.AsyncClient
SignsIn = Callable[[str], Awaitable[Client]]


@pytest.fixture
async def people(db: Connection, hall_id: int) -> None:
    """One member of staff for each role, two clerks; the leader's zone is A."""
    for username, roles in PEOPLE.items():
        zone = "A" if "leader" in roles else None
        await add_user(db, hall_id, username, HASHED, name=f"姓名{username}", roles=roles, number="0001", zone=zone)


@pytest.fixture
async def app(settings: Settings, people: None) -> AsyncIterator[Starlette]:
    """The application, started."""
    made = make_app(settings)
    async with made.router.lifespan_context(made):
        yield made


def client_of(app: Starlette, address: str = "10.0.0.9", **headers: str) -> Client:
    transport = httpx2.ASGITransport(app, raise_app_exceptions=False, client=(address, 4711))
    return Client(transport=transport, base_url="http://hall.test", headers=headers, event_hooks={"response": [kept]})


@pytest.fixture
async def anyone(app: Starlette) -> AsyncIterator[Client]:
    """A citizen: nobody knows who."""
    async with client_of(app, "10.0.0.77") as client:
        yield client


@pytest.fixture
async def sign_in(app: Starlette, anyone: Client) -> SignsIn:
    """Signs in by name: a client that carries the token."""

    async def signed_in(username: str) -> Client:
        answer = await anyone.post("/api/v1/sessions", json={"username": username, "password": PASSWORD})
        assert answer.status_code == 201
        return client_of(app, authorization=f"Bearer {answer.json()['token']}")

    return signed_in


@pytest.fixture
async def clerk(sign_in: SignsIn) -> Client:
    return await sign_in("clerk01")


@pytest.fixture
async def desk(sign_in: SignsIn) -> Client:
    return await sign_in("desk01")


@pytest.fixture
async def manager(sign_in: SignsIn) -> Client:
    return await sign_in("manager")


@pytest.fixture
async def stuck_redis(tmp_path: Path) -> AsyncIterator[str]:
    """A server that takes connections and never says a word, as a stopped Redis does."""

    async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while await reader.read(1024):
                pass
        writer.close()

    path = tmp_path / "stuck.sock"
    server = await asyncio.start_unix_server(silence, path)
    yield f"unix://{path}"
    server.close()


@pytest.fixture
async def running(hall: Hall, settings: Settings, pool: Pool, redis: Redis) -> AsyncIterator[Running]:
    at = replace(settings, host="127.0.0.1", port=free_port(), link_port=free_port())
    async with link_running(at, pool, redis) as started:
        yield started
