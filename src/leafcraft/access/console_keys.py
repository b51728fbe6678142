"""How admins see to the keys of machines."""

from datetime import datetime

from leafcraft import times
from leafcraft.access import words
from leafcraft.access.rules import KEY_NAME_CHARS_MAX
from leafcraft.accounts.console_people import People, people
from leafcraft.idempotency import Answer
from leafcraft.web.pages import PREFIX, Pages, Tab
from leafcraft.web.visit import Document, Problem, Visit

ROWS = 50
PLACE = f"{PREFIX}/settings/keys"
LIST = "list_api_keys"

pages = Pages("access", Tab("API keys", PLACE, "key", LIST, under="Settings"))


@pages.get("/settings/keys")
async def keys_page(visit: Visit) -> Answer:
    return await _list(visit)


@pages.post("/settings/keys")
async def make_key(visit: Visit) -> Answer:
    """The page that answers shows the key; the same form sent again shows the same one."""
    form = visit.form
    body: Document = {"name": form.one("name"), "scopes": form.all("scopes")}
    if last := form.one("last_day"):
        body["expires_at"] = visit.formats.begins(last, days=1)
    done = await visit.do("create_api_key", body=body)
    if done.problem:
        return await _list(visit, problem=done.problem)
    return visit.page_once("access/key_made.html", key=done.document, scopes=words.SCOPES)


@pages.post("/settings/keys/{key_id}/delete")
async def take_key_away(visit: Visit, key_id: int) -> Answer:
    done = await visit.do("delete_api_key", key_id)
    if done.problem:
        return await _list(visit, problem=done.problem, failed="delete")
    return visit.see(PLACE, said="The key is taken away: it opens nothing any more.")


async def _list(visit: Visit, problem: Problem | None = None, failed: str = "make") -> Answer:
    found = await visit.ask(LIST, sort="-id", limit=ROWS, **visit.query.given("cursor"))
    team = await people(visit)
    return visit.page(
        "access/keys.html",
        name_max=KEY_NAME_CHARS_MAX,
        keys=[_key(key, team, visit.now) for key in found.document],
        scopes=words.SCOPES,
        typed=visit.form,
        failed=failed if problem else "",
        problem=problem,
        next_href=visit.next_page(PLACE, found.next_query),
        first_href=visit.first_page(PLACE),
    )


def _key(key: Document, team: People, now: int) -> Document:
    ends = key["expires_at"]
    over = ends is not None and times.read(datetime.fromisoformat(ends)) <= now
    return {**key, "by": team.who(key["created_by"]), "over": over}
