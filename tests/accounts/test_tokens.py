"""Tokens: only this service's own, only until they end, only as they were given."""

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import jwt
import pytest
from pydantic import SecretStr

from leafcraft.app import create_app
from leafcraft.errors import StartError
from tests.builders import SECRET, Clock, Shop, another, found, open_shop, problem, settings_of
from tests.conftest import MakeSettings

pytestmark = pytest.mark.anyio

NOW = 1_800_000_000
HEAD = {"typ": "at+jwt"}


def forged(
    *,
    key: str = SECRET,
    algorithm: str = "HS256",
    head: dict[str, Any] | None = None,
    **claims: Any,
) -> str:
    whole = {"iss": "leafcraft", "aud": "leafcraft", "sub": "1", "iat": 1, "exp": 2**33, "jti": "x"}
    whole = {name: value for name, value in {**whole, **claims}.items() if value is not None}
    return jwt.encode(whole, key, algorithm, headers=HEAD if head is None else head)


def unsigned(algorithm: str) -> str:
    """A token whose header says that nothing needs to be checked."""
    payload = forged().split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, **HEAD}).encode()).decode()
    return f"{head.rstrip('=')}.{payload}."


async def opens(shop: Shop, token: str) -> bool:
    async with another(shop, token) as client:
        answer = await client.get("/products/")
    if answer.status_code == 200:
        return True
    problem(answer, 401, "not_authenticated")
    return False


async def test_what_was_forged_with_the_right_key_opens_so_the_others_fail_for_their_reason(
    shared_shop: Shop,
) -> None:
    assert await opens(shared_shop, forged())


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", "", "HS0", "RS256", "ES256"])
async def test_a_token_without_a_signature_opens_nothing(shared_shop: Shop, algorithm: str) -> None:
    assert not await opens(shared_shop, unsigned(algorithm))


@pytest.mark.parametrize(
    "change",
    [
        {"key": "x" * 32},
        {"key": SECRET[::-1]},
        {"algorithm": "HS512", "key": SECRET * 2},
        {"iss": "elsewhere"},
        {"iss": None},
        {"aud": "elsewhere"},
        {"aud": None},
        {"exp": None},
        {"sub": None},
        {"iat": None},
        {"jti": None},
        {"sub": "2"},
        {"head": {"typ": "JWT"}},
        {"head": {"typ": "rt+jwt"}},
    ],
    ids=str,
)
async def test_a_token_that_is_not_this_services_own_opens_nothing(
    shared_shop: Shop, change: dict[str, Any]
) -> None:
    assert not await opens(shared_shop, forged(**change))


async def test_a_token_opens_nothing_once_a_letter_is_changed(shared_shop: Shop) -> None:
    token = found(await shared_shop.sign_in())["access_token"]
    for part in range(3):
        parts = token.split(".")
        middle = len(parts[part]) // 2
        swapped = "A" if parts[part][middle] != "A" else "B"
        parts[part] = parts[part][:middle] + swapped + parts[part][middle + 1 :]
        assert not await opens(shared_shop, ".".join(parts))
    assert await opens(shared_shop, token)


async def test_a_token_ends_when_it_said_it_would(make_settings: MakeSettings) -> None:
    clock = Clock()
    async with open_shop(make_settings(token_minutes=15), clock) as shop:
        clock.advance(seconds=899)
        assert (await shop.get("/products/")).status_code == 200
        clock.advance(seconds=1)
        problem(await shop.get("/products/"), 401, "token_expired")
        problem(await shop.get("/products/"), 401, "token_expired")
        token = found(await shop.sign_in())["access_token"]
        assert await opens(shop, token)


async def test_two_services_with_the_same_key_take_each_others_tokens(
    make_settings: MakeSettings,
) -> None:
    async with open_shop(make_settings()) as one, open_shop(make_settings()) as two:
        token = found(await one.sign_in())["access_token"]
        assert await opens(two, token)


async def test_another_key_ends_all_tokens(make_settings: MakeSettings) -> None:
    async with open_shop(make_settings()) as one:
        token = found(await one.sign_in())["access_token"]
    async with open_shop(make_settings(secret_key=SecretStr("k" * 32))) as two:
        assert not await opens(two, token)


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_the_key_of_an_embedded_shop_is_made_once_and_only_its_owner_can_read_it(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    file = tmp_path / "secret.key"
    async with open_shop(make_settings(secret_key=None)) as shop:
        token = found(await shop.sign_in())["access_token"]
        key = file.read_text()
    assert len(key) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    async with open_shop(make_settings(secret_key=None)) as shop:
        assert await opens(shop, token)
    assert file.read_text() == key
    assert [name for name in os.listdir(tmp_path) if "secret" in name] == ["secret.key"]


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_key_file_without_a_key_stops_the_service(
    make_settings: MakeSettings, tmp_path: Path
) -> None:
    (tmp_path / "secret.key").write_text("")
    with pytest.raises(StartError, match=r"secret\.key does not hold a key"):
        create_app(make_settings(secret_key=None))


def test_a_shop_on_a_shared_database_makes_up_no_key_of_its_own(tmp_path: Path) -> None:
    settings = settings_of("mysql://u:p@127.0.0.1/shop", tmp_path, secret_key=None)
    with pytest.raises(StartError, match="LEAFCRAFT_SECRET_KEY is not set") as refused:
        create_app(settings)
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.glob("*.key"))
