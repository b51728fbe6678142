"""Idempotency keys: whoever repeats a request gets the first answer again, and nothing happens twice."""

import pytest

from leafcraft import idempotency
from leafcraft.accounts.rules import Role
from leafcraft.app import compose, opened
from leafcraft.cause import SYSTEM
from leafcraft.idempotency import Sweep
from leafcraft.times import MICROS_PER_HOUR
from tests.builders import Clock, Shop, add, another, found, open_shop, problem, wanted
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

KEY = {"Idempotency-Key": "order 66 of 2026"}
JSON = {**KEY, "content-type": "application/json"}


async def test_a_repeated_create_gets_the_first_answer_byte_by_byte(shop: Shop) -> None:
    body = wanted((await shop.product(), 2))
    first = await shop.post("/orders/create_order", body, headers=KEY)
    again = await shop.post("/orders/create_order", body, headers=KEY)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    for name in ("etag", "location", "content-type"):
        assert first.headers[name] == again.headers[name]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len((await shop.get("/orders/")).json()) == 1


async def test_a_repeated_confirmation_takes_stock_once(shop: Shop) -> None:
    tea = await shop.product(stock=10)
    order = await shop.order((tea, 4))
    path = f"/orders/{order['id']}/confirm"
    answers = [await shop.patch(path, headers=KEY) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.content for answer in answers}) == 1
    assert (await shop.reload(tea))["reserved"] == 4


async def test_the_first_answer_is_given_even_after_the_world_has_moved_on(shop: Shop) -> None:
    order = await shop.order((await shop.product(), 1))
    first = await shop.patch(f"/orders/{order['id']}/confirm", headers=KEY)
    await shop.cancel(order)
    again = await shop.patch(f"/orders/{order['id']}/confirm", headers=KEY)
    assert again.content == first.content
    assert (await shop.reload(order))["status"] == "Cancelled"


async def test_a_key_belongs_to_one_request(shop: Shop) -> None:
    found(await shop.post("/products/", {"name": "A", "price": 1}, headers=KEY), 201)
    others = [
        await shop.post("/products/", {"name": "A", "price": 2}, headers=KEY),
        await shop.post("/products/", {"name": "A", "price": 1.00001}, headers=KEY),
        await shop.post("/orders/create_order", wanted(({"id": 1}, 1)), headers=KEY),
        await shop.patch("/products/1", {"name": "A", "price": 1}, headers=KEY),
    ]
    codes = [answer.json()["code"] for answer in others]
    assert codes == ["idempotency_key_reused", "validation_error", *["idempotency_key_reused"] * 2]
    assert len((await shop.get("/products/")).json()) == 1


async def test_the_order_of_members_and_white_space_make_no_other_request(shop: Shop) -> None:
    spellings = (
        b'{"name":"Tea","price":5,"stock_quantity":1}',
        b'\n{ "stock_quantity": 1,\t"price": 5, "name": "T\\u0065a" }\r\n',
    )
    for place in ("/products", "/products/"):
        for content in spellings:
            answer = await shop.client.post(place, content=content, headers=JSON)
            assert answer.status_code == 201, answer.text
    assert len((await shop.get("/products/")).json()) == 1


async def test_two_keys_are_two_orders(shop: Shop) -> None:
    body = wanted((await shop.product(), 1))
    for key in ("one", "two"):
        found(await shop.post("/orders/", body, headers={"Idempotency-Key": key}), 201)
    assert len((await shop.get("/orders/")).json()) == 2


async def test_without_a_key_every_request_is_new(shop: Shop) -> None:
    body = wanted((await shop.product(), 1))
    for _ in range(2):
        found(await shop.post("/orders/", body), 201)
    assert len((await shop.get("/orders/")).json()) == 2


async def test_two_callers_may_use_the_same_key(shop: Shop) -> None:
    body = wanted((await shop.product(), 1))
    await add(shop.settings, "other@example.com", Role.OPERATOR)
    token = found(await shop.sign_in("other@example.com"))["access_token"]
    async with another(shop, token) as other:
        mine = found(await shop.post("/orders/", body, headers=KEY), 201)
        theirs = found(await other.post("/orders/", body, headers=KEY), 201)
    assert mine["id"] != theirs["id"]


