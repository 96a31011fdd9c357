"""A dispenser whose hall is away: its own page gives numbers, its printer prints them, and they come home in order."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from devices import wire
from devices.agent.page import WORDS
from tests.devices.agent.agents import Agent, write_config
from tests.devices.agent.browser import Browser
from tests.devices.agent.conftest import CODE
from tests.devices.agent.hall import Hall
from tests.devices.drivers.conftest import eventually
from tests.devices.drivers.printers import Papers

pytestmark = pytest.mark.slow

DATA = {"prefix": "A", "names": {"zh-Hans": "社会保险", "zh-Hant": "社會保險", "en": "Social insurance"}, "where": "A区",
        "hall": "云上大厅", "url": "http://hall/t/", "kiosk": "/demo/kiosk"}  # fmt: skip


def lease(last: int = 2003, minutes: float = 60) -> wire.Lease:
    until = datetime.now(UTC) + timedelta(minutes=minutes)
    return wire.Lease(gen=0, lease="ls_1", service="A", day="2026-11-02", first=2001, last=last, until=until, data=DATA)


@pytest_asyncio.fixture
async def agent(hall: Hall, printer: Papers, tmp_path: Path, unused_tcp_port: int) -> AsyncIterator[Agent]:
    """An agent with one dispenser that can go on alone, not yet started."""
    dispenser = {
        "kind": "dispenser",
        "name": "d1",
        "code": CODE,
        "printer": f"tcp://{printer.address}",
        "timeout_s": 3,
        "poll_s": 0.3,
    }
    write_config(tmp_path / "agent.toml", hall.web, [dispenser | {"page": f"127.0.0.1:{unused_tcp_port}"}])
    hall.leases = [lease()]
    made = Agent(tmp_path / "agent.toml")
    yield made
    await made.stop()


def issued(hall: Hall) -> list[dict[str, Any]]:
    return [ticket for frame in hall.heard if frame["type"] == "issued" for ticket in frame["tickets"]]


async def go_away(hall: Hall, browser: Browser, shows: str = "take") -> dict[str, Any]:
    """The hall falls silent, web and link."""
    hall.lives, hall.takes_in, hall.busy = False, False, True
    for visit in hall.visits:
        visit.connection.transport.abort()
    return await browser.shows(shows)


def come_back(hall: Hall) -> None:
    hall.busy, hall.lives, hall.takes_in = False, True, True


async def test_it_leads_to_the_halls_page_while_the_hall_answers_and_gives_numbers_itself_while_not(
    agent: Agent, hall: Hall, printer: Papers, browser: Browser
) -> None:
    await agent.start()
    await hall.live()
    there = await browser.shows("hall")
    assert there == {
        "show": "hall",
        "go": f"{hall.web}/demo/kiosk?agent=http%3A%2F%2F127.0.0.1%3A{browser.place[10:]}",
        "hall": "云上大厅",
    }
    await browser.open()
    assert (await browser.take()).json() == {"refused": "desk"}
    alone = await go_away(hall, browser)
    assert alone["services"] == [{"service": "A", "prefix": "A", "names": DATA["names"]}]
    given = [(await browser.take(lang="en", press="press-000001")).json() for _ in range(2)]  # a finger that trembles
    assert given == [{"ticket": "A2001", "service": "Social insurance", "where": "A区"}] * 2
    assert [(await browser.take()).json()["ticket"] for _ in range(2)] == ["A2002", "A2003"]
    await browser.shows("desk")
    assert (await browser.take()).status_code == 409
    await eventually(lambda: len(printer.record) == 3)
    come_back(hall)
    await browser.shows("hall", 40)
    await eventually(lambda: len(issued(hall)) >= 3)
    brought = issued(hall)
    assert [(ticket["seq"], ticket["number"], ticket.get("lang", "zh-Hans")) for ticket in brought] == [
        (1, 2001, "en"), (2, 2002, "zh-Hans"), (3, 2003, "zh-Hans"),
    ]  # fmt: skip
    assert printer.codes() == [f"http://hall/t/{ticket['key']}" for ticket in brought]
    told = [f["parts"]["numbers"]["state"] for f in hall.heard if f["type"] == "health" and "numbers" in f["parts"]]
    assert "exhausted" in told  # alarm on return
    hello = [frame for frame in hall.heard if frame["type"] == "hello"][-1]
    assert (hello["caps"], hello["issued"]) == (["print", "print_test", "lease"], 3)


async def test_what_was_not_acknowledged_is_brought_again(agent: Agent, hall: Hall, browser: Browser) -> None:
    await agent.start()
    await hall.live()
    await browser.shows("hall")
    await browser.open()
    hall.lives, hall.takes_in = False, False  # the web is gone, the link is not
    await browser.shows("take")
    await browser.take()
    await eventually(lambda: len(issued(hall)) >= 2, 20)
    hall.takes_in = hall.lives = True
    await browser.shows("hall")
    await eventually(lambda: hall.through == 1, 20)
    assert {(ticket["seq"], ticket["number"]) for ticket in issued(hall)} == {(1, 2001)}


async def test_without_paper_nothing_is_offered_and_an_owed_paper_comes_marked_with_the_new_roll(
    agent: Agent, hall: Hall, printer: Papers, browser: Browser
) -> None:
    await agent.start()
    await hall.live()
    await browser.shows("hall")
    await browser.open()
    await go_away(hall, browser)
    await printer.fault("paper-out-after 40")
    assert (await browser.take()).json()["ticket"] == "A2001"
    await browser.shows("paper")
    assert (await browser.take()).json() == {"refused": "paper"}
    await printer.fault("ok")
    await browser.shows("take")
    await eventually(lambda: any(not line["torn"] for line in printer.record), 20)


async def test_a_deadline_ends_it(agent: Agent, hall: Hall, browser: Browser) -> None:
    hall.leases = [lease(minutes=0.15)]
    await agent.start()
    await hall.live()
    await browser.shows("hall")
    await go_away(hall, browser)
    await browser.shows("desk")


async def test_a_program_that_starts_while_the_hall_is_away_goes_on_with_what_it_holds(
    agent: Agent, hall: Hall, printer: Papers, browser: Browser
) -> None:
    await agent.start()
    await hall.live()
    await browser.shows("hall")
    await go_away(hall, browser)
    await agent.cut_power()
    await agent.start()
    await browser.shows("take")
    assert (await browser.take()).status_code == 403  # a page drawn by the program before
    await browser.open()
    assert (await browser.take()).json()["ticket"] == "A2001"


async def test_nobody_else_may_use_the_page(agent: Agent, hall: Hall, browser: Browser) -> None:
    await agent.start()
    await hall.live()
    await browser.shows("hall")
    text = await browser.open()
    await go_away(hall, browser)
    page = await browser.get("/")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; style-src 'self'; script-src 'self'; ")
    refused = {
        "rebound name": (await browser.get("/state", Host="evil.test")).status_code,
        "rebound page": (await browser.get("/", Host=f"evil.test:{browser.place[10:]}")).status_code,
        "other site reads": (await browser.get("/state", **{"Sec-Fetch-Site": "cross-site"})).status_code,
        "other site posts": (await browser.post("/take", {"service": "A"}, Origin="http://evil.test")).status_code,
        "null posts": (await browser.post("/take", {"service": "A"}, Origin="null")).status_code,
        "a form posts": (await browser.post("/take", {"service": "A"}, Content_Type="text/plain")).status_code,
        "no token": (await browser.post("/take", {"service": "A"}, X_Page_Token="")).status_code,
        "wrong token": (await browser.post("/failed", {}, X_Page_Token="x" * 32)).status_code,
        "no press": (await browser.post("/take", {"service": "A", "lang": "en"})).status_code,
        "no such page": (await browser.get("/etc/passwd")).status_code,
    }
    assert refused == {
        "rebound name": 403, "rebound page": 403, "other site reads": 403, "other site posts": 403, "null posts": 403,
        "a form posts": 415, "no token": 403, "wrong token": 403, "no press": 400, "no such page": 404,
    }  # fmt: skip
    assert "{" + "words}" not in text and issued(hall) == []


@pytest.mark.parametrize(
    "sent", [b"\x00\xff\r\n\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n", b"G" * 40_000]
)
async def test_any_bytes_get_an_answer_and_the_page_lives_on(agent: Agent, hall: Hall, browser: Browser, sent: bytes) -> None:
    await agent.start()
    await browser.shows("hall")
    host, port = browser.place.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    assert (await asyncio.wait_for(reader.read(), 8)).startswith((b"HTTP/1.1 400", b""))
    writer.close()
    assert (await browser.get("/")).status_code == 200
    assert "Traceback" not in agent.log.read_text()


def test_the_page_says_everything_in_three_languages() -> None:
    assert list(WORDS) == ["zh-Hans", "zh-Hant", "en"]
    assert {frozenset(words) for words in WORDS.values()} == {frozenset(WORDS["zh-Hans"])}
