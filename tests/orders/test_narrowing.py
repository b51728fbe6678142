"""Lists that are narrowed: the same orders in the same order, whether few match or many, however a list is walked."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from leafcraft.orders import narrow
from tests.builders import Clock, Json, Shop, found, wanted
from tests.orders.holding import rows

pytestmark = pytest.mark.anyio

SORTS = ("id", "-id", "created_at", "-created_at")
PEOPLE = (
    {"name": "Ada Lovelace", "email": "ada@shop.example"},
    {"name": "Adam Smith", "email": "adam@shop.example"},
    {"name": "Grace Hopper", "email": "grace@navy.example", "company": "ada@shop.example"},
    None,
)
NUMBERS = 24

Matches = Callable[[Json], bool]


async def fill(shop: Shop, clock: Clock) -> None:
    """Orders of all states; some are placed at one moment, some earlier than the one before."""
    teas = [
        await shop.product(f"Tea {sku}", sku=sku, stock=500) for sku in ("oolong", "assam", "adas")
    ]
    for n in range(NUMBERS):
        lines = [(teas[n % 3], 1), (teas[n % 2], 2), (teas[n % 3], 1)]
        body = {**wanted(*lines), "reference": f"ref-{n}", "customer": PEOPLE[n % 4]}
        hold = {"hold_minutes": 5} if n % 6 == 5 else {}
        order = found(await shop.post("/orders/", {**body, **hold}), 201)
        if n % 6 in {1, 2}:
            await shop.confirm(order)
        if n % 6 in {2, 3}:
            await shop.cancel(order)
        clock.advance(seconds=(0, 60, -30)[n % 3])
    clock.advance(hours=1)


def told(order: Json) -> list[str]:
    """The words of an order."""
    customer = order["customer"] or {}
    text = " ".join([order["reference"], *customer.values()])
    domain = customer.get("email", "@").partition("@")[2]
    skus = [("oolong", "assam", "adas")[item["product_id"] - 1] for item in order["items"]]
    return [*text.lower().split(), domain, *skus]


def questions(moments: list[str]) -> Iterator[tuple[Mapping[str, Any], Matches]]:
    early, late = moments[NUMBERS // 4], moments[-NUMBERS // 4]
    one: list[tuple[Mapping[str, Any], Matches]] = [
        ({}, lambda _: True),
        ({"product_id": 1}, lambda o: any(item["product_id"] == 1 for item in o["items"])),
        (
            {"customer_email": "ADA@shop.example"},
            lambda o: (o["customer"] or {}).get("email") == "ada@shop.example",
        ),
        ({"created_after": early}, lambda o: o["created_at"] > early),
        (
            {"created_after": early, "created_before": late},
            lambda o: early < o["created_at"] < late,
        ),
        ({"ids": "9,2,5,99999"}, lambda o: o["id"] in {2, 5, 9}),
        ({"status": "Pending"}, lambda o: o["status"] == "Pending"),
        ({"status": "Expired"}, lambda o: o["status"] == "Expired"),
        ({"status": "Cancelled"}, lambda o: o["status"] == "Cancelled"),
        *(({"q": term}, _has(term)) for term in ("ada", "adam", "shop.example", "oolong ref-1")),
        *(({"q": term}, _has(term)) for term in ("smith shop", "hopper shop.example", "nobody")),
    ]
    for (filters, matches), (more, also) in itertools.combinations_with_replacement(one, 2):
        if filters.keys().isdisjoint(more) or filters == more:
            yield {**filters, **more}, lambda o, a=matches, b=also: a(o) and b(o)  # type: ignore[misc]


def _has(asked: str) -> Matches:
    return lambda order: all(
        any(word.startswith(term) for word in told(order)) for term in asked.split()
    )


@pytest.mark.parametrize("matches_max", [0, 3, 5000])
async def test_a_list_is_the_same_however_it_is_walked(
    still: Shop, clock: Clock, monkeypatch: pytest.MonkeyPatch, matches_max: int
) -> None:
    await fill(still, clock)
    monkeypatch.setattr(narrow, "MATCHES_MAX", matches_max)
    monkeypatch.setattr(narrow, "TOGETHER_MAX", matches_max)
    monkeypatch.setattr(narrow, "WALKED_MAX", matches_max)
    everything = (await still.get("/orders/", params={"limit": 500})).json()
    assert {one["status"] for one in everything} >= {"Pending", "Confirmed", "Cancelled", "Expired"}
    moments = sorted(one["created_at"] for one in everything)
    for (filters, matches), sort in itertools.product(questions(moments), SORTS):
        column = sort.removeprefix("-")
        expected = sorted(
            (one for one in everything if matches(one)),
            key=lambda one: (one[column], one["id"]),
            reverse=sort.startswith("-"),
        )
        query = "&".join(f"{name}={value}" for name, value in {**filters, "sort": sort}.items())
        shown = await rows(still, f"/orders/?limit=7&{query}")
        assert [one["id"] for one in shown] == [one["id"] for one in expected], query
