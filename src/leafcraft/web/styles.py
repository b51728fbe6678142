"""How one language writes numbers, money and dates: Babel's patterns, read once and applied many times.

A page has hundreds of them, and Babel looks all up again for each; here one takes a
microsecond or two.
"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from babel import Locale, localedata
from babel.core import get_global
from babel.numbers import (
    NumberPattern,
    get_currency_symbol,
    get_decimal_symbol,
    get_group_symbol,
    get_minus_sign_symbol,
)
from babel.numbers import parse_pattern as number_pattern

from leafcraft.money import currency

FALLBACK = "en"
LANGUAGES_LOADED_MAX = 64
"""Babel keeps what it has once loaded, 160 kB a language and 1000 of them; later ones get English."""

_loaded: set[str] = set()


class _Dates(NamedTuple):
    """Babel's date patterns as Python's: `%(d)s %(MMM)s %(y)s`."""

    day: str
    short_day: str
    time: str
    seconds: str
    both: str
    months: Mapping[int, str]
    halves: Mapping[str, str]


class _Digits(NamedTuple):
    """How the digits of a number are grouped, and what stands between them."""

    group: str
    point: str
    last: int
    """How many digits the last group has; the others may have fewer, as in 12,34,567."""
    others: int
    decimals: int
    """At least so many."""

    def write(self, digits: str) -> str:
        """Nothing is rounded: a page shows what is so."""
        whole, _, rest = digits.partition(".")
        rest = rest.rstrip("0").ljust(self.decimals, "0")
        groups = []
        size = self.last
        while len(whole) > size:
            groups.append(whole[-size:])
            whole, size = whole[:-size], self.others
        grouped = self.group.join((whole, *reversed(groups))) if groups else whole
        return f"{grouped}{self.point}{rest}" if rest else grouped


class _Money(NamedTuple):
    """What stands around an amount, and how its digits are written."""

    before: str
    after: str
    exact: _Digits
    short: _Digits


class Style:
    """Writes what it is given; zones are its caller's business."""

    def __init__(self, numbers: Locale, words: Locale) -> None:
        self._numbers = numbers
        self._plain = _digits(numbers.decimal_formats[None], numbers)
        self._minus = get_minus_sign_symbol(numbers)
        self._money: dict[str, _Money] = {}
        self._dates = _dates(words)

    def number(self, number: Decimal | int) -> str:
        return self._write(self._plain, number)

    def money(self, amount: Decimal | int, code: str, *, short: bool = False) -> str:
        """Raises ValueError for a code that can be no currency's."""
        kind = self._money.get(code)
        if kind is None:
            kind = self._money[code] = _money(code, self._numbers)
        bare = short and amount == int(amount)
        around = (kind.before, kind.after)
        return self._write(kind.short if bare else kind.exact, amount, around)

    def day(self, day: date, *, short: bool = False) -> str:
        dates = self._dates
        return (dates.short_day if short else dates.day) % {
            "d": day.day,
            "dd": f"{day.day:02d}",
            "MM": f"{day.month:02d}",
            "MMM": dates.months[day.month],
            "y": day.year,
        }

    def time(self, time: datetime, *, seconds: bool = False) -> str:
        hour = time.hour
        return (self._dates.seconds if seconds else self._dates.time) % {
            "H": hour,
            "HH": f"{hour:02d}",
            "h": hour % 12 or 12,
            "mm": f"{time.minute:02d}",
            "ss": f"{time.second:02d}",
            "a": self._dates.halves["pm" if hour >= 12 else "am"],
        }

    def both(self, day: str, time: str) -> str:
        return self._dates.both.format(time, day)

    def _write(
        self, kind: _Digits, number: Decimal | int, around: tuple[str, str] = ("", "")
    ) -> str:
        digits = f"{number:f}" if isinstance(number, Decimal) else str(number)
        before, after = around
        minus = self._minus if digits[0] == "-" else ""
        return f"{minus}{before}{kind.write(digits.removeprefix('-'))}{after}"


@lru_cache(maxsize=2 * LANGUAGES_LOADED_MAX)
def style(language: str) -> Style:
    """The style of a language that Babel knows, `de_CH`; of English when too many are loaded."""
    if len(_loaded) >= LANGUAGES_LOADED_MAX and language not in _loaded:
        language = FALLBACK
    _loaded.add(language)
    locale = Locale.parse(language)
    words = _words(locale)
    # The page runs from left to right, and with it the marks that turn numbers in other scripts.
    return Style(locale if locale.text_direction == "ltr" else words, words)


def _words(locale: Locale) -> Locale:
    """English as the region writes it; where that isn't known, as Europe or the rest of the world does.

    Which of the two, the clock tells: 24 hours or 12.
    """
    if locale.language == "en" and not locale.script:
        return locale
    likely = str(get_global("likely_subtags").get(locale.language, ""))
    region = locale.territory or likely.rpartition("_")[2]
    if region and localedata.exists(f"en_{region}"):
        return Locale("en", region)
    return Locale("en", "150" if "H" in locale.time_formats["short"].pattern else "001")


def _dates(words: Locale) -> _Dates:
    return _Dates(
        day=words.date_formats["medium"].format,
        short_day=str(words.datetime_skeletons["MMMd"].format),
        time=words.time_formats["short"].format,
        seconds=words.time_formats["medium"].format,
        both=str(words.datetime_formats["medium"]),
        months=words.months["format"]["abbreviated"],
        halves=words.day_periods["format"]["abbreviated"],
    )


def _money(code: str, locale: Locale) -> _Money:
    symbol = get_currency_symbol(code, locale)
    pattern = locale.currency_formats["standard"].pattern.partition(";")[0]
    around = number_pattern(pattern)
    before = around.prefix[0].replace("¤", symbol)
    after = around.suffix[0].replace("¤", symbol)
    if before[-1:].isalpha():  # CHF 5, though $5; Babel leaves that out
        before += "\u00a0"
    whole = locale.decimal_formats[None].pattern.partition(".")[0]
    decimals = currency(code).decimals
    exact = f"{whole}.{'0' * decimals}" if decimals else whole
    kinds = (_digits(number_pattern(one), locale) for one in (exact, whole))
    return _Money(before, after, *kinds)


def _digits(pattern: NumberPattern, locale: Locale) -> _Digits:
    last, others = pattern.grouping
    group, point = get_group_symbol(locale), get_decimal_symbol(locale)
    return _Digits(group, point, last, others, decimals=pattern.frac_prec[0])
