"""An order edited on its page, by people who don't know of each other, and without a script."""

import re

import pytest

from tests.builders import Json, Shop
from tests.orders.acting import confirmed, drop, edit, sent, story, units
from tests.orders.desk import Person, at, hidden, said

pytestmark = pytest.mark.anyio


async def opened(me: Person, order: Json) -> Json:
    """The form as a browser would send it, were nothing changed."""
    page = await me.look(at(order, "edit"))
    fields = await me.form(at(order, "edit"), at(order, "edit"))
    return {**fields, **as_typed(page), "do": "save"}


def as_typed(page: str) -> Json:
    """What stands in the fields of the page."""
    quantities = re.findall(r'name="quantity"[^>]*value="([^"]*)"', page)
    texts = re.findall(
        r'name="(reference|name|company|email|phone)" type="\w+" value="([^"]*)"', page
    )
    areas = re.findall(
        r'<textarea id="[^"]*" name="(note|address)"[^>]*>\n(.*?)</textarea>', page, re.DOTALL
    )
    areas = [(name, text.replace("\n", "\r\n")) for name, text in areas]  # as browsers do
    return {"quantity": quantities, **dict(texts), **dict(areas)}


async def test_lines_reference_customer_and_note_are_saved_together(
    still: Shop, me: Person
) -> None:
    tea, mint = await still.product(), await still.product(sku="mint-1")
    order = await confirmed(still, (tea, 3))
    form = await opened(me, order)
    found = await me.post(at(order, "edit"), {**form, "do": "find", "add": "mint-1"})
    assert found.status_code == 200
    form = {**hidden(found.text), **as_typed(found.text), "do": "save"}
    form["quantity"] = ["2", "4"]
    about = {"reference": "A-1", "name": "Ada", "email": "ada@example.com", "note": "ring twice"}
    answer = await me.post(at(order, "edit"), {**form, **about, "address": "Lane 1\r\nTown"})
    assert answer.status_code == 303, said(answer.text)
    after = await still.reload(order)
    assert [(one["product_id"], one["quantity"]) for one in after["items"]] == [
        *((tea["id"], 2), (mint["id"], 4)),
    ]
    assert after["customer"] == {
        "name": "Ada",
        "email": "ada@example.com",
        "address": "Lane 1\nTown",
    }
    assert (after["reference"], after["note"]) == ("A-1", "ring twice")


async def test_saving_what_was_not_changed_changes_nothing(still: Shop, me: Person) -> None:
    order = await confirmed(still, (await still.product(), 3))
    shipped = {"address": "Lane 1\nTown", "shipping": {"street": "Lane 1"}}
    customer = {"name": "Ada", **shipped, "tags": ["vip"]}
    before = (await edit(still, order, customer=customer, note="x\ny", reference="A")).json()
    answer = await me.post(at(order, "edit"), await opened(me, order))
    assert answer.status_code == 303
    assert await still.reload(order) == before
    assert (await story(still, order)).count("edited") == 1


async def test_an_address_in_lines_is_edited_in_lines(still: Shop, me: Person) -> None:
    """Orders that were made by hand have it so."""
    order = await confirmed(still, (await still.product(), 3))
    customer = {"address": ["Lane 1", "Town"], "name": "Ada"}
    before = (await edit(still, order, customer=customer)).json()
    form = await opened(me, order)
    assert (await me.post(at(order, "edit"), form)).status_code == 303
    assert await still.reload(order) == before
    assert (await story(still, order)).count("edited") == 1
    form = {**await opened(me, order), "address": "Lane 2\r\n\r\nTown"}
    assert (await me.post(at(order, "edit"), form)).status_code == 303
    after = await still.reload(order)
    assert after["customer"] == {"address": ["Lane 2", "Town"], "name": "Ada"}


async def test_what_changed_meanwhile_is_told_and_nothing_typed_is_lost(
    still: Shop, me: Person
) -> None:
    tea = await still.product()
    order = await confirmed(still, (tea, 3))
    form = {**await opened(me, order), "quantity": ["2"], "note": "mine"}
    other = (await edit(still, order, note="theirs")).json()
    answer = await me.post(at(order, "edit"), form)
    assert answer.status_code == 412
    assert "Somebody has changed this order meanwhile" in said(answer.text)
    assert as_typed(answer.text)["quantity"] == ["2"]
    assert as_typed(answer.text)["note"] == "mine"
    assert await still.reload(order) == other
    again = {**hidden(answer.text), **as_typed(answer.text), "do": "save"}
    assert (await me.post(at(order, "edit"), again)).status_code == 303
    assert (await still.reload(order))["note"] == "mine"


