"""A clerk's own shifts: seen on the phone, subscribed to, and leave that comes off the roster once it is approved."""

from datetime import timedelta

from icalendar import Calendar
from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall
from scheduling.roster.leave import leaves
from scheduling.roster.store import placed
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, staff
from tests.floor.pages.test_roster import BOARD, WEEK, lin, published

__all__ = ["lin"]


async def test_published_shifts_are_there_and_in_the_calendar(app: Starlette, lin: Client, db: Connection, hall: Hall) -> None:
    clerk = await staff(app, "clerk01")
    assert "还没有发布您的班次" in (await look(clerk, "/demo/shifts")).words
    await published(db, hall)
    page = await look(clerk, "/demo/shifts")
    assert "11月23日 周一 09:00–17:00" in page.words
    token = await db.fetchval("SELECT calendar_token FROM contracts WHERE clerk = 'clerk01'")
    assert f"/shifts/{token}.ics" in page.answer.text
    answer = await clerk.get(f"/shifts/{token}.ics")
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    assert [f"{event.decoded('dtstart'):%Y-%m-%d %H:%M %z}" for event in events] == ["2026-11-23 09:00 +0800"]
    assert (await clerk.get(f"/shifts/{token[:-1]}x.ics")).status_code == 404


async def test_leave_is_asked_for_and_comes_off_the_roster_when_approved(
    app: Starlette, lin: Client, db: Connection, hall: Hall
) -> None:
    await published(db, hall)
    clerk = await staff(app, "clerk01")
    page = await look(clerk, "/demo/shifts")
    token = page.forms["ask-leave"].fields["csrf"]
    asked = {"csrf": token, "kind": "sick", "first": str(WEEK), "last": str(WEEK + timedelta(1))}
    assert (await clerk.post("/demo/shifts/leave", data=asked | {"last": str(WEEK - timedelta(1))})).status_code == 409
    assert (await clerk.post("/demo/shifts/leave", data=asked)).status_code == 303
    assert len(await placed(db, hall, WEEK)) == 1
    board = await look(lin, BOARD)
    form = board.forms[f"{BOARD}/leave"]
    assert "待批的请假（1）" in board.words
    assert (await lin.post(f"{BOARD}/leave", data={**form.fields, "answer": "yes"})).status_code == 303
    assert await placed(db, hall, WEEK) == []
    assert [it.state for it in await leaves(db, hall, WEEK)] == ["approved"]
    assert "已批准" in (await look(clerk, "/demo/shifts")).words


async def test_a_wish_is_kept_until_it_is_taken_back(app: Starlette, lin: Client, db: Connection, hall: Hall) -> None:
    clerk = await staff(app, "clerk01")
    token = (await look(clerk, "/demo/shifts")).forms["ask-leave"].fields["csrf"]
    for wish, kept in (("off", ["off"]), ("on", ["on"]), ("", [])):
        await clerk.post("/demo/shifts/wish", data={"csrf": token, "day": str(WEEK), "wish": wish})
        assert [row["wish"] for row in await db.fetch("SELECT wish FROM shift_wishes")] == kept
