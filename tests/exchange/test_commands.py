"""`leafcraft import` and `leafcraft export`: the same files, for those who sit at the machine."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from leafcraft.exchange.rules import BAD_SHOWN_MAX
from tests.builders import SECRET, Done, Run, complaint
from tests.exchange.sheets import numbered, sheet
from tests.harness.service import Service

Leafcraft = tuple[Run, dict[str, object]]

ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])
PRICED = ("sku", "name", "price")
MANY = 30_000
GROWTH_KB_MAX = 10 * 1024


@pytest.fixture
def command(leafcraft: Run, database_url: str, tmp_path: Path) -> Run:
    """The program over this test's database."""
    settings = {"database_url": database_url, "data_dir": tmp_path, "secret_key": SECRET}
    return lambda *words: leafcraft(*words, **settings)


def test_a_file_is_brought_and_taken(command: Run, tmp_path: Path) -> None:
    given, shown = tmp_path / "given.csv", tmp_path / "shown.csv"
    given.write_bytes(sheet(PRICED, ("tea", "Tea", 2.5), ("kettle", "Kettle", 499.9)))
    rehearsed = command("import", "products", str(given), "--dry-run")
    assert rehearsed.stdout == (
        "2 rows: 2 created, 0 updated, 0 unchanged; nothing has changed, this was a dry run.\n"
    )
    done = command("import", "products", str(given))
    assert done == Done(0, "2 rows: 2 created, 0 updated, 0 unchanged, 0 refused.\n", "")
    assert command("export", "products", str(shown)) == Done(0, f"2 rows in {shown}.\n", "")
    assert shown.read_bytes() == (
        b"sku,name,price,archived,reorder_point,reorder_quantity\r\n"
        b"tea,Tea,2.5,false,,\r\nkettle,Kettle,499.9,false,,\r\n"
    )
    again = command("import", "products", str(shown))
    assert again.stdout == "2 rows: 0 created, 0 updated, 2 unchanged, 0 refused.\n"
    assert command("verify").returncode == 0


def test_bad_rows_are_told_and_nothing_changes(command: Run, tmp_path: Path) -> None:
    given, shown = tmp_path / "given.csv", tmp_path / "shown.csv"
    given.write_bytes(sheet(PRICED, ("tea", "Tea", 2.5), ("x", "", "y"), ("z",)))
    assert command("import", "products", str(given)) == Done(
        1,
        "line 3, price: must be a number such as 25.99\n"
        "line 4: has 1 cells, and the header 3\n"
        "3 rows, 2 of them bad; nothing has changed.\n",
        "",
    )
    assert command("export", "products", str(shown)).stdout.startswith("0 rows")


@ON_SQLITE
def test_of_many_bad_rows_the_first_are_shown(command: Run, tmp_path: Path) -> None:
    given = tmp_path / "given.csv"
    given.write_bytes(numbered(BAD_SHOWN_MAX + 500, price="x"))
    lines = command("import", "products", str(given), "--dry-run").stdout.splitlines()
    assert len(lines) == BAD_SHOWN_MAX + 2
    assert lines[-2:] == ["… and 500 more", "1500 rows, 1500 of them bad; nothing has changed."]


@ON_SQLITE
@pytest.mark.parametrize(
    "words", [("import", "products", "no.csv"), ("export", "products", "no/no")]
)
def test_a_file_that_can_not_be_opened_is_told_in_one_line(
    command: Run, tmp_path: Path, words: Sequence[str]
) -> None:
    *verb, name = words
    assert complaint(command(*verb, str(tmp_path / name))).endswith("No such file or directory")


@ON_SQLITE
def test_a_list_that_is_none_is_refused(command: Run) -> None:
    for verb in ("import", "export"):
        assert command(verb, "customers", "x.csv").returncode == 2


ORDERED = sheet(("reference", "sku", "quantity"), ("A", "tea", 1), ("A", "tea", 2), ("B", "tea", 1))


def test_orders_are_brought_and_taken_in_both_formats(command: Run, tmp_path: Path) -> None:
    """By the file's name, in any case; a word about the format has the last word."""
    files = {name: tmp_path / name for name in ("p.csv", "in.csv", "a.JSONL", "b.ndjson", "c.txt")}
    files["p.csv"].write_bytes(sheet(PRICED, ("tea", "Tea", 2.5)))
    files["in.csv"].write_bytes(ORDERED)
    assert command("import", "products", str(files["p.csv"])).returncode == 0
    done = command("import", "orders", str(files["in.csv"]))
    assert done == Done(0, "2 rows: 2 created, 0 updated, 0 unchanged, 0 refused.\n", "")
    for name, words in (("a.JSONL", ()), ("b.ndjson", ()), ("c.txt", ("--format", "jsonl"))):
        place = str(files[name])
        assert command("export", "orders", place, *words).stdout == f"2 rows in {place}.\n"
        first, second = [json.loads(line) for line in files[name].read_bytes().splitlines()]
        assert (first["reference"], second["items"][0]["sku"]) == ("A", "tea")
        again = command("import", "orders", place, *words)
        assert again.stdout == "2 rows: 0 created, 0 updated, 2 unchanged, 0 refused.\n"
    told = command("export", "orders", str(files["a.JSONL"]), "--format", "csv").stdout
    assert told.startswith("3 rows in")
    assert files["a.JSONL"].read_bytes().startswith(b"reference,sku,quantity,")
    assert command("verify").returncode == 0


