"""A manager who never saw these pages opens Saturdays, by what stands on them alone."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from scheduling.statutory import known
from tests.hall.conftest import House, Visitors

ZONE = ZoneInfo("Asia/Shanghai")
EMPTY = {"name": "周六", "name_hant": "週六", "name_en": "Saturday", "who": "all", "which": "all", "drain": "yes"}


@pytest.fixture
def shut_again(visitors: Visitors) -> Iterator[None]:
    """Saturdays are as the other tests know them."""
    yield
    page = visitors.at("/demo/calendar/kinds/saturday", "manager", name="after")
    csrf = page.locator("#kind-form input[name=csrf]").input_value()
    done = page.context.request.post(page.url, form={**EMPTY, "csrf": csrf}, headers={"Origin": visitors.house.url})
    assert done.ok


@pytest.mark.usefixtures("shut_again")
def test_saturdays_nine_to_twelve_two_comprehensive_windows_booked_matters_only(visitors: Visitors, house: House) -> None:
    """Twelve touches from the board: two minutes are plenty. The sentence afterwards says what was set and from when."""
    page = visitors.at("/demo/manage", "manager", size=(1920, 1080))
    page.locator("summary", has_text="日历与人员").click()
    page.get_by_role("link", name="日历", exact=True).click()
    page.get_by_role("link", name="周六 不开放").click()
    expect(page.get_by_role("heading", name="周六怎么开放")).to_be_visible()
    page.get_by_label("开门 1").fill("09:00")
    page.get_by_label("关门 1").fill("12:00")
    page.get_by_text("只接待预约办事人", exact=True).click()
    page.get_by_text("只开放选中的", exact=True).click()
    page.get_by_label("H 综合受理", exact=True).check()
    page.get_by_label("综合受理区").fill("2")
    page.get_by_role("button", name="保存").click()
    said = page.locator("#sentence")
    expect(said).to_contain_text("已保存：周六 09:00–12:00 · 只接待预约办事人 · 综合受理 · 至少 2 个窗口")
    expect(said).to_contain_text("最早从")
    expect(page.get_by_role("link", name="周六 09:00–12:00")).to_contain_text("只接待预约办事人 · 综合受理 · 至少 2 个窗口")
    assert visitors.complaints == []
    day = next_saturday()
    if day in {it.day for it in known(day.year).days}:
        return  # inside a holiday, or worked: this Saturday is not one of those that were opened
    places = {code: starts(house, code, day) for code in ("H", "A")}
    assert places == {"H": [f"{hour:02}:{minute:02}" for hour in (9, 10, 11) for minute in (0, 15, 30, 45)], "A": []}


def next_saturday() -> date:
    today = datetime.now(ZONE).date()
    return today + timedelta((5 - today.weekday()) % 7 or 7)


def starts(house: House, service: str, day: date) -> list[str]:
    """When a place can be booked on a day, by the hall's clock."""
    slots = house.get(f"/api/v1/halls/demo/slots?service={service}&from={day}&to={day}")
    return [f"{datetime.fromisoformat(slot['start']).astimezone(ZONE):%H:%M}" for slot in slots]
