"""What a row of counted stock does: the level becomes what was counted, by an adjustment where it differs."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from leafcraft.cause import Cause
from leafcraft.db import Reader, Source, Transaction
from leafcraft.errors import Refusal
from leafcraft.exchange.rows import Bad
from leafcraft.exchange.rules import Change, Fate, Outcome
from leafcraft.products import store as products
from leafcraft.products.rules import sku_key
from leafcraft.stock import actions, store, views
from leafcraft.stock.actions import Adjust
from leafcraft.stock.rules import Location, Reason

Place = tuple[int, int]
"""A product at a location."""


class StockLine(NamedTuple):
    """A row of counted stock; None: it was not counted."""

    line: int
    sku: str
    location: str
    on_hand: int | None


class LevelFields(NamedTuple):
    """What a row is about: how much of a product there is at a place."""

    location: str
    on_hand: int
    reserved: int


class ImportStock(NamedTuple):
    lines: Sequence[StockLine]
    by: Cause


class _Known(NamedTuple):
    """Which products and locations some rows are about."""

    owners: Mapping[str, int]
    locations: Mapping[str, Location]

    def wrong(self, line: StockLine) -> Sequence[Bad]:
        bad = []
        if sku_key(line.sku) not in self.owners:
            bad.append(Bad(line.line, "sku", "there is no product with this sku"))
        if line.location not in self.locations:
            bad.append(Bad(line.line, "location", "there is no location with this code"))
        return bad

    def place(self, line: StockLine) -> Place:
        return self.owners[sku_key(line.sku)], self.locations[line.location].id


async def _known(source: Source, lines: Sequence[StockLine], lock: str = "") -> _Known:
    return _Known(
        await products.owners(source, (sku_key(line.sku) for line in lines)),
        await store.locations(source, (line.location for line in lines), lock),
    )


async def foresee_stock(reader: Reader, lines: Sequence[StockLine]) -> Sequence[Outcome]:
    """What each row would do, were it the only one."""
    known = await _known(reader, lines)
    levels = {
        (level.product_id, level.location_id): (level.on_hand, level.reserved)
        for level in await views.levels_among(reader, known.owners.values())
    }
    return [
        known.wrong(line) or _foreseen(line, known, levels.get(known.place(line), (0, 0)))
        for line in lines
    ]


def _foreseen(line: StockLine, known: _Known, level: tuple[int, int]) -> Outcome:
    on_hand, reserved = level
    if line.on_hand is None or line.on_hand == on_hand:
        return Fate.UNCHANGED
    if not known.locations[line.location].active:
        return [Bad(line.line, "location", "the location is not active")]
    if line.on_hand < reserved:
        return [Bad(line.line, "on_hand", f"{reserved} are promised to orders")]
    before = LevelFields(line.location, on_hand, reserved)
    after = before._replace(on_hand=line.on_hand)
    return Change(line.line, Fate.UPDATED, line.sku, before, after)


async def import_stock(
    tx: Transaction, commands: Sequence[ImportStock]
) -> Sequence[Sequence[Outcome]]:
    """What each row of each command has done."""
    return [await _import_stock(tx, command) for command in commands]


async def _import_stock(tx: Transaction, command: ImportStock) -> Sequence[Outcome]:
    known = await _known(tx, command.lines, tx.for_share)  # before the levels, as everywhere
    outcomes: list[Outcome] = []
    for lines in _runs(command.lines, known):
        outcomes += await _count(tx, lines, known, by=command.by)
    return outcomes


def _runs(lines: Sequence[StockLine], known: _Known) -> Iterator[Sequence[StockLine]]:
    """Rows that can be decided together: none is about a level that one before it may change."""
    run: list[StockLine] = []
    seen: set[Place] = set()
    for line in lines:
        place = None if known.wrong(line) else known.place(line)
        if place in seen:
            yield run
            run, seen = [], set()
        run.append(line)
        if place is not None:
            seen.add(place)
    yield run


async def _count(
    tx: Transaction, lines: Sequence[StockLine], known: _Known, *, by: Cause
) -> Sequence[Outcome]:
    places = {line: known.place(line) for line in lines if not known.wrong(line)}
    levels, _ = await store.lock(tx, (product_id for product_id, _ in places.values()))
    there = {(level.product_id, level.location_id): level.on_hand for level in levels}
    changed = {
        line: Adjust(place[0], line.location, Reason.COUNT, by, counted=line.on_hand)
        for line, place in places.items()
        if line.on_hand not in (None, there.get(place, 0))
    }
    adjusted = await actions.adjust(tx, list(changed.values()))
    told = dict(zip(changed, adjusted, strict=True))
    return [known.wrong(line) or _told(line, told.get(line)) for line in lines]


def _told(line: StockLine, outcome: object) -> Outcome:
    if outcome is None:
        return Fate.UNCHANGED
    if isinstance(outcome, Refusal):
        column = "location" if "location" in outcome.members else "on_hand"
        return [Bad(line.line, column, outcome.detail)]
    return Fate.UPDATED
