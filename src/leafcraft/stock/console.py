"""How people see to the places where goods lie."""

from leafcraft.idempotency import Answer
from leafcraft.stock.rules import MAIN, PRIORITY_MAX
from leafcraft.stock.tables import CODE_CHARS_MAX, NAME_CHARS_MAX
from leafcraft.web.fields import whole
from leafcraft.web.pages import PREFIX, Pages, Tab
from leafcraft.web.visit import Document, Problem, Visit

ROWS = 50
PLACE = f"{PREFIX}/settings/locations"
LIST = "list_locations"

pages = Pages("stock", Tab("Locations", PLACE, "location", LIST, under="Settings"))


@pages.get("/settings/locations")
async def locations_page(visit: Visit) -> Answer:
    return await _list(visit)


@pages.post("/settings/locations")
async def add_location(visit: Visit) -> Answer:
    body = {"code": visit.form.one("code"), **_ranked(visit)}
    done = await visit.do("create_location", body=body)
    if done.problem:
        return await _list(visit, problem=done.problem, failed="add")
    return visit.see(PLACE, said=f"{done.document['name']} is there for goods to come in.")


@pages.post("/settings/locations/{location_id}")
async def edit_location(visit: Visit, location_id: int) -> Answer:
    return await _edit(visit, location_id, _ranked(visit), said="is saved")


@pages.post("/settings/locations/{location_id}/close")
async def close_location(visit: Visit, location_id: int) -> Answer:
    return await _edit(visit, location_id, {"active": False}, said="is closed")


@pages.post("/settings/locations/{location_id}/open")
async def open_location(visit: Visit, location_id: int) -> Answer:
    return await _edit(visit, location_id, {"active": True}, said="is open again")


def _ranked(visit: Visit) -> Document:
    """What is left blank is not said."""
    given = visit.form.given("name", "priority")
    return {name: whole(text) if name == "priority" else text for name, text in given.items()}


async def _edit(visit: Visit, location_id: int, body: Document, *, said: str) -> Answer:
    done = await visit.do("edit_location", location_id, body=body)
    if done.problem:
        return await _list(visit, problem=done.problem, failed=f"edit-{location_id}")
    return visit.see(PLACE, said=f"{done.document['name']} {said}.")


async def _list(visit: Visit, problem: Problem | None = None, failed: str = "") -> Answer:
    place = visit.query.given("cursor")
    found = await visit.ask(LIST, sort="priority", limit=ROWS, **place)
    value = (await visit.ask("report_stock_value")).document
    return visit.page(
        "stock/locations.html",
        locations=found.document,
        units={one["location"]: one["units"] for one in value["locations"]},
        main=MAIN,
        priority_max=PRIORITY_MAX,
        name_max=NAME_CHARS_MAX,
        code_max=CODE_CHARS_MAX,
        typed=visit.form,
        problem=problem,
        failed=failed,
        next_href=visit.next_page(PLACE, found.next_query),
        first_href=visit.first_page(PLACE),
    )
