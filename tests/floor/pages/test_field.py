"""The team's page tells who lives there to that team alone, once; acts answer in words; papers go to who counts them."""

import base64
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from PIL import Image
from starlette.applications import Starlette

from displays.sealed import Seal
from floor import doorstep_words as telling
from floor.database import Connection
from floor.pages.field import navigation
from floor.people import add_user
from floor.quality.callbacks import TICKS
from queueing.halls import Hall
from scheduling import ticks
from scheduling.doorstep import Visit
from scheduling.teams import keep_door_matter, save_team
from tests.floor.conftest import HASHED, PASSWORD, Client, client_of
from tests.floor.pages.staff import Page, look, staff
from tests.scheduling.clocks import at
from tests.scheduling.test_field import ADDRESS, NAME, PHONE, on, visit_at

DAY = date(2027, 3, 2)
PERSONAL = (NAME, PHONE, ADDRESS)


@pytest.fixture
async def visit(db: Connection, hall: Hall, people: None) -> Visit:
    """A Tuesday morning; a visit at 9:30 for door01 and clerk01, whose secret is the hall's own."""
    await at(db, "2027-03-02 08:00+08")
    for username in ("door01", "door09"):
        await add_user(db, hall.id, username, HASHED, name=f"姓名{username}", roles=["doorstep"])
    await db.execute(
        "INSERT INTO matters (hall, code, name, service, materials, materials_en) "
        "VALUES ($1, 'CERT', '养老认证', 'A', '{身份证,户口簿}', '{ID card,Household register}')",
        hall.id,
    )
    await keep_door_matter(db, hall, "CERT", 20)
    team = await save_team(
        db, hall, DAY, "一队", ("door01", "clerk01"), skills=["A"], kits=[], starts=on(9), ends=on(17), start=(26.59, 104.83),
        lunch=None, number=None, actor="manager:manager",
    )  # fmt: skip
    await db.execute("UPDATE windows SET state = 'open', clerk = 'clerk02' WHERE no = '1'")
    return await visit_at(db, hall, team.id, on(9, 30))


@pytest.fixture
async def phone(app: Starlette, visit: Visit) -> Client:
    return await staff(app, "door01")


class Acts:
    """A phone that presses: each act with an id of its own, and what the hall answered."""

    def __init__(self, client: Client, visit: Visit):
        self.client, self.visit, self.n = client, visit, 0

    async def __call__(
        self, kind: str, status: int = 200, *, n: int | None = None, ago_s: int = 0, **data: Any
    ) -> dict[str, Any]:
        self.n += n is None
        visit = data.pop("visit", f"vi_{self.visit.id}")
        body = {"id": f"{n or self.n:032x}", "kind": kind, "visit": visit, "data": data, "ago_s": ago_s}
        answer = await self.client.post("/demo/field/act", json=body, headers=await csrf(self.client))
        assert answer.status_code == status, answer.text
        told: dict[str, Any] = answer.json()
        return told


async def csrf(client: Client) -> dict[str, str]:
    """What a page's script sends along with an act."""
    return {"x-csrf-token": (await client.get("/demo/field/day?known=")).json()["csrf"], "accept": "*/*"}


@pytest.fixture
def act(phone: Client, visit: Visit) -> Acts:
    return Acts(phone, visit)


def photo(*, maker: str = "PLANTED") -> str:
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x010F] = maker
    Image.new("RGB", (40, 30), "white").save(file, "JPEG", exif=exif.tobytes())
    return base64.b64encode(file.getvalue()).decode()


async def at_the_door(act: Acts) -> None:
    await act("sign_in")
    body = {"username": "clerk01", "password": PASSWORD}
    answer = await act.client.post("/demo/field/partner", json=body, headers=await csrf(act.client))
    assert answer.json()["team"]["members"] == [
        {"username": "door01", "name": "姓名door01", "here": True}, {"username": "clerk01", "name": "姓名clerk01", "here": True}
    ]  # fmt: skip
    await act("depart")
    await act("arrive")


