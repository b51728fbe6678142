"""What the tests of holds share: a clock they move, and a shop that nobody sweeps."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.builders import Clock, Shop
from tests.conftest import MakeSettings
from tests.orders.desk import Person, person
from tests.orders.holding import DAY_MINUTES, unswept

WRITE_PATH = ("leafcraft.writer", "leafcraft.committer")


@pytest.fixture(autouse=True)
def _nothing_runs_twice(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The writer runs a transaction that failed again, command by command: what went wrong in it
    would show nowhere but in the log."""
    yield
    loud = [one for one in caplog.get_records("call") if one.levelno >= logging.WARNING]
    assert [one.message for one in loud if one.name.startswith(WRITE_PATH)] == []


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def still(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Shop]:
    """The service, where ended holds are written off only when somebody comes."""
    async with unswept(make_settings(token_minutes=DAY_MINUTES), clock) as shop:
        yield shop


@pytest.fixture
async def me(still: Shop) -> AsyncIterator[Person]:
    async with person(still) as somebody:
        yield somebody
