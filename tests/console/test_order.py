"""An order's page in a browser: its dialogs, its forms without a script, its paper."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.builders import Json
from tests.console.conftest import Browse
from tests.harness.browser import NO_SCRIPT, PHONE, Look
from tests.harness.pages import sound, weight
from tests.harness.premises import Premises

HEAVY = 15_000
"""Bytes of HTML that come over the wire."""


def at(order: Json, task: str = "") -> str:
    return f"/console/orders/{order['id']}{task and '/'}{task}"


def menu(page: Page, label: str) -> None:
    page.locator("summary", has_text="More").click()
    page.locator(".menu-list").get_by_role("button", name=label, exact=True).click()


def notice(page: Page) -> Locator:
    return page.locator(".notices")


@pytest.mark.parametrize("look", [{}, PHONE])
@pytest.mark.parametrize(
    "task", ["", "edit", "fulfill", "cancel-units", "packing-slip", "pick-list"]
)
def test_the_pages_of_an_order_are_sound(
    browse: Browse, premises: Premises, look: Look, task: str
) -> None:
    order = premises.confirmed((premises.product(), 3), (premises.product(), 1))
    page = browse("admin", look)
    page.goto(at(order, task))
    sound(page)


@pytest.mark.parametrize("look", [{}, NO_SCRIPT])
def test_an_order_goes_all_its_way_with_and_without_a_script(
    browse: Browse, premises: Premises, look: Look
) -> None:
    tea = premises.product()
    order = premises.order((tea, 3))
    page = browse("operator", look)
    page.goto(at(order))
    page.locator(".page-head").get_by_role("button", name="Confirm", exact=True).click()
    expect(notice(page)).to_contain_text("is confirmed")
    menu(page, "Put on hold")
    page.get_by_role("textbox", name="Why").fill("fraud?")
    page.locator("#put-on-hold").get_by_role("button", name="Put on hold").click()
    expect(page.get_by_text("On hold: fraud?")).to_be_visible()
    menu(page, "Take off hold")
    expect(page.get_by_text("On hold: fraud?")).to_be_hidden()
    page.get_by_role("link", name="Fulfill").click()
    page.get_by_role("spinbutton", name=f"Send: {tea['name']}").fill("2")
    page.get_by_role("button", name="Fulfill").click()
    expect(page.get_by_text("2 sent, 1 open")).to_be_visible()
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_role("button", name="Undo it").click()
    expect(notice(page)).to_contain_text("is undone")
    menu(page, "Cancel the order")
    page.locator("#cancel").get_by_role("button", name="Cancel the order").click()
    expect(notice(page)).to_contain_text("is cancelled")
    assert premises.get(f"/orders/{order['id']}")["status"] == "Cancelled"


def test_nothing_is_cancelled_before_it_was_asked(browse: Browse, premises: Premises) -> None:
    order = premises.order((premises.product(), 1))
    page = browse("operator")
    page.goto(at(order))
    menu(page, "Cancel the order")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator("#cancel")).to_be_hidden()
    assert premises.get(f"/orders/{order['id']}")["status"] == "Pending"


def test_a_shortage_is_told_with_its_products_and_where_the_rest_is(
    browse: Browse, premises: Premises
) -> None:
    tea = premises.product(stock=2)
    page = browse("operator")
    page.goto(at(premises.order((tea, 5))))
    page.locator(".page-head").get_by_role("button", name="Confirm", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text(tea["name"])
    expect(page.locator(".order-lines")).to_contain_text("Short by 3")
    expect(page.locator(".order-lines")).to_contain_text("only 2 at main")


def test_enter_finds_a_product_and_adds_it_while_an_order_is_edited(
    browse: Browse, premises: Premises
) -> None:
    tea, mint = premises.product(), premises.product()
    order = premises.order((tea, 1))
    page = browse("operator", NO_SCRIPT)
    page.goto(at(order, "edit"))
    page.get_by_role("textbox", name="Note").fill("kept")
    page.get_by_role("textbox", name="Add a product").fill(mint["sku"])
    page.keyboard.press("Enter")
    expect(page.get_by_label(f"Quantity of {mint['name']}", exact=True)).to_have_value("1")
    expect(page.get_by_role("textbox", name="Note")).to_have_value("kept")
    page.get_by_role("button", name="Save").click()
    expect(notice(page)).to_contain_text("is saved")
    assert len(premises.get(f"/orders/{order['id']}")["items"]) == 2


def test_a_viewer_has_nothing_to_press(browse: Browse, premises: Premises) -> None:
    page = browse("viewer")
    page.goto(at(premises.order((premises.product(), 1))))
    sound(page)
    assert page.locator("main form").count() == 0


def test_the_page_of_an_order_is_a_light_one(browse: Browse, premises: Premises) -> None:
    order = premises.confirmed(*((premises.product(), 1) for _ in range(10)))
    measured = weight(browse("admin").context, at(order))
    assert measured.first_parts[at(order)] < HEAVY
