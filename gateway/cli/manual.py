"""The reference part of docs/commands.md, from the commands themselves.

`python -m gateway.cli.manual docs/commands.md` writes it anew; a test holds the two together.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click

from gateway.cli.command import Command
from gateway.cli.exits import MEANING
from gateway.cli.root import every_command, root

BEGIN: Final = "<!-- from here on written by gateway.cli.manual -->\n"
_COLUMNS: Final = 96


def reference() -> str:
    """Exit codes, then every command with its help."""
    parts = ["\n## Exit codes\n\n| Code | Meaning |\n|---|---|\n"]
    parts += [f"| {int(code)} | {meaning} |\n" for code, meaning in MEANING.items()]
    parts.append("\n## Every command\n")
    for name, command in every_command():
        parts.append(f"\n### `cms-gateway {name}`\n\n```\n{_help(name, command)}\n```\n")
    return "".join(parts)


def _help(name: str, command: click.Command) -> str:
    assert isinstance(command, Command), f"{name} has no example"
    context = click.Context(root, info_name="cms-gateway", **root.context_settings)
    for part in name.split():
        context = click.Context(
            command, parent=context, info_name=part, terminal_width=_COLUMNS, color=False
        )
    return command.get_help(context)


def renewed(text: str) -> str:
    """The document with its reference written anew; what a person wrote before it stays."""
    head, mark, _ = text.partition(BEGIN)
    if not mark:
        raise ValueError("the document has no line that says where the reference begins")
    return head + mark + reference()


if __name__ == "__main__":
    document = Path(sys.argv[1])
    document.write_text(renewed(document.read_text(encoding="utf-8")), encoding="utf-8")
