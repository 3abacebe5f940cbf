"""`receipt verify`: what a sender can do alone, years later."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from gateway.cli import screen
from gateway.cli.command import (
    EXISTING,
    Command,
    Group,
    as_json,
    key_option,
    profile_option,
)
from gateway.cli.exits import Exit, told
from gateway.cli.keeping import pinned
from gateway.judge.receipt import verify_receipt


@click.group(cls=Group, example="cms-gateway receipt verify RECEIPT --key ledger.vkey")
def receipt() -> None:
    """Receipts, offline."""


@receipt.command(
    cls=Command,
    example="cms-gateway receipt verify sub_00000000000000000000000000.tlog-proof \\\n"
    "    --key ledger.vkey --file schedule-2026-10.csv",
    exits=(Exit.REFUSED,),
)
@click.argument("file", type=EXISTING)
@key_option
@click.option("--file", "original", type=EXISTING, help="The file that was sent, to compare.")
@profile_option
@as_json
@click.pass_context
def verify(
    context: click.Context,
    file: Path,
    key: Path | None,
    original: Path | None,
    profile: Path,
    *,
    as_json: bool,
) -> None:
    """Verify the receipt in FILE with nothing but the ledger's public key."""
    with told():
        vkey = pinned(key, profile)
        digest = None
        if original is not None:
            with original.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").digest()
        found = verify_receipt(file.read_bytes(), vkey, digest=digest)
    screen.verdict(f"The receipt {file.name}", found, as_json=as_json)
    context.exit(int(Exit.OK if found.ok else Exit.REFUSED))
