"""Where people end up who come to the console by an address that only forms are sent to."""

import pytest

from tests.builders import ADMIN_EMAIL, PASSWORD, Shop
from tests.visits import Visitor

pytestmark = pytest.mark.anyio

SIGN_IN = "/console/sign-in"


@pytest.mark.parametrize(
    ("sent_to", "home"),
    [
        ("/console/account/password", "/console/account"),
        ("/console/products/1/archive", "/console/products/1"),
        ("/console/products/1/movements/2/reverse", "/console/products/1/movements"),
        ("/console/settings/locations/1/close", "/console/settings/locations"),
        ("/console/settings/users/1/disable", "/console/settings/users/1"),
        ("/console/theme", "/console"),
    ],
)
async def test_who_asks_for_an_address_of_a_form_is_led_to_the_page_around_it(
    visitor: Visitor, sent_to: str, home: str
) -> None:
    answer = await visitor.get(sent_to)
    assert (answer.status_code, answer.headers["location"]) == (303, home)


async def test_a_button_pressed_after_the_session_ended_can_be_pressed_after_signing_in(
    shop: Shop, visitor: Visitor
) -> None:
    tea = await shop.product()
    home = f"/console/products/{tea['id']}"
    await visitor.get(home)
    visitor.client.cookies.clear()
    asked = await visitor.send(f"{home}/archive")
    assert asked.status_code == 401
    assert "Your session has ended" in asked.text
    again = await visitor.send(SIGN_IN, {"email": ADMIN_EMAIL, "password": "wrong"})
    assert again.status_code == 401
    again = await visitor.send(SIGN_IN, {"email": ADMIN_EMAIL, "password": PASSWORD})
    assert (await shop.reload(tea))["archived"] is False
    assert again.status_code == 200
    done = await visitor.send(f"{home}/archive")
    assert done.headers["location"] == home


async def test_a_file_that_was_sent_when_the_session_had_ended_fits_through_the_sign_in(
    visitor: Visitor,
) -> None:
    """As browsers send plain forms, each of its letters may take six bytes."""
    place = "/console/products/import"
    await visitor.get(place)
    visitor.client.cookies.clear()
    rows = "sku,name,price\n" + "\n".join(f"A-{n},{'é' * 180},1" for n in range(1000))
    asked = await visitor.send(place, files={"file": ("rows.csv", rows.encode(), "text/csv")})
    assert asked.status_code == 401
    right = {"email": ADMIN_EMAIL, "password": PASSWORD}
    again = await visitor.send(SIGN_IN, right, as_shown=True)
    assert again.status_code == 200
    looked_at = await visitor.send(place, as_shown=True)
    assert looked_at.status_code == 200
    assert "A-999" in looked_at.text
