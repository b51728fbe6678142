"""Imports by hand: a file or pasted rows are looked at first, corrected, and then applied.

The rows travel in the form from step to step, and nothing is kept of them here. So each step may be
answered by another process, and whoever goes away leaves nothing behind.
"""

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from leafcraft.errors import Code, Refusal
from leafcraft.exchange.console_subjects import ORDERS, PRODUCTS, STOCK, Subject
from leafcraft.idempotency import Answer
from leafcraft.sheet import MEDIA
from leafcraft.web.call import Uploaded
from leafcraft.web.fields import Fields
from leafcraft.web.pages import Pages
from leafcraft.web.stream import Stream
from leafcraft.web.visit import Document, Problem, Visit

pages = Pages("exchange")

CONSOLE_IMPORT_BYTES_MAX = 512 * 1024
"""Half of what a form may bring."""
CONSOLE_IMPORT_LINES_MAX = 20_000
"""Applied well before a page has to be there, however short they are."""
CHANGES_SHOWN_MAX = 200
BAD_SHOWN_MAX = 200
LINE_SHOWN_CHARS_MAX = 120
"""How much is repeated of a line that something is wrong with."""
APPLY = "apply"

SENT_BEFORE = {
    "title": "This form has already imported something else",
    "detail": "It was sent before, with other rows in it. Look at these once more, and then apply them.",
}


class Given(NamedTuple):
    """The rows that were brought, or why they can't be read."""

    text: str
    problem: Problem | None = None

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def upload(self) -> Uploaded:
        content = self.text.encode()
        digest = hashlib.blake2b(content, digest_size=32).digest()
        return Uploaded(io.BytesIO(content), digest, MEDIA)


class BadLine(NamedTuple):
    """Something that is wrong, and the text in which it is."""

    line: int
    column: str
    detail: str
    text: str


@pages.get("/products/import")
async def import_products_page(visit: Visit) -> Answer:
    return _form(visit, PRODUCTS)


@pages.post("/products/import")
async def import_products(visit: Visit) -> Answer:
    return await _sent(visit, PRODUCTS)


@pages.get("/products/export.csv")
async def export_products(visit: Visit) -> Stream:
    return await visit.take(PRODUCTS.export)


@pages.get("/stock/import")
async def import_stock_page(visit: Visit) -> Answer:
    return _form(visit, STOCK)


@pages.post("/stock/import")
async def import_stock(visit: Visit) -> Answer:
    return await _sent(visit, STOCK)


@pages.get("/stock/export.csv")
async def export_stock(visit: Visit) -> Stream:
    return await visit.take(STOCK.export)


@pages.get("/orders/import")
async def import_orders_page(visit: Visit) -> Answer:
    return _form(visit, ORDERS)


@pages.post("/orders/import")
async def import_orders(visit: Visit) -> Answer:
    return await _sent(visit, ORDERS)


@pages.get("/orders/export.csv")
async def export_orders(visit: Visit) -> Stream:
    return await visit.take(ORDERS.export)


async def _sent(visit: Visit, subject: Subject) -> Answer:
    """Rows are applied if they are those that were looked at, and looked at if not."""
    given = _given(visit.form)
    if given.problem:
        return _form(visit, subject, given, problem=given.problem)
    wanted = visit.form.one("act") == APPLY
    if wanted and visit.form.one("previewed") == given.digest:
        return await _applied(visit, subject, given)
    return await _previewed(visit, subject, given, changed=wanted)


async def _previewed(visit: Visit, subject: Subject, given: Given, *, changed: bool) -> Answer:
    """`changed`: they were to be applied, and are others than those that were looked at."""
    told = await visit.bring(
        subject.operation, given.upload, once=False, dry_run="true", changes=str(CHANGES_SHOWN_MAX)
    )
    if told.problem:
        return _form(visit, subject, given, problem=told.problem)
    return _form(visit, subject, given, foreseen=told.document, changed=changed)


async def _applied(visit: Visit, subject: Subject, given: Given) -> Answer:
    done = await visit.bring(subject.operation, given.upload)
    if done.problem:
        again = done.problem["code"] == Code.IDEMPOTENCY_KEY_REUSED.word
        problem = {**done.problem, **(SENT_BEFORE if again else {})}
        return _form(visit, subject, given, problem=problem)
    return visit.page(
        "exchange/imported.html",
        subject=subject,
        done=done.document,
        bad=_bad_lines(given, done.document["refused"]),
        text=given.text,
    )


def _form(
    visit: Visit,
    subject: Subject,
    given: Given | None = None,
    *,
    problem: Problem | None = None,
    **shown: Any,
) -> Answer:
    """The page with all that was brought. Raises Refusal `forbidden`."""
    if not visit.may(subject.operation):
        raise Refusal(Code.FORBIDDEN, f"Your role may look at {subject.name}, but not import any.")
    rows = given or Given("")
    return visit.page(
        "exchange/import.html",
        **{"foreseen": None, "changed": False, **shown},
        subject=subject,
        currency=visit.call.currency.code,
        text=rows.text,
        previewed=rows.digest,
        problem=problem,
        bad=_bad_lines(rows, _errors(problem)),
        shown_max=CHANGES_SHOWN_MAX,
        kib_max=CONSOLE_IMPORT_BYTES_MAX // 1024,
    )


def _given(form: Fields) -> Given:
    """What the form has brought; a file goes before rows, which it is meant to replace."""
    pasted = _plain(form.all("rows"))
    if "file" in form.unread:
        return Given(
            pasted,
            _problem(
                422,
                "The file is not in UTF-8",
                "Save it as “CSV UTF-8” in your spreadsheet, or copy its rows and paste them below.",
            ),
        )
    file = _plain(form.all("file"))
    text = file if file.strip() else pasted
    if not text.strip():
        words = "Choose a file, or paste rows together with their header."
        return Given("", _problem(422, "There is nothing to import yet", words))
    if len(text.encode()) > CONSOLE_IMPORT_BYTES_MAX or text.count("\n") > CONSOLE_IMPORT_LINES_MAX:
        return Given(pasted if text is pasted else "", _too_large())
    return Given(text)


def _plain(values: Sequence[str]) -> str:
    """Browsers end the lines of a form in their own way."""
    text = values[0] if values else ""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _too_large() -> Problem:
    bounds = f"{CONSOLE_IMPORT_BYTES_MAX // 1024} KiB, and {CONSOLE_IMPORT_LINES_MAX} lines"
    return _problem(
        413,
        "This is too much for a page",
        f"A page takes {bounds}. Bring it in parts, each with its header;"
        " or all at once, by the command “leafcraft import” or the API, which take 64 MiB.",
    )


def _problem(status: int, title: str, detail: str) -> Problem:
    return {"status": status, "title": title, "detail": detail}


def _errors(problem: Problem | None) -> Sequence[Mapping[str, Any]]:
    """What is wrong with rows, if that is the problem."""
    return [one for one in (problem or {}).get("errors", ()) if "line" in one]


def _bad_lines(given: Given, errors: Sequence[Document]) -> Sequence[BadLine]:
    lines = given.text.split("\n")
    return [
        BadLine(
            one["line"],
            one["column"],
            one["detail"],
            lines[one["line"] - 1][:LINE_SHOWN_CHARS_MAX] if one["line"] <= len(lines) else "",
        )
        for one in errors[:BAD_SHOWN_MAX]
    ]
