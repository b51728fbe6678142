"""What an order in a file does: it is placed if its reference is new, and stays as it is if it isn't."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from leafcraft.cause import Cause
from leafcraft.db import Reader, Source, Transaction
from leafcraft.errors import Code, Refusal
from leafcraft.exchange.rows import Bad
from leafcraft.exchange.rules import Change, Fate, Outcome
from leafcraft.orders import actions as orders
from leafcraft.orders import rules, store
from leafcraft.orders.actions import Create
from leafcraft.orders.rules import Line, Order
from leafcraft.orders.store import Details
from leafcraft.products import store as products
from leafcraft.products.rules import sku_key
from leafcraft.products.store import Product


class GivenItem(NamedTuple):
    """So many of a product, and where the file names it."""

    line: int
    column: str
    product: str | int
    """A sku, or an id."""
    quantity: int


class GivenOrder(NamedTuple):
    """An order as a file has it; `currency` is the shop's, for the prices are."""

    line: int
    reference: str
    items: Sequence[GivenItem]
    details: Details
    currency: str


class OrderFields(NamedTuple):
    """What would be ordered."""

    customer: str | None
    lines: int
    units: int
    total_minor: int


class ImportOrders(NamedTuple):
    lines: Sequence[GivenOrder]
    by: Cause


class _Known(NamedTuple):
    """What there is of all that some orders name."""

    taken: Mapping[str, int]
    owners: Mapping[str, int]
    products: Mapping[int, Product]

    def product(self, item: GivenItem) -> Product | None:
        named = item.product
        number = self.owners.get(sku_key(named), 0) if isinstance(named, str) else named
        return self.products.get(number)

    def wrong(self, item: GivenItem) -> Bad | None:
        product = self.product(item)
        if product is None:
            what = "sku" if isinstance(item.product, str) else "id"
            return Bad(item.line, item.column, f"there is no product with this {what}")
        if product.archived:
            return Bad(item.line, item.column, "the product is archived")
        return None

    def lines(self, order: GivenOrder) -> list[Line]:
        """The order's lines, at the products' prices; of an order that names no product in vain."""
        found = ((item, self.product(item)) for item in order.items)
        return [
            Line(number, product.id, item.quantity, product.price_minor)
            for number, (item, product) in enumerate(found, start=1)
            if product is not None
        ]


async def _known(source: Source, given: Sequence[GivenOrder]) -> _Known:
    taken = await store.references(source, (order.reference for order in given))
    named = {i.product for order in given if order.reference not in taken for i in order.items}
    skus = {sku_key(one) for one in named if isinstance(one, str)}
    owners = await products.owners(source, skus)
    numbers = {one for one in named if isinstance(one, int)}
    return _Known(taken, owners, await products.by_id(source, numbers | set(owners.values())))


async def foresee_orders(reader: Reader, given: Sequence[GivenOrder]) -> Sequence[Outcome]:
    """What each order would do."""
    known = await _known(reader, given)
    return [_foreseen(order, known) for order in given]


def _foreseen(order: GivenOrder, known: _Known) -> Outcome:
    """The reference is asked first: of what is there already, it doesn't matter what has changed since."""
    if order.reference in known.taken:
        return Fate.UNCHANGED
    wrong = [bad for item in order.items if (bad := known.wrong(item)) is not None]
    if wrong:
        return wrong
    lines = known.lines(order)
    total = rules.total(lines)
    if isinstance(total, Refusal):
        return [Bad(order.line, "", "the order's total is too large")]
    units = sum(line.quantity for line in lines)
    after = OrderFields(order.details.customer, len(lines), units, total)
    return Change(order.line, Fate.CREATED, order.reference, None, after)


async def import_orders(
    tx: Transaction, commands: Sequence[ImportOrders]
) -> Sequence[Sequence[Outcome]]:
    """What each order of each command has done."""
    return [await _import_orders(tx, command) for command in commands]


async def _import_orders(tx: Transaction, command: ImportOrders) -> Sequence[Outcome]:
    known = await _known(tx, command.lines)
    foreseen = [_foreseen(order, known) for order in command.lines]
    new = [
        _creation(order, known, by=command.by)
        for order, fate in zip(command.lines, foreseen, strict=True)
        if isinstance(fate, Change)
    ]
    made = iter(await orders.create(tx, new))
    return [
        _told(order, next(made)) if isinstance(fate, Change) else fate
        for order, fate in zip(command.lines, foreseen, strict=True)
    ]


def _creation(order: GivenOrder, known: _Known, *, by: Cause) -> Create:
    items = [(line.product_id, line.quantity) for line in known.lines(order)]
    return Create(items, order.currency, by, details=order.details)


def _told(order: GivenOrder, outcome: Order | Refusal) -> Outcome:
    """Others write too: what was new a moment ago may be there by now."""
    if not isinstance(outcome, Refusal):
        return Fate.CREATED
    if outcome.code is Code.REFERENCE_TAKEN:
        return Fate.UNCHANGED
    return [Bad(order.line, "", outcome.detail)]
