"""Whatever is wrong with a field is told in the reader's language."""

import ast
import re
from pathlib import Path

import pytest

from devices import errors as machine
from floor.api.faults import kind_of
from floor.words import LANGUAGES, words
from tests.floor.conftest import Client
from tests.floor.visits import HALL, opened, take

ROOT = Path(__file__).parents[2]
TAKE, DEVICES, WINDOW = f"{HALL}/tickets", f"{HALL}/devices", f"{HALL}/windows/1"
ENGLISH = re.compile("[A-Za-z]{2,} [A-Za-z]{2,}")
CHINESE = re.compile("[\u4e00-\u9fff]")

# Who asks, how, where, with what; the field that is wrong, and the sentence for a reader of simplified characters.
WRONG: list[tuple[str, str, str, object, str, str]] = [
    ("desk", "POST", TAKE, {}, "services", "请至少选择一项服务"),
    ("desk", "POST", TAKE, [], "", "应为对象"),
    ("desk", "POST", TAKE, {"services": "A"}, "services", "应为列表"),
    ("desk", "POST", TAKE, {"services": [1]}, "services[0]", "应为文字"),
    ("desk", "POST", TAKE, {"services": ["A"], "evidence": 1}, "evidence", "应为文字"),
    ("desk", "POST", TAKE, {"services": []}, "services", "请至少选择一项服务"),
    ("desk", "POST", TAKE, {"services": ["A"] * 9}, "services", "最多 8 项"),
    ("desk", "POST", TAKE, {"services": ["A", "A"]}, "services", "每项只能写一次"),
    ("desk", "POST", TAKE, {"services": [""]}, "services[0]", "至少 1 个字"),
    ("desk", "POST", TAKE, {"services": ["A" * 9]}, "services[0]", "最多 8 个字"),
    ("desk", "POST", TAKE, {"services": ["A"], "lang": "fr"}, "lang", "应为以下之一：en, zh-Hans, zh-Hant"),
    ("desk", "POST", TAKE, {"services": ["A"], "category": "king"}, "category", "这里没有这一项"),
    ("desk", "POST", TAKE, {"services": ["A"], "print_at": "dv_1"}, "print_at", "这里没有这一项"),
    ("desk", "POST", TAKE, {"services": ["A"], "evidence": "\0"}, "", "含有无法保存的字符"),
    ("desk", "POST", "/api/v1/tickets/{key}/reprint", {}, "print_at", "缺少这一项"),
    ("desk", "POST", "/api/v1/tickets/{key}/restore", {"position": "top"}, "position", "应为以下之一：back, front, keep"),
    ("desk", "GET", f"{TAKE}?limit=0", None, "limit", "不能小于 1"),
    ("desk", "GET", f"{TAKE}?limit=501", None, "limit", "不能大于 500"),
    ("desk", "GET", f"{TAKE}?limit=x", None, "limit", "应为整数"),
    ("desk", "GET", f"{TAKE}?day=today", None, "day", "应为日期，例如 2026-01-31"),
    ("clerk", "POST", f"{WINDOW}/open", {"services": []}, "services", "至少 1 项"),
    ("clerk", "POST", f"{WINDOW}/close", {"override": 1}, "override", "应为是或否"),
    ("clerk", "POST", f"{WINDOW}/transfer", {}, "to_service", "请指定服务或窗口，二者选一"),
    ("clerk", "POST", f"{WINDOW}/transfer", {"to_window": "99"}, "to_window", "这里没有这一项"),
    ("manager", "POST", f"{WINDOW}/close", {"override": True}, "reason", "请说明为什么让群众继续等候"),
    ("manager", "POST", f"{WINDOW}/open", {"clerk": "nobody"}, "clerk", "这里没有这样的人员"),
    ("manager", "GET", f"{HALL}/ratings/summary?from=2026-02-02&to=2026-02-01", None, "from", "结束日期不能早于开始日期"),
    ("manager", "POST", DEVICES, {"kind": "led", "name": "条屏"}, "window", "这种设备须安装在窗口，请指定窗口"),
    ("manager", "POST", DEVICES, {"kind": "tv", "name": "电视", "zone": "Z"}, "zone", "本大厅没有这个区域"),
    ("manager", "POST", DEVICES, {"kind": "tv", "name": "电视", "window": "99"}, "window", "本大厅没有这个窗口"),
    (
        "manager", "POST", DEVICES, {"kind": "tv", "name": "电视", "window": "1", "zone": "A"}, "window",
        "设备只能在一个窗口或一个区域，不能两处",
    ),
    ("manager", "GET", f"{DEVICES}?after=dv_tv_9", None, "after", "这里没有这一项"),
    ("anyone", "POST", "/api/v1/tickets/{key}/rating", {"level": 9}, "level", "不能大于 5"),
    ("anyone", "POST", "/api/v1/tickets/{key}/rating", {"level": 1, "reasons": ["x"]}, "reasons[0]", "格式不正确"),
    (
        "anyone", "POST", "/api/v1/tickets/{key}/rating", {"level": 5, "reasons": ["108"]}, "reasons",
        "每项只能一次，应为以下之一：510, 511, 512, 513, 514, 515, 516, 517",
    ),
]  # fmt: skip


