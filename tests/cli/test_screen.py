"""What others wrote stands on the screen as text: it draws nothing, and makes no line of its own."""

from __future__ import annotations

import sys

import pytest

from gateway.cli import screen
from gateway.cli.exits import said

NAMES = ("[/x]", "[bold red]Paid[/]", "a\tb", "a\nclosed  yes", "\x1b]52;c;AAAA\x07", "\u202eabc")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("terminal", [False, True])
def test_a_cell_stays_a_cell(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    *,
    terminal: bool,
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    screen.rows(("name", "state"), [(name, "open"), ("x", "open")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    for line in lines[1:]:  # the head of the table is ours, and drawn
        assert line.replace("\t", "").isprintable()
        assert line.count("\t") == (0 if terminal else 1)
        assert line.rstrip().endswith("open")
    if name.isprintable():
        assert lines[1].startswith(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_fact_and_a_problem_stay_on_their_line(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    screen.facts([("question", name), ("answer", "-")])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["question", "answer"]
    assert all(line.isprintable() for line in (*lines, said(name, name, name)))
