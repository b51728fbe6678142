"""The console: lets people in by their cookie, serves the pages of all slices, and shows what can't be had.

The front takes a page for one more operation. Who is looking is told by a cookie here, not by a
token; whatever is refused becomes a page, and what was typed into a form is never lost: when the
session has ended meanwhile, the form is sent again once its sender has signed in.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlsplit

from leafcraft.errors import Code, Kind, Refusal
from leafcraft.idempotency import Answer
from leafcraft.web import fields, locales, problems, rendering
from leafcraft.web.assets import Assets
from leafcraft.web.call import Call, Caller
from leafcraft.web.compression import packed
from leafcraft.web.operations import OPEN, Catalog
from leafcraft.web.pages import PREFIX, Endpoint, Page, Pages, navigation, title_of
from leafcraft.web.stream import Stream
from leafcraft.web.visit import Visit
from leafcraft.web.visitor import Visitor, forged

SIGN_IN = f"{PREFIX}/sign-in"
ZONE = "leafcraft_tz"
BY_ITSELF = b"x-live"
"""The header of what an open page asks for because something has changed."""
KEPT_NEVER = ("csrf", "key")
"""Fields of a form that are new when it is sent again."""

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
)
HEADERS = (
    ("content-security-policy", "; ".join(_POLICY)),
    ("cross-origin-opener-policy", "same-origin"),
    ("referrer-policy", "same-origin"),  # with none at all, browsers hide a form's own origin too
    ("cache-control", "private, no-cache"),
    ("vary", "accept-encoding, accept-language, cookie"),
)

Who = Callable[..., Awaitable[Visitor]]
"""Whose browser sends this cookie's text with a call; `used` says whether somebody is at work there,
and not a page by itself. Raises Refusal."""


class Console:
    """One for a process."""

    def __init__(self, who: Who, catalog: Catalog, slices: Sequence[Pages]) -> None:
        self._who = who
        self._catalog = catalog
        self._tabs = [tab for one in slices for tab in one.tabs]
        self._assets = Assets()
        self._templates = rendering.environment([one.slice for one in slices], self._assets.path)
        self.lost = _Served(self, Page("console_lost", "GET", "", _lost, signed_out=True))
        pages = [page for one in slices for page in one.table]
        pages += _ways_back(pages)
        self.table: list[tuple[str, str, _Served | _Asset]] = [
            *((page.method, page.path, _Served(self, page)) for page in pages),
            *(("GET", path, _Asset(self._assets, path)) for path in self._assets.paths),
        ]

    def begin(self, call: Call) -> Visit:
        """A visit by nobody yet, who has filled in nothing yet."""
        language = locales.language(call.header(b"accept-language") or "")
        formats = locales.formats(language, locales.zone(call.cookie(ZONE)))
        return Visit(call, self._catalog, self._render, formats=formats)

    async def admit(self, visit: Visit, page: Page, body: bytes) -> None:
        """Raises Refusal for who may not come in, for what is no form, and for forms that are not the
        console's own."""
        call = visit.call
        await self._recognise(visit, page)
        if not visit.known:
            call.runtime.limits.stranger(call.address)
        posted = call.method == "POST"
        if posted:  # before anybody is asked to sign in for what another site has filled in
            _check_origin(call)
            visit.form = await fields.form(call.header(b"content-type") or "", body)
        if not visit.known and not page.signed_out:
            raise Refusal(Code.NOT_AUTHENTICATED, "Sign in first.")
        own = posted and visit.known and page.path != SIGN_IN  # whose page was made for nobody
        if own and forged(visit.visitor, visit.form.one("csrf")):
            raise Refusal(Code.NOT_AUTHENTICATED, "This page is from another sign-in.")

    async def _recognise(self, visit: Visit, page: Page) -> None:
        call = visit.call
        token = call.cookie(cookie_name(call))
        if not token:
            return
        try:
            by_itself = page.background or call.header(BY_ITSELF) is not None
            used = call.method == "POST" or not by_itself  # forms that a script sends are people's
            visitor = await self._who(token, call, used=used)
        except Refusal as refusal:
            if refusal.code.kind is not Kind.UNAUTHENTICATED:
                raise
            return
        visit.is_by(visitor, lambda: self._who(token, call, used=False))
        name = f"user:{visitor.user_id}"
        call.caller = Caller(name, visitor.permissions, visitor.session_id)
        call.runtime.limits.caller(call.caller.name)

    def refused(self, visit: Visit, refusal: Refusal) -> Answer:
        """The refusal as a page; whoever has to sign in for it is asked to."""
        if refusal.code.kind is Kind.UNAUTHENTICATED:
            return _to_sign_in(visit)
        problem = problems.document(refusal, visit.path, visit.call.request_id)
        title = title_of(problem["status"])
        page = visit.page("web/refused.html", title=title, problem=problem)
        return page._replace(headers=(*page.headers, *problems.headers(refusal)))

    def refused_early(self, call: Call, refusal: Refusal) -> Answer:
        """The same, before anything is known of the visit."""
        return dressed(self.refused(self.begin(call), refusal), call)

    def _render(self, visit: Visit, template: str, shown: Mapping[str, Any]) -> str:
        formats = visit.formats
        tabs = navigation(self._tabs, visit) if visit.known else []
        return self._templates.get_template(template).render(
            visit=visit,
            tabs=tabs,
            theme=visit.call.cookie("leafcraft_theme"),
            money=formats.money,
            number=formats.number,
            moment=formats.moment,
            day=formats.day,
            time=formats.time,
            ago=lambda at: formats.ago(at, visit.now),
            **shown,
        )