async def test_products_are_found_by_a_part_of_their_name_and_added_once(
    still: Shop, me: Person
) -> None:
    tea = await still.product("Green Tea Loose")
    other = await still.product("Green Tea Bags")
    order = await still.order((tea, 1))
    form = {**await opened(me, order), "quantity": ["7"], "do": "enter", "add": "green"}
    page = (await me.post(at(order, "edit"), form)).text
    assert f'value="add:{other["id"]}"' in page
    assert as_typed(page)["quantity"] == ["7"]
    form = {**hidden(page), **as_typed(page), "do": f"add:{other['id']}"}
    for _ in range(2):
        page = (await me.post(at(order, "edit"), form)).text
        assert as_typed(page)["quantity"] == ["7", "1"]
        form = {**hidden(page), **as_typed(page), "do": f"add:{other['id']}"}
    page = (await me.post(at(order, "edit"), {**form, "do": "remove:0"})).text
    assert hidden(page)["product"] == [str(other["id"])]
    assert await still.reload(order) == order


@pytest.mark.parametrize(("words", "told"), [("", "Type a sku"), ("zzz", "No product")])
async def test_a_search_that_finds_nothing_says_what_to_do(
    still: Shop, me: Person, words: str, told: str
) -> None:
    order = await still.order((await still.product(), 1))
    form = {**await opened(me, order), "do": "find", "add": words}
    assert told in said((await me.post(at(order, "edit"), form)).text)


async def test_enter_in_a_quantity_saves(still: Shop, me: Person) -> None:
    order = await still.order((await still.product(), 1))
    form = {**await opened(me, order), "quantity": ["5"], "do": "enter"}
    assert (await me.post(at(order, "edit"), form)).status_code == 303
    assert units(await still.reload(order)) == [(5, 0, 0, 0)]


async def test_what_was_sent_can_not_be_edited_away(still: Shop, me: Person) -> None:
    tea, mint = await still.product(), await still.product()
    order = await confirmed(still, (tea, 3), (mint, 3))
    await sent(still, order, (mint, 2))
    await drop(still, order, (mint, 1))
    form = {**await opened(me, order), "quantity": ["3", "1"], "note": "kept"}
    answer = await me.post(at(order, "edit"), form)
    assert answer.status_code == 409
    assert "3 at least" in said(answer.text).lower()
    assert 'id="quantity-2-error"' in answer.text
    assert as_typed(answer.text)["note"] == "kept"


@pytest.mark.parametrize(
    ("typed", "beside"),
    [
        ({"quantity": ["x"]}, "quantity-1-error"),
        ({"quantity": [""]}, "quantity-1-error"),
        ({"email": "nobody"}, "f-email-error"),
        ({"reference": "x" * 65}, "f-reference-error"),
        ({"note": "y" * 1001}, "f-note-error"),
    ],
)
async def test_what_is_wrong_is_told_beside_its_field(
    still: Shop, me: Person, typed: Json, beside: str
) -> None:
    order = await still.order((await still.product(), 1))
    answer = await me.post(at(order, "edit"), {**await opened(me, order), **typed})
    assert answer.status_code == 422
    assert f'id="{beside}"' in answer.text
    assert await still.reload(order) == order


async def test_a_shortage_of_an_edit_is_told_by_the_name_of_the_product(
    still: Shop, me: Person
) -> None:
    tea = await still.product(stock=3)
    order = await confirmed(still, (tea, 1))
    answer = await me.post(at(order, "edit"), {**await opened(me, order), "quantity": ["9"]})
    assert answer.status_code == 409
    assert tea["name"] in said(answer.text)
    assert as_typed(answer.text)["quantity"] == ["9"]


async def test_the_form_of_an_edit_sent_twice_is_done_once(still: Shop, me: Person) -> None:
    order = await still.order((await still.product(), 1))
    form = {**await opened(me, order), "quantity": ["2"]}
    for _ in range(2):
        assert (await me.post(at(order, "edit"), form)).status_code == 303
    assert (await story(still, order)).count("edited") == 1
