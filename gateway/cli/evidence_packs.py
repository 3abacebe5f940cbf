"""`evidence verify`: what anybody can do alone with the evidence pack of a request."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli import screen
from gateway.cli.command import EXISTING, Command, Group, as_json, profile_option
from gateway.cli.exits import Exit, told
from gateway.cli.keeping import pinned
from gateway.judge.pack import MAX_PACK_BYTES, verify_pack


@click.group(cls=Group, example="cms-gateway evidence verify PACK.zip --key ledger.vkey")
def evidence() -> None:
    """Evidence packs, offline."""


@evidence.command(
    cls=Command,
    example="cms-gateway evidence verify req_00000000000000000000000000.zip --key ledger.vkey \\\n"
    "    --request req_00000000000000000000000000",
    exits=(Exit.REFUSED,),
)
@click.argument("file", type=EXISTING)
@click.option(
    "--key",
    "--vkey",
    "key",
    type=EXISTING,
    help="File with the ledger's vkey, one line; else the one pinned in the profile.",
)
@click.option("--request", metavar="ID", help="The request that the pack is to be about.")
@profile_option
@as_json
@click.pass_context
def verify(
    context: click.Context,
    file: Path,
    key: Path | None,
    request: str | None,
    profile: Path,
    *,
    as_json: bool,
) -> None:
    """Verify the evidence pack in FILE with nothing but the ledger's public key.

    Every file of the pack, every step of the request and every notice is held against the ledger.
    """
    with told():
        vkey = pinned(key, profile)
        with file.open("rb") as stream:
            data = stream.read(MAX_PACK_BYTES + 1)
        found = verify_pack(data, vkey, request=request)
    screen.verdict(f"The evidence pack {file.name}", found, as_json=as_json)
    context.exit(int(Exit.OK if found.ok else Exit.REFUSED))
