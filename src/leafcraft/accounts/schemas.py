"""Accounts on the wire."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo, field_validator
from typing_extensions import TypedDict

from leafcraft import times
from leafcraft.accounts import rules, store
from leafcraft.accounts.rules import EMAIL_CHARS_MAX, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN, Role
from leafcraft.errors import not_found
from leafcraft.idempotency import Answer
from leafcraft.web import wire
from leafcraft.web.paging import ListQuery


def writable(given: SecretStr) -> SecretStr:
    """A lone surrogate is a character in JSON, and none in UTF-8."""
    try:
        given.get_secret_value().encode()
    except UnicodeEncodeError:
        raise ValueError("must be text that UTF-8 can hold") from None
    return given


Email = Annotated[
    str,
    Field(max_length=EMAIL_CHARS_MAX, json_schema_extra={"format": "email"}),
    AfterValidator(rules.email),
]
GivenPassword = Annotated[SecretStr, Field(max_length=PASSWORD_CHARS_MAX), AfterValidator(writable)]
"""A password that is there already, whatever rules it was made by."""
NewPassword = Annotated[
    SecretStr,
    Field(min_length=PASSWORD_CHARS_MIN, max_length=PASSWORD_CHARS_MAX),
    AfterValidator(writable),
]


class NewUser(wire.Body):
    email: Email
    password: NewPassword
    role: Role

    @field_validator("password")
    @classmethod
    def _hard_to_guess(cls, given: SecretStr, info: ValidationInfo) -> SecretStr:
        rules.password(given.get_secret_value(), info.data.get("email", ""))
        return given


class UserEdit(wire.Body):
    """What is left out stays as it is."""

    role: wire.LeftOutOr[Role] = None
    disabled: wire.LeftOutOr[Annotated[bool, Field(strict=True)]] = None


class UserQuery(ListQuery):
    sort: Literal["id", "-id", "email", "-email", "created_at", "-created_at"] = "id"
    role: Role | None = None
    disabled: bool | None = None


class User(TypedDict):
    """Somebody who may sign in, unless disabled."""

    id: int
    email: str
    role: Role
    disabled: bool
    created_at: wire.Time


def user(found: store.User) -> User:
    return {
        "id": found.id,
        "email": found.email,
        "role": found.role,
        "disabled": found.disabled,
        "created_at": times.write(found.created_at),
    }


def shown(found: Mapping[int, store.User], user_id: int) -> Answer:
    """One of the users that were found. Raises Refusal `not_found`."""
    if user_id not in found:
        raise not_found("user", user_id)
    return wire.shown(user(found[user_id]))
