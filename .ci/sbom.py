"""Adds what the lock knows to a bill of materials: the hashes of every file that may be installed.

Usage: sbom.py LOCK SBOM. The list of an environment has licences and who needs whom, but no hashes;
the list of a lock has hashes and nothing else. Fails when the environment isn't what was locked.
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

PIN = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>[\w.]+)(?P<rest>(?:.*\\\n)(?:    --hash.*\n)+)",
    re.MULTILINE,
)
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def main(lock: Path, sbom: Path) -> None:
    pins = locked(lock.read_text("utf-8"))
    bill = json.loads(sbom.read_text("utf-8"))
    for component in bill["components"]:
        add_hashes(component, pins)
    text = json.dumps(bill, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise SystemExit(f"{sbom} is not valid CycloneDX: {error}")
    sbom.write_text(text, "utf-8")
    sys.stdout.write(f"{sbom}: {len(bill['components'])} packages\n")


def locked(text: str) -> dict[tuple[str, str], list[str]]:
    """Name and version of each pin, with its hashes."""
    return {(pin["name"], pin["version"]): HASH.findall(pin["rest"]) for pin in PIN.finditer(text)}


def add_hashes(component: dict[str, Any], pins: dict[tuple[str, str], list[str]]) -> None:
    name = re.sub(r"[-_.]+", "-", component["name"]).lower()
    hashes = pins.get((name, component["version"]))
    if hashes is None:
        raise SystemExit(f"{name} {component['version']} is installed, but not in the lock")
    reference = {
        "type": "distribution",
        "url": component["purl"],
        "comment": "the files of this version that may be installed",
        "hashes": [{"alg": "SHA-256", "content": digest} for digest in hashes],
    }
    component.setdefault("externalReferences", []).append(reference)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
