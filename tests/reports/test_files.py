"""Reports as files: who asks for CSV gets it, and nobody else does."""

import pytest

from tests.builders import Shop, problem
from tests.reports.ledgers import CSV, report, sheet

pytestmark = pytest.mark.anyio

REPORTS = ("sales", "sales?by=product", "stock-value")


async def test_a_file_says_what_the_json_says(still: Shop) -> None:
    teas = [await still.product(f'Tea, "{n}"', price=n + 0.5) for n in range(3)]
    await still.confirm(await still.order(*((tea, 2) for tea in teas)))
    for path in REPORTS[:2]:
        shown = await report(still, path)
        assert await sheet(still, path) == [
            {name: str(value) for name, value in row.items()} for row in shown
        ]
    value = await report(still, "stock-value")
    about = {"as_of": value["as_of"], "currency": "USD"}
    assert await sheet(still, "stock-value") == [
        {**about, "location": "main", "units": "30", "amount": str(value["amount"])}
    ]


@pytest.mark.parametrize(
    ("path", "header", "filename"),
    [
        (
            "sales",
            "date,currency,orders,units,amount,returned_units,returned_amount,net_amount",
            "sales-by-day.csv",
        ),
        (
            "sales?by=product",
            "product_id,sku,name,currency,units,amount,returned_units,returned_amount,net_amount",
            "sales-by-product.csv",
        ),
        ("stock-value", "as_of,currency,location,units,amount", "stock-value.csv"),
    ],
)
async def test_a_file_has_a_header_and_a_name(
    shared_shop: Shop, path: str, header: str, filename: str
) -> None:
    answer = await shared_shop.get(f"/reports/{path}", headers=CSV)
    assert answer.text.splitlines()[0] == header
    assert answer.headers["content-disposition"] == f'attachment; filename="{filename}"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "accept"
    head = await shared_shop.client.head(f"/reports/{path}", headers=CSV)
    assert (head.headers["content-type"], head.content) == ("text/csv; charset=utf-8", b"")
    held = {**CSV, "if-none-match": answer.headers["etag"]}
    assert (await shared_shop.get(f"/reports/{path}", headers=held)).status_code == 304


@pytest.mark.parametrize("path", REPORTS)
async def test_json_and_csv_of_one_address_are_not_mixed_up(shared_shop: Shop, path: str) -> None:
    plain = {"accept": "application/json"}
    asked = [plain, CSV, plain, CSV]
    answers = [await shared_shop.get(f"/reports/{path}", headers=one) for one in asked]
    assert answers[0].content == answers[2].content
    assert answers[1].content == answers[3].content
    assert [one.headers["content-type"].partition(";")[0] for one in answers] == [
        *("application/json", "text/csv") * 2
    ]
    assert answers[0].headers["etag"] != answers[1].headers["etag"]
    assert {one.headers["vary"] for one in answers} == {"accept"}
    assert "content-disposition" not in answers[0].headers
    held = {**CSV, "if-none-match": answers[0].headers["etag"]}
    assert (await shared_shop.get(f"/reports/{path}", headers=held)).status_code == 200


@pytest.mark.parametrize("accept", ["text/csv", "application/json"])
async def test_a_refusal_is_a_problem_whatever_was_asked_for(
    shared_shop: Shop, accept: str
) -> None:
    answer = await shared_shop.get("/reports/sales?by=week", headers={"accept": accept})
    problem(answer, 422, "validation_error")


async def test_what_has_no_csv_is_json_whatever_is_asked_for(shared_shop: Shop) -> None:
    answer = await shared_shop.get("/orders/", headers=CSV)
    assert answer.headers["content-type"] == "application/json"
    assert "vary" not in answer.headers
