"""The operator's face: `leafcraft serve`, `migrate`, `user`, `keys`, `import`, `export`, `demo`, `verify`."""

import asyncio
import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from leafcraft import __version__, config, demo, files, migrations, serve, times, verify
from leafcraft.access.keyring import PUBLISHED_AHEAD_SECONDS
from leafcraft.access.store import signing_keys
from leafcraft.accounts import rules, store
from leafcraft.accounts.actions import (
    AddUser,
    EditUser,
    SetPassword,
    add_user,
    edit_user,
    set_password,
)
from leafcraft.accounts.passwords import Passwords
from leafcraft.accounts.rules import Role
from leafcraft.accounts.store import User
from leafcraft.app import Parts
from leafcraft.cause import CLI
from leafcraft.db import Database
from leafcraft.errors import Code, Refusal, StartError
from leafcraft.terminal import EXIT_FAILED, out, settings, with_parts
from leafcraft.web.call import Runtime

app = typer.Typer(
    help="Leafcraft keeps a shop's products, stock and orders, and never oversells.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
users = typer.Typer(help="Who may sign in, and as what.", no_args_is_help=True)
app.add_typer(users, name="user")
keys = typer.Typer(help="What access tokens are signed with.", no_args_is_help=True)
app.add_typer(keys, name="keys")
app.command("import")(files.import_command)
app.command("export")(files.export_command)


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
    chosen = settings()

    async def work() -> tuple[str | None, str]:
        database = Database(chosen.database_url, chosen.data_dir)
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
    findings = with_parts(lambda parts: verify.verify(parts.runtime.database))
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

        summary = asyncio.run(demo.fill(settings(), plan, tell))
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
    address = _email(email)
    password = _password(password_stdin, address)

    async def work(parts: Parts) -> None:
        hashed = await Passwords().hash(password)
        await parts.runtime.writer.perform(add_user, AddUser(address, hashed, role, CLI))

    with_parts(work)
    out.print(f"Added {address} as {role}.", markup=False)


@users.command("password")
def user_password(
    email: Annotated[str, typer.Argument(help="Whose password.")],
    password_stdin: Annotated[
        bool, typer.Option(help="Read the password from standard input.")
    ] = False,
) -> None:
    """Give a user a new password; asks for it. The user's sessions end."""
    address = _email(email)
    password = _password(password_stdin, address)

    async def work(parts: Parts) -> None:
        user = await _user(parts.runtime, address)
        hashed = await Passwords().hash(password)
        await parts.runtime.writer.perform(set_password, SetPassword(user.id, hashed, CLI))

    with_parts(work)
    out.print(f"{address} has a new password.", markup=False)


@users.command("list")
def user_list() -> None:
    """Show who may sign in."""
    for user in with_parts(lambda parts: parts.runtime.database.read(store.everybody)):
        state = "disabled" if user.disabled else user.role.value
        out.print(f"{user.id:>6}  {state:<9} {user.email}", markup=False)


@users.command("edit")
def user_edit(
    email: Annotated[str, typer.Argument(help="Who.")],
    role: Annotated[Role | None, typer.Option(help="What the user may do.")] = None,
    disabled: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Whether the user may sign in.")
    ] = None,
) -> None:
    """Change a user's role, or end all access; somebody disabled can be enabled again."""
    address = _email(email)

    async def work(parts: Parts) -> User:
        user = await _user(parts.runtime, address)
        command = EditUser(user.id, CLI, role, disabled)
        return await parts.runtime.writer.perform(edit_user, command)

    user = with_parts(work)
    state = "disabled" if user.disabled else user.role.value
    out.print(f"{address} is {state} now.", markup=False)


@keys.command("rotate")
def keys_rotate(
    at_once: Annotated[
        bool,
        typer.Option(help="A key is in wrong hands: drop the old ones, and all access tokens."),
    ] = False,
) -> None:
    """Make a new signing key; tokens that the old one has signed stay good until they expire."""

    async def work(parts: Parts) -> str:
        return await parts.keyring.rotate(parts.runtime.clock(), CLI, at_once=at_once)

    kid = with_parts(work)
    when = "from now on" if at_once else f"in {PUBLISHED_AHEAD_SECONDS // 60} minutes"
    out.print(f"Key {kid} signs {when}.")


@keys.command("list")
def keys_list() -> None:
    """Show the signing keys, the oldest first."""
    for key in with_parts(lambda parts: parts.runtime.database.read(signing_keys)):
        out.print(f"{key.kid}  signs from {times.write(key.signs_from)}")


def _email(given: str) -> str:
    try:
        return rules.email(given)
    except ValueError as error:
        raise StartError(f"{given}: {error}") from None


async def _user(runtime: Runtime, address: str) -> User:
    found = await runtime.database.read(lambda reader: store.by_email(reader, [address]))
    if address not in found:
        raise Refusal(Code.NOT_FOUND, f"Nobody has the e-mail address {address}.")
    return found[address]


def _password(from_stdin: bool, whose: str) -> str:
    if from_stdin:
        given = sys.stdin.readline().rstrip("\r\n")
    else:
        given = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        return rules.password(given, whose)
    except ValueError as error:
        raise StartError(str(error)) from None
