"""The service as real processes over both databases, started once; a test that ends it starts it again."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.harness.mariadb import PrivateMariaDB
from tests.harness.service import Service
from tests.reliability.client import Client

Running = Callable[[str, int], Service]


@pytest.fixture(scope="session")
def running(request: pytest.FixtureRequest) -> Iterator[Running]:
    """The service on a kind of database with so many workers, started when first asked for."""
    found: dict[tuple[str, int], Service] = {}
    with ExitStack() as stack:

        def start(kind: str, workers: int) -> Service:
            service = found.get((kind, workers))
            if service is None:
                service = Service(_url(request, kind, workers), workers=workers)
                found[kind, workers] = stack.enter_context(service)
            elif not service.ready():  # a test that kills it has failed half-way
                service.restart()
            return service

        yield start


def _url(request: pytest.FixtureRequest, kind: str, workers: int) -> str | None:
    if kind == "sqlite":
        return None
    server: PrivateMariaDB = request.getfixturevalue("mariadb")
    return server.create_database(f"reliability_{workers}")


@pytest.fixture(params=[1, 2], ids=["one worker", "two workers"])
def workers(request: pytest.FixtureRequest) -> int:
    count: int = request.param
    return count


@pytest.fixture
def standing(running: Running, database_kind: str, workers: int) -> Service:
    """A service that other tests use as well: its products and orders are not this test's alone."""
    return running(database_kind, workers)


@pytest.fixture
def client(standing: Service) -> Client:
    return Client(standing.port, standing.token())
