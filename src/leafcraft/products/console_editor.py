"""The form by which people move stock by hand: they adjust, receive or transfer a product's units."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from leafcraft.products.console_lists import Json, levels, locations
from leafcraft.stock.rules import MAIN_CODE, Reason
from leafcraft.web.fields import Fields
from leafcraft.web.visit import Problem, Visit

OPERATIONS = {"adjust": "adjust_stock", "receive": "receive_stock", "transfer": "transfer_stock"}
"""What can be done by hand, and the operation that does it."""
VERBS = (("adjust", "Adjust", "edit"), ("receive", "Receive", "download"))
TRANSFER = ("transfer", "Transfer", "transfer")

COUNTED, MORE, LESS = "counted", "more", "less"
MODES = ((COUNTED, "Counted"), (MORE, "Add"), (LESS, "Take away"))
REASONS = (
    (Reason.COUNT, "Count"),
    (Reason.DAMAGED, "Damaged"),
    (Reason.LOST, "Lost"),
    (Reason.FOUND, "Found"),
    (Reason.EXPIRED, "Expired"),
    (Reason.CORRECTION, "Correction of a mistake"),
    (Reason.OTHER, "Other"),
)
NOTHING = {"on_hand": 0, "reserved": 0, "available": 0}


class Editor(NamedTuple):
    """A form of one product, and all that it shows."""

    product: Json
    verb: str
    places: Sequence[Json]
    """The locations that goods can be at."""
    levels: Mapping[str, Json]
    typed: Fields
    """What the form's fields begin with."""
    location: str
    back: str
    """Where people go when they are done."""
    problem: Problem | None = None

    @classmethod
    async def open(
        cls,
        visit: Visit,
        product: Json,
        verb: str,
        *,
        back: str,
        problem: Problem | None = None,
    ) -> "Editor | None":
        """The form for this, with what the address says or what was typed before; None where there
        is nothing of the kind. Raises Refusal."""
        if verb not in OPERATIONS or not visit.may(OPERATIONS[verb]):
            return None
        found = await levels(visit, [product["id"]])
        places = [one for one in await locations(visit) if one["active"]]
        typed = visit.form if visit.form.pairs else visit.query
        wanted = typed.one("location")
        codes = [one["code"] for one in places]
        location = wanted if wanted in codes else MAIN_CODE
        return cls(product, verb, places, found[product["id"]], typed, location, back, problem)

    def level(self, code: str) -> Json:
        """What lies at a location; nothing, where nothing ever did."""
        return self.levels.get(code, NOTHING)

    @property
    def here(self) -> Json:
        return self.level(self.location)

    @property
    def named(self) -> str:
        """The location as people call it."""
        return {one["code"]: str(one["name"]) for one in self.places}[self.location]

    @property
    def verbs(self) -> Sequence[tuple[str, str, str]]:
        return (*VERBS, TRANSFER) if len(self.places) > 1 else VERBS

    @property
    def modes(self) -> Sequence[tuple[str, str]]:
        return MODES

    @property
    def reasons(self) -> Sequence[tuple[str, str]]:
        return REASONS

    @property
    def mode(self) -> str:
        return self.typed.one("mode") or COUNTED

    @property
    def elsewhere(self) -> str:
        """Where a transfer goes to unless told."""
        others = [one["code"] for one in self.places if one["code"] != self.location]
        return others[0] if others else ""
