"""The staff's menu by keyboard and on a phone, and a rule found among all of them."""

import re

from playwright.sync_api import expect

from tests.hall.conftest import House, Visitors

PHONE = (390, 844)


def test_the_menu_opens_moves_on_and_closes_by_keyboard(house: House, visitors: Visitors) -> None:
    board = visitors.at("/demo/manage", "manager")
    board.locator(".places summary").nth(1).focus()
    board.keyboard.press("Enter")
    expect(board.locator(".places details[open] a").first).to_be_visible()
    board.keyboard.press("Escape")
    expect(board.locator(".places details[open]")).to_have_count(0)
    expect(board.locator(".places summary").nth(1)).to_be_focused()
    board.keyboard.press("Enter")
    board.keyboard.press("Tab")
    board.keyboard.press("Enter")
    expect(board).to_have_url(re.compile("/demo/calendar"))
    expect(board.locator(".places .is-here [aria-current=page]")).to_have_attribute("href", "/demo/calendar")
    expect(board.locator(".places a[href$='/faults']")).to_have_count(0)


def test_on_a_phone_a_list_of_the_menu_opens_in_place_and_the_page_is_no_wider(house: House, visitors: Visitors) -> None:
    rules = visitors.at("/demo/rules", "manager", size=PHONE)
    rules.locator(".places summary").nth(2).click()
    expect(rules.locator(".places details[open] a").first).to_be_in_viewport()
    assert rules.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


def test_a_rule_is_found_by_a_word_of_it(house: House, visitors: Visitors) -> None:
    rules = visitors.at("/demo/rules", "manager")
    rules.fill("#find", "agent_gap_min")
    expect(rules.locator(".rule-field:visible")).to_have_count(1)
    rules.fill("#find", "没有这条")
    expect(rules.locator(".rule-field:visible")).to_have_count(0)
    rules.fill("#find", "")
    expect(rules.locator("#agents .rule-field").first).to_be_visible()
