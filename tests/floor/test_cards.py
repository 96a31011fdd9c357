"""A card on a kiosk's reader stands behind one number, and what is personal about it is nowhere to be found."""

import hashlib
import hmac
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from starlette.applications import Starlette

from devices import health
from devices.pairing import Paired
from devices.wire import Part
from floor import doorbell
from floor.database import Connection
from floor.settings import Settings
from queueing.halls import Hall
from tests.displays.days import open_all
from tests.floor.links import Running, machine
from tests.floor.screens import Client, fields, kiosk
from tests.floor.screens import machine as pair_machine
from tests.floor.test_presses import press

NUMBER, OTHER = "11010519491231002X", "440524188001010014"
PLACE = "/demo/kiosk"


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may keep Redis longer than the fifth of a second a reader waits for it."""
    monkeypatch.setattr(doorbell, "RING_S", 10.0)


@pytest.fixture
async def dispenser(db: Connection, hall: Hall) -> Paired:
    await open_all(db, hall)
    return await pair_machine(db, hall.id, "dispenser")


@pytest.fixture
async def stand(app: Starlette, db: Connection, dispenser: Paired) -> Client:
    return await kiosk(app, db, dispenser.device_id)


@asynccontextmanager
async def laid(running: Running, dispenser: Paired, number: str = NUMBER) -> AsyncIterator[None]:
    async with machine(running, dispenser) as box:
        assert (await press(box, 2, "card", {"number": number}, f"pr_{uuid.uuid4().hex}"))["type"] == "ok"
        yield


async def token_of(stand: Client) -> str | None:
    page = (await stand.get(f"{PLACE}/card")).text
    found = page.partition('data-card="')[2].partition('"')[0]
    return found or None


def keyed(settings: Settings, number: str) -> bytes:
    return hmac.new(settings.secret, f"person:{number}".encode(), hashlib.sha256).digest()


async def take(stand: Client, card: str | None, at: int = 0, **more: str) -> tuple[int, str]:
    page = (await stand.get(f"{PLACE}/screen")).text
    form = {name: fields(page, name)[at] for name in ("service", "press", "csrf")} | more
    answer = await stand.post(f"{PLACE}/take", data=form | ({"card": card} if card else {}))
    return answer.status_code, answer.text


async def everything(db: Connection) -> str:
    """All rows of all tables, as text."""
    tables = await db.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    rows = [await db.fetch(f'SELECT t::text AS row FROM "{table["tablename"]}" t') for table in tables]
    return "\n".join(row["row"] for table in rows for row in table)


async def redis_holds(redis: Redis) -> str:
    return "\n".join([f"{key!s} {await redis.get(key)!s}" async for key in redis.scan_iter("hall:card*")])


async def test_a_card_gives_one_number_to_its_keyed_hash_and_is_found_nowhere(
    db: Connection, running: Running, stand: Client, dispenser: Paired, settings: Settings, redis: Redis,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    async with laid(running, dispenser):
        token = await token_of(stand)
        assert token is not None
        held = await redis_holds(redis)
        status, page = await take(stand, token)
    assert (status, "A001" in page) == (200, True)
    (person,) = [row["person"] for row in await db.fetch("SELECT person FROM tickets")]
    assert person == keyed(settings, NUMBER)
    said = capsys.readouterr()
    everywhere = "\n".join([await everything(db), held, await redis_holds(redis), said.out, said.err, page])
    asked = b'["card",{"number":"%b"}]' % NUMBER.encode()
    traces = [NUMBER, NUMBER[6:14], *(hashlib.sha256(plain).hexdigest() for plain in (NUMBER.encode(), asked))]
    assert [trace for trace in traces if trace in everywhere] == []
    assert person.hex() in everywhere  # there was something to be found in
    assert await token_of(stand) is None


async def test_a_card_counts_once_and_the_same_press_may_be_repeated(
    db: Connection, running: Running, stand: Client, dispenser: Paired
) -> None:
    async with laid(running, dispenser):
        token = await token_of(stand)
        page = (await stand.get(f"{PLACE}/screen")).text
        form = {name: fields(page, name)[0] for name in ("service", "press", "csrf")} | {"card": token or ""}
        first, again = [await stand.post(f"{PLACE}/take", data=form) for _ in range(2)]
        assert ("A001" in first.text, "A001" in again.text) == (True, True)
        status, page = await take(stand, token)
        assert (status, "没有读到身份证" in page) == (409, True)
    assert await db.fetchval("SELECT count(*) FROM tickets") == 1


async def test_a_refused_take_leaves_the_card_for_another_service(
    db: Connection, running: Running, stand: Client, dispenser: Paired
) -> None:
    await db.execute("UPDATE doors SET left_places = 0 WHERE service = 'A'")
    async with laid(running, dispenser):
        token = await token_of(stand)
        assert (await take(stand, token, service="A"))[0] == 409
        assert (await take(stand, token, service="B"))[0] == 200


async def test_a_newer_card_takes_the_place_of_the_one_before(
    db: Connection, running: Running, stand: Client, dispenser: Paired, settings: Settings
) -> None:
    async with laid(running, dispenser):
        old = await token_of(stand)
    async with laid(running, dispenser, OTHER):
        assert (await take(stand, old))[0] == 409
        assert (await take(stand, await token_of(stand)))[0] == 200
    assert await db.fetchval("SELECT person FROM tickets") == keyed(settings, OTHER)


async def test_a_card_is_forgotten_within_the_minute(running: Running, stand: Client, dispenser: Paired, redis: Redis) -> None:
    async with laid(running, dispenser):
        keys = [key async for key in redis.scan_iter(f"hall:card:{dispenser.device_id}")]
        assert [0 < await redis.ttl(key) <= 60 for key in keys] == [True]
        token = await token_of(stand)
        await redis.delete(*keys)  # the minute is over
        assert await token_of(stand) is None
        assert (await take(stand, token))[0] == 409


async def test_a_card_of_one_dispenser_is_nothing_at_another(
    app: Starlette, db: Connection, hall: Hall, running: Running, stand: Client, dispenser: Paired
) -> None:
    other = await kiosk(app, db, (await pair_machine(db, hall.id, "dispenser")).device_id)
    async with laid(running, dispenser):
        assert await token_of(other) is None
        assert (await take(other, await token_of(stand)))[0] == 409


async def test_only_a_dispenser_reads_cards_and_only_cards(
    db: Connection, hall: Hall, running: Running, dispenser: Paired
) -> None:
    keypad = await pair_machine(db, hall.id, "keypad", window="1")
    async with machine(running, keypad) as box:
        assert (await press(box, 2, "card", {"number": NUMBER}))["code"] == "not_allowed"
    async with machine(running, dispenser) as box:
        wrong = await press(box, 2, "card", {"number": NUMBER[:17]})
        assert (wrong["code"], NUMBER[:17] in wrong["message"]) == ("bad_input", False)


async def test_only_a_kiosk_with_a_reader_looks_for_cards(stand: Client, db: Connection, dispenser: Paired) -> None:
    assert 'data-reader=""' in (await stand.get(PLACE)).text
    await health.report(db, dispenser.device_id, {"cards": Part(state="ok")})
    assert 'data-reader="1"' in (await stand.get(PLACE)).text