async def photographed(act: Acts, paper: str = "c" * 32) -> None:
    await act("consent", how="ticked", version="2026-11", text_lang="en")
    await act("paper", paper=paper, name="身份证", image=photo())


async def test_the_frame_a_phone_keeps_has_nothing_of_any_visit(phone: Client, visit: Visit) -> None:
    frame = await phone.get("/demo/field")
    assert frame.status_code == 200 and [word for word in (*PERSONAL, visit.key) if word in frame.text] == []
    worker = await phone.get("/demo/field/worker.js")
    assert (worker.headers["service-worker-allowed"], worker.headers["cache-control"]) == ("/demo/field", "no-cache")


async def test_who_lives_there_is_told_to_the_team_once_each_time_on_record_and_not_after(
    phone: Client, act: Acts, app: Starlette, db: Connection, visit: Visit
) -> None:
    day = (await phone.get("/demo/field/day")).json()
    (told,) = day["visits"]
    assert (told["name"], told["phone"], told["address"]) == PERSONAL
    assert (told["window"], told["state"], told["matters"]) == (
        "09:30–09:50", "scheduled", [{"name": "养老认证", "materials": ["身份证", "户口簿"]}]
    )  # fmt: skip
    again = (await phone.get(f"/demo/field/day?known={told['no']}")).json()
    assert "name" not in again["visits"][0]
    looks = "SELECT count(*) FROM journal WHERE kind = 'doorstep.looked'"
    before = await db.fetchval(looks)
    await phone.get(f"/demo/field/day?known={told['no']}")
    assert await db.fetchval(looks) == before
    other = await staff(app, "door09")
    assert (await other.get("/demo/field/day")).json() | {"csrf": ""} == day | {
        "csrf": "", "me": "door09", "team": None, "visits": []
    }  # fmt: skip
    assert (await (await staff(app, "engineer")).get("/demo/field/day")).status_code == 403
    await at_the_door(act)
    done = await act("complete", outcome="done")
    assert "name" not in done["visit"] and (done["visit"]["state"], done["visit"]["may_rate"]) == ("completed", True)
    assert "name" not in (await phone.get("/demo/field/day")).json()["visits"][0]


async def test_the_next_day_out_is_told_before_it_without_who_is_visited(
    phone: Client, app: Starlette, db: Connection, hall: Hall, visit: Visit
) -> None:
    assert (await phone.get("/demo/field/day")).json()["next"] is None
    for day in (3, 4, 5):  # the third has a team and nothing to do, the fifth is a day further
        start, ends = on(9) + timedelta(day - 2), on(17) + timedelta(day - 2)
        team = await save_team(
            db, hall, date(2027, 3, day), f"{day}队", ("clerk01", "door01"), skills=["A"], kits=[], starts=start, ends=ends,
            start=(26.59, 104.83), lunch=None, number=None, actor="manager:manager",
        )  # fmt: skip
        for minutes in (40, 80) if day > 3 else ():
            await visit_at(db, hall, team.id, start + timedelta(minutes=minutes))
    told = (await phone.get("/demo/field/day")).json()
    assert told["next"] == "下一次上门：3月4日 周四，4队，09:40 起，共 2 户"
    assert [each["id"] for each in told["visits"]] == [f"vi_{visit.id}"]
    assert (await (await staff(app, "door09")).get("/demo/field/day")).json()["next"] is None


