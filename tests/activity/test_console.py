"""What happened, as admins look through it."""

import pytest

from tests.builders import Clock, open_shop
from tests.conftest import MakeSettings
from tests.visits import Visitor

pytestmark = pytest.mark.anyio


async def test_one_day_alone_can_be_looked_at_where_the_visitor_is(
    make_settings: MakeSettings,
) -> None:
    """What happens at noon in London happens on the next day in Auckland."""
    async with open_shop(make_settings(), Clock()) as shop, Visitor(shop) as admin:
        await shop.product("Tea")
        await admin.sign_in()
        for zone, day, there in (
            ("UTC", "2026-01-01", True),
            ("UTC", "2026-01-02", False),
            ("Pacific/Auckland", "2026-01-01", False),
            ("Pacific/Auckland", "2026-01-02", True),
        ):
            admin.client.cookies.set("leafcraft_tz", zone)
            page = await admin.get(f"/console/activity?since={day}&until={day}")
            assert ("Product 1" in page.text) is there, (zone, day)
