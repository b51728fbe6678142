"""What the operator's commands have in common: settings, the parts of the service, and a place to write to."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from rich.console import Console

from leafcraft import config, logs
from leafcraft.app import Parts, compose, opened
from leafcraft.config import Settings

T = TypeVar("T")

EXIT_FAILED = 1
out = Console(highlight=False, soft_wrap=True)


def settings() -> Settings:
    """The settings of a command, which logs what went wrong alone."""
    found = config.load()
    logs.set_up("warning")
    return found


def with_parts(work: Callable[[Parts], Coroutine[Any, Any, T]]) -> T:
    """Runs `work` over the same parts that the service is made of."""

    async def run() -> T:
        parts = compose(settings())
        async with opened(parts.runtime):
            return await work(parts)

    return asyncio.run(run())
