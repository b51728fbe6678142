"""Schemathesis against the real service: everything its document allows and forbids, as each role.

    make fuzz ARGS="--seconds 90"       # as in CI: all three roles together
    make fuzz ARGS="--role viewer --seed 42 --mariadb"

All of its checks are on. What they may complain about in vain is told in `REASONS`, and nowhere else.
This file is also what Schemathesis loads its hooks from.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx2
import schemathesis

from tests.harness.mariadb import PrivateMariaDB
from tests.harness.service import HTTP_SECONDS_MAX, ROOT, Service

ROLES: Final = ("viewer", "operator", "admin")
SECONDS: Final = 600
SETTINGS: Final = {"LEAFCRAFT_TOKEN_MINUTES": "1440", "LEAFCRAFT_RATE_LIMIT": "off"}
PASSWORD: Final = "correct horse battery staple"
OWN_USER: Final = "FUZZ_OWN_USER"
OWN_SESSION: Final = "FUZZ_OWN_SESSION"
OWN: Final = {
    "PATCH /users/{user_id}": ("user_id", OWN_USER),
    "DELETE /auth/sessions/{session_id}": ("session_id", OWN_SESSION),
}
"""What the fuzzer must not do to itself: by operation the parameter, and the environment variable with
the id that it must not have."""
LAST: Final = "sign_out_everywhere"
"""The operation after which the fuzzer could ask for nothing more."""
NOBODYS_ID: Final = 2**62

REJECTED: Final = "ST202"
"""Schemathesis' code for: the document allows this request, but it was refused."""
REASONS: Final = {
    "precondition_failed": "any If-Match is well-formed, but a made-up one is not current",
    "idempotency_key_reused": "keys are made up again and again",
    "product_not_found": "a product may be ordered if it is there",
    "product_archived": "a product may be ordered unless it is archived",
}
"""Codes that refuse well-formed requests because of what is stored: no schema can say that."""
FIELD_REASONS: Final = {
    "is not a cursor of this list and these filters": "cursors are opaque, and good for one list",
    "is past already": "a schema knows no time",
    "is still to come": "the same",
    "there is no location": "a location may be named if it is there",
    "takes either delta or counted": "which of two members go together is said in words",
    "expected_on_hand goes with counted": "the same",
    "from_location and to_location are the same": "the same",
    "is for products; every day is shown": "the same, of parameters",
    "goes with dry_run=true": "the same",
    "must be 1970-01-01 or later": "the format of a date has no first one",
    "must not be after `to`": "the same",
    "must not be empty": "a text of white space is empty",
    "is given more than once": "a list in a form becomes the same field again",
    "the password is a common one, or is easy to guess": "no schema holds a list of passwords",
    "must not contain the character": "members of a client's own may have any text in a schema",
    "must have no number beyond": "the same for numbers",
    "must be nested at most": "the same for depth",
    "not an e-mail address": "the format is a hint",
    "must be at most ": "how large a price may be depends on the shop's currency",
    "must have at most ": "and so does how many decimals it may have",
    "must be a whole number": "1.0 is an integer to JSON Schema, and none here",
    "must be 9223372036854775807 or less": "Schemathesis compares as floats",
}
"""The same for single fields: how the detail begins that they are refused with."""


# ── what Schemathesis asks while it runs ─────────────────────────────────────


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Schemathesis knows how to leave a bearer token out, and not how OAuth2's comes in: it is the same one."""
    del context
    schemes = raw_schema["components"]["securitySchemes"]
    schemes.update({name: {"type": "http", "scheme": "bearer"} for name in schemes})


@schemathesis.hook
def before_call(
    context: schemathesis.HookContext, case: schemathesis.Case[Any], kwargs: Any
) -> None:
    """Keeps the fuzzer from demoting, disabling or signing out itself: all that follows would be refused."""
    del context, kwargs
    name, variable = OWN.get(case.operation.label, ("", ""))
    wanted = (case.path_parameters or {}).get(name)
    if wanted is not None and str(wanted) == os.environ.get(variable):
        case.path_parameters = {**case.path_parameters, name: NOBODYS_ID}


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Any,
    case: schemathesis.Case[Any],
    response: schemathesis.Response,
) -> bool:
    """Whether a failure is one: see `REASONS`."""
    del context, case
    return failure.code != REJECTED or not _refused_with_reason(response)


