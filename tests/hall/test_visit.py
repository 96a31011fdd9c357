"""A visit as people live it: from the kiosk over paper, console, board, strip and voice to the rating and the manager."""

import io
import re
import wave

import zxingcpp
from PIL import Image
from playwright.sync_api import Page, expect

from tests.hall.conftest import House, Visitors

KIOSK = (1080, 1920)
TV = (1920, 1080)
PAD = (1280, 800)


def take_at_kiosk(kiosk: Page, service: str) -> str:
    """Touch a service on the kiosk; the number it shows."""
    kiosk.locator(f"form[data-take]:has(input[name=service][value={service}]) button").click()
    number = kiosk.locator(".given .number")
    expect(number).to_have_text(re.compile(rf"{service}\d{{3}}"), timeout=10_000)
    return number.inner_text()


def open_window(visitors: Visitors, clerk: str, window: int) -> Page:
    """A clerk at her console, the window open."""
    console = visitors.at(f"/demo/console/{window}", clerk, name=f"console-{window}")
    if console.locator("#console").get_attribute("data-state") == "closed":
        press(console, " ", "open")
    expect(console.locator("#console")).to_have_attribute("data-state", "open")
    return console


def press(console: Page, key: str, state: str) -> None:
    """One key of the console, and the state it must lead to. A second key within 350 ms is taken for a slip."""
    console.wait_for_timeout(400)
    console.keyboard.press(key)
    expect(console.locator("#console")).to_have_attribute("data-state", state, timeout=10_000)


def pair_pad(visitors: Visitors, window: int) -> Page:
    """The rating pad of a window, paired by the demo's one button."""
    pad = visitors.at(f"/demo/pad/{window}", "engineer", size=PAD, name=f"pad-{window}")
    visitors.complaints.clear()  # the page of a browser that is no pad yet is a 401
    pad.locator("form[action$='/demo'] button").click()
    expect(pad.locator("#plate")).to_be_visible()
    return pad


def test_a_visit_goes_from_the_kiosk_to_the_rating(house: House, visitors: Visitors) -> None:
    pad = pair_pad(visitors, 1)
    console = open_window(visitors, "clerk01", 1)
    board = visitors.at("/demo/board/A", "manager", size=TV)
    manager = visitors.at("/demo/manage", "manager", size=TV)
    wall = visitors.at("/demo/wall", "engineer", size=TV)
    kiosk = visitors.at("/demo/kiosk", "kiosk", size=KIOSK)
    papers = len(house.papers())

    number = take_at_kiosk(kiosk, "A")
    expect(kiosk.locator("#paper")).to_have_class(re.compile("done"), timeout=15_000)

    paper = house.until(lambda: house.papers()[papers:], 10, "the paper")[0]
    picture = Image.open(paper["folder"] / f"{paper['n']}.png")
    assert (paper["folder"] / f"{paper['n']}.bin").stat().st_size == paper["bytes"]
    assert picture.width == 576
    codes = [code.text for code in zxingcpp.read_barcodes(picture)]
    assert len(codes) == 1 and re.fullmatch(rf"{house.url}/t/[\w-]{{16,}}", codes[0]), codes
    key = codes[0].rpartition("/")[2]
    assert house.get(f"/api/v1/tickets/{key}")["number"] == number

    phone = visitors.at(f"/t/{key}", size=(390, 844), name="phone")
    expect(phone.locator("body")).to_contain_text(number)

    press(console, " ", "called")
    expect(console.locator(".stage-number")).to_have_text(number)
    row = board.locator("#lines tr", has_text=number)
    expect(row.locator(".window b")).to_have_text("1", timeout=2_000)
    expect(row).to_have_class(re.compile("is-called"))
    expect(phone.locator(".is-called")).to_be_visible(timeout=5_000)
    expect(manager.locator("#spot-1")).to_contain_text(number, timeout=5_000)

    said = house.until(lambda: [s for s in house.said() if s["call"] and number_of(house, s) == number], 15, "the voice")[0]
    with wave.open(str(said["folder"] / said["wav"])) as sound:
        frames = sound.readframes(sound.getnframes())
        seconds = sound.getnframes() / sound.getframerate()
    assert seconds > 6, f"chime and sentence twice are longer than {seconds} s"
    assert max(frames) > 60 and len(set(frames)) > 100, "the sound is silence"
    assert "一号窗口" in said["text"]
    strip = Image.open(io.BytesIO((house.made / "led" / "led-1.png").read_bytes())).convert("L")
    assert any(strip.tobytes()), "no dot of the strip is lit"
    expect(wall.locator("#said li").first).to_contain_text("号窗口", timeout=10_000)

    press(console, " ", "serving")
    expect(row).to_have_class(re.compile("is-serving"), timeout=2_000)
    press(console, " ", "open")
    expect(row).to_have_count(0, timeout=2_000)

    expect(pad.locator("#faces")).to_be_visible(timeout=10_000)
    expect(pad.locator(".level")).to_have_count(5)
    pad.locator('.level[data-level="5"]').click()
    expect(pad.locator("#thanks")).to_be_visible()
    rated = house.until(lambda: active(house), 10, "the rating to be kept")
    assert rated == 1
    manager.goto(f"{house.url}/demo/manage?by=window")
    expect(manager.locator("#ratings tbody tr").first.locator("td").nth(3)).to_have_text("1")
    assert visitors.complaints == []


