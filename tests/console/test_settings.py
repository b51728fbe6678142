"""Settings and my account as a browser shows them: sound, without surprises, and working without a script."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.builders import PASSWORD
from tests.console.conftest import Browse, Enter
from tests.harness.browser import DARK, DESK, NO_SCRIPT, PHONE
from tests.harness.furnishing import email_of
from tests.harness.pages import sound, weight
from tests.harness.premises import Premises

USERS = "/console/settings/users"
KEYS = "/console/settings/keys"
LOCATIONS = "/console/settings/locations"
ACCOUNT = "/console/account"
PAGES = (USERS, KEYS, LOCATIONS, ACCOUNT)
DIALOGS = (
    (USERS, "Add a user"),
    (KEYS, "Make a key"),
    (LOCATIONS, "Add a location"),
    (ACCOUNT, "Sign out everywhere"),
)
PAGE_BYTES_MAX = 15_000


def hired(premises: Premises, name: str) -> str:
    """The address of somebody new, who is free to sign out."""
    user = {"email": f"{name}@example.org", "password": PASSWORD, "role": "viewer"}
    return str(premises.post("/users/", user, status=201)["email"])


def sign_in(page: Page, email: str, password: str = PASSWORD) -> None:
    page.goto("/console/sign-in")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")


@pytest.mark.parametrize("look", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("path", PAGES)
def test_everybody_can_use_the_pages(browse: Browse, path: str, look: dict[str, object]) -> None:
    page = browse("admin", look)
    page.goto(path)
    sound(page)
    wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not wide


@pytest.mark.parametrize(("path", "opener"), DIALOGS)
def test_everybody_can_use_the_dialogs(browse: Browse, path: str, opener: str) -> None:
    page = browse("admin", DARK)
    page.goto(path)
    page.get_by_role("button", name=opener).first.click()
    expect(page.get_by_role("dialog", name=opener)).to_be_visible()
    sound(page)


def test_the_settings_are_the_last_tab_and_tell_their_parts(desk: Page) -> None:
    desk.goto(USERS)
    nav = desk.get_by_role("navigation", name="Main")
    names = nav.locator("> ul > li > a").all_inner_texts()
    assert names[-1] == "Settings"
    assert nav.locator("ul ul a").all_inner_texts() == ["Users", "API keys", "Locations"]


@pytest.mark.parametrize("role", ["viewer"])
def test_a_viewer_has_the_locations_alone_and_no_button_there(desk: Page) -> None:
    desk.goto("/console")
    desk.get_by_role("link", name="Settings").click()
    expect(desk).to_have_url(re.compile(f"{LOCATIONS}$"))
    expect(desk.get_by_role("main").get_by_role("button")).to_have_count(0)


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_are_light(enter: Enter, path: str) -> None:
    assert weight(enter("admin"), path).later_parts[path] < PAGE_BYTES_MAX


def test_a_key_is_copied_and_gone_for_good(desk: Page) -> None:
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    desk.goto(KEYS)
    desk.get_by_role("button", name="Make a key").click()
    desk.get_by_label("Name").fill("Test till")
    desk.get_by_label("See products").check()
    desk.get_by_role("button", name="Make the key").click()
    key = desk.get_by_label("Key", exact=True).input_value()
    desk.get_by_role("button", name="Copy").click()
    expect(desk.get_by_role("button", name="Copied")).to_be_visible()
    assert desk.evaluate("navigator.clipboard.readText()") == key
    sound(desk)
    desk.get_by_role("link", name="I have kept it").click()
    row = desk.get_by_role("row", name="Test till")
    expect(row).to_contain_text(key[:16])
    assert key not in desk.content()
    row.get_by_role("button", name="Take away Test till").click()
    desk.get_by_role("button", name="Take it away").click()
    expect(desk.get_by_role("status")).to_contain_text("The key is taken away")
    expect(row).to_have_count(0)


def test_without_a_script_a_user_is_added_disabled_and_let_in_again(no_script: Page) -> None:
    email = "no.script@example.org"
    no_script.goto(USERS)
    no_script.get_by_role("button", name="Add a user").click()
    no_script.get_by_label("E-mail address").fill(email)
    no_script.get_by_role("button", name="Add the user").click()
    expect(no_script.get_by_label("Password")).to_have_value(re.compile("[a-z0-9-]{24}"))
    expect(no_script.get_by_role("button", name="Copy")).to_have_count(0)
    no_script.get_by_role("link", name="Back to the users").click()
    no_script.get_by_role("link", name=email).click()
    no_script.get_by_role("button", name="Disable…").click()
    no_script.get_by_role("button", name="Disable", exact=True).click()
    expect(no_script.get_by_role("heading", level=1)).to_have_text(email)
    no_script.get_by_role("button", name="Let them sign in again").click()
    expect(no_script.get_by_role("status")).to_contain_text("can sign in again")


def test_what_was_refused_comes_back_with_what_was_typed(desk: Page) -> None:
    desk.goto(USERS)
    desk.get_by_role("button", name="Add a user").click()
    desk.get_by_label("E-mail address").fill(email_of("viewer"))
    desk.get_by_label("Password").fill("too-brief")
    desk.get_by_role("button", name="Add the user").click()
    expect(desk.get_by_label("E-mail address")).to_have_value(email_of("viewer"))
    expect(desk.get_by_role("alert")).to_be_visible()
    sound(desk)


def test_a_location_with_goods_says_why_it_stays_open(desk: Page) -> None:
    desk.goto(LOCATIONS)
    desk.get_by_role("row", name="Shop in Mill Lane").get_by_role("button", name="Edit").click()
    dialog = desk.get_by_role("dialog", name="Edit Shop in Mill Lane")
    expect(dialog).to_contain_text("There is stock here: move it first.")
    expect(dialog.get_by_role("button", name="Close it")).to_have_attribute("aria-disabled", "true")


def test_a_session_elsewhere_is_seen_and_ended(premises: Premises, enter: Enter) -> None:
    email = hired(premises, "guest")
    here, there = enter(None).new_page(), enter(None).new_page()
    sign_in(there, email)
    sign_in(here, email)
    here.goto(ACCOUNT)
    rows = here.get_by_role("table").locator("tbody tr")
    expect(rows).to_have_count(2)
    rows.filter(has_not_text="Here").get_by_role("button", name="End").click()
    expect(here.get_by_role("status")).to_contain_text("That session has ended.")
    expect(rows).to_have_count(1)
    there.reload()
    expect(there).to_have_url(re.compile("/console/sign-in"))


def test_a_changed_password_leads_to_the_door_and_opens_it(
    premises: Premises, enter: Enter
) -> None:
    email, new = hired(premises, "changes"), "seven green kettles"
    page = enter(None).new_page()
    sign_in(page, email)
    page.goto(ACCOUNT)
    page.get_by_label("Password now").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(new)
    page.get_by_label("New password, again").fill(new)
    page.get_by_role("button", name="Change my password").click()
    expect(page.get_by_role("status")).to_contain_text("Sign in with the new one.")
    sign_in(page, email, new)


def test_a_theme_that_is_chosen_stays(browse: Browse) -> None:
    page = browse("operator", NO_SCRIPT)
    page.goto(ACCOUNT)
    page.get_by_role("main").get_by_role("button", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("main").get_by_role("button", name="System").click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")