def _refused_with_reason(response: schemathesis.Response) -> bool:
    try:
        problem = response.json()
    except ValueError:
        return False
    if problem["code"] in REASONS:
        return True
    if all("line" in error for error in problem.get("errors", [{}])):
        return True  # a file is a string to the document, and no schema knows its rows
    details = [error["detail"] for error in problem.get("errors", ())]
    return bool(details) and all(detail.startswith(tuple(FIELD_REASONS)) for detail in details)


# ── the run ──────────────────────────────────────────────────────────────────


class Fuzzer(NamedTuple):
    """Whom a run is signed in as."""

    role: str
    user_id: int
    session_id: int
    token: str


def main() -> int:
    chosen = _arguments()
    roles = chosen.role or ROLES
    seed = chosen.seed if chosen.seed is not None else random.randrange(2**32)
    with _service(mariadb=chosen.mariadb) as service:
        failed = []
        for role in roles:
            fuzzer = _signed_up(service, role)
            seconds = max(1, chosen.seconds // len(roles))
            _say(f"\n━━ {role}: {seconds} seconds, seed {seed} ━━")
            if not _fuzz(service, fuzzer, seconds=seconds, seed=seed):
                failed.append(role)
            if _me(service, fuzzer.token).get("role") != role:
                failed.append(f"{role}, who lost access half-way")
        code, told = service.verify()
        _say(told)
        if code:
            failed.append("`leafcraft verify` afterwards")
    mariadb = " --mariadb" if chosen.mariadb else ""
    for one in failed:
        again = f"--role {one.partition(',')[0]} --seed {seed} --seconds {chosen.seconds}{mariadb}"
        _say(f'found something: {one}; to look for it again: make fuzz ARGS="{again}"')
    return 1 if failed else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="for all roles together")
    parser.add_argument("--role", choices=ROLES, action="append", help="this one only")
    parser.add_argument("--seed", type=int, help="of an earlier run")
    parser.add_argument("--mariadb", action="store_true", help="on a private MariaDB")
    return parser.parse_args()


@contextmanager
def _service(*, mariadb: bool) -> Iterator[Service]:
    with ExitStack() as stack:
        url = None
        if mariadb:
            url = stack.enter_context(PrivateMariaDB()).create_database("fuzz")
        yield stack.enter_context(Service(url, workers=2, settings=SETTINGS))


def _signed_up(service: Service, role: str) -> Fuzzer:
    """A user of this role. The first admin stays as well, so that nobody who fuzzes is the last one."""
    email = f"fuzzing.{role}@example.com"
    body = {"email": email, "password": PASSWORD, "role": role}
    headers = {"Authorization": f"Bearer {service.token()}"}
    form = {"username": email, "password": PASSWORD}
    with httpx2.Client(base_url=service.url, timeout=HTTP_SECONDS_MAX) as client:
        user = client.post("/users/", json=body, headers=headers)
        token = client.post("/auth/login", data=form).json()["access_token"]
        theirs = {"Authorization": f"Bearer {token}"}
        (own,) = client.get("/auth/sessions", headers=theirs).json()
    return Fuzzer(role, user.json()["id"], own["id"], token)


def _me(service: Service, token: str) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {token}"}
    answer = httpx2.get(f"{service.url}/auth/me", headers=headers, timeout=HTTP_SECONDS_MAX)
    me: dict[str, Any] = answer.json()
    return me


def _fuzz(service: Service, fuzzer: Fuzzer, *, seconds: int, seed: int) -> bool:
    """Whether nothing was found."""
    with tempfile.TemporaryDirectory(prefix="leafcraft-fuzz-") as home:
        done = subprocess.run(
            _command(service, fuzzer, seconds=seconds, seed=seed),
            cwd=home,
            env=_environment(fuzzer),
            check=False,
        )
    return done.returncode == 0


def _command(service: Service, fuzzer: Fuzzer, *, seconds: int, seed: int) -> Sequence[str]:
    return [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json"),
        *("--header", f"Authorization: Bearer {fuzzer.token}"),
        *("--exclude-operation-id", LAST),
        *("--checks", "all", "--phases", "examples,coverage,fuzzing,stateful"),
        *("--max-time", str(seconds), "--seed", str(seed)),
        "--continue-on-failure",  # one refusal must not hide what comes after it
        *("--generation-database", "none", "--warnings", "off"),
        *("--output-sanitize", "false"),  # the secrets are thrown away with the service
    ]


def _environment(fuzzer: Fuzzer) -> dict[str, str]:
    return {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": str(Path(__file__)),
        OWN_USER: str(fuzzer.user_id),
        OWN_SESSION: str(fuzzer.session_id),
    }


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
