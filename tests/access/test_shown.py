"""What a value shows of itself when it is printed, logged, or stands in a stack trace."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr

from leafcraft import config
from leafcraft.access import actions, opaque, schemas, store
from leafcraft.access.actions import BeginSession, CreateApiKey, EndSession, Refresh
from leafcraft.access.door import Door
from leafcraft.access.master import Master
from leafcraft.access.sessions import Tokens
from leafcraft.access.store import ApiKey, SigningKey
from leafcraft.accounts import schemas as account_schemas
from leafcraft.accounts.actions import AddUser, SetPassword
from leafcraft.accounts.rules import Role
from leafcraft.accounts.store import User
from leafcraft.logs import JsonLines
from tests.access.visits import BY_HAND, OTHER_PASSWORD, tried
from tests.builders import PASSWORD, Run, Shop, problem, settings_of

pytestmark = pytest.mark.anyio

SECRET: Final = "Marmalade-on-toast-5511-and-a-pot-of-tea"
HIDDEN: Final = SecretStr(SECRET)
DIGEST: Final = opaque.digest(SECRET)
A_SIGNING_KEY: Final = SigningKey("k" * 16, "{}", "sealed", 0)

SHOWN: Final[dict[str, Any]] = {
    "a user": User(1, "a@b", SECRET, Role.ADMIN, False, 0, 0, 0),
    "adding a user": AddUser("a@b", SECRET, Role.ADMIN, BY_HAND),
    "setting a password": SetPassword(1, SECRET, BY_HAND, instead_of=SECRET),
    "beginning a session": BeginSession(1, 0, DIGEST, DIGEST, BY_HAND),
    "refreshing": Refresh(DIGEST, DIGEST, BY_HAND),
    "ending a session": EndSession(DIGEST, BY_HAND),
    "making an API key": CreateApiKey(
        ApiKey(0, "s", "n", "admin", "c", 0, None, None), DIGEST, BY_HAND
    ),
    "adding a signing key": actions.AddSigningKey(
        A_SIGNING_KEY._replace(private=SECRET), frozenset(), frozenset(), BY_HAND
    ),
    "the tokens of a session": Tokens(SECRET, SECRET, 1),
    "the master secret": Master(SECRET),
    "the door": Door(SECRET.encode(), int, open_wide=False),
    "a sign-in form": schemas.SignIn(username="a@b", password=HIDDEN, client_secret=HIDDEN),
    "a refresh token": schemas.RefreshToken(refresh_token=HIDDEN),
    "a password change": schemas.PasswordChange(current_password=HIDDEN, new_password=HIDDEN),
    "a new user": account_schemas.NewUser(email="a@b", password=HIDDEN, role=Role.ADMIN),
}


@pytest.mark.parametrize("value", SHOWN.values(), ids=SHOWN)
@pytest.mark.parametrize("show", [repr, str], ids=["repr", "str"])
def test_no_value_shows_its_secret(value: Any, show: Callable[[Any], str]) -> None:
    assert SECRET not in show(value)
    assert SECRET not in show([value])
    assert SECRET not in show({"value": (value,)})


def test_settings_show_no_secret(tmp_path: Path) -> None:
    settings = settings_of(
        f"mysql://shop:{SECRET}@127.0.0.1/shop",
        tmp_path,
        secret_key=SecretStr(SECRET),
        admin_password=SecretStr(SECRET),
    )
    for shown in (repr(settings), str(settings), str(config.shown(settings))):
        assert SECRET not in shown


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret_key": SECRET[:31]},
        {"database_url": f"postgresql://shop:{SECRET}@127.0.0.1/shop"},
        {"database_url": f"mysql://shop:{SECRET}@127.0.0.1/"},
        {"database_url": f"mysql//shop:{SECRET}"},
        {"admin_password": "Marmalade-5"},
        {"port": "Marmalade-on-toast"},
    ],
    ids=str,
)
def test_what_is_wrong_with_a_setting_is_told_without_its_value(
    leafcraft: Run, tmp_path: Path, wrong: dict[str, str]
) -> None:
    done = leafcraft("verify", **{"data_dir": str(tmp_path), "secret_key": SECRET, **wrong})
    assert "Marmalade" not in done.stdout + done.stderr


@pytest.mark.parametrize("database_kind", ["sqlite"])
async def test_an_error_in_the_middle_is_logged_without_what_was_sent(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def breaks(*told: object, **more: object) -> None:
        raise RuntimeError(f"a disk is full: {told} {more}")

    monkeypatch.setattr(store, "begin_session", breaks)
    with caplog.at_level(logging.DEBUG):
        problem(await tried(shop), 500, "internal_error")
        body = {"current_password": PASSWORD, "new_password": OTHER_PASSWORD}
        monkeypatch.setattr(store, "keep_knocks", breaks)
        await shop.post("/auth/password", {**body, "current_password": SECRET})
    logged = "\n".join(JsonLines().format(record) for record in caplog.records)
    assert "a disk is full" in logged
    for secret in (PASSWORD, OTHER_PASSWORD, SECRET, "$argon2"):
        assert secret not in logged
