"""Several people before one shop: pages follow what others do, and nobody loses what they type."""

import re

import pytest
from playwright.sync_api import expect

from tests.console.conftest import Browse
from tests.harness.premises import Premises

KINDS = ("sqlite", "mariadb")


@pytest.mark.parametrize("database_kind", KINDS)
def test_an_order_that_somebody_confirms_is_confirmed_on_every_screen(
    browse: Browse, premises: Premises
) -> None:
    order = premises.order()
    path = f"/console/orders/{order['id']}"
    mine, theirs, listed = browse("admin"), browse("operator"), browse("viewer")
    for page, place in ((mine, path), (theirs, path), (listed, "/console/orders")):
        page.goto(place)
    row = listed.locator("tr", has_text=f"#{order['id']}")
    expect(row).to_contain_text("Pending")
    theirs.get_by_role("button", name="Confirm", exact=True).click()
    expect(theirs.locator(".heading")).to_contain_text("Confirmed")
    expect(mine.locator(".heading")).to_contain_text("Confirmed")
    expect(row).to_contain_text("Confirmed")


def test_what_is_typed_stays_while_the_page_around_it_follows(
    browse: Browse, premises: Premises
) -> None:
    order = premises.order()
    page = browse("operator")
    page.goto(f"/console/orders/{order['id']}")
    note = page.get_by_label("Add a note")
    note.fill("Call before you send it")
    premises.patch(f"/orders/{order['id']}/confirm")
    expect(page.locator(".heading")).to_contain_text("Confirmed")
    expect(note).to_have_value("Call before you send it")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator(".timeline").first).to_contain_text("Call before you send it")


def test_of_two_who_confirm_at_once_one_is_told_it_has_been_done(
    browse: Browse, premises: Premises
) -> None:
    order = premises.order()
    pages = [browse("operator", {"java_script_enabled": False}) for _ in range(2)]
    for page in pages:
        page.goto(f"/console/orders/{order['id']}")
    for page in pages:
        page.get_by_role("button", name="Confirm", exact=True).click()
    for page in pages:
        expect(page.locator(".heading")).to_contain_text("Confirmed")
    alerts = [text for page in pages for text in page.get_by_role("alert").all_inner_texts()]
    assert len(alerts) == 1
    assert "Confirmed" in alerts[0]
    movements = premises.get("/stock/movements", order_id=order["id"])
    assert [one["kind"] for one in movements] == ["reserve"]


def test_signing_out_in_one_tab_leads_the_others_to_the_door(browse: Browse) -> None:
    page = browse(None)
    page.goto("/console/orders")
    expect(page).to_have_url(re.compile("/console/sign-in"))
    page.get_by_label("E-mail address").fill("admin@example.com")
    page.get_by_label("Password").fill("correct horse battery staple")
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile("/console/orders$"))
    other = page.context.new_page()
    other.goto("/console/products")
    page.locator(".who summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    other.goto("/console/products")
    expect(other).to_have_url(re.compile("/console/sign-in"))
