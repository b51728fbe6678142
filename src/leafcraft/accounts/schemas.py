"""Accounts on the wire."""

from typing import Annotated

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from leafcraft.accounts.rules import EMAIL_CHARS_MAX, PASSWORD_CHARS_MAX


class SignIn(BaseModel):
    """The fields of OAuth2's password form, so that the docs page's Authorize button works."""

    username: Annotated[str, Field(max_length=EMAIL_CHARS_MAX, description="the e-mail address")]
    password: Annotated[
        str, Field(max_length=PASSWORD_CHARS_MAX, json_schema_extra={"format": "password"})
    ]
    grant_type: Annotated[str | None, Field(pattern="^password$")] = None
    scope: str = ""
    client_id: str | None = None
    client_secret: str | None = None


class Session(TypedDict):
    """What a successful login gives."""

    access_token: str
    token_type: str
    expires_in: Annotated[int, Field(description="seconds")]