async def test_a_wrong_field_is_told_in_each_language(desk: Client, clerk: Client, manager: Client, anyone: Client) -> None:
    people = {"desk": desk, "clerk": clerk, "manager": manager, "anyone": anyone}
    key = (await take(desk))["key"]
    await opened(clerk)
    for who, method, path, body, field, sentence in WRONG:
        told = {}
        for lang in LANGUAGES:
            answer = await people[who].request(method, path.replace("{key}", key), json=body, headers={"Accept-Language": lang})
            assert (answer.status_code, answer.json()["code"], answer.json().get("message")) == (422, "bad_input", None), path
            (fault,) = answer.json()["errors"]
            assert fault["field"] == field
            told[lang] = (fault["message"], answer.json()["detail"], answer.json()["title"])
        assert told["zh-Hans"][0] == sentence
        chinese = [*told["zh-Hans"], *told["zh-Hant"]]
        assert [text for text in chinese if ENGLISH.search(text) or not CHINESE.search(text)] == []
        assert [text for text in told["en"] if CHINESE.search(text)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
async def test_a_key_that_is_no_key_is_told_in_the_readers_language(desk: Client, lang: str) -> None:
    answer = await desk.post(TAKE, json={"services": ["A"]}, headers={"Idempotency-Key": "x" * 201, "Accept-Language": lang})
    assert answer.json()["errors"] == [{"field": "Idempotency-Key", "message": words(lang)["problems.fault.key"]}]


def reasons() -> set[str]:
    """Every reason that is written in the sources beside a field, its gaps filled with a number."""
    found = set()
    for path in [*ROOT.glob("queueing/*.py"), *ROOT.glob("floor/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "BadInput":
                (message,) = (keyword.value for keyword in node.keywords if keyword.arg == "message")
                if isinstance(message, ast.Constant):
                    found.add(str(message.value))
                elif isinstance(message, ast.JoinedStr):
                    found.add("".join(str(part.value) if isinstance(part, ast.Constant) else "8" for part in message.values))
    return found


def test_every_reason_in_the_sources_has_a_sentence() -> None:
    assert {reason for reason in reasons() if kind_of(reason)[0] == "unusable"} == set()


def test_every_reason_of_the_machines_has_a_sentence() -> None:
    kinds = {kind.__name__ for kind in machine.BadInput.__subclasses__()}
    assert {kind for kind in kinds for lang in LANGUAGES if f"problems.fault.{kind}" not in words(lang)} == set()


def test_a_reason_that_nobody_foresaw_is_told_without_its_own_words() -> None:
    assert kind_of("Expected the unexpected") == ("unusable", {})
