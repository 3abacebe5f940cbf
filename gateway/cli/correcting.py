"""`correction`: saying that what was sent before is no longer right, and seeing who knows."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from gateway.cli import screen
from gateway.cli.command import FOLDER, Command, Group, as_json, profile_option
from gateway.cli.exits import run
from gateway.cli.keeping import keep_receipt, opened
from gateway.client.answers import Amendment, Outcome

_STATUSES = click.Choice(["disputed", "incorrect", "withdrawn", "superseded"])


@click.group(cls=Group, example="cms-gateway correction show sub_...")
def correction() -> None:
    """Correct what was sent before; everybody who received it is told."""


@correction.command(
    cls=Command,
    example="cms-gateway correction send sub_... --status incorrect --row 17 --row 23 \\\n"
    "    --reason 'Paid to another employee of the same name'",
    speaks=True,
)
@click.argument("submission")
@click.option("--status", type=_STATUSES, required=True, help="What holds of the records now.")
@click.option("--row", "rows", type=click.IntRange(1), multiple=True, help="A row; none means all.")
@click.option("--reason", help="Why; the teams that received the records read it.")
@click.option("--replaced-by", help="The submission that takes its place, with superseded.")
@click.option("--receipts", type=FOLDER, default=".", show_default=True, help="For the receipt.")
@profile_option
@as_json
def send(
    submission: str,
    status: str,
    rows: tuple[int, ...],
    reason: str | None,
    replaced_by: str | None,
    receipts: Path,
    profile: Path,
    *,
    as_json: bool,
) -> None:
    """Correct SUBMISSION. What was sent stays provable; the correction stands beside it."""

    async def work() -> Outcome:
        async with opened(profile) as client:
            return await client.correct(
                submission, status, rows=rows, reason=reason, replaced_by=replaced_by
            )

    outcome = run(work())
    path = keep_receipt(outcome.receipt, outcome.id, receipts)
    if as_json:
        screen.emit(msgspec.to_builtins(outcome) | {"receipt": str(path)})
        return
    screen.say(f"Recorded at {outcome.recorded_at}. 'correction show {submission}' says who knows.")
    click.echo(path)


@correction.command(cls=Command, example="cms-gateway correction show sub_...", speaks=True)
@click.argument("submission")
@profile_option
@as_json
def show(submission: str, profile: Path, *, as_json: bool) -> None:
    """Show what completed or corrected SUBMISSION, and which teams have taken note."""

    async def work() -> tuple[Amendment, ...]:
        async with opened(profile) as client:
            return await client.amendments(submission)

    found = run(work())
    if as_json:
        screen.emit(msgspec.to_builtins(found))
        return
    screen.rows(
        ("submission", "how", "recorded", "known to", "waiting for"),
        [
            (
                each.submission,
                each.how,
                each.recorded_at,
                " ".join(feed.feed for feed in each.feeds if feed.acknowledged) or "-",
                " ".join(feed.feed for feed in each.feeds if not feed.acknowledged) or "-",
            )
            for each in found
        ],
    )
