"""What `Accept` means."""

import pytest

from leafcraft.sheet import MEDIA_OUT
from leafcraft.web.media import JSON, RANGES_MAX, chosen

CSV = MEDIA_OUT


@pytest.mark.parametrize(
    ("accept", "media"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/*", JSON),
        ("text/csv", CSV),
        ("TEXT/CSV", CSV),
        ("text/csv; charset=utf-8", CSV),
        ("text/csv;header=present;q=0.5", CSV),
        ("text/*", CSV),
        ("text/csv, application/json", JSON),
        ("text/csv, */*", CSV),
        ("text/csv, */*;q=0.1", CSV),
        ("application/json;q=0.9, text/csv", CSV),
        ("application/json, text/csv;q=0.9", JSON),
        ("text/csv;q=0.8,application/json;q=0.799", CSV),
        ("text/csv;Q=0.1 , application/json; q=0.2", JSON),
        ("application/json, text/plain, */*", JSON),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", JSON),
        ("text/csv;q=0", JSON),
        ("text/csv;q=0, */*", JSON),
        ("*/*, application/json;q=0", CSV),
        ("text/*, text/csv;q=0", JSON),
        ("image/png", JSON),
        ("text/csv;q=nan, application/json;q=0.5", CSV),
        ("text/csv;q=9", CSV),
        (",;,q=1,/", JSON),
        ("a/b," * RANGES_MAX + "text/csv", JSON),
    ],
)
def test_the_type_that_is_wanted_most_is_chosen(accept: str | None, media: str) -> None:
    assert chosen(accept, (JSON, CSV)) == media
