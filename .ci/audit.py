"""Looks for known holes in a lock, and never takes silence for safety.

Usage: audit.py PIP-AUDIT LOCK. Behind a mirror the vulnerability service may be out of reach, or answer
without knowing of any hole. So each service is first asked about a release that is known to be holed;
one that finds nothing there isn't believed. Exit codes: 0 no known holes, 1 some, 2 not audited.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

SERVICES = ("pypi", "osv", "esms")
HOLED = "pyyaml"
HOLED_VERSION = "5.3.1"
"""CVE-2020-14343: runs what a document tells it to."""

SECONDS_MAX = 300
SAFE, HOLES, NOT_AUDITED = 0, 1, 2


def main(program: str, lock: Path) -> int:
    for service in SERVICES:
        if knows_holes(program, service):
            return verdict(audit(program, service, lock))
        sys.stderr.write(f"{service}: out of reach, or knows of no holes\n")
    sys.stderr.write(f"NOT AUDITED: no vulnerability service could be asked about {lock}\n")
    return NOT_AUDITED


def verdict(done: subprocess.CompletedProcess[str]) -> int:
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    if not done.returncode:
        return SAFE
    if done.stdout.strip():  # holes are listed there, troubles are not
        return HOLES
    sys.stderr.write("NOT AUDITED: the vulnerability service didn't answer for every package\n")
    return NOT_AUDITED


def knows_holes(program: str, service: str) -> bool:
    with tempfile.TemporaryDirectory() as directory:
        bait = Path(directory, "bait.txt")
        bait.write_text(f"{HOLED}=={HOLED_VERSION} --hash=sha256:{'0' * 64}\n", "utf-8")
        done = audit(program, service, bait)
    return bool(done.returncode) and HOLED in done.stdout.lower()


def audit(program: str, service: str, lock: Path) -> subprocess.CompletedProcess[str]:
    """What is pinned is asked about as it stands: nothing is resolved and nothing downloaded."""
    options = ["--strict", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    command = [program, *options, "--vulnerability-service", service, "--requirement", str(lock)]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
