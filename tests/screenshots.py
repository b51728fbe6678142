"""Pictures of the console, of a shop that the demo made up.

make screenshots                            # docs/pictures, as the README shows them
make screenshots ARGS="--all --out DIR"     # every page, light and dark, wide and narrow, for a review
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
from playwright.sync_api import Browser, FloatRect, Page, StorageState

from tests.builders import PASSWORD, signed_in
from tests.harness.browser import DESK, PHONE, Look, Watch, launched, opened
from tests.harness.places import PAGES, SIGNED_OUT, Get, places
from tests.harness.premises import sign_in
from tests.harness.processes import HarnessError
from tests.harness.service import ADMIN_EMAIL, ROOT, Service

PICTURES: Final = ROOT / "docs" / "pictures"
DEMO: Final = ("demo", "--products", "60", "--weeks", "3")
QUALITY: Final = 82
"""Of WebP, 0 to 100: letters stay crisp, and a page is some 50 KB."""
HEIGHT_MAX: Final = 4000
"""CSS pixels; a picture ends there, however long the page."""
SETTLES_MILLISECONDS: Final = 300
"""For what a script draws after the page has come."""

LOOKS: Final[dict[str, Look]] = {"wide": {**DESK, "device_scale_factor": 2}, "phone": PHONE}
PEOPLE: Final = {"ada.abel@example.com": "operator", "lena.lang@example.com": "viewer"}
KEYS: Final = {
    "Storefront": ["products:read", "orders:read", "orders:write"],
    "Warehouse scales": ["stock:read", "stock:write"],
}


class Picture(NamedTuple):
    """One page in one look; a whole one is as tall as the page."""

    page: str
    theme: str = "light"
    look: str = "wide"
    whole: bool = False

    @property
    def file(self) -> str:
        return f"{self.page}-{self.look}-{self.theme}.webp"


SHOWN: Final = (
    Picture("home"),
    Picture("orders"),
    Picture("order", "dark"),
    Picture("product"),
    Picture("order", look="phone"),
)
"""What docs/pictures holds."""


def main() -> int:
    chosen = _arguments()
    every = [Picture(*one, True) for one in product(PAGES, ("light", "dark"), LOOKS)]
    pictures = [one for one in (every if chosen.all else SHOWN) if one.page in chosen.page]
    chosen.out.mkdir(parents=True, exist_ok=True)
    with _shop() as service, launched() as browser:
        headers = signed_in(service.token())
        with httpx2.Client(base_url=service.url, headers=headers) as client:
            _staffed(client)
            where = places(_getting(client))
        studio = _Studio(browser, service.url)
        for picture in pictures:
            path = chosen.out / picture.file
            path.write_bytes(studio.take(picture, where[picture.page]))
            _say(f"{path.stat().st_size / 1000:8.0f} KB  {path}")
    for trouble in studio.watch.troubles:
        _say(trouble)
    return 1 if studio.watch.troubles else 0


def _arguments() -> argparse.Namespace:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m tests.screenshots", description=__doc__, formatter_class=form
    )
    parser.add_argument("--all", action="store_true", help="every page in every look")
    parser.add_argument("--out", type=Path, default=PICTURES, help="a folder")
    parser.add_argument("--page", choices=PAGES, nargs="+", default=list(PAGES), metavar="NAME")
    return parser.parse_args()


@contextmanager
def _shop() -> Iterator[Service]:
    """A demo's shop, with the people and the machines that a demo has no need of."""
    service = Service(settings={"LEAFCRAFT_TOKEN_MINUTES": "1440"})
    service.admin_password = PASSWORD
    try:
        code, told = service.verb(*DEMO)
        if code:
            raise HarnessError(told)
        service.start()
        yield service
    finally:
        service.stop()


def _staffed(client: httpx2.Client) -> None:
    for email, role in PEOPLE.items():
        user = {"email": email, "password": PASSWORD, "role": role}
        client.post("/users/", json=user).raise_for_status()
    for name, scopes in KEYS.items():
        client.post("/api-keys/", json={"name": name, "scopes": scopes}).raise_for_status()


def _getting(client: httpx2.Client) -> Get:
    def get(path: str, **query: str) -> Any:
        return client.get(path, params=query).raise_for_status().json()

    return get


class _Studio:
    """Opens each picture's page in a window of its own; signs in once."""

    def __init__(self, browser: Browser, origin: str) -> None:
        self.watch = Watch()
        self._browser = browser
        self._origin = origin
        self._kept: StorageState | None = None

    def take(self, picture: Picture, path: str) -> bytes:
        look: dict[str, Any] = {**LOOKS[picture.look], "color_scheme": picture.theme}
        if picture.page not in SIGNED_OUT:
            look["storage_state"] = self._kept = self._kept or self._sign_in()
        with opened(self._browser, self._origin, {**look, "reduced_motion": "reduce"}) as context:
            self.watch.over(context, self._origin)
            page = context.new_page()
            answer = page.goto(path, wait_until="load")
            if answer is None or not answer.ok:
                self.watch.troubles.append(f"{path}: {answer and answer.status}")
            page.wait_for_timeout(SETTLES_MILLISECONDS)
            return _shot(page, whole=picture.whole)

    def _sign_in(self) -> StorageState:
        with opened(self._browser, self._origin, DESK) as context:
            sign_in(context.new_page(), ADMIN_EMAIL)
            return context.storage_state()


def _shot(page: Page, *, whole: bool) -> bytes:
    if not whole:
        return page.screenshot(type="webp", quality=QUALITY)
    size = page.evaluate("[innerWidth, document.documentElement.scrollHeight]")
    clip: FloatRect = {"x": 0, "y": 0, "width": size[0], "height": min(size[1], HEIGHT_MAX)}
    return page.screenshot(type="webp", quality=QUALITY, full_page=True, clip=clip)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
