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
from gateway.cli.exits import Exit, Stop, told
from gateway.cli.keeping import pinned
from gateway.judge.entry_proof import is_entry_proof, verify_entry
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
    """Verify the receipt in FILE with nothing but the ledger's public key.

    FILE may also be what 'ledger prove' writes: then, that the entry stands in the ledger.
    """
    with told():
        vkey = pinned(key, profile)
        digest = None
        if original is not None:
            with original.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").digest()
        text = file.read_bytes()
        alone = is_entry_proof(text)
        if alone and original is not None:
            message = f"{file} proves an entry and holds no receipt: leave --file out."
            raise Stop(message, Exit.USAGE)
        found = verify_entry(text, vkey) if alone else verify_receipt(text, vkey, digest=digest)
    what = "proof" if alone else "receipt"
    screen.verdict(f"The {what} {file.name}", found, as_json=as_json)
    if alone and found.ok and not as_json:
        screen.say("The entry stands in the ledger.")
    context.exit(int(Exit.OK if found.ok else Exit.REFUSED))
