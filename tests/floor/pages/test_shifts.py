"""A clerk's own shifts: seen on the phone, subscribed to, and leave that comes off the roster once it is approved."""

from datetime import timedelta

from icalendar import Calendar
from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall
from scheduling.roster.attendance import keep_attendance
from scheduling.roster.leave import leaves
from scheduling.roster.store import place, placed, publish
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, staff
from tests.floor.pages.test_roster import BOARD, ONE, WEEK, lin, published

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
    back = (await look(lin, BOARD)).forms[f"{BOARD}/revoke"]
    assert (await lin.post(f"{BOARD}/revoke", data={**back.fields, "leave": form.fields["leave"]})).status_code == 303
    assert [it.state for it in await leaves(db, hall, WEEK)] == ["withdrawn"]


async def test_a_wish_is_kept_until_it_is_taken_back(app: Starlette, lin: Client, db: Connection, hall: Hall) -> None:
    clerk = await staff(app, "clerk01")
    token = (await look(clerk, "/demo/shifts")).forms["ask-leave"].fields["csrf"]
    for wish, kept in (("off", ["off"]), ("on", ["on"]), ("", [])):
        await clerk.post("/demo/shifts/wish", data={"csrf": token, "day": str(WEEK), "wish": wish})
        assert [row["wish"] for row in await db.fetch("SELECT wish FROM shift_wishes")] == kept
        said = {"off": "愿休", "on": "愿班"}.get(wish, "")
        assert [word for word in ("愿休", "愿班") if word in (await look(lin, BOARD)).words] == ([said] if said else [])
        assert ("周一 希望" in (await look(clerk, "/demo/shifts")).words) == bool(wish)


async def test_a_late_clerk_sees_the_mark_and_the_leader_of_the_zone_corrects_it(
    app: Starlette, lin: Client, db: Connection, hall: Hall
) -> None:
    await published(db, hall)
    await keep_attendance(db, hall)  # it is ten, the shift began at nine
    clerk, leader = await staff(app, "clerk01"), await staff(app, "leader01")
    assert "迟到 09:00 起，至今未到" in (await look(clerk, "/demo/shifts")).words
    board = await look(leader, BOARD)
    form = board.forms[f"{BOARD}/mark"]
    judged = {**form.fields, "judged": "excused"}
    assert (await leader.post(f"{BOARD}/mark", data=judged)).status_code == 409
    assert (await leader.post(f"{BOARD}/mark", data=judged | {"reason": "在导办台"})).status_code == 303
    assert "更正为“不计”：在导办台（姓名leader01）" in (await look(clerk, "/demo/shifts")).words
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B')", hall.id)
    await db.execute("UPDATE users SET zone = 'B' WHERE username = 'leader01'")
    other = await staff(app, "leader01")
    assert f"{BOARD}/mark" not in (await look(other, BOARD)).forms
    answer = await other.post(f"{BOARD}/mark", data=judged | {"csrf": await csrf(other), "reason": "x"})
    assert answer.status_code == 403
    assert (await other.post(f"{BOARD}/publish", data={"csrf": await csrf(other)})).status_code == 403


async def csrf(client: Client) -> str:
    return next(form.fields["csrf"] for form in (await look(client, "/demo/calendar")).every if "csrf" in form.fields)


async def test_overtime_is_seen_by_its_clerk_and_exported_by_the_manager(
    app: Starlette, lin: Client, db: Connection, hall: Hall
) -> None:
    assert "还没有延时记录" in (await look(lin, "/demo/overtime")).words
    await db.execute(
        "INSERT INTO overtime (hall, clerk, day, minutes, kind, rate, credit, until) "
        "VALUES ($1, 'clerk01', $2, 90, 'drain', 100, 90, $2)",
        hall.id, WEEK,
    )  # fmt: skip
    assert "可调休 1.5 小时" in (await look(await staff(app, "clerk01"), "/demo/shifts")).words
    assert "可调休 0 小时" in (await look(await staff(app, "clerk02"), "/demo/shifts")).words
    assert "姓名clerk01 1.5 小时" in (await look(lin, "/demo/overtime")).words
    sheet = (await lin.get("/demo/overtime.csv")).text.splitlines()
    assert sheet[1] == f"姓名clerk01,{WEEK},工作日延时,90,100,90,0,{WEEK}"
    assert (await (await staff(app, "clerk01")).get("/demo/overtime")).status_code == 403


async def test_a_shift_changes_hands_when_both_agree_and_the_leader_approves(
    app: Starlette, lin: Client, db: Connection, hall: Hall
) -> None:
    for clerk, day in (("clerk01", 1), ("clerk02", 3)):
        await place(db, hall, WEEK + timedelta(day), clerk, ONE, "A", actor="manager:lin")
    await publish(db, hall, WEEK, actor="manager:lin")
    one, two, leader = [await staff(app, name) for name in ("clerk01", "clerk02", "leader01")]
    tuesday = WEEK + timedelta(1)
    page = await look(one, f"/demo/shifts/swap/{tuesday}")
    assert "姓名clerk02 代班，不用还" in page.words
    asked = {**page.forms["ask-swap"].fields, "with": f"clerk02 {WEEK + timedelta(3)}"}
    for _ in range(2):
        assert (await one.post("/demo/shifts/swap", data=asked)).status_code == 303
    assert (await one.post("/demo/shifts/swap", data=asked | {"press": "another"})).status_code == 409
    assert "1 个换班等您答复" in (await look(two, "/demo/console")).words
    page = await look(two, "/demo/shifts")
    assert "姓名clerk01 的 11月24日 周二 换 姓名clerk02 的 11月26日 周四 等待对方同意" in page.words
    answer = {**page.forms["/demo/shifts/answer"].fields, "say": "agree"}
    assert (await one.post("/demo/shifts/answer", data=answer | {"csrf": await csrf(one)})).status_code == 404
    assert (await two.post("/demo/shifts/answer", data=answer)).status_code == 303
    board = await look(leader, BOARD)
    assert "待批的换班（1）" in board.words
    form = {**board.forms[f"{BOARD}/swap"].fields, "answer": "yes"}
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B')", hall.id)
    await db.execute("UPDATE users SET zone = 'B' WHERE username = 'leader01'")
    other = await staff(app, "leader01")
    assert (await other.post(f"{BOARD}/swap", data=form | {"csrf": await csrf(other)})).status_code == 403
    assert (await lin.post(f"{BOARD}/swap", data=form | {"csrf": await csrf(lin)})).status_code == 303
    assert [(it.clerk, it.day) for it in await placed(db, hall, WEEK)] == [
        ("clerk02", tuesday), ("clerk01", WEEK + timedelta(3)),
    ]  # fmt: skip
    assert "已批准" in (await look(one, "/demo/shifts")).words