def number_of(house: House, said: dict[str, object]) -> str:
    """The printed number of the call a sentence was said for: cl_<ticket>_<n> in the journal."""
    rows = house.get("/api/v1/halls/demo/journal?after=0&limit=500", who="manager")["items"]
    return next((row["data"]["ticket"] for row in rows if row["data"].get("call") == said["call"]), "")


def active(house: House) -> int:
    summary = house.get("/api/v1/halls/demo/ratings/summary?by=window", who="manager")
    return sum(int(row["active"]) for row in summary["items"] if row["of"] == "1")


def test_the_console_survives_a_reload_with_its_state(house: House, visitors: Visitors) -> None:
    console = open_window(visitors, "clerk02", 2)
    number = house.take("A")["number"]
    press(console, " ", "called")
    expect(console.locator(".stage-number")).to_have_text(re.compile(r"A\d{3}"))
    called = console.locator(".stage-number").inner_text()
    console.reload()
    expect(console.locator("#console")).to_have_attribute("data-state", "called")
    expect(console.locator(".stage-number")).to_have_text(called)
    assert called <= number
    press(console, " ", "serving")
    press(console, " ", "open")


def test_an_act_pressed_while_the_line_is_cut_is_done_once_when_it_is_back(house: House, visitors: Visitors) -> None:
    console = open_window(visitors, "clerk03", 3)
    house.take("A")
    top = house.get("/api/v1/halls/demo/journal?after=0&limit=500", who="manager")["items"][-1]["offset"]
    console.context.set_offline(True)
    console.wait_for_timeout(400)
    console.keyboard.press(" ")
    expect(console.locator("#veil")).to_be_visible(timeout=5_000)
    console.context.set_offline(False)
    expect(console.locator("#console")).to_have_attribute("data-state", "called", timeout=15_000)
    expect(console.locator("#veil")).to_be_hidden()
    rows = house.get(f"/api/v1/halls/demo/journal?after={top}&limit=500", who="manager")["items"]
    assert [row["kind"] for row in rows if row["data"].get("window") == "3"] == ["ticket.called"]
    press(console, " ", "serving")
    press(console, " ", "open")


def test_a_board_says_that_it_has_lost_the_hall_and_catches_up(house: House, visitors: Visitors) -> None:
    board = visitors.at("/demo/board/B", "manager", size=TV)
    assert house.at(4, "open").status_code == 200
    expect(board.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)
    board.context.set_offline(True)
    expect(board.locator("html")).to_have_attribute("data-link", "lost", timeout=35_000)
    expect(board.locator("#stale")).to_be_visible()
    number = house.take("B")["number"]
    assert house.at(4, "next").json()["ticket"]["number"] == number
    board.context.set_offline(False)
    expect(board.locator("#lines tr", has_text=number)).to_be_visible(timeout=45_000)
    expect(board.locator("html")).to_have_attribute("data-link", "live", timeout=10_000)
    assert house.at(4, "finish", {"outcome": "done"}).status_code == 200
    expect(board.locator("#lines tr", has_text=number)).to_have_count(0)


def test_the_kiosk_speaks_three_languages_and_goes_back_by_itself(house: House, visitors: Visitors) -> None:
    kiosk = visitors.at("/demo/kiosk", "kiosk", size=KIOSK)
    first = kiosk.locator("h1").inner_text()
    kiosk.get_by_role("button", name="English").click()
    expect(kiosk.locator("html")).to_have_attribute("lang", "en")
    assert kiosk.locator("h1").inner_text() != first
    expect(kiosk.locator("h1")).to_have_text(first, timeout=30_000)
    assert visitors.complaints == []
