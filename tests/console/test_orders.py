"""Orders in a real browser: looked through, made by hand, and done many at once, with a script and without."""

import re
from contextlib import suppress

import pytest
from playwright.sync_api import Error, Locator, Page, Route, expect

from tests.builders import PASSWORD
from tests.conftest import KINDS
from tests.console.conftest import Browse, Enter
from tests.harness.browser import DARK, NO_SCRIPT, PHONE, Look
from tests.harness.furnishing import email_of
from tests.harness.pages import sound, until, weight
from tests.harness.premises import Premises

LIST = "/console/orders"
NEW = f"{LIST}/new"
PAGE_BYTES_MAX = 15 * 1024
ANSWERED_MS = 500
"""After so long, what came late would be seen."""


def rows(page: Page) -> Locator:
    return page.locator("tbody tr")


def choose(page: Page, *ids: int) -> None:
    for one in ids:
        page.get_by_label(f"Order {one}", exact=True).check()


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize(
    "path", [LIST, f"{LIST}?q=nobody", f"{LIST}?from=never", NEW], ids=["list", "none", "no", "new"]
)
def test_everybody_can_use_these_pages(browse: Browse, look: Look, path: str) -> None:
    page = browse("admin", look)
    page.goto(path)
    sound(page)
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0


@pytest.mark.parametrize("path", [LIST, NEW])
def test_a_page_is_light(enter: Enter, path: str) -> None:
    assert weight(enter("admin"), path).later_parts[path] < PAGE_BYTES_MAX


def test_the_list_is_searched_as_one_types_and_can_be_shared(
    premises: Premises, browse: Browse
) -> None:
    order = premises.order(reference="SHARED-1", customer={"name": "Zoe Quill"})
    page = browse("viewer")
    page.goto(LIST)
    page.get_by_label("Search orders").last.press_sequentially("quil")
    expect(rows(page)).to_have_count(1)
    expect(rows(page)).to_contain_text("Zoe Quill")
    expect(page.get_by_label("Search orders").last).to_be_focused()
    expect(page).to_have_url(re.compile(r"\?q=quil$"))
    page.reload()
    page.get_by_role("link", name=f"#{order['id']}").click()
    expect(page).to_have_url(re.compile(f"{LIST}/{order['id']}$"))


@pytest.mark.parametrize("database_kind", KINDS)
@pytest.mark.parametrize("look", [{}, NO_SCRIPT], ids=["script", "no_script"])
def test_many_orders_are_confirmed_and_each_is_told_what_became_of_it(
    premises: Premises, browse: Browse, look: Look
) -> None:
    tea = premises.product(stock=3)
    good, bad = premises.order((tea, 2)), premises.order((tea, 5))
    page = browse("operator", look)
    page.goto(f"{LIST}?sku={tea['sku']}")
    expect(page.get_by_role("button", name="Confirm")).to_be_hidden()
    choose(page, good["id"], bad["id"])
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 2 orders confirmed")
    expect(page.locator("main")).to_contain_text(f"{tea['name']} ({tea['sku']})")
    sound(page) if not look else None
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 2 orders confirmed")
    assert premises.get(f"/products/{tea['id']}")["reserved"] == 2


def test_orders_are_cancelled_only_after_a_second_thought(
    premises: Premises, browse: Browse
) -> None:
    order = premises.order()
    page = browse("operator")
    page.goto(f"{LIST}?q={order['id']}")
    choose(page, order["id"])
    page.get_by_role("button", name="Cancel orders").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back").click()
    assert premises.get(f"/orders/{order['id']}")["status"] == "Pending"
    page.get_by_role("button", name="Cancel orders").click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel orders").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("1 of 1 order cancelled")


def test_enter_on_a_ticked_order_does_nothing(premises: Premises, browse: Browse) -> None:
    order = premises.order()
    page = browse("operator")
    page.goto(f"{LIST}?q={order['id']}")
    choose(page, order["id"])
    page.get_by_label(f"Order {order['id']}", exact=True).press("Enter")
    expect(page.locator(".notices")).to_contain_text("Nothing was done")
    assert premises.get(f"/orders/{order['id']}")["status"] == "Pending"


def test_a_new_order_is_reckoned_as_one_types(premises: Premises, browse: Browse) -> None:
    tea, mint = premises.product(stock=7, price=2.5), premises.product(stock=7)
    page = browse("operator")
    page.goto(NEW)
    page.get_by_label("E-mail").fill("half@")
    search = page.get_by_label("Search products")
    search.press_sequentially(tea["sku"])
    expect(page.locator(".offers li")).to_have_count(1)
    expect(search).to_be_focused()
    page.get_by_role("button", name=f"Add {tea['name']}").click()
    quantity = page.get_by_role("spinbutton", name=f"Quantity of {tea['name']}")
    quantity.press("End")
    quantity.press_sequentially("2")
    expect(page.locator("tfoot")).to_contain_text("30.00")
    expect(page.locator("tbody tr")).to_contain_text("5 more than can be sold now")
    expect(quantity).to_be_focused()
    expect(quantity).to_have_value("12")
    search.fill(mint["sku"])
    expect(page.locator(".offers")).to_contain_text(mint["name"])
    expect(page.get_by_label("E-mail")).to_have_value("half@")


