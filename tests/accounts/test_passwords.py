"""Passwords: hard to guess, stored as hashes that keep up with the times, and never said again."""

import asyncio
import contextlib
from typing import Literal

import pytest
from argon2 import PasswordHasher
from hypothesis import given
from hypothesis import strategies as st

from leafcraft.accounts import passwords, rules
from leafcraft.accounts.passwords import Passwords
from leafcraft.accounts.rules import PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN
from leafcraft.errors import Refusal
from tests.access.visits import asked, events, everything_kept, hire, session, tried
from tests.builders import ADMIN_EMAIL, PASSWORD, Shop, found, problem

pytestmark = pytest.mark.anyio

EMAIL = "marguerite@example.com"
GOOD = [
    "x7Qp2mZr9KtL",
    "correct horse battery staple",
    "пароль-которого-нет",
    "żółwie 🐢🐇🦔🦊🐸🐝",
    "  spaces count too  ",
    "\tTabs\nand\0more\r\x7f",
    "e\u0301" * 3 + "abcdefgh",
    "Rhubarb and custard! " * 6,
]
GUESSED = [
    "",
    "a",
    "elevenchars",
    "x" * 12,
    "ababababababab",
    "y7Q" * 43,
    "password1234",
    "PASSWORD1234",
    "Password!2026",
    "Sunshine2026!",
    "!!!sunshine!!!",
    "sunshinesunshine",
    "qwertyuiop123",
    "123456789012",
    "111222333444555",
    "iloveyou2020!!",
    "Leafcraft2026!",
    EMAIL,
    EMAIL.upper(),
    "marguerite-2026",
    "MargueriteMarguerite",
]


@pytest.mark.parametrize("password", GOOD, ids=ascii)
async def test_a_good_password_is_taken_to_the_letter(shared_shop: Shop, password: str) -> None:
    email = f"user{GOOD.index(password)}@example.com"
    await hire(shared_shop, email, password=password)
    found(await tried(shared_shop, email, password))
    for near in (password.strip(), password.casefold(), password[:-1], f"{password} "):
        if near != password:
            problem(await tried(shared_shop, email, near), 401, "invalid_credentials")


@pytest.mark.parametrize("password", GUESSED, ids=lambda password: ascii(password[:20]))
async def test_a_password_that_many_would_try_is_refused_and_not_repeated(
    shared_shop: Shop, password: str
) -> None:
    body = {"email": EMAIL, "password": password, "role": "viewer"}
    answer = await shared_shop.post("/users/", body)
    document = problem(answer, 422, "validation_error")
    assert {error["pointer"] for error in document["errors"]} == {"/password"}
    assert len(password) < 8 or password.casefold() not in answer.text.casefold()


@pytest.mark.parametrize(
    "written",
    [
        '"\\ud800aaaaaaaabcdefgh"',
        '"abcdefgh\\udfff-ijkl"',
        "5",
        "null",
        "[]",
        "{}",
        "true",
        '["x"]',
    ],
)
async def test_a_password_that_is_no_text_is_refused(shared_shop: Shop, written: str) -> None:
    body = f'{{"email": "{EMAIL}", "role": "viewer", "password": {written}}}'
    answer = await shared_shop.client.post("/users/", content=body.encode())
    problem(answer, 422, "validation_error")
    for name in ("current_password", "new_password"):
        other = "new_password" if name == "current_password" else "current_password"
        change = f'{{"{name}": {written}, "{other}": "{PASSWORD}"}}'
        answer = await shared_shop.client.post("/auth/password", content=change.encode())
        problem(answer, 422, "validation_error")


@given(st.text(max_size=200))
def test_a_password_is_taken_or_refused_and_nothing_else(password: str) -> None:
    with contextlib.suppress(ValueError):
        assert rules.password(password, EMAIL) == password
        assert PASSWORD_CHARS_MIN <= len(password) <= PASSWORD_CHARS_MAX


# ── hashes ───────────────────────────────────────────────────────────────────


async def test_a_hash_of_yesterday_is_made_anew_at_the_next_sign_in_and_sessions_go_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = await session(shop)
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(2, 8, 1))
    during = await session(shop)
    for pair in (before, during, await session(shop)):
        found(await asked(shop, pair["access_token"], "/auth/me"))
    (event,) = await events(shop, "user.password_rehashed")
    assert (event["subject_id"], event["actor"]) == (1, "user:1")
    assert "$argon2id$v=19$m=8,t=2,p=1$" in await everything_kept(shop.settings)
    found(await tried(shop))


async def test_sign_ins_at_once_all_succeed_while_a_hash_is_made_anew(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for passes in (2, 3, 4):
        monkeypatch.setattr(passwords, "_hasher", PasswordHasher(passes, 8, 1))
        answers = await asyncio.gather(*(tried(shop) for _ in range(6)))
        assert [answer.status_code for answer in answers] == [200] * 6


class Counting(PasswordHasher):
    """Counts how often it is asked to check."""

    checked = 0

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
        self.checked += 1
        return super().verify(hash, password)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ADMIN_EMAIL, "the wrong password"),
        ("nobody@example.com", "the wrong password"),
        ("not an address", "the wrong password"),
        (EMAIL, PASSWORD),
    ],
    ids=["wrong password", "unknown", "no address", "disabled"],
)
async def test_a_sign_in_that_fails_costs_one_check_whatever_the_reason(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, email: str, password: str
) -> None:
    user = await hire(shop, EMAIL)
    found(await shop.patch(f"/users/{user['id']}", {"disabled": True}))
    counting = Counting(1, 8, 1)
    monkeypatch.setattr(passwords, "_hasher", counting)
    problem(await tried(shop, email, password), 401, "invalid_credentials")
    assert counting.checked == 1


async def test_too_many_who_wait_are_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "WAITING_MAX", 3)
    hashing = Passwords()
    outcomes = await asyncio.gather(
        *(hashing.hash(PASSWORD) for _ in range(5)), return_exceptions=True
    )
    assert [isinstance(outcome, Refusal) for outcome in outcomes] == [False] * 3 + [True] * 2
    assert await hashing.right(PASSWORD, str(outcomes[0]))


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "$2b$12$abc", "\0"])
async def test_a_hash_that_is_none_lets_nobody_in(stored: str) -> None:
    assert not await Passwords().right(PASSWORD, stored)
