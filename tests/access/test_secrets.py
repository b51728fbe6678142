"""What must stay secret, stays secret: in logs, problems, events, and wherever a value is shown."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Final, NamedTuple

import httpx2
import pytest

from tests.builders import ADMIN_EMAIL, Json
from tests.conftest import KINDS
from tests.harness.mariadb import PrivateMariaDB
from tests.harness.service import Service

EMAIL: Final = "kim@example.com"
FIRST: Final = "Marmalade-on-toast-5511"
SECOND: Final = "Porridge-with-salt-8842"
WRONG: Final = "Kippers-in-the-morning-1"
SHORT: Final = "Hm-secret-7"
LONG: Final = "Overlong-" + "y7Q" * 60
COMMON: Final = "Sunshine!2026!!"
PIECE_CHARS: Final = 20
"""So much of a token in a row says that it leaked, even if it was cut off."""


class Told(NamedTuple):
    """All that a service said in the course of a busy day, and what it should not have said."""

    secrets: dict[str, str]
    said: dict[str, str]


class Day:
    """Walks through everything that has to do with access, the wrong ways too."""

    def __init__(self, service: Service) -> None:
        self.client = httpx2.Client(base_url=service.url, timeout=60)
        self.secrets = {
            "the admin's password": service.admin_password,
            "the first password": FIRST,
            "the second password": SECOND,
            "a wrong password": WRONG,
            "a short password": SHORT,
            "a long password": LONG,
            "a common password": COMMON,
            "the master secret": service.environment()["LEAFCRAFT_SECRET_KEY"],
        }
        self.problems: list[str] = []

    def ask(self, method: str, path: str, token: str = "", **options: Any) -> httpx2.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        answer = self.client.request(method, path, headers=headers, **options)
        if answer.status_code >= 400:
            self.problems.append(f"{answer.headers} {answer.text}")
        return answer

    def keep(self, name: str, pair: Json) -> Json:
        """Remembers the tokens of a session as secrets."""
        self.secrets[f"{name}: access token"] = pair["access_token"].split(".")[2]
        self.secrets[f"{name}: claims of the access token"] = pair["access_token"].split(".")[1]
        self.secrets[f"{name}: refresh token"] = pair["refresh_token"]
        return pair

    def sign_in(self, email: str, password: str) -> httpx2.Response:
        return self.ask("POST", "/auth/login", data={"username": email, "password": password})

    def session(self, name: str, email: str, password: str) -> Json:
        return self.keep(name, self.sign_in(email, password).json())

    def people(self) -> str:
        """Adds somebody, with all that can be wrong about it; the admin's token."""
        admin: str = self.session("admin", ADMIN_EMAIL, self.secrets["the admin's password"])[
            "access_token"
        ]
        new = {"email": EMAIL, "password": FIRST, "role": "viewer"}
        assert self.ask("POST", "/users/", admin, json=new).status_code == 201
        self.ask("POST", "/users/", admin, json=new)
        for change in (
            {"password": SHORT},
            {"password": LONG},
            {"password": COMMON},
            {"password": [WRONG]},
            {"password": {"x": WRONG}},
            {"email": WRONG},
            {"password_hash": WRONG},
            {"role": WRONG},
            {WRONG[:8]: 1},
        ):
            self.ask("POST", "/users/", admin, json={**new, **change})
        self.ask("POST", "/users/", admin, content=json.dumps(new)[:-3])
        self.ask("POST", "/users/", admin, content=f'{{"password": "{WRONG}\\ud800"}}')
        return admin

    def sign_ins(self) -> None:
        """Good ones, bad ones, and those that are not even forms."""
        for password in (WRONG, SHORT, LONG, ""):
            self.sign_in(EMAIL, password)
        self.sign_in("nobody@example.com", WRONG)
        self.ask("POST", "/auth/login", json={"username": EMAIL, "password": FIRST})
        self.ask("POST", "/auth/login", params={"username": EMAIL, "password": WRONG})
        self.ask("POST", "/auth/login", content=f"username={EMAIL}&password={WRONG}%ff")
        self.ask("POST", "/auth/login", content=f"password={WRONG}&password={FIRST}")

    def sessions(self) -> None:
        """Refreshed, used again, signed out, and a new password at the end."""
        first = self.session("kim", EMAIL, FIRST)
        body = {"refresh_token": first["refresh_token"]}
        second = self.keep("kim, later", self.ask("POST", "/auth/refresh", json=body).json())
        body = {"refresh_token": second["refresh_token"]}
        self.keep("kim, last", self.ask("POST", "/auth/refresh", json=body).json())
        self.ask("POST", "/auth/refresh", json={"refresh_token": first["refresh_token"]})
        self.ask("POST", "/auth/refresh", json={**body, "more": WRONG})
        self.ask("POST", "/auth/refresh", content=f'{{"refresh_token": "{WRONG}\\ud800"}}')
        self.ask("GET", "/auth/me", first["access_token"])
        again = self.session("kim, again", EMAIL, FIRST)
        for wrong in ({"current_password": WRONG}, {"new_password": SHORT}, {"x": WRONG}):
            change = {"current_password": FIRST, "new_password": SECOND, **wrong}
            self.ask("POST", "/auth/password", again["access_token"], json=change)
        change = {"current_password": FIRST, "new_password": SECOND}
        answer = self.ask("POST", "/auth/password", again["access_token"], json=change)
        assert answer.status_code == 204
        last = self.session("kim, with a new password", EMAIL, SECOND)
        self.ask("POST", "/auth/logout", json={"refresh_token": last["refresh_token"]})

    def machines(self, admin: str) -> None:
        """API keys: made, retried, misspelt, used where they may not be, removed."""
        body = {"name": "till", "scopes": ["products:read"]}
        retried = {"idempotency-key": "k", "authorization": f"Bearer {admin}"}
        made = self.client.post("/api-keys/", json=body, headers=retried).json()
        assert self.client.post("/api-keys/", json=body, headers=retried).json() == made
        self.secrets["the API key"] = made["key"][len(made["start"]) :]
        assert self.ask("GET", "/products/", made["key"]).status_code == 200
        for token in (made["key"][:-1], made["key"].lower(), f"{made['key']}x"):
            self.ask("GET", "/products/", token)
        self.ask("GET", "/users/", made["key"])
        self.ask("GET", f"/products/?access_token={made['key']}", made["key"])
        basic = {"authorization": f"Basic {made['key']}"}
        self.problems.append(self.client.get("/users/", headers=basic).text)
        self.ask("POST", "/api-keys/", admin, json={**body, "key": made["key"]})
        assert self.ask("DELETE", f"/api-keys/{made['id']}", admin).status_code == 204
        self.ask("GET", "/products/", made["key"])


