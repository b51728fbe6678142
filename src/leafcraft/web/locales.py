"""Numbers, money and moments as the visitor is used to them: in the browser's language, in their own time zone.

The console's words are English, and a page in two languages reads badly. So the browser's language
decides how numbers and money are written (`1.234,50 €`), and its region how days and times are put
(day or month first, 12 or 24 hours); the names of months and all other words stay English. A
purely numeric date would follow the region without words, but 04/05/2026 is one day to a
visitor and another to a colleague who gets a picture of the page.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import localedata
from babel.core import get_global
from markupsafe import Markup

from leafcraft import times
from leafcraft.times import MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE
from leafcraft.web.styles import FALLBACK, Style, style

HEADER_CHARS_MAX = 200
LANGUAGES_MAX = 10
"""Looked at, of a header; browsers name two to five."""
DAYS_AGO_MAX = 30
"""What is further away is told by its day."""

_TAG = re.compile(r"([A-Za-z]{2,3})(?:-([A-Za-z]{4}))?(?:-([A-Za-z]{2}|\d{3}))?")
_ZONE = re.compile(r"[A-Za-z0-9_+/-]{1,64}")
_DAY = Markup('<time datetime="%s">%s</time>')
_MOMENT = Markup('<time datetime="%s" title="%s (%s)">%s</time>')
_UNITS = (
    (MICROS_PER_DAY, "day"),
    (MICROS_PER_HOUR, "hour"),
    (MICROS_PER_MINUTE, "minute"),
)


def language(accept_language: str) -> str:
    """`de-CH, de;q=0.9, en;q=0.8` -> `de_CH`: the first that is known, `en` when none is."""
    return _language(accept_language[:HEADER_CHARS_MAX])


@lru_cache(maxsize=512)
def _language(header: str) -> str:
    wanted: list[tuple[float, str]] = []
    for given in header.split(",")[:LANGUAGES_MAX]:
        tag, _, weight = given.partition(";")
        wanted.append((-_weight(weight), tag.strip()))
    known = (_known(tag) for weight, tag in sorted(wanted, key=lambda one: one[0]) if weight)
    return next((name for name in known if name), FALLBACK)


def _weight(text: str) -> float:
    """`q=0.8` -> 0.8; what can't be understood is not wanted."""
    found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", text, re.ASCII)
    return float(found[1]) if found else 0.0 if text.strip() else 1.0


def _known(tag: str) -> str | None:
    """`zh-TW` -> `zh_Hant_TW`, `de-XY` -> `de`; nothing is loaded for it, only looked up."""
    found = _TAG.fullmatch(tag)
    if not found:
        return None
    tongue, script, region = found[1].lower(), (found[2] or "").title(), (found[3] or "").upper()
    names = ["_".join(part for part in (tongue, script, region) if part)]
    if region and not script:
        names.append(str(get_global("likely_subtags").get(names[0], "")))
    names.append(tongue)
    return next((name for name in names if name and localedata.exists(name)), None)


def zone(text: str) -> str:
    """The time zone that a cookie names, `UTC` if there is none of that name."""
    return _zone(text) if _ZONE.fullmatch(text) else "UTC"


@lru_cache(maxsize=1024)
def _zone(name: str) -> str:
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError):
        return "UTC"


@lru_cache(maxsize=256)
def formats(language: str, zone: str) -> "Formats":
    """The formats of what `language` and `zone` have found."""
    return Formats(style(language), UTC if zone == "UTC" else ZoneInfo(zone))


class Formats:
    """How things are written for one language in one time zone."""

    def __init__(self, style: Style, zone: tzinfo) -> None:
        self.style = style
        self.zone = zone

    def number(self, number: Decimal | int) -> str:
        """`1234` -> `1,234`, all its decimals as they are."""
        return self.style.number(number)

    def money(self, amount: Decimal | int, currency: str) -> str:
        """`1234.5` -> `$1,234.50`, with as many decimals as the currency has; never rounded."""
        return self.style.money(amount, currency)

    def short_money(self, amount: Decimal | int, currency: str) -> str:
        """`2000` -> `$2,000`: without decimals where they are all zero, for the axis of a chart."""
        return self.style.money(amount, currency, short=True)

    def moment(self, text: str) -> Markup:
        """`2026-10-05T12:05:00Z` -> `5 Oct 2026, 14:05`, as a `<time>` that tells the second and the zone."""
        here = self._here(text)
        return self._told(text, here, self._moment(here))

    def time(self, text: str) -> Markup:
        """The same without the day: `14:05`."""
        here = self._here(text)
        return self._told(text, here, self.style.time(here))

    def day(self, text: str) -> Markup:
        """The same without the time: `5 Oct 2026`. A plain date, `2026-10-05`, is in no zone."""
        day = self._day(text)
        if isinstance(day, datetime):
            return self._told(text, day, self.style.day(day))
        return _DAY % (text, self.style.day(day))

    def begins(self, day: str, days: int = 0) -> str:
        """`2026-10-05` -> the moment when that day, or one so many `days` later, begins for the visitor;
        what is no day stays as it is."""
        try:
            first = datetime.combine(date.fromisoformat(day) + timedelta(days), time(), self.zone)
            return times.write(times.read(first))
        except (ValueError, OverflowError):
            return day

    def ago(self, text: str, now: int) -> Markup:
        """`5 minutes ago`, `in 2 hours`, whole units that have passed or are left; the day when it is far."""
        here = self._here(text)
        away = now - times.read(here)
        far = abs(away) >= DAYS_AGO_MAX * MICROS_PER_DAY
        return self._told(text, here, self.style.day(here) if far else _ago(away))

    def plain_moment(self, text: str) -> str:
        """As `moment`, as text alone."""
        return self._moment(self._here(text))

    def plain_day(self, text: str) -> str:
        """As `day`, as text alone."""
        return self.style.day(self._day(text))

    def short_day(self, text: str) -> str:
        """The same without the year: `5 Oct`."""
        return self.style.day(self._day(text), short=True)

    def zone_label(self, now: int) -> str:
        """`America/New York (UTC-4)`: whose time is shown, and how far it is from UTC at present."""
        name = self.zone.key.replace("_", " ") if isinstance(self.zone, ZoneInfo) else "UTC"
        offset = _offset(self._here(times.write(now)))
        return name if name == offset else f"{name} ({offset})"

    def _moment(self, here: datetime) -> str:
        return self.style.both(self.style.day(here), self.style.time(here))

    def _told(self, text: str, here: datetime, shown: str) -> Markup:
        exact = self.style.both(self.style.day(here), self.style.time(here, seconds=True))
        return _MOMENT % (text, exact, _offset(here), shown)

    def _here(self, text: str) -> datetime:
        moment = datetime.fromisoformat(text)
        try:
            return moment.astimezone(self.zone)
        except OverflowError:  # the calendar's first and last day, which other zones have not
            return moment

    def _day(self, text: str) -> date:
        return date.fromisoformat(text) if len(text) == len("2026-10-05") else self._here(text)


def _ago(away: int) -> str:
    for unit, name in _UNITS:
        if count := abs(away) // unit:
            words = f"{count} {name}{'s' if count > 1 else ''}"
            return f"{words} ago" if away > 0 else f"in {words}"
    return "just now" if away >= 0 else "in a moment"


def _offset(here: datetime) -> str:
    """`UTC`, `UTC-4`, `UTC+5:30`."""
    offset = here.utcoffset()
    minutes = int(offset.total_seconds()) // 60 if offset else 0
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}{f':{rest:02d}' if rest else ''}"
