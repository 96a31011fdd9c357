"""The manager puts a catalogue in: nothing changes before it is confirmed, and what is refused says why."""

import asyncio
import csv
import io

import pytest
from starlette.applications import Starlette

from floor.catalogue import drafts, sheets
from floor.database import Connection, Pool
from queueing import matters
from queueing.errors import CatalogueMoved, NotInThatState
from queueing.halls import Hall
from queueing.matters import Matter
from tests.floor.catalogues import CARD, offer
from tests.floor.pages.staff import Client, Page, look, staff

HERE = "/demo/matters"
FILE = """编码,名称,队列,即办,材料
A01,社保卡申领,A,是,身份证原件
C01,新的事项,B,,
D01,坏的一行,Q,,
"""


@pytest.fixture
async def manager_page(app: Starlette, db: Connection, hall: Hall) -> Client:
    await offer(db, hall)
    return await staff(app, "manager")


async def put_in(client: Client, content: bytes, name: str = "目录.csv") -> str:
    """Send a file and wait until it is read; where its preview is."""
    page = await look(client, HERE)
    answer = await client.post(f"{HERE}/file", data=page.forms["put-in"].fields, files={"file": (name, content)})
    assert answer.status_code == 303, answer.text
    place = answer.headers["location"]
    async with asyncio.timeout(20):
        while 'hx-trigger="every' in (await client.get(f"{place}/part")).text:
            await asyncio.sleep(0.02)
    return place


async def names(db: Connection) -> dict[str, str]:
    return {row["code"]: row["name"] for row in await db.fetch("SELECT code, name FROM matters")}


async def press(client: Client, page: Page, form: str, status: int = 200) -> Page:
    answer = await client.post(page.forms[form].action, data=page.forms[form].fields)
    assert answer.status_code == status, answer.text
    return Page(answer)


async def test_the_page_lists_what_is_offered_and_which_queues_nobody_serves(manager_page: Client, db: Connection) -> None:
    page = await look(manager_page, HERE)
    assert "3 个事项、1 个一件事、1 个人生事件" in page.words
    assert "4 个事项现在没有开放的窗口" in page.words
    await db.execute("UPDATE windows SET state = 'open', clerk = 'clerk01', services = '{A}' WHERE no = '1'")
    assert "2 个事项现在没有开放的窗口 B 不动产登记：2 项" in (await look(manager_page, HERE)).words


async def test_it_is_searched_like_the_kiosk(manager_page: Client) -> None:
    page = await look(manager_page, f"{HERE}?q=sbk")
    assert ("社会保障卡申领" in page.words, "不动产转移登记" in page.words) == (True, False)
    assert "没有找到“xyzzy”" in (await look(manager_page, f"{HERE}?q=xyzzy")).words


async def test_a_preview_changes_nothing_and_tells_new_changed_and_refused_rows(manager_page: Client, db: Connection) -> None:
    before = await names(db)
    page = await look(manager_page, await put_in(manager_page, FILE.encode()))
    assert "确认导入 2 行，略过 1 行" in page.words
    assert "4 队列 大厅没有队列 Q" in page.words
    assert "名称 社会保障卡申领 → 社保卡申领" in page.words
    assert "3 C01 新的事项" in page.words
    assert await names(db) == before


async def test_confirmed_it_counts_once_and_is_on_record(manager_page: Client, db: Connection) -> None:
    page = await look(manager_page, await put_in(manager_page, FILE.encode()))
    done = await press(manager_page, page, "confirm")
    assert "已导入：新增 1 行，修改 1 行" in done.words
    assert await names(db) == {
        "A01": "社保卡申领",
        "A02": "公租房申请",
        "B01": "不动产转移登记",
        "C01": "新的事项",
        "P01": "新居入住一件事",
    }
    again = await press(manager_page, page, "confirm", 409)
    assert "这个文件已经处理过了" in again.words
    told = await db.fetch("SELECT actor, data FROM journal WHERE kind = 'catalogue.imported'")
    assert [(row["actor"], row["data"]) for row in told] == [("manager:manager", {"new": 1, "changed": 1, "refused": 1})]


async def test_a_catalogue_changed_since_the_preview_is_compared_again(manager_page: Client, db: Connection, hall: Hall) -> None:
    page = await look(manager_page, await put_in(manager_page, FILE.encode()))
    await offer(db, hall, Matter(code="C01", name="别人加的", service="A"))
    moved = await press(manager_page, page, "confirm", 409)
    assert "目录刚刚被别人改过" in moved.words
    assert "名称 别人加的 → 新的事项" in moved.words
    assert "已导入：新增 0 行，修改 2 行" in (await press(manager_page, moved, "confirm")).words


async def test_what_the_file_has_no_column_for_stays_as_it_is(manager_page: Client, db: Connection) -> None:
    file = "编码,名称,队列,计划分钟\nA01,社会保障卡申领,A,9\nP01,新居入住一件事,B,20\n"
    page = await look(manager_page, await put_in(manager_page, file.encode()))
    assert "计划分钟 5 → 9" in page.words
    assert "材料" not in page.words.partition("修改 行")[2]
    await press(manager_page, page, "confirm")
    row = await db.fetchrow("SELECT minutes, materials, quick, name_en FROM matters WHERE code = 'A01'")
    assert row is not None and tuple(row) == (9, list(CARD.materials), True, CARD.name_en)
    assert await db.fetchval("SELECT parts FROM matters WHERE code = 'P01'") == ["B01", "A02"]


