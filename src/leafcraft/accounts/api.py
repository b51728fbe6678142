"""How admins ask about users."""

from typing import Annotated

from fastapi import Query

from leafcraft.accounts import actions, schemas, store
from leafcraft.accounts.actions import AddUser, EditUser
from leafcraft.accounts.passwords import Passwords
from leafcraft.accounts.rules import Permission
from leafcraft.db import Reader
from leafcraft.errors import Code
from leafcraft.idempotency import Answer
from leafcraft.web import wire
from leafcraft.web.call import Asked
from leafcraft.web.operations import Operations, Promise

ADD = Promise(
    name="create_user",
    permission=Permission.ADMIN,
    answers=schemas.User,
    status=201,
    refuses=[Code.EMAIL_TAKEN],
)
LIST = Promise(name="list_users", permission=Permission.ADMIN, answers=list[schemas.User])
GET = Promise(
    name="get_user",
    permission=Permission.ADMIN,
    answers=schemas.User,
    refuses=[Code.NOT_FOUND],
)
EDIT = Promise(
    name="edit_user",
    permission=Permission.ADMIN,
    answers=schemas.User,
    refuses=[Code.NOT_FOUND, Code.CONFLICT],
)


class Users:
    """The users; passwords are hashed where the whole process hashes its own."""

    def __init__(self, passwords: Passwords) -> None:
        self._passwords = passwords

    @property
    def operations(self) -> Operations:
        users = Operations("/users", "Users")
        users.post("/", ADD)(self.create_user)
        users.get("/", LIST)(list_users)
        users.get("/{user_id}", GET)(get_user)
        users.patch("/{user_id}", EDIT)(edit_user)
        return users

    async def create_user(self, call: Asked, body: schemas.NewUser) -> Answer:
        """Add somebody who may sign in."""
        hashed = await self._passwords.hash(body.password.get_secret_value())
        command = AddUser(body.email, hashed, body.role, call.by)
        return await call.write(actions.add_user, command, _created)


async def list_users(call: Asked, query: Annotated[schemas.UserQuery, Query()]) -> Answer:
    """Who may sign in, a page at a time; the `Link` header leads to the next one."""
    page = query.page()

    async def load(reader: Reader) -> Answer:
        rows = await store.page(reader, page, role=query.role, disabled=query.disabled)
        shown, more = query.cut(rows)
        return wire.listing([schemas.user(one) for one in shown], more)

    return await call.read((store.TOPIC,), load)


async def get_user(call: Asked, user_id: wire.Id) -> Answer:
    """One user."""

    async def load(reader: Reader) -> Answer:
        return schemas.shown(await store.by_id(reader, [user_id]), user_id)

    return await call.read((store.TOPIC,), load)


async def edit_user(call: Asked, user_id: wire.Id, body: schemas.UserEdit) -> Answer:
    """Change a role, or disable somebody: their sessions end at once. The last admin stays one."""
    command = EditUser(user_id, call.by, body.role, body.disabled)
    return await call.write(
        actions.edit_user, command, lambda edited: Answer(200, wire.dump(schemas.user(edited)))
    )


def _created(user: store.User) -> Answer:
    return Answer(201, wire.dump(schemas.user(user)), location=f"/users/{user.id}")
