"""`request matches`, `confirm`, `reject` and `evidence`: what an officer looks at, and keeps."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from gateway.cli import screen
from gateway.cli.command import ANY_PATH, Command, as_json, profile_option
from gateway.cli.exits import Exit, Stop, run, told
from gateway.cli.keeping import opened, pinned
from gateway.client.answers import Match

_ID = "req_00000000000000000000000000"


@click.command(cls=Command, example=f"cms-gateway request matches {_ID}", speaks=True)
@click.argument("identity", metavar="ID")
@profile_option
@as_json
def matches(identity: str, profile: Path, *, as_json: bool) -> None:
    """Show which records were tied to a request of ours, and what speaks for each."""

    async def work() -> tuple[Match, ...]:
        async with opened(profile) as client:
            return await client.matches(identity)

    _show(run(work()), as_json=as_json)


@click.command(cls=Command, example=f"cms-gateway request confirm {_ID} sub_... 17", speaks=True)
@click.argument("identity", metavar="ID")
@click.argument("submission")
@click.argument("row", type=click.IntRange(0))
@profile_option
@as_json
def confirm(identity: str, submission: str, row: int, profile: Path, *, as_json: bool) -> None:
    """Say that ROW of SUBMISSION is about the person; it then answers the request."""
    _judge(identity, submission, row, profile, confirmed=True, as_json=as_json)


@click.command(cls=Command, example=f"cms-gateway request reject {_ID} sub_... 17", speaks=True)
@click.argument("identity", metavar="ID")
@click.argument("submission")
@click.argument("row", type=click.IntRange(0))
@profile_option
@as_json
def reject(identity: str, submission: str, row: int, profile: Path, *, as_json: bool) -> None:
    """Say that ROW of SUBMISSION is about somebody else."""
    _judge(identity, submission, row, profile, confirmed=False, as_json=as_json)


def _judge(
    identity: str, submission: str, row: int, profile: Path, *, confirmed: bool, as_json: bool
) -> None:
    async def work() -> tuple[Match, ...]:
        async with opened(profile) as client:
            return await client.judge_match(identity, submission, row, confirmed=confirmed)

    _show(run(work()), as_json=as_json)


def _show(found: tuple[Match, ...], *, as_json: bool) -> None:
    if as_json:
        screen.emit({"matches": msgspec.to_builtins(found)})
        return
    screen.rows(
        ("submission", "row", "verdict", "by", "score", "agreed", "disagreed"),
        [
            (
                each.submission,
                each.row,
                each.verdict,
                each.by,
                round(each.score, 1),
                " ".join(each.agreed),
                " ".join(each.disagreed),
            )
            for each in found
        ],
    )


@click.command(
    cls=Command,
    example=f"cms-gateway request evidence {_ID} --output evidence.zip",
    speaks=True,
)
@click.argument("identity", metavar="ID")
@click.option("--output", type=ANY_PATH, help="File to write; else ID.evidence.zip.")
@click.option("--fresh", is_flag=True, help="As of now, and not as kept when it was escalated.")
@profile_option
@as_json
def evidence(
    identity: str, output: Path | None, profile: Path, *, fresh: bool, as_json: bool
) -> None:
    """Get the evidence pack of a request of ours, and keep it once it verifies.

    It is held against the ledger's key in the profile before it is written; anybody can do that again
    with 'evidence verify'.
    """
    with told():
        pinned(None, profile)
    path = output or Path(f"{identity}.evidence.zip")
    if path.exists():
        raise Stop(f"{path} exists already; name another with --output.", Exit.USAGE)

    async def work() -> bytes:
        async with opened(profile) as client:
            return await client.evidence_pack(identity, fresh=fresh)

    data = run(work())
    try:
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise Stop(f"{path} cannot be written: {error.strerror}.", Exit.USAGE) from error
    if as_json:
        screen.emit({"file": str(path), "bytes": len(data), "verifies": True})
        return
    screen.say("The evidence pack verifies.")
    click.echo(path)
