"""Settings: every `LEAFCRAFT_…` variable, typed, read once at start, frozen ever after."""

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from leafcraft import money
from leafcraft.errors import StartError

ENV_PREFIX = "LEAFCRAFT_"
SECRET_CHARS_MIN = 32
EMBEDDED_DATABASE = "sqlite:///leafcraft.db"

# Read by the project's own tests; named here so that the service doesn't call it a typing error.
_FOREIGN = {"LEAFCRAFT_REQUIRE_MARIADB"}


def _currency_code(code: str) -> str:
    return money.currency(code).code


class Settings(BaseSettings):
    """One value for the whole life of the process; `Settings()` reads the environment."""

    model_config = SettingsConfigDict(env_prefix=ENV_PREFIX, frozen=True, env_ignore_empty=True)

    database_url: str = EMBEDDED_DATABASE
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
    cache_mb: Annotated[int, Field(ge=0, le=4096)] = 64
    metrics: bool = True
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    rate_limit: Literal["on", "off"] = "on"


def load() -> Settings:
    """The environment's settings. Raises StartError with one line that names what is wrong."""
    try:
        return Settings()
    except ValidationError as invalid:
        raise StartError("; ".join(_complaint(dict(error)) for error in invalid.errors())) from None


def unknown_names() -> list[str]:
    """`LEAFCRAFT_…` variables that no setting reads: most likely typing errors."""
    known = {f"{ENV_PREFIX}{name.upper()}" for name in Settings.model_fields} | _FOREIGN
    return sorted(name for name in os.environ if name.startswith(ENV_PREFIX) and name not in known)


def _complaint(error: dict[str, object]) -> str:
    location = error["loc"]
    name = location[0] if isinstance(location, tuple) else location
    reason = str(error["msg"]).removeprefix("Value error, ")
    return f"{ENV_PREFIX}{str(name).upper()}: {reason[:1].lower()}{reason[1:]}"
