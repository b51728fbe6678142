"""What the shelf allows, told by example."""

import pytest

from leafcraft.cause import Cause
from leafcraft.stock.rules import (
    MAIN,
    ON_HAND_MAX,
    Demand,
    Kind,
    Level,
    Reservation,
    Shelf,
    Shortage,
    Why,
    totals,
)

BY = Cause("user:1")
RECEIPT = Why(Kind.RECEIPT, BY, reason="delivery")
ANNEX = 2


def shelf_with(*levels: tuple[int, int, int, int]) -> Shelf:
    """A shelf of (product, location, on hand, reserved)."""
    return Shelf(Level(*level, seq=7) for level in levels)


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
    shelf.reserve(1, [Demand(1, 1, 4)], BY)
    assert shelf.shortages([Demand(1, 1, 2)]) == [Shortage(1, 2, 1)]


def test_reserving_beyond_the_stock_is_a_defect_and_not_a_sale() -> None:
    with pytest.raises(AssertionError, match="beyond stock"):
        shelf_with((1, MAIN, 5, 0)).reserve(1, [Demand(1, 1, 6)], BY)


def test_a_reservation_says_which_line_of_which_order_it_covers_and_from_where() -> None:
    shelf = shelf_with((1, MAIN, 5, 0))
    shelf.reserve(42, [Demand(1, 1, 2), Demand(2, 1, 3)], BY)
    assert shelf.reserved == [Reservation(42, 1, MAIN, 1, 2), Reservation(42, 2, MAIN, 1, 3)]


def test_what_one_location_lacks_comes_from_the_next() -> None:
    shelf = shelf_with((1, MAIN, 3, 1), (1, ANNEX, 5, 0))
    shelf.reserve(42, [Demand(1, 1, 6)], BY)
    assert shelf.reserved == [Reservation(42, 1, MAIN, 1, 2), Reservation(42, 1, ANNEX, 1, 4)]
    assert shelf.available(1) == 1


def test_a_line_never_gets_an_empty_reservation_from_an_empty_location() -> None:
    shelf = shelf_with((1, MAIN, 2, 2), (1, ANNEX, 5, 0))
    shelf.reserve(42, [Demand(1, 1, 3)], BY)
    assert shelf.reserved == [Reservation(42, 1, ANNEX, 1, 3)]


def test_what_is_released_goes_back_to_where_it_came_from() -> None:
    shelf = shelf_with((1, MAIN, 3, 2), (1, ANNEX, 5, 4))
    shelf.release([Reservation(42, 1, ANNEX, 1, 4)], BY)
    ((level,), (movement,)) = shelf.changed, shelf.movements
    assert (level.location_id, level.reserved, level.on_hand) == (ANNEX, 0, 5)
    assert (movement.kind, movement.reserved_delta, movement.order_id) == (Kind.RELEASE, -4, 42)


def test_more_cannot_be_released_than_is_reserved() -> None:
    with pytest.raises(AssertionError, match="out of balance"):
        shelf_with((1, MAIN, 3, 2)).release([Reservation(42, 1, MAIN, 1, 3)], BY)


def test_goods_that_come_in_can_be_sold_at_once() -> None:
    shelf = shelf_with((1, MAIN, 0, 0))
    shelf.receive(1, MAIN, 4, why=RECEIPT)
    assert shelf.shortages([Demand(1, 1, 4)]) == []


def test_stock_that_no_number_can_hold_is_a_defect() -> None:
    with pytest.raises(AssertionError, match="out of balance"):
        shelf_with((1, MAIN, ON_HAND_MAX, 0)).receive(1, MAIN, 1, why=RECEIPT)


def test_goods_cannot_come_in_where_there_is_no_level() -> None:
    with pytest.raises(AssertionError, match="no level"):
        shelf_with((1, MAIN, 0, 0)).receive(1, ANNEX, 1, why=RECEIPT)


def test_a_movement_tells_the_balances_after_it_and_who_did_what() -> None:
    shelf = shelf_with((1, MAIN, 10, 4))
    shelf.receive(1, MAIN, 5, why=RECEIPT)
    (line,) = shelf.movements
    assert (line.seq, line.kind, line.on_hand_delta, line.reserved_delta) == (8, Kind.RECEIPT, 5, 0)
    assert (line.on_hand_after, line.reserved_after) == (15, 4)
    assert (line.order_id, line.reason, line.actor) == (None, "delivery", "user:1")


def test_only_levels_that_moved_are_written_and_in_the_order_they_are_locked_in() -> None:
    shelf = shelf_with((3, MAIN, 9, 0), (2, MAIN, 9, 0), (1, ANNEX, 1, 0), (1, MAIN, 1, 0))
    shelf.reserve(42, [Demand(1, 3, 1), Demand(2, 1, 2)], BY)
    places = [(level.product_id, level.location_id) for level in shelf.changed]
    assert places == [(1, MAIN), (1, ANNEX), (3, MAIN)]


def test_demands_are_summed_by_product() -> None:
    assert totals([Demand(1, 5, 2), Demand(2, 6, 1), Demand(3, 5, 4)]) == {5: 6, 6: 1}
