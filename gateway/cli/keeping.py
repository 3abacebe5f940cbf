"""Which profile, and which key, a command works with; and where it keeps receipts."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli import screen
from gateway.cli.exits import Exit, Stop
from gateway.client import profile as profiles
from gateway.client.api import Client
from gateway.client.connection import Patience
from gateway.client.profile import Profile
from gateway.client.upload import state_directory
from gateway.judge.strict import Unsound
from gateway.judge.vkey import read_vkey


def opened(path: Path) -> Client:
    """A client for a profile, not connected yet."""
    found = profiles.load(path)
    return Client(found, state=state_directory(found.state), patience=Patience(tell=_tell_waiting))


def _tell_waiting(why: str, seconds: float) -> None:
    first = why.partition(". ")[0].rstrip(".")
    when = "at once" if seconds < 1 else f"in {seconds:.0f} s"
    screen.say(f"{first}. Trying again {when}; Ctrl-C to give up.")


def pinned(key: Path | None, profile: Path) -> str:
    """The ledger's key: from the file named, else the one pinned in the profile.

    Never taken from what it is to verify: a key that came with the evidence proves nothing.
    """
    if key is not None:
        return _checked(key.read_bytes().decode("utf-8", "replace").strip(), str(key))
    found: Profile | None = profiles.load(profile) if profile.exists() else None
    if found is None or found.vkey is None:
        raise Stop(
            "There is no key to verify with. Name a file that holds the ledger's vkey with --key, "
            "or a profile that pins it with --profile; the operator publishes the vkey, and a "
            "gateway shows it at /v1/ledger/vkey.",
            Exit.USAGE,
        )
    return _checked(found.vkey, f"vkey in {profile}")


def _checked(vkey: str, where: str) -> str:
    """The key, if it is one: what is wrong with the key says nothing of the evidence."""
    try:
        read_vkey(vkey)
    except Unsound as unsound:
        message = f"{where}: it {unsound}. Give the ledger's vkey, one line as it was published."
        raise Stop(message, Exit.USAGE) from unsound
    return vkey


def keep_receipt(receipt: str, submission: str, directory: Path) -> Path:
    """Write a receipt file; one that is there already, with the same text, is left alone."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{submission}.tlog-proof"
    if not (path.exists() and path.read_text(encoding="utf-8") == receipt):
        path.write_text(receipt, encoding="utf-8")
    return path


def lines_of(path: str) -> list[bytes]:
    """The lines of a file, or of stdin for '-'."""
    with click.open_file(path, "rb") as file:
        return [line.rstrip(b"\n") for line in file]
