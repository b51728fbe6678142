"""The second half of every rule: what should never be written is refused by the statement and by the table."""

from collections.abc import Sequence

import pytest

from leafcraft.db import Statement, Transaction
from leafcraft.db.transaction import GuardHeld
from leafcraft.errors import Code, Refusal
from leafcraft.orders import store as orders
from leafcraft.products import store as products
from leafcraft.stock import promises
from leafcraft.stock import store as stock
from leafcraft.stock.rules import Reservation
from leafcraft.stock.shelf import Level
from leafcraft.times import NEVER
from tests.writer.workshop import Workshop, link_to, same, transaction_on

pytestmark = pytest.mark.anyio

UNTOUCHABLE = [
    "UPDATE stock_levels SET reserved = on_hand + 1",
    "UPDATE stock_levels SET reserved = -1",
    "UPDATE stock_levels SET on_hand = -1",
    "UPDATE order_lines SET quantity = 0",
    "UPDATE order_lines SET quantity = -3",
    "UPDATE orders SET status = 'Shipped'",
    "UPDATE orders SET status = 'pending'",
    "UPDATE orders SET total_minor = -1",
    "UPDATE products SET price_minor = -1",
    "UPDATE reservations SET quantity = 0",
    "UPDATE reservations SET state = 'gone'",
    "UPDATE stock_movements SET kind = 'theft'",
    "INSERT INTO reservations SELECT * FROM reservations",
    "INSERT INTO stock_levels SELECT * FROM stock_levels",
    "INSERT INTO stock_levels VALUES (987654, 1, 1, 0, 1, 1, 1)",
    "UPDATE stock_movements SET id = 1",
    "INSERT INTO movement_links VALUES (1, 'undoes', 2)",
    "INSERT INTO reorder_points VALUES (987654, 1, 1, 0)",
    "INSERT INTO holds VALUES (987654, 1)",
    "INSERT INTO order_lines (order_id, line_no, product_id, quantity, unit_price_minor) VALUES (987654, 1, 1, 1, 1)",
    "DELETE FROM products",
]


@pytest.mark.parametrize("sql", UNTOUCHABLE)
async def test_the_tables_refuse_what_must_never_be(workshop: Workshop, sql: str) -> None:
    product_id = await workshop.product(stock=5)
    await workshop.confirm(await workshop.order((product_id, 2)))
    async with link_to(workshop.database) as link, transaction_on(link) as tx:
        with pytest.raises(Exception, match=r"(?i)constraint|duplicate|foreign key"):
            await link.run(lambda: tx.change(sql))
    assert await workshop.level(product_id) == (5, 2)
    await workshop.assert_sound()


async def test_a_level_that_moved_in_spite_of_the_lock_is_not_overwritten(
    workshop: Workshop,
) -> None:
    moved, still = await workshop.product(stock=5), await workshop.product(stock=5)
    levels = [Level(product_id, 1, 5, 0, 1, 1, NEVER) for product_id in (moved, still)]
    levels[0].seq_read = 0  # as read before the last movement
    for level in levels:
        level.on_hand, level.seq = 99, 2
    async with link_to(workshop.database) as link, transaction_on(link) as tx:
        stock.save_levels(tx, levels)
        with pytest.raises(GuardHeld):
            await link.run(tx.settle)
    assert await workshop.level(moved) == await workshop.level(still) == (5, 0)


async def test_a_level_that_is_gone_is_noticed(workshop: Workshop) -> None:
    level = Level(987_654, 1, 5, 0, 1, 1, NEVER)
    level.seq = 2
    async with link_to(workshop.database) as link, transaction_on(link) as tx:
        stock.save_levels(tx, [level])
        with pytest.raises(GuardHeld):
            await link.run(tx.settle)


async def test_levels_are_saved_each_with_its_own_numbers(workshop: Workshop) -> None:
    ids = [await workshop.product(stock=n) for n in (3, 4, 5)]
    levels = [
        Level(product_id, 1, n, 0, 1, 1, NEVER)
        for product_id, n in zip(ids, (3, 4, 5), strict=True)
    ]
    for level in levels:
        level.reserved, level.seq = level.on_hand - 1, 2
    async with link_to(workshop.database) as link:
        await link.run(link.begin)
        tx = Transaction(link, 1)
        stock.save_levels(tx, levels)
        await link.run(tx.settle)
        await link.run(link.commit)
    assert [await workshop.level(product_id) for product_id in ids] == [(3, 2), (4, 3), (5, 4)]


async def test_an_order_cannot_be_confirmed_over_another_state(workshop: Workshop) -> None:
    product_id = await workshop.product(stock=5)
    pending, cancelled = [await workshop.order((product_id, 1)) for _ in range(2)]
    await workshop.cancel(cancelled)
    async with link_to(workshop.database) as link, transaction_on(link) as tx:
        found = await orders.by_id(tx, [pending, cancelled])
        orders.confirm(tx, [(order, order) for order in found.values()])
        with pytest.raises(GuardHeld):
            await link.run(tx.settle)


async def test_a_product_cannot_be_saved_over_a_newer_version(workshop: Workshop) -> None:
    product_id = await workshop.product()
    async with link_to(workshop.database) as link, transaction_on(link) as tx:
        found = await link.run(lambda: products.by_id(tx, [product_id]))
        products.save(tx, found[product_id], version_read=7)
        with pytest.raises(GuardHeld):
            await link.run(tx.settle)


async def test_a_reservation_is_released_once(workshop: Workshop) -> None:
    product_id = await workshop.product(stock=5)
    order_id = await workshop.order((product_id, 2))
    await workshop.confirm(order_id)
    held = [Reservation(order_id, 1, 1, product_id, 2)]
    async with link_to(workshop.database) as link, transaction_on(link) as tx:
        promises.close(tx, held)
        await link.run(tx.settle)
        promises.close(tx, held)
        with pytest.raises(GuardHeld):
            await link.run(tx.settle)


@pytest.mark.parametrize("expected", [0, 1, 3])
async def test_a_guarded_change_finds_exactly_the_rows_it_names(
    workshop: Workshop, expected: int
) -> None:
    for _ in range(2):
        await workshop.product()
    sql = "UPDATE products SET version = version + 1"
    async with link_to(workshop.database) as link, transaction_on(link) as tx:
        tx.later(Statement(sql), 2)
        await link.run(tx.settle)
        tx.later(Statement(sql), expected)
        with pytest.raises(GuardHeld):
            await link.run(tx.settle)


async def test_a_guard_that_holds_takes_the_whole_command_along(workshop: Workshop) -> None:
    """The order is confirmed in the table, its stock is not: nothing of it may stay."""
    product_id = await workshop.product(stock=5)
    order_id = await workshop.order((product_id, 2))

    async def half(tx: Transaction, commands: Sequence[int]) -> Sequence[int]:
        found = await orders.by_id(tx, commands)
        orders.confirm(tx, [(order, order) for order in found.values()])
        tx.later(Statement("UPDATE stock_levels SET reserved = 2 WHERE seq = 77"), 1)
        return commands

    with pytest.raises(Refusal) as refusal:
        await workshop.writer.submit(half, order_id, same)
    assert refusal.value.code is Code.INTERNAL_ERROR
    assert (await workshop.confirm(order_id)).status == 200
    await workshop.assert_sound()
