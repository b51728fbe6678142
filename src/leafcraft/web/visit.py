"""A visit: one request of a person's browser, and all that a page needs to answer it.

A page is a client of the service's own operations, in this process: it *asks* them for documents and
*does* things by them, so their permissions, their validation, their idempotency and their cache hold
for people as for programs, and a page can do nothing that a program could not.
"""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from leafcraft.errors import Code, Refusal
from leafcraft.idempotency import Answer
from leafcraft.web import problems, wire
from leafcraft.web.call import Call, Uploaded
from leafcraft.web.fields import Fields
from leafcraft.web.locales import Formats
from leafcraft.web.operations import Catalog, Declared
from leafcraft.web.stream import Stream
from leafcraft.web.visitor import Visitor

KEY_BYTES = 18
SAID = "leafcraft_said"
SAID_CHARS_MAX = 300
SAID_SECONDS = 60
SENT_BEFORE = "This form had been sent before: it is done once, and not again."

Document = Any
Problem = Mapping[str, Any]
Check = Callable[[], Awaitable[object]]
Render = Callable[["Visit", str, Mapping[str, Any]], str]


class Found(NamedTuple):
    """What an operation answered."""

    document: Document
    next_query: str
    """Of a list: the query of its next page, or nothing."""
    etag: str


class Done(NamedTuple):
    """What became of what a person wanted: one of the two is there."""

    document: Document
    problem: Problem | None
    etag: str = ""