class _Served:
    """A page as the front serves it."""

    permission = OPEN  # the console's own door comes behind the front's

    def __init__(self, console: Console, page: Page) -> None:
        self.name = page.name
        self.takes_body = page.method == "POST"
        self._console = console
        self._page = page

    def check(self, permissions: Collection[str]) -> None:
        """What a page needs is asked by the operations it is made of."""

    async def __call__(self, call: Call, ids: Sequence[int], body: bytes) -> Answer | Stream:
        visit = self._console.begin(call)
        try:
            await self._console.admit(visit, self._page, body)
            answer = await self._page.endpoint(visit, *ids)
        except Refusal as refusal:
            answer = self._console.refused(visit, refusal)
        return answer if isinstance(answer, Stream) else dressed(answer, call)

    def refused(self, refusal: Refusal, call: Call) -> Answer:
        return self._console.refused_early(call, refusal)


class _Asset:
    """A style sheet, a script or a picture as the front serves it."""

    permission = OPEN
    takes_body = False
    name = "console_asset"

    def __init__(self, assets: Assets, path: str) -> None:
        self._assets = assets
        self._path = path

    def check(self, permissions: Collection[str]) -> None:
        """Open to everybody."""

    async def __call__(self, call: Call, _ids: Sequence[int], _body: bytes) -> Answer:
        return self._assets.answer(self._path, call)

    def refused(self, refusal: Refusal, call: Call) -> Answer:
        return problems.answer(refusal, call.path, call.request_id)


def dressed(answer: Answer, call: Call) -> Answer:
    """The page with the headers that every page has, compressed where the browser takes that."""
    return packed(answer._replace(headers=(*HEADERS, *answer.headers)), call)


def cookie_name(call: Call) -> str:
    """Behind TLS no other host, and no plain connection, can set a cookie of this name."""
    return "__Host-leafcraft" if call.secure else "leafcraft"


def signed_in(answer: Answer, call: Call, token: str) -> Answer:
    """The answer with the cookie that its browser is known by; an empty token takes it away."""
    kept = "" if token else "; Max-Age=0"
    secure = "; Secure" if call.secure else ""
    cookie = f"{cookie_name(call)}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{kept}"
    return answer._replace(headers=(*answer.headers, ("set-cookie", cookie)))


def signed_out(visit: Visit, said: str) -> Answer:
    """To the door, without the cookie and without the pages that the browser has kept."""
    gone = signed_in(visit.see(SIGN_IN, said=said), visit.call, "")
    return gone._replace(headers=(*gone.headers, ("clear-site-data", '"cache"')))


def kept(visit: Visit) -> list[tuple[str, str]]:
    """What a form brought, but for its secrets, so that it can be sent again."""
    return [
        (name, value)
        for name, value in visit.form.pairs
        if name not in KEPT_NEVER and "password" not in name
    ]


def own_path(given: str) -> str:
    """The path to go on to, if it is one of the console's; its first page if not."""
    try:
        parts = urlsplit(given)
    except ValueError:
        return PREFIX
    own = parts.path == PREFIX or parts.path.startswith(f"{PREFIX}/")
    return (
        given if own and not parts.scheme and not parts.netloc and given.isprintable() else PREFIX
    )


def _to_sign_in(visit: Visit) -> Answer:
    call = visit.call
    if call.method != "POST":
        if call.header(b"sec-fetch-site") == "cross-site":
            # The cookie does not come along from other sites: the page asks for itself once more.
            return visit.page("web/once_more.html")
        query = f"?{call.query}" if call.query else ""
        return visit.see(f"{SIGN_IN}?next={quote(call.path + query)}")
    known = {"next": call.path, "kept": kept(visit), "email": ""}
    template = "web/again.html" if visit.known else "web/sign_in.html"
    return visit.page(template, status=HTTPStatus.UNAUTHORIZED, **known)


def _check_origin(call: Call) -> None:
    """Raises Refusal `forbidden` for a form that another site has sent."""
    site = call.header(b"sec-fetch-site")
    origin = call.header(b"origin")
    if site is not None:
        foreign = site not in {"same-origin", "none"}
    else:
        foreign = origin is not None and origin.partition("://")[2] != call.header(b"host")
    if foreign:
        raise Refusal(Code.FORBIDDEN, "This form was sent by another site; nothing was done.")


def _ways_back(pages: Sequence[Page]) -> list[Page]:
    """For each address that only forms are sent to, a page that leads to the one around it: a browser
    that begins anew asks for what it showed last, and that may be what came of a form."""
    shown = {page.path for page in pages if page.method == "GET"}
    sent_to = {page.path for page in pages} - shown
    return [Page("console_back", "GET", path, _leading_back(path, shown)) for path in sent_to]


def _leading_back(path: str, shown: Collection[str]) -> Endpoint:
    home = path
    while home not in shown and home != PREFIX:
        home = home.rpartition("/")[0]
    parts = home.count("/") + 1

    async def back(visit: Visit, *_ids: int) -> Answer:
        return visit.see("/".join(visit.path.split("/")[:parts]))

    return back


async def _lost(visit: Visit, *_ids: int) -> Answer:
    raise Refusal(Code.NOT_FOUND, f"There is no page {visit.path}.")
