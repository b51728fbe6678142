"""Who may come in does not depend on the database, so most of these tests run on one kind alone."""

import pytest

from tests.conftest import _sqlite_copy


@pytest.fixture
def database_kind() -> str:
    """A test for the other kind as well says so: `parametrize("database_kind", KINDS)`."""
    return "sqlite"


@pytest.fixture(scope="module")
def _shared_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    return _sqlite_copy(request, tmp_path_factory.mktemp("shared"))
