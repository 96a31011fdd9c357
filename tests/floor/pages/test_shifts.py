"""A clerk's own shifts: seen on the phone, subscribed to, and leave that comes off the roster once it is approved."""

from datetime import timedelta

from icalendar import Calendar
from starlette.applications import Starlette

from floor.database import Connection
from queueing.halls import Hall
from scheduling.roster import leave
from scheduling.roster.attendance import keep_attendance
from scheduling.roster.leave import leaves
from scheduling.roster.store import last_change, place, placed, publish, undo
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, staff
from tests.floor.pages.test_roster import BOARD, ONE, WEEK, lin, published
from tests.scheduling.clocks import at

__all__ = ["lin"]


async def take_back(db: Connection, hall: Hall) -> None:
    """Take back the newest change by hand of the week."""
    newest = await last_change(db, hall, WEEK)
    assert newest is not None and await undo(db, hall, WEEK, newest[0]) is not None


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
    assert [str(event["summary"]) for event in events] == ["A A区"]
    assert b"BEGIN:VTIMEZONE" in answer.content and b"DTSTAMP:20261123T020000Z" in answer.content
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
    await keep_attendance(db, hall)  # it is ten, and a shift that began at nine was published only now
    assert "最近两周没有迟到" in (await look(await staff(app, "clerk01"), "/demo/shifts")).words
    await db.execute("UPDATE rosters SET published_at = published_at - interval '1 hour'")
    await keep_attendance(db, hall)
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
    assert "1 条排班通知" in (await look(two, "/demo/console")).words
    page = await look(two, "/demo/shifts")
    assert "姓名clerk01 的 11月24日 周二 换 姓名clerk02 的 11月26日 周四 等您答复" in page.words
    assert page.words.index("有换班等您答复（1）") < page.words.index("接下来的班次")
    assert "等您答复" not in (await look(one, "/demo/shifts")).words
    answer = {**page.forms["/demo/shifts/answer"].fields, "say": "agree"}
    assert (await one.post("/demo/shifts/answer", data=answer | {"csrf": await csrf(one)})).status_code == 404
    assert (await two.post("/demo/shifts/answer", data=answer)).status_code == 303
    assert "有换班等您答复" not in (await look(two, "/demo/shifts")).words
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


async def test_what_happened_to_a_clerks_shifts_stands_until_it_is_read(
    app: Starlette, lin: Client, db: Connection, hall: Hall
) -> None:
    await db.execute("UPDATE contracts SET news_seen_at = hall_now() - interval '1 day'")
    one, tuesday = await staff(app, "clerk01"), WEEK + timedelta(1)
    await at(db, f"{WEEK} 11:00+08")
    await published(db, hall)
    await at(db, f"{WEEK} 11:01+08")
    await place(db, hall, tuesday, "clerk01", ONE, "A", actor="manager:manager", window="2")
    await place(db, hall, tuesday + timedelta(1), "clerk01", ONE, "A", actor="manager:manager")
    await take_back(db, hall)  # made and taken back before anybody read of it
    asked = await leave.ask_leave(db, hall, "clerk01", WEEK + timedelta(3), WEEK + timedelta(4), "annual")
    await leave.decide_leave(db, hall, asked, approve=False, actor="leader:leader01")
    page = await look(one, "/demo/shifts")
    assert "排班通知（3）" in page.words and "11月24日 周二的班有改动" in page.words.replace(" 的班", "的班")
    assert "11月23日 周一 起这一周的班表已发布或更新" in page.words
    assert "您的年假（11月26日 周四 – 11月27日 周五）没有批准" in page.words
    assert "A区 2号窗口" in page.words
    assert "3 条排班通知" in (await look(one, "/demo/console/1")).words
    assert "3 条排班通知" in (await look(one, "/demo/console")).words
    form = page.forms["read-news"].fields
    for wrong in ("soon", "2027-03-01T10:00", "0001-01-01T00:00+08:00"):
        assert (await one.post("/demo/shifts/news", data=form | {"until": wrong})).status_code == 404
    await at(db, f"{WEEK} 11:02+08")
    await take_back(db, hall)  # what they have not seen yet
    assert (await one.post("/demo/shifts/news", data=form)).status_code == 303
    page = await look(one, "/demo/shifts")
    assert "排班通知（1）" in page.words and "11月24日 周二 的班有改动" in page.words
    await one.post("/demo/shifts/news", data=page.forms["read-news"].fields)
    assert "排班通知" not in (await look(one, "/demo/shifts")).words


async def test_who_calls_in_sick_stands_on_the_managers_board(app: Starlette, lin: Client, db: Connection, hall: Hall) -> None:
    assert "排班待批" not in (await look(lin, "/demo/manage")).words
    await leave.ask_leave(db, hall, "clerk01", WEEK, WEEK, "sick")
    assert "排班待批：请假 1 份；今天请病假：姓名clerk01" in (await look(lin, "/demo/manage")).words
    await db.execute("INSERT INTO zones (hall, code, name) VALUES ($1, 'B', 'B')", hall.id)
    await db.execute("UPDATE users SET zone = 'B' WHERE username = 'leader01'")
    assert "排班待批" not in (await look(await staff(app, "leader01"), "/demo/manage")).words


async def test_the_planned_window_comes_first_and_the_others_say_that_they_are_not(
    app: Starlette, lin: Client, db: Connection, hall: Hall
) -> None:
    one, two = await staff(app, "clerk01"), await staff(app, "clerk02")
    assert "按排班" not in (await look(one, "/demo/console")).words
    await place(db, hall, WEEK, "clerk01", ONE, "A", actor="manager:manager", window="2")
    await publish(db, hall, WEEK, actor="manager:manager")
    assert "2号窗口 按排班 · 开窗 1号窗口 排班外" in (await look(one, "/demo/console")).words
    words = (await look(two, "/demo/console")).words
    assert words.count("排班外") == 2 and "您今天没有排班" in words and "开窗 " not in words
