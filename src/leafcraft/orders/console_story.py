"""An order's timeline in words."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leafcraft.accounts.console_people import People
from leafcraft.web.visit import Document, Visit

Names = Mapping[int, str]
Data = Mapping[str, Any]

TITLES = {
    "created": "Placed",
    "held": "Stock held",
    "confirmed": "Confirmed",
    "edited": "Edited",
    "put_on_hold": "Put on hold",
    "taken_off_hold": "Taken off hold",
    "payment_changed": "Payment",
    "partly_fulfilled": "Sent in part",
    "fulfilled": "Fulfilled",
    "fulfillment_undone": "Fulfillment undone",
    "tracking_changed": "Tracking",
    "partly_cancelled": "Units cancelled",
    "cancelled": "Cancelled",
    "returned": "Returned",
    "noted": "Note",
    "expired": "Expired",
}
TONES = {
    **dict.fromkeys(("confirmed", "held", "noted"), "info"),
    **dict.fromkeys(("fulfilled", "partly_fulfilled", "taken_off_hold"), "good"),
    **dict.fromkeys(("put_on_hold", "returned", "fulfillment_undone", "partly_cancelled"), "warn"),
    **dict.fromkeys(("cancelled", "expired"), "bad"),
}
DISPOSITIONS = {"restock": "back in stock", "write_off": "written off"}


class Story:
    """Tells what happened to one order, to one visitor."""

    def __init__(self, visit: Visit, currency: str, names: Names, team: People) -> None:
        self._visit = visit
        self._currency = currency
        self._names = names
        self._team = team
        self._tellers: Mapping[str, Callable[[Data], str]] = {
            "created": self._created,
            "held": self._held,
            "edited": self._edited,
            "put_on_hold": lambda data: str(data["reason"]),
            "payment_changed": _payment,
            "partly_fulfilled": self._sent,
            "fulfilled": self._sent,
            "fulfillment_undone": lambda data: f"Fulfillment {data['fulfillment_id']}",
            "tracking_changed": self._sent,
            "partly_cancelled": self._counted,
            "cancelled": self._counted,
            "returned": self._returned,
            "noted": lambda data: str(data["text"]),
            "expired": lambda _: "Its hold ended; what was reserved is available again.",
        }

    def entry(self, entry: Document) -> Mapping[str, str]:
        """What `parts.timeline` shows of it."""
        fact = entry["type"].removeprefix("order.")
        told = self._tellers[fact](entry["data"]) if fact in self._tellers else ""
        said = [told, f"by {self._team.who(entry['actor'])}"]
        return {
            "title": TITLES.get(fact, fact.replace("_", " ").capitalize()),
            "tone": TONES.get(fact, ""),
            "at": entry["occurred_at"],
            "when": self._visit.formats.plain_moment(entry["occurred_at"]),
            "text": "\n".join(line for line in said if line),
        }

    def listed(self, items: Sequence[Data]) -> str:
        return ", ".join(
            f"{item['quantity']} × {self._names.get(item['product_id'], 'a product')}"
            for item in items
        )

    def _created(self, data: Data) -> str:
        held = self._held(data)
        return f"{self._money(data)}{f', held {held[:1].lower()}{held[1:]}' if held else ''}"

    def _held(self, data: Data) -> str:
        until = data.get("expires_at")
        return f"Until {self._visit.formats.plain_moment(until)}" if until else ""

    def _edited(self, data: Data) -> str:
        said = []
        if "items" in data:
            said.append(self.listed(data["items"][1]))
        if "total_amount" in data:
            before, after = data["total_amount"]
            said.append(f"{self._amount(before)} → {self._amount(after)}")
        texts = [name for name in ("reference", "note") if name in data]
        said += [f"{name.capitalize()}: {data[name][1] or 'none'}" for name in texts]
        if "customer" in data:
            said.append("Customer changed")
        return "\n".join(said)

    def _counted(self, data: Data) -> str:
        return self.listed(data.get("items", ()))

    def _sent(self, data: Data) -> str:
        how = [data.get("carrier"), data.get("tracking_number")]
        return " · ".join(filter(None, [self._counted(data), *how]))

    def _returned(self, data: Data) -> str:
        became = DISPOSITIONS.get(data["disposition"], data["disposition"])
        return ", ".join(filter(None, [self._counted(data), became, data.get("reason")]))

    def _money(self, data: Data) -> str:
        return self._amount(data["total_amount"]) if "total_amount" in data else ""

    def _amount(self, amount: Any) -> str:
        return self._visit.formats.money(amount, self._currency)


def _payment(data: Data) -> str:
    said = []
    if "payment_status" in data:
        said.append(str(data["payment_status"][1]).capitalize())
    if reference := data.get("payment_reference"):
        said.append(f"Reference: {reference[1] or 'none'}")
    return ", ".join(said)
