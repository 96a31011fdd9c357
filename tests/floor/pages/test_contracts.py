"""What binds a roster is edited on pages: a clerk's contract and skills, and the ways to work a day."""

from datetime import date, timedelta

from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall
from scheduling.roster.patterns import kept_patterns
from scheduling.roster.people import Contract, contracts
from scheduling.roster.problem import Pattern
from scheduling.roster.store import place, problem_of
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, staff
from tests.floor.pages.test_roster import ONE, WEEK, lin

__all__ = ["lin"]


async def test_a_contract_is_changed_whole_and_the_roster_keeps_to_it(
    app: Starlette, lin: Client, db: Connection, hall: Hall
) -> None:
    assert "姓名clerk01 0001" in (await look(lin, "/demo/contracts")).words
    path = "/demo/contracts/clerk01"
    form = (await look(lin, path)).forms["contract-form"].fields
    until = WEEK + timedelta(20)
    typed = {
        **form, "shifts": "4", "hours": "28", "stretch": "3", "employment": "dispatched", "home": "A", "patterns": ONE,
        "skills": ["A", "B"], "until_A": str(until), "until_B": "",
    }  # fmt: skip
    assert (await lin.post(path, data=typed | {"hours": "61"})).status_code == 409
    assert (await contracts(db, hall, "clerk01"))[0].hours is None
    assert (await lin.post(path, data=typed)).status_code == 303
    assert await contracts(db, hall, "clerk01") == [
        Contract("clerk01", 4, 28, 3, "dispatched", "A", (), (ONE,), {"A": until, "B": None})
    ]
    clerk = next(it for it in (await problem_of(db, hall, WEEK)).clerks if it.name == "clerk01")
    assert (clerk.shifts, clerk.hours, clerk.stretch, clerk.patterns) == (4, 28, 3, (ONE,))
    assert "A 快到期" in (await look(lin, "/demo/contracts")).words
    assert (await lin.post(path, data={**typed, "skills": "B"})).status_code == 303
    assert (await contracts(db, hall, "clerk01"))[0].skills == {"B": None}
    leader = await staff(app, "leader01")
    token = (await look(leader, "/demo/calendar")).every[0].fields["csrf"]
    assert (await leader.post(path, data=typed | {"csrf": token})).status_code == 403
    assert (await leader.get(path)).status_code == 200
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B区')", hall.id)
    assert (await lin.post(path, data=typed | {"home": "B"})).status_code == 303
    assert ((await leader.get(path)).status_code, (await lin.get(path)).status_code) == (404, 200)
    assert (await lin.post("/demo/contracts/nobody", data=typed)).status_code == 404


async def test_a_pattern_of_ones_own_outlives_the_calendar_until_it_follows_it_again(
    lin: Client, db: Connection, hall: Hall
) -> None:
    form = (await look(lin, "/demo/patterns")).forms["pattern-form"].fields
    typed = form | {
        "begins": "10:00",
        "ends": "19:00",
        "away_0": "13:00",
        "back_0": "14:00",
        "kinds": "weekday",
        "not_before": ONE,
    }
    assert (await lin.post("/demo/patterns", data=typed | {"back_0": "12:00"})).status_code == 409
    assert (await lin.post("/demo/patterns", data=typed | {"begins": "later"})).status_code == 409
    assert (await lin.post("/demo/patterns", data=typed)).status_code == 303
    found = {one.pattern.code: one for one in await kept_patterns(db, hall, date(2026, 1, 1))}
    own = found["own_1000_1900_13"]
    assert own.pattern == Pattern("own_1000_1900_13", 600, 1140, ((780, 840),), (ONE,))
    assert (own.day_types, own.laid) == (("weekday",), False)
    assert "10:00–19:00 13:00–14:00 工作日 09:00–17:00 (11:30–12:30) 本厅自定" in (await look(lin, "/demo/patterns")).words
    usual = form | {"code": ONE}
    changed = usual | {"begins": "09:30", "ends": "17:00", "kinds": "weekday"}
    assert (await lin.post("/demo/patterns", data=changed)).status_code == 303
    for do, then in (("retire", (570, ())), ("follow", (540, ("make_up", "special", "weekday")))):
        assert (await lin.post("/demo/patterns", data=usual | {"do": do})).status_code == 303
        one = next(it for it in await kept_patterns(db, hall, WEEK) if it.pattern.code == ONE)
        assert (one.pattern.begins, tuple(sorted(one.day_types))) == then


