"""A person's browser without a script: it signs in, looks at pages, and sends the forms that are on them."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html import unescape
from typing import Final

from httpx2 import AsyncClient, Response

from tests.builders import ADMIN_EMAIL, PASSWORD, Shop, client_of

SECRETS: Final = ("csrf", "key")
_HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')
_FORMS = re.compile(r"<form\b.*?</form>", re.DOTALL)

Fields = Sequence[tuple[str, str]]


class Browser:
    """What people do, one word each."""

    def __init__(self, client: AsyncClient) -> None:
        self.client = client

    async def see(self, path: str, status: int = 200) -> str:
        """The page, as HTML."""
        answer = await self.client.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    async def send(self, page: str, action: str, fields: Fields) -> Response:
        """Sends the form of the page with this action, filled in like this."""
        form = next(one for one in _FORMS.findall(page) if f'action="{action}"' in one)
        hidden = [(name, value) for name, value in _HIDDEN.findall(form) if name in SECRETS]
        pairs = [(name, value) for name, value in [*hidden, *fields]]
        body = "&".join(f"{_coded(name)}={_coded(value)}" for name, value in pairs)
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return await self.client.post(action, content=body, headers=kind)

    async def follow(self, answer: Response) -> str:
        """The page that an answer leads to."""
        assert answer.status_code == 303, answer.text
        return await self.see(answer.headers["location"])


def _coded(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


@asynccontextmanager
async def browser(shop: Shop, email: str = ADMIN_EMAIL) -> AsyncIterator[Browser]:
    """Somebody who has signed in."""
    async with client_of(shop.app) as client:
        form = {"email": email, "password": PASSWORD}
        answer = await client.post("/console/sign-in", data=form)
        assert answer.status_code == 303, answer.text
        yield Browser(client)


def said(page: str) -> str:
    """What a page says, without its markup."""
    main = page[page.index("<main") :] if "<main" in page else page
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


def numbers(page: str) -> list[int]:
    """The orders that a page leads to, in its order."""
    return [int(one) for one in re.findall(r'href="/console/orders/(\d+)"', page)]
