"""One machine's page: its code and who used it, its tests, its settings, its secret, its day."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from starlette.applications import Starlette

from devices import health, pulse, registry
from devices.jobs import NewJob, owe, settle
from devices.pairing import Paired, pair
from devices.wire import Part
from floor.database import Connection
from floor.words import LANGUAGES
from tests.devices.halls import make_paired
from tests.floor.conftest import Client
from tests.floor.pages.staff import Page, look, staff

CODE = re.compile(r'<p class="code">([0-9A-Z-]{12})</p>')


@pytest.fixture
async def yuan(app: Starlette) -> Client:
    return await staff(app, "engineer")


async def pressed(client: Client, device: str, act: str, **typed: str | list[str]) -> Page:
    """What the page says after a button was pressed."""
    page = await look(client, f"/demo/fleet/{device}")
    answer = await client.post(f"/demo/fleet/{device}/{act}", data={**page.forms["/signout"].fields, **typed})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/demo/fleet/{device}")
    return await look(client, f"/demo/fleet/{device}")


async def test_a_replaced_box_keeps_its_identity_and_the_page_turns_to_paired(yuan: Client, db: Connection, hall_id: int) -> None:
    device, before = await make_paired(db, hall_id, "led", window="1")
    page = await pressed(yuan, device.id, "code")
    code = CODE.search(page.answer.text)
    pairing = page.by_id["pairing"]["hx-get"]
    assert code is not None and pairing is not None
    assert "等待机器输入配对码" in (await look(yuan, pairing)).words
    after: Paired = await pair(db, code.group(1), "box-2", "1.4.0", address="10.0.0.8")
    assert "已配对：box-2（程序 1.4.0）" in (await look(yuan, pairing)).words
    opens = [await registry.authenticate(db, one.device_id, one.secret) is not None for one in (before, after)]
    assert (after.device_id, opens) == (device.id, [False, True])


async def test_a_code_nobody_used_in_ten_minutes_says_so(yuan: Client, db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id)
    since = (datetime.now(UTC) - timedelta(minutes=10)).isoformat().replace("+", "%2B")
    await db.execute("UPDATE devices SET paired_at = now() - interval '1 day'")
    assert "已过期" in (await look(yuan, f"/demo/fleet/{device.id}/pairing?since={since}")).words
    for wrong in ("", "?since=soon", "?since=2027-03-01T10:00", "?since=0001-01-01T00:00%2B08:00"):
        assert (await yuan.get(f"/demo/fleet/{device.id}/pairing{wrong}")).status_code == 404


async def test_a_secret_is_renewed_while_both_work(yuan: Client, db: Connection, hall_id: int) -> None:
    device, paired = await make_paired(db, hall_id)
    page = await pressed(yuan, device.id, "rotate")
    assert "正在更换，两个密钥都有效" in page.words
    fresh = await registry.rotate(db, device.id)
    assert "正在更换" in (await look(yuan, f"/demo/fleet/{device.id}")).words
    assert await registry.authenticate(db, device.id, paired.secret) is not None
    assert await registry.authenticate(db, device.id, fresh) is not None
    assert "正在更换" not in (await look(yuan, f"/demo/fleet/{device.id}")).words


@pytest.mark.parametrize(
    ("kind", "act", "owed"),
    [("dispenser", "test", ["print_test"]), ("speaker", "test", ["sound_test"]), ("speaker", "call", ["sound_test"])],
)
async def test_paper_and_sound_are_tried_by_a_job(
    yuan: Client, db: Connection, hall_id: int, kind: str, act: str, owed: list[str]
) -> None:
    device, _ = await make_paired(db, hall_id, kind, zone="A")
    page = await pressed(yuan, device.id, act)
    assert "试一次" in page.words
    jobs = await db.fetch("SELECT kind, data -> 'sentences' -> 0 ->> 'text' AS text FROM jobs")
    assert ([job["kind"] for job in jobs], [job["text"] for job in jobs]) == (
        owed, ["请A零零一号到一号窗口办理" if act == "call" else None],
    )  # fmt: skip


@pytest.mark.parametrize(("typed", "shown"), [("消防演习", "消防演习"), ("", "请A001到2号窗口")])
async def test_a_screen_is_tried_by_a_line_for_some_seconds(
    yuan: Client, db: Connection, hall_id: int, typed: str, shown: str
) -> None:
    device, _ = await make_paired(db, hall_id, "led", window="2")
    await pressed(yuan, device.id, "test", text=typed)
    told = (await registry.get_device(db, device.id)).told
    assert (told["test"]["text"], datetime.fromisoformat(told["test"]["until"]) > datetime.now(UTC)) == (shown, True)


async def test_what_is_not_paired_cannot_be_tried(yuan: Client, db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id, "dispenser")
    await db.execute("UPDATE devices SET paired_at = NULL")
    page = await pressed(yuan, device.id, "test")
    assert ("没有可测试的内容" in page.words, await db.fetchval("SELECT count(*) FROM jobs")) == (True, 0)


async def test_settings_are_kept_sent_and_told_when_taken(yuan: Client, db: Connection, hall_id: int) -> None:
    device, _ = await make_paired(db, hall_id, "tv")
    typed: dict[str, str | list[str]] = {
        "columns": "2", "rows": "6", "zones": ["A"], "counts": "true", "notice_text": "请看好随身物品", "power": "always",
        "wake_minutes": "30",
    }  # fmt: skip
    page = await pressed(yuan, device.id, "settings", **typed)
    assert "第 1 版，等待设备采用" in page.words
    assert (await registry.get_device(db, device.id)).config == {
        "columns": 2, "rows": 6, "zones": ["A"], "notice": False, "notice_text": "请看好随身物品", "power": "always",
        "wake_minutes": 30,
    }  # fmt: skip
    await registry.took_config(db, device.id, 1, None)
    assert "第 1 版，设备已于" in (await look(yuan, f"/demo/fleet/{device.id}")).words
    await registry.took_config(db, device.id, 1, "no such font")
    assert "设备不接受：no such font" in (await look(yuan, f"/demo/fleet/{device.id}")).words


async def test_a_dispenser_gets_another_thousand_numbers_for_when_the_hall_is_away(
    yuan: Client, db: Connection, hall_id: int
) -> None:
    device, _ = await make_paired(db, hall_id, "dispenser")
    other, _ = await make_paired(db, hall_id, "dispenser")
    await pressed(yuan, device.id, "settings", first_offline="8001")
    assert (await registry.get_device(db, device.id)).first_offline == 8001
    page = await pressed(yuan, other.id, "settings", first_offline="8001", power="always")
    assert "另一台取号机已占用这个离线号段" in page.words
    assert "离线号段从 1001、2001、3001 这样的数开始" in (await pressed(yuan, other.id, "settings", first_offline="8000")).words
    kept = await registry.get_device(db, other.id)
    assert (kept.first_offline, kept.config) == (other.first_offline, {})
    await pressed(yuan, device.id, "settings", first_offline="")
    assert (await registry.get_device(db, device.id)).first_offline is None


@pytest.mark.parametrize(
    ("kind", "typed", "why"),
    [("speaker", {"volume": "101"}, "音量（0–100）：不能大于 100"), ("tv", {"rows": "many"}, "行数：应为整数"),
     ("led", {"screen_text.open": "欢" * 41}, "灯条文字：最多 40 个字")],
)  # fmt: skip
async def test_a_setting_that_cannot_be_used_is_named_and_nothing_changes(
    yuan: Client, db: Connection, hall_id: int, kind: str, typed: dict[str, str], why: str
) -> None:
    device, _ = await make_paired(db, hall_id, kind)
    page = await pressed(yuan, device.id, "settings", **typed)
    assert (why in page.words, (await registry.get_device(db, device.id)).config_rev) == (True, 0)


async def test_the_day_shows_what_went_wrong_what_was_done_and_how_far_behind_it_is(
    yuan: Client, db: Connection, hall_id: int
) -> None:
    printer, _ = await make_paired(db, hall_id, "dispenser")
    for state in ("ok", "paper_out", "ok", "paper_low"):
        await health.report(db, printer.id, {"printer": Part(state=state), "link": Part(rtt_ms=4, offset_ms=-61)})
    expires = datetime.now(UTC) + timedelta(minutes=5)
    done, lost = [
        (await owe(db, [NewJob(hall_id, printer.id, "print_test", f"test:{n}", expires, {})]))[0].id for n in (1, 2)
    ]  # fmt: skip
    await settle(db, printer.id, done, "done")
    await settle(db, printer.id, lost, "uncertain", reason="interrupted")
    await pulse.keep_samples(db, [(printer.id, pulse.Minute(12.0, -61.0, 0))])
    page = await look(yuan, f"/demo/fleet/{printer.id}")
    assert [
        word for word in ("已打印", "不确定 中途断电或重启", "缺纸", "纸将用尽", "12 ms", "-61 ms") if word not in page.words
    ] == []
    assert (page.answer.text.count("<polyline"), page.answer.text.count('class="band is-called"')) == (1, 1)

    await health.report(db, printer.id, {"printer": Part(state="offline", detail="cutter_jammed")})
    assert "打印机离线 切刀卡住" in (await look(yuan, f"/demo/fleet/{printer.id}")).words

    board, _ = await make_paired(db, hall_id, "tv")
    await db.execute("UPDATE devices SET behind = 7, behind_since = hall_now() - interval '65 s' WHERE id = $1", board.id)
    words = (await look(yuan, f"/demo/fleet/{board.id}")).words
    assert ("还没有确认过" in words, re.search(r"落后 7 条，已 1:\d\d", words) is not None) == (True, True)


@pytest.mark.parametrize("kind", ["dispenser", "led", "tv", "speaker", "evaluator", "keypad"])
async def test_every_kind_has_a_page_in_every_language(yuan: Client, db: Connection, hall_id: int, kind: str) -> None:
    device, _ = await make_paired(db, hall_id, kind, window="1")
    for lang in LANGUAGES:
        await look(yuan, f"/demo/fleet/{device.id}?lang={lang}")


async def test_a_machine_that_is_not_there_is_not_found(yuan: Client) -> None:
    assert (await yuan.get("/demo/fleet/dv_led_99")).status_code == 404
