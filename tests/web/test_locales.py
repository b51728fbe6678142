"""Visitors read numbers, money and moments as they are used to, whatever their browser claims to be."""

import re
import weakref
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from babel import Locale, localedata
from babel.numbers import format_decimal, get_minus_sign_symbol
from hypothesis import given
from hypothesis import strategies as st

from leafcraft import times
from leafcraft.money import AMOUNT_MINOR_MAX
from leafcraft.web import locales, styles
from leafcraft.web.locales import Formats, formats
from leafcraft.web.styles import LANGUAGES_LOADED_MAX, Style, style

MOMENT = "2026-09-05T12:05:09.123456Z"
NOW = times.read(datetime.fromisoformat(MOMENT))
THIN = "\u202f"
HARD = "\u00a0"
MINUS = "\u2212"


def of(language: str, zone: str = "UTC") -> Formats:
    return formats(locales.language(language), locales.zone(zone))


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", "en"),
        ("de", "de"),
        ("en-GB,en;q=0.5", "en_GB"),
        ("de-CH, de;q=0.9, en;q=0.8", "de_CH"),
        ("fr;q=0.3, pt-BR;q=0.7", "pt_BR"),
        ("de;q=0, fr", "fr"),
        ("de;q=0", "en"),
        ("zh-TW", "zh_Hant_TW"),
        ("zh-Hans-CN", "zh_Hans_CN"),
        ("DE-at", "de_AT"),
        ("de-XY", "de"),
        ("xx, *;q=0.5", "en"),
        ("tlh, nl;q=0.1", "nl"),
        ("de;q=zero, it", "it"),
        ("../../etc/passwd, sv", "sv"),
        ("root, es", "es"),
        (",,,;;;q=,", "en"),
        ("x" * 100_000 + ",de", "en"),
        ("xx," * 50 + "de", "en"),
    ],
)
def test_the_first_language_that_is_known_is_chosen(header: str, found: str) -> None:
    assert locales.language(header) == found


@given(st.text(max_size=300) | st.text("adefrn-,;q=.01 *_/", max_size=60))
def test_any_header_gives_a_language_that_is_known(header: str) -> None:
    assert localedata.exists(locales.language(header))


@pytest.mark.parametrize(
    ("cookie", "found"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("Etc/GMT+5", "Etc/GMT+5"),
        ("UTC", "UTC"),
        ("", "UTC"),
        ("Europe", "UTC"),
        ("Mars/Olympus", "UTC"),
        ("/etc/passwd", "UTC"),
        ("../../../etc/passwd", "UTC"),
        ("Europe/../Europe/Berlin", "UTC"),
        ("Europe//Berlin", "UTC"),
        ("leapseconds", "UTC"),
        ("Europe/Berlin\n", "UTC"),
        ("Europe/Berlin\x00", "UTC"),
        ("A" * 65, "UTC"),
    ],
)
def test_a_cookie_names_a_time_zone_or_nothing(cookie: str, found: str) -> None:
    assert locales.zone(cookie) == found


@given(st.text(max_size=80) | st.text("EuropeBrlinUTC/_+-09", max_size=20))
def test_any_cookie_gives_formats_that_work(cookie: str) -> None:
    assert "2026" in formats("en", locales.zone(cookie)).moment(MOMENT)


def test_a_cookie_that_can_be_no_zone_is_not_kept() -> None:
    """A browser may send some 60 KiB of it, and each time another."""

    class Text(str):
        """One that can be watched."""

    cookie = Text("x" * 60_000)
    watched = weakref.ref(cookie)
    assert locales.zone(cookie) == "UTC"
    del cookie
    assert watched() is None


@pytest.mark.parametrize(
    ("language", "number", "dollars", "yen", "dinars", "francs"),
    [
        ("en-US", "1,234,567", "$1,234.50", "¥1,235", "BHD 1.500", "CHF 2,000"),
        ("en-IN", "12,34,567", "$1,234.50", "JP¥1,235", "BHD 1.500", "CHF 2,000"),
        ("de", "1.234.567", "1.234,50 $", "1.235 ¥", "1,500 BHD", "2.000 CHF"),
        ("de-CH", "1’234’567", "$ 1’234.50", "¥ 1’235", "BHD 1.500", "CHF 2’000"),
        ("fr", "1~234~567", "1~234,50 $US", "1~235 JPY", "1,500 BHD", "2~000 CHF"),
        ("ar", "1,234,567", "US$1,234.50", "JP¥1,235", "BHD 1.500", "CHF 2,000"),
    ],
)
def test_numbers_and_money_are_written_as_the_language_does(
    language: str, number: str, dollars: str, yen: str, dinars: str, francs: str
) -> None:
    here = of(language)
    written = [
        here.number(1234567),
        here.money(Decimal("1234.5"), "USD"),
        here.money(1235, "JPY"),
        here.money(Decimal("1.5"), "BHD"),
        here.short_money(Decimal("2000.00"), "CHF"),
    ]
    plain = [text.replace(THIN, "~").replace(HARD, " ") for text in written]
    assert plain == [number, dollars, yen, dinars, francs]


def test_money_is_never_rounded_and_short_only_where_nothing_is_lost() -> None:
    here = of("en-US")
    assert here.short_money(Decimal("0.5"), "USD") == "$0.50"
    assert here.money(Decimal("0.125"), "USD") == "$0.125"
    assert here.money(Decimal(-5), "USD") == "-$5.00"
    assert here.money(Decimal("1E+3"), "USD") == "$1,000.00"
    with pytest.raises(ValueError, match="ISO 4217"):
        here.money(1, "dollars")


