"""The acceptance test: the whole walk of an order, against a real server that was started with one command."""

import re
from collections.abc import Iterator

import pytest
from httpx2 import Client

from tests.builders import Json
from tests.harness.service import ADMIN_EMAIL, Service

WARES = (
    ("Green Tea Premium", 50, 25.99),
    ("Earl Grey", 30, 18.5),
    ("Matcha", 20, 42),
    ("Iron Kettle", 8, 499.9),
    ("Tea House Set", 3, 408.18),
)


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    """As a newcomer starts it: SQLite, and no setting but port and first password."""
    with Service() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Service) -> Iterator[Client]:
    with Client(base_url=server.url) as client:
        form = {"username": ADMIN_EMAIL, "password": server.admin_password}
        answer = client.post("/auth/login", data=form)
        assert answer.status_code == 200
        session = answer.json()
        assert session["token_type"] == "bearer"
        client.headers["authorization"] = f"Bearer {session['access_token']}"
        yield client


@pytest.fixture(scope="module")
def products(client: Client) -> list[Json]:
    made = []
    for name, stock, price in WARES:
        body = {"name": name, "stock_quantity": stock, "price": price}
        answer = client.post("/products/", json=body)
        assert answer.status_code == 201
        product = answer.json()
        assert body.items() <= product.items()
        made.append(product)
    assert [product["id"] for product in made] == [1, 2, 3, 4, 5]
    return made


def placed(client: Client) -> Json:
    """An order of one tea house set and two iron kettles: 408.18 + 2 x 499.9."""
    items = [{"product_id": 5, "quantity": 1}, {"product_id": 4, "quantity": 2}]
    answer = client.post("/orders/create_order", json={"items": items})
    assert answer.status_code == 201
    order: Json = answer.json()
    assert [
        {"product_id": item["product_id"], "quantity": item["quantity"]} for item in order["items"]
    ] == items
    assert order["status"] == "Pending"
    # Read from the text itself: a JSON reader would hide a digit too many.
    assert re.search(r'"total_amount":\s*1407\.98[,}]', answer.text)
    return order


def stock(client: Client) -> dict[int, int]:
    return {row["id"]: row["stock_quantity"] for row in client.get("/products/").json()}


def test_an_order_is_placed_confirmed_and_cancelled(client: Client, products: list[Json]) -> None:
    listed = client.get("/products/")
    assert listed.status_code == 200
    assert [row["name"] for row in listed.json()] == [product["name"] for product in products]
    before = stock(client)
    order = placed(client)
    assert stock(client) == before

    answer = client.patch(f"/orders/{order['id']}/confirm")
    assert answer.status_code == 200
    assert answer.json()["message"] == "Order Confirmed successfully"
    assert answer.json()["order"]["status"] == "Confirmed"
    assert stock(client) == {**before, 4: before[4] - 2, 5: before[5] - 1}

    answer = client.patch(f"/orders/{order['id']}/cancel")
    assert answer.status_code == 200
    assert answer.json()["message"] == "Order cancelled"
    assert stock(client) == before

    orders = client.get("/orders/")
    assert orders.status_code == 200
    assert {row["id"]: row["status"] for row in orders.json()}[order["id"]] == "Cancelled"


def test_more_than_is_there_can_not_be_confirmed(client: Client, products: list[Json]) -> None:
    before = stock(client)
    items = [{"product_id": products[4]["id"], "quantity": 4}]
    order = client.post("/orders/", json={"items": items}).json()
    answer = client.post(f"/orders/{order['id']}/confirm")
    assert answer.status_code == 409
    assert answer.json()["shortages"] == [
        {"product_id": 5, "sku": "tea-house-set", "requested": 4, "available": 3}
    ]
    assert stock(client) == before


def test_nothing_is_told_without_a_token(server: Service) -> None:
    with Client(base_url=server.url) as stranger:
        assert stranger.get("/orders/").status_code == 401
        assert stranger.post("/orders/create_order", json={}).status_code == 401


def test_a_restart_forgets_nothing(server: Service, client: Client, products: list[Json]) -> None:
    order = placed(client)
    client.patch(f"/orders/{order['id']}/confirm")
    before = (client.get("/products/").json(), client.get("/orders/").json())
    server.restart()
    assert (client.get("/products/").json(), client.get("/orders/").json()) == before
    assert len(before[0]) == len(products)
    assert server.verify()[0] == 0
