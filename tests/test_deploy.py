"""What `deploy/` promises: the files say it, and the service runs that way."""

import ast
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from httpx2 import Client

from leafcraft.config import ENV_PREFIX, Settings
from leafcraft.serve import DRAIN_SECONDS_MAX
from tests.harness.service import ADMIN_EMAIL, Service

ROOT: Final = Path(__file__).parent.parent
DEPLOY: Final = ROOT / "deploy"
HEALTHY: Final = DEPLOY / "healthy.py"
NOBODY: Final = 65534
SHOP_HOST: Final = "shop.example.com"
EXPOSURE_TENTHS_MAX: Final = 20
SECRET_WORDS: Final = re.compile(r"(?i)secret|password|token|api_?key")
AS_ROOT: Final = os.geteuid() == 0

# ── the unit ─────────────────────────────────────────────────────────────────


@cache
def unit() -> dict[str, list[str]]:
    """Every directive with its values; an empty one takes back those before it."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "leafcraft.service").read_text("utf-8").splitlines():
        name, given, value = line.partition("=")
        if given and not line.startswith("#"):
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize(
    "line",
    """User=leafcraft Group=leafcraft UMask=0077 StateDirectory=leafcraft StateDirectoryMode=0700
    NoNewPrivileges=yes CapabilityBoundingSet= AmbientCapabilities= RestrictSUIDSGID=yes
    ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes MemoryDenyWriteExecute=yes
    ProtectKernelTunables=yes ProtectKernelModules=yes ProtectControlGroups=yes
    RestrictNamespaces=yes LockPersonality=yes SystemCallArchitectures=native
    Restart=on-failure KillMode=mixed""".split(),
)
def test_the_unit_confines_the_service(line: str) -> None:
    name, _, value = line.partition("=")
    assert unit().get(name) == [value]


def test_the_unit_allows_the_calls_of_a_service_and_of_no_superuser() -> None:
    allowed, denied = unit()["SystemCallFilter"]
    assert allowed == "@system-service"
    assert denied.startswith("~@privileged")
    assert set(unit()["RestrictAddressFamilies"][0].split()) == {"AF_INET", "AF_INET6", "AF_UNIX"}


def test_the_unit_serves_and_keeps_its_settings_in_a_file() -> None:
    (command,) = unit()["ExecStart"]
    program, verb = command.split()
    assert Path(program).is_absolute()
    assert (Path(program).name, verb) == ("leafcraft", "serve")
    assert unit()["EnvironmentFile"] == ["/etc/leafcraft/leafcraft.env"]
    assert not [line for line in unit()["Environment"] if ENV_PREFIX in line]


def test_a_stop_takes_no_longer_than_the_unit_waits() -> None:
    (seconds,) = unit()["TimeoutStopSec"]
    assert int(seconds) > DRAIN_SECONDS_MAX


def systemd_analyze(*words: str, directory: Path) -> subprocess.CompletedProcess[str]:
    """With a program that exists, because the one of the unit is only there once it is installed."""
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    text = (DEPLOY / "leafcraft.service").read_text("utf-8")
    path = directory / "leafcraft.service"
    path.write_text(re.sub(r"(?m)^ExecStart=.*", "ExecStart=/bin/true", text), "utf-8")
    command = ["systemd-analyze", *words, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_systemd_understands_every_line_of_the_unit(tmp_path: Path) -> None:
    done = systemd_analyze("verify", directory=tmp_path)
    about_ours = [line for line in done.stderr.splitlines() if "leafcraft" in line]
    assert (done.returncode, about_ours) == (0, [])


def test_systemd_finds_the_unit_little_exposed(tmp_path: Path) -> None:
    threshold = f"--threshold={EXPOSURE_TENTHS_MAX}"
    done = systemd_analyze("security", "--offline=true", threshold, directory=tmp_path)
    assert done.returncode == 0, done.stdout[-200:]


# ── the container ────────────────────────────────────────────────────────────


class Step(NamedTuple):
    word: str
    value: str


@cache
def steps() -> list[Step]:
    text = (DEPLOY / "Containerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]
    return [Step(*line.split(maxsplit=1)) for line in lines]


def values(word: str) -> list[str]:
    return [step.value for step in steps() if step.word == word]


def last_stage() -> list[Step]:
    return steps()[max(i for i, step in enumerate(steps()) if step.word == "FROM") :]


def exec_form(text: str) -> list[str]:
    words: list[str] = json.loads(text[text.index("[") :])
    return words


def test_every_base_is_pinned_by_a_digest_that_has_to_be_given() -> None:
    assert values("FROM")
    for base in values("FROM"):
        assert re.match(r"python:\$\{PYTHON_TAG\}@\$\{PYTHON_DIGEST\}( AS \w+)?$", base)
    assert "PYTHON_DIGEST" in values("ARG")
    assert "latest" not in " ".join(values("ARG") + values("FROM"))


def test_the_image_runs_as_a_user_who_is_not_root_and_by_number() -> None:
    (user,) = (step.value for step in last_stage() if step.word == "USER")
    uid, gid = map(int, user.split(":"))
    assert min(uid, gid) > 1000
    places = [step.word for step in last_stage()]
    assert "RUN" not in places[places.index("USER") :]


def test_the_image_needs_no_shell() -> None:
    for word in ("RUN", "ENTRYPOINT", "CMD", "HEALTHCHECK"):
        assert values(word)
        assert all(isinstance(exec_form(value), list) for value in values(word))


def test_what_is_installed_is_what_is_locked() -> None:
    (install,) = (words for words in map(exec_form, values("RUN")) if "-r" in words)
    assert install[-2:] == ["-r", "/requirements-service.txt"]
    assert {"--require-hashes", "--only-binary"} <= set(install)


def test_nothing_but_what_is_named_goes_into_the_image() -> None:
    ignore = (ROOT / ".containerignore").read_text("utf-8").splitlines()
    lines = [line for line in ignore if line and line[0] != "#"]
    assert lines[0] == "*"
    let_in = {line[1:] for line in lines if line[0] == "!"}
    copied = {name for value in values("COPY") for name in value.split()[:-1] if name[0] != "-"}
    assert copied - {"/opt/leafcraft"} == let_in
    assert not [name for name in let_in if not (ROOT / name).exists()]


def test_the_image_holds_no_secret() -> None:
    assert not [
        v for word in ("ENV", "ARG", "LABEL") for v in values(word) if SECRET_WORDS.search(v)
    ]


def test_the_image_knows_the_settings_it_sets() -> None:
    names = re.findall(rf"\b{ENV_PREFIX}(\w+)=", " ".join(values("ENV")))
    assert {"DATA_DIR", "HOST"} == set(names)
    assert {name.lower() for name in names} <= Settings.model_fields.keys()


def test_the_health_check_is_nothing_but_the_standard_library() -> None:
    tree = ast.parse(HEALTHY.read_text("utf-8"))
    modules = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    assert {name.split(".")[0] for name in modules} <= sys.stdlib_module_names
    (check,) = values("HEALTHCHECK")
    assert Path(exec_form(check)[-1]).name == HEALTHY.name


# ── the settings ─────────────────────────────────────────────────────────────


@cache
def example() -> dict[str, str]:
    """Every setting of the example by its field, those that are commented out too."""
    text = (DEPLOY / "leafcraft.env.example").read_text("utf-8")
    return {
        name.lower(): value
        for name, value in re.findall(rf"(?m)^#?{ENV_PREFIX}([A-Z_]+)=(.*)$", text)
    }


def test_every_setting_of_the_example_is_a_setting() -> None:
    assert example().keys() - Settings.model_fields.keys() == set()


def test_the_example_leaves_no_setting_out() -> None:
    assert Settings.model_fields.keys() - example().keys() == set()


def test_the_example_holds_no_secret_and_nothing_that_is_read_in_two_ways() -> None:
    secrets = {name: value for name, value in example().items() if SECRET_WORDS.search(name)}
    assert {name: value for name, value in secrets.items() if value and not value.isdigit()} == {}
    text = (DEPLOY / "leafcraft.env.example").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    assert [line for line in lines if not re.fullmatch(r"[A-Z_]+=[^\s\"'#]*", line)] == []


def test_the_example_can_be_started_with(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in example().items():
        monkeypatch.setenv(f"{ENV_PREFIX}{name.upper()}", value)
    Settings()


# ── the proxy ────────────────────────────────────────────────────────────────


def test_the_proxy_says_itself_whom_it_speaks_for() -> None:
    text = (DEPLOY / "Caddyfile").read_text("utf-8")
    assert "header_up X-Forwarded-For {remote_host}" in text
    assert "header_up X-Forwarded-Proto {scheme}" in text
    assert re.search(r"@inside path /healthz /readyz /metrics\n\s*respond @inside 404", text)


# ── a run, as a user who may do nothing, over a tree nobody may write to ─────

# What the unit asks of the kernel and a test can ask, too: a umask, and no memory that is both
# written and executed (PR_SET_MDWE, Linux 6.3; before that the call does nothing).
CONFINE: Final = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(65, 1, 0, 0, 0)
os.umask(0o77)
os.execv(sys.argv[1], sys.argv[1:])
"""
PROBE: Final = "import argon2, cryptography, fastapi, sqlalchemy, uvloop"


