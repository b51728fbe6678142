"""The first admin: without one nobody could add the others."""

import os

from leafcraft.accounts import rules, store
from leafcraft.accounts.actions import AddUser, add_user
from leafcraft.accounts.passwords import Passwords, made_up
from leafcraft.accounts.rules import Role
from leafcraft.cause import SYSTEM
from leafcraft.config import Settings
from leafcraft.db import Database
from leafcraft.errors import Code, Refusal, StartError
from leafcraft.writer import Writer

EMAIL = "admin@leafcraft.local"


async def first_admin(database: Database, writer: Writer, settings: Settings) -> None:
    """Adds the first admin where there is no admin yet. A made-up password is printed once, and kept nowhere.

    Raises StartError when the settings name one that can't be.
    """
    if await database.read(store.admins):
        return
    email, password = _chosen(settings)
    hashed = await Passwords().hash(password)
    try:
        await writer.perform(add_user, AddUser(email, hashed, Role.ADMIN, SYSTEM, first_admin=True))
    except Refusal as refusal:
        if refusal.code is not Code.CONFLICT:  # another process was first
            raise
    else:
        _introduce(email, None if settings.admin_password else password)


def _chosen(settings: Settings) -> tuple[str, str]:
    given = settings.admin_password
    password = given.get_secret_value() if given else made_up()
    try:
        return rules.email(settings.admin_email or EMAIL), rules.password(password)
    except ValueError as error:
        raise StartError(f"LEAFCRAFT_ADMIN_EMAIL or LEAFCRAFT_ADMIN_PASSWORD: {error}") from None


def _introduce(email: str, password: str | None) -> None:
    shown = password or "(the one in LEAFCRAFT_ADMIN_PASSWORD)"
    text = (
        "\nThe first admin has been added. Sign in, in the console or by the API, with\n"
        f"  e-mail    {email}\n"
        f"  password  {shown}\n\n"
    )
    os.write(1, text.encode())  # standard output itself: this must never pass through a log
