"""The operator's face: `leafcraft serve`, `migrate`, `user`, `demo`, `verify`."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress

from leafcraft import __version__, config, demo, logs, migrations, serve, verify
from leafcraft.accounts import rules, store
from leafcraft.accounts.actions import AddUser, SetPassword, add_user, set_password
from leafcraft.accounts.passwords import Passwords
from leafcraft.accounts.rules import Role
from leafcraft.app import compose, opened
from leafcraft.cause import CLI
from leafcraft.config import Settings
from leafcraft.db import Database
from leafcraft.errors import Refusal, StartError
from leafcraft.web.call import Runtime

T = TypeVar("T")

EXIT_FAILED = 1

app = typer.Typer(
    help="Leafcraft keeps a shop's products, stock and orders, and never oversells.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
users = typer.Typer(help="Who may sign in, and as what.", no_args_is_help=True)
app.add_typer(users, name="user")
out = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Runs the command line; what can't be done is told in one line."""
    try:
        app(prog_name="leafcraft")
    except StartError as error:
        _fail(str(error))
    except Refusal as refusal:
        _fail(refusal.detail)


def _fail(reason: str) -> None:
    Console(stderr=True, highlight=False, soft_wrap=True).print(
        f"leafcraft: {reason}", markup=False
    )
    sys.exit(EXIT_FAILED)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"leafcraft {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Settings come from LEAFCRAFT_… environment variables; the README has them all."""


@app.command("serve")
def serve_command() -> None:
    """Run the service (LEAFCRAFT_HOST, LEAFCRAFT_PORT, LEAFCRAFT_WORKERS)."""
    serve.serve(config.load())


@app.command("migrate")
def migrate_command() -> None:
    """Bring the database's schema up to date."""
    settings = _settings()

    async def work() -> tuple[str | None, str]:
        database = Database(settings.database_url, settings.data_dir)
        try:
            await database.wait()
            return await migrations.migrate(database)
        finally:
            await database.close()

    before, after = asyncio.run(work())
    out.print(f"Already at revision {after}." if before == after else f"Now at revision {after}.")


@app.command("verify")
def verify_command() -> None:
    """Check that ledger, levels, reservations and orders add up; exit 1 when they don't."""
    findings = _with_runtime(lambda runtime: verify.verify(runtime.database))
    for claim, discrepancies in findings:
        out.print(f"{'[red]BROKEN[/]' if discrepancies else '[green]ok[/]    '}  {claim}")
        for discrepancy in discrepancies:
            out.print(f"        {discrepancy}", markup=False)
    if any(finding.discrepancies for finding in findings):
        raise typer.Exit(EXIT_FAILED)


@app.command("demo")
def demo_command(
    products: Annotated[int, typer.Option(min=1, max=200, help="How many products.")] = 200,
    weeks: Annotated[int, typer.Option(min=1, max=52, help="How many weeks of orders.")] = 6,
) -> None:
    """Fill an empty shop with products and some weeks of believable orders."""
    plan = demo.Plan(products=products, weeks=weeks)
    with Progress(console=out) as progress:
        task = progress.add_task("Opening the shop", total=None)

        def tell(done: int, total: int) -> None:
            progress.update(task, description="Selling", completed=done, total=total)

        summary = asyncio.run(demo.fill(_settings(), plan, tell))
    out.print(summary)


@users.command("add")
def user_add(
    email: Annotated[str, typer.Argument(help="The e-mail address to sign in with.")],
    role: Annotated[Role, typer.Option(help="What the user may do.")] = Role.OPERATOR,
    password_stdin: Annotated[
        bool, typer.Option(help="Read the password from standard input.")
    ] = False,
) -> None:
    """Add a user; asks for the password."""
    address, password = _email(email), _password(password_stdin)

    async def work(runtime: Runtime) -> None:
        hashed = await Passwords().hash(password)
        await runtime.writer.perform(add_user, AddUser(address, hashed, role, CLI))

    _with_runtime(work)
    out.print(f"Added {address} as {role}.", markup=False)


@users.command("password")
def user_password(
    email: Annotated[str, typer.Argument(help="Whose password.")],
    password_stdin: Annotated[
        bool, typer.Option(help="Read the password from standard input.")
    ] = False,
) -> None:
    """Give a user a new password; asks for it."""
    address, password = _email(email), _password(password_stdin)

    async def work(runtime: Runtime) -> None:
        hashed = await Passwords().hash(password)
        await runtime.writer.perform(set_password, SetPassword(address, hashed, CLI))

    _with_runtime(work)
    out.print(f"{address} has a new password.", markup=False)


@users.command("list")
def user_list() -> None:
    """Show who may sign in."""
    for user in _with_runtime(lambda runtime: runtime.database.read(store.everybody)):
        state = "disabled" if user.disabled else user.role.value
        out.print(f"{user.id:>6}  {state:<9} {user.email}", markup=False)


def _settings() -> Settings:
    settings = config.load()
    logs.set_up("warning")
    return settings


def _with_runtime(work: Callable[[Runtime], Coroutine[Any, Any, T]]) -> T:
    """Runs `work` over the same parts that the service is made of."""

    async def run() -> T:
        runtime, _ = compose(_settings())
        async with opened(runtime):
            return await work(runtime)

    return asyncio.run(run())


def _email(given: str) -> str:
    try:
        return rules.email(given)
    except ValueError as error:
        raise StartError(f"{given}: {error}") from None


def _password(from_stdin: bool) -> str:
    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
    else:
        given = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        return rules.password(given)
    except ValueError as error:
        raise StartError(str(error)) from None
