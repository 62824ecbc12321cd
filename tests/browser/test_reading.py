"""What a leader does with the pages: arrives, filters, clicks on a chart, changes the language; and what no page ever does."""

import re
from contextlib import suppress
from time import monotonic

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from playwright.sync_api import TimeoutError as PageTimeoutError

from core.settings import Settings
from reporting.browser import log_in, open_dashboard
from tests.browser.filters import chart_named, choose, watch_requests
from tests.people import PASSWORD

pytestmark = [pytest.mark.browser, pytest.mark.services, pytest.mark.timeout(1800)]

FIRST_PAGE = re.compile("/superset/dashboard/tong-quan/")
PLUS = "[data-test='new-dropdown-icon']"
SECONDS = 60_000


def test_a_leader_lands_on_the_first_page_and_is_offered_nothing_to_create(browser: Browser, people: Settings) -> None:
    page = browser.new_page(locale="vi-VN")
    log_in(page, people, "leader", PASSWORD)
    expect(page).to_have_url(FIRST_PAGE, timeout=SECONDS)
    expect(page.locator("#main-menu")).to_be_visible(timeout=SECONDS)
    expect(page.locator(PLUS)).to_have_count(0)
    page.goto(re.sub(r"/superset/.*", "/superset/welcome/", page.url))
    expect(page).to_have_url(FIRST_PAGE, timeout=SECONDS)
    page.close()


def test_a_phone_lands_on_the_narrow_page(browser: Browser, people: Settings) -> None:
    agent = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
    )
    phone = browser.new_context(viewport={"width": 390, "height": 844}, user_agent=agent, locale="vi-VN")
    page = phone.new_page()
    log_in(page, people, "leader", PASSWORD)
    expect(page).to_have_url(re.compile("/superset/dashboard/dien-thoai/"), timeout=SECONDS)
    phone.close()


def test_whoever_makes_charts_lands_there_too_and_may_create(browser: Browser, people: Settings) -> None:
    page = browser.new_page(locale="vi-VN")
    log_in(page, people, "analyst", PASSWORD)
    expect(page).to_have_url(FIRST_PAGE, timeout=SECONDS)
    expect(page.locator(PLUS)).to_have_count(1, timeout=SECONDS)
    page.close()


def test_the_menu_lists_the_pages_in_the_order_of_the_leaders(leader: Page, people: Settings) -> None:
    leader.goto(f"{people.superset_address}/superset/welcome/")
    leader.hover("#main-menu >> text=Các trang", timeout=SECONDS)
    entries = leader.locator(".ant-menu-submenu-popup a[href^='/superset/dashboard/']")
    expect(entries.filter(has_text="Tàu cá")).to_be_visible()
    order = [
        "Tổng quan",
        "Môi trường",
        "Phản ánh hiện trường",
        "Dịch vụ công",
        "Khám chữa bệnh",
        "Dịch bệnh",
        "Giáo dục",
        "Tàu cá",
    ]
    assert [title for title in entries.all_inner_texts() if title in order] == order


def test_a_filter_changes_the_numbers_of_its_charts_and_never_the_badges(leader: Page, people: Settings) -> None:
    open_dashboard(leader, people, "phan-anh")
    badge = chart_named(leader, "Dữ liệu mới nhất lúc").inner_text()
    choose(leader, "Xã, phường", "Phường Phú Xuân")
    expect(chart_named(leader, "Số phản ánh")).to_have_text(re.compile(r"^3\D"), timeout=SECONDS)
    expect(chart_named(leader, "Quá hạn chưa xử lý")).to_have_text(re.compile(r"^0\D"), timeout=SECONDS)
    assert chart_named(leader, "Dữ liệu mới nhất lúc").inner_text() == badge


def test_a_click_on_a_chart_filters_the_others(leader: Page, people: Settings) -> None:
    open_dashboard(leader, people, "phan-anh")
    expect(chart_named(leader, "Số phản ánh")).to_have_text(re.compile(r"^7\D"), timeout=SECONDS)
    chart_named(leader, "Xếp hạng 85 cơ quan xử lý").locator("td", has_text="Cơ quan A2").click()
    expect(chart_named(leader, "Số phản ánh")).to_have_text(re.compile(r"^0\D"), timeout=SECONDS)
    expect(chart_named(leader, "Dữ liệu mới nhất lúc")).to_contain_text("11:00 10/03/2026")


