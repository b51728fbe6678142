"""A shop with a past to look at in the console: a week of orders in every state, made through the API."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from leafcraft import times
from leafcraft.accounts.rules import Role
from tests.builders import PASSWORD, Clock, Json, Shop, found, open_shop, settings_of

DAYS: Final = 6
ORDERS_A_DAY: Final = 10
LEAVES: Final = (
    ("Assam, Loose 100 g", 11.5, 400),
    ("Ceylon, Loose 100 g", 10.9, 320),
    ("Darjeeling First Flush, Loose 50 g", 16.4, 150),
    ("Earl Grey, 20 Bags", 5.9, 600),
    ("Genmaicha, Loose 100 g", 12.25, 90),
    ("Gyokuro, Gift Tin", 34.0, 12),
    ("Jasmine, Cold Brew", 7.9, 45),
    ("Lapsang Souchong, Loose 250 g", 24.9, 0),
    ("Matcha, Sampler", 9.9, 30),
    ("Rooibos, Wholesale 1 kg", 79.0, 25),
)
"""Name, price and opening stock."""

PEOPLE: Final = ("Ada Abel", "Ben Brandt", "Chiara Castro", "Dilan Dubois", "Edda Eriksen")
SHORT_OF: Final = 1000
"""More than there ever is: whoever confirms it is told of a shortage."""
WEEK_MINUTES: Final = 7 * 24 * 60


def email_of(role: Role | str) -> str:
    """Whom the furnished shop has with this role; the password is PASSWORD."""
    return f"{role}@example.net"


async def furnish(database_url: str, scratch: Path) -> None:
    """Fills an empty database; the days are the last ones before now, so that all of it may be seen."""
    settings = settings_of(database_url, scratch, auto_migrate=True)
    now = times.now()
    products: list[Json] = []
    numbers = itertools.count(1)
    for day in range(DAYS, 0, -1):
        clock = Clock(now - day * times.MICROS_PER_DAY)
        async with open_shop(settings, clock) as shop:
            if not products:
                products = await _open_the_doors(shop)
            await _a_day(shop, products, numbers)
            clock.advance(hours=0.5)
            await _odd_ones(shop, products, day)


async def _open_the_doors(shop: Shop) -> list[Json]:
    for role in Role:
        user = {"email": email_of(role), "password": PASSWORD, "role": role}
        found(await shop.post("/users/", user), 201)
    found(await shop.post("/locations/", {"code": "shop", "name": "Shop in Mill Lane"}), 201)
    key = {"name": "Storefront", "scopes": ["orders:read", "orders:write"]}
    found(await shop.post("/api-keys/", key), 201)
    reorder = {"reorder_point": 40, "reorder_quantity": 120}
    products = [
        await shop.product(name, price=price, stock=stock, **reorder)
        for name, price, stock in LEAVES
    ]
    for product in products[:4]:
        carried = {"product_id": product["id"], "quantity": 40}
        places = {"from_location": "main", "to_location": "shop"}
        found(await shop.post("/stock/transfers", {**carried, **places}), 201)
    return products


async def _a_day(shop: Shop, products: Sequence[Json], numbers: "itertools.count[int]") -> None:
    """Most of a day's orders are confirmed and sent; some wait, one is cancelled, one comes back."""
    sent = [_wish(products, next(numbers)) for _ in range(ORDERS_A_DAY)]
    answer = await shop.post("/orders/bulk", {"orders": sent})
    orders = [one["order"]["id"] for one in found(answer)["results"]]
    await shop.post("/orders/confirm", {"order_ids": orders[:8]})
    await shop.post("/orders/cancel", {"order_ids": orders[7:8]})
    await shop.post("/orders/fulfill", {"order_ids": orders[:5], "carrier": "Red Van"})
    back = {"items": [{"product_id": sent[0]["items"][0]["product_id"], "quantity": 1}]}
    reasons = {"disposition": "restock", "reason": "Not to my taste"}
    found(await shop.post(f"/orders/{orders[0]}/returns", {**back, **reasons}), 201)
    found(await shop.patch(f"/orders/{orders[1]}", {"payment_status": "paid"}))


async def _odd_ones(shop: Shop, products: Sequence[Json], day: int) -> None:
    """What a console has to show as well: holds that end, parts, trouble and notes."""
    first, last = products[0], products[-1]
    items = [{"product_id": first["id"], "quantity": 2}]
    minutes = 5 if day > 1 else WEEK_MINUTES
    found(await shop.post("/orders/", {"items": items, "hold_minutes": minutes}), 201)
    if day == 2:
        order = await shop.confirm(await shop.order((first, 3), (last, 1)))
        place = f"/orders/{order['id']}"
        part = {"items": items, "carrier": "Post", "tracking_number": "00340434"}
        found(await shop.post(f"{place}/fulfillments", part), 201)
        found(await shop.patch(place, {"on_hold_reason": "The address is incomplete"}))
        found(await shop.post(f"{place}/notes", {"text": "Rang twice, nobody there."}), 201)
        damage = {"product_id": last["id"], "location": "main", "delta": -2, "reason": "damaged"}
        found(await shop.post("/stock/adjustments", damage), 201)
    if day == 1:
        await shop.order((products[5], SHORT_OF), (products[7], 2))


def _wish(products: Sequence[Json], number: int) -> Json:
    """The numbered order: one or two lines, from one of a few customers."""
    picks = {number * number % 5, number % 4}
    person = PEOPLE[number % len(PEOPLE)]
    email = f"{person.replace(' ', '.').lower()}@example.com"
    return {
        "items": [{"product_id": products[n]["id"], "quantity": 1 + number % 3} for n in picks],
        "reference": f"WEB-{10_000 + number}",
        "customer": {"name": person, "email": email},
    }