async def test_a_conflict_is_an_answer_that_stays(shop: Shop) -> None:
    tea = await shop.product(stock=1)
    first = await shop.order((tea, 1))
    second = await shop.order((tea, 1))
    await shop.confirm(first)
    path = f"/orders/{second['id']}/confirm"
    refused = await shop.patch(path, headers=KEY)
    problem(refused, 409, "insufficient_stock")
    await shop.cancel(first)
    again = await shop.patch(path, headers=KEY)
    assert again.content == refused.content
    assert again.headers["content-type"] == "application/problem+json"
    found(await shop.patch(path, headers={"Idempotency-Key": "a new attempt"}))


async def test_what_the_caller_can_mend_is_tried_again(shop: Shop) -> None:
    tea = await shop.product()
    found(await shop.post(f"/products/{tea['id']}/archive"))
    body = wanted((tea, 1))
    problem(await shop.post("/orders/", body, headers=KEY), 422, "product_archived")
    found(await shop.post(f"/products/{tea['id']}/unarchive"))
    found(await shop.post("/orders/", body, headers=KEY), 201)


async def test_an_order_that_is_not_there_yet_is_looked_for_again(shop: Shop) -> None:
    problem(await shop.patch("/orders/1/confirm", headers=KEY), 404, "not_found")
    await shop.order((await shop.product(), 1))
    found(await shop.patch("/orders/1/confirm", headers=KEY))


async def test_a_refused_body_leaves_the_key_free(shop: Shop) -> None:
    problem(await shop.post("/products/", {"name": ""}, headers=KEY), 422, "validation_error")
    found(await shop.post("/products/", {"name": "Tea", "price": 1}, headers=KEY), 201)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "ünï", "\x7f"])
async def test_a_key_that_is_none_is_refused(shared_shop: Shop, key: str) -> None:
    before = await shared_shop.everything()
    headers = {b"Idempotency-Key": key.encode("latin-1")}
    answer = await shared_shop.client.post(
        "/products/", json={"name": "Tea", "price": 1}, headers=headers
    )
    problem(answer, 422, "validation_error")
    assert await shared_shop.everything() == before


@pytest.mark.parametrize("key", ["x", "x" * 255, "{}[]()<>@,;:/\"'? ~!"])
async def test_any_printable_key_will_do(shop: Shop, key: str) -> None:
    body = {"name": "Tea", "price": 1}
    for _ in range(2):
        found(await shop.post("/products/", body, headers={"Idempotency-Key": key}), 201)


async def test_keys_differ_by_case(shop: Shop) -> None:
    body = wanted((await shop.product(), 1))
    for key in ("KEY", "key"):
        found(await shop.post("/orders/", body, headers={"Idempotency-Key": key}), 201)
    assert len((await shop.get("/orders/")).json()) == 2


async def test_a_key_is_forgotten_after_its_hours_and_not_before(
    make_settings: MakeSettings,
) -> None:
    clock, settings = Clock(), make_settings(token_minutes=1440)
    async with open_shop(settings, clock) as shop:
        body = wanted((await shop.product(), 1))
        first = found(await shop.post("/orders/", body, headers=KEY), 201)
        clock.advance(hours=23)
        runtime = compose(settings, clock).runtime
        async with opened(runtime):
            for advance, gone in ((0.5, 0), (1, 1), (1, 0)):
                clock.advance(hours=advance)
                kept = Sweep(clock() - settings.idempotency_hours * MICROS_PER_HOUR, SYSTEM)
                assert await runtime.writer.perform(idempotency.sweep, kept) == gone
        token = found(await shop.sign_in())["access_token"]
        async with another(shop, token) as later:
            fresh = found(await later.post("/orders/", body, headers=KEY), 201)
        assert fresh["id"] != first["id"]
