"""ETags: nothing is sent twice to who has it already, and nobody edits what they have not seen."""

import pytest
from httpx2 import Response

from tests.builders import Shop, found, problem

pytestmark = pytest.mark.anyio

PATHS = ("/products/", "/orders/", "/products/1", "/orders/1", "/stock/levels", "/stock/movements")


async def stocked(shop: Shop) -> None:
    await shop.order((await shop.product(), 1))


def not_modified(answer: Response) -> None:
    assert (answer.status_code, answer.content) == (304, b"")
    assert "etag" in answer.headers
    assert "content-type" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
async def test_what_has_not_changed_is_not_sent_again(shop: Shop, path: str) -> None:
    await stocked(shop)
    tag = (await shop.get(path)).headers["etag"]
    assert tag.startswith('"')
    for held in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        not_modified(await shop.get(path, headers={"If-None-Match": held}))
    assert (await shop.get(path, headers={"If-None-Match": '"other"'})).status_code == 200


@pytest.mark.parametrize("path", PATHS)
async def test_what_has_changed_is_sent_with_another_tag(shop: Shop, path: str) -> None:
    await stocked(shop)
    tag = (await shop.get(path)).headers["etag"]
    found(await shop.patch("/orders/1/confirm"))
    fresh = await shop.get(path, headers={"If-None-Match": tag})
    assert fresh.status_code == 200
    assert fresh.headers["etag"] != tag


@pytest.mark.parametrize("path", ["/products/", "/products/1"])
async def test_an_answer_may_be_kept_by_its_caller_only_and_must_be_asked_about(
    shop: Shop, path: str
) -> None:
    await stocked(shop)
    assert (await shop.get(path)).headers["cache-control"] == "private, no-cache"


async def test_an_edit_gives_the_tag_that_a_read_gives(shop: Shop) -> None:
    tea = await shop.product()
    edited = await shop.patch(f"/products/{tea['id']}", {"price": 3})
    read = await shop.get(f"/products/{tea['id']}")
    assert edited.headers["etag"] == read.headers["etag"]
    assert edited.content == read.content


async def test_a_created_order_has_the_tag_that_a_read_gives(shop: Shop) -> None:
    tea = await shop.product()
    created = await shop.post("/orders/", {"items": [{"product_id": tea["id"], "quantity": 1}]})
    read = await shop.get(created.headers["location"])
    assert created.headers["etag"] == read.headers["etag"]
    assert created.content == read.content


async def test_a_confirmation_gives_the_tag_of_the_order_it_shows(shop: Shop) -> None:
    order = await shop.order((await shop.product(), 1))
    confirmed = await shop.patch(f"/orders/{order['id']}/confirm")
    read = await shop.get(f"/orders/{order['id']}")
    assert confirmed.headers["etag"] == read.headers["etag"]


@pytest.mark.parametrize("verb", ["", "/archive", "/unarchive"])
async def test_an_edit_of_what_has_changed_since_is_refused(shop: Shop, verb: str) -> None:
    tea = await shop.product(price=1)
    tag = (await shop.get(f"/products/{tea['id']}")).headers["etag"]
    found(await shop.patch(f"/products/{tea['id']}", {"price": 2}, headers={"If-Match": tag}))
    call = shop.post if verb else shop.patch
    body = None if verb else {"price": 3}
    stale = await call(f"/products/{tea['id']}{verb}", body, headers={"If-Match": tag})
    problem(stale, 412, "precondition_failed")
    now = await shop.reload(tea)
    assert (now["price"], now["archived"]) == (2, False)


async def test_a_sale_in_between_does_not_stop_an_edit(shop: Shop) -> None:
    tea = await shop.product()
    tag = (await shop.get(f"/products/{tea['id']}")).headers["etag"]
    await shop.confirm(await shop.order((tea, 1)))
    answer = await shop.patch(f"/products/{tea['id']}", {"price": 2}, headers={"If-Match": tag})
    found(answer)


@pytest.mark.parametrize("held", ["*", '"9.x", "1.x"'])
async def test_any_version_or_one_of_several_will_do(shop: Shop, held: str) -> None:
    tea = await shop.product()
    found(await shop.patch(f"/products/{tea['id']}", {"price": 2}, headers={"If-Match": held}))


@pytest.mark.parametrize(
    "held",
    ['"0.x"', '"2.x"', "garbage", '""', "", ",,,", '"' + "9" * 5000],
    ids=lambda held: held[:8],
)
async def test_a_tag_that_was_never_given_is_refused(shop: Shop, held: str) -> None:
    tea = await shop.product(price=1)
    answer = await shop.patch(f"/products/{tea['id']}", {"price": 2}, headers={"If-Match": held})
    problem(answer, 412, "precondition_failed")
    assert (await shop.reload(tea))["price"] == 1


async def test_a_missing_product_is_missing_before_it_is_stale(shop: Shop) -> None:
    answer = await shop.patch("/products/99", {"price": 2}, headers={"If-Match": '"1.x"'})
    problem(answer, 404, "not_found")
