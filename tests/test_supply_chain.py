"""What the service is made of: pinned, hashed, explained, and above the holes we know of."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT: Final = Path(__file__).parent.parent
SERVICE, TEST, DEV, AUDIT = (
    f"requirements{suffix}.txt" for suffix in ("-service", "", "-dev", "-audit")
)
LOCKS: Final = (SERVICE, TEST, DEV, AUDIT)

FLOORS: Final = {
    "asyncmy": ("0.2.12", "SQL injection through the keys of a mapping"),
    "authlib": ("1.6.9", "CVE-2026-27962: believes the key that a forged token brings along"),
    "cryptography": ("46.0.5", "CVE-2026-26007: takes points outside the group as public keys"),
    "h11": ("0.16.0", "CVE-2025-43859: requests smuggled in malformed chunks"),
    "orjson": ("3.11.6", "CVE-2025-67221: deeply nested JSON crashes the process"),
    "pyjwt": ("2.13.0", "CVE-2026-48526: takes a public key for a shared secret"),
    "python-multipart": ("0.0.27", "CVE-2026-42561: endless headers in a part of a form"),
    "starlette": ("1.0.1", "CVE-2026-48710: the Host header changes the path"),
    "urllib3": ("2.6.3", "CVE-2026-21441: decompression bombs in redirects"),
}
"""The first version without the hole, and the hole; written down here, so that nobody need be asked."""

NEEDED: Final = ("asyncmy", "cryptography", "orjson", "pyjwt", "python-multipart", "starlette")
UNWANTED: Final = {
    "authlib": "larger than the one algorithm needed, and forged tokens passed it",
    "passlib": "no release since 2020",
    "python-jose": "algorithm confusion, and it leans on ecdsa",
    "ecdsa": "leaks keys through timing, which its authors don't intend to mend",
}

PIN = re.compile(r"([a-z0-9-]+)==([\w.]+)")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")
ADDRESS = re.compile(r"(?i)\w+://|\s@\s|--(extra-)?index-url|--find-links|--trusted-host|\bwww\.")


class Pin(NamedTuple):
    version: Version
    hashes: int


@cache
def pins(lock: str) -> dict[str, Pin]:
    """Every pin of a lock, by its canonical name."""
    blocks = re.split(r"\n(?=[^\s#])", "\n" + (ROOT / lock).read_text("utf-8"))[1:]
    found: dict[str, Pin] = {}
    for block in blocks:
        pin = PIN.match(block)
        assert pin, f"{lock}: not a pin: {block.splitlines()[0]}"
        found[canonicalize_name(pin[1])] = Pin(Version(pin[2]), len(HASH.findall(block)))
    return found


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def named(*groups: str) -> dict[str, Requirement]:
    """The direct dependencies of the service, and of these groups as they stand, without what they include."""
    lines = [*project()["project"]["dependencies"]]
    for group in groups:
        lines += [line for line in project()["dependency-groups"][group] if isinstance(line, str)]
    requirements = map(Requirement, lines)
    return {canonicalize_name(requirement.name): requirement for requirement in requirements}


def installed() -> Iterator[tuple[str, Version]]:
    for package in metadata.distributions():
        yield canonicalize_name(package.name), Version(package.version)


def holes(versions: Iterator[tuple[str, Version]]) -> list[str]:
    return [
        f"{name} {version}: {FLOORS[name][1]} (mended in {FLOORS[name][0]})"
        for name, version in versions
        if name in FLOORS and version < Version(FLOORS[name][0])
    ]


# ── holes we know of ─────────────────────────────────────────────────────────


@pytest.mark.parametrize("lock", LOCKS)
def test_nothing_is_locked_below_the_version_that_mended_a_known_hole(lock: str) -> None:
    assert not holes((name, pin.version) for name, pin in pins(lock).items())


def test_nothing_is_installed_below_the_version_that_mended_a_known_hole() -> None:
    assert not holes(installed())


@pytest.mark.parametrize("name", NEEDED)
def test_the_manifest_itself_rules_out_the_holed_versions(name: str) -> None:
    specifier = named()[name].specifier
    lowest = [Version(bound.version) for bound in specifier if bound.operator == ">="]
    assert lowest, f"{name} has no floor in pyproject.toml"
    assert max(lowest) >= Version(FLOORS[name][0])


@pytest.mark.parametrize("lock", LOCKS)
def test_what_is_not_to_be_trusted_is_not_locked(lock: str) -> None:
    assert not pins(lock).keys() & UNWANTED.keys()


def test_what_is_not_to_be_trusted_is_not_installed() -> None:
    assert not {name for name, _ in installed()} & UNWANTED.keys()


# ── the locks ────────────────────────────────────────────────────────────────


def test_every_lock_is_looked_at() -> None:
    assert {path.name for path in ROOT.glob("requirements*.txt")} == set(LOCKS)


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_hashes(lock: str) -> None:
    assert [name for name, pin in pins(lock).items() if not pin.hashes] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_no_lock_says_where_to_download_from(lock: str) -> None:
    lines = (ROOT / lock).read_text("utf-8").splitlines()
    assert [line for line in lines if ADDRESS.search(line)] == []


@pytest.mark.parametrize(("smaller", "larger"), [(SERVICE, TEST), (TEST, DEV)])
def test_each_lock_is_a_part_of_the_larger_one(smaller: str, larger: str) -> None:
    """What is tested is what runs."""
    assert dict(pins(smaller).items() - pins(larger).items()) == {}


@pytest.mark.parametrize(
    ("lock", "groups"), [(SERVICE, ()), (TEST, ("test",)), (DEV, ("test", "dev"))]
)
def test_every_direct_dependency_is_locked_within_its_bounds(
    lock: str, groups: tuple[str, ...]
) -> None:
    stray = {
        name: str(requirement)
        for name, requirement in named(*groups).items()
        if name not in pins(lock) or pins(lock)[name].version not in requirement.specifier
    }
    assert stray == {}


def test_the_audit_tools_are_locked_by_themselves() -> None:
    direct = named("audit").keys() - named().keys()
    assert direct
    assert direct <= pins(AUDIT).keys()
    assert not direct & pins(DEV).keys()
    assert not {"fastapi", "sqlalchemy"} & pins(AUDIT).keys()


# ── the reasons ──────────────────────────────────────────────────────────────


@cache
def decision() -> str:
    return (ROOT / "docs" / "decisions" / "0010-dependencies.md").read_text("utf-8")


def reasons() -> set[str]:
    """Every package in the first column of the decision's tables."""
    cells = re.findall(r"^\| ([^|]+) \| [^|]+ \|$", decision(), re.MULTILINE)
    return {word for cell in cells for word in re.findall(r"(?<!\w)[a-z][a-z0-9-]*", cell)}


