"""Pages: how a slice declares what people can look at and do in the console."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPMethod
from typing import NamedTuple

from leafcraft.idempotency import Answer
from leafcraft.web.stream import Stream
from leafcraft.web.visit import Visit

PREFIX = "/console"

Endpoint = Callable[..., Awaitable[Answer | Stream]]


class Tab(NamedTuple):
    """A place in the console's navigation, for those who may use it."""

    title: str
    path: str
    icon: str
    needs: str
    """The operation that its page asks."""
    key: str = ""
    """The letter that leads there, after a `g`."""
    under: str = ""
    """The title of the tab that it is a part of."""
    children: Sequence["Tab"] = ()
    current: bool = False
    """Whether the page that is shown is within it."""


class Page(NamedTuple):
    """What answers a request for a page."""

    name: str
    method: str
    path: str
    endpoint: Endpoint
    signed_out: bool = False
    """Whether it is for people who have not signed in, too."""
    background: bool = False
    """Whether a browser asks for it by itself: nobody is at work for that."""


class Pages:
    """A slice's pages; their templates are in its `templates`, and called `<slice>/<file>`."""

    def __init__(self, of: str, *tabs: Tab) -> None:
        self.slice = of
        self.tabs = tabs
        self.table: list[Page] = []

    def get(self, path: str, **how: bool) -> Callable[[Endpoint], Endpoint]:
        """`how` are `signed_out` and `background`, as in Page."""
        return self._declare(HTTPMethod.GET, path, how)

    def post(self, path: str, **how: bool) -> Callable[[Endpoint], Endpoint]:
        return self._declare(HTTPMethod.POST, path, how)

    def _declare(
        self, method: HTTPMethod, path: str, how: Mapping[str, bool]
    ) -> Callable[[Endpoint], Endpoint]:
        def declare(endpoint: Endpoint) -> Endpoint:
            name = f"console_{endpoint.__name__}"
            self.table.append(Page(name, method, f"{PREFIX}{path}", endpoint, **how))
            return endpoint

        return declare


def navigation(tabs: Sequence[Tab], visit: Visit) -> list[Tab]:
    """The tabs that the visitor may use, those that are part of another within it."""
    mine = [_placed(tab, visit.path) for tab in tabs if visit.may(tab.needs)]
    shown: dict[str, Tab] = {}
    for tab in mine:
        if not tab.under:
            shown[tab.title] = tab
        elif tab.under in shown:
            parent = shown[tab.under]
            current = parent.current or tab.current
            shown[tab.under] = parent._replace(children=(*parent.children, tab), current=current)
        else:
            shown[tab.under] = tab._replace(title=tab.under, icon="settings", children=(tab,))
    return list(shown.values())


def _placed(tab: Tab, path: str) -> Tab:
    within = path == tab.path or (path.startswith(f"{tab.path}/") and tab.path != PREFIX)
    return tab._replace(current=within)


_TITLES = {403: "Not for you", 404: "Nothing here"}


def title_of(status: int) -> str:
    """What a page is called that could not be shown."""
    return _TITLES.get(status, "That did not work")
