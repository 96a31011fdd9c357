"""How the hall sounds, set and heard by the engineer; what can't be said is refused with what was typed still there."""

import io
import wave

import pytest
from starlette.applications import Starlette

from displays import voice
from displays.voice import Voice
from floor.database import Connection
from queueing.halls import Hall
from tests.displays.machines import put_up
from tests.floor.conftest import Client
from tests.floor.pages.staff import look, staff

FORM = {
    "langs": ["zh-Hans", "yue"], "own_lang": "1", "hant": "yue", "one": "幺", "times": "3", "from": ["08:30", "18:00", "", ""],
    "volume": ["80", "0", "", ""], "prefixes_zh-Hans": "love 爱心\nVIP 贵宾", "prefixes_yue": "", "prefixes_en": "VIP Vee I P",
    "readings_zh-Hans": "长春路 chang2 chun1 lu4\n登记处",
}  # fmt: skip


@pytest.fixture
async def yuan(app: Starlette) -> Client:
    return await staff(app, "engineer")


async def save(client: Client, **changed: object) -> str:
    token = (await look(client, "/demo/voice")).forms["settings"].fields
    answer = await client.post("/demo/voice", data={**token, **FORM, **changed})
    return answer.headers.get("location") or answer.text


async def say(client: Client, **typed: str) -> str:
    form = (await look(client, "/demo/voice")).forms["say"]
    answer = await client.post("/demo/voice/say", data={**form.fields, "text": "请到长春路", "lang": "zh-Hans", **typed})
    again = await client.post("/demo/voice/say", data={**form.fields, "text": "请到长春路", "lang": "zh-Hans", **typed})
    assert again.headers.get("location") == answer.headers.get("location")
    return answer.headers.get("location") or answer.text


async def test_what_is_set_is_what_the_next_call_says(yuan: Client, db: Connection, hall: Hall) -> None:
    assert await save(yuan) == "/demo/voice?said=saved"
    kept = await voice.load(db, hall.id)
    assert (kept.langs, kept.hant, kept.times, kept.chime, kept.lexicon.one) == (("zh-Hans", "yue"), "yue", 3, False, "幺")
    assert [(f"{begins:%H:%M}", loud) for begins, loud in kept.volumes] == [("08:30", 80), ("18:00", 0)]
    assert kept.lexicon.prefixes == {"zh-Hans": {"LOVE": "爱心", "VIP": "贵宾"}, "en": {"VIP": "Vee I P"}}
    assert kept.lexicon.readings == {"zh-Hans": {"长春路": "chang2 chun1 lu4", "登记处": "deng1 ji4 chu4"}}
    page = await look(yuan, "/demo/voice?number=love101&window=2&said=saved")
    assert "请爱心幺零幺号到二号窗口办理" in page.words and "請LOVE一零一號到二號窗口辦理" in page.words
    assert "已保存，从下一次叫号起生效" in page.words


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("readings_zh-Hans", "长春路 zhang", "“长春路”的读音要每个字一个音节并带声调"),
        ("readings_zh-Hans", "长春路 shang2 chun1 lu4", "“长春路”中的“长”没有 shang2 这个读音"),
        ("prefixes_en", "VIP", "每行先写词，空一格，再写读法"),
        ("volume", ["80", "130", "", ""], "应在 0 到 100 之间"),
        ("from", ["8点", "18:00", "", ""], "请写成 08:30 这样的时间"),
        ("from", ["18:00", "18:00", "", ""], "每项只能写一次"),
        ("langs", [], "每项只能一次，应为以下之一：zh-Hans, en, yue"),
        ("times", "9", "应在 1 到 3 之间"),
    ],
)
async def test_what_cannot_be_said_is_told_and_stays_as_it_was_typed(
    yuan: Client, db: Connection, hall: Hall, field: str, typed: str | list[str], sentence: str
) -> None:
    page = await save(yuan, **{field: typed})
    assert sentence in page
    for value in [typed] if isinstance(typed, str) else typed:
        assert value in page
    assert await voice.load(db, hall.id) == Voice(time_zone=hall.time_zone)


async def test_a_call_can_be_heard_before_anybody_else_hears_it(yuan: Client) -> None:
    seconds = []
    for lang in ("zh-Hans", "yue"):
        answer = await yuan.get(f"/demo/voice/call.wav?lang={lang}&number=A012&window=3")
        assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
        with wave.open(io.BytesIO(answer.content)) as sound:
            seconds.append(sound.getnframes() / sound.getframerate())
    assert 4 < min(seconds) < max(seconds) < 12
    assert (await yuan.get("/demo/voice/call.wav?lang=fr&number=A012&window=3")).status_code == 422


async def test_the_list_for_a_person_with_a_microphone_has_every_word_once(yuan: Client) -> None:
    lines = (await yuan.get("/demo/voice/script.txt")).text.splitlines()
    chinese = [line.removeprefix("zh-Hans\t") for line in lines if line.startswith("zh-Hans")]
    assert chinese == ["请", "A", *"零一二三四五六七八九", "号到", "号窗口办理", "B"]
    assert "en\tplease go to window" in lines and len(lines) == len(set(lines))


async def test_a_notice_is_said_once_by_the_speakers_of_the_place(yuan: Client, db: Connection, hall: Hall) -> None:
    near = await put_up(db, hall, "speaker", zone="A")
    everywhere = await put_up(db, hall, "speaker")
    await put_up(db, hall, "speaker", window="1")
    assert await say(yuan, zone="A") == await say(yuan) == "/demo/voice?said=told"
    jobs = await db.fetch("SELECT device, kind, data, expires - owed_at AS lasts FROM jobs ORDER BY id")
    assert [job["device"] for job in jobs] == [near.device_id, near.device_id, everywhere.device_id]
    first = jobs[0]["data"]
    assert first["sentences"] == [{"lang": "zh-Hans", "text": "请到长春路", "read": "请到 chang2 chun1 lu4"}]
    assert (first["order"], first["room"], jobs[2]["data"]["room"], jobs[0]["kind"]) == (1, "zone:A", "hall", "say")
    assert 100 < jobs[0]["lasts"].total_seconds() <= 120


async def test_in_silent_hours_only_what_is_urgent_is_said(yuan: Client, db: Connection, hall: Hall) -> None:
    await put_up(db, hall, "speaker")
    await save(yuan, **{"from": ["00:00"], "volume": ["0"]})
    assert await say(yuan) == "/demo/voice?said=silent"
    assert await say(yuan, urgent="1") == "/demo/voice?said=told"
    (data,) = [row["data"] for row in await db.fetch("SELECT data FROM jobs")]
    assert (data["order"], data["volume"]) == (0, 100)


async def test_a_notice_nobody_could_hear_or_say_is_told(yuan: Client, db: Connection) -> None:
    assert await say(yuan) == "/demo/voice?said=nobody"
    assert "不能为空" in await say(yuan, text=" ")
    assert "最多 120 个字" in await say(yuan, text="长" * 121)
    assert await db.fetchval("SELECT count(*) FROM jobs") == 0


async def test_the_voice_is_the_engineers_and_the_managers(app: Starlette, anyone: Client) -> None:
    assert (await (await staff(app, "clerk01")).get("/demo/voice")).status_code == 403
    assert (await anyone.get("/demo/voice/call.wav?lang=en&number=A1&window=1")).status_code == 401
    assert (await (await staff(app, "manager")).get("/demo/voice")).status_code == 200
