"""What happens to products: they are created, edited, archived and unarchived."""

from collections.abc import Sequence
from typing import NamedTuple

from leafcraft import events
from leafcraft.cause import Cause
from leafcraft.db import Transaction
from leafcraft.errors import Code, Refusal, not_found
from leafcraft.products import rules, store
from leafcraft.products.store import Draft, Product
from leafcraft.stock import actions as stock
from leafcraft.stock import store as stock_store
from leafcraft.stock.actions import Opening
from leafcraft.stock.store import NOTHING, Total


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
    versions: frozenset[int] | None = None


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
    stock.open_stock(tx, [Opening(created[id(c)].id, c.stock_quantity, c.by) for c in welcome])
    for command in welcome:
        _tell_created(tx, command, created[id(command)])
    return [
        Stocked(created[id(command)], Total(command.stock_quantity, 0))
        if id(command) in created
        else _taken(command.draft.sku)
        for command in commands
    ]


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
    totals = await stock_store.totals(tx, products)
    outcomes: list[Stocked | Refusal] = []
    for command in commands:
        outcome = _edited(products.get(command.product_id), command, owners, now=tx.now)
        if isinstance(outcome, Refusal):
            outcomes.append(outcome)
            continue
        _save(tx, products[outcome.id], outcome, by=command.by)
        products[outcome.id] = outcome
        outcomes.append(Stocked(outcome, totals.get(outcome.id, NOTHING)))
    return outcomes


def _edited(
    product: Product | None, command: Edit, owners: dict[str, int], *, now: int
) -> Product | Refusal:
    """The product as the command wants it; the same version when that changes nothing."""
    if product is None:
        return not_found("product", command.product_id)
    if command.versions is not None and product.version not in command.versions:
        return Refusal(Code.PRECONDITION_FAILED, "The product has been edited since it was read.")
    wanted = {
        field: value
        for field in ("name", "price_minor", "sku", "archived")
        if (value := getattr(command, field)) is not None and value != getattr(product, field)
    }
    if (
        "sku" in wanted
        and owners.setdefault(rules.sku_key(wanted["sku"]), product.id) != product.id
    ):
        return _taken(wanted["sku"])
    if not wanted:
        return product
    return product._replace(**wanted, version=product.version + 1, updated_at=now)


def _save(tx: Transaction, before: Product, after: Product, *, by: Cause) -> None:
    if after.version == before.version:
        return
    store.save(tx, after, before.version)
    changed = {
        field: [getattr(before, field), getattr(after, field)]
        for field in ("name", "price_minor", "sku", "archived")
        if getattr(before, field) != getattr(after, field)
    }
    if changed.keys() == {"archived"}:
        fact = "product.archived" if after.archived else "product.unarchived"
    else:
        fact = "product.edited"
    events.record(tx, fact, after.id, by=by, **changed)


def _taken(sku: str) -> Refusal:
    return Refusal(Code.SKU_TAKEN, f"Another product has the sku {sku}.", sku=sku)
