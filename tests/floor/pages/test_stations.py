"""A station's number is served by a window here; an escort walks along; what belongs to a ticket is told to who serves it."""

import pytest
from starlette.applications import Starlette

from floor.database import Connection
from floor.people import add_user
from queueing.errors import BadInput
from queueing.halls import Hall
from queueing.sites import Site, keep
from tests.floor.catalogues import offer
from tests.floor.conftest import HASHED, Client
from tests.floor.pages.staff import look, staff
from tests.floor.pages.test_desk_bookings import send
from tests.floor.visits import opened, take

DAHE = Site("dahe", "大河镇", None, "Dahe", "township", None, "0858-1234567", None, True, False, False)
WINDOW = "/api/v1/halls/demo/windows/1"


@pytest.fixture
async def station(app: Starlette, db: Connection, hall: Hall) -> Client:
    await offer(db, hall)
    await keep(db, hall, DAHE)
    await keep(db, hall, Site("yi", "一组", None, None, "village", "dahe", None, "https://video.example/yi", False, False, False))
    for name, site in (("agent01", "dahe"), ("agent02", None)):
        await add_user(db, hall.id, name, HASHED, name=name, roles=["agent"], site=site)
    return await staff(app, "agent01")


async def test_a_number_of_a_station_is_served_here_and_printed_there(
    app: Starlette, station: Client, clerk: Client, db: Connection
) -> None:
    taken = await send(
        station, await look(station, "/demo/station"), "take", matter="A01 社会保障卡申领", talk="phone", print_point="dahe"
    )
    assert "已取号：A001" in taken.words
    await opened(clerk)
    await clerk.post(f"{WINDOW}/next", json={})
    console = await look(await staff(app, "clerk01"), "/demo/console/1")
    assert "远程：大河镇，电话 0858-1234567" in console.words
    assert "结果在大河镇打印" in console.words
    assert "1号窗口" in (await look(station, "/demo/station")).words
    row = await db.fetchrow(
        "SELECT r.site, r.print_point, r.talk, t.channel FROM remote_tickets r JOIN tickets t ON t.id = r.ticket"
    )
    assert row is not None and tuple(row) == ("dahe", "dahe", "phone", "remote")


async def test_an_agent_is_bound_to_the_own_station(app: Starlette, station: Client) -> None:
    fields = (await look(station, "/demo/station")).forms["take"].fields
    other = await station.post("/demo/station", data={**fields, "site": "yi", "service": "A", "talk": "video"})
    assert other.status_code == 403
    assert (await station.get("/demo/station?site=yi")).status_code == 403
    assert (await (await staff(app, "agent02")).get("/demo/station")).status_code == 403
    nowhere = await station.post("/demo/station", data={**fields, "service": "A", "talk": "video"})
    assert (nowhere.status_code, "没有登记这种联系方式" in nowhere.text) == (422, True)
    desk = await staff(app, "desk01")
    assert "一组" in (await look(desk, "/demo/station")).words
    page = await look(desk, "/demo/station?site=yi")
    wrong = await send(desk, page, "take", service="A", talk="video", print_point="yi")
    assert (wrong.answer.status_code, "这个站点不能打印" in wrong.words) == (422, True)
    assert "已取号：A001" in (await send(desk, page, "take", service="A", talk="video", print_point="dahe")).words


async def test_a_station_stands_below_its_parent(station: Client, db: Connection, hall: Hall) -> None:
    wrong = [
        ("parent", Site("er", "二组", None, None, "township", "dahe", None, None, False, False, False)),
        ("parent", Site("er", "二组", None, None, "village", "nowhere", None, None, False, False, False)),
        ("code", Site("ER", "二组", None, None, "village", "dahe", None, None, False, False, False)),
        ("parent", Site("dahe", "大河镇", None, None, "village", None, None, None, False, False, False)),
    ]
    for field, site in wrong:
        with pytest.raises(BadInput) as refused:
            await keep(db, hall, site)
        assert refused.value.details["field"] == field


async def test_an_escort_is_planned_bound_walks_and_parts_with_the_windows_on_record(
    app: Starlette, desk: Client, clerk: Client, db: Connection
) -> None:
    await take(desk)
    lin = await staff(app, "manager")
    page = await look(lin, "/demo/escorts")
    today = next(form for form in page.forms if form.startswith("plan-"))
    planned = await send(lin, page, today, escort="clerk02")
    assert "姓名clerk02" in planned.words
    bound = await send(lin, planned, "assign", number="a001", escort="clerk02")
    twice = await send(lin, bound, "assign", number="A001", escort="desk01")
    assert (twice.answer.status_code, "已有人陪同" in twice.words) == (409, True)
    walking = await send(lin, bound, "start-A001")
    await opened(clerk)
    for act in ("next", "arrive"):
        await clerk.post(f"{WINDOW}/{act}", json={})
    console = await look(await staff(app, "clerk01"), "/demo/console/1")
    assert "陪同：姓名clerk02" in console.words
    assert "陪同：姓名clerk02" in (await look(lin, "/demo/desk?number=A001")).words
    ended = await send(lin, walking, "end-A001")
    assert "end-A001" not in ended.forms
    key = await db.fetchval("SELECT key FROM tickets")
    story = (await desk.get(f"/api/v1/tickets/{key}/story")).json()["items"]
    told = [(item["kind"], item["data"]["windows"]) for item in story if item["kind"].startswith("escort.")]
    assert told == [("escort.assigned", []), ("escort.started", []), ("escort.ended", ["1"])]


async def test_a_day_that_no_hall_will_see_is_no_page(app: Starlette) -> None:
    lin = await staff(app, "manager")
    pages = ["sites?to=0001-01-01", "escorts?week=9999-12-31", "escorts?week=0001-01-01", "bookings?day=9999-12-31"]
    assert [(await lin.get(f"/demo/{page}")).status_code for page in pages] == [404] * len(pages)