class Visit:
    """One request for a page, by somebody who has signed in or has yet to."""

    def __init__(self, call: Call, catalog: Catalog, render: Render, *, formats: Formats) -> None:
        self.call = call
        self.form = Fields()
        self.formats = formats
        self.path = call.path
        self._sent_before = False
        self._visitor: Visitor | None = None
        self._check: Check | None = None
        self._catalog = catalog
        self._render = render

    @cached_property
    def query(self) -> Fields:
        """What stands behind the address. Raises Refusal where that is no form, so not before a page asks."""
        return Fields.read(self.call.query)

    # ── who ──────────────────────────────────────────────────────────────────

    @property
    def visitor(self) -> Visitor:
        """Raises Refusal `not_authenticated`, where nobody has signed in."""
        if self._visitor is None:
            raise Refusal(Code.NOT_AUTHENTICATED, "Sign in first.")
        return self._visitor

    @property
    def known(self) -> bool:
        return self._visitor is not None

    def is_by(self, visitor: Visitor, check: Check | None = None) -> None:
        """`check` looks again whether the visitor may still be here. Raises Refusal."""
        self._visitor, self._check = visitor, check

    async def stays(self) -> bool:
        """Whether the visitor may still be here, for what goes on for long. Raises Refusal if not."""
        if self._check is not None:
            self.call.forget_revisions()
            await self._check()
        return True

    def may(self, name: str) -> bool:
        """Whether the visitor may do what the operation does."""
        return self._catalog[name].operation.permission in self.visitor.permissions

    @property
    def mark(self) -> str:
        """What the page shows, as the live feed counts it: if nothing was written since, it is fresh."""
        return self.call.mark

    @property
    def now(self) -> int:
        return self.call.runtime.clock()

    # ── what operations do ───────────────────────────────────────────────────

    async def ask(self, name: str, *ids: int, **query: object) -> Found:
        """What an operation says; of the query, what is None or empty is left out. Raises Refusal."""
        chosen = {key: _spelt(value) for key, value in query.items() if value not in {None, ""}}
        answer = await self.run(name, *ids, query=urlencode(chosen))
        return Found(wire.parse(answer.body), answer.next_query, answer.etag)

    async def all(self, name: str, *ids: int, **query: object) -> list[Document]:
        """All pages of a list in one, for lists that a page shows whole or tells wrongly. Raises Refusal."""
        found = await self.ask(name, *ids, limit=wire.LIST_ITEMS_MAX, **query)
        rows: list[Document] = list(found.document)
        while found.next_query:
            found = await self.ask(name, *ids, **dict(Fields.read(found.next_query).pairs))
            rows += found.document
        return rows

    async def do(
        self,
        name: str,
        *ids: int,
        body: Document = None,
        etag: str = "",
        key: str = "",
    ) -> Done:
        """Does what an operation does, once for each form, however often that is sent.

        `key` tells the parts of a form apart that are done one by one.
        """
        given = self.form.one("key")
        headers = {b"idempotency-key": f"{given}{key}".encode()} if given else {}
        if etag:
            headers[b"if-match"] = etag.encode()
        try:
            answer = await self.run(name, *ids, body=body, headers=headers)
        except Refusal as refusal:
            return Done(None, problems.document(refusal, self.path, self.call.request_id))
        finally:
            self.call.forget_revisions()
        return self._done(answer)

    async def bring(self, name: str, upload: Uploaded, *, once: bool = True, **query: str) -> Done:
        """The same for an operation that takes a file; what changes nothing need not be done `once`."""
        given = self.form.one("key") if once else ""
        headers = {b"content-type": upload.media.encode()}
        if given:
            headers[b"idempotency-key"] = given.encode()
        declared = self._permitted(name)
        call = self._inner(declared, (), query=urlencode(query), headers=headers)
        try:
            answer = await declared.operation.with_upload(call, (), upload)
        except Refusal as refusal:
            return Done(None, problems.document(refusal, self.path, self.call.request_id))
        finally:
            self.call.forget_revisions()
        return self._done(_whole(answer))

    def _done(self, answer: Answer) -> Done:
        self._sent_before |= answer.replayed
        document = wire.parse(answer.body) if answer.body else None
        if answer.status >= 400:
            return Done(None, document)
        return Done(document, None, answer.etag)

    async def take(self, name: str) -> Stream:
        """The file that an operation gives. Raises Refusal."""
        declared = self._permitted(name)
        call = self._inner(declared, (), query="", headers={})
        answer = await declared.operation(call, (), b"")
        if not isinstance(answer, Stream):
            raise TypeError(f"{name} gives no file")
        return answer

    async def run(
        self,
        name: str,
        *ids: int,
        query: str = "",
        body: Document = None,
        headers: Mapping[bytes, bytes] | None = None,
    ) -> Answer:
        """The operation's own answer. Raises Refusal."""
        declared = self._permitted(name)
        call = self._inner(declared, ids, query=query, headers=headers or {})
        given = wire.dump(body) if body is not None else b""
        return _whole(await declared.operation(call, ids, given))

    def _permitted(self, name: str) -> Declared:
        declared = self._catalog[name]
        declared.operation.check(self.visitor.permissions)
        return declared

    def _inner(
        self,
        declared: Declared,
        ids: tuple[int, ...],
        *,
        query: str,
        headers: Mapping[bytes, bytes],
    ) -> Call:
        path = declared.path.format(*ids)
        return self.call.inner(declared.method, path, query=query, headers=headers)

    # ── what the browser gets ────────────────────────────────────────────────

    def page(self, template: str, *, status: int = 200, **shown: Any) -> Answer:
        """A page; what was said to be shown with it is shown with it, once."""
        problem = shown.get("problem")
        if problem and status == 200:
            status = problem["status"]
        notice = self.call.cookie(SAID)
        html = self._render(self, template, {"problem": None, "notice": notice, **shown})
        headers = [("set-cookie", f"{SAID}=; Max-Age=0; Path=/console")] if notice else []
        return Answer(status, html.encode(), media="text/html; charset=utf-8", headers=(*headers,))

    def page_once(self, template: str, **shown: Any) -> Answer:
        """A page with a secret that nobody is shown again: no browser keeps a copy of it."""
        page = self.page(template, **shown)
        return page._replace(headers=(*page.headers, ("cache-control", "no-store")))

    def see(self, path: str, *, said: str = "") -> Answer:
        """Sends the browser on, so that a reload does nothing again. Who has gone back to a form and sent
        it once more hears that nothing came of it: another one is in its place on a fresh page."""
        headers: list[tuple[str, str]] = []
        if said:
            words = [said, SENT_BEFORE] if self._sent_before else [said]
            text = quote(" ".join(words)[:SAID_CHARS_MAX])
            cookie = f"{SAID}={text}; Max-Age={SAID_SECONDS}; Path=/console; HttpOnly"
            headers.append(("set-cookie", f"{cookie}; SameSite=Strict"))
        return Answer(303, b"", location=path, headers=(*headers,))

    def next_page(self, path: str, next_query: str) -> str:
        """Where a list goes on, with the filters of this address; empty: nowhere."""
        cursor = Fields.read(next_query).one("cursor")
        if not cursor:
            return ""
        kept = [(name, value) for name, value in self.query.pairs if name != "cursor" and value]
        return f"{path}?{urlencode([*kept, ('cursor', cursor)])}"

    def first_page(self, path: str) -> str:
        """Where a list begins; empty: here."""
        if "cursor" not in self.query:
            return ""
        kept = [(name, value) for name, value in self.query.pairs if name != "cursor" and value]
        return f"{path}?{urlencode(kept)}" if kept else path

    def key(self) -> str:
        """What makes a form's submission known again; new with each form."""
        return secrets.token_urlsafe(KEY_BYTES)


def _spelt(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _whole(answer: Answer | Stream) -> Answer:
    if isinstance(answer, Stream):
        raise TypeError("a page can't show what is streamed")
    return answer
