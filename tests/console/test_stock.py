"""The stock grid as a warehouse worker uses it: at a desk, with a telephone, and without any script."""

import pytest
from playwright.sync_api import Page, expect

from tests.builders import Json
from tests.console.conftest import Browse, Enter
from tests.harness.browser import PHONE, Watch
from tests.harness.pages import sound, weight
from tests.harness.premises import Premises

GRID = "/console/stock"
NO_WIDER = "document.documentElement.scrollWidth <= innerWidth"


@pytest.fixture
def fern(premises: Premises) -> Json:
    """A product of the test's own, ten of which are in main and none in the shop."""
    return premises.product(stock=10)


def _on_hand(premises: Premises, product: Json) -> dict[str, int]:
    rows = premises.get("/stock/levels", product_id=product["id"])
    return {row["location"]: row["on_hand"] for row in rows}


def _row(page: Page, product: Json) -> str:
    """Goes to the product's row; the selector that finds it."""
    page.goto(f"{GRID}?q={product['sku']}")
    return f"#p{product['id']}"


def test_a_count_takes_a_click_a_number_and_enter(
    desk: Page, premises: Premises, fern: Json
) -> None:
    row = _row(desk, fern)
    desk.locator(f"{row} .level a").first.click()
    expect(desk.get_by_label("Units", exact=True)).to_be_focused()
    desk.keyboard.type("7")
    desk.keyboard.press("Enter")
    expect(desk.get_by_role("status")).to_contain_text("7 on hand in main (it was 10).")
    expect(desk.locator(f"{row} .level").first).to_contain_text("7 on hand")
    assert _on_hand(premises, fern) == {"main": 7}


def test_counting_leaves_the_page_where_it_is(desk: Page, premises: Premises, fern: Json) -> None:
    row = _row(desk, fern)
    desk.evaluate("window.sameAsBefore = true")
    desk.locator(f"{row} .level a").first.click()
    expect(desk.get_by_label("Units", exact=True)).to_be_focused()
    desk.get_by_role("link", name="Cancel").click()
    expect(desk.get_by_label("Units", exact=True)).to_be_hidden()
    expect(desk.locator(row)).to_be_focused()
    desk.locator(row).get_by_role("link", name="Receive").click()
    desk.get_by_role("navigation", name="What to do").get_by_role("link", name="Adjust").click()
    expect(desk.get_by_label("Reason")).to_be_visible()
    desk.get_by_label("Units", exact=True).fill("9")
    desk.get_by_label("Units", exact=True).press("Enter")
    expect(desk.get_by_role("status")).to_contain_text("9 on hand in main (it was 10).")
    expect(desk.locator(row)).to_be_focused()
    assert "do=" not in desk.url
    assert desk.evaluate("window.sameAsBefore")
    premises.confirmed((fern, 3))
    expect(desk.locator(f"{row} .level").first).to_contain_text("9 on hand, 3 reserved")
    expect(desk.get_by_label("Units", exact=True)).to_be_hidden()


def test_what_is_short_is_told_in_the_row_and_what_was_typed_stays(
    desk: Page, premises: Premises, fern: Json
) -> None:
    premises.confirmed((fern, 6))
    row = _row(desk, fern)
    desk.locator(f"{row} .level a").first.click()
    desk.get_by_text("Take away").click()
    desk.get_by_label("Units", exact=True).fill("8")
    desk.get_by_label("Reason").select_option("damaged")
    desk.get_by_label("Note").fill("Fell off the shelf")
    desk.get_by_role("button", name="Save").click()
    expect(desk.get_by_role("alert")).to_contain_text("Only 4 of 10 there are not promised")
    expect(desk.get_by_label("Units", exact=True)).to_have_value("8")
    expect(desk.get_by_label("Reason")).to_have_value("damaged")
    expect(desk.get_by_label("Note")).to_have_value("Fell off the shelf")
    expect(desk.get_by_label("Take away")).to_be_checked()
    received = {"product_id": fern["id"], "quantity": 1}
    premises.post("/stock/receipts", received, status=201)
    expect(desk.locator(f"{row} .level").first).to_contain_text("11 on hand, 6 reserved")
    expect(desk.get_by_role("alert")).to_be_visible()
    expect(desk.get_by_label("Units", exact=True)).to_have_value("8")
    desk.get_by_label("Units", exact=True).fill("4")
    desk.get_by_role("button", name="Save").click()
    expect(desk.locator(f"{row} .level").first).to_contain_text("7 on hand, 6 reserved")


def test_the_numbers_of_the_grid_follow_what_happens(
    desk: Page, premises: Premises, fern: Json
) -> None:
    row = _row(desk, fern)
    premises.confirmed((fern, 3))
    expect(desk.locator(f"{row} .level").first).to_contain_text("10 on hand, 3 reserved")


def test_a_form_that_somebody_types_in_is_left_alone_while_the_numbers_change(
    desk: Page, premises: Premises, fern: Json
) -> None:
    row = _row(desk, fern)
    desk.locator(f"{row} .level a").first.click()
    desk.get_by_label("Units", exact=True).fill("9")
    premises.confirmed((fern, 3))
    expect(desk.locator(f"{row} .level").first).to_contain_text("3 reserved")
    expect(desk.get_by_label("Units", exact=True)).to_have_value("9")


