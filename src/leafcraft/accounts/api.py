"""How programs sign in."""

from typing import Annotated

from fastapi import Form

from leafcraft.accounts import schemas
from leafcraft.accounts.auth import Auth
from leafcraft.errors import Code
from leafcraft.idempotency import Answer
from leafcraft.web import wire
from leafcraft.web.call import Anyone
from leafcraft.web.operations import Operations, Promise


def operations(auth: Auth) -> Operations:
    """The operations of this slice. They need the process's own Auth, so they are made with it."""
    accounts = Operations("/auth", "Accounts")

    @accounts.post(
        "/login",
        Promise(
            name="login",
            permission=None,
            answers=schemas.Session,
            refuses=[Code.INVALID_CREDENTIALS, Code.BODY_TOO_LARGE],
        ),
    )
    async def login(call: Anyone, form: Annotated[schemas.SignIn, Form()]) -> Answer:
        """Sign in with e-mail address and password; the token goes into `Authorization: Bearer`."""
        user = await auth.sign_in(form.username, form.password, call.by)
        session: schemas.Session = {
            "access_token": auth.tokens.issue(user.id),
            "token_type": "bearer",
            "expires_in": auth.tokens.seconds,
        }
        return Answer(200, wire.dump(session), headers=(("cache-control", "no-store"),))

    return accounts
