"""How admins see to those who may sign in."""

from leafcraft.accounts.passwords import made_up
from leafcraft.accounts.rules import EMAIL_CHARS_MAX, Role
from leafcraft.accounts.words import ROLES
from leafcraft.idempotency import Answer
from leafcraft.web.pages import PREFIX, Pages, Tab
from leafcraft.web.visit import Document, Problem, Visit

ROWS = 50
PLACE = f"{PREFIX}/settings/users"
LIST = "list_users"
MADE_UP = "made_password"
"""The field with the password that is taken where none is typed. The form brings it along, so that a
form that is sent twice says the same twice."""

pages = Pages("accounts", Tab("Users", PLACE, "users", LIST, under="Settings"))


@pages.get("/settings/users")
async def users_page(visit: Visit) -> Answer:
    return await _list(visit)


@pages.post("/settings/users")
async def add_user(visit: Visit) -> Answer:
    form = visit.form
    typed = form.raw("password")
    password = typed or form.raw(MADE_UP) or made_up()
    body = {"email": form.one("email"), "role": form.one("role"), "password": password}
    done = await visit.do("create_user", body=body)
    if done.problem:
        return await _list(visit, problem=done.problem)
    user = done.document
    if typed:
        return visit.see(PLACE, said=f"{user['email']} can sign in now.")
    return visit.page_once("accounts/added.html", user=user, password=password)


@pages.get("/settings/users/{user_id}")
async def user_page(visit: Visit, user_id: int) -> Answer:
    return await _user(visit, user_id)


@pages.post("/settings/users/{user_id}")
async def choose_role(visit: Visit, user_id: int) -> Answer:
    role = visit.form.one("role")
    return await _edit(visit, user_id, {"role": role}, said=f"has the role {role} now")


@pages.post("/settings/users/{user_id}/disable")
async def disable_user(visit: Visit, user_id: int) -> Answer:
    return await _edit(visit, user_id, {"disabled": True}, said="can't sign in any more")


@pages.post("/settings/users/{user_id}/enable")
async def enable_user(visit: Visit, user_id: int) -> Answer:
    return await _edit(visit, user_id, {"disabled": False}, said="can sign in again")


async def _list(visit: Visit, problem: Problem | None = None) -> Answer:
    found = await visit.ask(LIST, sort="email", limit=ROWS, **visit.query.given("cursor"))
    return visit.page_once(  # its form brings a password along, which may soon be somebody's
        "accounts/users.html",
        email_max=EMAIL_CHARS_MAX,
        users=found.document,
        roles=ROLES,
        made_up=made_up(),
        typed=visit.form,
        problem=problem,
        next_href=visit.next_page(PLACE, found.next_query),
        first_href=visit.first_page(PLACE),
    )


async def _user(visit: Visit, user_id: int, problem: Problem | None = None) -> Answer:
    user = (await visit.ask("get_user", user_id)).document
    return visit.page(
        "accounts/user.html",
        user=user,
        roles=ROLES,
        last_admin=await _is_last_admin(visit, user),
        problem=problem,
    )


async def _is_last_admin(visit: Visit, user: Document) -> bool:
    rulers = await visit.ask(LIST, role=Role.ADMIN.value, disabled=False, limit=2)
    return [one["id"] for one in rulers.document] == [user["id"]]


async def _edit(visit: Visit, user_id: int, body: Document, *, said: str) -> Answer:
    done = await visit.do("edit_user", user_id, body=body)
    if done.problem:
        return await _user(visit, user_id, problem=done.problem)
    own = user_id == visit.visitor.user_id  # who may not even see to users any more
    return visit.see(
        PREFIX if own else f"{PLACE}/{user_id}", said=f"{done.document['email']} {said}."
    )
