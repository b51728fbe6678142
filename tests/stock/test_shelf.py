"""What the shelf allows, told by example."""

import pytest

from leafcraft.cause import Cause
from leafcraft.stock.rules import (
    MAIN,
    ON_HAND_MAX,
    Demand,
    Kind,
    Movement,
    Reservation,
    Shortage,
    Strategy,
    Why,
)
from leafcraft.stock.shelf import Level, Shelf
from leafcraft.times import NEVER

BY = Cause("user:1")
RECEIPT = Why(Kind.RECEIPT, BY, None, "delivery", "PO-7", "two boxes")
PRIORITY = Strategy.PRIORITY
ANNEX = 2
NOW = 1000


def shelf_with(*levels: tuple[int, int, int, int]) -> Shelf:
    """A shelf of (product, location, on hand, reserved)."""
    return Shelf((Level(*one, seq=7, moved_at=NOW - 1, held_until=NEVER) for one in levels), NOW)


def receive(shelf: Shelf, place: tuple[int, int], quantity: int) -> Movement:
    return shelf.move(shelf.place(*place), RECEIPT, on_hand=quantity)


def test_an_order_that_fits_is_short_of_nothing() -> None:
    assert shelf_with((1, MAIN, 10, 8)).shortages([Demand(1, 1, 2)]) == []


def test_what_is_reserved_already_cannot_be_promised_again() -> None:
    assert shelf_with((1, MAIN, 10, 8)).shortages([Demand(1, 1, 3)]) == [Shortage(1, 3, 2)]


def test_two_lines_of_one_product_are_one_demand() -> None:
    shelf = shelf_with((1, MAIN, 5, 0))
    assert shelf.shortages([Demand(1, 1, 3), Demand(2, 1, 3)]) == [Shortage(1, 6, 5)]
    assert shelf.shortages([Demand(1, 1, 3), Demand(2, 1, 2)]) == []


def test_every_short_product_is_named_and_none_that_is_not() -> None:
    shelf = shelf_with((1, MAIN, 1, 0), (2, MAIN, 9, 0), (3, MAIN, 2, 2))
    wanted = [Demand(1, 1, 2), Demand(2, 2, 9), Demand(3, 3, 1), Demand(4, 4, 5)]
    assert shelf.shortages(wanted) == [Shortage(1, 2, 1), Shortage(3, 1, 0), Shortage(4, 5, 0)]


def test_a_shortage_tells_what_the_orders_before_it_have_left() -> None:
    shelf = shelf_with((1, MAIN, 5, 0))
    shelf.reserve(1, [Demand(1, 1, 4)], BY, strategy=PRIORITY)
    assert shelf.shortages([Demand(1, 1, 2)]) == [Shortage(1, 2, 1)]


def test_what_others_were_told_they_will_get_is_not_there_for_the_next() -> None:
    shelf = shelf_with((1, MAIN, 5, 0), (2, MAIN, 5, 0))
    wanted = [Demand(1, 1, 4), Demand(2, 2, 5)]
    assert shelf.shortages(wanted, {1: 2}) == [Shortage(1, 4, 3)]
    assert shelf.shortages(wanted, {1: 1, 3: 9}) == []


def test_the_stock_of_a_product_is_that_of_all_its_locations() -> None:
    shelf = shelf_with((1, MAIN, 3, 1), (1, ANNEX, 5, 0), (2, MAIN, 9, 0))
    assert (shelf.available(1), shelf.available(2), shelf.available(3)) == (7, 9, 0)
    assert shelf.shortages([Demand(1, 1, 7)]) == []
    assert (1 in shelf, 3 in shelf) == (True, False)


def test_reserving_beyond_the_stock_is_a_defect_and_not_a_sale() -> None:
    with pytest.raises(AssertionError, match="beyond stock"):
        shelf_with((1, MAIN, 5, 0)).reserve(1, [Demand(1, 1, 6)], BY, strategy=PRIORITY)


def test_a_reservation_says_which_line_of_which_order_it_covers_and_from_where() -> None:
    shelf = shelf_with((1, MAIN, 5, 0))
    made = shelf.reserve(42, [Demand(1, 1, 2), Demand(2, 1, 3)], BY, strategy=PRIORITY)
    assert made == shelf.reserved
    assert made == [Reservation(42, 1, MAIN, 1, 2), Reservation(42, 2, MAIN, 1, 3)]
    assert {one.expires_at for one in made} == {NEVER}


def test_a_shelf_remembers_what_was_reserved_for_every_order() -> None:
    shelf = shelf_with((1, MAIN, 5, 0))
    first = shelf.reserve(42, [Demand(1, 1, 2)], BY, strategy=PRIORITY)
    second = shelf.reserve(43, [Demand(1, 1, 1)], BY, strategy=PRIORITY)
    assert shelf.reserved == [*first, *second]
    assert [one.order_id for one in shelf.movements] == [42, 43]


