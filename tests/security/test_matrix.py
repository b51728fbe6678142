"""Who may do what: a table made from the operations themselves, with every cell of it tried."""

import os
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from httpx2 import Response

from leafcraft import times
from leafcraft.accounts.rules import PERMISSIONS, Role
from leafcraft.web.front import Front
from leafcraft.web.operations import OPEN, Operation, template
from tests.builders import Clock, Shop, client_of, open_shop, settings_of
from tests.conftest import MakeSettings
from tests.security.cast import (
    COLUMNS,
    EXPIRED,
    FILES,
    NOBODY,
    Declared,
    back,
    body_of,
    declared,
    everybody,
    everything,
    place,
    refused_so,
)

pytestmark = pytest.mark.anyio

SNAPSHOT: Final = Path(__file__).parent / "access.txt"
UPDATE: Final = "UPDATE_ACCESS"
LEGEND: Final = """\
# Who may do what. yes: may; 401, 403: is refused so.
# key ...: an API key with this scope alone; expired: one with every scope, when its time is over.
"""
YES: Final = "yes"
LAST: Final = "sign_out_everywhere"
"""The operation after which whoever may ask has to sign in again."""
REFUSED: Final = {"401": (401, "not_authenticated"), "403": (403, "forbidden")}
REFUSED_AS_EXPIRED: Final = (401, "token_expired")
SAMPLE: Final = ("create_order", "list_events", "edit_user", "delete_api_key", "get_me", "refresh")


class Row(NamedTuple):
    """One operation, and what each column is answered."""

    method: str
    path: str
    name: str
    permission: str
    cells: dict[str, str]


def told() -> list[Row]:
    """The table as it stands in the snapshot."""
    lines = [line for line in SNAPSHOT.read_text().splitlines() if not line.startswith("#")]
    return [_row([cell.strip() for cell in line.split("|")]) for line in lines[1:]]


def _row(written: list[str]) -> Row:
    (method, path), name, permission = written[0].split(), written[1], written[2]
    return Row(method, path, name, permission, dict(zip(COLUMNS, written[3:], strict=True)))


def made(operations: Iterable[Declared]) -> str:
    """The table as the application's own declarations have it."""
    header = ["operation", "operationId", "permission", *COLUMNS]
    rows = [
        [f"{one.method} {one.path}", one.operation.name, permission, *_cells(permission)]
        for one in sorted(operations, key=lambda one: (one.path, one.method))
        for permission in [str(one.operation.permission)]
    ]
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [
        " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (header, *rows)
    ]
    return LEGEND + "\n".join(lines) + "\n"


def _cells(permission: str) -> list[str]:
    return [_cell(permission, column) for column in COLUMNS]


def _cell(permission: str, column: str) -> str:
    if permission == OPEN:
        return YES
    if column in {NOBODY, EXPIRED}:
        return "401"
    if column.startswith("key "):
        return YES if column == f"key {permission}" else "403"
    return YES if permission in PERMISSIONS[Role(column)] else "403"


@pytest.fixture(scope="module")
async def cast(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Shop]]:
    """Everybody, in one shop for the whole table: what is refused leaves no trace."""
    home = tmp_path_factory.mktemp("matrix")
    settings = settings_of(f"sqlite:///{home / 'shop.db'}", home, auto_migrate=True)
    clock = Clock(times.now())
    async with open_shop(settings, clock) as shop, everybody(shop, clock) as clients:
        yield clients


async def refused(cast: dict[str, Shop], row: Row) -> None:
    """Everybody who may not ask is told so, the query and a valid body notwithstanding, and nothing
    has come of it."""
    before = await everything(cast["admin"])
    for method in methods(row):
        for column in (column for column in COLUMNS if row.cells[column] != YES):
            expected = REFUSED[row.cells[column]]
            if column == EXPIRED:
                expected = REFUSED_AS_EXPIRED
            answer = await ask(cast[column], row, method)
            told = refused_so(answer) if method != "HEAD" else (answer.status_code, expected[1])
            assert told == expected, (method, column)
    assert await everything(cast["admin"]) == before


