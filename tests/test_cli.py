"""The operator's face: every verb, and every mistake told in one line."""

import socket
import sqlite3
import subprocess
from pathlib import Path
from typing import Any, Literal

import pytest

from leafcraft import __version__, serve
from leafcraft.db import Database
from tests.builders import (
    ADMIN_EMAIL,
    PASSWORD,
    SECRET,
    Run,
    Shop,
    complaint,
    found,
    open_shop,
    settings_of,
)
from tests.harness.processes import free_port
from tests.harness.service import Service

ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


def test_the_version_is_told_by_the_program_itself() -> None:
    service = Service()
    command, environment = service.command("--version"), service.environment()
    service.stop()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == f"leafcraft {__version__}\n"


@pytest.mark.parametrize("words", [["--help"], ["-h"], ["user", "--help"], ["serve", "--help"]])
def test_help_is_given(leafcraft: Run, words: list[str]) -> None:
    done = leafcraft(*words)
    assert done.returncode == 0
    assert "Usage: leafcraft" in done.stdout


def test_the_help_names_every_verb(leafcraft: Run) -> None:
    text = leafcraft("--help").stdout
    for verb in ("serve", "migrate", "verify", "demo", "user"):
        assert verb in text


def test_an_unknown_verb_is_refused(leafcraft: Run) -> None:
    done = leafcraft("sell")
    assert done.returncode == 2
    assert "sell" in done.stderr


def test_a_taken_port_is_told_in_one_line(leafcraft: Run, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        line = complaint(leafcraft("serve", data_dir=tmp_path, port=port))
    assert str(port) in line
    assert "LEAFCRAFT_PORT" in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("port", "http"),
        ("port", "70000"),
        ("workers", "0"),
        ("workers", "many"),
        ("token_minutes", "0"),
        ("currency", "dollars"),
        ("secret_key", "short"),
        ("log_level", "loud"),
        ("cache_mb", "-1"),
        ("idempotency_hours", "0"),
        ("auto_migrate", "perhaps"),
        ("rate_limit", "maybe"),
    ],
)
def test_a_bad_setting_is_named_in_one_line(
    leafcraft: Run, tmp_path: Path, name: str, value: str
) -> None:
    line = complaint(leafcraft("serve", data_dir=tmp_path, **{name: value}))
    assert f"LEAFCRAFT_{name.upper()}" in line
    if name == "secret_key":
        assert value not in line.replace("too short", "")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "postgresql://localhost/shop",
        "mysql://localhost",
        "sqlite://",
        "sqlite:///:memory:",
    ],
)
def test_a_database_that_is_none_is_told_in_one_line(
    leafcraft: Run, tmp_path: Path, url: str
) -> None:
    done = leafcraft(
        "serve", data_dir=tmp_path, database_url=url, secret_key=SECRET, port=free_port()
    )
    assert "LEAFCRAFT_DATABASE_URL" in complaint(done)


def test_a_shared_database_without_a_secret_is_told_in_one_line(
    leafcraft: Run, tmp_path: Path
) -> None:
    url = f"mysql://u:hidden@127.0.0.1:{free_port()}/shop"
    line = complaint(leafcraft("serve", data_dir=tmp_path, database_url=url, port=free_port()))
    assert "LEAFCRAFT_SECRET_KEY" in line
    assert "hidden" not in line


def test_a_database_that_does_not_answer_is_told_in_one_line_without_its_password(
    leafcraft: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Database.wait, "__defaults__", (0.0,))  # a real start waits for it
    url = f"mysql://u:hidden@127.0.0.1:{free_port()}/shop"
    done = leafcraft("migrate", data_dir=tmp_path, database_url=url, secret_key=SECRET)
    assert "can't open 127.0.0.1:" in complaint(done)
    assert "hidden" not in done.stdout + done.stderr


@pytest.mark.parametrize("database_kind", ["mariadb"])
def test_a_wrong_database_password_is_told_at_once(
    leafcraft: Run, database_url: str, tmp_path: Path
) -> None:
    head, _, tail = database_url.rpartition("@")
    wrong = f"{head}x@{tail}"
    done = leafcraft("migrate", data_dir=tmp_path, database_url=wrong, secret_key=SECRET)
    assert "Access denied" in complaint(done)


