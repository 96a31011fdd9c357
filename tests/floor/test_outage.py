"""Postgres goes away and comes back: a clear refusal meanwhile, and nobody has to help."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.applications import Starlette

from floor.app import make_app
from floor.database import Connection
from floor.settings import Settings
from tests.floor.conftest import PASSWORD, Client, client_of
from tests.floor.visits import HALL, said, take


class Cable:
    """The way to the real PostgreSQL, which can be cut: connections break and new ones are refused."""

    def __init__(self, here: Path, there: Path) -> None:
        self.here, self.there = here, there
        self.server: asyncio.Server | None = None
        self.writers: set[asyncio.StreamWriter] = set()

    async def plug(self) -> None:
        self.server = await asyncio.start_unix_server(self.join, self.here)

    async def cut(self) -> None:
        assert self.server is not None
        self.server.close()
        for writer in self.writers:
            writer.transport.abort()
        self.here.unlink(missing_ok=True)

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_unix_connection(self.there)
        self.writers |= {writer, far_writer}
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, OSError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


@pytest.fixture
async def cable(database_url: str, tmp_path: Path) -> AsyncIterator[Cable]:
    sockets = Path(parse_qs(urlsplit(database_url).query)["host"][0])
    made = Cable(tmp_path / ".s.PGSQL.5432", sockets / ".s.PGSQL.5432")
    await made.plug()
    yield made
    await made.cut()


@pytest.fixture
async def app(settings: Settings, people: None, cable: Cable) -> AsyncIterator[Starlette]:
    assert settings.database_url
    through = settings.database_url.replace(str(cable.there.parent), str(cable.here.parent))
    made = make_app(replace(settings, database_url=through))
    async with made.router.lifespan_context(made):
        yield made


async def test_while_postgres_is_away_every_act_is_refused_and_it_heals_by_itself(
    app: Starlette, desk: Client, anyone: Client, cable: Cable
) -> None:
    ticket = await take(desk)
    await cable.cut()
    refused = [
        await desk.post(f"{HALL}/tickets", json={"services": ["A"]}),
        await anyone.get(f"/api/v1/tickets/{ticket['key']}"),
        await anyone.post("/api/v1/sessions", json={"username": "desk01", "password": PASSWORD}),
        await anyone.get(HALL),
    ]
    assert [said(answer) for answer in refused] == [(503, "unavailable")] * 4
    assert {answer.headers["retry-after"] for answer in refused} == {"2"}
    assert ((await anyone.get("/readyz")).status_code, (await anyone.get("/healthz")).status_code) == (503, 200)
    await cable.plug()
    began = time.monotonic()
    assert (await take(desk))["number"] == "A002"
    assert time.monotonic() - began < 5


async def test_connections_that_postgres_ended_are_replaced(app: Starlette, desk: Client, db: Connection) -> None:
    await asyncio.gather(*(take(desk) for _ in range(16)))
    await db.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    await asyncio.sleep(0.2)
    answers = [await desk.post(f"{HALL}/tickets", json={"services": ["A"]}) for _ in range(10)]
    assert [answer.status_code for answer in answers] == [201] * 10


async def test_a_page_that_is_asked_for_meanwhile_says_so_in_words(app: Starlette, cable: Cable) -> None:
    await cable.cut()
    browser = client_of(app, accept="text/html", cookie="hall_session=whatever")
    answer = await browser.get("/demo/console")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "text/html; charset=utf-8")
