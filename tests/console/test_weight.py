"""Every page of the console comes quickly over a slow line, asks nobody else, and is for everybody."""

import re
from typing import Final

import pytest
from playwright.sync_api import Page

from leafcraft.web.operations import template
from leafcraft.web.pages import PREFIX
from tests.console.conftest import Browse, Enter
from tests.harness.browser import DESK, PHONE
from tests.harness.pages import sound, weight
from tests.harness.places import PAGES, SIGNED_OUT, places
from tests.harness.premises import Premises
from tests.harness.service import ROOT

FIRST_BYTES_MAX: Final = 60_000
"""Of a page with all that it needs, where nothing of the console has been seen yet."""
LATER_BYTES_MAX: Final = 25_000
"""Of the page alone: the rest is in the browser's cache."""
ROWS_LOOKED_AT: Final = 5
"""Of each table: the others are made the same, and cost seconds."""
LOOKS: Final = {"desk": DESK, "phone": PHONE}
VISITS: Final = [
    *((None if name in SIGNED_OUT else "admin", name) for name in PAGES),
    *(("viewer", name) for name in ("home", "orders", "product")),
]
FILES: Final = {f"{PREFIX}/{of}/export.csv" for of in ("orders", "products", "stock")}
PIECES: Final = {f"{PREFIX}/live", f"{PREFIX}/find"}


def test_no_page_is_left_out() -> None:
    sources = [path.read_text() for path in (ROOT / "src").rglob("console*.py")]
    declared = {
        template(PREFIX + path)
        for source in sources
        for path in re.findall(r'pages\.get\(\s*"([^"]*)"', source)
    }
    known = {template(path.partition("?")[0]) for path in PAGES.values()}
    assert declared - known == FILES | PIECES


@pytest.mark.parametrize(("role", "name"), VISITS)
def test_a_page_is_light(enter: Enter, premises: Premises, role: str | None, name: str) -> None:
    measured = weight(enter(role), places(premises.get)[name])
    assert 0 < measured.later <= LATER_BYTES_MAX, measured
    assert measured.later <= measured.first <= FIRST_BYTES_MAX, measured


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize(("role", "name"), VISITS)
def test_a_page_is_for_everybody(
    browse: Browse, premises: Premises, role: str | None, name: str, look: str
) -> None:
    page = browse(role, LOOKS[look])
    answer = page.goto(places(premises.get)[name])
    assert answer, name
    assert answer.status == 200, name
    _shorten(page)
    sound(page)


def _shorten(page: Page) -> None:
    page.evaluate(
        "(rows) => document.querySelectorAll(`tbody > tr:nth-child(n + ${rows + 1})`)"
        ".forEach((row) => row.remove())",
        ROWS_LOOKED_AT,
    )
