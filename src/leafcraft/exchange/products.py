"""What a row of products does: foreseen one by one, done a chunk at a time by the products' own verbs."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from leafcraft.cause import Cause
from leafcraft.db import Reader, Transaction
from leafcraft.errors import Refusal
from leafcraft.exchange.rows import Bad
from leafcraft.exchange.rules import Change, Fate, Outcome
from leafcraft.products import actions as products
from leafcraft.products import store
from leafcraft.products.actions import Create, Edit, Keep, Stocked
from leafcraft.products.rules import sku_key
from leafcraft.products.store import Draft
from leafcraft.stock import views
from leafcraft.stock.views import NOTHING


class ProductLine(NamedTuple):
    """A row of products; None leaves a field as it is."""

    line: int
    sku: str
    name: str | None
    price_minor: int | None
    archived: bool | None
    reorder_point: int | None
    reorder_quantity: int | None


class ProductFields(NamedTuple):
    """What a row can change of a product."""

    name: str
    price_minor: int
    archived: bool
    reorder_point: int | None
    reorder_quantity: int | None


class ImportProducts(NamedTuple):
    lines: Sequence[ProductLine]
    by: Cause


async def foresee_products(reader: Reader, lines: Sequence[ProductLine]) -> Sequence[Outcome]:
    """What each row would do, were it the only one."""
    owners = await store.owners(reader, (sku_key(line.sku) for line in lines))
    totals = await views.totals(reader, owners.values())
    known = {
        product_id: Stocked(product, totals.get(product_id, NOTHING))
        for product_id, product in (await store.by_id(reader, owners.values())).items()
    }
    return [_foreseen(line, known.get(owners.get(sku_key(line.sku), 0))) for line in lines]


def _foreseen(line: ProductLine, stocked: Stocked | None) -> Outcome:
    if stocked is None:
        return _made(line)
    product = stocked.product
    before = ProductFields(
        product.name, product.price_minor, product.archived, *stocked.stock.reorder
    )
    _, _, *wanted = line
    after = ProductFields._make(
        there if given is None else given for given, there in zip(wanted, before, strict=True)
    )
    if after == before:
        return Fate.UNCHANGED
    return Change(line.line, Fate.UPDATED, line.sku, before, after)


def _made(line: ProductLine) -> Outcome:
    if line.name is None or line.price_minor is None:
        return _missing(line)
    reorder = (line.reorder_point, line.reorder_quantity)
    after = ProductFields(line.name, line.price_minor, bool(line.archived), *reorder)
    return Change(line.line, Fate.CREATED, line.sku, None, after)


def _missing(line: ProductLine) -> Sequence[Bad]:
    """What a product that is new can't be without."""
    needed = {"name": line.name, "price": line.price_minor}
    return [
        Bad(line.line, column, "is needed: there is no product with this sku yet")
        for column, value in needed.items()
        if value is None
    ]


async def import_products(
    tx: Transaction, commands: Sequence[ImportProducts]
) -> Sequence[Sequence[Outcome]]:
    """What each row of each command has done."""
    return [await _Products(tx, command).run() for command in commands]


class _Products:
    """A chunk of rows of products, under way: creates first, then edits, so that the rows of one sku
    are applied in their order."""

    def __init__(self, tx: Transaction, command: ImportProducts) -> None:
        self._tx = tx
        self._lines, self._by = command
        self._keys = [sku_key(line.sku) for line in self._lines]
        self._owners: dict[str, int] = {}
        self._outcomes: dict[int, Outcome] = {}

    async def run(self) -> Sequence[Outcome]:
        self._owners.update(await store.owners(self._tx, self._keys))
        await self._create(self._new())
        await self._edit()
        return [self._outcomes[place] for place in range(len(self._lines))]

    def _new(self) -> Mapping[str, Draft]:
        """What the first row of each new sku makes, by the sku's key."""
        drafts: dict[str, Draft] = {}
        for place, (key, line) in enumerate(zip(self._keys, self._lines, strict=True)):
            if key in self._owners or key in drafts:
                continue
            if line.name is None or line.price_minor is None:
                self._outcomes[place] = _missing(line)
            else:
                self._outcomes[place] = Fate.CREATED
                drafts[key] = Draft(
                    line.sku, line.name, line.price_minor, line.reorder_point, line.reorder_quantity
                )
        return drafts

    async def _create(self, drafts: Mapping[str, Draft]) -> None:
        creates = [Create(draft, 0, self._by) for draft in drafts.values()]
        for key, made in zip(drafts, await products.create(self._tx, creates), strict=True):
            if isinstance(made, Refusal):
                raise AssertionError(f"the sku {key} was free a moment ago")
            self._owners[key] = made.product.id

    async def _edit(self) -> None:
        """Edits what is there; what was just made is archived, if it is to be.

        Whether a row changed anything is told by the product's version, as it is everywhere else.
        """
        edits = {
            place: self._edit_of(place, line)
            for place, line in enumerate(self._lines)
            if place not in self._outcomes
            or (self._outcomes[place] is Fate.CREATED and line.archived)
        }
        locked = await store.lock(self._tx, (edit.product_id for edit in edits.values()))
        versions = {product.id: product.version for product in locked.values()}
        edited = await products.edit(self._tx, list(edits.values()))
        for place, outcome in zip(edits, edited, strict=True):
            if isinstance(outcome, Refusal):
                self._outcomes[place] = [Bad(self._lines[place].line, "", outcome.detail)]
                continue
            product = outcome.product
            changed = versions[product.id] != product.version
            self._outcomes.setdefault(place, Fate.UPDATED if changed else Fate.UNCHANGED)
            versions[product.id] = product.version

    def _edit_of(self, place: int, line: ProductLine) -> Edit:
        product_id = self._owners[self._keys[place]]
        return Edit(
            product_id,
            self._by,
            line.name,
            line.price_minor,
            archived=line.archived,
            reorder_point=Keep.KEEP if line.reorder_point is None else line.reorder_point,
            reorder_quantity=Keep.KEEP if line.reorder_quantity is None else line.reorder_quantity,
        )
