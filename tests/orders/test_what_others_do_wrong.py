"""Where other systems lost count of their stock, as they were told in public: none of it happens here."""

import asyncio
from collections import Counter

import pytest

from tests.builders import Clock, Shop, found, problem, wanted
from tests.orders.acting import (
    confirmed,
    contents,
    do,
    drop,
    edit,
    items,
    ledger,
    promised,
    reorder,
    send,
    sent,
    story,
    take_back,
    two_places,
    undo,
    units,
)
from tests.orders.holding import assert_sound, held, location, stock, stock_at

pytestmark = pytest.mark.anyio


async def test_an_order_cancelled_many_times_gives_its_stock_back_once(
    still: Shop, clock: Clock
) -> None:
    """medusajs/medusa#10332: an order can be cancelled many times from the admin."""
    tea = await still.product(stock=9)
    order = await confirmed(still, (tea, 4))
    answers = await asyncio.gather(*(do(still, order, "cancel") for _ in range(9)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 8}
    assert await stock(still, tea) == (9, 0, 9)
    assert (await story(still, order)).count("cancelled") == 1
    await assert_sound(still, clock)


async def test_a_new_price_and_the_same_quantity_reserve_nothing(still: Shop, clock: Clock) -> None:
    """medusajs/medusa#16406: a price-only edit reserves the full quantity once more."""
    tea = await still.product(stock=5, price=2)
    order = await confirmed(still, (tea, 4))
    before = await ledger(still, order)
    found(await still.patch(f"/products/{tea['id']}", {"price": 3}))
    found(await edit(still, order, items=items((tea, 4)), note="new price?"))
    assert (await ledger(still, order), await stock(still, tea)) == (before, (5, 4, 1))
    await assert_sound(still, clock)


async def test_a_refused_edit_brings_no_old_promise_back(still: Shop, clock: Clock) -> None:
    """medusajs/medusa#16406: the rollback of an edit resurrects reservations that were consumed."""
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 4))
    await sent(still, order, (tea, 3))
    problem(await reorder(still, order, (tea, 99)), 409, "insufficient_stock")
    assert await promised(still, tea) == [(order["id"], "main", 1)]
    assert await stock(still, tea) == (2, 1, 1)
    await assert_sound(still, clock)


async def test_an_edit_reserves_every_line(still: Shop, clock: Clock) -> None:
    """medusajs/medusa#13773: editing a draft order reserves stock for only some lines."""
    teas = [await still.product(stock=5) for _ in range(5)]
    order = await confirmed(still, (teas[0], 1))
    found(await reorder(still, order, *((tea, n) for n, tea in enumerate(teas, start=1))))
    assert [(await stock(still, tea))[1] for tea in teas] == [1, 2, 3, 4, 5]
    await assert_sound(still, clock)


async def test_a_fulfillment_leaves_no_promise_behind(still: Shop, clock: Clock) -> None:
    """medusajs/medusa#11266: fulfilment sometimes leaves reservations behind."""
    tea = await two_places(still, 3, 3)
    for part in (1, 2, 3):
        order = await confirmed(still, (tea, 1), (tea, 1))
        await sent(still, order, (tea, 1), location=("main", "annex")[part % 2])
        await sent(still, order)
        assert await promised(still, tea) == []
    assert await stock(still, tea) == (0, 0, 0)
    await assert_sound(still, clock)


async def test_an_undone_fulfillment_is_promised_again(still: Shop, clock: Clock) -> None:
    """medusajs/medusa#11703: cancelling a fulfilment does not recreate the reservation."""
    tea = await still.product(stock=4)
    order = await confirmed(still, (tea, 4))
    found(await undo(still, order, await sent(still, order)))
    assert await promised(still, tea) == [(order["id"], "main", 4)]
    problem(await do(still, await still.order((tea, 1)), "confirm"), 409, "insufficient_stock")
    await assert_sound(still, clock)


async def test_a_fulfillment_from_elsewhere_is_right_at_both_locations(
    still: Shop, clock: Clock
) -> None:
    """medusajs/medusa#16338: fulfilment from the wrong location silently corrupts both locations."""
    tea = await two_places(still, 4, 4)
    order = await confirmed(still, (tea, 3))
    await sent(still, order, location="annex")
    assert await stock_at(still, tea) == [("main", 4, 0, 4), ("annex", 1, 0, 1)]
    other = await confirmed(still, (tea, 3))
    problem(await send(still, other, location="annex"), 409, "insufficient_stock")
    assert await stock_at(still, tea) == [("main", 4, 3, 1), ("annex", 1, 0, 1)]
    await assert_sound(still, clock)


async def test_a_promise_that_moves_takes_nobody_elses_goods(still: Shop, clock: Clock) -> None:
    """medusajs/medusa#16488: moving a reservation skips the destination's stock check."""
    tea = await two_places(still, 2, 2)
    first, second = await confirmed(still, (tea, 2)), await confirmed(still, (tea, 2))
    problem(await send(still, first, location="annex"), 409, "insufficient_stock")
    assert contents(await sent(still, second)) == [(1, "annex", 2)]
    await assert_sound(still, clock)


