"""Chromium before a furnished shop: `browse("viewer", PHONE)`, or simply `desk`, `phone`, `dark`, `no_script`.

A test here is a plain function: while Chromium is there, no event loop may run in the same thread.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Final, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState

from tests.harness.browser import DARK, DESK, NO_SCRIPT, PHONE, Look, Watch, launched, opened
from tests.harness.chromium import WITHOUT_CHROMIUM, chromium
from tests.harness.furnishing import email_of
from tests.harness.mariadb import PrivateMariaDB
from tests.harness.premises import Premises, sign_in

REQUIRE_CHROMIUM: Final = os.environ.get("LEAFCRAFT_REQUIRE_CHROMIUM") == "1"
WORKERS: Final = {"sqlite": 1, "mariadb": 2}


class Enter(Protocol):
    """A new window; with a role somebody with that role is signed in there."""

    def __call__(self, role: str | None, look: Look = DESK) -> BrowserContext: ...


class Browse(Protocol):
    """The same, with an empty page open in it: `browse(None, DARK).goto("/console/sign-in")`."""

    def __call__(self, role: str | None, look: Look = DESK) -> Page: ...


# ── what stands through many tests ───────────────────────────────────────────


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Ends with the tests of this folder: those of others need their thread to themselves."""
    if not chromium():
        if REQUIRE_CHROMIUM:
            pytest.fail(f"LEAFCRAFT_REQUIRE_CHROMIUM is 1, but {WITHOUT_CHROMIUM}", pytrace=False)
        pytest.skip(WITHOUT_CHROMIUM)
    with launched() as browser:
        yield browser


@pytest.fixture
def database_kind() -> str:
    """A test for the other kind as well says so: `parametrize("database_kind", KINDS)`."""
    return "sqlite"


@pytest.fixture(scope="session")
def _premises_on(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Premises]]:
    found: dict[str, Premises] = {}
    with ExitStack() as stack:

        def open_on(kind: str) -> Premises:
            if kind not in found:
                scratch = tmp_path_factory.mktemp("premises")
                url = f"sqlite:///{scratch / 'shop.db'}"
                if kind == "mariadb":
                    server: PrivateMariaDB = request.getfixturevalue("mariadb")
                    url = server.create_database("console")
                premises = Premises(url, scratch, workers=WORKERS[kind])
                found[kind] = stack.enter_context(premises)
            return found[kind]

        yield open_on


@pytest.fixture
def premises(
    browser: Browser, _premises_on: Callable[[str], Premises], database_kind: str
) -> Premises:
    """The shop that the browser visits; on MariaDB it is served by two processes."""
    assert browser.is_connected()  # asked for first, so that nothing is furnished without one
    return _premises_on(database_kind)


@pytest.fixture(scope="session")
def _signed_in() -> dict[tuple[str, str], StorageState]:
    """What a browser keeps of a sign-in, by shop and role."""
    return {}


# ── a test's own ─────────────────────────────────────────────────────────────


@pytest.fixture
def watch() -> Watch:
    """All that goes wrong in this test's pages; `watch.expect("…")` what is meant to."""
    return Watch()


@pytest.fixture
def enter(
    browser: Browser,
    premises: Premises,
    watch: Watch,
    _signed_in: dict[tuple[str, str], StorageState],
) -> Iterator[Enter]:
    """A test that signs out enters as nobody and signs in for itself: the sign-ins are shared."""
    contexts = []

    def enter(role: str | None, look: Look = DESK) -> BrowserContext:
        kept = {}
        if role is not None:
            if (premises.url, role) not in _signed_in:
                _signed_in[premises.url, role] = _sign_in_once(browser, premises, role)
            kept = {"storage_state": _signed_in[premises.url, role]}
        context = opened(browser, premises.url, {**kept, **look})
        contexts.append(context)
        watch.over(context, premises.url)
        return context

    yield enter
    for context in contexts:
        context.close()
    watch.settle()


def _sign_in_once(browser: Browser, premises: Premises, role: str) -> StorageState:
    with opened(browser, premises.url, DESK) as context:
        sign_in(context.new_page(), email_of(role))
        return context.storage_state()


@pytest.fixture
def browse(enter: Enter) -> Browse:
    def browse(role: str | None, look: Look = DESK) -> Page:
        return enter(role, look).new_page()

    return browse


@pytest.fixture
def role() -> str | None:
    """Who is signed in; `@pytest.mark.parametrize("role", ["viewer", None])` changes it."""
    return "admin"


@pytest.fixture
def desk(browse: Browse, role: str | None) -> Page:
    return browse(role)


@pytest.fixture
def phone(browse: Browse, role: str | None) -> Page:
    return browse(role, PHONE)


@pytest.fixture
def dark(browse: Browse, role: str | None) -> Page:
    return browse(role, DARK)


@pytest.fixture
def no_script(browse: Browse, role: str | None) -> Page:
    return browse(role, NO_SCRIPT)
