"""Imports as people do them: a file or pasted rows, a look at what would change, and then the change."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from leafcraft.web.body import BODY_BYTES_MAX
from tests.builders import Json
from tests.conftest import KINDS
from tests.console.conftest import Browse
from tests.harness.browser import NO_SCRIPT, PHONE, Look, Watch
from tests.harness.pages import sound
from tests.harness.premises import Premises


def table_row(page: Page, sku: str) -> str:
    return page.get_by_role("row").filter(has_text=sku).inner_text()


def counted(premises: Premises, on_hand: int) -> tuple[Json, str]:
    """A new product of which there are 10, and the rows that count it."""
    product = premises.product(stock=10)
    return product, f"sku\ton_hand\n{product['sku']}\t{on_hand}"


def on_hand(premises: Premises, product: Json) -> int:
    known: int = premises.get(f"/products/{product['id']}")["on_hand"]
    return known


@pytest.mark.parametrize("look", [{}, NO_SCRIPT, PHONE], ids=["desk", "no script", "phone"])
def test_pasted_counts_are_looked_at_and_then_applied(
    browse: Browse, premises: Premises, look: Look
) -> None:
    page = browse("operator", look)
    product, rows = counted(premises, 8)
    page.goto("/console/stock")
    page.get_by_role("link", name="Import").click()
    page.get_by_label("Or paste rows").fill(rows)
    page.get_by_role("button", name="Preview").click()
    row = page.get_by_role("row").filter(has_text=product["sku"])
    expect(row).to_contain_text("−2")  # noqa: RUF001 - a minus as pages write it
    expect(page.get_by_label("These rows")).to_have_value(rows)
    assert on_hand(premises, product) == 10
    if look != NO_SCRIPT:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        sound(page)
    page.get_by_role("button", name="Apply 1 change").click()
    expect(page.get_by_text("1 of 1 level was changed.")).to_be_visible()
    assert on_hand(premises, product) == 8
    if look != NO_SCRIPT:
        sound(page)


@pytest.mark.parametrize("database_kind", KINDS)
def test_a_file_with_a_mistake_is_corrected_in_the_page(
    desk: Page, premises: Premises, tmp_path: Path
) -> None:
    product = premises.product()
    file = tmp_path / "prices.csv"
    file.write_bytes(f"sku,price\r\n{product['sku']},12.x\r\n".encode())
    desk.goto("/console/products/import")
    sound(desk)
    desk.get_by_label("CSV file").set_input_files(file)
    desk.get_by_role("button", name="Preview").click()
    expect(desk.get_by_role("alert")).to_contain_text("1 thing is wrong")
    expect(desk.get_by_role("row", name="Line 2")).to_contain_text("Must be a number")
    sound(desk)
    rows = desk.get_by_label("These rows")
    rows.fill(rows.input_value().replace("12.x", "12.5"))
    desk.get_by_role("button", name="Preview again").click()
    expect(desk.locator("ins")).to_contain_text("12.50")
    desk.get_by_role("button", name="Apply 1 change").click()
    expect(desk.get_by_text("1 of 1 product was changed.")).to_be_visible()
    assert premises.get(f"/products/{product['id']}")["price"] == 12.5


def test_rows_that_were_edited_after_the_preview_are_shown_first(
    desk: Page, premises: Premises
) -> None:
    product, rows = counted(premises, 8)
    desk.goto("/console/stock/import")
    desk.get_by_label("Or paste rows").fill(rows)
    desk.get_by_role("button", name="Preview").click()
    desk.get_by_label("These rows").fill(
        rows.replace("8", "7") if "8" not in product["sku"] else rows + "\n"
    )
    desk.get_by_role("button", name="Apply 1 change").click()
    expect(desk.get_by_text("not those of the last preview")).to_be_visible()
    assert on_hand(premises, product) == 10


def test_a_file_that_is_too_large_is_told_in_words(
    desk: Page, watch: Watch, tmp_path: Path
) -> None:
    file = tmp_path / "huge.csv"
    file.write_bytes(b"sku,name\n" * (8 * BODY_BYTES_MAX // 9))
    desk.goto("/console/products/import")
    desk.get_by_label("CSV file").set_input_files(file)
    desk.get_by_role("button", name="Preview").click()
    expect(desk.get_by_text("leafcraft import")).to_be_visible()
    assert watch.troubles == []


def test_all_products_can_be_taken_as_a_file(desk: Page, premises: Premises) -> None:
    product = premises.product()
    desk.goto("/console/products/import")
    with desk.expect_download() as waiting:
        desk.get_by_role("link", name="Download your products").click()
    assert waiting.value.suggested_filename == "products.csv"
    assert product["sku"] in Path(waiting.value.path()).read_text()