def test_what_was_reckoned_before_a_line_was_removed_does_not_bring_it_back(
    premises: Premises, browse: Browse
) -> None:
    tea = premises.product()
    page = browse("operator")
    page.goto(NEW)
    page.get_by_label("Search products").fill(tea["sku"])
    page.get_by_role("button", name=f"Add {tea['name']}").click()
    quantity = page.get_by_role("spinbutton", name=f"Quantity of {tea['name']}")
    expect(quantity).to_be_visible()
    late: list[Route] = []
    page.route(f"**{NEW}", lambda route: late.append(route))  # noqa: PLW0108 Playwright marks what it is given
    quantity.fill("2")
    until(page, lambda: len(late) == 1)
    page.get_by_role("button", name=f"Remove {tea['name']}").click()
    until(page, lambda: len(late) == 2)
    reckoned, removed = late
    removed.continue_()
    expect(page.get_by_text("Nothing yet.")).to_be_visible()
    with suppress(Error):  # the browser does not wait for it any more
        reckoned.continue_()
    page.wait_for_timeout(ANSWERED_MS)
    expect(page.get_by_text("Nothing yet.")).to_be_visible()


@pytest.mark.parametrize("database_kind", KINDS)
@pytest.mark.parametrize("look", [{}, NO_SCRIPT, {**PHONE, **DARK}], ids=["desk", "plain", "phone"])
def test_an_order_is_made_by_hand(premises: Premises, browse: Browse, look: Look) -> None:
    tea = premises.product(stock=7, price=2.5)
    page = browse("operator", look)
    page.goto(NEW)
    page.get_by_label("E-mail").fill("half@")
    page.get_by_label("Search products").fill(tea["sku"])
    page.get_by_label("Search products").press("Enter")
    expect(page.locator(".offers li")).to_have_count(1)
    expect(page.locator(".offers")).to_contain_text("7 available")
    page.get_by_role("button", name=f"Add {tea['name']}").click()
    page.get_by_role("button", name=f"One more of {tea['name']}").click()
    quantity = page.get_by_role("spinbutton", name=f"Quantity of {tea['name']}")
    expect(quantity).to_have_value("2")
    quantity.fill("9")
    quantity.press("Enter")
    expect(page.locator("main")).to_contain_text("2 more than can be sold now")
    expect(page.get_by_label("E-mail")).to_have_value("half@")
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_label("Hold its stock").fill("10")
    page.get_by_role("button", name="Place order").click()
    expect(page.locator(".problem")).to_contain_text(tea["name"])
    expect(page.locator(".problem")).to_be_in_viewport()
    quantity.fill("3")
    page.get_by_role("button", name="Place and confirm").click()
    expect(page).to_have_url(re.compile(rf"{LIST}/\d+$"))
    expect(page.locator(".notices")).to_contain_text("is placed and confirmed.")
    (order,) = premises.get("/orders/", product_id=tea["id"])
    assert (order["status"], order["customer"]) == ("Confirmed", {"email": "ada@example.com"})


def test_the_palette_leads_to_an_order(premises: Premises, browse: Browse) -> None:
    order = premises.order(reference="PALETTE-1")
    page = browse("viewer")
    page.goto(LIST)
    page.keyboard.press("Control+k")
    page.keyboard.type("palette-1")
    expect(page.get_by_role("option", name=f"#{order['id']} · PALETTE-1")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"{LIST}/{order['id']}$"))


def test_an_order_that_was_typed_when_the_session_ended_is_placed_after_signing_in(
    premises: Premises, browse: Browse
) -> None:
    tea = premises.product(name="Late tea", stock=5)
    page = browse("operator")
    page.goto(NEW)
    page.get_by_label("Search products").fill("late tea")
    page.get_by_role("button", name="Add Late tea").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_label("Reference").fill("LATE-1")
    page.context.clear_cookies(name="leafcraft")
    page.get_by_role("button", name="Place order").click()
    page.get_by_label("E-mail address").fill(email_of("operator"))
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Send it now").click()
    expect(page.get_by_role("status")).to_contain_text("is placed")
    order = premises.get(page.url.partition("/console")[2])
    assert (order["reference"], order["items"][0]["product_id"]) == ("LATE-1", tea["id"])


def test_what_is_typed_while_a_product_is_added_stays(premises: Premises, browse: Browse) -> None:
    tea = premises.product(stock=5)
    page = browse("operator")
    page.goto(NEW)
    page.get_by_label("Search products").fill(tea["sku"])
    expect(page.locator(".offers li")).to_have_count(1)
    held: list[Route] = []
    page.route(f"**{NEW}", lambda route: held.append(route))  # noqa: PLW0108 Playwright marks what it is given
    page.get_by_role("button", name=f"Add {tea['name']}").click()
    until(page, lambda: len(held) == 1)
    page.get_by_label("Reference").fill("TYPED-1")
    held[0].continue_()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.get_by_label("Reference")).to_have_value("TYPED-1")
