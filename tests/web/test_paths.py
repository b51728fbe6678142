"""Every path in both of its forms, with the methods it takes and no other, and ids that are ids."""

import pytest

from tests.builders import Shop, found, problem

pytestmark = pytest.mark.anyio

LISTS = ("/products", "/orders", "/stock/levels", "/stock/movements")
NOT_IDS = (
    "0",
    "-1",
    "007",
    "+1",
    "1.0",
    "1e3",
    "abc",
    "\u0663",
    "\uff11\uff12",
    "²",
    "0x1",
    "null",
    "%00",
    "%7B%7D",
)
BEYOND_IDS = (2**63, 10**30, "9" * 600)


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_is_the_same_with_and_without_the_slash(shared_shop: Shop, path: str) -> None:
    bare = await shared_shop.get(path)
    slashed = await shared_shop.get(f"{path}/")
    assert (bare.status_code, slashed.status_code) == (200, 200)
    assert bare.content == slashed.content


@pytest.mark.parametrize("slash", ["", "/"])
async def test_an_order_is_placed_with_and_without_the_slash(shop: Shop, slash: str) -> None:
    tea = found(
        await shop.post(f"/products{slash}", {"name": "Tea", "stock_quantity": 5, "price": 1}), 201
    )
    body = {"items": [{"product_id": tea["id"], "quantity": 1}]}
    for path in ("/orders", "/orders/create_order"):
        order = found(await shop.post(f"{path}{slash}", body), 201)
        found(await shop.patch(f"/orders/{order['id']}/confirm{slash}"))
        found(await shop.post(f"/orders/{order['id']}/cancel{slash}"))
        assert found(await shop.get(f"/orders/{order['id']}{slash}"))["status"] == "Cancelled"


@pytest.mark.parametrize("method", ["PATCH", "POST"])
async def test_an_order_is_confirmed_and_cancelled_by_patch_and_by_post(
    shop: Shop, method: str
) -> None:
    order = await shop.order((await shop.product(), 1))
    for verb, message in (
        ("confirm", "Order Confirmed successfully"),
        ("cancel", "Order cancelled"),
    ):
        answer = await shop.client.request(method, f"/orders/{order['id']}/{verb}")
        assert found(answer)["message"] == message


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/products/", "GET, POST"),
        ("PUT", "/orders/", "GET, POST"),
        ("GET", "/orders/create_order", "POST"),
        ("GET", "/orders/1/confirm", "PATCH, POST"),
        ("DELETE", "/orders/1", "GET"),
        ("PUT", "/products/1", "GET, PATCH"),
        ("POST", "/stock/levels", "GET"),
        ("GET", "/auth/login", "POST"),
        ("HEAD", "/auth/login", "POST"),
    ],
)
async def test_a_wrong_method_hears_which_are_right(
    shared_shop: Shop, method: str, path: str, allowed: str
) -> None:
    answer = await shared_shop.client.request(method, path)
    assert answer.status_code == 405
    assert set(allowed.split(", ")) <= set(answer.headers["allow"].split(", "))
    if method != "HEAD":
        problem(answer, 405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/nothing", "/products/1/nothing", "/orders/1/2", "//", "/auth"])
async def test_an_unknown_path_is_a_problem_document(shared_shop: Shop, path: str) -> None:
    body = problem(await shared_shop.get(path), 404, "not_found")
    assert body["request_id"]


@pytest.mark.parametrize("part", NOT_IDS)
async def test_what_is_no_id_finds_nothing(shared_shop: Shop, part: str) -> None:
    for path in (f"/orders/{part}", f"/products/{part}"):
        problem(await shared_shop.get(path), 404, "not_found")
    problem(await shared_shop.patch(f"/orders/{part}/confirm"), 404, "not_found")


@pytest.mark.parametrize("number", BEYOND_IDS, ids=["2^63", "10^30", "600 digits"])
async def test_an_id_beyond_all_ids_finds_nothing(shared_shop: Shop, number: int | str) -> None:
    problem(await shared_shop.get(f"/orders/{number}"), 404, "not_found")
    problem(await shared_shop.post(f"/orders/{number}/cancel"), 404, "not_found")


async def test_the_largest_id_is_looked_up_like_any_other(shared_shop: Shop) -> None:
    number = 2**63 - 1
    for path in (f"/orders/{number}", f"/products/{number}"):
        assert str(number) in problem(await shared_shop.get(path), 404, "not_found")["detail"]
    problem(await shared_shop.post(f"/orders/{number}/confirm"), 404, "not_found")
    problem(await shared_shop.post(f"/products/{number}/archive"), 404, "not_found")


@pytest.mark.parametrize("path", [*LISTS, "/products/1", "/orders/1"])
async def test_an_unknown_query_parameter_is_refused_by_name(shop: Shop, path: str) -> None:
    await shop.order((await shop.product(), 1))
    body = problem(await shop.get(f"{path}?nonsense=1"), 422, "validation_error")
    assert [error["parameter"] for error in body["errors"]] == ["nonsense"]


async def test_an_unknown_query_parameter_stops_a_write(shop: Shop) -> None:
    tea = await shop.product()
    order = await shop.order((tea, 1))
    problem(await shop.patch(f"/orders/{order['id']}/confirm?dry_run=1"), 422, "validation_error")
    assert (await shop.reload(order))["status"] == "Pending"


@pytest.mark.parametrize("path", ["/products/", "/orders/create_order"])
async def test_an_unknown_query_parameter_stops_a_create(shop: Shop, path: str) -> None:
    tea = await shop.product()
    before = await shop.everything()
    items = [{"product_id": tea["id"], "quantity": 1}]
    body = {"items": items} if "orders" in path else {"name": "Tea", "price": 1}
    problem(await shop.post(f"{path}?dry_run=1", body), 422, "validation_error")
    assert await shop.everything() == before


@pytest.mark.parametrize(
    "query", ["limit=1&limit=2", "sort=id&limit=5&sort=-id", "limit=1&limit=1"]
)
async def test_a_parameter_given_twice_is_refused(shared_shop: Shop, query: str) -> None:
    problem(await shared_shop.get(f"/products/?{query}"), 422, "validation_error")


async def test_a_query_of_broken_utf8_or_endless_fields_is_refused(shared_shop: Shop) -> None:
    problem(await shared_shop.get("/products/?q=%ff%fe"), 422, "validation_error")
    endless = "&".join(f"f{n}=1" for n in range(1000))
    problem(await shared_shop.get(f"/products/?{endless}"), 422, "validation_error")


@pytest.mark.parametrize("path", ["/products/", "/orders/", "/stock/levels"])
async def test_head_tells_what_get_would_without_a_body(shop: Shop, path: str) -> None:
    await shop.order((await shop.product(), 1))
    head, get = await shop.client.head(path), await shop.get(path)
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-length", "content-type", "cache-control"):
        assert head.headers[name] == get.headers[name]
