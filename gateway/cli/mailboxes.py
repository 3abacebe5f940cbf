"""`mailbox`: mailboxes for organisations that already run a MESH client."""

from __future__ import annotations

from pathlib import Path

import click

from gateway import config as configuration
from gateway.administration.orders import AddMailbox, ListMailboxes, RemoveMailbox
from gateway.cli import screen
from gateway.cli.command import Command, Group, as_json, config_option
from gateway.cli.exits import Exit
from gateway.cli.office import give

_EXITS = (Exit.REFUSED, Exit.UNAVAILABLE)


@click.group(cls=Group, example="cms-gateway mailbox list --config gateway/config.toml")
def mailbox() -> None:
    """Mailboxes by the MESH API. Works beside a running gateway, and without one."""


@mailbox.command(
    cls=Command, example="cms-gateway mailbox add example-bank EXAMPLEBANK1", exits=_EXITS
)
@click.argument("party", metavar="ORG")
@click.argument("identity", metavar="MAILBOX")
@config_option
@as_json
def add(party: str, identity: str, config: Path, *, as_json: bool) -> None:
    """Give ORG a mailbox. Its password and shared key are shown now, and never again.

    It is of use with a certificate of ORG alone: 'cert add'.
    """
    told = give(config, AddMailbox(id=identity, organisation=party))
    recipient = configuration.load(config).mailbox
    if as_json:
        screen.emit(told | {"recipient": recipient})
        return
    screen.say(
        f"Added the mailbox {identity} for {party}. Hand these over now; they are kept sealed."
    )
    screen.facts(
        [
            ("mailbox", identity),
            ("password", told["password"]),
            ("shared key", told["shared_key"]),
            ("send to", recipient),
        ]
    )


@mailbox.command("list", cls=Command, example="cms-gateway mailbox list --json", exits=_EXITS)
@config_option
@as_json
def show_all(config: Path, *, as_json: bool) -> None:
    """List the mailboxes, those removed too."""
    told = give(config, ListMailboxes())
    if as_json:
        screen.emit(told)
        return
    screen.rows(
        ("mailbox", "organisation", "added", "removed"),
        [
            (box["id"], box["organisation"], box["added"], box["removed"] or "")
            for box in told["mailboxes"]
        ],
    )


@mailbox.command(cls=Command, example="cms-gateway mailbox remove EXAMPLEBANK1", exits=_EXITS)
@click.argument("identity", metavar="MAILBOX")
@config_option
@as_json
def remove(identity: str, config: Path, *, as_json: bool) -> None:
    """Let nobody into MAILBOX any more. What was sent by it stays."""
    told = give(config, RemoveMailbox(id=identity))
    if as_json:
        screen.emit(told)
    else:
        screen.say(f"Removed {identity}; it cannot be used any more, and its id not again.")