def test_a_number_of_any_length_is_written_out() -> None:
    here = of("en-IN")
    long = Decimal("123456789012345678901234567890.1230")
    assert here.number(long) == "1,23,45,67,89,01,23,45,67,89,01,23,45,67,890.123"
    assert here.number(-1234) == "-1,234"
    assert here.money(-long, "JPY").startswith("-JP¥1,23,45,")


@given(st.integers(-AMOUNT_MINOR_MAX, AMOUNT_MINOR_MAX), st.sampled_from(["en", "de", "hi", "sv"]))
def test_every_digit_of_an_amount_is_shown(minor: int, language: str) -> None:
    shown = of(language).money(Decimal(minor).scaleb(-2), "EUR")
    assert int("".join(re.findall(r"\d", shown))) == abs(minor)
    assert (minor < 0) == shown.startswith(("-", MINUS))


@pytest.mark.parametrize(
    ("language", "moment", "day"),
    [
        ("en-US", f"Sep 5, 2026, 8:05{THIN}AM", "Sep 5"),
        ("en-GB", "5 Sept 2026, 08:05", "5 Sept"),
        ("en-DE", "5 Sept 2026, 08:05", "5 Sept"),
        ("de", "5 Sept 2026, 08:05", "5 Sept"),
        ("da", "5 Sept 2026, 08.05", "5 Sept"),
        ("ja", "5 Sept 2026, 08:05", "5 Sept"),
        ("ko", f"5 Sept 2026, 8:05{THIN}am", "5 Sept"),
        ("es-MX", f"5 Sept 2026, 8:05{THIN}am", "5 Sept"),
    ],
)
def test_moments_have_english_words_in_the_regions_order(
    language: str, moment: str, day: str
) -> None:
    here = of(language, "America/New_York")
    assert here.plain_moment(MOMENT) == moment
    assert here.short_day(MOMENT) == day


def test_a_moment_tells_programs_and_pointers_exactly_when_it_was() -> None:
    assert of("en-GB", "Asia/Kolkata").moment(MOMENT) == (
        f'<time datetime="{MOMENT}" title="5 Sept 2026, 17:35:09 (UTC+5:30)">'
        "5 Sept 2026, 17:35</time>"
    )
    assert of("en-GB").time(MOMENT).endswith('12:05:09 (UTC)">12:05</time>')


def test_a_moment_is_on_the_day_of_the_visitor_and_a_plain_date_on_its_own() -> None:
    late = "2026-12-31T23:30:00Z"
    assert of("en-GB", "Europe/Berlin").plain_day(late) == "1 Jan 2027"
    assert of("en-GB", "America/New_York").plain_day(late) == "31 Dec 2026"
    assert of("en-GB", "America/New_York").day("2026-01-01") == (
        '<time datetime="2026-01-01">1 Jan 2026</time>'
    )


def test_no_markup_comes_in_by_a_moment() -> None:
    sly = '2026-09-05"12:05:09Z'
    assert "&#34;" in of("en").moment(sly)
    with pytest.raises(ValueError, match="Invalid"):
        of("en").moment("<b>")


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(minutes=5, seconds=59), "5 minutes ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(days=2, hours=23), "2 days ago"),
        (timedelta(days=29, hours=23), "29 days ago"),
        (timedelta(days=30), "5 Sept 2026"),
        (timedelta(days=-30), "5 Sept 2026"),
        (timedelta(seconds=-1), "in a moment"),
        (timedelta(minutes=-14, seconds=-59), "in 14 minutes"),
        (timedelta(days=-1), "in 1 day"),
    ],
)
def test_how_long_ago_is_told_in_whole_units(away: timedelta, words: str) -> None:
    now = NOW + away // timedelta(microseconds=1)
    assert of("de").ago(MOMENT, now).striptags() == words


def test_whose_time_is_shown_is_told_with_summer_time() -> None:
    winter = times.read(datetime(2026, 1, 5, tzinfo=UTC))
    assert of("en", "America/New_York").zone_label(NOW) == "America/New York (UTC-4)"
    assert of("en", "America/New_York").zone_label(winter) == "America/New York (UTC-5)"
    assert of("en", "Mars/Olympus").zone_label(NOW) == "UTC"


def test_the_ends_of_the_calendar_are_shown_too() -> None:
    assert of("en", "Asia/Tokyo").plain_day("9999-12-31T23:59:59Z") == "Dec 31, 9999"
    assert of("en", "America/New_York").plain_day("0001-01-01T00:00:00Z") == "Jan 1, 1"


ENGLISH = Locale("en")


def test_every_language_has_a_style_that_babel_agrees_with() -> None:
    english = [name for name in sorted(localedata.locale_identifiers()) if name[:3] == "en_"]
    plain = [name for name in english if "Shaw" not in name and "Dsrt" not in name]
    noon = datetime(2026, 9, 5, 13, 5, 9, tzinfo=UTC)
    for name in plain:
        locale = Locale.parse(name)
        mine = Style(locale, locale)
        assert mine.day(noon) == locale.date_formats["medium"].apply(noon, locale)
        assert mine.time(noon) == locale.time_formats["short"].apply(noon, locale)
        assert mine.time(noon, seconds=True) == locale.time_formats["medium"].apply(noon, locale)
    every = (Locale.parse(name) for name in localedata.locale_identifiers())
    for locale in (one for one in every if one.text_direction == "ltr"):
        minus = get_minus_sign_symbol(locale)  # which Babel itself leaves out of numbers
        for number in (0, -7, 1234, 1234567, Decimal("-1234567.890")):
            theirs = format_decimal(number, locale=locale).replace("-", minus)
            assert Style(locale, ENGLISH).number(number) == theirs


def test_no_visitor_can_fill_the_memory_with_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(styles, "_loaded", {f"x{n}" for n in range(LANGUAGES_LOADED_MAX)})
    style.cache_clear()
    assert style("de").number(1000) == "1,000"
    style.cache_clear()
