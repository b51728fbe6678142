"""What is asked for at the same time shares a transaction, and each sees what those before it did."""

import asyncio
from collections.abc import Iterator, Sequence
from logging import WARNING
from typing import Any

import pytest

from leafcraft.app import compose, opened
from leafcraft.cause import Cause
from leafcraft.committer import Action
from leafcraft.errors import Code, Refusal
from leafcraft.products import actions as products
from leafcraft.stock import actions, locations, reversals
from leafcraft.stock.actions import Adjust, Receive, Transfer
from leafcraft.stock.locations import AddLocation, EditLocation
from leafcraft.stock.reversals import Reverse
from leafcraft.stock.rules import Reason
from tests.builders import Json, Shop
from tests.stock.goods import adjust, balances, broken, events, open_location, receive, transfer

pytestmark = pytest.mark.anyio

BY = Cause("user:1", "request-1", "127.0.0.1")


@pytest.fixture(autouse=True)
def _at_the_first_try(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What can't share a transaction is tried one by one, and comes out right: too late for here."""
    yield
    complaints = [one.getMessage() for one in caplog.get_records("call") if one.levelno >= WARNING]
    assert complaints == []


async def together(shop: Shop, action: Action[Any, Any], commands: Sequence[Any]) -> list[Any]:
    """The outcomes of commands that come in one turn of the loop: of each refusal its code."""
    async with opened(compose(shop.settings).runtime) as runtime:
        submit = runtime.writer.submit
        outcomes = await asyncio.gather(
            *(submit(action, command, lambda outcome: outcome) for command in commands)
        )
    assert await broken(shop) == {}
    return [one.code if isinstance(one, Refusal) else one for one in outcomes]


async def test_a_mistake_named_twice_is_taken_back_once(shop: Shop) -> None:
    tea = await shop.product(stock=20)
    mistake, other = await receive(shop, tea, 5), await adjust(shop, tea, delta=2)
    asked = [Reverse(one["id"], BY) for one in (mistake, other, mistake, mistake)]
    first, second, *refused = await together(shop, reversals.reverse, asked)
    assert refused == [Code.CONFLICT, Code.CONFLICT]
    assert [entry.links for entry in (*first, *second)] == [
        {"reverses": mistake["id"]},
        {"reverses": other["id"]},
    ]
    assert await balances(shop, tea) == {"main": (20, 0)}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_a_transfer_named_by_both_its_halves_is_taken_back_once(
    shop: Shop, order: tuple[int, int]
) -> None:
    await open_location(shop)
    tea = await shop.product(stock=20)
    halves = await transfer(shop, tea, 4)
    await receive(shop, tea, 20, location="annex")
    asked = [Reverse(halves[half]["id"], BY) for half in order]
    first, refused = await together(shop, reversals.reverse, asked)
    assert (len(first), refused) == (2, Code.CONFLICT)
    assert await balances(shop, tea) == {"main": (20, 0), "annex": (20, 0)}


async def test_a_refused_reversal_leaves_the_mistake_to_be_taken_back(shop: Shop) -> None:
    tea = await shop.product(stock=0)
    mistake = await receive(shop, tea, 5)
    lost = await adjust(shop, tea, delta=-2)
    asked = [Reverse(one["id"], BY) for one in (mistake, lost, mistake)]
    refused, *done = await together(shop, reversals.reverse, asked)
    assert refused is Code.INSUFFICIENT_STOCK
    assert [entries[0].movement.on_hand_delta for entries in done] == [2, -5]
    assert await balances(shop, tea) == {"main": (0, 0)}


async def test_a_code_asked_for_twice_is_given_once(shop: Shop) -> None:
    asked = [AddLocation("annex", name, 0, BY) for name in ("first", "second")]
    first, refused = await together(shop, locations.add_location, asked)
    assert (first.name, refused) == ("first", Code.CONFLICT)


async def test_each_edit_of_a_location_starts_from_the_one_before(shop: Shop) -> None:
    annex = await open_location(shop, name="Annex")
    asked = [
        EditLocation(annex["id"], BY, name="North"),
        EditLocation(annex["id"], BY, priority=3),
        EditLocation(annex["id"], BY, active=False),
        EditLocation(annex["id"], BY, name="South", active=True),
    ]
    *_, last = await together(shop, locations.edit_location, asked)
    assert last._asdict() == {**annex, "name": "South", "priority": 3}
    assert (await shop.get("/locations/")).json()[1] == last._asdict()
    assert [event["data"] for event in await events(shop, "location.edited")] == [
        {"name": ["Annex", "North"]},
        {"priority": [0, 3]},
        {"active": [True, False]},
        {"name": ["North", "South"], "active": [False, True]},
    ]


async def test_goods_go_where_those_before_them_have_just_come(shop: Shop) -> None:
    await open_location(shop)
    tea, mint = await shop.product(stock=1), await shop.product(stock=0)
    asked = [Receive(one["id"], 2, BY, "annex") for one in (tea, mint, tea)]
    assert Code.CONFLICT not in await together(shop, actions.receive, asked)
    assert await balances(shop, tea) == {"main": (1, 0), "annex": (4, 0)}
    moves = [Transfer(tea["id"], n, "annex", "main", BY) for n in (3, 2, 1)]
    _, refused, _ = await together(shop, actions.transfer, moves)
    assert refused is Code.INSUFFICIENT_STOCK
    lost = [Adjust(tea["id"], "main", Reason.LOST, BY, delta=n) for n in (-3, -3, -2)]
    _, refused, _ = await together(shop, actions.adjust, lost)
    assert refused is Code.INSUFFICIENT_STOCK
    assert await balances(shop, tea) == {"main": (0, 0), "annex": (0, 0)}


def edits(product: Json, *members: Json) -> list[products.Edit]:
    return [products.Edit(product["id"], BY, **one) for one in members]


async def test_each_edit_of_a_reorder_point_starts_from_the_one_before(shop: Shop) -> None:
    tea = await shop.product(stock=5, reorder_point=9)
    asked = edits(tea, {"reorder_point": 4}, {"reorder_quantity": 7}, {"reorder_point": None})
    await together(shop, products.edit, asked)
    shown = await shop.reload(tea)
    assert (shown["reorder_point"], shown["reorder_quantity"]) == (None, 7)
    back = edits(tea, {"reorder_point": 5}, {"reorder_quantity": None})
    *_, last = await together(shop, products.edit, back)
    assert last.stock.reorder == (5, None)
    assert [row["product_id"] for row in (await shop.get("/stock/low")).json()] == [tea["id"]]
    assert [event["data"] for event in await events(shop, "product.edited")] == [
        {"reorder_point": [9, 4]},
        {"reorder_quantity": [None, 7]},
        {"reorder_point": [4, None]},
        {"reorder_point": [None, 5]},
        {"reorder_quantity": [7, None]},
    ]
