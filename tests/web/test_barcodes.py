"""A scanner reads from a barcode what is written beneath it."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leafcraft.web import barcodes
from leafcraft.web.barcodes import BARCODE_CHARS_MAX, QUIET_MODULES
from tests.web.drawing import drawn, parts

# ISO/IEC 15417, table 1: how wide bars and spaces are, in turn, of the symbols 0 to 105.
WIDTHS = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 "
    "122132 122231 113222 123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 "
    "321221 312212 322112 322211 212123 212321 232121 111323 131123 131321 112313 132113 132311 "
    "211313 231113 231311 112133 112331 132131 113123 113321 133121 313121 211331 231131 213113 "
    "213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 111422 "
    "121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 "
    "241112 134111 111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 "
    "412121 111143 111341 131141 114113 114311 411113 411311 113141 114131 311141 411131 211412 "
    "211214 211232"
).split()
STOP = "2331112"
SETS = {103: "A", 104: "B", 105: "C", 101: "A", 100: "B", 99: "C"}

texts = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=BARCODE_CHARS_MAX)
texts = texts.filter(bool) | st.from_regex(r"\A[A-Z]{0,3}-?[09]{1,16}\Z")


def widths(svg: str) -> tuple[str, int, int]:
    """Bars and spaces in turn, and the white to the left and to the right of them."""
    root = drawn(svg)
    path = next(parts(root, "bars")).get("d", "")
    bars = [(int(x), int(width)) for x, width in re.findall(r"M(\d+) 0h(\d+)v\d+h-\2z", path)]
    assert len(bars) == path.count("M")
    ends = [x + width for x, width in bars]
    spaces = [x - end for (x, _), end in zip(bars[1:], ends[:-1], strict=True)] + [0]
    turns = "".join(f"{width}{space}" for (_, width), space in zip(bars, spaces, strict=True))
    return turns[:-1], bars[0][0], int(root.get("viewBox", "").split()[2]) - ends[-1]


def scanned(svg: str) -> str:
    """What a scanner makes of it."""
    turns, before, after = widths(svg)
    assert before == after == QUIET_MODULES
    assert turns.endswith(STOP)
    body = turns.removesuffix(STOP)
    start, *symbols, check = [WIDTHS.index(body[n : n + 6]) for n in range(0, len(body), 6)]
    assert check == (start + sum(n * one for n, one in enumerate(symbols, 1))) % 103
    charset, text = SETS[start], ""
    for symbol in symbols:
        if charset == "C" and symbol < 100:
            text += f"{symbol:02d}"
        elif symbol in SETS:
            charset = SETS[symbol]
        else:
            text += chr(symbol + 32)
    return text


@given(texts)
@example("99")
@example("9901-A")
def test_what_is_scanned_is_what_is_written(text: str) -> None:
    svg = barcodes.code128(text)
    assert svg is not None
    assert scanned(svg) == text
    assert "".join(drawn(svg).itertext()) == text


@pytest.mark.parametrize("text", ["", "Grün-1", "ñ", "茶-01", "tea\n", "tea\x00", "ÿ"])
def test_what_a_barcode_cannot_hold_has_none(text: str) -> None:
    assert barcodes.code128(text) is None


def test_what_is_too_long_to_scan_has_none() -> None:
    assert barcodes.code128("X" * BARCODE_CHARS_MAX)
    assert barcodes.code128("X" * (BARCODE_CHARS_MAX + 1)) is None


def test_a_sku_that_looks_like_markup_is_text() -> None:
    svg = barcodes.code128('"><script>&')
    assert drawn(svg).get("aria-label") == 'Barcode: "><script>&'
    assert "<script" not in str(svg)


def test_the_text_is_no_wider_than_the_bars() -> None:
    root = drawn(barcodes.code128("1" * BARCODE_CHARS_MAX))
    text = next(one for one in root if one.text)
    wide = float(text.get("font-size", "")) * 0.6 * BARCODE_CHARS_MAX
    assert wide <= float(root.get("viewBox", "").split()[2]) - 2 * QUIET_MODULES
