"""An overload as a new manager meets it: it stands out, a window is open two clicks later, and the board says what came of it."""

import re

from playwright.sync_api import Page, Route, expect

from tests.hall.conftest import House, Visitors

PROPOSED_MS = 200_000  # three rounds of half a minute, on a machine that has other things to do
REFRESH = "document.dispatchEvent(new CustomEvent('hall:refresh'))"


def test_who_sees_the_board_for_the_first_time_opens_the_right_window_in_two_clicks(house: House, visitors: Visitors) -> None:
    assert house.at(4, "open").status_code == 200
    keys = [house.take("B")["key"] for _ in range(16)]
    assert house.at(4, "next").status_code == 200
    manager = visitors.at("/demo/manage", "manager", size=(1920, 1080))
    zone = manager.locator(".zone", has_text="不动产登记区")
    expect(zone).to_contain_text("太挤", timeout=30_000)
    expect(manager.locator(".zone.is-load-over")).to_have_count(1)

    # By hand: the overloaded area's closed window, and the button of its sheet.
    zone.locator("#spot-5").click()
    manager.locator("#window-sheet button.primary").click()
    expect(zone.locator("#spot-5")).to_contain_text("空闲")
    windows = {window["no"]: window for window in house.get("/api/v1/halls/demo")["windows"]}
    assert (windows["5"]["state"], windows["5"]["services"]) == ("open", ["B"])

    # By the proposal for the third window: one click, what comes of it, and one click back.
    proposal = manager.locator("#proposals li", has_text="开 6 号窗口办 B")
    expect(proposal.locator("[data-what=apply]")).to_have_count(1, timeout=PROPOSED_MS)
    expect(zone.locator("#spot-6.is-advised")).to_have_count(1)
    proposal.locator("[data-what=apply]").click()
    expect(zone.locator("#spot-6")).to_contain_text("空闲")
    expect(proposal).to_contain_text("已照办")
    expect(proposal).to_contain_text("人在等", timeout=PROPOSED_MS)
    proposal.locator("[data-what=undo]").click()
    expect(zone.locator("#spot-6")).to_contain_text("未开窗")
    expect(manager.locator("#settled")).to_contain_text("已撤销")

    for taken in keys[1:]:
        assert house.post(f"/api/v1/tickets/{taken}/cancel", {}, who="desk01").status_code == 200
    assert house.at(4, "arrive").status_code == 200 and house.at(4, "finish", {"outcome": "done"}).status_code == 200
    for no in (4, 5):
        assert house.post(f"/api/v1/halls/demo/windows/{no}/close", {}, who="manager").status_code == 200


def test_the_day_slides_back_whatever_refresh_is_under_way(house: House, visitors: Visitors) -> None:
    assert house.at(4, "open").status_code == 200
    manager = visitors.at("/demo/manage", "manager", size=(1920, 1080))
    house.take("B")
    house.until(lambda: has_a_past(manager), 90, "the hall to have a minute behind it, on a page that was open before")
    refreshes: list[Route] = []

    def hold(refresh: Route) -> None:
        refreshes.append(refresh)

    manager.route(re.compile(r"/manage/part\?by=\w+$"), hold)
    manager.evaluate(REFRESH)
    house.until(lambda: manager.evaluate("true") and refreshes, 10, "a refresh to leave")
    manager.locator("#minute").press("Home")
    expect(manager.locator("#past")).to_contain_text("您在看")
    for refresh in refreshes:
        refresh.continue_()
    manager.unroute_all(behavior="ignoreErrors")
    manager.evaluate(REFRESH)
    manager.wait_for_load_state("networkidle")
    expect(manager.locator("#past")).to_contain_text("您在看")
    expect(manager.locator("#spot-4")).to_be_disabled()
    manager.locator("#past a").click()
    expect(manager.locator("#past")).to_have_count(0)
    expect(manager.locator("#spot-4")).to_be_enabled()
    house.clear()
    assert house.post("/api/v1/halls/demo/windows/4/close", {}, who="manager").status_code == 200


def has_a_past(manager: Page) -> bool:
    """A hall in its first minute has nothing to slide back to."""
    manager.evaluate(REFRESH)
    slid: bool = manager.locator("#minute").evaluate("slider => !slider.form.hidden && slider.min !== slider.max")
    return slid
