"""A shop on a clock that a test moves."""

from collections.abc import AsyncIterator

import pytest

from tests.builders import Clock, Shop
from tests.conftest import MakeSettings
from tests.orders.holding import DAY_MINUTES, unswept


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def still(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Shop]:
    """The service, with nothing going on by itself."""
    async with unswept(make_settings(token_minutes=DAY_MINUTES), clock) as shop:
        yield shop
