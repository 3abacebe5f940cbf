"""`feed`: read, verify, see where one stands, and say what cannot be used."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import click
import msgspec

from gateway.cli import screen
from gateway.cli.command import Command, Group, as_json, key_option, profile_option
from gateway.cli.exits import Exit, run, told
from gateway.cli.keeping import lines_of, opened, pinned
from gateway.client.answers import FeedStanding
from gateway.client.api import Client
from gateway.client.events import FeedPage, Rejection
from gateway.core.rejection import GROUNDS
from gateway.judge.feed import verify_feed

_PAGE: Final = 1_000


@click.group(cls=Group, example="cms-gateway feed read tracing --profile tracing/profile.toml")
def feed() -> None:
    """What a consumer collects."""


@feed.command(
    cls=Command,
    example="cms-gateway feed read tracing --follow --ack >> tracing.jsonl",
    speaks=True,
)
@click.argument("name")
@click.option("--after", metavar="CURSOR", help="Go on from here; else from what was acknowledged.")
@click.option("--from", "first", type=click.IntRange(1), help="Begin at the record of this number.")
@click.option("--follow", is_flag=True, help="Wait at the end for more, until interrupted.")
@click.option("--ack", is_flag=True, help="Acknowledge each page once it has been written.")
@click.option("--limit", type=click.IntRange(1), help="Stop after so many records.")
@click.option("--no-proofs", is_flag=True, help="Leave out what is needed to verify; smaller.")
@profile_option
@click.option("--json", is_flag=True, expose_value=False, help="For symmetry: it always is.")
def read(
    name: str,
    after: str | None,
    first: int | None,
    limit: int | None,
    profile: Path,
    *,
    follow: bool,
    ack: bool,
    no_proofs: bool,
) -> None:
    """Read the feed NAME as JSON lines: blocks, records, and a line at the end of each page."""
    if after is not None and first is not None:
        raise click.UsageError("Give --after or --from, not both.")

    async def work() -> None:
        left = limit
        async with opened(profile) as client:
            pages = client.feed(
                name,
                after=after,
                first=first,
                limit=min(left or _PAGE, _PAGE),
                follow=follow,
                proofs=not no_proofs,
            )
            async for page in pages:
                await _take(client, page)
                left = None if left is None else left - page.count
                if left is not None and left <= 0:
                    return

    async def _take(client: Client, page: FeedPage) -> None:
        out = sys.stdout.buffer
        out.write(b"\n".join(page.lines) + b"\n")
        out.flush()
        if ack and page.count:
            stands = await client.acknowledge(name, delivered=page.next)
            screen.say(f"Acknowledged up to record {stands.delivered}.")

    run(work())


@feed.command(cls=Command, example="cms-gateway feed status tracing", speaks=True)
@click.argument("name")
@profile_option
@as_json
def status(name: str, profile: Path, *, as_json: bool) -> None:
    """Show how much of the feed NAME is not collected, and how much is not in use."""

    async def work() -> FeedStanding:
        async with opened(profile) as client:
            return await client.feed_standing(name)

    found = run(work())
    if as_json:
        screen.emit(msgspec.to_builtins(found))
        return
    told = msgspec.to_builtins(found)
    screen.facts([(key.replace("_", " "), told[key]) for key in told if told[key] is not None])


@feed.command(
    cls=Command,
    example="cms-gateway feed reject tracing 17 --code OTHER_PERSON --field who.nino",
    speaks=True,
)
@click.argument("name")
@click.argument("numbers", nargs=-1, type=click.IntRange(1), required=True)
@click.option("--code", type=click.Choice(tuple(GROUNDS)), required=True, help="Why.")
@click.option("--field", help="Which field is meant, as in pay.net_pence.")
@profile_option
@as_json
def reject(
    name: str,
    numbers: tuple[int, ...],
    code: str,
    field: str | None,
    profile: Path,
    *,
    as_json: bool,
) -> None:
    """Say that records of the feed NAME, by their NUMBERS, cannot be used, and why.

    Where the code asks for it, the organisation is told, and asked to put it right.
    """
    errors = [Rejection(number, code, field) for number in numbers]

    async def work() -> FeedStanding:
        async with opened(profile) as client:
            return await client.acknowledge(name, errors=errors)

    found = run(work())
    if as_json:
        screen.emit(msgspec.to_builtins(found))
        return
    screen.say(f"{screen.counted(found.rejected, 'record')} of {name} rejected in all.")


@feed.command(
    cls=Command,
    example="cms-gateway feed read tracing | cms-gateway feed verify - --key ledger.vkey",
    exits=(Exit.REFUSED,),
)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@key_option
@profile_option
@as_json
@click.pass_context
def verify(
    context: click.Context, file: str, key: Path | None, profile: Path, *, as_json: bool
) -> None:
    """Verify the pages of a feed in FILE, or from stdin for '-'."""
    with told():
        found = verify_feed(lines_of(file), pinned(key, profile))
    what = "What was read" if file == "-" else Path(file).name
    screen.verdict(what, found, as_json=as_json)
    context.exit(int(Exit.OK if found.ok else Exit.REFUSED))
