"""A shop is run without a pointer: everything has a key, or is reached by the tab key, and shows its focus."""

import re

from playwright.sync_api import Page, expect

from tests.builders import PASSWORD
from tests.console.conftest import Browse
from tests.harness.furnishing import email_of
from tests.harness.pages import sound
from tests.harness.premises import Premises

TABS_MAX = 60
"""From the beginning of a page to anything on it."""


def tab_to(page: Page, name: str) -> None:
    """Presses the tab key until what has the focus is called so."""
    for _ in range(TABS_MAX):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText").strip() == name:
            return
    raise AssertionError(f"the tab key never came to {name}")


def arrived(page: Page, address: str) -> None:
    """The address is there before the page is, and keys that come too early are lost."""
    expect(page).to_have_url(re.compile(address))
    page.wait_for_load_state()


def test_somebody_without_a_pointer_signs_in_and_confirms_an_order(
    browse: Browse, premises: Premises
) -> None:
    order = premises.order()
    page = browse(None)
    page.goto("/console")
    expect(page.get_by_label("E-mail address")).to_be_focused()
    page.keyboard.type(email_of("operator"))
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    arrived(page, "/console$")
    page.keyboard.type("go")
    arrived(page, "/console/orders$")
    page.keyboard.press("/")
    page.keyboard.type(f"#{order['id']}")
    with page.expect_event("load"):  # what was found as one typed may be there before
        page.keyboard.press("Enter")
    expect(page.locator("tr[data-row], [data-row]")).to_have_count(1)
    tab_to(page, f"#{order['id']}")
    page.keyboard.press("Enter")
    arrived(page, f"/console/orders/{order['id']}$")
    tab_to(page, "Confirm")
    page.keyboard.press("Enter")
    expect(page.locator(".heading")).to_contain_text("Confirmed")


def test_letters_lead_through_the_rows_of_a_list(desk: Page) -> None:
    desk.goto("/console/orders")
    second = desk.locator("[data-row]").nth(1).locator("a").first
    leads = second.get_attribute("href")
    desk.keyboard.type("jjkj")
    desk.keyboard.press("Enter")
    expect(desk).to_have_url(re.compile(f"{leads}$"))


def test_a_question_mark_tells_the_keys(desk: Page) -> None:
    desk.goto("/console/orders")
    desk.keyboard.press("?")
    keys = desk.get_by_role("dialog", name="Keys")
    expect(keys).to_contain_text("Search everything")
    sound(desk)
    desk.keyboard.press("Escape")
    expect(keys).to_be_hidden()


def test_the_first_tab_leads_past_the_navigation(desk: Page) -> None:
    desk.goto("/console/orders")
    desk.keyboard.press("Tab")
    expect(desk.get_by_role("link", name="Skip to the content")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(desk.locator("main")).to_be_focused()
