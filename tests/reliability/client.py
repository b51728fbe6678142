"""A client over plain sockets that knows what became of each request: answered, never sent, or untold."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

HOST: Final = "127.0.0.1"
ANSWER_SECONDS_MAX: Final = 60.0


class Untold(Exception):
    """The connection ended without a whole answer: nobody knows what became of the request."""


class NotSent(Exception):
    """Nobody took the connection, so nothing can have happened."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def replayed(self) -> bool:
        return self.headers.get("idempotent-replayed") == "true"

    @property
    def code(self) -> str:
        """The code of a problem."""
        code: str = self.json["code"]
        return code


@dataclass(frozen=True)
class Ask:
    """One request; the same one again is a retry of it."""

    method: str
    path: str
    body: Any = field(default=None, hash=False)
    key: str = ""
    about: int = 0
    """The order it is about; 0 for none."""


@dataclass
class Client:
    """Takes a fresh connection for each request, so that any worker may get it."""

    port: int
    token: str

    async def ask(self, ask: Ask) -> Reply:
        """Raises NotSent and Untold."""
        reader, writer = await self.connect()
        try:
            writer.write(self.request(ask))
            raw = await asyncio.wait_for(reader.read(), ANSWER_SECONDS_MAX)
        except (OSError, TimeoutError) as error:
            raise Untold(repr(error)) from error
        finally:
            writer.transport.abort()
        return parsed(raw)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            return await asyncio.open_connection(HOST, self.port, limit=2**24)
        except OSError as error:
            raise NotSent(repr(error)) from error

    def request(self, ask: Ask) -> bytes:
        body = b"" if ask.body is None else json.dumps(ask.body).encode()
        lines = [
            f"{ask.method} {ask.path} HTTP/1.1",
            "host: shop.test",
            "connection: close",
            f"authorization: Bearer {self.token}",
            f"content-length: {len(body)}",
            "content-type: application/json",
            *([f"idempotency-key: {ask.key}"] if ask.key else []),
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body

    async def get(self, path: str) -> Any:
        reply = await self.ask(Ask("GET", path))
        assert reply.status == 200, reply
        return reply.json

    async def product(self, name: str, stock: int, price: float = 2.5) -> int:
        body = {"name": name, "stock_quantity": stock, "price": price}
        reply = await self.ask(Ask("POST", "/products/", body))
        assert reply.status == 201, reply
        product_id: int = reply.json["id"]
        return product_id

    async def order(self, *lines: tuple[int, int]) -> int:
        """A Pending order of (product, quantity) lines."""
        reply = await self.ask(create(lines))
        assert reply.status == 201, reply
        order_id: int = reply.json["id"]
        return order_id


def create(lines: Sequence[tuple[int, int]], key: str = "") -> Ask:
    items = [{"product_id": product_id, "quantity": quantity} for product_id, quantity in lines]
    return Ask("POST", "/orders/create_order", {"items": items}, key)


def confirm(order_id: int, key: str = "") -> Ask:
    return Ask("PATCH", f"/orders/{order_id}/confirm", None, key, order_id)


def cancel(order_id: int, key: str = "") -> Ask:
    return Ask("PATCH", f"/orders/{order_id}/cancel", None, key, order_id)


def parsed(raw: bytes) -> Reply:
    """Raises Untold unless it is a whole answer."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
    if not first.startswith("HTTP/1.1 ") or len(body) != int(headers.get("content-length", 0)):
        raise Untold(f"cut off after {len(raw)} bytes")
    return Reply(int(first.split()[1]), headers, body)
