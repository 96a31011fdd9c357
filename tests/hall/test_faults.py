"""What breaks in a hall, and what people see of it: the database, Redis, the printer, the voice, a process."""

import os
import re
import signal
import time
from pathlib import Path

import httpx2
from playwright.sync_api import expect

from tests.hall.conftest import House, Visitors, below
from tests.hall.test_visit import KIOSK, take_at_kiosk

RECOVERY_S = 5


def test_an_empty_printer_is_said_at_the_kiosk_and_to_the_manager(house: House, visitors: Visitors) -> None:
    kiosk = visitors.at("/demo/kiosk", "kiosk", size=KIOSK)
    manager = visitors.at("/demo/manage", "manager", size=(1920, 1080))
    expect(kiosk.locator("form[data-take]").first).to_be_visible()
    house.printer("paper-out")
    try:
        expect(kiosk.locator(".sorry h1")).to_be_visible(timeout=15_000)
        expect(kiosk.locator("form[data-take]")).to_have_count(0)
        expect(manager.locator(".alarms li", has_text="取号机 1")).to_have_count(1, timeout=10_000)
    finally:
        house.printer("ok")
    expect(kiosk.locator("form[data-take]").first).to_be_visible(timeout=20_000)
    expect(manager.locator(".alarms li", has_text="取号机 1")).to_have_count(0, timeout=20_000)


def test_a_printer_that_fails_under_a_ticket_leaves_the_number_on_the_screen_and_prints_later(
    house: House, visitors: Visitors
) -> None:
    kiosk = visitors.at("/demo/kiosk", "kiosk", size=KIOSK)
    expect(kiosk.locator("form[data-take]").first).to_be_visible()
    papers = len([paper for paper in house.papers() if not paper["torn"]])
    house.printer("paper-out-after 100")
    try:
        number = take_at_kiosk(kiosk, "C")
        expect(kiosk.locator("#paper")).to_have_class(re.compile("failed|late"), timeout=20_000)
        expect(kiosk.locator(".given .number")).to_have_text(number)
    finally:
        house.printer("ok")
    house.until(lambda: [p for p in house.papers() if not p["torn"]][papers:], 30, "the paper once there is paper again")


def test_an_unplugged_printer_is_an_alarm_and_comes_back(house: House) -> None:
    house.printer("unplug", "dispenser-2")
    try:
        house.until(lambda: alarms(house, "取号机 2"), 15, "the alarm of the unplugged printer")
    finally:
        house.printer("ok", "dispenser-2")
    house.until(lambda: not alarms(house, "取号机 2"), 20, "the alarm to clear")


def alarms(house: House, name: str) -> list[object]:
    return next(list(device["alarms"]) for device in house.devices() if device["name"] == name)


def test_a_hung_voice_loses_its_sentence_and_the_next_one_sounds(house: House) -> None:
    assert house.at(22, "open").status_code == 200
    frozen = [pid for pid in below(house.child("voice.toml")) if "voice/child.py" in Path(f"/proc/{pid}/cmdline").read_text()]
    assert frozen, "no speech process runs"
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    before = len(house.said())
    house.take("H")
    assert house.at(22, "next").status_code == 200
    house.until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in frozen[:1]), 25, "the hung process to be ended")
    house.at(22, "finish", {"outcome": "done"})
    house.take("H")
    assert house.at(22, "next").status_code == 200
    house.until(lambda: house.said()[before:], 20, "the next sentence")
    house.at(22, "finish", {"outcome": "done"})


def test_without_redis_calls_still_reach_the_board(house: House, visitors: Visitors) -> None:
    board = visitors.at("/demo/board/D", "manager", size=(1920, 1080))
    expect(board.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)
    assert house.at(10, "open").status_code == 200
    redis = house.child("valkey-server")
    os.kill(redis, signal.SIGSTOP)
    try:
        began = time.monotonic()
        number = house.take("D")["number"]
        called = house.at(10, "next")
        assert time.monotonic() - began < 2, "the acts waited for Redis"
        assert called.json()["ticket"]["number"] == number
        expect(board.locator("#lines tr", has_text=number)).to_be_visible(timeout=3_000)
        assert httpx2.get(f"{house.url}/readyz").json()["status"] == "degraded"
    finally:
        os.kill(redis, signal.SIGCONT)
    house.until(lambda: httpx2.get(f"{house.url}/readyz").json()["status"] == "ok", 15, "Redis to be noticed again")
    house.at(10, "finish", {"outcome": "done"})


def test_without_postgres_the_answer_is_a_clear_503_and_all_is_well_afterwards(house: House, visitors: Visitors) -> None:
    kiosk = visitors.at("/demo/kiosk", "kiosk", size=KIOSK)
    house.token("desk01")
    postgres = house.child("bin/postgres -D")
    family = [postgres, *below(postgres)]
    for pid in family:
        os.kill(pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        refused = house.post("/api/v1/halls/demo/tickets", {"services": ["C"]}, who="desk01", timeout=20)
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        assert int(refused.headers["Retry-After"]) >= 1
        assert time.monotonic() - began < 12
    finally:
        for pid in family:
            os.kill(pid, signal.SIGCONT)
    os.kill(postgres, signal.SIGINT)
    stopped = time.monotonic()
    house.until(lambda: answers_503(house) or time.monotonic() - stopped > 2, 5, "the refusal")
    house.until(lambda: took(house, "C"), 15, "a ticket")
    kiosk.reload()
    assert take_at_kiosk(kiosk, "C").startswith("C")


def took(house: House, service: str) -> bool:
    return house.post("/api/v1/halls/demo/tickets", {"services": [service]}, who="desk01").status_code == 201


def answers_503(house: House) -> bool:
    return httpx2.get(f"{house.url}/readyz", timeout=10).status_code == 503


def test_a_killed_web_process_is_back_at_once_and_the_board_never_noticed(house: House, visitors: Visitors) -> None:
    board = visitors.at("/demo/board/F", "manager", size=(1920, 1080))
    expect(board.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)
    assert house.at(16, "open").status_code == 200
    number = house.take("F")["number"]
    os.kill(house.child("floor.app:app"), signal.SIGKILL)
    house.until(house.ready, 4 * RECOVERY_S, "the pages to answer again")
    assert house.get(f"/api/v1/halls/demo/tickets?number={number}", who="desk01")["items"][0]["number"] == number
    assert house.at(16, "next").json()["ticket"]["number"] == number
    expect(board.locator("#lines tr", has_text=number)).to_be_visible(timeout=5_000)
    assert board.locator("html").get_attribute("data-link") == "live"
    house.at(16, "finish", {"outcome": "done"})


def test_two_clerks_never_get_the_same_ticket_and_an_empty_queue_says_so(house: House) -> None:
    assert house.at(19, "open").status_code == 200
    assert house.at(20, "open").status_code == 200
    assert house.at(19, "next").status_code == 204
    number = house.take("G")["number"]
    answers = [house.at(window, "next") for window in (19, 20)]
    assert [answer.status_code for answer in answers] == [200, 204]
    assert answers[0].json()["ticket"]["number"] == number
    house.at(19, "finish", {"outcome": "done"})
