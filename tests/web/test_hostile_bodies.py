"""Bodies made to hurt: each is refused with a 4xx, and leaves no trace."""

from collections.abc import AsyncIterator

import pytest
from httpx2 import Response

from tests.builders import Shop, another, found, problem

pytestmark = pytest.mark.anyio

JSON = {"content-type": "application/json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
MEGABYTE = 1024 * 1024
CREATES = ("/products/", "/orders/", "/orders/create_order", "/orders/confirm")


async def sent(shop: Shop, path: str, content: bytes) -> Response:
    return await shop.client.post(path, content=content, headers=JSON)


async def refused(shop: Shop, path: str, content: bytes) -> None:
    """The body is a validation_error, and nothing has changed."""
    before = await shop.everything()
    problem(await sent(shop, path, content), 422, "validation_error")
    assert await shop.everything() == before


async def chunks(size: int, count: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b" " * size


@pytest.mark.parametrize("path", [*CREATES, "/auth/login"])
async def test_ten_megabytes_are_refused_by_their_announcement(
    shared_shop: Shop, path: str
) -> None:
    headers = FORM if path == "/auth/login" else JSON
    content = b"x" * (10 * MEGABYTE)
    answer = await shared_shop.client.post(path, content=content, headers=headers)
    problem(answer, 413, "body_too_large")


@pytest.mark.parametrize("path", [*CREATES, "/auth/login"])
async def test_ten_megabytes_in_chunks_are_refused_as_soon_as_they_are_too_many(
    shared_shop: Shop, path: str
) -> None:
    taken = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal taken
        async for chunk in chunks(MEGABYTE // 4, 40):
            taken += len(chunk)
            yield chunk

    answer = await shared_shop.client.post(path, content=counted(), headers=JSON)
    problem(answer, 413, "body_too_large")
    assert taken <= 2 * MEGABYTE


async def test_a_stranger_can_not_make_the_service_read_a_body(shared_shop: Shop) -> None:
    taken = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal taken
        async for chunk in chunks(1000, 5):
            taken += 1
            yield chunk

    async with another(shared_shop) as stranger:
        answer = await stranger.client.post("/orders/", content=counted(), headers=JSON)
    problem(answer, 401, "not_authenticated")
    assert taken == 0


async def test_a_body_of_exactly_the_limit_is_read(shared_shop: Shop) -> None:
    body = b'{"items": []}'
    content = body + b" " * (MEGABYTE - len(body))
    problem(await sent(shared_shop, "/orders/", content), 422, "validation_error")
    problem(await sent(shared_shop, "/orders/", content + b" "), 413, "body_too_large")


@pytest.mark.parametrize("path", CREATES)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" ",
        b"not json",
        b"{",
        b'{"items": [',
        b"[]",
        b"null",
        b"true",
        b"12",
        b'"text"',
        b"[[[]]]",
        b"{}{}",
        b"{'items': []}",
        b'{"items": [],}',
        b"\xff\xfe\x00",
        b'{"name": "\xff", "price": 1}',
        b'{"name": "\xc0\x80", "price": 1}',
        b'{"name": "\xed\xa0\x80", "price": 1}',
        b"\xef\xbb\xbf{}",
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"items":' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
    ids=lambda content: ascii(content[:24]),
)
async def test_what_is_no_json_object_is_refused(
    shared_shop: Shop, path: str, content: bytes
) -> None:
    await refused(shared_shop, path, content)


@pytest.mark.parametrize(
    "quantity",
    [
        "true",
        "false",
        "1.0",
        "1.5",
        "1e0",
        "0",
        "-0",
        "-1",
        "1000000001",
        "1" + "0" * 30,
        "9" * 4000,
        "9" * 5000,
        "-" + "9" * 5000,
        "1e400",
        "NaN",
        '"1"',
        '"\u0661"',
        "null",
        "[]",
        "[1]",
        "{}",
    ],
    ids=lambda text: text[:12],
)
async def test_a_quantity_that_is_no_count_is_refused(shared_shop: Shop, quantity: str) -> None:
    tea = await shared_shop.product()
    item = f'{{"product_id": {tea["id"]}, "quantity": {quantity}}}'
    await refused(shared_shop, "/orders/", f'{{"items": [{item}]}}'.encode())


@pytest.mark.parametrize(
    "product_id", ["true", "1.0", "0", "-1", str(2**63), "9" * 5000, '"1"', "null", "[1]"]
)
async def test_a_product_id_that_is_none_is_refused(shared_shop: Shop, product_id: str) -> None:
    await shared_shop.product()
    item = f'{{"product_id": {product_id}, "quantity": 1}}'
    await refused(shared_shop, "/orders/", f'{{"items": [{item}]}}'.encode())
    await refused(shared_shop, "/orders/confirm", f'{{"order_ids": [{product_id}]}}'.encode())


@pytest.mark.parametrize(
    "stock", ["true", "1.0", "-1", "1000000001", "1" + "0" * 30, "9" * 5000, '"1"', "null", "1e2"]
)
async def test_an_opening_stock_that_is_no_count_is_refused(shared_shop: Shop, stock: str) -> None:
    content = f'{{"name": "Tea", "price": 1, "stock_quantity": {stock}}}'
    await refused(shared_shop, "/products/", content.encode())


@pytest.mark.parametrize(
    "extra",
    ['"id": 7', '"total_amount": 0.01', '"status": "Confirmed"', '"hold_hours": 5', '"": 1'],
)
async def test_a_member_that_nobody_reads_is_refused(shared_shop: Shop, extra: str) -> None:
    tea = await shared_shop.product()
    items = f'"items": [{{"product_id": {tea["id"]}, "quantity": 1}}]'
    await refused(shared_shop, "/orders/", f"{{{items}, {extra}}}".encode())
    await refused(shared_shop, "/products/", f'{{"name": "Tea", "price": 1, {extra}}}'.encode())


@pytest.mark.parametrize("extra", ['"unit_price": 0.01', '"price": 0', '"fulfilled": 1'])
async def test_a_line_does_not_bring_its_own_price(shared_shop: Shop, extra: str) -> None:
    tea = await shared_shop.product()
    item = f'{{"product_id": {tea["id"]}, "quantity": 1, {extra}}}'
    await refused(shared_shop, "/orders/", f'{{"items": [{item}]}}'.encode())


@pytest.mark.parametrize("items", ["[]", "null", "{}", '"x"', "[null]", "[[]]", "[{}]", "[1]"])
async def test_an_order_of_nothing_is_refused(shared_shop: Shop, items: str) -> None:
    await refused(shared_shop, "/orders/", f'{{"items": {items}}}'.encode())


async def test_five_hundred_lines_are_an_order_and_one_more_is_not(shop: Shop) -> None:
    tea = await shop.product(price=1)
    line = {"product_id": tea["id"], "quantity": 1}
    order = found(await shop.post("/orders/", {"items": [line] * 500}), 201)
    assert (len(order["items"]), order["total_amount"]) == (500, 500)
    problem(await shop.post("/orders/", {"items": [line] * 501}), 422, "validation_error")
    problem(await shop.post("/orders/", {"items": [line] * 10_000}), 422, "validation_error")
    assert len((await shop.get("/orders/")).json()) == 1


@pytest.mark.parametrize(
    "name",
    ["\\ud800", "\\udfff\\ud800", "a\\u0000b", "\\u0000", "a\\nb", "\\u007f", "\\u0085", " ", ""],
)
async def test_a_name_with_what_is_no_text_is_refused(shared_shop: Shop, name: str) -> None:
    await refused(shared_shop, "/products/", f'{{"name": "{name}", "price": 1}}'.encode())
    await refused(
        shared_shop, "/products/", f'{{"name": "T", "sku": "{name}", "price": 1}}'.encode()
    )


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data"])
async def test_json_of_another_name_is_read_or_refused_but_never_breaks(
    shared_shop: Shop, content_type: str
) -> None:
    answer = await shared_shop.client.post(
        "/products/",
        content=f'{{"name": "{content_type}", "price": 1}}',
        headers={"content-type": content_type},
    )
    assert answer.status_code in {201, 415, 422}


async def test_a_member_given_twice_is_one_or_none(shop: Shop) -> None:
    answer = await sent(shop, "/products/", b'{"name": "A", "name": "B", "price": 1, "price": 2}')
    assert answer.status_code in {201, 422}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"username=a",
        b"username=a&password=b&username=c",
        b"username=%ff&password=b",
        b"\xff=\xff",
        b"&" * 5000,
        b"=&" * 5000,
        b"username[]=a&password[$ne]=",
        b'{"username": "a", "password": "b"}',
        b"username=" + b"a" * 5000 + b"&password=b",
        b"username=a&password=" + b"b" * 5000,
    ],
    ids=lambda content: ascii(content[:24]),
)
async def test_a_login_form_that_is_none_is_refused(shared_shop: Shop, content: bytes) -> None:
    answer = await shared_shop.client.post("/auth/login", content=content, headers=FORM)
    problem(answer, 422, "validation_error")


async def test_a_refused_login_does_not_repeat_the_password(shared_shop: Shop) -> None:
    answer = await shared_shop.sign_in(password="my secret " * 50)
    problem(answer, 422, "validation_error")
    assert "my secret" not in answer.text
