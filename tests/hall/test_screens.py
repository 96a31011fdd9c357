"""Browsers that are machines of the hall: a paired TV that catches up after a cut, and a pad that loses no rating."""

import os
import re
import signal

import httpx2
from playwright.sync_api import Page, expect

from tests.hall.conftest import House, Visitors

TV = (1920, 1080)
OLD_MS = 20_500  # a call older than 20 s may not flash any more
TABLET = (1280, 800)


def paired(house: House, visitors: Visitors, kind: str, path: str, size: tuple[int, int], **place: str) -> tuple[Page, str]:
    """A browser in which somebody has typed a device's code; the page it became, and the device."""
    made = house.post("/api/v1/halls/demo/devices", {"kind": kind, "name": f"browser {kind}", **place}, who="engineer").json()
    page = visitors.at("/demo/pair", size=size, name=f"{kind} {place}")
    page.fill("#code", made["code"].lower())
    page.click("button.primary")
    expect(page).to_have_url(re.compile(re.escape(path) + "$"))
    return page, made["id"]


def lines(board: Page) -> list[str]:
    return board.locator("#lines .ticket").all_inner_texts()


def test_a_paired_tv_catches_up_after_a_cut_without_flashing_what_is_old(house: House, visitors: Visitors) -> None:
    assert house.at(13, "open").status_code == 200
    board, _ = paired(house, visitors, "tv", "/demo/board/E", TV, zone="E")
    expect(board.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)
    first, second = house.take("E")["number"], house.take("E")["number"]
    assert house.at(13, "next").status_code == 200
    expect(board.locator("#lines tr.flash .ticket")).to_have_text(first, timeout=3_000)
    board.context.set_offline(True)
    assert house.at(13, "arrive").status_code == 200
    assert house.at(13, "finish").status_code == 200
    assert house.at(13, "next").status_code == 200
    expect(board.locator(".stale")).to_be_visible(timeout=40_000)
    assert lines(board) == [first]
    board.wait_for_timeout(OLD_MS)
    board.context.set_offline(False)
    expect(board.locator("#lines .ticket")).to_have_text([second], timeout=40_000)
    expect(board.locator(".stale")).to_be_hidden()
    assert board.locator("#lines tr.flash").count() == 0


def test_a_kiosk_that_nobody_touches_looks_again_for_doors_that_closed_by_the_clock(house: House, visitors: Visitors) -> None:
    kiosk = visitors.at("/demo/kiosk", "kiosk", size=(1080, 1920))
    kiosk.clock.install()
    kiosk.reload()
    expect(kiosk.locator("[data-plain='1']")).to_be_visible()
    with kiosk.expect_request("**/demo/kiosk/screen?*"):
        kiosk.clock.run_for(21_000)


def test_a_revoked_tv_says_that_it_is_not_paired(house: House, visitors: Visitors) -> None:
    board, device = paired(house, visitors, "tv", "/demo/tv", TV)
    expect(board.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)
    headers = {"Authorization": f"Bearer {house.token('engineer')}"}
    assert httpx2.delete(f"{house.url}/api/v1/devices/{device}", headers=headers).status_code == 204
    expect(board.locator(".stale")).to_contain_text("屏幕未配对，请联系工作人员", timeout=10_000)


def test_a_tv_whose_secret_opens_nothing_any_more_says_so_though_nobody_told_it(house: House, visitors: Visitors) -> None:
    board, _ = paired(house, visitors, "tv", "/demo/tv", TV)
    expect(board.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)
    board.context.clear_cookies()
    os.kill(house.child("floor.link"), signal.SIGKILL)
    expect(board.locator(".stale")).to_contain_text("屏幕未配对，请联系工作人员", timeout=60_000)


def test_a_pad_asks_on_after_a_reload_and_sends_what_was_touched_while_cut_off(house: House, visitors: Visitors) -> None:
    assert house.at(14, "open").status_code == 200
    pad, _ = paired(house, visitors, "evaluator", "/demo/pad/14", TABLET, window="14")
    house.take("E")
    for act in ("next", "arrive", "finish"):
        assert house.at(14, act).status_code == 200
    expect(pad.locator("#faces")).to_be_visible(timeout=10_000)
    asked = pad.locator("#asked").inner_text()
    pad.reload()
    expect(pad.locator("#faces")).to_be_visible(timeout=10_000)
    assert pad.locator("#asked").inner_text() == asked
    pad.context.set_offline(True)
    pad.click("[data-level='1']")
    pad.click("[data-reason='113']")
    pad.click(".why:visible [data-send]")
    expect(pad.locator("#thanks")).to_be_visible()
    pad.context.set_offline(False)
    ratings = "/api/v1/halls/demo/ratings/summary?by=window"
    house.until(lambda: rated(house, ratings, "14") == 1, 60, "the rating of window 14")
    expect(pad.locator("#plate h1")).to_be_visible(timeout=10_000)


def test_a_pad_and_a_board_own_up_to_a_hall_that_is_frozen_and_come_back(house: House, visitors: Visitors) -> None:
    pad, _ = paired(house, visitors, "evaluator", "/demo/pad/15", TABLET, window="15")
    board, _ = paired(house, visitors, "tv", "/demo/board/E", TV, zone="E")
    for page in (pad, board):
        page.wait_for_load_state("networkidle")
    expect(board.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)
    link = house.child("floor.link")
    os.kill(link, signal.SIGSTOP)  # the sockets stay open: nothing tells the browser but the silence
    try:
        expect(pad.locator("#linked")).to_have_text("暂时连不上大厅，评价会稍后送出", timeout=35_000)
        expect(board.locator(".stale")).to_be_visible(timeout=10_000)
        board.reload()
        expect(board.locator(".stale")).to_be_visible(timeout=15_000)  # a screen that starts without the hall says so soon
    finally:
        os.kill(link, signal.SIGCONT)
    expect(pad.locator("#linked")).to_be_hidden(timeout=60_000)
    expect(board.locator(".stale")).to_be_hidden(timeout=60_000)


def rated(house: House, path: str, window: str) -> int:
    """Ratings of that window of level 1."""
    items = house.get(path, who="manager")["items"]
    return sum(item["levels"]["1"] for item in items if item["of"] == window)


def test_a_tv_is_laid_out_and_tested_from_afar(house: House, visitors: Visitors) -> None:
    assert house.at(15, "open").status_code == 200
    board, device = paired(house, visitors, "tv", "/demo/tv", TV)
    expect(board.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)
    number = house.take("E")["number"]
    assert house.at(15, "next").status_code == 200
    expect(board.locator("#lines .ticket", has_text=number)).to_be_visible(timeout=5_000)
    wish = {"settings": {"columns": 2, "zones": ["A"], "qr": True}}
    assert house.post(f"/api/v1/devices/{device}/settings", wish, who="engineer").status_code == 200
    expect(board.locator("body")).to_have_attribute("data-columns", "2", timeout=10_000)
    expect(board.locator("#lines .ticket", has_text=number)).to_have_count(0)
    expect(board.locator("#qr")).to_be_visible()
    house.until(lambda: next(d for d in house.devices() if d["id"] == device)["settings_taken"] == 1, 10, "the screen's answer")
    page = visitors.at(f"/demo/fleet/{device}", "engineer", size=(1400, 1000), name="devices page")
    page.fill("input[name=text]", "试一试")
    page.click("form[action$='/test'] button")
    expect(board.locator("#test")).to_have_text("试一试", timeout=10_000)
    house.post(f"/api/v1/devices/{device}/settings", {"settings": {}}, who="engineer")
    expect(board.locator("body")).to_have_attribute("data-columns", "1", timeout=10_000)