def test_every_dependency_of_the_service_has_a_reason() -> None:
    assert named().keys() - reasons() == set()


def test_every_tool_is_named_with_the_dependencies() -> None:
    words = set(re.findall(r"[\w-]+", decision()))
    assert named("test", "dev", "audit").keys() - words == set()


def test_no_reason_outlives_its_dependency() -> None:
    extras = {"asyncio"}
    assert reasons() - named("test", "dev", "audit").keys() - extras == set()


# ── the audit ────────────────────────────────────────────────────────────────

SILENT: Final = "echo 'No known vulnerabilities found' >&2; exit 0"
HOLED: Final = "echo 'pyyaml 5.3.1 PYSEC-1 5.4'; exit 1"
UNREACHABLE: Final = "echo 'ERROR: no connection' >&2; exit 1"


@pytest.mark.parametrize(
    ("on_a_holed_release", "on_the_lock", "code"),
    [
        (HOLED, SILENT, 0),
        (HOLED, "echo 'starlette 1.0.0 CVE-2026-48710 1.0.1'; exit 1", 1),
        (HOLED, UNREACHABLE, 2),
        (SILENT, SILENT, 2),
        (UNREACHABLE, UNREACHABLE, 2),
    ],
    ids=["no-holes", "a-hole", "cut-off-midway", "knows-nothing", "out-of-reach"],
)
def test_an_audit_never_takes_silence_for_safety(
    tmp_path: Path, on_a_holed_release: str, on_the_lock: str, code: int
) -> None:
    """With a stand-in for pip-audit, which needs a network; the lock is its last argument."""
    program, lock = tmp_path / "pip-audit", tmp_path / "lock.txt"
    lock.write_text("starlette==1.0.0\n")
    program.write_text(
        f'#!/bin/sh\nfor last; do :; done\nif [ "$last" = "{lock}" ]; then {on_the_lock}; fi\n'
        f"{on_a_holed_release}\n"
    )
    program.chmod(0o755)
    command = [sys.executable, str(ROOT / ".ci" / "audit.py"), str(program), str(lock)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert ("NOT AUDITED" in done.stderr) == (code == 2)