def test_a_data_directory_that_can_not_be_one_is_told_in_one_line(
    leafcraft: Run, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    complaint(leafcraft("serve", data_dir=tmp_path / "file", port=free_port()))


def test_migrate_tells_what_it_did(leafcraft: Run, blank_database_url: str, tmp_path: Path) -> None:
    settings = {"database_url": blank_database_url, "data_dir": tmp_path, "secret_key": SECRET}
    first, second = (leafcraft("migrate", **settings) for _ in range(2))
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.startswith("Now at revision")
    assert second.stdout.startswith("Already at revision")


def test_verify_and_user_work_where_the_service_has_made_its_schema(
    leafcraft: Run, database_url: str, tmp_path: Path
) -> None:
    settings = {"database_url": database_url, "data_dir": tmp_path, "secret_key": SECRET}
    added = leafcraft("user", "add", "Ann@Example.com", "--role", "viewer", "--password-stdin",
                      said=f"{PASSWORD}\n", **settings)  # fmt: skip
    assert (added.returncode, added.stdout) == (0, "Added ann@example.com as viewer.\n")
    again = leafcraft("user", "add", "ann@example.com", "--password-stdin",
                      said=f"{PASSWORD}\n", **settings)  # fmt: skip
    assert "has an account already" in complaint(again)
    listed = leafcraft("user", "list", **settings).stdout
    assert listed.split() == ["1", "viewer", "ann@example.com"]
    assert leafcraft("verify", **settings).returncode == 0


@ON_SQLITE
@pytest.mark.anyio
async def test_a_new_password_replaces_the_old_one(
    leafcraft: Run, database_url: str, tmp_path: Path
) -> None:
    settings = settings_of(database_url, tmp_path)
    async with open_shop(settings) as shop:
        done = leafcraft("user", "password", ADMIN_EMAIL, "--password-stdin",
                         said="a new password, please\n", **plain(shop))  # fmt: skip
        assert done.returncode == 0, done.stderr
        found(await shop.sign_in(password="a new password, please"))
        assert (await shop.sign_in()).status_code == 401


def plain(shop: Shop) -> dict[str, object]:
    return {
        "database_url": shop.settings.database_url,
        "data_dir": shop.settings.data_dir,
        "secret_key": SECRET,
    }


@pytest.mark.parametrize(
    ("words", "said", "told"),
    [
        (["add", "no address"], PASSWORD, "not an e-mail address"),
        (["add", "ann@example.com"], "short", "12 to 128 characters"),
        (["add", "ann@example.com"], "", "12 to 128 characters"),
        (["password", "nobody@example.com"], PASSWORD, "Nobody has the e-mail address"),
    ],
)
def test_a_user_that_can_not_be_is_told_in_one_line(
    leafcraft: Run, tmp_path: Path, words: list[str], said: str, told: str
) -> None:
    done = leafcraft("user", *words, "--password-stdin", said=f"{said}\n", data_dir=tmp_path)
    assert told in complaint(done)


def test_the_demo_fills_an_empty_shop_once_and_everything_adds_up(
    leafcraft: Run, database_url: str, tmp_path: Path
) -> None:
    settings = {"database_url": database_url, "data_dir": tmp_path, "secret_key": SECRET}
    size = ("--products", "5", "--weeks", "1")
    done = leafcraft("demo", *size, **settings)
    assert done.returncode == 0, done.stderr
    assert "5 products" in done.stdout
    assert "already" in complaint(leafcraft("demo", *size, **settings))
    verified = leafcraft("verify", **settings)
    assert verified.returncode == 0, verified.stdout


TAMPERING = (
    ("UPDATE stock_levels SET on_hand = on_hand + 1", "stock level equals"),
    ("UPDATE stock_levels SET reserved = reserved + 1", "reserved stock equals"),
    ("UPDATE stock_movements SET on_hand_after = 99 WHERE id = 1", "balances after each movement"),
    ("DELETE FROM stock_movements WHERE kind = 'reserve'", "stock level equals"),
    ("UPDATE reservations SET quantity = quantity + 1", "confirmed order is covered"),
    ("UPDATE reservations SET state = 'released'", "confirmed order is covered"),
    ("UPDATE orders SET status = 'Pending'", "no other order holds stock"),
    ("UPDATE orders SET total_minor = total_minor + 1", "total equals its lines"),
    ("DELETE FROM events WHERE type = 'order.confirmed'", "told by its events"),
    ("UPDATE order_lines SET cancelled = 2", "state agrees with its units"),
    ("UPDATE order_lines SET fulfilled = 1", "what the parcels say"),
    ("UPDATE stock_movements SET kind = 'return', order_id = 1 WHERE id = 1", "the ledger tells"),
    ("UPDATE order_counts SET orders = orders + 1", "the counts of orders"),
    ("UPDATE sales_days SET units = units + 1", "day's sales"),
)


@ON_SQLITE
@pytest.mark.anyio
async def test_verify_finds_every_kind_of_tampering(
    leafcraft: Run, database_url: str, tmp_path: Path
) -> None:
    async with open_shop(settings_of(database_url, tmp_path)) as shop:
        await shop.confirm(await shop.order((await shop.product(), 2)))
        settings = plain(shop)
    whole = (tmp_path / "shop.db").read_bytes()
    for statement, claim in TAMPERING:
        (tmp_path / "shop.db").write_bytes(whole)
        tamper(tmp_path / "shop.db", statement)
        report = leafcraft("verify", **settings)
        broken = [line for line in report.stdout.splitlines() if line.startswith("BROKEN")]
        assert report.returncode == 1, statement
        assert any(claim in line for line in broken), (statement, report.stdout)
        assert report.stderr == ""


def tamper(path: Path, statement: str) -> None:
    database = sqlite3.connect(path)
    changed: Any = database.execute(statement)
    assert changed.rowcount > 0
    database.commit()
    database.close()


@pytest.mark.parametrize("console", ["on", "off"])
def test_a_start_says_where_people_and_programs_go(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], console: Literal["on", "off"]
) -> None:
    settings = settings_of("sqlite:///shop.db", tmp_path, host="::1", console=console)
    serve.announce(settings, 8123)
    told = capfd.readouterr().out
    assert "http://[::1]:8123/docs" in told
    assert ("http://[::1]:8123/console\n" in told) is (console == "on")
