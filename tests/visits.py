"""A person's browser without a screen: pages are asked for, forms are sent as they came, cookies are kept."""

from html.parser import HTMLParser
from typing import Any, Self

from httpx2 import ASGITransport, AsyncClient, Response

from tests.builders import ADDRESS, ADMIN_EMAIL, PASSWORD, Shop


class _Forms(HTMLParser):
    """The hidden fields of each form of a page, by its action."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[tuple[str, str]]] = {}
        self.multipart: set[str] = set()
        self._action: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._action = given.get("action") or ""
            self.found[self._action] = []
            if given.get("enctype") == "multipart/form-data":
                self.multipart.add(self._action)
        elif tag == "input" and given.get("type") == "hidden" and self._action is not None:
            self.found[self._action].append((given.get("name") or "", given.get("value") or ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._action = None


class Visitor:
    """Somebody before the console of a shop."""

    def __init__(self, shop: Shop, *, base_url: str = ADDRESS) -> None:
        transport = ASGITransport(app=shop.app)
        self.client = AsyncClient(transport=transport, base_url=base_url)
        self.page: Response | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def get(self, path: str, **headers: str) -> Response:
        """The page at this path; not the one that it leads to."""
        self.page = await self.client.get(path, headers=headers)
        return self.page

    async def send(
        self,
        action: str,
        fields: Any = None,
        *,
        files: Any = None,
        as_shown: Any = False,
        **headers: str,
    ) -> Response:
        """Sends the form of the last page that has this action, with these fields filled in; encoded
        in the way that it asks for, if it has to be `as_shown`."""
        assert self.page is not None, "which form?"
        forms = _Forms()
        forms.feed(self.page.text)
        assert action in forms.found, f"no form sends to {action}: {sorted(forms.found)}"
        filled = {**dict(forms.found[action]), **(fields or {})}
        if as_shown and action in forms.multipart:
            filled, files = {}, [(name, (None, value)) for name, value in filled.items()]
        answer = await self.client.post(action, data=filled, files=files, headers=headers)
        self.page = answer if answer.text else self.page
        return answer

    async def sign_in(
        self, email: str = ADMIN_EMAIL, password: str = PASSWORD, at: str = "/console"
    ) -> Self:
        await self.get(f"/console/sign-in?next={at}")
        answer = await self.send("/console/sign-in", {"email": email, "password": password})
        assert (answer.status_code, answer.headers["location"]) == (303, at), answer.text
        return self
