"""The roster board: solved, changed by hand, published; from then on it says who may open a window and what can be booked."""

import asyncio
from datetime import date, timedelta

import httpx2
import pytest
from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall
from scheduling.roster.patterns import lay_patterns
from scheduling.roster.problem import Clerk
from scheduling.roster.solver import solve
from scheduling.roster.store import find_roster, placed, problem_of, publish, set_contract
from scheduling.roster.store import place as place_shift
from scheduling.slots import lay_slots
from scheduling.statutory import keep_known
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, staff
from tests.scheduling.clocks import at

WEEK = date(2026, 11, 23)
ONE = "0900_1700_1"
BOARD = f"/demo/roster/{WEEK}"


@pytest.fixture
async def lin(app: Starlette, db: Connection, hall: Hall) -> Client:
    """The manager on a Monday morning, with two clerks who can be put on the roster."""
    await at(db, f"{WEEK} 10:00+08")
    await keep_known(db, WEEK)
    for clerk in ("clerk01", "clerk02"):
        await set_contract(db, hall, Clerk(clerk, ("A",), home="A"))
    await lay_patterns(db, hall)
    return await staff(app, "manager")


async def send(client: Client, page: Page, act: str, **typed: str) -> Page:
    found = page.forms.get(act) or page.forms[f"{BOARD}/{act}"]
    answer = await client.post(f"{BOARD}/{act}", data={**found.fields, **typed}, follow_redirects=True)
    return Page(answer)


async def test_a_week_is_solved_from_the_page(lin: Client, db: Connection, hall: Hall) -> None:
    await db.execute("UPDATE contracts SET shifts = 3 WHERE clerk = 'clerk02'")
    page = await look(lin, BOARD)
    assert "这一周还没有排班" in page.words
    page = await send(lin, page, "solve")
    assert "正在排班" in page.words
    async with asyncio.timeout(60):
        while (found := await find_roster(db, hall, WEEK)) is None or found.status is None:
            await asyncio.sleep(0.1)
    page = await look(lin, BOARD)
    assert found.status == "optimal"
    assert "差距 0.0%：已经排不出更好的了" in page.words
    assert "这一周有 2 天缺人，合计 14 人·小时。" in page.words  # eight shifts where ten were wanted, and somebody every day
    assert "没有待批的请假" in page.words and "没有待批的换班" in page.words
    assert len(await placed(db, hall, WEEK)) == 8


async def test_a_shift_set_by_hand_is_shown_and_taken_back(lin: Client, db: Connection, hall: Hall) -> None:
    page = await look(lin, BOARD)
    page = await send(lin, page, "place", clerk="clerk01", day=str(WEEK), pattern=ONE, zone="A")
    assert "09:00–17:00" in page.words
    assert [(it.day, it.clerk, it.fixed) for it in await placed(db, hall, WEEK)] == [(WEEK, "clerk01", True)]
    for _ in range(2):
        await send(lin, page, "undo")
    assert await placed(db, hall, WEEK) == []
    kinds = [row["kind"] for row in await db.fetch('SELECT kind FROM journal ORDER BY "offset"')]
    assert kinds == ["roster.shift", "roster.undone"]


async def test_a_shift_beyond_the_contract_asks_why_and_stays_when_solved_anew(lin: Client, db: Connection, hall: Hall) -> None:
    await db.execute("UPDATE contracts SET shifts = 1, hours = 8 WHERE clerk = 'clerk01'")
    tuesday = {"clerk": "clerk01", "day": str(WEEK + timedelta(1)), "pattern": ONE, "zone": "A"}
    page = await send(lin, await look(lin, BOARD), "place", **tuesday | {"day": str(WEEK)})
    page = await send(lin, page, "place", **tuesday)
    assert page.answer.status_code == 409 and "姓名clerk01 11月24日 周二 09:00–17:00" in page.words
    assert "这一周是第 2 个班，约定最多 1 个 这一周到 14 小时，约定最多 8 小时" in page.words
    assert len(await placed(db, hall, WEEK)) == 1
    asked = page.forms["beyond"].fields
    assert (await lin.post(f"{BOARD}/place", data=asked)).status_code == 409
    assert (await lin.post(f"{BOARD}/place", data=asked | {"reason": "同事病假"})).status_code == 303
    assert 'title="09:00–17:00 · 休息 11:30–12:30 · 同事病假"' in (await look(lin, BOARD)).answer.text
    told = await db.fetchval('SELECT data FROM journal ORDER BY "offset" DESC LIMIT 1')
    assert (told["beyond"], told["reason"]) == (["shifts", "hours"], "同事病假")
    plan = await solve(await problem_of(db, hall, WEEK, anew=True), limit_s=20)
    assert [it.day for it in plan.shifts if it.clerk == "clerk01"] == [WEEK, WEEK + timedelta(1)]


