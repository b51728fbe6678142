"""A real Chromium, the looks a page is tried in, and a watch over all that goes wrong there."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Request,
    Response,
    WebError,
    expect,
    sync_playwright,
)

from tests.harness.chromium import WITHOUT_CHROMIUM, chromium
from tests.harness.processes import HarnessError

WAIT_SECONDS_MAX: Final = 60.0
NOWHERE: Final = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"
"""Neither a page nor Chromium itself reaches anything but this machine."""

Look = Mapping[str, Any]
"""Options of a browser context; two looks are joined by `{**PHONE, **DARK}`."""

DESK: Final[Look] = {"viewport": {"width": 1440, "height": 900}}
PHONE: Final[Look] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DARK: Final[Look] = {"color_scheme": "dark"}
NO_SCRIPT: Final[Look] = {"java_script_enabled": False}

_TELLS_OF_VIOLATIONS: Final = """
    document.addEventListener("securitypolicyviolation", (event) => console.error(
        `the policy forbids ${event.blockedURI} (${event.effectiveDirective})`))
"""
_OWN_SCHEMES: Final = ("data", "blob", "about")
_MAY_BE_REFUSED: Final = ("document", "fetch", "xhr")
"""A page may say no; a stylesheet or a script that is not there is always a fault."""
_TOLD_BY_RESPONSE: Final = "Failed to load resource: the server responded with a status of"
_ENDED_BY_BROWSER: Final = "net::ERR_ABORTED"
"""A page that was left before all of it had come, a download, an event stream of a closed page."""


@contextmanager
def launched() -> Iterator[Browser]:
    """Playwright's loop counts as running in this thread until the end: nothing else may run one here."""
    program = chromium()
    if program is None:
        raise HarnessError(WITHOUT_CHROMIUM)
    expect.set_options(timeout=WAIT_SECONDS_MAX * 1000)  # it has a limit of its own, of seconds
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[NOWHERE])
        try:
            yield browser
        finally:
            browser.close()


def opened(browser: Browser, origin: str, look: Look) -> BrowserContext:
    """A window with no cookie and an empty cache, where paths alone are addresses of the service."""
    everywhere = {**DESK, "locale": "en-GB", "timezone_id": "UTC", "base_url": origin}
    context = browser.new_context(**{**everywhere, **look})
    context.set_default_timeout(WAIT_SECONDS_MAX * 1000)
    return context


class Watch:
    """Notes every error, violation, failed request and request to elsewhere in the contexts it is over."""

    def __init__(self) -> None:
        self.troubles: list[str] = []
        self._expected: list[str] = []

    def over(self, context: BrowserContext, origin: str) -> None:
        """From now on; `origin` is the only place that the context's pages may ask."""

        def asked(request: Request) -> None:
            if urlsplit(request.url).scheme not in _OWN_SCHEMES and not _of(request.url, origin):
                self.troubles.append(f"asked another host: {request.url}")

        context.add_init_script(_TELLS_OF_VIOLATIONS)
        context.on("console", self._said)
        context.on("weberror", self._threw)
        context.on("request", asked)
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)

    def expect(self, words: str) -> None:
        """A trouble with these words in it is what the test is about: it has to come."""
        self._expected.append(words)

    def settle(self) -> None:
        """Asserts that there was nothing but what was expected, and that this did come."""
        strange = [
            one for one in self.troubles if not any(words in one for words in self._expected)
        ]
        missed = [
            words for words in self._expected if not any(words in one for one in self.troubles)
        ]
        assert not strange, "in the browser:\n  " + "\n  ".join(strange)
        assert not missed, f"this was to be expected, and did not come: {missed}"

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not message.text.startswith(_TOLD_BY_RESPONSE):
            self.troubles.append(f"console: {message.text} [{message.location['url']}]")

    def _threw(self, error: WebError) -> None:
        self.troubles.append(f"thrown: {error.error.stack or error.error}")

    def _failed(self, request: Request) -> None:
        if request.failure != _ENDED_BY_BROWSER:
            self.troubles.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        kind = response.request.resource_type
        if response.status >= 500 or (response.status >= 400 and kind not in _MAY_BE_REFUSED):
            self.troubles.append(f"{response.status}: {response.request.method} {response.url}")


def _of(url: str, origin: str) -> bool:
    return url == origin or url.startswith(f"{origin}/")
