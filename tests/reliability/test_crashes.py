"""Processes die in the middle of the work: what was acknowledged stands, and a retry makes no second effect."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.harness.mariadb import PrivateMariaDB
from tests.harness.service import Service
from tests.reliability.load import assert_nothing_lost_and_nothing_twice, under_load
from tests.writer.workshop import until

pytestmark = pytest.mark.anyio

BEFORE = 120
AFTER = 50
REPLACED_SECONDS_MAX = 180.0

two_workers = pytest.mark.parametrize("workers", [2], ids=["two workers"])


@pytest.fixture
def own_mariadb(mariadb: PrivateMariaDB) -> Iterator[PrivateMariaDB]:  # noqa: ARG001 skips without one
    """A server that a test may kill."""
    with PrivateMariaDB() as server:
        yield server


async def test_a_crash_of_all_processes_loses_nothing(standing: Service) -> None:
    async with under_load(standing) as load:
        await load.progress(BEFORE)
        await asyncio.to_thread(standing.kill)
        await asyncio.to_thread(standing.start)
        await load.progress(AFTER)
    await assert_nothing_lost_and_nothing_twice(load, standing)


async def test_a_stop_answers_whatever_it_has_done(standing: Service) -> None:
    """Who comes too late may find the door closed, but nobody's order is taken without a word."""
    async with under_load(standing) as load:
        await load.progress(BEFORE)
        code = await asyncio.to_thread(standing.terminate)
        await asyncio.to_thread(standing.start)
        await load.progress(AFTER)
    await assert_nothing_lost_and_nothing_twice(load, standing)
    assert load.done_untold == set()
    assert code in {0, -signal.SIGTERM}


def two_without(victim: int, service: Service) -> bool:
    """Whether there are two workers, and the victim is none of them."""
    pids = {member.pid for member in service.workers()}
    return len(pids) == 2 and victim not in pids


@two_workers
async def test_a_worker_that_dies_is_replaced_and_loses_nothing(standing: Service) -> None:
    async with under_load(standing) as load:
        await load.progress(BEFORE)
        victim = await asyncio.to_thread(standing.kill_worker)
        await load.progress(AFTER)
        await until(lambda: two_without(victim, standing), REPLACED_SECONDS_MAX)
        await load.progress(AFTER)
    await assert_nothing_lost_and_nothing_twice(load, standing)


@two_workers
async def test_a_worker_that_stands_still_holds_up_nobody_for_good(standing: Service) -> None:
    """It may hold locks meanwhile: the others wait, and go on after it."""
    async with under_load(standing) as load:
        await load.progress(BEFORE)
        sleeper = standing.workers()[0].pid
        os.kill(sleeper, signal.SIGSTOP)
        await asyncio.sleep(0.5)
        os.kill(sleeper, signal.SIGCONT)
        await load.progress(AFTER)
    await assert_nothing_lost_and_nothing_twice(load, standing)


async def test_a_database_that_pauses_or_dies_under_load_loses_nothing(
    own_mariadb: PrivateMariaDB,
) -> None:
    with ExitStack() as stack:
        url = own_mariadb.create_database("crashes")
        service = stack.enter_context(Service(url, workers=2))
        async with under_load(service) as load:
            await load.progress(BEFORE)
            own_mariadb.pause()
            await asyncio.sleep(1)
            own_mariadb.resume()
            await load.progress(AFTER)
            assert load.untold == {}, "a pause of a second is no failure"
            for _ in range(2):
                await asyncio.to_thread(own_mariadb.kill)
                await asyncio.to_thread(own_mariadb.restart)
                await load.progress(AFTER)
        await assert_nothing_lost_and_nothing_twice(load, service)
        code, output = await asyncio.to_thread(service.verify)
        assert code == 0, output
