"""`template`: an empty table of a record type, to fill in."""

from __future__ import annotations

from pathlib import Path

import click

from adapters.tables.blank import BLANKS
from gateway.cli import screen
from gateway.cli.command import ANY_PATH, Command, as_json
from gateway.cli.exits import Exit, Stop
from gateway.core.records import RECORD_TYPES


@click.command(
    cls=Command,
    example="""
        cms-gateway template employment
        cms-gateway template employment earnings --output answer.xlsx
        cms-gateway template nil_return --format csv
    """,
)
@click.argument(
    "record_types",
    metavar="RECORD_TYPE...",
    nargs=-1,
    required=True,
    type=click.Choice(sorted(RECORD_TYPES)),
)
@click.option(
    "--format",
    "kind",
    type=click.Choice(list(BLANKS)),
    help="What to make; xlsx, if the name of the output does not say.",
)
@click.option("--output", type=ANY_PATH, help="File to write; else the type's name, here.")
@as_json
def template(
    record_types: tuple[str, ...], kind: str | None, output: Path | None, *, as_json: bool
) -> None:
    """Write an empty table of each RECORD_TYPE, with its columns, notes and one example.

    A workbook has a sheet for each type; a CSV holds one type. The row marked EXAMPLE is not read.
    """
    ending = "" if output is None else output.suffix.lower().removeprefix(".")
    chosen = kind or (ending if ending in BLANKS else "xlsx")
    names = tuple(dict.fromkeys(record_types))
    try:
        made = BLANKS[chosen](names)
    except ValueError as error:
        raise Stop(str(error), Exit.USAGE) from error
    path = output or Path(f"{names[0] if len(names) == 1 else 'records'}.{chosen}")
    try:
        with path.open("xb") as file:
            file.write(made)
    except FileExistsError:
        raise Stop(f"{path} exists already; name another with --output.", Exit.USAGE) from None
    if as_json:
        screen.emit({"file": str(path), "format": chosen, "record_types": names})
    else:
        click.echo(path)