async def test_an_act_sent_again_gives_the_same_and_a_refusal_says_why(act: Acts, db: Connection) -> None:
    assert (await act("depart", 409))["detail"] == "出发前请两位组员都签到"
    await at_the_door(act)
    assert (await act("arrive"))["visit"]["state"] == "on_site"  # the other's phone had said so: no fault, and no second act
    assert await db.fetchval("SELECT count(*) FROM journal WHERE kind = 'doorstep.arrived'") == 1
    assert (await act("depart", 404, visit="vi_999"))["code"] == "not_found"
    first = await act("consent", n=90, how="ticked", version="2026-11", text_lang="zh-Hans", ago_s=600)
    assert (await act("consent", n=90, how="ticked", version="2026-11", text_lang="zh-Hans", ago_s=660)) == first
    assert (await act("consent", 409, how="ticked", version="2026-11", text_lang="zh-Hans"))["detail"] == "办事人已经同意过了"
    words, agreed = await db.fetchrow("SELECT words, agreed_at FROM doorstep_consents") or ("", None)
    assert words.startswith("我同意工作人员今天上门") and agreed == datetime(2027, 3, 1, 23, 50, tzinfo=UTC)
    assert (await act("consent", 422, how="ticked", version="1999", text_lang="zh-Hans"))["code"] == "bad_input"
    assert (await act("paper", 422, paper="d" * 32, name="x", image="bm8gcGhv"))["errors"][0]["message"] == "照片不能用，请重拍"


async def test_running_late_owes_the_citizen_a_word_with_the_new_time(
    act: Acts, db: Connection, hall: Hall, visit: Visit
) -> None:
    await db.execute("INSERT INTO notice_ways (hall, kind, driver, setting) VALUES ($1, 'phone', 'kept', '{}')", hall.id)
    await telling.keep(db, hall, visit.key, PHONE, seal=Seal(b"a secret of thirty-two characters"), lang="en")
    assert (await act("late", minutes=30))["visit"]["late_min"] == 30
    await act("late", n=1, minutes=30)
    rows = await db.fetch("SELECT template, data, state::text FROM notices")
    assert [(row["template"], row["data"]["time"], row["state"]) for row in rows] == [("visit_late", "10:00", "waiting")]
    assert [word for word in PERSONAL if word in str([dict(row) for row in rows])] == []


async def test_who_was_not_at_home_reads_so_and_is_not_asked_to_rate(
    act: Acts, anyone: Client, db: Connection, hall: Hall
) -> None:
    await db.execute("INSERT INTO notice_ways (hall, kind, driver, setting) VALUES ($1, 'phone', 'kept', '{}')", hall.id)
    await telling.keep(db, hall, act.visit.key, PHONE, seal=Seal(b"a secret of thirty-two characters"), lang="en")
    await at_the_door(act)
    await act("complete", outcome="nobody_home")
    page = await look(anyone, f"/d/{act.visit.key}")
    assert "我们来过，没有遇到人" in page.words and "重新申请" in page.words and "rate" not in page.forms
    said = await db.fetch("SELECT template FROM notices ORDER BY id")
    assert [row["template"] for row in said] == ["visit_coming", "visit_missed"]


async def test_a_wrong_password_of_the_second_signs_nobody_in(act: Acts) -> None:
    for body, status in (
        ({"username": "clerk01", "password": "wrong"}, 401), ({"username": "door09", "password": PASSWORD}, 403)
    ):  # fmt: skip
        answer = await act.client.post("/demo/field/partner", json=body, headers=await csrf(act.client))
        assert answer.status_code == status
    assert [one["here"] for one in (await act.client.get("/demo/field/day")).json()["team"]["members"]] == [False, False]


