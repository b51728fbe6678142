"""What the shop looks like today: the first page of the console."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from leafcraft import times
from leafcraft.activity import words
from leafcraft.idempotency import Answer
from leafcraft.web import charts
from leafcraft.web.charts import Point, Words
from leafcraft.web.pages import PREFIX, Pages, Tab
from leafcraft.web.visit import Document, Visit

RANGES = (30, 90)
"""Days that can be looked back on."""
TOP_MAX = 5
LOW_MAX = 5
LATEST_MAX = 8

pages = Pages("reports", Tab("Overview", PREFIX, "overview", "report_sales", "h"))


@pages.get("")
async def overview(visit: Visit) -> Answer:
    """Orders and revenue of the last weeks, and all that waits for somebody."""
    asked = visit.query.one("days")
    days = next((one for one in RANGES if str(one) == asked), RANGES[0])
    first = _first_day(visit, days)
    sales = (await visit.ask("report_sales", **{"from": first})).document
    top = await visit.ask("report_sales", by="product", limit=TOP_MAX, **{"from": first})
    counts = (await visit.ask("count_orders")).document
    currency = visit.call.currency.code
    own = [day for day in sales if day["currency"] == currency]
    return visit.page(
        "reports/overview.html",
        days=days,
        ranges=[(f"{one} days", f"{PREFIX}?days={one}", None, one == days) for one in RANGES],
        counts=counts,
        total=_total(own),
        charts=_charts(visit, own, currency),
        currency=currency,
        top=top.document,
        low=(await visit.ask("list_low_stock", limit=LOW_MAX + 1)).document,
        low_shown=LOW_MAX,
        value=(await visit.ask("report_stock_value")).document,
        latest=(await visit.ask("list_orders", sort="-id", limit=LATEST_MAX)).document,
        events=await _events(visit),
    )


def _first_day(visit: Visit, days: int) -> str:
    """Sales are counted by days in UTC."""
    today = date.fromisoformat(times.write_day(times.day_of(visit.now)))
    return (today - timedelta(days=days - 1)).isoformat()


def _total(days: Sequence[Document]) -> dict[str, Decimal]:
    names = ("orders", "units", "net_amount")
    return {name: sum((Decimal(day[name]) for day in days), Decimal()) for name in names}


def _charts(visit: Visit, days: Sequence[Document], currency: str) -> list[Document]:
    formats = visit.formats
    orders = [Point(day["date"], day["orders"]) for day in days]
    revenue = [Point(day["date"], day["net_amount"]) for day in days]

    def money(amount: Decimal | int) -> str:
        return formats.money(amount, currency)

    def short(amount: Decimal | int) -> str:
        return formats.short_money(amount, currency)

    return [
        charts.bars(
            orders,
            title="Orders confirmed each day",
            words=Words(formats.number, formats.plain_day, short_label=formats.short_day),
        ),
        charts.bars(
            revenue,
            title="Revenue each day",
            words=Words(money, formats.plain_day, short, formats.short_day),
        ),
    ]


async def _events(visit: Visit) -> list[Document]:
    """What happened last, for those who may know."""
    if not visit.may("list_events"):
        return []
    found = await visit.ask("list_events", limit=LATEST_MAX)
    return [
        {
            "title": words.told(event["type"]),
            "at": event["occurred_at"],
            "when": visit.formats.ago(event["occurred_at"], visit.now).striptags(),
            "text": words.subject(event["subject_type"], event["subject_id"]),
        }
        for event in found.document
    ]