async def allowed(cast: dict[str, Shop], row: Row) -> None:
    """Everybody who may ask gets past the door; what the operation then says is its own business.

    Without a body an operation that needs one does nothing, so that one caller disturbs no other.
    """
    for method in methods(row):
        for column in (column for column in COLUMNS if row.cells[column] == YES):
            answer = await ask(cast[column], row, method, empty=True)
            assert answer.status_code in {200, 201, 204, 404, 409, 422}, (
                method,
                column,
                answer.text,
            )
            if row.name == LAST:
                await back(cast[column], column)


def methods(row: Row) -> tuple[str, ...]:
    return ("GET", "HEAD") if row.method == "GET" else (row.method,)


async def ask(client: Shop, row: Row, method: str, *, empty: bool = False) -> Response:
    if row.name in FILES and not empty:
        headers = {"content-type": "text/csv"}
        return await client.client.request(
            method, place(row.path), content=FILES[row.name], headers=headers
        )
    body = {} if empty else body_of(row.name)
    return await client.client.request(method, place(row.path), json=body)


async def test_the_table_changes_only_on_purpose(cast: dict[str, Shop]) -> None:
    """After a change on purpose: UPDATE_ACCESS=1 python -m pytest tests/security/test_matrix.py"""
    table = made(declared(cast["admin"].app))
    if os.environ.get(UPDATE) == "1":
        SNAPSHOT.write_text(table)
    assert table == SNAPSHOT.read_text()


async def test_the_table_has_all_that_is_served_and_all_that_is_documented(
    cast: dict[str, Shop],
) -> None:
    app = cast["admin"].app
    assert isinstance(app, Front)
    served = {
        (method, path)
        for path, found in app._operations.items()
        for method, one in found.items()
        if isinstance(one, Operation)
    }
    documented = {
        (method.upper(), template(path))
        for path, found in app.openapi()["paths"].items()
        for method, operation in found.items()
        if operation["tags"] != ["Service"]
    }
    assert {(row.method, template(row.path)) for row in told()} == served == documented


async def test_all_else_that_is_served_is_a_page_for_those_who_have_signed_in(
    cast: dict[str, Shop],
) -> None:
    """Pages ask operations, so what a page may show is in the table; but none is open by oversight."""
    app = cast["admin"].app
    assert isinstance(app, Front)
    pages = {
        (method, path)
        for path, found in app._operations.items()
        for method, one in found.items()
        if not isinstance(one, Operation) and not path.startswith("/console/static/")
    }
    assert len(pages) > 40
    open_pages = set()
    async with client_of(app) as nobody:
        for method, path in pages:
            answer = await nobody.request(method, path.replace("{}", "1"))
            asked = answer.status_code == 401 or (
                answer.headers.get("location", "").startswith("/console/sign-in?next=")
            )
            if not asked:
                open_pages.add((method, path))
    assert open_pages == {("GET", "/console/sign-in"), ("POST", "/console/sign-out")}


async def test_what_is_open_to_everybody_is_open_on_purpose() -> None:
    assert {row.name for row in told() if row.cells[NOBODY] == YES} == {
        "login",
        "refresh",
        "logout",
        "get_jwks",
    }


async def test_each_role_may_do_all_that_the_one_before_may() -> None:
    for row in told():
        viewer, operator, admin = (row.cells[role.value] == YES for role in Role)
        assert viewer <= operator <= admin, row.name


@pytest.mark.parametrize("row", told(), ids=lambda row: row.name)
async def test_every_cell_of_the_table_is_true(cast: dict[str, Shop], row: Row) -> None:
    await refused(cast, row)
    await allowed(cast, row)


@pytest.mark.parametrize("database_kind", ["mariadb"])
async def test_the_table_is_as_true_on_mariadb(make_settings: MakeSettings) -> None:
    clock = Clock(times.now())
    async with open_shop(make_settings(), clock) as shop, everybody(shop, clock) as clients:
        for row in (row for row in told() if row.name in SAMPLE):
            await refused(clients, row)
            await allowed(clients, row)
