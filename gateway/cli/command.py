"""What every command has: an example, exit codes that mean something, and `--json`."""

from __future__ import annotations

import datetime as dt
import inspect
import shlex
import shutil
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final, NamedTuple

import click

from gateway.cli.exits import MEANING, Exit

PROGRAM: Final = "cms-gateway"
PROFILE_VARIABLE: Final = "CMS_GATEWAY_PROFILE"
CONFIG_VARIABLE: Final = "CMS_GATEWAY_CONFIG"

_ALWAYS: Final = (Exit.OK, Exit.USAGE)
_SPEAKING: Final = (*_ALWAYS, Exit.REFUSED, Exit.UNAVAILABLE, Exit.NOT_PERMITTED)

EXISTING: Final = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER: Final = click.Path(file_okay=False, path_type=Path)
ANY_PATH: Final = click.Path(path_type=Path)


def program() -> str:
    """How to call the program that is running: its name where that finds it, else its path."""
    running = Path(sys.argv[0])
    if running.name != PROGRAM:
        running = Path(sys.executable).with_name(PROGRAM)
    found = shutil.which(PROGRAM)
    if not running.exists() or (found is not None and Path(found).samefile(running)):
        return PROGRAM
    return shlex.quote(str(running.absolute()))


class Day(click.ParamType[dt.date]):
    """A day, YYYY-MM-DD."""

    name = "day"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dt.date:
        """Read it; anything else is a usage error."""
        if isinstance(value, str) and len(value) == len("YYYY-MM-DD"):
            with suppress(ValueError):
                return dt.date.fromisoformat(value)
        return self.fail(f"{value!r} is not a day. Write it as YYYY-MM-DD.", param, ctx)


class Command(click.Command):
    """A command whose help ends with an example and its exit codes."""

    def __init__(
        self,
        *args: Any,
        example: str,
        exits: tuple[Exit, ...] = _ALWAYS,
        speaks: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.example = inspect.cleandoc(example)
        self.exits = tuple(sorted({*exits, *(_SPEAKING if speaks else _ALWAYS)}))

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example, then the exit codes."""
        with formatter.section("Example"):
            for line in self.example.splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), MEANING[code]) for code in self.exits])


class Lazy(NamedTuple):
    """A command that is imported when it is called: `module:name` in `gateway.cli`, and its line."""

    where: str
    line: str


class Group(click.Group):
    """A group of commands.

    Those in `sections` are told under their headings, by their lines, and imported only when they
    are called: what a command stands on may take seconds to import, which help should not.
    """

    def __init__(
        self,
        *args: Any,
        sections: Mapping[str, Mapping[str, Lazy]] | None = None,
        example: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.sections = sections or {}
        self._lazy = {name: lazy for part in self.sections.values() for name, lazy in part.items()}
        self.example = example

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """In the order in which they were named."""
        return [*self._lazy, *(name for name in self.commands if name not in self._lazy)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and give a command."""
        if cmd_name in self._lazy:
            module, _, name = self._lazy[cmd_name].where.partition(":")
            found: click.Command = getattr(import_module(f"gateway.cli.{module}"), name)
            return found
        return super().get_command(ctx, cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands, by section where there are any."""
        if not self.sections:
            super().format_commands(ctx, formatter)
        width = max(map(len, self._lazy), default=0)
        for heading, commands in self.sections.items():
            with formatter.section(heading):
                formatter.write_dl(
                    [(f"{name:{width}}", lazy.line) for name, lazy in commands.items()]
                )

    def format_epilog(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the example, where there is one."""
        if self.example:
            with formatter.section("Example"):
                formatter.write(f"{'':>{formatter.current_indent}}{self.example}\n")


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

as_json: Final[Decorator] = click.option(
    "--json", "as_json", is_flag=True, help="Write what there is to say as JSON, to stdout."
)
profile_option: Final[Decorator] = click.option(
    "--profile",
    type=ANY_PATH,
    envvar=PROFILE_VARIABLE,
    default="profile.toml",
    show_default=True,
    show_envvar=True,
    help="Who we are, and to which gateway.",
)
config_option: Final[Decorator] = click.option(
    "--config",
    type=ANY_PATH,
    envvar=CONFIG_VARIABLE,
    default="config.toml",
    show_default=True,
    show_envvar=True,
    help="Settings of the gateway.",
)
key_option: Final[Decorator] = click.option(
    "--key",
    type=EXISTING,
    help="File with the ledger's vkey, one line; else the one pinned in the profile.",
)
