"""The docs page as a browser sees it, and with it that the watch over pages sees what goes wrong."""

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import KINDS
from tests.console.conftest import Enter
from tests.harness.browser import Watch
from tests.harness.pages import weight
from tests.harness.premises import Premises

pytestmark = pytest.mark.parametrize("role", [None])


@pytest.mark.parametrize("database_kind", KINDS)
def test_the_docs_page_shows_every_operation_and_breaks_none_of_its_own_rules(
    desk: Page, premises: Premises
) -> None:
    desk.goto("/docs")
    paths = premises.get("/openapi.json")["paths"].values()
    expect(desk.locator(".opblock")).to_have_count(sum(map(len, paths)))


def test_a_second_visit_to_the_docs_page_is_a_light_one(enter: Enter, role: None) -> None:
    measured = weight(enter(role), "/docs")
    assert measured.first > 20 * measured.later > 0
    assert any(path.endswith("swagger-ui.css") for path in measured.first_parts)


WRONGS = {
    "console: dear me": "console.error('dear me')",
    "thrown: Error: too bad": "setTimeout(() => { throw new Error('too bad') })",
    "the policy forbids inline (script-src-elem)": (
        "document.head.append(Object.assign(document.createElement('script'), {text: '1'}))"
    ),
    "asked another host: http://127.0.0.1:1/": "void (location.href = 'http://127.0.0.1:1/')",
    "404: GET": "document.images.length; void (new Image().src = '/nothing.png')",
    "net::ERR_": "void (location.href = 'http://shop.invalid/')",
}
"""What the watch must say, and what a page does to make it."""


@pytest.mark.parametrize(("told", "script"), WRONGS.items())
def test_what_goes_wrong_in_a_page_is_told(
    desk: Page, watch: Watch, told: str, script: str
) -> None:
    desk.goto("/docs")
    desk.evaluate(script)
    desk.wait_for_timeout(300)
    assert [one for one in watch.troubles if told in one]
    watch.troubles.clear()
