"""The dispatch page's own script in a real browser: a visit chosen in a list is chosen on the map, by hand or key, and stays."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page

from tests.floor.scripts import browsing

HTML = """<!doctype html><script src="/rounds.js" type="module"></script><div id="dispatch">
<p id="sentence" class="banner is-fault">no</p><details id="who"><summary>who</summary>
<ul><li data-visit="1" tabindex="0">told</li></ul></details>
<table><tr data-visit="1" tabindex="0"><td>one</td></tr>
<tr data-visit="2" tabindex="0"><td>two</td><td><button>change</button></td></tr></table>
<svg class="round-map" width="200" height="100"><g class="round" data-round="a"></g><g class="round" data-round="b"></g>
<g class="mark" data-visit="1" data-round="a" tabindex="0" role="button" aria-label="first">
<circle cx="20" cy="20" r="9"></circle></g>
<g class="mark" data-visit="2" data-round="b" tabindex="0" role="button" aria-label="second">
<circle cx="90" cy="20" r="9"></circle></g>
</svg><b id="chosen"></b></div><section id="sheet" popover><form><input></form></section>"""
CHOSEN = """() => [[...document.querySelectorAll('[aria-current]')].map((e) => e.tagName + e.dataset.visit),
    [...document.querySelectorAll('.round.is-with')].map((e) => e.dataset.round),
    document.getElementById('chosen').textContent]"""
SWAP = """document.dispatchEvent(new CustomEvent('htmx:after:swap',
    {detail: {ctx: {form: document.querySelector('#sheet form')}}}))"""
IN_SHEET = "[document.querySelectorAll('.sheet-said').length, document.querySelector('#sheet:popover-open') !== null]"


@pytest.fixture
def page() -> Iterator[Page]:
    with browsing(HTML) as browser:
        opened = browser.new_page()
        opened.goto("http://hall.test/")
        yield opened


def test_a_visit_is_chosen_on_list_and_map_by_hand_and_by_key_and_stays(page: Page) -> None:
    page.click("tr[data-visit='1'] td")
    first = [["LI1", "TR1", "g1"], ["a"], "first"]
    assert page.evaluate(CHOSEN) == first
    page.click("tr button")  # a button in a row is a button
    assert page.evaluate(CHOSEN) == first
    page.evaluate("document.querySelectorAll('[aria-current]').forEach((e) => e.removeAttribute('aria-current'))")
    page.evaluate("document.dispatchEvent(new CustomEvent('htmx:after:settle'))")  # the page was drawn anew
    assert page.evaluate(CHOSEN) == first
    page.focus("tr[data-visit='1']")
    page.keyboard.press("ArrowDown")
    assert page.evaluate(CHOSEN) == [["TR2", "g2"], ["b"], "second"]
    page.focus(".mark[data-visit='1']")
    page.keyboard.press("Enter")
    assert page.evaluate(CHOSEN) == first
    page.keyboard.press("Escape")
    assert page.evaluate(CHOSEN) == [[], [], ""]


def test_what_a_sheet_could_not_do_is_said_in_it_and_what_was_folded_open_stays_open(page: Page) -> None:
    page.click("summary")
    page.evaluate("document.getElementById('who').removeAttribute('open')")
    page.evaluate("document.dispatchEvent(new CustomEvent('htmx:after:settle'))")
    assert page.evaluate("document.getElementById('who').open")
    page.evaluate(SWAP)
    assert page.evaluate(IN_SHEET) == [1, True]
    assert page.inner_text(".sheet-said") == "no" and page.text_content("#sentence") == ""  # not behind the sheet once more
    page.evaluate("document.getElementById('sentence').className = 'is-serving'; document.getElementById('sheet').hidePopover()")
    page.evaluate(SWAP)
    assert page.evaluate(IN_SHEET) == [0, False]