async def test_the_last_change_of_a_contract_is_taken_back_while_it_stands(lin: Client, db: Connection, hall: Hall) -> None:
    path = "/demo/contracts/clerk01"
    assert "撤销这次修改" not in (await look(lin, "/demo/contracts")).words
    form = (await look(lin, path)).forms["contract-form"].fields | {"stretch": "6", "employment": "regular", "home": "A"}
    before = await contracts(db, hall, "clerk01")
    await lin.post(path, data=form | {"shifts": "5"})  # nothing new in it
    assert "撤销这次修改" not in (await look(lin, "/demo/contracts")).words
    await lin.post(path, data={**form, "shifts": "4", "skills": "A", "until_A": str(WEEK)})
    await lin.post(path, data=form | {"shifts": "3"})
    page = await look(lin, "/demo/contracts")
    assert "最近一次修改：姓名clerk01（姓名manager，11月23日 周一 10:00）" in page.words
    stands = []
    for _ in range(2):
        stands.append([(it.shifts, dict(it.skills)) for it in await contracts(db, hall, "clerk01")])
        page = await look(lin, "/demo/contracts")
        for _ in range(2):  # pressed twice, it takes back one change
            assert (await lin.post("/demo/contracts", data=page.forms["undo"].fields)).status_code == 303
    assert stands == [[(3, {})], [(4, {"A": WEEK})]]
    assert await contracts(db, hall, "clerk01") == before
    await lin.post(path, data=form | {"shifts": "2"})
    await db.execute("UPDATE contracts SET stretch = 3 WHERE clerk = 'clerk01'")  # overtaken
    assert "撤销这次修改" not in (await look(lin, "/demo/contracts")).words


async def test_a_new_contract_goes_again_and_one_with_shifts_ends(lin: Client, db: Connection, hall: Hall) -> None:
    await db.execute("DELETE FROM contracts WHERE clerk = 'clerk02'")
    form = (await look(lin, "/demo/contracts/clerk02")).forms["contract-form"].fields
    typed = form | {"shifts": "5", "stretch": "6", "employment": "regular", "home": "A"}
    for worked, left in ((False, []), (True, [0])):
        await lin.post("/demo/contracts/clerk02", data=typed)
        if worked:
            await place(db, hall, WEEK, "clerk02", ONE, "A", actor="manager:lin")
        await lin.post("/demo/contracts", data=(await look(lin, "/demo/contracts")).forms["undo"].fields)
        assert [it.shifts for it in await contracts(db, hall, "clerk02")] == left


async def test_a_change_of_a_pattern_is_taken_back(lin: Client, db: Connection, hall: Hall) -> None:
    form = (await look(lin, "/demo/patterns")).forms["pattern-form"].fields
    own = form | {"begins": "10:00", "ends": "19:00", "kinds": "weekday"}
    before = await kept_patterns(db, hall, WEEK)
    await lin.post("/demo/patterns", data=own)
    await lin.post("/demo/patterns", data=form | {"code": ONE, "do": "retire"})
    page = await look(lin, "/demo/patterns")
    assert "最近一次修改：09:00–17:00（姓名manager，" in page.words
    retired = page.forms["undo"].fields | {"do": "undo"}
    for _ in range(2):  # pressed twice, it takes back one change
        assert (await lin.post("/demo/patterns", data=retired)).status_code == 303
    page = await look(lin, "/demo/patterns")
    assert await kept_patterns(db, hall, WEEK) != before
    assert (await lin.post("/demo/patterns", data=page.forms["undo"].fields | {"do": "undo"})).status_code == 303
    assert await kept_patterns(db, hall, WEEK) == before
