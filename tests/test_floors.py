"""The floors of docs/architecture.md: who may import whom, and who may look at the world."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.conftest import ROOT

OURS = ("gateway", "adapters", "certs", "schemas")
SOURCES = sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))

# What a module may import of ours, by where it stands. Unlike the contracts in pyproject.toml this
# names what is allowed, so that a module that comes later is not forgotten.
ALLOWED = {
    "gateway/core/": ("gateway.core",),
    "adapters/": ("gateway.core", "adapters"),
    "gateway/judge/": ("gateway.judge", "gateway.core.merkle"),
    "gateway/submission.py": ("gateway.core",),
    "gateway/check.py": ("gateway.core", "gateway.submission"),
    "gateway/correction.py": ("gateway.core",),
    "gateway/outcome.py": ("gateway.core", "gateway.submission"),
    "gateway/upload.py": ("gateway.core",),
    "gateway/archive.py": ("gateway.core",),
    "gateway/inbox.py": ("gateway.core",),
    "gateway/calling.py": ("gateway.core",),
    "gateway/desk.py": ("gateway.core",),
    "gateway/request.py": ("gateway.core", "gateway.calling", "gateway.desk"),
    "gateway/bulk.py": ("gateway.core", "gateway.calling", "gateway.desk", "gateway.request"),
    "gateway/planning.py": ("gateway.core",),
    "gateway/notice.py": ("gateway.core", "gateway.calling", "gateway.planning"),
    "gateway/access.py": ("gateway.core",),
    "gateway/reminding.py": ("gateway.core",),
    "gateway/matching.py": ("gateway.core",),
    "gateway/obligation.py": ("gateway.core",),
    "gateway/evidence.py": ("gateway.core",),
    "gateway/retention.py": ("gateway.core",),
    "gateway/feed.py": ("gateway.core",),
    "gateway/uptake.py": ("gateway.core",),
    "gateway/consumers/": ("gateway.consumers", "gateway.client"),
    "gateway/delivery.py": ("gateway.core",),
    "gateway/sealing.py": ("gateway.core",),
    "gateway/administration/": ("gateway.core", "gateway.administration"),
    "gateway/mailbox.py": ("gateway.core",),
    "gateway/config.py": ("gateway.core",),
    "schemas/": (),
}

# Where the world comes in: its clock, its chance, its environment.
WORLD = {
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "process_time"},
    "os": {"environ", "environb", "getenv", "urandom", "getrandom", "getpid"},
    "uuid": {"*"},
    "random": {"*"},
    "secrets": {"*"},
}
ROOF = ("gateway/wiring.py", "gateway/config.py", "gateway/reading_process.py", "gateway/cli/", "gateway/sandbox/",
        "gateway/notify_stand_in/", "gateway/client/")  # fmt: skip
# Below the roof, each with its reason.
EXCUSED = {
    ("gateway/edge/http/connection.py", "os.urandom"): "names a request in its problem document",
    ("gateway/edge/http/exchange.py", "os.urandom"): "names a request in the log",
    ("gateway/edge/http/exchange.py", "time.perf_counter"): "how long an answer took, for metrics",
    ("gateway/edge/keyring.py", "secrets.token_bytes"): "a nonce for what the key ring wraps",
    ("gateway/edge/keyring.py", "secrets.token_hex"): "makes keys, and a name for a file in making",
    ("gateway/edge/notify.py", "uuid.NAMESPACE_URL"): "a constant",
    ("gateway/edge/notify.py", "uuid.uuid5"): "makes an id of a name, without chance",
    ("gateway/store/bodies.py", "os.urandom"): "a nonce for each piece of a spooled body",
    ("gateway/store/bodies.py", "os.getpid"): "names the file that a reading process writes",
    ("certs/private_files.py", "secrets.token_hex"): "names a file in making",
}


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def trees() -> Iterator[tuple[str, ast.Module]]:
    for path in SOURCES:
        yield place(path), ast.parse(path.read_text(encoding="utf-8"))


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "imports are absolute"
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def test_the_contracts_on_imports_are_kept(capsys: pytest.CaptureFixture[str]) -> None:
    status = lint_imports(str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_a_module_imports_only_what_its_floor_may() -> None:
    wrong = [
        f"{where} imports {name}"
        for where, tree in trees()
        for prefix, allowed in ALLOWED.items()
        if where.startswith(prefix)
        for node in ast.walk(tree)
        for name in imported(node)
        if name.split(".")[0] in OURS and not f"{name}.".startswith(tuple(f"{a}." for a in allowed))
    ]
    assert not wrong, "\n".join(wrong)


def test_imports_stand_at_the_top_of_a_file() -> None:
    """But for the two that have to wait: a command line, and what not every platform has."""
    allowed = {("gateway/cli/__init__.py", "gateway.cli.root.root"),
               ("gateway/cli/serving.py", "uvloop")}  # fmt: skip
    found = {
        (where, name)
        for where, tree in trees()
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
        for name in imported(node)
    }
    assert found <= allowed, sorted(found - allowed)


def worldly(tree: ast.Module) -> Iterator[str]:
    """Each use of the clock, of chance or of the environment, as `module.name`."""
    for node in ast.walk(tree):
        names = [(name.rpartition(".")[0], name.rpartition(".")[2]) for name in imported(node)]
        if isinstance(node, ast.Attribute):
            owner = node.value
            last = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            names = [(last, node.attr)]
        for owner_name, name in names:
            found = WORLD.get(owner_name.rpartition(".")[2], set())
            if name in found or "*" in found:
                yield f"{owner_name}.{name}"


def test_the_clock_chance_and_the_environment_are_read_at_the_roof() -> None:
    found = {
        (where, name)
        for where, tree in trees()
        if not where.startswith(ROOF)
        for name in worldly(tree)
    }
    assert found <= EXCUSED.keys(), sorted(found - EXCUSED.keys())
    assert EXCUSED.keys() <= found, f"no longer needed: {sorted(EXCUSED.keys() - found)}"


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import datetime as dt\ndt.datetime.now()", "datetime.now"),
        ("from time import time", "time.time"),
        ("import os\nx = os.environ['A']", "os.environ"),
        ("import uuid\nuuid.uuid4()", "uuid.uuid4"),
        ("from secrets import token_hex", "secrets.token_hex"),
    ],
)
def test_the_search_for_the_world_finds_it(source: str, name: str) -> None:
    assert name in set(worldly(ast.parse(source)))


def test_a_broken_floor_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The contracts are of use: one that forbids what is there is broken, and says where."""
    config = tmp_path / "broken.toml"
    config.write_text(
        '[tool.importlinter]\nroot_packages = ["gateway"]\n'
        '[[tool.importlinter.contracts]]\nname = "None"\ntype = "forbidden"\n'
        'source_modules = ["gateway.submission"]\nforbidden_modules = ["gateway.core"]\n',
    )
    assert lint_imports(str(config), no_cache=True, no_logo=True) != EXIT_STATUS_SUCCESS
    assert "gateway.submission -> gateway.core" in capsys.readouterr().out


def test_our_adapters_are_the_ones_that_are_loaded() -> None:
    """The name is a common one; an installed package must not stand in its place."""
    import adapters  # noqa: PLC0415

    assert Path(adapters.__file__ or "").parent == ROOT / "adapters"
