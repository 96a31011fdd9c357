"""The kiosk's browser when the hall's web is away: to the dispenser's own page, a number there, and back to the hall."""

import os
import re
import signal

from playwright.sync_api import expect

from tests.hall.conftest import House, Visitors
from tests.hall.test_visit import KIOSK

OWN_PAGE = 151  # beside the hall's port: the page of the first dispenser


def test_the_kiosk_goes_on_alone_and_comes_back(house: House, visitors: Visitors) -> None:
    kiosk = visitors.at("/demo/kiosk", "kiosk", size=KIOSK)
    own = f"http://127.0.0.1:{house.port + OWN_PAGE}/"
    kiosk.goto(own)
    kiosk.wait_for_url(re.compile(r"/demo/kiosk\?agent=http"), timeout=30_000)
    expect(kiosk.locator("form[data-take]").first).to_be_visible()
    papers, web = len(house.papers()), house.child("uvicorn")
    os.kill(web, signal.SIGSTOP)  # it takes connections and answers nothing: worse than being gone
    try:
        kiosk.locator("form[data-take]:has(input[name=service][value=A]) button").click()
        kiosk.wait_for_url(own, timeout=60_000)
        kiosk.locator(".cards button", has_text="A").first.click(timeout=30_000)
        expect(kiosk.locator(".number")).to_have_text(re.compile(r"^A2\d{3}$"), timeout=10_000)
        number = kiosk.locator(".number").inner_text()
        house.until(lambda: len(house.papers()) > papers, 20, "the paper of the number given out alone")
    finally:
        os.kill(web, signal.SIGCONT)
    kiosk.wait_for_url(re.compile(r"/demo/kiosk\?agent=http"), timeout=60_000)
    expect(kiosk.locator("form[data-take]").first).to_be_visible(timeout=20_000)

    def home() -> bool:
        found = house.get("/api/v1/halls/demo/tickets?limit=500", who="desk01")["items"]
        return any(ticket["number"] == number and ticket["channel"] == "offline" for ticket in found)

    house.until(home, 40, f"{number} in the hall's own list")
    visitors.complaints = [said for said in visitors.complaints if "Failed to load" not in said and "ERR_" not in said]
    assert visitors.complaints == []
