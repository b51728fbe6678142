"""The house rules as tests: everything small, one way to import, nothing undocumented."""

import ast
import re
import shutil
import statistics
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from leafcraft.config import ENV_PREFIX, Settings
from leafcraft.errors import Code

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src"

# The figures the house holds itself to. They may be tightened, never loosened.
FILE_LINES_MAX = 300
FUNCTION_LINES_MEDIAN_MAX = 10
FUNCTION_LINES_P95_MAX = 30
FUNCTION_LINES_MAX = 60
PARAMETERS_MAX = 5
POSITIONAL_MAX = 3

# Who calls these decides what they take: a program, an operator, a library, a web server.
CALLED_FROM_OUTSIDE = re.compile(
    r"\.(get|post|put|patch|delete|api_route|command|callback|exception_handler|listens_for)\("
)
ASGI = ["scope", "receive", "send"]

NAMES_THAT_SAY_NOTHING = re.compile(r"(?i)(util|helper|common|misc|service|manager)s?")
MARKS_OF_UNFINISHED_WORK = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MACHINE_PATHS = re.compile(r"(?<![\w.-])/(?:work|root|home|Users)/[\w.]+")
LOCK_LINE = re.compile(r"#.*|[a-z0-9-]+==[\w.]+( ; [^;]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?")

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> dict[str, Path]:
    """Every module by its dotted name; migrations are history and stay as they were."""
    paths = [p for p in sorted(SOURCE.rglob("leafcraft/**/*.py")) if "versions" not in p.parts]
    names = [".".join(p.relative_to(SOURCE).with_suffix("").parts) for p in paths]
    return {name.removesuffix(".__init__"): p for name, p in zip(names, paths, strict=True)}


@cache
def text(path: Path) -> str:
    return path.read_text("utf-8", errors="ignore") if path.is_file() else ""


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(text(path))


def nodes(*kinds: type[ast.AST]) -> Iterator[tuple[str, ast.AST]]:
    """Every node of these kinds, with the place where it stands."""
    for path in modules().values():
        for node in ast.walk(tree(path)):
            if isinstance(node, kinds):
                line, name = getattr(node, "lineno", 0), getattr(node, "name", "")
                yield f"{path.relative_to(ROOT)}:{line} {name}", node


@cache
def functions() -> dict[str, Function]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {where: node for where, node in nodes(*kinds) if isinstance(node, kinds)}


def length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def positional(function: Function) -> list[str]:
    names = [a.arg for a in [*function.args.posonlyargs, *function.args.args]]
    names = names[1:] if names[:1] in (["self"], ["cls"]) else names
    return [name for name in names if name not in ASGI]


def called_from_outside(function: Function) -> bool:
    return any(CALLED_FROM_OUTSIDE.search(f".{ast.unparse(d)}") for d in function.decorator_list)


def imported(name: str) -> set[str]:
    """The package's own modules that this one imports, wherever in the file it does."""
    found: set[str] = set()
    for node in ast.walk(tree(modules()[name])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & modules().keys()
            found |= inner or {node.module}
    return (found & modules().keys()) - {name}


def none_of(culprits: Iterable[str], complaint: str) -> None:
    """Fails with every culprit named, one a line."""
    if found := sorted(culprits):
        pytest.fail("\n  ".join([f"{complaint}:", *found]), pytrace=False)


def test_files_fit_on_a_few_screens() -> None:
    long = [name for name, p in modules().items() if text(p).count("\n") > FILE_LINES_MAX]
    none_of(long, f"more than {FILE_LINES_MAX} lines")


def test_functions_are_small() -> None:
    long = [where for where, f in functions().items() if length(f) > FUNCTION_LINES_MAX]
    none_of(long, f"more than {FUNCTION_LINES_MAX} lines")
    lengths = sorted(map(length, functions().values()))
    assert statistics.median(lengths) <= FUNCTION_LINES_MEDIAN_MAX
    assert lengths[int(len(lengths) * 0.95)] <= FUNCTION_LINES_P95_MAX


def test_functions_take_few_parameters_and_name_most_of_them() -> None:
    ours = {where: f for where, f in functions().items() if not called_from_outside(f)}
    crowded = [
        where
        for where, f in ours.items()
        if len(positional(f)) + len(f.args.kwonlyargs) > PARAMETERS_MAX
    ]
    nameless = [
        where
        for where, f in ours.items()
        if len(positional(f)) > POSITIONAL_MAX and not f.name.startswith("__")
    ]
    none_of(crowded, f"more than {PARAMETERS_MAX} parameters")
    none_of(nameless, f"more than {POSITIONAL_MAX} parameters that aren't keyword-only")


def test_nothing_imports_in_a_circle() -> None:
    try:
        TopologicalSorter({name: imported(name) for name in modules()}).prepare()
    except CycleError as error:
        none_of([" <- ".join(error.args[1])], "import cycle")


def test_every_module_opens_with_the_sentence_that_says_why_it_exists() -> None:
    openings = {
        name: (ast.get_docstring(tree(p)) or "").split("\n\n")[0]
        for name, p in modules().items()
        if tree(p).body
    }
    silent = [name for name, opening in openings.items() if not opening.endswith((".", ":"))]
    none_of(silent, "no opening sentence")


def test_every_name_says_something() -> None:
    last_words = {name: name.split(".")[-1] for name in modules()} | {
        where: re.split(r"(?<=[a-z])(?=[A-Z])", where)[-1].split()[-1]
        for where, _ in nodes(ast.ClassDef)
    }
    vague = [where for where, word in last_words.items() if NAMES_THAT_SAY_NOTHING.fullmatch(word)]
    none_of(vague, "a name that says nothing")


def test_nothing_is_left_for_later() -> None:
    none_of(
        (n for n, p in modules().items() if MARKS_OF_UNFINISHED_WORK.search(text(p))), "unfinished"
    )


def test_every_setting_is_in_the_readme() -> None:
    readme = set(re.findall(r"\w+", text(ROOT / "README.md")))
    settings = {f"{ENV_PREFIX}{field.upper()}" for field in Settings.model_fields}
    none_of(settings - readme, "not explained in README.md")


def test_every_error_code_is_in_the_docs() -> None:
    pages = text(ROOT / "README.md") + text(ROOT / "docs" / "errors.md")
    codes = {code.word for code in Code}
    none_of(codes - set(re.findall(r"`(\w+)`", pages)), "in neither docs/errors.md nor README.md")


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    git = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True)
    files = listing.stdout.splitlines()
    none_of((name for name in files if MACHINE_PATHS.search(text(ROOT / name))), "a machine's path")


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.txt")), ids=lambda p: p.name)
def test_locks_hold_pins_and_hashes_and_name_no_host(lock: Path) -> None:
    none_of((line for line in text(lock).splitlines() if not LOCK_LINE.fullmatch(line)), "strange")
