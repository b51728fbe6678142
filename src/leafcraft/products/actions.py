"""What happens to products: they are created, edited, archived and unarchived."""

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any, NamedTuple

from leafcraft import events
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal, not_found
from leafcraft.products import rules, store
from leafcraft.products.store import Draft, Product
from leafcraft.stock import keeping as stock
from leafcraft.stock import views as stock_views
from leafcraft.stock.keeping import Opening
from leafcraft.stock.rules import Reorder
from leafcraft.stock.views import NOTHING, Total

FIELDS = ("name", "price_minor", "sku", "archived")


class Keep(Enum):
    """Leaves a field as it is, where None is a value."""

    KEEP = auto()


class Create(NamedTuple):
    draft: Draft
    stock_quantity: int
    by: Cause


class Edit(NamedTuple):
    """None leaves a field as it is. `versions`: those the edit may be based on; None: any."""

    product_id: int
    by: Cause
    name: str | None = None
    price_minor: int | None = None
    sku: str | None = None
    archived: bool | None = None
    reorder_point: int | Keep | None = Keep.KEEP
    reorder_quantity: int | Keep | None = Keep.KEEP
    versions: frozenset[int] | None = None

    def reorder(self, before: Reorder) -> Reorder:
        """When the product is low and in what lots it is ordered, after this edit of `before`."""
        return Reorder(
            before.point if self.reorder_point is Keep.KEEP else self.reorder_point,
            before.quantity if self.reorder_quantity is Keep.KEEP else self.reorder_quantity,
        )


class Stocked(NamedTuple):
    """A product with its stock: what is shown of it."""

    product: Product
    stock: Total


async def create(tx: Transaction, commands: Sequence[Create]) -> Sequence[Stocked | Refusal]:
    keys = [rules.sku_key(command.draft.sku) for command in commands]
    taken = set(await store.owners(tx, keys))
    welcome: list[Create] = []
    for command, key in zip(commands, keys, strict=True):
        if key not in taken:
            taken.add(key)
            welcome.append(command)
    created = {
        id(command): product
        for command, product in zip(
            welcome, await store.add(tx, [command.draft for command in welcome]), strict=True
        )
    }
    await stock.open_stock(
        tx, [Opening(created[id(c)].id, c.stock_quantity, c.by, _reorder(c.draft)) for c in welcome]
    )
    for command in welcome:
        _tell_created(tx, command, created[id(command)])
    return [
        Stocked(created[id(command)], Total(command.stock_quantity, 0, _reorder(command.draft)))
        if id(command) in created
        else _taken(command.draft.sku)
        for command in commands
    ]


def _reorder(draft: Draft) -> Reorder:
    return Reorder(draft.reorder_point, draft.reorder_quantity)


def _tell_created(tx: Transaction, command: Create, product: Product) -> None:
    events.record(
        tx,
        "product.created",
        product.id,
        by=command.by,
        sku=product.sku,
        name=product.name,
        price_minor=product.price_minor,
        stock_quantity=command.stock_quantity,
    )


async def edit(tx: Transaction, commands: Sequence[Edit]) -> Sequence[Stocked | Refusal]:
    """Edits, archives and unarchives, one after the other over the same locked rows."""
    products = await store.lock(tx, (command.product_id for command in commands))
    owners = dict(
        await store.owners(tx, (rules.sku_key(c.sku) for c in commands if c.sku is not None))
    )
    totals = await stock_views.totals(tx, products)
    known = {
        product_id: Stocked(product, totals.get(product_id, NOTHING))
        for product_id, product in products.items()
    }
    outcomes: list[Stocked | Refusal] = []
    for command in commands:
        outcome = _edited(known.get(command.product_id), command, owners, now=tx.now)
        if not isinstance(outcome, Refusal):
            _save(tx, known[command.product_id], outcome, by=command.by)
            known[command.product_id] = outcome
        outcomes.append(outcome)
    await _save_reorder(
        tx,
        {
            product_id: one.stock.reorder
            for product_id, one in known.items()
            if one.stock.reorder != totals.get(product_id, NOTHING).reorder
        },
    )
    return outcomes


def _edited(
    before: Stocked | None, command: Edit, owners: dict[str, int], *, now: int
) -> Stocked | Refusal:
    """The product as the command wants it; the same version when that changes nothing."""
    if before is None:
        return not_found("product", command.product_id)
    product, total = before
    if command.versions is not None and product.version not in command.versions:
        return Refusal(Code.PRECONDITION_FAILED, "The product has been edited since it was read.")
    wanted = {
        field: value
        for field in FIELDS
        if (value := getattr(command, field)) is not None and value != getattr(product, field)
    }
    if (
        "sku" in wanted
        and owners.setdefault(rules.sku_key(wanted["sku"]), product.id) != product.id
    ):
        return _taken(wanted["sku"])
    reorder = command.reorder(total.reorder)
    if not wanted and reorder == total.reorder:
        return before
    edited = product._replace(**wanted, version=product.version + 1, updated_at=now)
    return Stocked(edited, total._replace(reorder=reorder))


def _save(tx: Transaction, before: Stocked, after: Stocked, *, by: Cause) -> None:
    if after.product.version == before.product.version:
        return
    store.save(tx, after.product, before.product.version)
    was, now = _told(before), _told(after)
    changed = {field: [was[field], now[field]] for field in was if was[field] != now[field]}
    if changed.keys() == {"archived"}:
        fact = "product.archived" if after.product.archived else "product.unarchived"
    else:
        fact = "product.edited"
    events.record(tx, fact, after.product.id, by=by, **changed)


def _told(stocked: Stocked) -> dict[str, Any]:
    """What of a product can be edited, as events tell it."""
    product, total = stocked
    return {
        **{field: getattr(product, field) for field in FIELDS},
        "reorder_point": total.reorder.point,
        "reorder_quantity": total.reorder.quantity,
    }


async def _save_reorder(tx: Transaction, news: Mapping[int, Reorder]) -> None:
    """Whether a product is low is decided with its levels in hand, as with every movement."""
    shelf = await stock.take(tx, news)
    stock.put_back(tx, shelf)
    await stock.set_reorder(tx, shelf, news)


def _taken(sku: str) -> Refusal:
    return Refusal(Code.SKU_TAKEN, f"Another product has the sku {sku}.", sku=sku)
