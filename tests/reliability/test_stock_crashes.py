"""Processes die while goods move and orders hold, change, leave and come back: what was acknowledged is there, once."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.harness.mariadb import PrivateMariaDB
from tests.harness.service import Service
from tests.reliability import audit
from tests.reliability.client import Client
from tests.reliability.load import Load, assert_nothing_lost_and_nothing_twice, under_load
from tests.reliability.order_load import OrderLoad
from tests.reliability.stockroom import holding
from tests.writer.workshop import until

pytestmark = pytest.mark.anyio

BEFORE = 300
AFTER = 60
SWEPT_SECONDS_MAX = 120.0
TRIED_SECONDS_MAX = 180.0
EVERYTHING = frozenset(
    "confirm cancel receipts transfers adjustments fulfillments undo cancellations returns notes".split()
)
"""A load that never reversed anything would prove nothing about reversals."""

both_kinds = pytest.mark.parametrize(
    ("database_kind", "workers"),
    [("mariadb", 2), ("sqlite", 1)],
    ids=["mariadb, two workers", "sqlite"],
)


@pytest.fixture
def own_mariadb(mariadb: PrivateMariaDB) -> Iterator[PrivateMariaDB]:  # noqa: ARG001 skips without one
    """A server that a test may kill."""
    with PrivateMariaDB() as server:
        yield server


@both_kinds
async def test_a_crash_in_the_middle_of_the_stockroom_loses_nothing(standing: Service) -> None:
    async with under_load(standing, 3, OrderLoad) as load:
        await load.progress(BEFORE)
        for _ in range(2):
            await asyncio.to_thread(standing.kill)
            await asyncio.to_thread(standing.start)
            await load.progress(AFTER)
        await until(lambda: tried(load) >= EVERYTHING, TRIED_SECONDS_MAX)
    await assert_nothing_lost_and_nothing_twice(load, standing)


async def test_a_database_that_dies_under_the_stockroom_loses_nothing(
    own_mariadb: PrivateMariaDB,
) -> None:
    """And whoever sweeps up holds that have ended does so afterwards, although nobody asks."""
    url = own_mariadb.create_database("crashes")
    with Service(url, workers=2) as service:
        async with under_load(service, 4, OrderLoad) as load:
            await load.progress(BEFORE)
            await asyncio.to_thread(own_mariadb.kill)
            await asyncio.to_thread(own_mariadb.restart)
            await load.progress(AFTER)
        await assert_nothing_lost_and_nothing_twice(load, service)
        await assert_sweeps(service, load.products[0])
        code, output = await asyncio.to_thread(service.verify)
        assert code == 0, output


def tried(load: Load) -> set[str]:
    """What has succeeded so far, by the last words of the paths."""
    return {
        ask.path.rpartition("/")[2] for ask, reply in load.answers.items() if reply.status < 300
    }


async def assert_sweeps(service: Service, product_id: int) -> None:
    placed = await Client(service.port, service.token()).ask(holding([(product_id, 1)]))
    order_id = placed.json["id"]
    await audit.move_ends(service, {order_id: 1})
    async with asyncio.timeout(SWEPT_SECONDS_MAX):
        while await audit.overdue(service):  # noqa: ASYNC110 what is awaited lies in another process
            await asyncio.sleep(0.1)
    assert (await audit.statuses(service, [product_id]))[order_id] == "Expired"
