"""What a client can send wrong, and the one form in which it is told."""

import pytest
from starlette.applications import Starlette

from floor.words import LANGUAGES, words
from tests.floor.conftest import Client
from tests.floor.visits import HALL, at, opened, said

TAKE = f"{HALL}/tickets"


async def test_a_problem_has_the_standard_members_and_its_media_type(anyone: Client) -> None:
    answer = await anyone.get("/api/v1/halls/nowhere")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "what": "hall", "type": "/api/v1/docs#not_found", "title": "找不到", "status": 404, "detail": "找不到该大厅",
        "code": "not_found",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("asked", "detail"),
    [("zh-CN", "1 号窗口未开"), ("zh-TW,zh;q=0.8", "1 號窗口未開"), ("en-GB", "Window 1 is not open"), ("fr", "1 号窗口未开")],
)
async def test_sentences_follow_the_language_and_the_word_does_not(clerk: Client, asked: str, detail: str) -> None:
    answer = await at(clerk, "1", "next", {}, **{"Accept-Language": asked})
    assert (answer.json()["detail"], answer.json()["code"]) == (detail, "window_not_open")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"services": ["A"',
        b'"\\ud800"x',
        b'{"services": ["\xc3"]}',
        b'{"services": ["A"], "x": ' + b"[" * 60_000,
    ],
)
async def test_what_is_not_json_is_malformed(desk: Client, body: bytes) -> None:
    assert said(await desk.post(TAKE, content=body)) == (400, "malformed")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "services"), ({"services": "A"}, "services"), ({"services": [1]}, "services[0]"), ({"services": []}, "services"),
        ({"services": ["A"], "lang": "fr"}, "lang"), ([], ""), ({"services": ["A"], "matters": [{}]}, "matters[0]"),
        ({"services": ["A"] * 9}, "services"), ({"services": ["A"], "category": "king"}, "category"),
    ],
)  # fmt: skip
async def test_a_wrong_value_names_its_field(desk: Client, body: object, field: str) -> None:
    answer = await desk.post(TAKE, json=body)
    assert (said(answer), answer.json()["errors"][0]["field"]) == ((422, "bad_input"), field)


async def test_a_text_no_database_can_hold_is_bad_input(desk: Client, clerk: Client, anyone: Client) -> None:
    assert said(await desk.post(TAKE, json={"services": ["A"], "evidence": "a\0b"})) == (422, "bad_input")
    assert said(await desk.post(TAKE, json={"services": ["\0"]})) == (422, "bad_input")
    assert said(await anyone.get("/api/v1/tickets/%00")) == (422, "bad_input")
    assert said(await anyone.get("/api/v1/halls/%00")) == (422, "bad_input")
    assert said(await at(clerk, "1", "call", {"number": "\0"})) == (422, "bad_input")
    assert said(await at(clerk, "%00", "next")) == (422, "bad_input")
    assert said(await anyone.post("/api/v1/sessions", json={"username": "\0", "password": "x"})) == (422, "bad_input")


async def test_unknown_fields_are_ignored(desk: Client) -> None:
    assert (await desk.post(TAKE, json={"services": ["A"], "colour": "red"})).status_code == 201


async def test_a_body_past_the_limit_is_too_large_however_it_is_sent(desk: Client) -> None:
    async def chunks() -> object:
        for _ in range(70):
            yield b" " * 1024

    assert said(await desk.post(TAKE, content=b" " * 70_000)) == (413, "too_large")
    assert said(await desk.post(TAKE, content=chunks())) == (413, "too_large")  # type: ignore[arg-type]


async def test_a_wrong_method_is_told_the_right_ones(anyone: Client) -> None:
    answer = await anyone.put(TAKE)
    assert (said(answer), answer.headers["allow"]) == ((405, "method_not_allowed"), "GET, HEAD, POST")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/devices/pair", "POST"), ("HEAD", "/devices/pair", "POST"), ("GET", "/api/v1/devices/x/test", "POST"),
        ("GET", "/api/v1/sessions", "POST"), ("POST", "/api/v1/sessions/current", "DELETE"), ("DELETE", HALL, "GET, HEAD"),
        ("POST", "/static/hall.css", "GET, HEAD"), ("POST", "/static/x", "GET, HEAD"), ("GET", "/signout", "POST"),
        ("PUT", "/signin", "GET, HEAD, POST"), ("BREW", "/healthz", "GET, HEAD"),
    ],
)  # fmt: skip
async def test_an_address_shut_to_a_method_says_which_it_takes(anyone: Client, method: str, path: str, allow: str) -> None:
    for accept in ("application/json", "text/html"):
        answer = await anyone.request(method, path, headers={"Accept": accept})
        assert (answer.status_code, answer.headers["allow"]) == (405, allow)
        page = accept == "text/html" and not path.startswith(("/api/", "/devices/"))
        assert answer.headers["content-type"] == ("text/html; charset=utf-8" if page else "application/problem+json")


@pytest.mark.parametrize(("asked", "lang"), [("zh-CN", "zh-Hans"), ("zh-TW", "zh-Hant"), ("en-GB", "en"), ("fr", "zh-Hans")])
async def test_an_answer_in_words_says_its_language_and_what_chose_it(anyone: Client, asked: str, lang: str) -> None:
    for path in (HALL, "/api/v1/halls/nowhere", "/api/v1/coffee", "/devices/pair", "/signin"):
        answer = await anyone.get(path, headers={"Accept-Language": asked})
        assert (answer.headers["content-language"], answer.headers["vary"]) == (lang, "Accept-Language, Cookie")


async def test_an_unknown_address_is_not_found(anyone: Client) -> None:
    assert said(await anyone.get("/api/v1/coffee")) == (404, "not_found")
    assert said(await anyone.get("/api/v2/")) == (404, "not_found")


async def test_who_accepts_no_json_is_told_so(anyone: Client) -> None:
    assert said(await anyone.get(HALL, headers={"Accept": "application/xml"})) == (406, "not_acceptable")
    for accept in ("", "APPLICATION/JSON", "*/*", "text/html, application/*;q=0.8", "application/xml, */*;q=0.1"):
        assert (await anyone.get(HALL, headers={"Accept": accept})).status_code == 200


async def test_head_answers_like_get(anyone: Client) -> None:
    assert (await anyone.head("/healthz")).status_code == 200
    assert (await anyone.head("/api/v1/halls/nowhere")).status_code == 404


async def test_numbers_past_every_bound_are_bad_input(manager: Client) -> None:
    for query in ("after=99999999999999999999999", "after=-1", "limit=0", "limit=x"):
        assert said(await manager.get(f"{HALL}/journal?{query}")) == (422, "bad_input")


async def test_a_mistake_of_ours_tells_nothing_but_that(app: Starlette, anyone: Client, clerk: Client) -> None:
    await opened(clerk)
    app.state.halls = None  # what no client can do
    answer = await anyone.get(HALL)
    assert (said(answer), "NoneType" in answer.text) == ((500, "internal"), False)


def test_every_word_of_the_house_has_a_sentence_in_each_language() -> None:
    from floor.api.openapi import refusals
    from floor.api.v1 import ROUTES

    codes = {code for route in ROUTES for code in refusals(route.spec)}
    assert {(lang, code) for lang in LANGUAGES for code in codes if f"problems.{code}" not in words(lang)} == set()
