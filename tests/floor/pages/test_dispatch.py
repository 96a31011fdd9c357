"""The dispatch page: requests answered, teams made, rounds planned, taken and taken back, without a name on the page."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, timedelta

import pytest
from starlette.applications import Starlette

from displays.outbox import set_way
from displays.sealed import Seal
from floor.database import Connection, Pool
from floor.doorbell import Doorbell
from floor.doorstep_words import keep
from floor.people import add_user
from floor.rounds import Watcher
from floor.settings import Settings
from queueing.halls import Hall
from queueing.tickets import new_key
from scheduling import doorstep, field, resealing, visit_notes
from scheduling.days import calendar
from scheduling.doorstep import Visit, Visitor
from scheduling.envelopes import Details, Envelopes, name_mask, phone_mask
from scheduling.looks import forget_visitors
from scheduling.roster.patterns import lay_patterns
from scheduling.roster.problem import Clerk
from scheduling.roster.store import clerks, monday, place, set_contract
from scheduling.rounds import store
from scheduling.rounds.travel import Point
from scheduling.teams import Kit, keep_door_matter, keep_kit, teams
from tests.floor.conftest import HASHED, Client
from tests.floor.pages.staff import Page, look, press, staff
from tests.scheduling.clocks import at
from tests.scheduling.rounds.doors import DAY, ENVELOPES, as_it_is, crew, on, open_doors, told, wanted

PAGE = f"/demo/dispatch/{DAY}"
SECRETS = ("欧阳明月", "13900001234", "柳荫路")


@pytest.fixture
async def out(db: Connection, hall: Hall) -> Hall:
    await open_doors(db, hall)
    await db.execute("INSERT INTO doorstep_areas (hall, code, name, lat, lon) VALUES ($1, 'east', '东街', 26.6, 104.9)", hall.id)
    return hall


@pytest.fixture
async def lin(app: Starlette, out: Hall) -> Client:
    return await staff(app, "manager")


async def asked(db: Connection, hall: Hall) -> Visit:
    """A request that waits for an answer since last night."""
    await at(db, "2027-03-01 21:00+08")
    key = new_key()
    details = Details(name=SECRETS[0], phone=SECRETS[1], address="云上镇柳荫路17号", lat=26.61, lon=104.84)
    visitor = Visitor(ENVELOPES.close(details, key), key.encode(), name_mask(SECRETS[0]), phone_mask(SECRETS[1]))
    done = await doorstep.request(
        db, hall, "mobility", visitor, actor="desk:desk01", channel="phone", matters=["CERT"], area="east", key=key,
        preferred=[(on(9), on(12))],
    )  # fmt: skip
    await at(db, "2027-03-02 08:00+08")
    return done.visit


async def sends_word(db: Connection, hall: Hall, visit: Visit, settings: Settings) -> bool:
    """Word of this visit goes by text message."""
    seal = Seal(settings.secret)
    await set_way(db, hall.id, "phone", "http", {"url": "https://sms.example.cn/send", "body": "{}"}, seal=seal)
    return await keep(db, hall, visit.key, SECRETS[1], seal=seal, lang="zh-Hans")


async def until(db: Connection, hall: Hall, state: str) -> store.Kept:
    async with asyncio.timeout(90):
        while not (plans := await store.plans_of(db, hall, DAY)) or plans[0].state != state:
            await asyncio.sleep(0.1)
    return plans[0]


async def send(client: Client, page: Page, act: str) -> Page:
    """Press the first button of an act."""
    return await press(client, page, f"{PAGE}/{act}")


async def test_an_empty_day_says_how_to_begin_and_who_may_see_it(
    app: Starlette, lin: Client, sign_in: Callable[[str], Awaitable[Client]]
) -> None:
    assert (await lin.get("/demo/dispatch")).headers["location"] == PAGE
    page = await look(lin, PAGE)
    assert "没有等待答复的申请" in page.words
    assert "先给这一天组一个小组" in page.words
    for name, status in (("leader01", 200), ("desk01", 403), ("clerk01", 403), ("auditor", 403)):
        assert (await (await staff(app, name)).get(PAGE)).status_code == status
    for wrong in (f"{PAGE}/sheet/visit/{2**63}", f"{PAGE}/sheet/visit/{10**9 - 1}", f"{PAGE}/sheet/team/{2**63}"):
        assert (await lin.get(wrong)).status_code == 404


async def test_a_request_is_answered_without_its_envelope_and_each_look_is_on_record(
    lin: Client, db: Connection, out: Hall
) -> None:
    await db.execute("UPDATE doorstep_reasons SET needs_evidence = true")
    visit = await asked(db, out)
    page = await look(lin, PAGE)
    assert "东街" in page.words and "养老资格认证" in page.words and "3月2日 周二 09:00–12:00" in page.words
    assert "11 小时 0 分" in page.words and 'class="ask is-fault"' in page.answer.text  # longer than the hall's eight hours
    assert "上门：1 个申请等待答复，最久已等 11 小时 0 分。" in (await look(lin, "/demo/manage")).words
    sheet = await look(lin, f"{PAGE}/sheet/visit/{visit.id}")
    assert not any(secret in page.answer.text + sheet.answer.text for secret in SECRETS)
    assert "欧**" in sheet.words
    seen = await lin.post(f"{PAGE}/who/{visit.id}", data=sheet.forms[f"{PAGE}/who/{visit.id}"].fields)
    assert [secret in seen.text for secret in SECRETS] == [True, True, False]  # the address is the team's alone
    refused = await press(lin, sheet, f"{PAGE}/accept", visit=str(visit.id))
    assert "证明" in refused.sentence
    page = await press(lin, sheet, f"{PAGE}/accept", visit=str(visit.id), evidence="残疾证")
    assert page.sentence == f"已受理 #{visit.id}，等待安排时间。没有留短信，请打电话告知。"
    assert await told(db, [visit]) == [("accepted", None, None)]
    page = await press(
        lin, await look(lin, f"{PAGE}/sheet/visit/{visit.id}"), f"{PAGE}/decline", visit=str(visit.id), why="out_of_area"
    )
    assert await told(db, [visit]) == [("declined", None, None)]
    rows = await db.fetch("SELECT kind, actor, data FROM journal WHERE kind LIKE 'doorstep.%' ORDER BY \"offset\"")
    kinds = [row["kind"] for row in rows]
    assert kinds.count("doorstep.looked") == 1  # a paper is put into the envelope without anybody seeing it
    assert not any(secret in str(dict(row)) for row in rows for secret in SECRETS)


async def test_a_day_is_planned_from_the_page_taken_and_taken_back(
    lin: Client, db: Connection, out: Hall, settings: Settings
) -> None:
    near, far = await wanted(db, out, 2, (on(9), on(11))), await wanted(db, out, -6, (on(14), on(16)))
    assert await sends_word(db, out, far, settings)
    for name in ("door01", "door02"):
        await add_user(db, out.id, name, HASHED, name=f"上门{name}", roles=["doorstep"])
    sheet = await look(lin, f"{PAGE}/sheet/team")
    team = {
        "name": "一组",
        "lead": "door01",
        "second": "door01",
        "starts": "09:00",
        "ends": "17:00",
        "lunch_from": "11:30",
        "lunch_to": "13:00",
    }
    assert (await press(lin, sheet, f"{PAGE}/team", **team)).sentence == "一个小组要两个不同的人。"
    page = await press(lin, sheet, f"{PAGE}/team", **(team | {"second": "door02"}))
    assert "一组" in page.words and "上门door01" in page.words
    page = await send(lin, page, "plan")
    assert "正在规划路线" in page.words or "采用方案" in page.words
    plan = await until(db, out, "proposed")
    page = await look(lin, PAGE)
    assert "按申请先后" in page.words and "新排 2 户" in page.words
    assert await told(db, [near, far]) == [("accepted", None, None)] * 2
    assert "和按申请先后相比：" in page.words and "都不迟到" in page.words
    page = await send(lin, page, "take")
    assert page.sentence == "已采用方案 1：新排 2 户，改动 0 户。已发短信 1 条。1 户没有短信，请打电话告知。"
    assert [state for state, _, _ in await told(db, [near, far])] == ["scheduled"] * 2
    marks = page.answer.text.count('class="mark r1"') - page.answer.text.count('translate(16 0)" class="mark r1"')
    assert (marks, page.answer.text.count('class="way"') >= 2) == (2, True)
    assert f"撤销方案 {plan.version}" in page.words and "1 户要打电话" in page.words
    sheet = await look(lin, f"{PAGE}/sheet/visit/{near.id}")
    seen = (await lin.post(f"{PAGE}/who/{near.id}", data=sheet.forms[f"{PAGE}/who/{near.id}"].fields)).text
    assert (SECRETS[0] in seen, SECRETS[1] in seen, SECRETS[2] in seen) == (True, True, False)  # to call, not to go there
    page = await send(lin, page, "confirm")  # the one without messages was called
    assert (page.sentence, "户要打电话" in page.words) == (f"#{near.id} 已记下：电话告知。", False)
    page = await send(lin, page, "undo")
    assert page.sentence == "已撤销方案 1：2 户恢复原来的安排。已发短信 1 条。1 户没有短信，请打电话告知。"
    assert await told(db, [near, far]) == [("accepted", None, None)] * 2
    assert not any(secret in page.answer.text for secret in SECRETS)
    said = await db.fetch("SELECT template, data FROM notices WHERE subject = $1 ORDER BY id", f"visit:{far.key}")
    assert [(row["template"], row["data"]["time"]) for row in said] == [
        ("visit_planned", "14:00–15:00"), ("visit_open", "14:00–15:00"),
    ]  # fmt: skip
    looks = await db.fetch("SELECT data FROM journal WHERE kind = 'doorstep.located' ORDER BY \"offset\"")
    assert [row["data"]["visits"] for row in looks] == [[near.id, far.id]]  # once an hour, however often the page is drawn


async def test_a_visit_is_set_by_hand_moved_and_taken_out_and_no_says_why(lin: Client, db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一组", "door01", "clerk01")
    visit = await wanted(db, out, 3)
    sheet = await look(lin, f"{PAGE}/sheet/visit/{visit.id}")
    page = await press(lin, sheet, f"{PAGE}/schedule", visit=str(visit.id), team=str(one.id), at="20:00")
    assert "小组" in page.sentence and await told(db, [visit]) == [("accepted", None, None)]
    page = await press(lin, sheet, f"{PAGE}/schedule", visit=str(visit.id), team=str(one.id), at="10:00")
    assert await told(db, [visit]) == [("scheduled", one.id, "10:00")]
    assert page.sentence.startswith(f"#{visit.id} 已安排：3月2日 周二 10:00，一组。")
    sheet = await look(lin, f"{PAGE}/sheet/visit/{visit.id}")
    await doorstep.confirm(db, out, visit.key, actor="citizen")
    same = await press(lin, sheet, f"{PAGE}/schedule", visit=str(visit.id), team=str(one.id), at="10:00", note="带轮椅")
    await db.execute("UPDATE visit_notes SET key_id = 'gone'")  # the hall's secret was changed: that holds up nothing
    for note, kept in (("", "gone"), ("带轮椅", ENVELOPES.key_id)):
        same = await press(lin, sheet, f"{PAGE}/schedule", visit=str(visit.id), team=str(one.id), at="10:00", note=note)
        assert await db.fetchval("SELECT key_id FROM visit_notes") == kept
    assert "没有变" in same.sentence and (await doorstep.by_key(db, visit.key)).confirmed_at is not None
    moved = await press(lin, sheet, f"{PAGE}/schedule", visit=str(visit.id), team=str(one.id), at="14:00")
    await send(lin, moved, "schedule")  # taken back by the button beside the sentence
    assert await told(db, [visit]) == [("scheduled", one.id, "10:00")]
    sheet = await look(lin, f"{PAGE}/sheet/visit/{visit.id}")
    page = await press(lin, sheet, f"{PAGE}/unschedule", visit=str(visit.id))
    assert await told(db, [visit]) == [("accepted", None, None)]
    assert page.sentence.startswith(f"#{visit.id} 已撤下，等待另排。")
    await send(lin, page, "schedule")
    assert await told(db, [visit]) == [("scheduled", one.id, "10:00")]
    page = await look(lin, PAGE)
    await at(db, "2027-03-03 08:00+08")
    assert "已经过去" in (await look(lin, PAGE)).words
    assert "已经过去" in (await press(lin, page, f"{PAGE}/plan")).sentence


async def test_a_team_that_drops_out_has_its_visits_put_to_another_at_once(lin: Client, db: Connection, out: Hall) -> None:
    one, two = await crew(db, out, "一组", "door01", "clerk01"), await crew(db, out, "二组", "door02", "clerk02")
    visit = await wanted(db, out, 3)
    await doorstep.schedule(db, out, visit.key, on(10), one.id, actor="m")
    page = await look(lin, PAGE)
    form = next(form for form in page.every if form.action == f"{PAGE}/out" and form.fields["team"] == str(one.id))
    await lin.post(form.action, data=form.fields, headers={"hx-request": "true"})
    plan = await until(db, out, "proposed")
    page = await look(lin, PAGE)
    assert (plan.cause, "有小组退出" in page.words, "一组 → 二组" in page.words) == ("team", True, True)
    await send(lin, page, "take")
    ((state, team, _),) = await told(db, [visit])
    assert (state, team) == ("scheduled", two.id)
    page = await look(lin, PAGE)
    assert "已退出" in page.words


async def test_the_clock_proposes_when_somebody_asks_and_moves_nobody(
    lin: Client, db: Connection, out: Hall, pool: Pool, app: Starlette
) -> None:
    one = await crew(db, out, "一组", "door01", "clerk01")
    first = await wanted(db, out, 3)
    await doorstep.schedule(db, out, first.key, on(10), one.id, actor="m")
    second = await wanted(db, out, 4)
    watcher = Watcher(pool, Doorbell(app.state.redis), ENVELOPES)
    await watcher.look(0.0)
    await watcher.look(30.0)  # the same minute: once
    plan = await until(db, out, "proposed")
    assert (plan.cause, plan.made_by, plan.version) == ("call", "clock", 1)
    assert await told(db, [first, second]) == [("scheduled", one.id, "10:00"), ("accepted", None, None)]
    assert "来了新的申请" in (await look(lin, PAGE)).words
    assert "上门：来了新的申请，有新的路线方案等您决定。" in (await look(lin, "/demo/manage")).words
    assert (await as_it_is(db, out)).out == frozenset()


async def test_a_team_is_changed_and_ways_that_were_measured_are_used(lin: Client, db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一组", "door01", "clerk01")
    await add_user(db, out.id, "door01", HASHED, name="上门一", roles=["doorstep"])
    sheet = await look(lin, f"{PAGE}/sheet/team/{one.id}")
    fields = {"name": "东线", "lead": "door01", "second": "clerk01", "starts": "08:30", "ends": "16:00", "skill": "A"}
    page = await press(lin, sheet, f"{PAGE}/team", **fields)
    assert (page.sentence, "东线" in page.words, "08:30–16:00" in page.words) == ("东线已保存。", True, True)
    assert (await look(lin, f"{PAGE}/sheet/team/9999", 404)).words
    await db.execute("INSERT INTO doorstep_areas (hall, code, name, lat, lon) VALUES ($1, 'west', '西村', 26.6, 104.7)", out.id)
    sheet = await look(lin, f"{PAGE}/sheet/team")
    page = await press(lin, sheet, f"{PAGE}/ways", ways="east,west,31.5,55\n west ， east, 30, 48 \n")
    assert page.sentence == "实测路程已保存。"
    travel = (await as_it_is(db, out)).problem.travel
    assert travel.way(Point(26.6, 104.9, "east"), Point(26.6, 104.7, "west")) == (31_500, 58 * 60)
    assert "west,east,30,48" in (await look(lin, f"{PAGE}/sheet/team")).answer.text
    for wrong in ("east,nowhere,1,1", "east,east,1,1", "east;west", "east,west,many,5"):
        assert "每行" in (await press(lin, sheet, f"{PAGE}/ways", ways=wrong)).sentence
    assert len((await as_it_is(db, out)).problem.travel.measured) == 2  # what can't be used changes nothing
    page = await press(lin, sheet, f"{PAGE}/place", lat="26.7", lon="104.8")
    assert (await as_it_is(db, out)).centre == Point(26.7, 104.8)
    assert "经纬度" in (await press(lin, sheet, f"{PAGE}/place", lat="126.7", lon="x")).sentence


async def test_the_way_of_one_team_is_drawn_for_a_phone(lin: Client, db: Connection, out: Hall) -> None:
    one, two = await crew(db, out, "一组", "door01", "clerk01"), await crew(db, out, "二组", "door02", "clerk02")
    for km, team, hour in ((2, one, 9), (3, one, 10), (-4, two, 11)):
        await doorstep.schedule(db, out, (await wanted(db, out, km)).key, on(hour, 30), team.id, actor="m")
    every, own = await look(lin, PAGE), await look(lin, f"{PAGE}?team={one.id}")
    assert [page.answer.text.count('class="mark ') for page in (every, own)] == [3, 2]
    assert 'viewBox="0 0 480 400"' in own.answer.text
    assert f'hx-get="{PAGE}/part?team={one.id}"' in own.answer.text


async def test_a_note_for_the_team_is_sealed_and_written_without_a_look(
    app: Starlette, lin: Client, db: Connection, out: Hall
) -> None:
    one, visit = await crew(db, out, "一组", "door01", "clerk01"), await asked(db, out)
    sheet = await look(lin, f"{PAGE}/sheet/visit/{visit.id}")
    await press(lin, sheet, f"{PAGE}/accept", note="门铃坏了，请敲门")
    sheet = await look(lin, f"{PAGE}/sheet/visit/{visit.id}")
    assert "门铃坏了" in sheet.words
    assert await db.fetchval("SELECT count(*) FROM journal WHERE kind = 'doorstep.looked'") == 0
    assert "门铃" not in str([dict(row) for row in await db.fetch("SELECT * FROM journal")])
    assert "门铃".encode() not in await db.fetchval("SELECT sealed FROM visit_notes")
    await doorstep.schedule(db, out, visit.key, on(10), one.id, actor="m")
    (there,) = (await (await staff(app, "clerk01")).get("/demo/field/day")).json()["visits"]
    assert (there["said"], there["address"]) == ("门铃坏了，请敲门", "云上镇柳荫路17号")
    (again,) = (await (await staff(app, "clerk01")).get(f"/demo/field/day?known={visit.id}")).json()["visits"]
    assert (again["said"], "address" in again) == ("门铃坏了，请敲门", False)
    newer = Envelopes(b"another secret of thirty-two signs", b"a secret of thirty-two characters")
    assert [(await resealing.reseal(db, out, newer)).done for _ in range(2)] == [2, 0]
    assert await visit_notes.of(db, out, [visit.id], newer) == {visit.id: "门铃坏了，请敲门"}
    await db.execute("UPDATE doorstep_visits SET state = 'cancelled', ended_at = hall_now() - interval '90 days'")
    await forget_visitors(db, out)
    assert await db.fetchval("SELECT count(*) FROM visit_notes") == 0


async def test_a_search_that_fails_says_why_and_leads_to_the_next_working_day(lin: Client, db: Connection, out: Hall) -> None:
    await crew(db, out, "一组", "door01", "clerk01")
    for why, said in (("timeout", "没有算出方案"), ("died", "中途停了")):
        await store.give_up(db, out, await store.begin(db, out, DAY, "asked", actor="manager:manager"), why)
        page = await look(lin, PAGE)
        assert said in page.words and "改为规划下一个工作日" in page.words
    following = await lin.post("/demo/dispatch/2027-03-03/plan", data=page.forms["/demo/dispatch/2027-03-03/plan"].fields)
    assert following.status_code == 409 and "这一天没有要安排的上门" in following.text
    kinds = [row["kind"] for row in await db.fetch("SELECT kind FROM journal WHERE kind LIKE 'rounds.%' ORDER BY \"offset\"")]
    assert kinds[:4] == ["rounds.sought", "rounds.failed"] * 2


async def test_teams_of_the_day_before_go_out_again_and_nobody_unknown_does(lin: Client, db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一组", "door01", "clerk01")
    await add_user(db, out.id, "door01", HASHED, name="上门一", roles=["doorstep"])
    next_page = "/demo/dispatch/2027-03-03"
    page = await look(lin, next_page)
    assert "沿用3月2日 周二的小组" in page.words
    page = await press(lin, page, f"{next_page}/same-teams")
    assert page.sentence == "已沿用3月2日 周二的小组。"
    (again,) = await teams(db, out, date(2027, 3, 3))
    assert (again.lead, again.second, again.starts - one.starts, again.lunch_to) == (
        "door01", "clerk01", timedelta(1), (one.lunch_to or one.ends) + timedelta(1),
    )  # fmt: skip
    sheet = await look(lin, f"{PAGE}/sheet/team/{one.id}")
    fields = {"name": "一组", "lead": "door01", "starts": "08:30", "ends": "16:00"}
    assert "没有" in (await press(lin, sheet, f"{PAGE}/team", **fields, second="nobody")).sentence
    assert "没有" in (await press(lin, sheet, f"{PAGE}/team", **fields, second="desk01")).sentence  # goes to no doors
    page = await look(lin, PAGE)
    for unknown in ("9999", str(again.id)):  # no team, and none of this day
        assert (await press(lin, page, f"{PAGE}/out", team=unknown)).sentence == "找不到这支小组"


async def test_bags_that_nobody_carries_and_times_that_are_over_are_seen(lin: Client, db: Connection, out: Hall) -> None:
    await keep_kit(db, out, Kit("card", "制卡包", None, None, [], 2))
    await keep_kit(db, out, Kit("photo", "拍照包", None, None, [], 1))
    await keep_door_matter(db, out, "DEED", 40, "card")
    await crew(db, out, "一组", "door01", "clerk01")
    needs = await wanted(db, out, 3, matter="DEED")
    await wanted(db, out, 3, (on(9) - timedelta(1), on(11) - timedelta(1)))
    later = await wanted(db, out, 3, (on(9) + timedelta(2), on(11) + timedelta(2)))
    page = await look(lin, PAGE)
    assert f"制卡包 0/2 没有小组带，要用： #{needs.id}" in page.words and "拍照包 0/1" in page.words
    assert "当天没有小组带制卡包" in page.words and "约定的时间已过" in page.words
    assert f"#{later.id} " not in page.words and "3月4日 周四 1 户" in page.words


async def test_who_works_at_a_window_then_is_sent_only_with_a_word(lin: Client, db: Connection, out: Hall) -> None:
    await set_contract(db, out, Clerk("clerk01", ("A",), home="A"))
    await lay_patterns(db, out)
    await place(db, out, DAY, "clerk01", "0900_1700_1", "A", actor="manager:lin")
    sheet = await look(lin, f"{PAGE}/sheet/team")
    assert "姓名clerk01 · 当天窗口班 09:00–17:00" in sheet.words
    team = {"name": "三组", "lead": "clerk01", "second": "clerk02", "starts": "16:00", "ends": "18:00"}
    told = (await press(lin, sheet, f"{PAGE}/team", **team)).sentence
    assert told.startswith("姓名clerk01 这一天 09:00–17:00 在窗口当班") and "三组" not in {
        it.name for it in await teams(db, out, DAY)
    }
    for typed in ({"starts": "17:00"}, {"sure": "yes"}):  # after the shift nobody minds
        await press(lin, await look(lin, f"{PAGE}/sheet/team"), f"{PAGE}/team", **team | typed)
        assert "三组" in {it.name for it in await teams(db, out, DAY)}
        await db.execute("DELETE FROM doorstep_teams WHERE name = '三组' AND starts > $1", on(16, 30))
    away = {it.name: it.away for it in await clerks(db, out, monday(DAY), await calendar(db, out))}
    assert away["clerk01"] == {DAY: "doorstep"}, "and no roster worked out anew has them at a window that day"


async def test_who_is_on_the_way_and_late_is_seen_late_and_so_is_the_next_door(lin: Client, db: Connection, out: Hall) -> None:
    one = await crew(db, out, "一组", "door01", "clerk01")
    near, far = await wanted(db, out, 3), await wanted(db, out, 4)
    await doorstep.schedule(db, out, near.key, on(10), one.id, actor="m")
    await doorstep.schedule(db, out, far.key, on(10, 50), one.id, actor="m")
    await at(db, "2027-03-02 09:50+08")
    await doorstep.depart(db, out, near.key, actor="doorstep:door01", member="door01")
    await field.late(db, out, near.key, 60, actor="doorstep:door01", member="door01")
    page = await look(lin, PAGE)
    assert "10:00 → 11:00 迟 60 分" in page.words and "最多要迟 60 分" in page.words
    assert page.answer.text.count('class="warn"') == 2


async def test_a_today_that_is_over_leads_to_the_next_working_day(lin: Client, db: Connection, out: Hall) -> None:
    ahead = ">规划下一个工作日：3月3日 周三<"
    await crew(db, out, "一组", "door01", "clerk01", ends=19)
    await wanted(db, out, 2)
    for moment, over in (("08:00", False), ("18:30", False), ("19:30", True)):  # a team may be out when the doors have closed
        await at(db, f"2027-03-02 {moment}+08")
        page = (await lin.get(PAGE)).text
        assert (ahead in page) is over and "规划路线" in page, moment
        assert ('class="button primary" href="/demo/dispatch/2027-03-03"' in page) is over
    assert "规划下一个工作日" not in (await look(lin, "/demo/dispatch/2027-03-03")).words
    await at(db, "2027-03-06 23:30+08")
    assert "规划下一个工作日：3月8日 周一" in (await look(lin, "/demo/dispatch/2027-03-06")).words
