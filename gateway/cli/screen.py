"""What a person sees: words and progress on stderr, results on stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from gateway.client.answers import Outcome, RowError, RuleCount
from gateway.consumers.proposal import visible
from gateway.judge.verdict import Verdict

# Row errors shown to a person; a machine gets them all with --json.
ERRORS_SHOWN: Final = 20

words: Final = Console(stderr=True, highlight=False, soft_wrap=True)


def say(text: str) -> None:
    """A line for people; never markup, since it may hold anything."""
    words.print(text, markup=False)


def emit(value: Any) -> None:
    """A value as one JSON document on stdout."""
    click.echo(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2))


def rows(columns: Sequence[str], lines: Iterable[Sequence[object]]) -> None:
    """A table on stdout: drawn for a terminal, else with tabs between the cells.

    What stands in a cell, whoever wrote it, is neither markup nor a line or a cell of its own.
    """
    told = [[visible(str(cell)) for cell in line] for line in lines]
    if not sys.stdout.isatty():
        for line in (columns, *told):
            click.echo("\t".join(line))
        return
    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for line in told:
        table.add_row(*map(Text, line))
    Console(highlight=False).print(table)


def facts(pairs: Iterable[tuple[str, object]]) -> None:
    """Names and values on stdout, one pair to a line."""
    held = [(name, visible(str(value))) for name, value in pairs]
    width = max((len(name) for name, _ in held), default=0)
    for name, value in held:
        click.echo(f"{name:<{width}}  {value}")


def counted(number: int, what: str) -> str:
    """A number and what is counted, as in '1 row' and '2 rows'."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def row_errors(errors: Sequence[RowError], count: int) -> None:
    """Row errors, each so that it can be mended, and how many more of the `count` there are."""
    for error in errors[:ERRORS_SHOWN]:
        say(f"  row {error.row}, {error.field}: {error.message} {error.fix} [{error.code}]")
    shown = min(len(errors), ERRORS_SHOWN)
    if count > shown:
        kept = "them all" if len(errors) >= count else f"the first {len(errors)}"
        say(f"  and {count - shown} more; --json shows {kept}.")


def rules(counted_rules: Sequence[RuleCount]) -> None:
    """How often each rule was broken, where there are too many errors to read one by one."""
    if sum(rule.count for rule in counted_rules) <= ERRORS_SHOWN:
        return
    for rule in counted_rules[:ERRORS_SHOWN]:
        first = ", ".join(str(row) for row in rule.rows)
        say(f"  {rule.count} x {rule.code} in {rule.field}, first in rows {first}: {rule.fix}")


def mending(outcome: Outcome) -> None:
    """How the rows of a submission that are still open are mended, if there are any."""
    if outcome.open:
        say(
            f"Get the {counted(outcome.open, 'row')} to mend with "
            f"'cms-gateway submission refused {outcome.id} --output FILE' and send them again with "
            f"--completes {outcome.id}; the others are kept and never counted twice."
        )


def verdict(what: str, found: Verdict, *, as_json: bool) -> None:
    """What the judge says: facts and counts on stdout, findings on stderr."""
    if as_json:
        emit(
            {
                "verifies": found.ok,
                "facts": dict(found.facts),
                "findings": [
                    {"where": each.where, "what": each.what, "fix": each.fix}
                    for each in found.findings
                ],
                "counts": {
                    name: getattr(found, name)
                    for name in ("entries", "receipts", "records", "blocks", "pages")
                },
            }
        )
        return
    if found.ok:
        facts(found.facts)
        say(f"{what} verifies.")
        return
    for each in found.findings[:ERRORS_SHOWN]:
        say(f"  {each}")
    if len(found.findings) > ERRORS_SHOWN:
        say(f"  and {len(found.findings) - ERRORS_SHOWN} more.")
    if any("not signed by the key" in each.what for each in found.findings):
        say("  Either it was altered, or the key is another ledger's.")
    say(f"{what} does not verify.")


@contextmanager
def progress(label: str, *, bytes_: bool = True) -> Iterator[Any]:
    """A progress bar on stderr, on a terminal only; gives a function of (done, of how much)."""
    columns = [TextColumn("{task.description}"), BarColumn()]
    unit = DownloadColumn() if bytes_ else TextColumn("{task.completed}/{task.total}")
    bar = Progress(
        *columns,
        unit,
        TimeRemainingColumn(),
        console=words,
        transient=True,
        disable=not words.is_terminal,
    )
    with bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
