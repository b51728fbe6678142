"""The console's templates: each slice has its own, beside its pages."""

from collections.abc import Callable, Iterable

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined


def environment(slices: Iterable[str], static: Callable[[str], str]) -> Environment:
    """`orders/list.html` is `list.html` of the slice `orders`; the frame and its parts are `web`'s.

    `static` tells where a page finds a style sheet or a script.
    """
    loaders = {one: PackageLoader(f"leafcraft.{one}") for one in {"web", *slices}}
    made = Environment(
        loader=PrefixLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals["static"] = static
    return made
