"""How people come in and go out."""

from leafcraft.access.browsers import Browsers
from leafcraft.errors import Kind, Refusal
from leafcraft.idempotency import Answer
from leafcraft.web import problems
from leafcraft.web.console import cookie_name, own_path, signed_in, signed_out
from leafcraft.web.fields import Fields
from leafcraft.web.pages import PREFIX, Pages
from leafcraft.web.visit import Visit

AGENT = b"user-agent"
YEAR_SECONDS = 365 * 24 * 3600
THEMES = ("light", "dark")


class Doors:
    """The pages to sign in and out by, over the process's own sessions."""

    def __init__(self, browsers: Browsers) -> None:
        self._browsers = browsers

    @property
    def pages(self) -> Pages:
        pages = Pages("access")
        pages.get("/sign-in", signed_out=True)(self.sign_in_form)
        pages.post("/sign-in", signed_out=True)(self.sign_in)
        pages.post("/sign-out", signed_out=True)(self.sign_out)
        pages.post("/theme")(choose_theme)
        return pages

    async def sign_in_form(self, visit: Visit) -> Answer:
        following = own_path(visit.query.one("next"))
        if visit.known:
            return visit.see(following)
        return visit.page("web/sign_in.html", next=following, kept=None, email="")

    async def sign_in(self, visit: Visit) -> Answer:
        form, call = visit.form, visit.call
        following = own_path(form.one("next"))
        again = _kept_before(form)
        email, password = form.one("email"), form.raw("password")
        agent = call.header(AGENT) or ""
        try:
            token = await self._browsers.sign_in(email, password, call.by, agent=agent)
        except Refusal as refusal:
            if refusal.code.kind not in {Kind.UNAUTHENTICATED, Kind.TOO_MANY}:
                raise
            problem = problems.document(refusal, visit.path, call.request_id)
            return visit.page(
                "web/sign_in.html", problem=problem, next=following, kept=again, email=email
            )
        if old := call.cookie(cookie_name(call)):
            await self._browsers.sign_out(old, call.by)  # nobody can end it any more
        if again is None:
            return signed_in(visit.see(following), call, token)
        visit.is_by(await self._browsers.visitor(token, call))
        page = visit.page("web/again.html", next=following, kept=again)
        return signed_in(page, call, token)

    async def sign_out(self, visit: Visit) -> Answer:
        call = visit.call
        if token := call.cookie(cookie_name(call)):
            await self._browsers.sign_out(token, call.by)
        return signed_out(visit, "You are signed out.")


async def choose_theme(visit: Visit) -> Answer:
    chosen = visit.form.one("theme")
    age = YEAR_SECONDS if chosen in THEMES else 0
    theme = (
        f"leafcraft_theme={chosen if age else ''}; Path={PREFIX}; Max-Age={age}; SameSite=Strict"
    )
    answer = visit.see(own_path(visit.form.one("next")))
    return answer._replace(headers=(*answer.headers, ("set-cookie", theme)))


def _kept_before(form: Fields) -> list[tuple[str, str]] | None:
    """The form that somebody had sent when their session had ended; its fields, if it had any, are
    marked. None: there was no form."""
    mark = "kept."
    if "kept" not in form:
        return None
    return [(name.removeprefix(mark), value) for name, value in form.pairs if name.startswith(mark)]
