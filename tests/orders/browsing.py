"""What people see and send in the pages of orders, one word each."""

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from html import unescape

from httpx2 import Response

from tests.builders import ADMIN_EMAIL, Shop
from tests.visits import Visitor

Fields = Sequence[tuple[str, str]]


class Browser(Visitor):
    """Somebody who has signed in."""

    async def see(self, path: str, status: int = 200) -> str:
        """The page, as HTML."""
        answer = await self.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    async def fill(self, page: str, action: str, fields: Fields) -> Response:
        """Sends a form of a page that was seen, maybe a while ago."""
        self.page = Response(200, text=page)
        given: dict[str, list[str]] = {}
        for name, value in fields:
            given.setdefault(name, []).append(value)
        return await self.send(action, given)

    async def follow(self, answer: Response) -> str:
        """The page that an answer leads to."""
        assert answer.status_code == 303, answer.text
        return await self.see(answer.headers["location"])


@asynccontextmanager
async def browser(shop: Shop, email: str = ADMIN_EMAIL) -> AsyncIterator[Browser]:
    async with Browser(shop) as person:
        yield await person.sign_in(email)


def said(page: str) -> str:
    """What a page says, without its markup."""
    main = page[page.index("<main") :] if "<main" in page else page
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


def numbers(page: str) -> list[int]:
    """The orders that a page leads to, in its order."""
    return [int(one) for one in re.findall(r'href="/console/orders/(\d+)"', page)]
