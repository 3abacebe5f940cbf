"""`key`: the gateway's own keys."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import config as configuration
from gateway.cli import screen
from gateway.cli.command import Command, Group, as_json, config_option
from gateway.cli.exits import Exit, told
from gateway.edge import keyring


@click.group(cls=Group, example="cms-gateway key show --config gateway/config.toml")
def key() -> None:
    """The key ring: what signs receipts and tokens, and wraps what is stored."""


@key.command(cls=Command, example="cms-gateway key create", exits=(Exit.UNAVAILABLE,))
@config_option
@as_json
def create(config: Path, *, as_json: bool) -> None:
    """Make the key ring of the settings; refused where there is anything of one."""
    with told():
        settings = configuration.load(config)
        keyring.create(settings.keys)
        ring = keyring.open_ring(settings.keys, origin=settings.origin)
    if as_json:
        screen.emit({"directory": str(settings.keys), "vkey": ring.evidence.vkey})
        return
    screen.say(f"Made a key ring in {settings.keys}. Publish this key:")
    click.echo(ring.evidence.vkey)


@key.command(cls=Command, example="cms-gateway key show > ledger.vkey", exits=(Exit.UNAVAILABLE,))
@config_option
@as_json
def show(config: Path, *, as_json: bool) -> None:
    """Write the ledger's vkey; with --json also the names of the other public keys."""
    with told():
        settings = configuration.load(config)
        ring = keyring.open_ring(settings.keys, origin=settings.origin)
    if as_json:
        screen.emit(
            {
                "vkey": ring.evidence.vkey,
                "evidence": ring.evidence.kid,
                "tokens": [one.kid for one in ring.token_keys],
                "wrapping": ring.active_wrapping_key.hex(),
            }
        )
    else:
        click.echo(ring.evidence.vkey)


@key.command(cls=Command, example="cms-gateway key rotate wrapping", exits=(Exit.UNAVAILABLE,))
@click.argument("which", type=click.Choice(["token", "wrapping"]))
@config_option
@as_json
def rotate(which: str, config: Path, *, as_json: bool) -> None:
    """Add a new key, used from the gateway's next start on; the old ones still verify or unwrap.

    The key that signs the ledger is never rotated by itself: a new one is a new ledger.
    """
    with told():
        settings = configuration.load(config)
        add = keyring.rotate_token_key if which == "token" else keyring.rotate_wrapping_key
        path = add(settings.keys)
    if as_json:
        screen.emit({"key": str(path)})
        return
    screen.say("Added; restart the gateway to use it:")
    click.echo(path)