def test_a_leader_splits_a_number_and_is_offered_no_list_of_its_records(leader: Page, people: Settings) -> None:
    open_dashboard(leader, people, "phan-anh", height=3600)  # a page that scrolls closes its menus
    split = leader.locator(".ant-modal").get_by_role("table")
    cell = chart_named(leader, "Xếp hạng 85 cơ quan xử lý").locator("td", has_text="Cơ quan A1")
    until = monotonic() + SECONDS / 1000
    while not split.is_visible() and monotonic() < until:  # a list that was still unfolding may close under the mouse
        cell.click(button="right")
        menu = leader.locator(".ant-dropdown:visible")
        expect(menu.get_by_text("Chia theo")).to_be_visible(timeout=SECONDS)
        expect(menu.get_by_text("Drill to detail")).to_have_count(0)
        menu.get_by_text("Chia theo").hover()
        with suppress(PageTimeoutError):
            leader.get_by_text("Ngày tiếp nhận", exact=True).click(timeout=SECONDS / 10)
            split.wait_for(timeout=SECONDS)
    expect(split).to_contain_text("2026-03-10", timeout=SECONDS)
    expect(split).to_contain_text("Tiếp nhận", timeout=SECONDS)


def test_a_period_filters_by_local_days(leader: Page, people: Settings) -> None:
    """The period is taken from the address, as a shared link has it, since a calendar is slow to click through."""
    open_dashboard(leader, people, "phan-anh")
    name = leader.locator("[data-test='filter-control-name']", has_text="Kỳ").get_attribute("id") or ""
    key = name.removeprefix("filter-name-")
    mask = (
        f"({key}:(extraFormData:(time_range:'2026-03-09 : 2026-03-10'),"
        f"filterState:(value:'2026-03-09 : 2026-03-10'),id:{key},ownState:()))"
    )
    leader.goto(f"{leader.url.partition('?')[0]}?native_filters={mask}")
    expect(chart_named(leader, "Số phản ánh")).to_have_text(re.compile(r"^3\D"), timeout=SECONDS)


def test_each_page_leads_to_its_twin_in_the_other_language(leader: Page, people: Settings) -> None:
    open_dashboard(leader, people, "phan-anh")
    leader.click("text=English", timeout=SECONDS)
    expect(leader).to_have_url(re.compile("/superset/dashboard/en-phan-anh/"), timeout=SECONDS)
    charts = open_dashboard(leader, people, "en-phan-anh")
    assert {title: chart.error for title, chart in charts.items() if chart.error} == {}
    assert [charts[title].text.splitlines()[0] for title in ("Cases", "In time (%)")] == ["7", "75,0"]
    choose(leader, "Commune", "Phường Phú Xuân")
    expect(chart_named(leader, "Cases")).to_have_text(re.compile(r"^3\D"), timeout=SECONDS)
    leader.click("text=Tiếng Việt", timeout=SECONDS)
    expect(leader).to_have_url(re.compile("/superset/dashboard/phan-anh/"), timeout=SECONDS)


def test_the_overview_is_told_in_english_too(leader: Page, people: Settings) -> None:
    text = open_dashboard(leader, people, "en-tong-quan")["Headline figures of each domain"].text
    assert "Highest VN_AQI" in text
    assert "no new figures" in text
    assert "60 minutes ago" in text
    leader.get_by_role("link", name="Environment").first.click()
    expect(leader).to_have_url(re.compile("/superset/dashboard/en-moi-truong/"), timeout=SECONDS)


def test_no_page_asks_for_anything_outside(browser: Browser, people: Settings) -> None:
    """Requests are counted when they are made, before the content security policy blocks them."""
    page = browser.new_page(locale="vi-VN")
    asked: list[Request] = watch_requests(page, people)
    log_in(page, people, "leader", PASSWORD)
    open_dashboard(page, people, "moi-truong")
    expect(page.locator("#main-menu img[src='/looks/mark.svg']")).to_be_visible(timeout=SECONDS)
    page.goto(re.sub(r"/superset/.*", "/dashboard/list/", page.url))
    expect(page.locator("#main-menu")).to_be_visible(timeout=SECONDS)
    assert [request.url for request in asked] == []
    page.close()
