"""A zone has its own names, prefix, loudness and leader; a window may be one that only takes a matter in."""

from datetime import UTC, datetime

import pytest
from starlette.applications import Starlette

from displays import voice
from floor.database import Connection
from floor.pages.wording import zone_name
from floor.words import words
from queueing import calls, tickets, windows
from queueing.calls import Seat
from queueing.halls import Hall, zones
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, staff

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)


@pytest.fixture
async def lin(app: Starlette, db: Connection, hall: Hall) -> Client:
    """The manager of a hall whose service B and window 2 are in a zone of their own."""
    await db.execute("INSERT INTO zones (hall, code, name, rank) VALUES ($1, 'B', 'B区', 2)", hall.id)
    await db.execute("UPDATE windows SET zone = 'B' WHERE no = '2'")
    await db.execute("UPDATE services SET zone = 'B' WHERE code = 'B'")
    return await staff(app, "manager")


async def test_a_zone_is_set_whole_and_says_its_name_in_each_language(
    app: Starlette, lin: Client, db: Connection, hall: Hall
) -> None:
    form = (await look(lin, "/demo/zones")).forms["form-B"].fields
    typed = form | {"name": "不动产区", "name_hant": "不動產區", "name_en": "Property", "prefix": "f", "volume": "40"}
    for wrong in ({"volume": "101"}, {"volume": "loud"}, {"prefix": "B1"}, {"name": ""}):
        assert (await lin.post("/demo/zones", data=typed | wrong)).status_code == 409
    assert (await lin.post("/demo/zones", data=typed | {"zone": "Z"})).status_code == 404
    assert (await lin.post("/demo/zones", data=typed)).status_code == 303
    zone = (await zones(db, hall))[1]
    assert [zone_name(words(lang), zone) for lang in ("zh-Hans", "zh-Hant", "en")] == ["不动产区", "不動產區", "Property"]
    assert zone_name(words("en"), (await zones(db, hall))[0]) == "area A"
    assert (await tickets.take(db, hall, ["B"], actor="desk:a", channel="desk")).ticket.number == "F001"
    assert (await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk")).ticket.number == "A001"
    sound = await voice.load(db, hall.id)
    assert [sound.volume_at(NOON, window=no) for no in ("1", "2")] == [100, 40]
    assert [sound.volume_at(NOON, zone=code) for code in (None, "A", "B")] == [100, 100, 40]


async def test_a_leader_is_given_another_zone(app: Starlette, lin: Client, db: Connection, hall: Hall) -> None:
    token = (await look(lin, "/demo/zones")).forms["form-A"].fields["csrf"]
    assert (await lin.post("/demo/zones", data={"csrf": token, "leader": "leader01", "zone": "B"})).status_code == 303
    assert await db.fetchval("SELECT zone FROM users WHERE username = 'leader01'") == "B"
    await lin.post("/demo/zones", data={"csrf": token, "leader": "clerk01", "zone": "B"})
    assert await db.fetchval("SELECT zone FROM users WHERE username = 'clerk01'") is None
    leader = await staff(app, "leader01")
    assert "form-A" in (await look(leader, "/demo/zones")).forms
    own = (await look(leader, "/demo/calendar")).every[0].fields["csrf"]
    assert (await leader.post("/demo/zones", data={"csrf": own, "leader": "leader01", "zone": ""})).status_code == 403


@pytest.mark.parametrize(("no", "outcome"), [("1", "done"), ("2", "accepted")])
async def test_a_window_without_the_authority_takes_the_matter_in(
    app: Starlette, lin: Client, db: Connection, hall: Hall, no: str, outcome: str
) -> None:
    await db.execute("INSERT INTO matter_rules (hall, matter, decides) VALUES ($1, '换证', '{1}')", hall.id)
    await windows.open_window(db, hall, no, "clerk01", services=["A"], actor="clerk:clerk01")
    await tickets.take(db, hall, ["A"], actor="desk:a", channel="desk", matters=["换证"])
    seat = Seat(no, "clerk:clerk01", "clerk01")
    await calls.call_next(db, hall, seat)
    console = await look(await staff(app, "clerk01"), f"/demo/console/{no}")
    assert ("换证：本窗口只受理" in console.words) == (outcome == "accepted")
    await calls.finish(db, hall, seat, outcome="done")
    assert await db.fetchval("SELECT outcome FROM tickets") == outcome
