"""A shop whose clock a test moves, and the service as two processes, started once."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from tests.access.issuer import Badge, Issuer
from tests.builders import Clock, Shop, open_shop
from tests.conftest import KINDS, MakeSettings
from tests.harness.mariadb import PrivateMariaDB
from tests.harness.service import Service

TOKEN_MINUTES = 15


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def timed_shop(make_settings: MakeSettings, clock: Clock) -> AsyncIterator[Shop]:
    """A shop that goes by `clock`."""
    async with open_shop(make_settings(token_minutes=TOKEN_MINUTES), clock) as shop:
        yield shop


@pytest.fixture(scope="session", params=KINDS)
def pair(request: pytest.FixtureRequest) -> Iterator[Service]:
    """`leafcraft serve` with two workers, for all tests that end what they began."""
    url = None
    with ExitStack() as stack:
        if request.param == "mariadb":
            server: PrivateMariaDB = request.getfixturevalue("mariadb")
            url = server.create_database("access")
            stack.callback(server.drop_database, "access")
        yield stack.enter_context(Service(url, workers=2))


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    """An OpenID provider."""
    running = Issuer()
    yield running
    running.stop()


@pytest.fixture
async def federated_shop(
    make_settings: MakeSettings, clock: Clock, issuer: Issuer
) -> AsyncIterator[Shop]:
    """A shop that takes the issuer's tokens as well as its own."""
    async with open_shop(make_settings(oidc_issuer=issuer.url), clock) as opened:
        yield opened


@pytest.fixture
def badge(issuer: Issuer, clock: Clock) -> Badge:
    """Makes the issuer's tokens."""
    return Badge(issuer, clock)
