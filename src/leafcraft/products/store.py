"""The products that are remembered."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import CheckConstraint, ColumnElement, Index, exists, or_, select
from sqlalchemy.orm import Mapped, mapped_column

from leafcraft.db import (
    Base,
    Id,
    Moment,
    Page,
    Reader,
    Source,
    Statement,
    Transaction,
    ids,
    keyset,
    text,
)
from leafcraft.products.rules import NAME_CHARS_MAX, SKU_CHARS_MAX, SKU_KEY_CHARS_MAX, sku_key
from leafcraft.stock import views as stock_views
from leafcraft.stock.tables import ReorderRow

TOPIC = "products"


class ProductRow(Base):
    __tablename__ = "products"
    __table_args__ = (
        CheckConstraint("price_minor >= 0", "price_not_negative"),
        Index(None, "created_at"),
        Index(None, "name"),
        Base.__table_args__,
    )

    id: Mapped[Id]
    sku: Mapped[str] = mapped_column(text(SKU_CHARS_MAX))
    sku_key: Mapped[str] = mapped_column(text(SKU_KEY_CHARS_MAX), unique=True)
    name: Mapped[str] = mapped_column(text(NAME_CHARS_MAX))
    price_minor: Mapped[int]
    archived: Mapped[bool]
    version: Mapped[int]
    created_at: Mapped[Moment]
    updated_at: Mapped[Moment]


class Product(NamedTuple):
    id: int
    sku: str
    name: str
    price_minor: int
    archived: bool
    version: int
    created_at: int
    updated_at: int


class Draft(NamedTuple):
    """A product that is not stored yet."""

    sku: str
    name: str
    price_minor: int
    reorder_point: int | None = None
    reorder_quantity: int | None = None


_COLUMNS = ", ".join(Product._fields)


def _product(row: Sequence[Any]) -> Product:
    product = Product(*row)
    return product._replace(archived=bool(product.archived))


async def by_id(source: Source, product_ids: Iterable[int]) -> Mapping[int, Product]:
    """These products, as far as they exist."""
    return await _by_id(source, product_ids, "")


async def lock(tx: Transaction, product_ids: Iterable[int]) -> dict[int, Product]:
    """The same, locked in the order of their ids."""
    return await _by_id(tx, product_ids, tx.for_update)


async def _by_id(
    source: Source, product_ids: Iterable[int], lock_clause: str
) -> dict[int, Product]:
    wanted = ids(product_ids)
    if wanted == "()":
        return {}
    rows = await source.fetch(
        f"SELECT {_COLUMNS} FROM products WHERE id IN {wanted} ORDER BY id{lock_clause}"
    )
    return {row[0]: _product(row) for row in rows}


async def owners(source: Source, sku_keys: Iterable[str]) -> Mapping[str, int]:
    """Which product holds each of these sku keys."""
    wanted = sorted(set(sku_keys))
    if not wanted:
        return {}
    marks = ",".join(["%s"] * len(wanted))
    rows = await source.fetch(
        f"SELECT sku_key, id FROM products WHERE sku_key IN ({marks})",
        wanted,
    )
    return dict(rows)


async def with_sku_like(reader: Reader, begins: str, limit: int) -> list[int]:
    """The products whose skus begin so; the first of them."""
    key = sku_key(begins)
    if not key:
        return []
    row = ProductRow
    alike = select(row.id).where(row.sku_key.between(key, key + chr(0x10FFFF)))
    return [number for (number,) in await reader.select(alike.order_by(row.sku_key).limit(limit))]


async def add(tx: Transaction, drafts: Sequence[Draft]) -> list[Product]:
    tx.touched.add(TOPIC)
    rows = [
        (d.sku, sku_key(d.sku), d.name, d.price_minor, False, 1, tx.now, tx.now) for d in drafts
    ]
    numbers = await tx.insert(
        "products",
        "sku, sku_key, name, price_minor, archived, version, created_at, updated_at",
        rows,
    )
    return [
        Product(number, draft.sku, draft.name, draft.price_minor, False, 1, tx.now, tx.now)
        for number, draft in zip(numbers, drafts, strict=True)
    ]


def save(tx: Transaction, product: Product, version_read: int) -> None:
    """Writes an edited product over the version it was read at."""
    tx.touched.add(TOPIC)
    change = Statement(
        "UPDATE products SET sku = %s, sku_key = %s, name = %s, price_minor = %s, archived = %s,"
        " version = %s, updated_at = %s WHERE id = %s AND version = %s",
        (
            product.sku,
            sku_key(product.sku),
            product.name,
            product.price_minor,
            product.archived,
            product.version,
            product.updated_at,
            product.id,
            version_read,
        ),
    )
    tx.later(change, 1)


class ProductFilter(NamedTuple):
    """Which products; None: all."""

    q: str | None = None
    sku: str | None = None
    archived: bool | None = None
    in_stock: bool | None = None
    low_stock: bool | None = None
    ids: Sequence[int] | None = None

    def conditions(self, now: int) -> Iterator[ColumnElement[bool]]:
        """What is asked of each product."""
        row = ProductRow
        if self.ids is not None:
            yield row.id.in_(self.ids)
        if self.q is not None:
            infix = f"%{_escaped(self.q)}%"
            key_infix = f"%{_escaped(sku_key(self.q))}%"
            yield or_(row.name.ilike(infix, escape="|"), row.sku_key.like(key_infix, escape="|"))
        if self.sku is not None:
            yield row.sku_key == sku_key(self.sku)
        if self.archived is not None:
            yield row.archived.is_(self.archived)
        yield from self._by_stock(now)

    def _by_stock(self, now: int) -> Iterator[ColumnElement[bool]]:
        row = ProductRow
        if self.in_stock is not None:
            has = stock_views.has_stock(row.id, now)
            yield has if self.in_stock else ~has
        if self.low_stock is not None:
            low = exists().where(ReorderRow.product_id == row.id, stock_views.is_low(now))
            yield low if self.low_stock else ~low


async def page(reader: Reader, part: Page, chosen: ProductFilter) -> list[Product]:
    row = ProductRow
    statement = select(*(getattr(row, name) for name in Product._fields))
    statement = statement.where(*chosen.conditions(reader.now))
    columns = {"id": row.id, "created_at": row.created_at, "name": row.name}
    return [_product(found) for found in await reader.select(keyset(statement, columns, part))]


async def low_page(reader: Reader, part: Page) -> list[Product]:
    """The products on sale that are low, by their own index."""
    row, reorder = ProductRow, ReorderRow
    statement = (
        select(*(getattr(row, name) for name in Product._fields))
        .join(reorder, reorder.product_id == row.id)
        .where(stock_views.is_low(reader.now), row.archived.is_(False))
    )
    columns = {"id": reorder.product_id}
    return [_product(found) for found in await reader.select(keyset(statement, columns, part))]


def _escaped(text_: str) -> str:
    """For LIKE ... ESCAPE '|': a percent sign someone looks for is no wildcard."""
    return text_.replace("|", "||").replace("%", "|%").replace("_", "|_")
