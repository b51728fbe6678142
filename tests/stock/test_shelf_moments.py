"""What the shelf knows about time, holds that end, and products that become low."""

import pytest

from leafcraft.cause import SYSTEM, Cause
from leafcraft.stock.rules import MAIN, Demand, Kind, Reorder, Reservation, Strategy, Why
from leafcraft.stock.shelf import HOLD_ENDED, Level, Shelf, Watched
from leafcraft.times import NEVER

BY = Cause("user:1")
RECEIPT = Why(Kind.RECEIPT, BY)
ANNEX = 2
NOW = 1000


def level(on_hand: int, reserved: int = 0, *, at: int = MAIN, moved_at: int = NOW) -> Level:
    return Level(1, at, on_hand, reserved, seq=7, moved_at=moved_at, held_until=NEVER)


def moments(shelf: Shelf) -> list[tuple[int, int]]:
    """Location and moment of each movement."""
    return [(line.location_id, line.occurred_at) for line in shelf.movements]


def test_a_movement_is_at_the_moment_of_its_transaction() -> None:
    one = level(5, moved_at=NOW - 300)
    shelf = Shelf([one], NOW)
    shelf.move(one, RECEIPT, on_hand=1)
    assert moments(shelf) == [(MAIN, NOW)]
    assert one.moved_at == NOW


def test_a_clock_that_went_back_does_not_take_a_level_back_in_time() -> None:
    ahead, behind = level(5, moved_at=NOW + 300), level(5, at=ANNEX, moved_at=NOW - 300)
    shelf = Shelf([ahead, behind], NOW)
    for one in (ahead, behind):
        shelf.move(one, RECEIPT, on_hand=1)
    assert moments(shelf) == [(MAIN, NOW + 300), (ANNEX, NOW)]
    assert (ahead.moved_at, behind.moved_at) == (NOW + 300, NOW)


def test_a_new_place_begins_now() -> None:
    shelf = Shelf([], NOW)
    shelf.move(shelf.place(1, ANNEX), RECEIPT, on_hand=1)
    assert moments(shelf) == [(ANNEX, NOW)]


def test_a_hold_ended_when_it_did_whenever_that_is_noticed() -> None:
    one = level(5, 3, moved_at=NOW - 900)
    shelf = Shelf([one], NOW)
    hold = Reservation(42, 1, MAIN, 1, 3, expires_at=NOW - 400)
    shelf.expire([hold])
    (line,) = shelf.movements
    assert (line.kind, line.reserved_delta, line.order_id) == (Kind.RELEASE, -3, 42)
    assert (line.occurred_at, line.reason, line.actor) == (NOW - 400, HOLD_ENDED, SYSTEM.actor)
    assert (one.reserved, one.on_hand, one.moved_at) == (0, 5, NOW - 400)
    assert (shelf.expired, shelf.released) == ([hold], [])


def test_holds_end_one_after_the_other() -> None:
    shelf = Shelf([level(9, 6, moved_at=NOW - 900), level(9, 3, at=ANNEX, moved_at=0)], NOW)
    late = Reservation(42, 1, MAIN, 1, 4, expires_at=NOW - 100)
    early = Reservation(43, 1, MAIN, 1, 2, expires_at=NOW - 500)
    between = Reservation(43, 2, ANNEX, 1, 3, expires_at=NOW - 300)
    shelf.expire([late, early, between])
    assert [line.order_id for line in shelf.movements] == [43, 43, 42]
    assert moments(shelf) == [(MAIN, NOW - 500), (ANNEX, NOW - 300), (MAIN, NOW - 100)]
    assert shelf.expired == [early, between, late]


def test_a_hold_that_ended_before_the_last_movement_is_written_off_after_it() -> None:
    one = level(5, 3, moved_at=NOW - 100)
    shelf = Shelf([one], NOW)
    shelf.expire([Reservation(42, 1, MAIN, 1, 3, expires_at=NOW - 400)])
    shelf.move(one, RECEIPT, on_hand=1)
    assert moments(shelf) == [(MAIN, NOW - 100), (MAIN, NOW)]


def test_a_level_remembers_the_first_end_of_its_holds() -> None:
    one, other = level(9), level(9, at=ANNEX)
    shelf = Shelf([one, other], NOW)
    for order_id, until in ((1, NOW + 500), (2, NOW + 200), (3, NOW + 800), (4, NEVER)):
        wanted = [Demand(1, 1, 1)]
        (held,) = shelf.reserve(order_id, wanted, BY, strategy=Strategy.PRIORITY, until=until)
        assert held.expires_at == until
    assert (one.held_until, other.held_until) == (NOW + 200, NEVER)


@pytest.mark.parametrize(
    ("point", "low", "delta", "crossed"),
    [
        (5, False, -4, {}),  # 10, and then 6
        (5, False, -5, {1: True}),
        (5, False, -6, {1: True}),
        (15, True, 5, {}),
        (15, True, 6, {1: False}),
        (15, True, -1, {}),
        (0, False, -9, {}),
        (0, False, -10, {1: True}),
        (None, False, -10, {}),
    ],
)
def test_a_product_becomes_low_at_its_reorder_point(
    point: int | None, low: bool, delta: int, crossed: dict[int, bool]
) -> None:
    one, other = level(6), level(4, at=ANNEX)
    shelf = Shelf([one, other], NOW, watched={1: Watched(Reorder(point), low)})
    assert shelf.crossed() == {}
    for place in (one, other):  # as far as it goes here, the rest there
        part = max(delta, -place.on_hand)
        shelf.move(place, RECEIPT, on_hand=part)
        delta -= part
    assert shelf.crossed() == crossed


def test_what_is_promised_makes_a_product_low_and_what_is_released_does_not() -> None:
    watched = {1: Watched(Reorder(5), low=False)}
    shelf = Shelf([level(10)], NOW, watched=watched)
    made = shelf.reserve(42, [Demand(1, 1, 5)], BY, strategy=Strategy.PRIORITY)
    assert shelf.crossed() == {1: True}
    shelf.release(made, BY)
    assert shelf.crossed() == {}


def test_a_product_without_a_reorder_point_never_crosses_it() -> None:
    shelf = Shelf([level(10)], NOW)
    shelf.move(shelf.place(1, MAIN), RECEIPT, on_hand=-10)
    assert shelf.crossed() == {}
