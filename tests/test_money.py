"""Money is exact, whatever the amount and the currency."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leafcraft import money
from leafcraft.money import AMOUNT_MINOR_MAX, Currency

minors = st.integers(0, AMOUNT_MINOR_MAX)
currencies = st.sampled_from(["USD", "EUR", "JPY", "BHD", "CLF"]).map(money.currency)


@given(minors, currencies)
def test_what_is_written_is_read_back_as_the_same_amount(minor: int, currency: Currency) -> None:
    assert currency.minor(Decimal(currency.text(minor))) == minor


@given(minors, currencies)
def test_what_is_written_is_a_json_number_of_that_very_value(
    minor: int, currency: Currency
) -> None:
    read = json.loads(currency.text(minor), parse_float=Decimal)
    assert Decimal(read) == Decimal(minor).scaleb(-currency.decimals)


@given(minors, currencies)
def test_a_reader_with_doubles_alone_loses_nothing(minor: int, currency: Currency) -> None:
    double = float(currency.text(minor))
    assert round(Decimal(double).scaleb(currency.decimals)) == minor


@given(st.decimals(min_value=0, max_value=10**12, places=2))
def test_two_decimals_are_always_held_exactly(amount: Decimal) -> None:
    assert Decimal(money.currency("USD").minor(amount)) == amount * 100


@given(minors, st.integers(1, 10**6), st.integers(3, 12))
def test_a_fraction_of_the_smallest_unit_is_always_refused(
    minor: int, fraction: int, places: int
) -> None:
    crumb = Decimal(fraction).scaleb(-places) % Decimal("0.01")
    if not crumb:
        return
    with pytest.raises(ValueError, match=r"decimals|at most"):
        money.currency("USD").minor(Decimal(minor).scaleb(-2) + crumb)


@pytest.mark.parametrize(
    ("code", "minor", "text"),
    [
        ("USD", 140798, "1407.98"),
        ("USD", 49990, "499.9"),
        ("USD", 1000, "10.0"),
        ("USD", 0, "0.0"),
        ("USD", 1, "0.01"),
        ("USD", AMOUNT_MINOR_MAX, "9999999999999.99"),
        ("JPY", 1000, "1000"),
        ("BHD", 1234, "1.234"),
        ("BHD", 1200, "1.2"),
    ],
)
def test_an_amount_has_no_digit_that_says_nothing(code: str, minor: int, text: str) -> None:
    assert money.currency(code).text(minor) == text


@pytest.mark.parametrize(
    "amount",
    ["-0.01", "-1", "NaN", "sNaN", "Infinity", "-Infinity", "1e400", "1e15", "1e-3", "1E-400"],
)
def test_what_can_not_be_held_is_refused(amount: str) -> None:
    with pytest.raises(ValueError, match="must"):
        money.currency("USD").minor(Decimal(amount))


def test_the_largest_amount_is_held_and_one_more_is_refused() -> None:
    dollars = money.currency("USD")
    assert dollars.minor(Decimal("9999999999999.99")) == AMOUNT_MINOR_MAX
    with pytest.raises(ValueError, match="at most"):
        dollars.minor(Decimal(10000000000000))


@pytest.mark.parametrize("code", ["usd", "US", "USDX", "", "U$D", "ÜSD", "123"])
def test_what_is_no_currency_code_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        money.currency(code)