async def test_papers_are_counted_at_their_window_alone_and_the_citizen_hears_of_the_result(
    act: Acts, app: Starlette, db: Connection
) -> None:
    await at_the_door(act)
    await photographed(act)
    own = await act.client.get(f"/demo/field/papers/{'c' * 32}")
    assert (own.headers["content-type"], own.headers["cache-control"], b"PLANTED" in own.content) == (
        "image/jpeg",
        "no-store",
        False,
    )
    window, desk = await staff(app, "clerk02"), await staff(app, "desk01")
    assert (await window.get(f"/demo/field/papers/{'c' * 32}")).status_code == 404
    await act("complete", outcome="accepted")
    handed = (await act("hand_in", to="1", originals=3))["visit"]["hand_in"]
    assert handed["to"] == "1 号窗口"
    page = await look(window, f"/demo/papers?receipt={handed['receipt'].lower()}")
    assert "身份证" in page.words and "一队" not in page.words and [word for word in PERSONAL if word in page.answer.text] == []
    assert handed["receipt"] not in (await look(desk, "/demo/papers")).words
    assert (await desk.get(f"/demo/papers?receipt={handed['receipt']}")).status_code == 403
    page = await sent(window, page, "next", given="2")
    assert "小组说 3 份，点到 2 份" in page.words and "已点收" in page.words
    assert (await act.client.get(f"/demo/field/papers/{'c' * 32}")).status_code == 404
    assert (await window.get(f"/demo/field/papers/{'c' * 32}")).status_code == 200
    assert (await act.client.get("/demo/field/day")).json()["visits"][0]["papers"] == []
    await db.execute("UPDATE doorstep_results SET way = 'mail'")
    page = await sent(window, await look(window, f"/demo/papers?receipt={handed['receipt']}"), "next")
    page = await sent(window, page, "next", given="号")
    assert "快递单号是 4 到 40 位字母和数字" in page.words
    page = await sent(window, await look(window, f"/demo/papers?receipt={handed['receipt']}"), "next", given="EMS1234567CN")
    assert "EMS1234567CN" in page.words
    page = await sent(window, page, "next")
    assert "已送达" in page.words and "next" not in page.forms
    looks = await db.fetch("SELECT actor FROM journal WHERE kind = 'doorstep.photo_looked' ORDER BY \"offset\"")
    assert [row["actor"] for row in looks] == ["doorstep:door01", "clerk:clerk02"]


async def sent(client: Client, page: Page, form: str, **typed: str) -> Page:
    """Send a form, and go where it leads."""
    answer = await client.post(page.forms[form].action, data={**page.forms[form].fields, **typed})
    return Page(answer) if answer.status_code != 303 else await look(client, answer.headers["location"])


async def test_the_citizens_rating_on_the_teams_phone_is_the_citizens_and_calls_somebody_up(
    act: Acts, app: Starlette, db: Connection, hall: Hall
) -> None:
    await at_the_door(act)
    assert (await act("rating", 409, level=1))["code"] == "not_finished"
    await act("complete", outcome="done")
    assert (await act("rating", level=1, reasons=["115"], comment="态度差"))["visit"]["rated"] is True
    assert (await act("rating", 409, level=5))["code"] == "already_rated"
    made = await db.fetchrow("SELECT r.channel, j.actor, j.data FROM ratings r, journal j WHERE j.kind = 'rating.made'")
    assert made is not None and (made["channel"], made["actor"], "level" in made["data"]) == ("team_phone", "citizen", False)
    await ticks.run(db, TICKS[0], hall)
    desk = await staff(app, "desk01")
    page = await look(desk, "/demo/callbacks")
    assert "办事人给了差评" in page.words and [word for word in PERSONAL if word in page.answer.text] == []
    actions = [form.action for form in page.every]
    number = next(action for action in actions if "/look" in action).split("/")[3]
    token = {"csrf": next(form for form in page.every if "/look" in form.action).fields["csrf"]}
    shown = await desk.post(f"/demo/callbacks/{number}/look", data=token)
    assert NAME in shown.text and PHONE in shown.text and ADDRESS not in shown.text
    asked = {**token, "press": "p1", "result": "unsatisfied", "note": "要道歉"}
    assert (await desk.post(f"/demo/callbacks/{number}/rang", data=asked)).status_code == 303
    assert "不满意，待处理" in (await look(desk, "/demo/callbacks")).words
    empty = await desk.post(f"/demo/callbacks/{number}/close", data={**token, "press": "p2", "words": " "})
    assert empty.status_code == 422 and "请写明怎么处理的" in empty.text
    await desk.post(f"/demo/callbacks/{number}/close", data={**token, "press": "p3", "words": "已上门致歉"})
    page = await look(desk, "/demo/callbacks")
    assert "没有要打的回访电话" in page.words and "已上门致歉" in page.words
    assert (await (await staff(app, "clerk02")).get("/demo/callbacks")).status_code == 403