async def test_a_sent_order_can_not_be_cancelled_and_restored_twice(
    still: Shop, clock: Clock
) -> None:
    """magento/inventory#1878: cancelling a shipped order restores stock twice."""
    tea = await still.product(stock=9)
    order = await confirmed(still, (tea, 4))
    await sent(still, order)
    for verb in ("cancel", "cancel"):
        problem(await do(still, order, verb), 409, "order_not_cancellable")
    found(await take_back(still, order, (tea, 4)), 201)
    problem(await do(still, order, "cancel"), 409, "order_not_cancellable")
    assert await stock(still, tea) == (9, 0, 9)
    await assert_sound(still, clock)


async def test_cancelling_what_was_never_promised_gives_nothing_back(
    still: Shop, clock: Clock
) -> None:
    """vendurehq/vendure#1557: cancelling before allocation still deallocates."""
    tea = await still.product(stock=9)
    await confirmed(still, (tea, 2))
    order = await still.order((tea, 4))
    found(await drop(still, order, (tea, 1)))
    await still.cancel(order)
    assert await stock(still, tea) == (9, 2, 7)
    await assert_sound(still, clock)


async def test_many_who_change_one_order_at_once_lose_no_line(still: Shop, clock: Clock) -> None:
    """vendurehq/vendure#4152: concurrent writes to one order lose lines."""
    teas = [await still.product(stock=9) for _ in range(4)]
    order = await confirmed(still, *((tea, 1) for tea in teas))
    answers = await asyncio.gather(
        *(reorder(still, order, *((tea, n) for tea in teas)) for n in range(2, 8)),
        *(drop(still, order, (tea, 1)) for tea in teas),
    )
    assert {answer.status_code for answer in answers} == {200}
    assert units(await still.reload(order)) == [(7, 0, 0, 1)] * 4
    assert [(await stock(still, tea))[1] for tea in teas] == [6] * 4
    await assert_sound(still, clock)


async def test_who_edits_what_somebody_else_has_changed_is_told(still: Shop) -> None:
    """vendurehq/vendure#4152: the later of two writers overwrites the lines of the first."""
    tea, mint = await still.product(), await still.product()
    order = await confirmed(still, (tea, 1))
    path = f"/orders/{order['id']}"
    tag = {"if-match": (await still.get(path)).headers["etag"]}
    wishes = [wanted((tea, 1), (mint, 1)), wanted((tea, 2))]
    answers = await asyncio.gather(*(still.patch(path, one, headers=tag) for one in wishes))
    assert sorted(answer.status_code for answer in answers) == [200, 412]


@pytest.mark.parametrize("quantity", [4, 7, 12, 13])
async def test_an_order_over_two_locations_is_promised_what_it_wants_and_no_more(
    still: Shop, clock: Clock, quantity: int
) -> None:
    """vendurehq/vendure#4030, medusajs/medusa#14987: 13 units over two locations are more than 13,
    or fail because one alone has too few."""
    tea = await two_places(still, 6, 7)
    order = await confirmed(still, (tea, quantity))
    assert sum(one[2] for one in await promised(still, tea)) == quantity
    assert (await stock(still, tea))[1] == quantity
    await sent(still, order)
    assert await stock(still, tea) == (13 - quantity, 0, 13 - quantity)
    await assert_sound(still, clock)


async def test_the_same_product_on_two_lines_is_checked_as_one_in_an_edit(
    still: Shop, clock: Clock
) -> None:
    """medusajs/medusa#16502, vendurehq/vendure#2702, inventree/InvenTree#7285: each line alone fits."""
    tea = await still.product(stock=5)
    for order in (await confirmed(still, (tea, 1)), await held(still, 9, (tea, 1))):
        problem(await reorder(still, order, (tea, 4), (tea, 4)), 409, "insufficient_stock")
    assert await stock(still, tea) == (5, 2, 3)
    await assert_sound(still, clock)


async def test_a_refusal_changes_nothing_of_what_it_was_asked(still: Shop, clock: Clock) -> None:
    """saleor/saleor#10659: the mutation returns an error, yet still changes the line."""
    tea = await still.product(stock=5)
    order = await confirmed(still, (tea, 2))
    before = await still.reload(order)
    wish = {"items": items((tea, 9)), "note": "x", "payment_status": "paid"}
    problem(await edit(still, order, **wish), 409, "insufficient_stock")
    assert await still.reload(order) == before
    await assert_sound(still, clock)


async def test_a_shopper_is_not_locked_out_by_the_hold_of_the_same_order(
    still: Shop, clock: Clock
) -> None:
    """woocommerce/woocommerce#67354: a shopper is locked out by their own earlier hold."""
    tea = await still.product(stock=5)
    order = await held(still, 9, (tea, 3))
    found(await reorder(still, order, (tea, 5)))
    assert (await still.confirm(order))["status"] == "Confirmed"
    found(await reorder(still, order, (tea, 2), (tea, 3)))
    assert await stock(still, tea) == (5, 5, 0)
    await assert_sound(still, clock)


async def test_every_change_of_stock_is_told_of(still: Shop) -> None:
    """saleor/saleor#19449: no webhook is sent when orders change stock."""
    await location(still, "annex")
    tea = await still.product(stock=9)
    order = await confirmed(still, (tea, 5))
    facts = len(await story(still, order))
    steps = [
        reorder(still, order, (tea, 6)),
        drop(still, order, (tea, 1)),
        send(still, order, (tea, 1)),
        take_back(still, order, (tea, 1)),
        do(still, order, "cancel"),
    ]
    for step in steps:
        assert (await step).status_code in {200, 201}
        facts += 1
        assert len(await story(still, order)) == facts