async def test_dropped_it_changes_nothing_and_can_not_be_confirmed(manager_page: Client, db: Connection) -> None:
    before = await names(db)
    page = await look(manager_page, await put_in(manager_page, FILE.encode()))
    assert "已放弃，目录没有变化" in (await press(manager_page, page, "drop")).words
    assert "这个文件已经处理过了" in (await press(manager_page, page, "confirm", 409)).words
    assert await names(db) == before


@pytest.mark.parametrize(("lang", "said"), [("zh-Hant", "大廳沒有隊列 Q"), ("en", "The hall has no queue Q")])
async def test_the_reasons_are_in_the_readers_language(manager_page: Client, lang: str, said: str) -> None:
    place = await put_in(manager_page, FILE.encode())
    assert said in (await look(manager_page, f"{place}?lang={lang}")).words


@pytest.mark.parametrize(
    ("content", "said"), [(b"PK\x03\x04no", "这不是表格"), ("甲,乙\n1,2".encode(), "第一行没有“编码”和“名称”两列")]
)
async def test_a_file_that_can_not_be_read_says_what_to_do(manager_page: Client, content: bytes, said: str) -> None:
    page = await look(manager_page, HERE)
    answer = await manager_page.post(f"{HERE}/file", data=page.forms["put-in"].fields, files={"file": ("x.csv", content)})
    if answer.status_code == 303:
        place = answer.headers["location"]
        async with asyncio.timeout(20):
            while 'hx-trigger="every' in (answer := await manager_page.get(f"{place}/part")).text:
                await asyncio.sleep(0.02)
    assert said in Page(answer).words


async def test_a_long_file_shows_how_far_it_is_and_stops_when_it_is_dropped(
    manager_page: Client, db: Connection, hall: Hall, pool: Pool
) -> None:
    rows = [["code", "name", "service"], *([f"Z{n}", f"事项{n}", "A"] for n in range(1000))]
    file = sheets.to_csv(rows)
    draft = await drafts.begin(db, hall, "manager:manager", "long.csv", 1000)
    reading = await look(manager_page, f"{HERE}/file/{draft}")
    assert ("正在读取 long.csv" in reading.words, "已读 0 / 1000 行" in reading.words) == (True, True)
    await drafts.drop(db, hall, draft)
    await drafts.read(pool, hall, draft, file)
    assert await db.fetchval("SELECT state || done || entries::text FROM catalogue_drafts") == "dropped0[]"
    whole = await drafts.begin(db, hall, "manager:manager", "long.csv", 1000)
    await drafts.read(pool, hall, whole, file)
    found = await drafts.get(db, hall, whole)
    assert (found.state, found.done, len(found.entries)) == ("ready", 1000, 1000)


async def test_a_reader_that_died_is_told(manager_page: Client, db: Connection, hall: Hall) -> None:
    draft = await drafts.begin(db, hall, "manager:manager", "long.csv", 1000)
    await db.execute("UPDATE catalogue_drafts SET beat = beat - interval '1 minute'")
    assert "读取中断了" in (await look(manager_page, f"{HERE}/file/{draft}")).words


async def test_two_who_confirm_at_once_import_it_once(db: Connection, hall: Hall, pool: Pool) -> None:
    draft = await drafts.begin(db, hall, "manager:manager", "a.csv", None)
    await drafts.read(pool, hall, draft, FILE.encode())

    async def confirmed() -> object:
        async with pool.acquire() as one:
            return await drafts.confirm(one, hall, draft, 0, "manager:manager")

    done = await asyncio.gather(confirmed(), confirmed(), return_exceptions=True)
    assert [each for each in done if isinstance(each, tuple)] == [(2, 0)]
    assert [type(each) for each in done if not isinstance(each, tuple)] in ([NotInThatState], [CatalogueMoved])
    assert await matters.version(db, hall) == 1


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
async def test_what_is_exported_is_the_same_file_again(manager_page: Client, kind: str) -> None:
    answer = await manager_page.get(f"{HERE}/export.{kind}")
    assert answer.status_code == 200
    if kind == "csv":
        first = next(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert (first["编码"], first["名称"], first["材料"]) == (CARD.code, CARD.name, "身份证原件\n近期照片")
    page = await look(manager_page, await put_in(manager_page, answer.content, f"out.{kind}"))
    assert "没有要导入的行" in page.words


@pytest.mark.parametrize(("who", "status"), [("clerk01", 403), ("auditor", 403), ("leader01", 403)])
async def test_only_a_manager_puts_a_file_in(app: Starlette, db: Connection, hall: Hall, who: str, status: int) -> None:
    await offer(db, hall)
    client = await staff(app, who)
    token = (await look(client, "/")).forms.get("/signout")
    data = {"csrf": token.fields["csrf"]} if token else {}
    answer = await client.post(f"{HERE}/file", data=data, files={"file": ("x.csv", FILE.encode())})
    assert answer.status_code == status


async def test_a_token_that_is_shown_once_is_not_drawn_over(manager_page: Client) -> None:
    page = await look(manager_page, HERE)
    assert 'hx-get="/demo/matters/part' in page.answer.text
    let_in = page.forms["let-in"]
    answer = await manager_page.post(let_in.action, data={**let_in.fields, "name": "税务大厅", "system": "tax"})
    assert ('class="token"' in answer.text, "hx-get" in answer.text.partition('id="matters"')[2]) == (True, False)
