"""The docs page as a browser sees it, and with it that the watch over pages sees what goes wrong."""

from functools import partial

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import KINDS
from tests.console.conftest import Enter
from tests.harness.browser import Watch
from tests.harness.pages import until, weight
from tests.harness.premises import Premises


@pytest.fixture
def role() -> None:
    """Everybody may read the docs."""


@pytest.mark.parametrize("database_kind", KINDS)
def test_the_docs_page_shows_every_operation_and_breaks_none_of_its_own_rules(
    desk: Page, premises: Premises
) -> None:
    desk.goto("/docs")
    paths = premises.get("/openapi.json")["paths"].values()
    expect(desk.locator(".opblock")).to_have_count(sum(map(len, paths)))


def test_a_second_visit_to_the_docs_page_is_a_light_one(enter: Enter) -> None:
    measured = weight(enter(None), "/docs")
    heavy = ("/docs/swagger-ui-bundle.js", "/docs/swagger-ui.css")
    assert all(measured.first_parts[path] > 10_000 for path in heavy)
    assert [measured.later_parts[path] for path in heavy] == [0, 0]
    assert 0 < measured.later_parts["/docs"] < measured.first_parts["/docs"]


WRONGS = {
    "console: dear me": "console.error('dear me')",
    "thrown: Error: too bad": "setTimeout(() => { throw new Error('too bad') })",
    "the policy forbids inline (script-src-elem)": (
        "document.head.append(Object.assign(document.createElement('script'), {text: '1'}))"
    ),
    "404: GET": "void (new Image().src = '/nothing.png')",
    "asked another host: http://shop.invalid/": "void (location.href = 'http://shop.invalid/')",
}
"""What the watch must say, and what a page does to make it."""
BESIDES = (
    "console: Executing inline script violates",
    "failed: GET http://shop.invalid/: net::ERR_",
)


def has_come(watch: Watch, told: str) -> bool:
    return any(told in trouble for trouble in watch.troubles)


def test_whatever_goes_wrong_in_a_page_is_told(desk: Page, watch: Watch) -> None:
    desk.goto("/docs")
    watch.settle()
    for told, script in WRONGS.items():
        watch.expect(told)
        desk.evaluate(script)
        until(desk, partial(has_come, watch, told))
    for told in BESIDES:
        watch.expect(told)
        until(desk, partial(has_come, watch, told))


def test_a_trouble_that_was_expected_has_to_come(watch: Watch) -> None:
    watch.expect("dear me")
    with pytest.raises(AssertionError, match="dear me"):
        watch.settle()
