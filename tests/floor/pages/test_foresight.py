"""The page of a day to come: at once there, then with what the day would be."""

from datetime import date

from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall
from scheduling.statutory import keep_known
from tests.floor.pages.staff import look, staff
from tests.scheduling.clocks import at


async def test_a_manager_looks_at_next_monday_and_next_saturday(app: Starlette, db: Connection, hall: Hall) -> None:
    await at(db, "2026-03-06 10:00+08")
    await db.execute("UPDATE halls SET always_open = false")
    await keep_known(db, date(2026, 3, 6))
    lin = await staff(app, "manager")
    assert "看看这一天会怎样" in (await look(lin, "/demo/calendar/2026-03-09")).words
    assert "看看这一天会怎样" not in (await look(lin, "/demo/calendar/2026-03-05")).words
    page = await look(lin, "/demo/calendar/2026-03-09/foresight")
    assert "3月9日 周一会怎样" in page.words and "正在推演这一天" in page.words
    told = await look(lin, "/demo/calendar/2026-03-09/foreseen")
    assert "没有排班，按种类的要求" in told.words and "还没有往日的来人可以参考" in told.words
    assert "<svg" in told.answer.text and "A A区" in told.words
    assert "这一天不开放" in (await look(lin, "/demo/calendar/2026-03-07/foreseen")).words
    await look(lin, "/demo/calendar/2026-03-05/foresight", 404)


async def test_a_clerk_does_not(app: Starlette, db: Connection, hall: Hall) -> None:
    chen = await staff(app, "clerk01")
    assert (await chen.get("/demo/calendar/2030-03-09/foreseen")).status_code == 403
