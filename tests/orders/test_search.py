"""Orders are found by the beginnings of words, and counted by their states."""

import pytest

from leafcraft.orders import narrow
from tests.builders import Clock, Json, Shop, found, problem, wanted
from tests.orders.acting import confirmed, do, drop, edit, sent, undo
from tests.orders.holding import assert_sound, held, ids

pytestmark = pytest.mark.anyio

ADA = {"name": "Ada Lovelace", "company": "Müller & Söhne", "email": "Ada.L@Mail.Example.org"}


async def find(shop: Shop, **query: object) -> list[int]:
    answer = await shop.get("/orders/", params=query)
    assert answer.status_code == 200, answer.text
    return [one["id"] for one in answer.json()]


async def placed(shop: Shop, product: Json, **members: object) -> Json:
    return found(await shop.post("/orders/", {**wanted((product, 1)), **members}), 201)


ASKED = [
    "shop-1001",
    "SHOP-10",
    "ada",
    "love",
    "lovelace ada",
    "LOVELACE shop",
    "muller",
    "MÜLL",
    "Müller",
    "sohne",
    "ada.l@mail.example.org",
    "ADA.L@mail",
    "mail.example.org",
    "mail.ex",
    "+44",
    "(0)20",
    "7946",
    "440207",
    "+4402079460000",
    "tea-green",
    "TEA-G ada",
    '"lovelace"',
    "  ada  ",
]


@pytest.mark.parametrize("q", ASKED)
async def test_an_order_is_found_by_what_people_know_of_it(still: Shop, q: str) -> None:
    tea, mint = await still.product(sku="tea-green"), await still.product(sku="mint")
    customer = {**ADA, "phone": "+44 (0)20 7946 0000"}
    order = await placed(still, tea, reference="SHOP-1001", customer=customer)
    await placed(still, mint, reference="OTHER", customer={"name": "Byron"})
    await placed(still, mint)
    assert await find(still, q=q) == [order["id"]]


@pytest.mark.parametrize("q", ["ovelace", "ada byron", "example.org", "1001", "ada ada2", "%", "_"])
async def test_what_no_word_begins_with_is_not_found(still: Shop, q: str) -> None:
    tea = await still.product(sku="tea-green")
    await placed(still, tea, reference="SHOP-1001", customer=ADA)
    await placed(still, tea, customer={"name": "Byron"})
    assert await find(still, q=q) == []


@pytest.mark.parametrize("q", [".", "...", "( )", '"', " "])
async def test_a_search_for_no_word_finds_nothing(still: Shop, q: str) -> None:
    await placed(still, await still.product())
    answer = await still.get("/orders/", params={"q": q})
    assert answer.status_code == 422 or answer.json() == []


