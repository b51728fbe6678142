"""Settings: every `LEAFCRAFT_…` variable, typed, read once at start, frozen ever after."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from leafcraft import money
from leafcraft.errors import StartError

ENV_PREFIX = "LEAFCRAFT_"
SECRET_CHARS_MIN = 32
LOOPBACK = ("127.0.0.1", "::1")
"""A TLS proxy on this machine is believed whom it speaks for; nobody else is, by default."""

_HOST = re.compile(r"(\*\.)?[A-Za-z0-9.-]{1,253}|\[[0-9a-fA-F:.]{2,45}\]")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_ISSUER = r"^(https://|http://(localhost|127\.0\.0\.1)[:/])"

EMBEDDED_DATABASE = "sqlite:///leafcraft.db"

# Read by the project's own tests; named here so that the service doesn't call them typing errors.
_FOREIGN = {"LEAFCRAFT_REQUIRE_CHROMIUM", "LEAFCRAFT_REQUIRE_MARIADB"}


def _words(given: object) -> object:
    """`a, b` from the environment is two words."""
    return tuple(word.strip() for word in given.split(",")) if isinstance(given, str) else given


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]


def _hosts(hosts: Words) -> Words:
    """Raises ValueError for what is not a host name, alone or behind `*.`"""
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise ValueError(f"{host} is not a host name such as shop.example.com or *.example.com")
    return tuple(host.lower() for host in hosts)


def _origins(origins: Words) -> Words:
    for origin in origins:
        if not _ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin} is not an origin such as https://shop.example.com")
    return origins


def _proxies(proxies: Words) -> Words:
    for proxy in proxies:
        ipaddress.ip_network(proxy)  # the same check that the server makes
    return proxies


def _currency_code(code: str) -> str:
    return money.currency(code).code


class Settings(BaseSettings):
    """One value for the whole life of the process; `Settings()` reads the environment."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, env_ignore_empty=True)

    database_url: Annotated[str, Field(repr=False)] = EMBEDDED_DATABASE
    data_dir: Path = Path("leafcraft-data")
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    workers: Annotated[int, Field(ge=1, le=64)] = 1
    auto_migrate: bool | None = None
    secret_key: Annotated[SecretStr, Field(min_length=SECRET_CHARS_MIN)] | None = None
    token_minutes: Annotated[int, Field(ge=1, le=1440)] = 15
    admin_email: str | None = None
    admin_password: SecretStr | None = None
    currency: Annotated[str, AfterValidator(_currency_code)] = "USD"
    idempotency_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 24
    allocation: Literal["priority", "single", "most_stock"] = "priority"
    cache_mb: Annotated[int, Field(ge=0, le=4096)] = 64
    metrics: bool = True
    console: Literal["on", "off"] = "on"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    rate_limit: Literal["on", "off"] = "on"
    rate_per_second: Annotated[int, Field(ge=1, le=1_000_000)] = 300
    allowed_hosts: Annotated[Words, AfterValidator(_hosts)] = ()
    cors_origins: Annotated[Words, AfterValidator(_origins)] = ()
    trusted_proxies: Annotated[Words, AfterValidator(_proxies)] = LOOPBACK
    oidc_issuer: Annotated[str, Field(pattern=_ISSUER)] | None = None
    oidc_audience: str = "leafcraft"
    oidc_role_claim: str = "role"


def load() -> Settings:
    """The environment's settings. Raises StartError with one line that names what is wrong."""
    try:
        return Settings()
    except ValidationError as invalid:
        raise StartError("; ".join(_complaint(dict(error)) for error in invalid.errors())) from None


def shown(settings: Settings) -> dict[str, Any]:
    """What may be noted down and shown: everything but the secrets, and what is a machine's own."""
    private = {"secret_key", "admin_password", "database_url", "data_dir", "host", "port"}
    return settings.model_dump(mode="json", exclude=private)


def unknown_names() -> list[str]:
    """`LEAFCRAFT_…` variables that no setting reads: most likely typing errors."""
    known = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields} | _FOREIGN
    return sorted(name for name in os.environ if name.startswith(ENV_PREFIX) and name not in known)


def _complaint(error: dict[str, object]) -> str:
    location = error["loc"]
    name = location[0] if isinstance(location, tuple) else location
    reason = str(error["msg"]).removeprefix("Value error, ")
    return f"{ENV_PREFIX}{str(name).upper()}: {reason[:1].lower()}{reason[1:]}"
