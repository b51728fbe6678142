"""Money: a whole number of the currency's smallest unit inside, an exact JSON number outside; never a float."""

from decimal import Decimal
from typing import NamedTuple

AMOUNT_MINOR_MAX = 10**15 - 1
"""15 digits: the most that every JSON reader, JavaScript's included, keeps exactly."""

# ISO 4217, list one: the currencies whose smallest unit is not a hundredth.
_DECIMALS = {
    **dict.fromkeys(
        "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0
    ),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}


class Currency(NamedTuple):
    """An ISO 4217 currency: its code and how many decimals its amounts have."""

    code: str
    decimals: int

    def minor(self, amount: Decimal) -> int:
        """499.9 -> 49990. Raises ValueError, in a user's words, when the amount can't be held exactly."""
        if not amount.is_finite() or (amount.is_signed() and amount != 0):
            raise ValueError("must be zero or more")
        if amount > AMOUNT_MINOR_MAX:
            raise ValueError(f"must be at most {self.text(AMOUNT_MINOR_MAX)}")
        _, digits, exponent = amount.as_tuple()
        beyond = -int(exponent) - self.decimals
        if beyond > 0 and any(digits[-beyond:]):
            raise ValueError(f"must have at most {self.decimals} decimals ({self.code})")
        minor = int(amount.scaleb(self.decimals))
        if minor > AMOUNT_MINOR_MAX:
            raise ValueError(f"must be at most {self.text(AMOUNT_MINOR_MAX)}")
        return minor

    def text(self, minor: int) -> str:
        """140798 -> `1407.98`, 49990 -> `499.9`, 1000 -> `10.0`: a JSON number with no digit that says nothing.

        One decimal always stays (where the currency has any), so that readers which tell
        floats from integers see one type for every price.
        """
        if not self.decimals:
            return str(minor)
        whole, part = divmod(minor, 10**self.decimals)
        return f"{whole}.{f'{part:0{self.decimals}d}'.rstrip('0') or '0'}"


def currency(code: str) -> Currency:
    """The currency of an ISO 4217 code such as `USD`. Raises ValueError for what can't be one."""
    if len(code) != 3 or not code.isascii() or not code.isalpha() or not code.isupper():
        raise ValueError("must be an ISO 4217 code such as USD")
    return Currency(code, _DECIMALS.get(code, 2))