async def test_publishing_is_confirmed_and_counts(lin: Client, db: Connection, hall: Hall) -> None:
    page = await send(lin, await look(lin, BOARD), "place", clerk="clerk01", day=str(WEEK), pattern=ONE, zone="A")
    assert "确定发布" in page.words
    assert "已发布" in (await send(lin, page, "publish")).words


async def published(db: Connection, hall: Hall) -> None:
    await place_shift(db, hall, WEEK, "clerk01", ONE, "A", actor="manager:manager")
    await publish(db, hall, WEEK, actor="manager:manager")


async def test_who_is_not_on_the_roster_opens_no_window(app: Starlette, lin: Client, db: Connection, hall: Hall) -> None:
    one, two = await staff(app, "clerk01"), await staff(app, "clerk02")
    await published(db, hall)
    answer = await api(two, "/api/v1/halls/demo/windows/2/open", {})
    assert (answer.status_code, await state(db, "2")) == (409, "closed")
    answer = await api(two, "/api/v1/halls/demo/windows/2/open", {"reason": "I want to"})
    assert (answer.status_code, await state(db, "2")) == (409, "closed")
    assert (await api(one, "/api/v1/halls/demo/windows/1/open", {})).status_code == 200


async def test_a_manager_opens_against_the_roster_with_a_reason_that_is_kept(lin: Client, db: Connection, hall: Hall) -> None:
    await published(db, hall)
    path, asked = "/api/v1/halls/demo/windows/2/open", {"clerk": "clerk02"}
    assert (await api(lin, path, asked)).status_code == 409
    assert (await api(lin, path, asked | {"reason": "排队太长"})).status_code == 200
    told = await db.fetchval("SELECT data->>'reason' FROM journal WHERE kind = 'window.opened'")
    assert told == "排队太长"


async def test_a_leader_seats_nobody_of_another_zone(app: Starlette, lin: Client, db: Connection, hall: Hall) -> None:
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", hall.id)
    await set_contract(db, hall, Clerk("clerk02", ("B", "A"), home="B"))
    leader, path, asked = await staff(app, "leader01"), "/api/v1/halls/demo/windows/2/open", {"clerk": "clerk02", "reason": "忙"}
    assert (await api(leader, path, asked)).status_code == 403
    assert "clerk02" not in (await look(leader, "/demo/manage/2")).answer.text
    await place_shift(db, hall, WEEK, "clerk02", ONE, "A", actor="manager:manager")
    assert (await api(leader, path, asked)).status_code == 403  # a draft moves nobody
    await publish(db, hall, WEEK, actor="manager:manager")
    assert (await api(leader, path, asked)).status_code == 200


async def test_without_a_published_roster_windows_open_as_ever(app: Starlette, lin: Client, db: Connection, hall: Hall) -> None:
    await place_shift(db, hall, WEEK, "clerk01", ONE, "A", actor="manager:manager")
    two = await staff(app, "clerk02")
    assert (await api(two, "/api/v1/halls/demo/windows/2/open", {})).status_code == 200


async def test_what_can_be_booked_follows_the_roster_and_its_lunch(lin: Client, db: Connection, hall: Hall) -> None:
    """One of two windows is staffed: half the places, and none over that clerk's lunch."""
    await lay_slots(db, hall)
    before = await places(db)
    await published(db, hall)
    await lay_slots(db, hall)
    after = await places(db)
    assert (before["14:00"], before["11:30"]) == (2, 2)
    assert (after["14:00"], after["11:30"]) == (1, 0)


async def places(db: Connection) -> dict[str, int]:
    rows = await db.fetch(
        "SELECT to_char(start AT TIME ZONE 'Asia/Shanghai', 'HH24:MI') AS at, capacity FROM slots "
        "WHERE service = 'A' AND day = $1",
        WEEK,
    )
    return {row["at"]: row["capacity"] for row in rows}


async def api(client: Client, path: str, body: dict[str, str]) -> httpx2.Response:
    page = await look(client, "/")
    token = next(form.fields["csrf"] for form in page.every if "csrf" in form.fields)
    return await client.post(path, json=body, headers={"accept": "application/json", "x-csrf-token": token})


async def state(db: Connection, no: str) -> str:
    found: str = await db.fetchval("SELECT state::text FROM windows WHERE no = $1", no)
    return found


