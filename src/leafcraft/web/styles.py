"""How one language writes numbers, money and dates: Babel's patterns, read once and applied many times.

A page has hundreds of them, and Babel looks all up again for each; here a date takes a
microsecond or two, an amount less than ten.
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


class _Money(NamedTuple):
    """What stands around an amount, and how its digits are written."""

    before: str
    after: str
    exact: NumberPattern
    short: NumberPattern


class Style:
    """Writes what it is given; zones are its caller's business."""

    def __init__(self, numbers: Locale, words: Locale) -> None:
        self._numbers = numbers
        self._pattern = numbers.decimal_formats[None]
        self._minus = get_minus_sign_symbol(numbers)
        self._money: dict[str, _Money] = {}
        self._dates = _dates(words)

    def number(self, number: Decimal | int) -> str:
        return self._digits(self._pattern, number)

    def money(self, amount: Decimal | int, code: str, *, short: bool = False) -> str:
        """Raises ValueError for a code that can be no currency's."""
        kind = self._money.get(code)
        if kind is None:
            kind = self._money[code] = _money(code, self._numbers)
        bare = short and amount == int(amount)
        size = amount if amount >= 0 else -amount
        digits = self._digits(kind.short if bare else kind.exact, size)
        return f"{self._minus if amount < 0 else ''}{kind.before}{digits}{kind.after}"

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

    def _digits(self, pattern: NumberPattern, number: Decimal | int) -> str:
        """Nothing is rounded: a page shows what is so."""
        written: str = pattern.apply(number, self._numbers, decimal_quantization=False)
        return written


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
    return _Money(before, after, number_pattern(exact), number_pattern(whole))
