"""A shop to look at: products and weeks of orders, made through the same write path as real ones."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson

from leafcraft import times
from leafcraft.app import compose, opened
from leafcraft.cause import Cause
from leafcraft.config import Settings
from leafcraft.db import Page, Reader, Source
from leafcraft.errors import Refusal, StartError
from leafcraft.orders import actions as orders
from leafcraft.orders.edits import Edit, edit
from leafcraft.orders.fulfillments import Fulfill, fulfill
from leafcraft.orders.returns import TakeBack, take_back
from leafcraft.orders.rules import Disposition, Order
from leafcraft.orders.store import Details
from leafcraft.orders.units import Wanted
from leafcraft.products import actions as products
from leafcraft.products import rules
from leafcraft.products import store as product_store
from leafcraft.products.actions import Stocked
from leafcraft.products.store import Draft
from leafcraft.stock import actions as stock
from leafcraft.stock.locations import AddLocation, add_location
from leafcraft.stock.rules import MAIN_CODE, Reason
from leafcraft.writer import Writer

DEMO = Cause("demo")
SEED = 20
LEAVES = "Assam Ceylon Darjeeling Dragonwell Earl-Grey Genmaicha Gunpowder Gyokuro Hojicha Jasmine".split()
MORE_LEAVES = "Keemun Lapsang Matcha Mint Oolong Pu-Erh Rooibos Sencha Verbena White-Peony".split()
FORMS = (
    ("Loose 50 g", 640),
    ("Loose 100 g", 1150),
    ("Loose 250 g", 2490),
    ("20 Bags", 590),
    ("50 Bags", 1190),
    ("Gift Tin", 1890),
    ("Sampler", 990),
    ("Cold Brew", 790),
    ("Iced Mix", 850),
    ("Wholesale 1 kg", 7900),
)
OPENINGS = (0, 40, 90, 150, 150, 300, 300, 300, 600, 600, 600, 900, 900, 1500, 2000)
ORDERS_A_DAY = 24
CONFIRMED_SHARE = 0.86
CANCELLED_SHARE = 0.07
HELD_SHARE = 0.05
HOLD_MINUTES = 30
PARCEL_SHARE = 0.15
"""Of the orders that are sent: in two parcels."""
RETURNED_SHARE = 0.04
PACKING_HOURS = (2, 40)
RETURN_DAYS = (3, 14)
UNCLEAR_SHARE = 0.01
CARRIERS = ("Mill Lane Couriers", "Red Van", "Post")
FIRST_NAMES = (
    "Ada Ben Chiara Dilan Edda Farid Greta Hugo Ines Jonas Kaya Lena Milo Noor Olga Pavel".split()
)
LAST_NAMES = (
    "Abel Brandt Castro Dubois Eriksen Fischer Garcia Haddad Ito Jansen Kowalski Lang".split()
)
SHOP_CODE = "shop"
SHOP_SHARE = 0.2
REORDER_POINT = 60
LOT = 120
DAMAGED_A_WEEK = 3
PAGE = Page(500, "id")


class Plan(NamedTuple):
    """How big a shop."""

    products: int
    weeks: int


class _Hands:
    """A clock that the demo sets: its orders were placed over the past weeks, in that order."""

    def __init__(self, start: int) -> None:
        self.at = start

    def __call__(self) -> int:
        return self.at


async def fill(settings: Settings, plan: Plan, tell: Callable[[int, int], None]) -> str:
    """Fills an empty shop; what it did, in a sentence. Raises StartError when there are products already."""
    chance = random.Random(SEED)  # noqa: S311 the same shop every time, not a secret
    now = times.now()
    start = now - plan.weeks * 7 * times.MICROS_PER_DAY
    hands = _Hands(start)
    runtime = compose(settings, hands).runtime
    async with opened(runtime):
        if await runtime.database.read(_has_products):
            raise StartError("the shop has products already; the demo fills only an empty one")
        shelf = await _stock_up(runtime.writer, plan.products, chance)
        moments = _moments(start, now, chance)
        keeper = _Shopkeeper(runtime.writer, shelf, settings.currency, chance, opened_at=start)
        for done, moment in enumerate(moments, start=1):
            hands.at = moment
            if keeper.is_a_new_week(moment):
                await keeper.restock(await runtime.database.read(_low))
            await keeper.pack(moment)
            await keeper.sell()
            tell(done, len(moments))
    return (
        f"{len(shelf)} products at two locations; {keeper.placed} orders over {plan.weeks} weeks,"
        f" {keeper.confirmed} confirmed, {keeper.sent} sent, {keeper.returned} returned,"
        f" {keeper.cancelled} cancelled."
    )


async def _low(reader: Reader) -> Sequence[int]:
    return [product.id for product in await product_store.low_page(reader, PAGE)]


async def _has_products(source: Source) -> bool:
    return bool(await source.fetch("SELECT 1 FROM products LIMIT 1"))


async def _stock_up(writer: Writer, wanted: int, chance: random.Random) -> Sequence[int]:
    """The products' ids, best sellers first."""
    found: list[int] = []
    await writer.perform(add_location, AddLocation(SHOP_CODE, "Shop in Mill Lane", 1, DEMO))
    for leaf in (*LEAVES, *MORE_LEAVES):
        for form, price in FORMS:
            if len(found) == wanted:
                return found
            name = f"{leaf.replace('-', ' ')}, {form}"
            price_minor = round(price * chance.uniform(0.8, 1.6))
            draft = Draft(rules.sku_from(name), name, price_minor, REORDER_POINT, LOT)
            opening = chance.choice(OPENINGS)
            made: Stocked = await writer.perform(
                products.create, products.Create(draft, opening, DEMO)
            )
            found.append(made.product.id)
            await _carry_to_shop(writer, made.product.id, round(opening * SHOP_SHARE))
    chance.shuffle(found)
    return found