class Confined(Service):
    """The service of the harness, behind what drops every privilege first."""

    python = sys.executable

    def command(self, *arguments: str) -> list[str]:
        return self.run("-m", "leafcraft", *arguments)

    def run(self, *words: str) -> list[str]:
        """Python with these words, confined."""
        drop = ["--no-new-privs", "--inh-caps=-all"]
        if AS_ROOT:
            drop += ["--bounding-set=-all", "--clear-groups"]
            drop += [f"--reuid={NOBODY}", f"--regid={NOBODY}"]
        return ["setpriv", *drop, self.python, "-c", CONFINE, self.python, *words]

    def find_python(self) -> None:
        """This Python, or the system's where the user may not enter the folder of this one."""
        name = f"python{sys.version_info.major}.{sys.version_info.minor}"
        for python in (sys.executable, f"/usr/local/bin/{name}", f"/usr/bin/{name}"):
            self.python = python
            probe = self.run("-c", PROBE)
            if Path(python).exists() and done(probe, self.environment()).returncode == 0:
                return
        pytest.skip(f"user {NOBODY} may not use {sys.executable}, and there is no other {name}")


def done(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, cwd="/", capture_output=True, text=True, check=False
    )


class Placed(NamedTuple):
    """Where a confined service lives."""

    home: Path
    tree: Path
    data: Path
    scratch: Path


