"""What can be measured of a page: whether everybody can use it, and how much of it goes over the wire."""

import time
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import BrowserContext, CDPSession, Page

from tests.harness.browser import WAIT_SECONDS_MAX
from tests.harness.processes import HarnessError

AXE_OPTIONS: Final = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
"""All rules that are on by default, and the size of what is to be hit with a finger."""
OF_COLOUR: Final = {
    **AXE_OPTIONS,
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
"""What can be another in another theme."""
DRAWN: Final = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""What has a transition takes its new colours with the next picture, not at once."""
QUIET_MILLISECONDS: Final = 300
POLL_MILLISECONDS: Final = 20
LOADED_MILLISECONDS_MAX: Final = 60_000


def sound(page: Page) -> None:
    """Asserts that axe has nothing to complain about, in light and in dark, without moving parts."""
    was_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    complaints = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme, reduced_motion="reduce")
        page.evaluate(DRAWN)
        options = AXE_OPTIONS if theme == "light" else OF_COLOUR
        violations = Axe().run(page, options=options).response["violations"]
        complaints += [f"in {theme}: {_told(one)}" for one in violations]
    page.emulate_media(color_scheme="dark" if was_dark else "light")
    assert not complaints, f"{page.url}\n" + "\n".join(complaints)


def _told(violation: dict[str, Any]) -> str:
    lines = [f"{violation['id']} ({violation['impact']}): {violation['help']}"]
    for node in violation["nodes"]:
        reasons = (check["message"] for part in ("any", "all", "none") for check in node[part])
        lines.append(f"    {node['html'][:200]}\n        {'; '.join(reasons)}")
    return "\n".join(lines)


def until(page: Page, holds: Callable[[], bool]) -> None:
    """Returns once it holds; what the page's events tell is heard meanwhile."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while not holds():
        if time.monotonic() > deadline:
            raise HarnessError(f"{page.url}: this did not come within {WAIT_SECONDS_MAX:g} s")
        page.wait_for_timeout(POLL_MILLISECONDS)


class Weight(NamedTuple):
    """Bytes over the wire, headers included, as they came: compressed. The parts are by path."""

    first: int
    later: int
    first_parts: dict[str, int]
    later_parts: dict[str, int]


def weight(context: BrowserContext, path: str) -> Weight:
    """Loads a page twice, so the context must be a new one: what it has seen is in its cache."""
    first, later = _load(context, path), _load(context, path)
    return Weight(sum(first.values()), sum(later.values()), first, later)


def _load(context: BrowserContext, path: str) -> dict[str, int]:
    page = context.new_page()
    wire = _Wire(context.new_cdp_session(page))
    page.goto(path, wait_until="load")
    waited = 0
    while True:
        before = len(wire.bytes)
        page.wait_for_timeout(QUIET_MILLISECONDS)
        waited += QUIET_MILLISECONDS
        if not wire.pending and len(wire.bytes) == before:
            break
        if waited > LOADED_MILLISECONDS_MAX:
            raise HarnessError(f"{path} never came to rest: {sorted(wire.pending.values())}")
    page.close()
    return wire.bytes


class _Wire:
    """What a page has asked for and what came, as the browser's own network panel counts it."""

    def __init__(self, session: CDPSession) -> None:
        self.pending: dict[str, str] = {}
        self.bytes: dict[str, int] = {}
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.loadingFinished", self._finished)
        session.on("Network.loadingFailed", self._failed)
        session.send("Network.enable")

    def _sent(self, event: dict[str, Any]) -> None:
        url = urlsplit(event["request"]["url"])
        if "redirectResponse" in event:  # the same request goes on elsewhere
            self._came(event["requestId"], event["redirectResponse"])
        if event.get("type") != "EventSource" and url.scheme != "data":  # the first never ends
            self.pending[event["requestId"]] = url.path

    def _finished(self, event: dict[str, Any]) -> None:
        self._came(event["requestId"], event)

    def _came(self, request_id: str, told: dict[str, Any]) -> None:
        path = self.pending.pop(request_id, None)
        if path is not None:
            self.bytes[path] = self.bytes.get(path, 0) + int(told["encodedDataLength"])

    def _failed(self, event: dict[str, Any]) -> None:
        self.pending.pop(event["requestId"], None)