async def test_others_look_and_do_not_touch(app: Starlette, lin: Client, db: Connection, hall: Hall) -> None:
    clerk = await staff(app, "clerk01")
    assert (await clerk.get(BOARD)).status_code == 403
    token = (await look(clerk, "/demo/calendar")).every[0].fields["csrf"]
    answer = await clerk.post(f"{BOARD}/publish", data={"csrf": token})
    assert (answer.status_code, await find_roster(db, hall, WEEK)) == (403, None)


@pytest.mark.parametrize("path", [str(WEEK + timedelta(1)), "soon"])
async def test_an_address_that_is_no_monday_is_no_page(lin: Client, path: str) -> None:
    assert (await lin.get(f"/demo/roster/{path}")).status_code == 404


async def test_a_leader_sets_shifts_of_the_own_zone_and_takes_back_the_own_changes(
    app: Starlette, lin: Client, db: Connection, hall: Hall
) -> None:
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", hall.id)
    await set_contract(db, hall, Clerk("clerk02", ("B", "A"), home="B"))
    leader = await staff(app, "leader01")
    page = await look(leader, BOARD)
    form = page.forms["place"].fields
    mine = form | {"clerk": "clerk01", "day": str(WEEK), "pattern": ONE, "zone": "A"}
    assert (await leader.post(f"{BOARD}/place", data=mine)).status_code == 303
    for typed in ({"zone": "B"}, {"clerk": "clerk02"}, {"clerk": "clerk02", "zone": "B"}):
        assert (await leader.post(f"{BOARD}/place", data=mine | typed)).status_code == 403
    await place_shift(db, hall, WEEK, "clerk02", ONE, "A", actor="manager:lin")
    assert (await leader.post(f"{BOARD}/place", data=mine | {"clerk": "clerk02", "pattern": ""})).status_code == 303
    await place_shift(db, hall, WEEK + timedelta(1), "clerk02", ONE, "B", actor="manager:lin")
    standing = []
    for _ in range(3):
        standing.append([(it.clerk, it.day) for it in await placed(db, hall, WEEK) if it.pattern])
        undone = (await look(leader, BOARD)).forms.get(f"{BOARD}/undo")
        for _ in range(2 if undone else 0):  # however often it is pressed
            await leader.post(f"{BOARD}/undo", data=undone.fields if undone else {})
    of_manager = ("clerk02", WEEK + timedelta(1))
    assert standing == [
        [("clerk01", WEEK), of_manager], [("clerk01", WEEK), ("clerk02", WEEK), of_manager], [("clerk02", WEEK), of_manager],
    ]  # fmt: skip


async def test_a_dragged_shift_leaves_where_it_was(lin: Client, db: Connection, hall: Hall) -> None:
    form = (await look(lin, BOARD)).forms["place"].fields
    typed = form | {"clerk": "clerk01", "day": str(WEEK + timedelta(5)), "pattern": ONE, "zone": "A", "window": "2"}
    typed |= {"reason": "周六加开"}  # the hall is shut that day
    await lin.post(f"{BOARD}/place", data=typed)
    page = await look(lin, BOARD)
    assert ("A·2" in page.answer.text, "最多 1 天，最少 0 天" in page.words) == (True, True)
    dragged = typed | {"clerk": "clerk02", "from_clerk": "clerk01", "from_day": str(WEEK + timedelta(5))}
    assert (await lin.post(f"{BOARD}/place", data=dragged)).status_code == 303
    stands = {it.clerk: (it.pattern, it.window_no) for it in await placed(db, hall, WEEK)}
    assert stands == {"clerk01": (None, None), "clerk02": (ONE, "2")}
    await send(lin, await look(lin, BOARD), "undo")  # and both go back by one press
    assert {it.clerk: (it.pattern, it.window_no) for it in await placed(db, hall, WEEK)} == {"clerk01": (ONE, "2")}


async def test_a_week_gets_its_windows_by_one_press_of_the_manager(
    app: Starlette, lin: Client, db: Connection, hall: Hall
) -> None:
    for clerk in ("clerk01", "clerk02"):
        await place_shift(db, hall, WEEK, clerk, ONE, "A", actor="manager:lin")
    page = await look(lin, BOARD)
    assert "2 个班次还没有窗口，0 个已有" in page.words
    asked = {**page.forms[f"{BOARD}/windows"].fields, "give": "yes"}
    assert (await lin.post(f"{BOARD}/windows", data=asked)).status_code == 303
    assert [it.window_no for it in await placed(db, hall, WEEK)] == ["1", "2"]
    leader = await staff(app, "leader01")
    token = (await look(leader, BOARD)).forms["place"].fields["csrf"]
    assert (await leader.post(f"{BOARD}/windows", data={"csrf": token, "give": "no"})).status_code == 403