def test_what_one_location_lacks_comes_from_the_next() -> None:
    shelf = shelf_with((1, MAIN, 3, 1), (1, ANNEX, 5, 0))
    shelf.reserve(42, [Demand(1, 1, 6)], BY, strategy=PRIORITY)
    assert shelf.reserved == [Reservation(42, 1, MAIN, 1, 2), Reservation(42, 1, ANNEX, 1, 4)]
    assert shelf.available(1) == 1


def test_a_line_never_gets_an_empty_reservation_from_an_empty_location() -> None:
    shelf = shelf_with((1, MAIN, 2, 2), (1, ANNEX, 5, 0))
    shelf.reserve(42, [Demand(1, 1, 3)], BY, strategy=PRIORITY)
    assert shelf.reserved == [Reservation(42, 1, ANNEX, 1, 3)]


def test_priorities_rank_the_locations_and_numbers_those_of_equal_priority() -> None:
    levels = [Level(1, at, 2, 0, 7, NOW, NEVER) for at in (1, 2, 3)]
    shelf = Shelf(levels, NOW, priorities={1: 9, 2: 4, 3: 4})
    made = shelf.reserve(42, [Demand(1, 1, 5)], BY, strategy=PRIORITY)
    assert [(one.location_id, one.quantity) for one in made] == [(2, 2), (3, 2), (1, 1)]


def test_what_is_released_goes_back_to_where_it_came_from() -> None:
    shelf = shelf_with((1, MAIN, 3, 2), (1, ANNEX, 5, 4))
    shelf.release([Reservation(42, 1, ANNEX, 1, 4)], BY)
    ((level,), (movement,)) = shelf.changed, shelf.movements
    assert (level.location_id, level.reserved, level.on_hand) == (ANNEX, 0, 5)
    assert (movement.kind, movement.reserved_delta, movement.order_id) == (Kind.RELEASE, -4, 42)


def test_more_cannot_be_released_than_is_reserved() -> None:
    with pytest.raises(AssertionError, match="out of balance"):
        shelf_with((1, MAIN, 3, 2)).release([Reservation(42, 1, MAIN, 1, 3)], BY)


def test_nothing_can_be_released_where_nothing_lies() -> None:
    with pytest.raises(AssertionError, match="no level"):
        shelf_with((1, MAIN, 3, 2)).release([Reservation(42, 1, ANNEX, 1, 1)], BY)


def test_goods_that_come_in_can_be_sold_at_once() -> None:
    shelf = shelf_with((1, MAIN, 0, 0))
    receive(shelf, (1, MAIN), 4)
    assert shelf.shortages([Demand(1, 1, 4)]) == []


def test_stock_that_no_number_can_hold_is_a_defect() -> None:
    receive(shelf_with((1, MAIN, ON_HAND_MAX - 1, 0)), (1, MAIN), 1)
    with pytest.raises(AssertionError, match="out of balance"):
        receive(shelf_with((1, MAIN, ON_HAND_MAX, 0)), (1, MAIN), 1)


def test_what_is_promised_can_not_be_taken_away() -> None:
    with pytest.raises(AssertionError, match="out of balance"):
        receive(shelf_with((1, MAIN, 5, 4)), (1, MAIN), -2)


def test_a_new_place_is_remembered_only_if_something_moves_there() -> None:
    shelf = shelf_with((1, MAIN, 5, 0))
    assert shelf.at(1, ANNEX) is None
    level = shelf.place(1, ANNEX)
    assert (level.on_hand, level.reserved, level.seq, level.new) == (0, 0, 0, True)
    assert shelf.changed == []
    receive(shelf, (1, ANNEX), 2)
    assert shelf.changed == [level]
    assert shelf.place(1, ANNEX) is level
    assert shelf.available(1) == 7


def test_a_movement_tells_the_balances_after_it_and_who_did_what() -> None:
    shelf = shelf_with((1, MAIN, 10, 4))
    line = receive(shelf, (1, MAIN), 5)
    assert shelf.movements == [line]
    assert line == Movement(
        product_id=1,
        location_id=MAIN,
        seq=8,
        kind=Kind.RECEIPT,
        on_hand_delta=5,
        reserved_delta=0,
        on_hand_after=15,
        reserved_after=4,
        order_id=None,
        reason="delivery",
        reference="PO-7",
        note="two boxes",
        actor="user:1",
        occurred_at=NOW,
    )


def test_only_levels_that_moved_are_written_and_in_the_order_they_are_locked_in() -> None:
    shelf = shelf_with((3, MAIN, 9, 0), (2, MAIN, 9, 0), (1, ANNEX, 1, 0), (1, MAIN, 1, 0))
    shelf.reserve(42, [Demand(1, 3, 1), Demand(2, 1, 2)], BY, strategy=PRIORITY)
    places = [(level.product_id, level.location_id) for level in shelf.changed]
    assert places == [(1, MAIN), (1, ANNEX), (3, MAIN)]
