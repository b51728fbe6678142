"""The naive twin: what a good developer writes in a day with FastAPI and an ORM, and measures against.

It is correct on both databases: rows are locked in one order, SQLite transactions begin as
writers, the commit comes before the answer. It leaves out what the service has and it has not
(idempotency keys, events, roles, holds, several locations), which makes it faster than its equal.
"""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final

import jwt
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Connection, ForeignKey, Numeric, String, event, insert, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import (
    AsyncEngine,
    AsyncSession,
    async_sessionmaker,
    create_async_engine,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload

# Found by trial to serve 64 clients best; a second SQLite connection only waits for the first.
MYSQL_CONNECTIONS: Final = 16
SQLITE_CONNECTIONS: Final = 1
SQLITE_BUSY_MILLISECONDS: Final = 30_000


class Base(DeclarativeBase):
    pass


class Product(Base):
    __tablename__ = "products"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    stock_quantity: Mapped[int]
    price: Mapped[Decimal] = mapped_column(Numeric(12, 2))


class OrderItem(Base):
    __tablename__ = "order_items"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True)
    quantity: Mapped[int]
    unit_price: Mapped[Decimal] = mapped_column(Numeric(12, 2))


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    total_amount: Mapped[Decimal] = mapped_column(Numeric(14, 2))
    status: Mapped[str] = mapped_column(String(20))
    created_at: Mapped[datetime]
    items: Mapped[list[OrderItem]] = relationship(lazy="raise")


class Movement(Base):
    __tablename__ = "movements"

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"))
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    delta: Mapped[int]
    occurred_at: Mapped[datetime]


class ItemIn(BaseModel):
    product_id: int
    quantity: int = Field(gt=0)


class OrderIn(BaseModel):
    items: list[ItemIn] = Field(min_length=1)


class ProductOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    stock_quantity: int
    price: float


class ItemOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    product_id: int
    quantity: int
    unit_price: float


class OrderOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    items: list[ItemOut]
    total_amount: float
    status: str
    created_at: datetime


class ConfirmedOut(BaseModel):
    message: str
    order: OrderOut


def create_engine(url: str) -> AsyncEngine:
    if not url.startswith("sqlite"):
        return create_async_engine(
            url, pool_size=MYSQL_CONNECTIONS, max_overflow=0, isolation_level="READ COMMITTED"
        )
    engine = create_async_engine(url, pool_size=SQLITE_CONNECTIONS, max_overflow=0)
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin on its own, and too late
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_MILLISECONDS}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    """A transaction that only reads takes no write lock; one that writes takes it at once."""
    reads = connection.get_execution_options().get("read_only", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


engine = create_engine(os.environ["TWIN_DATABASE_URL"])
sessions = async_sessionmaker(engine, expire_on_commit=False)
reading = async_sessionmaker(engine.execution_options(read_only=True))
SECRET_KEY: Final = os.environ["TWIN_SECRET_KEY"]


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Tables and products are made at the start; the database is empty."""
    stock = int(os.environ["TWIN_STOCK_OF_EACH"])
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        products: list[dict[str, Any]] = [
            {"name": f"Tea {n}", "stock_quantity": stock, "price": Decimal("9.99")}
            for n in range(int(os.environ["TWIN_PRODUCTS"]))
        ]
        await connection.execute(insert(Product), products)
    yield
    await engine.dispose()


app = FastAPI(title="Naive twin", lifespan=lifespan)
bearer = OAuth2PasswordBearer(tokenUrl="/auth/login")


async def current_user(token: Annotated[str, Depends(bearer)]) -> str:
    try:
        subject: str = jwt.decode(token, SECRET_KEY, algorithms=["HS256"])["sub"]
    except jwt.PyJWTError:
        raise HTTPException(401, "Invalid token") from None
    return subject


User = Annotated[str, Depends(current_user)]


@app.get("/healthz")
async def healthz() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/products/", response_model=list[ProductOut])
async def list_products(
    _user: User, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> Sequence[Product]:
    async with reading() as session:
        return (await session.scalars(select(Product).order_by(Product.id).limit(limit))).all()


@app.post("/orders/create_order", status_code=201, response_model=OrderOut)
async def create_order(wanted: OrderIn, _user: User) -> Order:
    async with sessions.begin() as session:
        ids = [item.product_id for item in wanted.items]
        found = await session.scalars(select(Product).where(Product.id.in_(ids)))
        prices = {product.id: product.price for product in found}
        if missing := sorted(set(ids) - prices.keys()):
            raise HTTPException(422, f"Unknown products: {missing}")
        items = [
            OrderItem(**item.model_dump(), unit_price=prices[item.product_id])
            for item in wanted.items
        ]
        order = Order(
            items=items,
            total_amount=sum((item.unit_price * item.quantity for item in items), Decimal()),
            status="Pending",
            created_at=_now(),
        )
        session.add(order)
    return order


@app.patch("/orders/{order_id}/confirm", response_model=ConfirmedOut)
async def confirm_order(order_id: int, _user: User) -> dict[str, Any]:
    async with sessions.begin() as session:
        order = await _pending_order(session, order_id)
        quantities = {item.product_id: item.quantity for item in order.items}
        for product in await _locked_products(session, list(quantities)):
            if product.stock_quantity < quantities[product.id]:
                raise HTTPException(409, f"Insufficient stock of product {product.id}")
            product.stock_quantity -= quantities[product.id]
        session.add_all(
            Movement(product_id=product, order_id=order.id, delta=-quantity, occurred_at=_now())
            for product, quantity in quantities.items()
        )
        order.status = "Confirmed"
    return {"message": "Order Confirmed successfully", "order": order}


async def _pending_order(session: AsyncSession, order_id: int) -> Order:
    order = await session.get(
        Order, order_id, options=[selectinload(Order.items)], with_for_update=True
    )
    if order is None:
        raise HTTPException(404, "Order not found")
    if order.status != "Pending":
        raise HTTPException(409, f"Order is {order.status}")
    return order


async def _locked_products(session: AsyncSession, ids: Sequence[int]) -> Sequence[Product]:
    """Locked by id: orders that share products wait for each other, and never in a circle."""
    query = select(Product).where(Product.id.in_(ids)).order_by(Product.id).with_for_update()
    return (await session.scalars(query)).all()


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
