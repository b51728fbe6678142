"""The write path on its own: a database of either kind and the writer over it, without HTTP."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from leafcraft.db import Database
from leafcraft.writer import Writer
from tests.writer.workshop import Workshop


@pytest.fixture
async def database(database_url: str, tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(database_url, tmp_path)
    yield opened
    await opened.close()


@pytest.fixture
async def writer(database: Database) -> AsyncIterator[Writer]:
    opened = Writer(database)
    yield opened
    await opened.stop()


@pytest.fixture
def workshop(database: Database, writer: Writer) -> Workshop:
    return Workshop(database, writer)