def test_the_grid_is_searched_as_one_types(desk: Page, fern: Json) -> None:
    desk.goto(GRID)
    desk.get_by_role("searchbox").press_sequentially(fern["sku"])
    expect(desk.locator("tbody tr")).to_have_count(1)
    expect(desk.locator("tbody tr")).to_contain_text(fern["name"])


@pytest.mark.parametrize("look", ["desk", "no_script"])
def test_goods_are_received_and_carried_on_with_and_without_script(
    request: pytest.FixtureRequest, premises: Premises, fern: Json, look: str
) -> None:
    page: Page = request.getfixturevalue(look)
    row = _row(page, fern)
    page.locator(row).get_by_role("link", name="Receive").click()
    page.get_by_label("Units", exact=True).fill("5")
    page.get_by_label("Reference").fill("DN-1")
    page.get_by_role("button", name="Receive").click()
    expect(page.get_by_role("status")).to_contain_text("15 on hand in main")
    page.locator(row).get_by_role("link", name="Transfer").click()
    page.get_by_label("Units", exact=True).fill("4")
    page.get_by_label("To", exact=True).select_option("shop")
    page.get_by_role("button", name="Transfer").click()
    expect(page.get_by_role("status")).to_contain_text("11 on hand in main, 4 on hand in shop")
    assert _on_hand(premises, fern) == {"main": 11, "shop": 4}


def test_without_script_a_count_that_came_too_late_is_told(
    no_script: Page, premises: Premises, fern: Json
) -> None:
    row = _row(no_script, fern)
    no_script.locator(f"{row} .level a").first.click()
    received = {"product_id": fern["id"], "quantity": 2}
    premises.post("/stock/receipts", received, status=201)
    no_script.get_by_label("Units", exact=True).fill("9")
    no_script.get_by_role("button", name="Save").click()
    expect(no_script.get_by_role("alert")).to_contain_text("On hand is 12 by now, not 10")
    no_script.get_by_role("button", name="Save").click()
    expect(no_script.get_by_role("status")).to_contain_text("9 on hand in main (it was 12).")


def test_a_thumb_counts_on_a_telephone(phone: Page, premises: Premises, fern: Json) -> None:
    row = _row(phone, fern)
    phone.locator(f"{row} .level a").first.tap()
    more = phone.get_by_role("button", name="More: Units")
    box = more.bounding_box()
    assert box
    assert min(box["width"], box["height"]) >= 44
    more.tap()
    more.tap()
    expect(phone.get_by_label("Units", exact=True)).to_have_value("12")
    assert phone.evaluate(NO_WIDER)
    phone.get_by_role("button", name="Save").tap()
    expect(phone.get_by_role("status")).to_contain_text("12 on hand in main (it was 10).")
    assert _on_hand(premises, fern) == {"main": 12}


@pytest.mark.parametrize("look", ["desk", "phone"])
def test_everybody_can_use_the_pages_of_products_and_stock(
    request: pytest.FixtureRequest, premises: Premises, fern: Json, look: str
) -> None:
    premises.confirmed((fern, 3))
    page: Page = request.getfixturevalue(look)
    product = f"/console/products/{fern['id']}"
    opened = f"{GRID}?q={fern['sku']}&at={fern['id']}&location=main&do="
    forms = [f"{opened}{verb}" for verb in ("adjust", "receive", "transfer")]
    alone = f"{GRID}/{fern['id']}/adjust"
    lists = ["/console/products", GRID, f"{GRID}/low", f"{product}/movements"]
    for path in [*lists, product, f"{product}/edit", "/console/products/new", alone, *forms]:
        page.goto(path)
        sound(page)
        assert page.evaluate(NO_WIDER), path


def test_a_product_tells_its_stock_and_follows_it(
    desk: Page, premises: Premises, fern: Json
) -> None:
    desk.goto(f"/console/products/{fern['id']}")
    expect(desk.get_by_role("img", name="Stock over time")).to_be_visible()
    premises.confirmed((fern, 3))
    expect(desk.locator("[data-region=figures]")).to_contain_text("Available7")
    expect(desk.locator("[data-region=reservations]")).to_contain_text("Order")


def test_a_mistake_is_taken_back_after_a_question(
    desk: Page, premises: Premises, fern: Json
) -> None:
    desk.goto(f"/console/products/{fern['id']}")
    desk.get_by_role("button", name="Take back").click()
    asked = desk.get_by_role("dialog")
    expect(asked).to_contain_text("Take back movement")
    asked.get_by_role("button", name="Take back").click()
    expect(desk.get_by_role("status")).to_contain_text("is taken back: 0 on hand in main.")
    assert _on_hand(premises, fern) == {"main": 0}


@pytest.mark.parametrize("path", [GRID, "/console/products"])
def test_the_lists_are_light_to_load(enter: Enter, path: str) -> None:
    measured = weight(enter("admin", PHONE), path)
    assert measured.later_parts[path] < 15_000
    assert measured.later < 20_000


def test_a_viewer_looks_and_is_offered_nothing_more(
    browse: Browse, fern: Json, watch: Watch
) -> None:
    page = browse("viewer")
    row = _row(page, fern)
    expect(page.locator(row)).to_contain_text("10 on hand")
    expect(page.locator(row).get_by_role("link")).to_have_count(1)
    assert watch.troubles == []