def test_bad_orders_are_told_by_line_and_member(command: Run, tmp_path: Path) -> None:
    given = tmp_path / "given.jsonl"
    given.write_bytes(b'{"reference":"A","items":[{"sku":"tea","quantity":1}]}\n{"items":7}\nx\n')
    assert command("import", "orders", str(given)) == Done(
        1,
        "line 1, /items/0/sku: there is no product with this sku\n"
        "line 2, /reference: is missing\n"
        "line 2, /items: must be a list\n"
        "line 3: is not JSON: Expecting value (character 1)\n"
        "3 rows, 3 of them bad; nothing has changed.\n",
        "",
    )


@ON_SQLITE
def test_a_format_that_a_list_does_not_have_is_told_before_anything_is_written(
    command: Run, tmp_path: Path
) -> None:
    shown = tmp_path / "stock.jsonl"
    shown.write_bytes(b"as it was")
    for words in (("export", "stock", str(shown)), ("import", "stock", str(shown))):
        assert complaint(command(*words)).endswith("comes and goes as csv, not as jsonl")
    assert shown.read_bytes() == b"as it was"
    assert command("export", "orders", "-", "--format", "xml").returncode == 2


@ON_SQLITE
def test_orders_come_and_go_by_pipes_in_the_format_that_is_named(service: Service) -> None:
    piped(service, "import", "products", "-", said=sheet(PRICED, ("tea", "Tea", 1)))
    assert piped(service, "import", "orders", "-", said=ORDERED).startswith(b"2 rows: 2 created")
    shown = piped(service, "export", "orders", "-", "--format", "jsonl")
    assert [json.loads(line)["reference"] for line in shown.splitlines()] == ["A", "B"]
    told = piped(service, "import", "orders", "-", "--format", "jsonl", said=shown)
    assert told.startswith(b"2 rows: 0 created, 0 updated, 2 unchanged")


@ON_SQLITE
def test_a_pipe_will_do(service: Service) -> None:
    told = piped(service, "import", "products", "-", said=numbered(700))
    assert told == b"700 rows: 700 created, 0 updated, 0 unchanged, 0 refused.\n"
    shown = piped(service, "export", "products", "-")
    assert shown.count(b"\r\n") == 701
    assert piped(service, "import", "products", "/dev/stdin", said=shown).startswith(
        b"700 rows: 0 created, 0 updated, 700 unchanged"
    )


def piped(service: Service, *words: str, said: bytes = b"") -> bytes:
    """What the program writes to a pipe; what it reads comes by one, too."""
    done = subprocess.run(
        service.command(*words),
        env=service.environment(),
        input=said,
        capture_output=True,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout


@ON_SQLITE
def test_a_long_file_takes_hardly_more_memory_than_a_short_one(
    service: Service, tmp_path: Path
) -> None:
    peaks = {}
    for count in (500, MANY):
        (tmp_path / "in.csv").write_bytes(numbered(count))
        peaks["import", count] = peak_kb(service, "import", "products", str(tmp_path / "in.csv"))
        peaks["export", count] = peak_kb(service, "export", "products", str(tmp_path / "out.csv"))
    assert (tmp_path / "out.csv").read_bytes().count(b"\r\n") == MANY + 1
    for verb in ("import", "export"):
        assert peaks[verb, MANY] - peaks[verb, 500] < GROWTH_KB_MAX, peaks


@ON_SQLITE
def test_many_orders_take_hardly_more_memory_than_a_few(service: Service, tmp_path: Path) -> None:
    piped(service, "import", "products", "-", said=sheet(PRICED, ("tea", "Tea", 1)))
    given, shown = tmp_path / "given.csv", tmp_path / "shown.jsonl"
    peaks = {}
    for count in (500, 8000):
        lines = ((f"LONG-NUMBER-{n}", "tea", m) for n in range(count) for m in (1, 2, 3))
        given.write_bytes(sheet(("reference", "sku", "quantity"), *lines))
        peaks["import", count] = peak_kb(service, "import", "orders", str(given))
        peaks["export", count] = peak_kb(service, "export", "orders", str(shown))
    assert shown.read_bytes().count(b"LONG-NUMBER-") == 8000
    for verb in ("import", "export"):
        assert peaks[verb, 8000] - peaks[verb, 500] < GROWTH_KB_MAX, peaks


# A child's figures begin with those of the process it was forked from; its own are in its own status.
TELL_PEAK = """
import re, sys
from pathlib import Path
from leafcraft.cli import main
try:
    main()
finally:
    print(re.search(r"VmHWM:\\s+([0-9]+)", Path("/proc/self/status").read_text())[1], file=sys.stderr)
"""


def peak_kb(service: Service, *words: str) -> int:
    """How much memory a run of the program takes at most."""
    done = subprocess.run(
        [sys.executable, "-c", TELL_PEAK, *words],
        env=service.environment(),
        capture_output=True,
        check=True,
    )
    return int(done.stderr)
