"""docs/commands-reference.md, from the commands themselves.

`python -m gateway.cli.manual` writes it anew; a test holds the two together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from gateway.cli.command import PROGRAM
from gateway.cli.exits import MEANING
from gateway.cli.root import every_command, root

PAGE: Final = Path(__file__).resolve().parents[2] / "docs" / "commands-reference.md"
COLUMNS: Final = 96
_HEAD: Final = """\
<!-- written by python -m gateway.cli.manual -->
# Every command

What `--help` says, in one place. What the commands are for is in [commands.md](commands.md).
"""


def reference() -> str:
    """Exit codes, then every command with its help."""
    parts = [_HEAD, "\n## Exit codes\n\n| Code | Meaning |\n|---|---|\n"]
    parts += [f"| {int(code)} | {meaning} |\n" for code, meaning in MEANING.items()]
    for name, _ in every_command():
        parts.append(f"\n## `cms-gateway {name}`\n\n```\n{help_of(name)}\n```\n")
    return "".join(parts)


def help_of(name: str) -> str:
    """What `cms-gateway NAME --help` says on a terminal of so many columns."""
    command: click.Command = root
    context = click.Context(root, info_name=PROGRAM, **root.context_settings)
    for part in name.split():
        assert isinstance(command, click.Group)
        found = command.get_command(context, part)
        assert found is not None, f"there is no command {name}"
        command = found
        context = click.Context(
            command, parent=context, info_name=part, terminal_width=COLUMNS, color=False
        )
    return command.get_help(context)


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
