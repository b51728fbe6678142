"""Settings that would weaken the door by a typing error: the service says so in one line, and does not start."""

from pathlib import Path

import pytest

from tests.builders import Run, complaint

ORIGINS = (
    *("*", "null", "shop.example.com", "https://shop.example.com/", "https://*.example.com"),
    *("https://a b", "ftp://shop.example.com", "https://user@shop.example.com", "https://"),
    *("https://shop.example.com:port", "https://shop.example.com:123456", "file://"),
    *("https://a.example.com,", "https://a.example.com https://b.example.com", "https://é.example"),
    *("https://shop.example.com/x", "https://shop.example.com?x", "javascript:alert(1)"),
)
HOSTS = (
    *("*", "http://shop.example.com", "shop.example.com:8000", "shop.example.com/", "a b"),
    *("user@shop.example.com", "*.*.example.com", "shop.*", "*example.com", "[::1", "::1"),
    *("shop.example.com,", ",", "é.example.com", "a" * 254, "shop_example%"),
)
PROXIES = (
    *("localhost", "*", "10.0.0.1/33", "10.0.0.1:80", "10.0.0", "proxy.example.com", "::1/129"),
    *("10.0.0.1 10.0.0.2", "10.0.0.1,", "256.0.0.1", "unix:"),
)
ISSUERS = (
    *("http://login.example.com", "login.example.com", "ftp://login.example.com", "https:/x"),
    *("http://localhost.evil.test", "http://127.0.0.1.evil.test", "file:///etc/passwd", "//x"),
)
OTHERS = {
    "rate_limit": ("yes", "ON ", "0", "true"),
    "rate_per_second": ("0", "-1", "many", "1000001"),
    "secret_key": ("short", "a" * 31),
    "token_minutes": ("0", "1441", "-1", "fifteen"),
}
BAD = [
    *(("cors_origins", value) for value in ORIGINS),
    *(("allowed_hosts", value) for value in HOSTS),
    *(("trusted_proxies", value) for value in PROXIES),
    *(("oidc_issuer", value) for value in ISSUERS),
    *((name, value) for name, values in OTHERS.items() for value in values),
]


@pytest.mark.parametrize(("name", "value"), BAD, ids=lambda text: ascii(text[:40]))
def test_a_setting_that_is_none_is_named_in_one_line(
    leafcraft: Run, tmp_path: Path, name: str, value: str
) -> None:
    line = complaint(leafcraft("migrate", data_dir=tmp_path, **{name: value}))
    assert f"LEAFCRAFT_{name.upper()}: " in line
    if name == "secret_key":
        assert value not in line