@pytest.fixture(scope="module", params=KINDS)
def told(request: pytest.FixtureRequest) -> Iterator[Told]:
    """A whole day with a service that logs all it can."""
    url, database_password = None, ""
    with ExitStack() as stack:
        if request.param == "mariadb":
            server: PrivateMariaDB = request.getfixturevalue("mariadb")
            url, database_password = server.create_database("secrets"), server.password
            stack.callback(server.drop_database, "secrets")
        service = Service(url, settings={"LEAFCRAFT_LOG_LEVEL": "debug"})
        stack.enter_context(service)
        day = Day(service)
        stack.enter_context(day.client)
        admin = day.people()
        day.sign_ins()
        day.sessions()
        day.machines(admin)
        events = day.ask("GET", "/events/?limit=500", admin).text
        hashes = hashes_of(request, service)
        assert len(hashes) == 2
        out, err = outputs(service)
        day.secrets |= {f"password hash {n}": found for n, found in enumerate(hashes)}
        if database_password:
            day.secrets["the database's password"] = database_password
        problems = "\n".join(day.problems)
        yield Told(
            day.secrets, {"stdout": out, "stderr": err, "events": events, "problems": problems}
        )


def hashes_of(request: pytest.FixtureRequest, service: Service) -> list[str]:
    if request.param == "mariadb":
        server: PrivateMariaDB = request.getfixturevalue("mariadb")
        return [row[0] for row in server.query("SELECT password_hash FROM users", "secrets")]
    with sqlite3.connect(service.data_dir / "leafcraft.db") as database:
        found = database.execute("SELECT password_hash FROM users").fetchall()
    database.close()
    return [row[0] for row in found]


def outputs(service: Service) -> tuple[str, str]:
    process = service._process
    assert process is not None
    return process.stdout_path.read_text(), process.stderr_path.read_text()


@pytest.mark.parametrize("where", ["stdout", "stderr", "events", "problems"])
def test_no_secret_is_told(told: Told, where: str) -> None:
    said = told.said[where]
    leaked = [name for name, secret in told.secrets.items() if leaks(secret, said)]
    assert leaked == []
    assert "PRIVATE KEY" not in said


def leaks(secret: str, said: str) -> bool:
    """Whether a text holds the secret, or a good piece of it, in any of the usual spellings."""
    piece = secret[:PIECE_CHARS] if "$argon2" not in secret else secret[-PIECE_CHARS:]
    spellings = (piece, piece.encode().hex(), piece.casefold(), json.dumps(piece)[1:-1])
    return any(spelling in said for spelling in spellings)


def test_what_is_looked_for_would_be_found(told: Told) -> None:
    """The logs are there, with every request and at every level."""
    lines = [json.loads(line) for line in told.said["stderr"].splitlines() if line[:1] == "{"]
    assert {"debug", "info"} <= {line["level"] for line in lines}
    assert len([line for line in lines if line.get("path") == "/auth/login"]) > 10
    assert told.said["events"].count("user.sign_in_failed") > 4
    assert told.said["problems"].count("validation_error") > 10
    assert all(leaks(secret, f"… {secret} …") for secret in told.secrets.values())


@pytest.mark.parametrize("workers", [1, 2])
def test_a_made_up_first_password_is_printed_once_and_opens_the_shop(workers: int) -> None:
    settings = {"LEAFCRAFT_ADMIN_PASSWORD": "", "LEAFCRAFT_LOG_LEVEL": "debug"}
    with Service(workers=workers, settings=settings) as service:
        out, err = outputs(service)
        (password,) = re.findall(r"^ *password +(\S+)$", out, re.MULTILINE)
        form = {"username": ADMIN_EMAIL, "password": password}
        answer = httpx2.post(f"{service.url}/auth/login", data=form, timeout=60)
        assert answer.status_code == 200
        assert password not in outputs(service)[1] + err