async def test_a_paper_chosen_in_english_is_the_halls_own_paper_at_the_window(act: Acts, db: Connection) -> None:
    await at_the_door(act)
    await act("consent", how="ticked", version="2026-11", text_lang="en")
    body = {"id": "9" * 32, "kind": "paper", "visit": act.visit.key,
            "data": {"paper": "e" * 32, "name": "ID card", "image": photo()}}  # fmt: skip
    answer = await act.client.post("/demo/field/act?lang=en", json=body, headers=await csrf(act.client))
    assert [paper["name"] for paper in answer.json()["visit"]["papers"]] == ["ID card"]
    assert await db.fetchval("SELECT name FROM doorstep_papers") == "身份证"


async def test_who_guesses_keys_to_take_a_word_back_is_slowed_down(app: Starlette) -> None:
    async with client_of(app, "10.0.0.178") as guesser:
        tries = [(await guesser.post("/d/nobody/withdraw")).status_code for _ in range(61)]
    assert tries[-1] == 429


async def test_a_token_from_before_another_sign_in_is_told_apart_from_what_is_not_yours(phone: Client, act: Acts) -> None:
    body = {"id": "1" * 32, "kind": "depart", "visit": f"vi_{act.visit.id}", "data": {}, "ago_s": 0}
    stale = await phone.post("/demo/field/act", json=body, headers={"x-csrf-token": "old", "accept": "*/*"})
    assert (stale.status_code, stale.json()["page"], stale.json()["detail"]) == (403, "stale", "页面已过期，请刷新后再试")
    headers = await csrf(phone) | {"origin": "https://elsewhere.example.cn"}
    foreign = await phone.post("/demo/field/act", json=body, headers=headers)
    assert (foreign.status_code, "page" in foreign.json()) == (403, False)


async def test_a_body_larger_than_a_photo_may_be_is_not_read(phone: Client) -> None:
    headers = await csrf(phone) | {"content-type": "application/json"}
    assert (await phone.post("/demo/field/act", content=b" " * 1_400_000, headers=headers)).status_code == 413
    assert (await phone.post("/demo/field/partner", content=b" " * 70_000, headers=headers)).status_code == 413


@pytest.mark.parametrize(
    ("app_name", "place", "address"),
    [
        ("geo", (26.6, 104.85), "geo:26.6,104.85?q=26.6,104.85"),
        ("amap", (26.6, 104.85), "https://uri.amap.com/navigation?to=104.85%2C26.6&mode=car&coordinate=wgs84&callnative=1"),
        ("baidu", (None, None), "geo:0,0?q=%E4%B8%9C%E8%A1%971%E5%8F%B7"),
    ],
)
def test_the_way_opens_in_the_map_the_hall_chose(app_name: str, place: tuple[float | None, float | None], address: str) -> None:
    assert navigation(app_name, *place, "东街1号") == address


async def test_who_was_visited_sees_what_came_of_it_and_may_take_the_word_back(
    act: Acts, anyone: Client, app: Starlette, db: Connection, visit: Visit
) -> None:
    page = f"/d/{visit.key}"
    await act("late", minutes=15)
    assert "预计 09:45 到" in (await look(anyone, page)).words
    await at_the_door(act)
    await photographed(act)
    await act("complete", outcome="accepted")
    assert "正送往窗口" in (await look(anyone, page)).words
    receipt = (await act("hand_in", to="desk", originals=1))["visit"]["hand_in"]["receipt"]
    seen = await look(anyone, page)
    assert f"回执号 {receipt}" in seen.words and "现存 1 张" in seen.words
    answer = await anyone.post(seen.forms["withdraw"].action, data=seen.forms["withdraw"].fields)
    assert (answer.status_code, answer.headers["location"]) == (303, f"{page}?lang=zh-Hans")
    seen = await look(anyone, page)
    assert (
        "withdraw" not in seen.forms and await db.fetchval("SELECT count(*) FROM doorstep_papers WHERE sealed IS NOT NULL") == 0
    )
    assert (await act.client.get(f"/demo/field/papers/{'c' * 32}")).status_code == 404
    assert (await anyone.post(f"{page}/withdraw", data={"press": "again"})).status_code == 409