async def _carry_to_shop(writer: Writer, product_id: int, quantity: int) -> None:
    if quantity:
        carried = stock.Transfer(product_id, quantity, MAIN_CODE, SHOP_CODE, DEMO)
        await writer.perform(stock.transfer, carried)


def _moments(start: int, end: int, chance: random.Random) -> list[int]:
    """When orders come: in shop hours mostly, more at weekends, a little more every week."""
    days = (end - start) // times.MICROS_PER_DAY
    found = []
    for day in range(days):
        busy = ORDERS_A_DAY * (1.5 if day % 7 in {5, 6} else 1.0) * (0.8 + 0.4 * day / max(days, 1))
        for _ in range(round(busy * chance.uniform(0.8, 1.2))):
            hour = min(max(chance.gauss(14.5, 3.5), 0.0), 23.9)
            found.append(start + day * times.MICROS_PER_DAY + int(hour * times.MICROS_PER_HOUR))
    return sorted(found)


@dataclass
class _Shopkeeper:
    """Sells from the shelf, packs, takes back, orders what runs low, and counts."""

    writer: Writer
    shelf: Sequence[int]
    currency: str
    chance: random.Random
    placed: int = 0
    confirmed: int = 0
    cancelled: int = 0
    sent: int = 0
    returned: int = 0
    opened_at: int = 0
    week: int = -1
    to_do: list[tuple[int, Any, Any]] = field(default_factory=list)
    """When, and what to do then."""

    def is_a_new_week(self, moment: int) -> bool:
        before, self.week = self.week, (moment - self.opened_at) // (7 * times.MICROS_PER_DAY)
        return self.week != before

    async def restock(self, low: Sequence[int]) -> None:
        """A delivery of most of what is low; and something always breaks."""
        for product_id in low:
            if self.chance.random() < CONFIRMED_SHARE:
                delivery = stock.Receive(
                    product_id, LOT, DEMO, reference=f"Delivery {self.week + 1}"
                )
                await self._done(stock.receive, delivery)
        for product_id in self.chance.sample(self.shelf, min(DAMAGED_A_WEEK, len(self.shelf))):
            damage = stock.Adjust(product_id, SHOP_CODE, Reason.DAMAGED, DEMO, delta=-1)
            await self._done(stock.adjust, damage)

    async def sell(self) -> None:
        hold = HOLD_MINUTES if self.chance.random() < HELD_SHARE else None
        details = self._details()
        placing = orders.Create(self._basket(), self.currency, DEMO, hold, details=details)
        try:
            order: Order = await self.writer.perform(orders.create, placing)
        except Refusal:  # what is held must be there
            return
        self.placed += 1
        luck = self.chance.random()
        confirmed = luck < CONFIRMED_SHARE and await self._done(
            orders.confirm, orders.Confirm(order.id, DEMO)
        )
        self.confirmed += confirmed
        if luck < CANCELLED_SHARE:
            self.cancelled += await self._done(orders.cancel, orders.Cancel(order.id, DEMO))
        elif confirmed:
            self._plan(order)

    async def pack(self, moment: int) -> None:
        """All that was to be done by now."""
        while self.to_do and self.to_do[0][0] <= moment:
            _, action, command = self.to_do.pop(0)
            done = await self._done(action, command)
            self.sent += done and action is fulfill
            self.returned += done and action is take_back

    def _plan(self, order: Order) -> None:
        """Payment, parcels, and now and then something comes back."""
        paid = Edit(order.id, DEMO, {"payment_status": "paid"})
        self._later(order.created_at, edit, paid)
        at = order.created_at + self._hours(*PACKING_HOURS)
        if self.chance.random() < UNCLEAR_SHARE:
            unclear = Edit(order.id, DEMO, {"on_hold_reason": "The address is incomplete"})
            self._later(order.created_at, edit, unclear)
        first = order.lines[0]
        if len(order.lines) > 1 and self.chance.random() < PARCEL_SHARE:
            part = [Wanted(first.product_id, first.quantity, first.line_no)]
            self._later(at, fulfill, self._parcel(order, part))
            at += self._hours(*PACKING_HOURS)
        self._later(at, fulfill, self._parcel(order))
        if self.chance.random() < RETURNED_SHARE:
            at += self._hours(*(24 * days for days in RETURN_DAYS))
            back = self.chance.choice(list(Disposition))
            items = [Wanted(first.product_id, 1)]
            self._later(at, take_back, TakeBack(order.id, items, back, DEMO, "Not to my taste"))

    def _parcel(self, order: Order, items: Sequence[Wanted] | None = None) -> Fulfill:
        number = f"{self.chance.randrange(10**11):011d}"
        return Fulfill(order.id, DEMO, items, None, self.chance.choice(CARRIERS), number)

    def _hours(self, least: int, most: int) -> int:
        return round(self.chance.uniform(least, most) * times.MICROS_PER_HOUR)

    def _later(self, moment: int, action: Any, command: Any) -> None:
        self.to_do.append((moment, action, command))
        self.to_do.sort(key=lambda one: one[0])

    def _details(self) -> Details:
        first, last = self.chance.choice(FIRST_NAMES), self.chance.choice(LAST_NAMES)
        email = f"{first}.{last}@example.com".lower()
        customer = orjson.dumps({"name": f"{first} {last}", "email": email}).decode()
        return Details(f"WEB-{10_000 + self.placed}", customer, email)

    def _basket(self) -> list[tuple[int, int]]:
        lines = self.chance.choice((1, 1, 1, 2, 2, 3, 4))
        # The square makes best sellers: the first products of the shelf are in most baskets.
        picks = {self.shelf[int(len(self.shelf) * self.chance.random() ** 2)] for _ in range(lines)}
        return [
            (product_id, self.chance.choice((1, 1, 1, 2, 2, 3, 6))) for product_id in sorted(picks)
        ]

    async def _done(self, action: Any, command: Any) -> bool:
        """False when it was refused: a demo shop runs out of things, like any other."""
        try:
            await self.writer.perform(action, command)
        except Refusal:
            return False
        return True