def place(home: Path) -> Placed:
    """A copy of the source that nobody may write to, and two folders that the service may."""
    placed = Placed(home, home / "tree", home / "data", home / "tmp")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "src", placed.tree / "src", ignore=ignore)
    for path in [placed.tree, *placed.tree.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    home.chmod(0o755)
    for folder in (placed.data, placed.scratch):
        folder.mkdir(mode=0o700)
        if AS_ROOT:
            os.chown(folder, NOBODY, NOBODY)
    return placed


def make_removable(tree: Path) -> None:
    for path in [tree, *tree.rglob("*")]:
        path.chmod(0o700)


@pytest.fixture(scope="module")
def placed() -> Iterator[Placed]:
    # Not pytest's own folder: nobody but its owner may enter that one.
    home = Path(tempfile.mkdtemp(prefix="leafcraft-deploy-"))
    placed = place(home)
    yield placed
    make_removable(placed.tree)
    shutil.rmtree(home)


@pytest.fixture(scope="module")
def running(placed: Placed) -> Iterator[Confined]:
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not installed (on Debian: apt install util-linux)")
    packages = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    settings = {
        "PYTHONPATH": os.pathsep.join([str(placed.tree / "src"), *packages]),
        "TMPDIR": str(placed.scratch),
        "HOME": "/nonexistent",
    }
    service = Confined(workers=2, data_dir=placed.data, settings=settings)
    service.find_python()
    with service:
        yield service


@pytest.fixture(scope="module")
def client(running: Confined) -> Iterator[Client]:
    with Client(base_url=running.url, timeout=60) as client:
        form = {"username": ADMIN_EMAIL, "password": running.admin_password}
        answer = client.post("/auth/login", data=form)
        assert answer.status_code == 200
        client.headers["authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def test_an_order_is_placed_with_no_privilege_and_no_place_to_write_but_the_data(
    client: Client, placed: Placed
) -> None:
    made = client.post("/products/", json={"name": "Tea", "stock_quantity": 3, "price": 25.99})
    assert made.status_code == 201
    items = [{"product_id": made.json()["id"], "quantity": 2}]
    order = client.post("/orders/create_order", json={"items": items})
    assert order.status_code == 201
    assert client.patch(f"/orders/{order.json()['id']}/confirm").status_code == 200
    assert client.get("/metrics").status_code == 200  # shared through the scratch folder
    assert (placed.data / "leafcraft.db").exists()
    assert not list(placed.tree.rglob("__pycache__"))


def test_no_process_has_a_privilege_left(running: Confined) -> None:
    workers = running.workers()
    assert len(workers) == 2
    for pid in [workers[0].parent_pid, *(worker.pid for worker in workers)]:
        state = status(pid)
        assert state["Uid"].split() == [str(NOBODY if AS_ROOT else os.geteuid())] * 4
        assert int(state["CapEff"], 16) == 0
        assert state["NoNewPrivs"] == "1"


@pytest.mark.skipif(not AS_ROOT, reason="owners are told apart by root alone")
def test_everything_written_belongs_to_the_service_and_is_read_by_nobody_else(
    running: Confined, placed: Placed
) -> None:
    assert running.ready()
    written = [*placed.data.rglob("*"), *placed.scratch.rglob("*")]
    assert written
    for path in written:
        kept = path.stat()
        assert kept.st_uid == NOBODY
        assert kept.st_mode & 0o077 == 0, path
    assert {path.stat().st_uid for path in placed.tree.rglob("*")} == {0}


def test_the_tree_really_can_not_be_written_to(running: Confined, placed: Placed) -> None:
    stray = f"open({str(placed.tree / 'src' / 'stray')!r}, 'w')"
    tried = done(running.run("-c", stray), running.environment())
    assert "PermissionError" in tried.stderr


def health(**settings: Any) -> int:
    environment = {f"{ENV_PREFIX}{name.upper()}": str(value) for name, value in settings.items()}
    command = [sys.executable, "-I", str(HEALTHY)]
    return subprocess.run(
        command, env=environment, stderr=subprocess.DEVNULL, check=False
    ).returncode


def test_the_health_check_tells_a_running_service_from_none(running: Confined) -> None:
    assert health(port=running.port) == 0
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        assert health(port=deaf.getsockname()[1]) == 1
