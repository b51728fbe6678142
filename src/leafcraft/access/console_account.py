"""My account: who I am, where I am signed in, and how the console writes for me."""

from decimal import Decimal
from typing import Any

from leafcraft import times
from leafcraft.access import words
from leafcraft.access.rules import BROWSER_DAYS_MAX, BROWSER_IDLE_HOURS_MAX
from leafcraft.accounts.rules import PASSWORD_CHARS_MIN
from leafcraft.accounts.words import ROLES
from leafcraft.errors import Code
from leafcraft.idempotency import Answer
from leafcraft.web import problems
from leafcraft.web.console import signed_out
from leafcraft.web.pages import PREFIX, Pages
from leafcraft.web.visit import Document, Problem, Visit

ROWS = 50
PLACE = f"{PREFIX}/account"
AMOUNT = Decimal("1234.5")
"""To show how amounts are written."""

pages = Pages("access")


@pages.get("/account")
async def account_page(visit: Visit) -> Answer:
    return await _account(visit)


@pages.post("/account/password")
async def change_password(visit: Visit) -> Answer:
    form = visit.form
    new = form.raw("new_password")
    if new != form.raw("again_password"):
        return await _account(
            visit, _refused(visit, "/again_password", "is not the same as the other")
        )
    body = {"current_password": form.raw("current_password"), "new_password": new}
    done = await visit.do("change_password", body=body)
    if done.problem:
        wrong = done.problem["code"] == Code.INVALID_CREDENTIALS.word
        told = (
            _refused(visit, "/current_password", "is not your password") if wrong else done.problem
        )
        return await _account(visit, told)
    return signed_out(visit, "Your password is changed. Sign in with the new one.")


@pages.post("/account/sessions/{session_id}/end")
async def end_session(visit: Visit, session_id: int) -> Answer:
    done = await visit.do("end_session", session_id)
    if done.problem:
        return await _account(visit, done.problem, failed="sessions")
    if session_id == visit.visitor.session_id:
        return signed_out(visit, "You are signed out.")
    return visit.see(PLACE, said="That session has ended.")


@pages.post("/account/sessions/end")
async def end_all_sessions(visit: Visit) -> Answer:
    done = await visit.do("sign_out_everywhere")
    if done.problem:
        return await _account(visit, done.problem, failed="sessions")
    return signed_out(visit, "You are signed out everywhere.")


async def _account(
    visit: Visit, problem: Problem | None = None, failed: str = "password"
) -> Answer:
    place = visit.query.given("cursor")
    sessions = await visit.ask("list_sessions", limit=ROWS, **place)
    return visit.page(
        "access/account.html",
        password_min=PASSWORD_CHARS_MIN,
        me=(await visit.ask("get_me")).document,
        words=ROLES[visit.visitor.role],
        sessions=[_session(one) for one in sessions.document],
        next_href=visit.next_page(PLACE, sessions.next_query),
        first_href=visit.first_page(PLACE),
        idle_hours=BROWSER_IDLE_HOURS_MAX,
        days=BROWSER_DAYS_MAX,
        examples=_examples(visit),
        failed=failed if problem else "",
        problem=problem,
    )


def _session(session: Document) -> dict[str, Any]:
    return {**session, "device": words.device(session["agent"])}


def _examples(visit: Visit) -> list[tuple[str, object]]:
    """How this visitor sees what others may see otherwise."""
    formats, now = visit.formats, times.write(visit.now)
    return [
        ("Time zone", formats.zone_label(visit.now)),
        ("Moments", formats.moment(now)),
        ("Amounts", formats.money(AMOUNT, visit.call.currency.code)),
        ("Numbers", formats.number(AMOUNT)),
    ]


def _refused(visit: Visit, pointer: str, detail: str) -> Problem:
    refusal = problems.invalid_field(pointer, detail)
    return problems.document(refusal, visit.path, visit.call.request_id)