async def test_many_matches_are_looked_up_one_by_one_and_are_the_same(
    still: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    tea, mint = await still.product(sku="tea"), await still.product(sku="mint")
    adas = [await placed(still, tea, customer={"name": f"Ada {n}"}) for n in range(5)]
    sold = [await placed(still, mint, customer={"name": "Bob"}) for _ in range(3)]
    asked = ("ada", "ada 3", "tea", "mint", "bob mint", "ada mint", "tea 1")
    gathered = [await find(still, q=q) for q in asked]
    assert gathered[0] == gathered[2] == [one["id"] for one in adas]
    assert gathered[3] == gathered[4] == [one["id"] for one in sold]
    monkeypatch.setattr(narrow, "MATCHES_MAX", 2)
    assert [await find(still, q=q, sort="id", limit=400) for q in asked] == gathered
    assert await find(still, q="ada", sort="-id", limit=2) == [5, 4]


async def test_an_order_is_found_by_its_new_words_and_no_more_by_its_old(
    still: Shop, clock: Clock
) -> None:
    order = await placed(still, await still.product(), reference="OLD", customer=ADA)
    found(await edit(still, order, customer={"name": "Grace"}))
    assert (await find(still, q="ada"), await find(still, q="grace")) == ([], [order["id"]])
    assert await find(still, q="old") == [order["id"]]
    found(await edit(still, order, reference="NEW"))
    assert (await find(still, q="old"), await find(still, q="new grace")) == ([], [order["id"]])
    found(await edit(still, order, customer=None, reference=None))
    assert await find(still, q="grace") == []
    await assert_sound(still, clock)


@pytest.mark.parametrize("asked", ["Ada@Example.COM", "ada@example.com", " ada@example.com "])
async def test_orders_are_filtered_by_the_whole_address(still: Shop, asked: str) -> None:
    tea = await still.product()
    for email in ("ada@example.com", "ADA@example.com", "ada@example.com.au", "xada@example.com"):
        await placed(still, tea, customer={"email": email})
    await placed(still, tea, customer={"name": "ada@example.com"})
    await placed(still, tea, customer={"email": None})
    assert await find(still, customer_email=asked) == [1, 2]


@pytest.mark.parametrize(
    "customer",
    [
        {"name": " ".join(f"n{n}" for n in range(40)), "email": "ada@example.com"},
        {"email": "ada@example.com."},
        {"email": "'ada'@example.com"},
        {"email": f"{'a' * 60}@{'b' * 60}.example.com"},
        {"email": "mÜller@straße.example"},
        {"email": "a\u00b4b@example.com"},
    ],
    ids=str,
)
async def test_every_address_finds_its_orders(still: Shop, customer: Json) -> None:
    order = await placed(still, await still.product(), reference="A-1", customer=customer)
    assert await find(still, customer_email=customer["email"]) == [order["id"]]


async def test_a_search_is_narrowed_by_the_other_filters(still: Shop, clock: Clock) -> None:
    tea = await still.product()
    first, second = [await placed(still, tea, customer=ADA) for _ in range(2)]
    await still.confirm(second)
    assert await find(still, q="ada", status="Pending") == [first["id"]]
    assert await find(still, q="ada", status="Confirmed", product_id=tea["id"]) == [second["id"]]
    third = found(
        await still.post("/orders/", {**wanted((tea, 1)), "customer": ADA, "hold_minutes": 1}), 201
    )
    clock.advance(seconds=60)
    assert await find(still, q="ada", status="Expired") == [third["id"]]
    assert await find(still, q="ada", status="Pending") == [first["id"]]


async def test_a_search_goes_on_from_page_to_page(still: Shop) -> None:
    tea = await still.product()
    made = [(await placed(still, tea, customer=ADA))["id"] for _ in range(7)]
    assert await ids(still, "/orders/?q=ada&limit=3") == made
    assert await ids(still, "/orders/?q=ada&limit=2&sort=-created_at") == made[::-1]


@pytest.mark.parametrize("q", ["", "x" * 101, "a\u0000b"])
async def test_what_can_not_be_searched_for_is_refused(shared_shop: Shop, q: str) -> None:
    answer = await shared_shop.get("/orders/", params={"q": q})
    assert answer.status_code in {200, 422}
    assert q == "a\u0000b" or problem(answer, 422, "validation_error")


async def counted(shop: Shop) -> list[int]:
    """Pending, Confirmed, Fulfilled, Cancelled, Expired."""
    return list(found(await shop.get("/orders/counts")).values())


async def test_orders_are_counted_after_each_step(still: Shop, clock: Clock) -> None:
    tea = await still.product(stock=99)
    steps = [await counted(still)]
    order = await still.order((tea, 2))
    steps.append(await counted(still))
    await still.confirm(order)
    steps.append(await counted(still))
    made = await sent(still, order)
    steps.append(await counted(still))
    found(await undo(still, order, made))
    steps.append(await counted(still))
    found(await drop(still, order, (tea, 2)))
    steps.append(await counted(still))
    assert steps == [
        *([0, 0, 0, 0, 0], [1, 0, 0, 0, 0], [0, 1, 0, 0, 0]),
        *([0, 0, 1, 0, 0], [0, 1, 0, 0, 0], [0, 0, 0, 1, 0]),
    ]
    await assert_sound(still, clock)


async def test_an_order_whose_hold_has_ended_counts_as_expired_at_once(
    still: Shop, clock: Clock
) -> None:
    tea = await still.product(stock=9)
    order = await held(still, 10, (tea, 2))
    await confirmed(still, (tea, 1))
    assert await counted(still) == [1, 1, 0, 0, 0]
    clock.advance(seconds=600)
    assert await counted(still) == [0, 1, 0, 0, 1]
    problem(await do(still, order, "cancel"), 409, "order_expired")
    assert await counted(still) == [0, 1, 0, 0, 1]
    await assert_sound(still, clock)
