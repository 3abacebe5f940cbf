"""House rules that no linter knows: sizes, names, and words that must be the same in two places."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

FILE_LINES = 400
FUNCTION_LINES = 70
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
# A command's own function is its package's only content, so that a script can name it.
INIT_WITH_CODE = {"gateway/cli/__init__.py"}

CODE = sorted(
    path
    for folder in ("gateway", "adapters", "certs", "schemas", "bench", "tests")
    for path in (ROOT / folder).rglob("*.py")
)
SHIPPED = [path for path in CODE if "tests" not in path.relative_to(ROOT).parts]
TEXT_SUFFIXES = {
    ".py",
    ".md",
    ".toml",
    ".sql",
    ".xsd",
    ".xml",
    ".csv",
    ".json",
    ".html",
    ".css",
    ".sh",
}
TEXTS = sorted(
    [
        path
        for folder in ("gateway", "adapters", "certs", "schemas", "bench", "tests", "docs", ".ci")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and (path.suffix in TEXT_SUFFIXES or folder == ".ci")
    ]
    + [path for path in ROOT.iterdir() if path.is_file() and path.suffix in {".md", ".toml", ".txt"}]
    + [path for path in (ROOT / "Makefile",) if path.exists()]
)  # fmt: skip


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_of(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or 0) - node.lineno + 1


def test_no_file_is_longer_than_can_be_held_in_mind() -> None:
    sizes = {place(path): len(path.read_text(encoding="utf-8").splitlines()) for path in CODE}
    assert {where: size for where, size in sizes.items() if size > FILE_LINES} == {}


def test_no_function_is_longer_than_a_page() -> None:
    long = {
        f"{place(path)}:{node.lineno} {node.name}": lines_of(node)
        for path in CODE
        for node in functions(path)
        if lines_of(node) > FUNCTION_LINES
    }
    assert long == {}


def test_nothing_lies_about_that_does_not_belong_here() -> None:
    """A test that writes where it was started must not go unseen; least of all what is a key."""
    plain = re.compile(r"[A-Za-z0-9._-]+")
    here = [path for path in ROOT.iterdir() if path.name != "var"]
    inside = [path for top in here if top.name[0] != "." for path in top.rglob("*")]
    odd = [
        path.name
        for path in (*here, *inside)
        if not plain.fullmatch(path.name) or path.suffix in {".pem", ".key"}
    ]
    assert odd == []


def test_modules_are_named_for_what_they_are() -> None:
    wrong = [
        place(path)
        for path in CODE
        if BANNED_NAMES & set(re.split(r"[/_.]", place(path).removesuffix(".py")))
    ]
    assert wrong == []


def test_a_package_says_what_it_is_and_exports_nothing() -> None:
    for path in SHIPPED:
        if path.name == "__init__.py" and place(path) not in INIT_WITH_CODE:
            body = ast.parse(path.read_text(encoding="utf-8")).body
            assert len(body) <= 1, place(path)
            assert ast.get_docstring(ast.Module(body, [])), place(path)


def test_every_module_says_what_it_is_for() -> None:
    for path in SHIPPED:
        told = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert told, place(path)
        assert told.split("\n\n")[0].rstrip().endswith((".", ":")), place(path)


# Put together here, so that this file does not break its own rules.
LATER = re.compile(
    r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"]) + r")\b"
)
MACHINE = re.compile(
    r"(?<![\w.$}])/(?:" + "|".join(["wo" + "rk", "ho" + "me", "ro" + "ot", "Us" + "ers"]) + r")/\w"
)
REGISTRY = re.compile(
    "|".join(["pypi" + r"\.org", "python" + "hosted", "npm" + "js", "artifact" + "ory", "nex" + r"us\.",
              "docker" + r"\.io", "conda" + r"\.anaconda", "crates" + r"\.io"]),
    re.IGNORECASE,
)  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        (LATER, "something left for later"),
        (MACHINE, "a path of one machine"),
        (REGISTRY, "a host of a package registry"),
    ],
    ids=["later", "machine", "registry"],
)
def test_no_file_holds(rule: re.Pattern[str], what: str) -> None:
    found = [
        f"{place(path)}:{number} {what}: {line.strip()[:80]}"
        for path in TEXTS
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if rule.search(line)
    ]
    assert not found, "\n".join(found)


# --- the numbered steps -------------------------------------------------------------------------

STEP = re.compile(r"^    (\d) (\w+)  .*$", re.MULTILINE)
WAY_IN = (ROOT / "gateway" / "submission.py").read_text(encoding="utf-8")


def steps_listed() -> list[re.Match[str]]:
    return list(STEP.finditer(ast.get_docstring(ast.parse(WAY_IN), clean=False) or ""))


def test_the_way_in_does_its_steps_in_the_order_and_words_of_its_list() -> None:
    listed = [(int(step[1]), step[2]) for step in steps_listed()]
    assert [number for number, _ in listed] == list(range(1, len(listed) + 1))
    (receive,) = (
        node for node in functions(ROOT / "gateway" / "submission.py") if node.name == "receive"
    )
    body = WAY_IN.splitlines()[receive.lineno - 1 : receive.end_lineno]
    said = [
        (int(number), word)
        for line in body
        if "# " in line
        for number, word in re.findall(r"(\d) (\w+)", line.partition("# ")[2])
    ]
    assert sorted(said) == listed
    # Routing is done with the commit, which comes before the receipt.
    assert [number for number, _ in said if number != 9] == list(range(1, 9))


def test_the_architecture_quotes_the_steps_word_for_word() -> None:
    architecture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listed = "\n".join(step[0] for step in steps_listed())
    assert listed.count("\n") == 8
    assert listed in architecture
