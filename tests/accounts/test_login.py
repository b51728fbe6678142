"""Signing in: with e-mail and password, and with nothing learnt by whoever guesses."""

import sqlite3
from pathlib import Path

import pytest

from leafcraft.accounts.rules import Role
from tests.builders import ADMIN_EMAIL, PASSWORD, Shop, add, another, found, problem

pytestmark = pytest.mark.anyio

ON_SQLITE = pytest.mark.parametrize("database_kind", ["sqlite"])


async def test_a_login_gives_a_bearer_token_that_opens_the_shop(shared_shop: Shop) -> None:
    answer = await shared_shop.sign_in()
    session = found(answer)
    assert session["token_type"] == "bearer"
    assert session["expires_in"] == shared_shop.settings.token_minutes * 60
    assert answer.headers["cache-control"] == "no-store"
    async with another(shared_shop, session["access_token"]) as client:
        assert (await client.get("/products/")).status_code == 200


async def test_every_login_gives_another_token(shared_shop: Shop) -> None:
    tokens = {found(await shared_shop.sign_in())["access_token"] for _ in range(3)}
    assert len(tokens) == 3


async def test_the_address_may_be_written_in_any_case(shared_shop: Shop) -> None:
    found(await shared_shop.sign_in(f"  {ADMIN_EMAIL.upper()} "))


async def test_the_whole_password_form_of_oauth2_is_taken(shared_shop: Shop) -> None:
    form = {
        "grant_type": "password",
        "username": ADMIN_EMAIL,
        "password": PASSWORD,
        "scope": "",
        "client_id": "docs",
        "client_secret": "",
    }
    found(await shared_shop.client.post("/auth/login", data=form))
    form["grant_type"] = "client_credentials"
    answer = await shared_shop.client.post("/auth/login", data=form)
    problem(answer, 422, "validation_error")


async def test_a_wrong_password_and_an_unknown_user_hear_the_same(shared_shop: Shop) -> None:
    answers = [
        await shared_shop.sign_in(password="not the password"),
        await shared_shop.sign_in("nobody@example.com"),
        await shared_shop.sign_in("nobody at all"),
        await shared_shop.sign_in(password=PASSWORD.upper()),
        await shared_shop.sign_in(password=f"{PASSWORD} "),
        await shared_shop.sign_in("' OR 1=1 --", "' OR 1=1 --"),
    ]
    bodies = [problem(answer, 401, "invalid_credentials") for answer in answers]
    for body in bodies:
        assert {**body, "request_id": ""} == {**bodies[0], "request_id": ""}


async def test_an_empty_password_opens_nothing(shared_shop: Shop) -> None:
    answer = await shared_shop.sign_in(password="")
    assert answer.status_code in {401, 422}


@ON_SQLITE
async def test_a_disabled_user_can_not_sign_in_and_hears_what_strangers_hear(
    shop: Shop, tmp_path: Path
) -> None:
    await add(shop.settings, "leaver@example.com", Role.OPERATOR)
    found(await shop.sign_in("leaver@example.com"))
    disable(tmp_path, "leaver@example.com")
    gone = problem(await shop.sign_in("leaver@example.com"), 401, "invalid_credentials")
    stranger = problem(await shop.sign_in("stranger@example.com"), 401, "invalid_credentials")
    assert gone["detail"] == stranger["detail"]


def disable(directory: Path, email: str) -> None:
    with sqlite3.connect(directory / "shop.db") as database:
        changed = database.execute("UPDATE users SET disabled = 1 WHERE email = ?", (email,))
        assert changed.rowcount == 1
    database.close()


@ON_SQLITE
async def test_the_password_is_stored_as_an_argon2id_hash_alone(shop: Shop, tmp_path: Path) -> None:
    found(await shop.sign_in())
    with sqlite3.connect(tmp_path / "shop.db") as database:
        ((stored,),) = database.execute("SELECT password_hash FROM users").fetchall()
        whole = "\n".join(database.iterdump())
    database.close()
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in whole
