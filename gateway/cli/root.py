"""The commands, by name."""

from __future__ import annotations

import click

from gateway.cli.command import Group

root = Group(
    "cms-gateway",
    help="The Child Maintenance Service's information gateway: serve it, send to it, collect from "
    "it, and check everything it says. Results go to stdout, words to stderr.",
    example="cms-gateway demo --once",
    lazy={
        "demo": "gateway.cli.demo.command:demo",
        "init": "gateway.cli.serving:init",
        "serve": "gateway.cli.serving:serve",
        "submit": "gateway.cli.sending:submit",
        "watch": "gateway.cli.watching:watch",
        "check": "gateway.cli.checking:check",
        "submission": "gateway.cli.submissions:submission",
        "correction": "gateway.cli.correcting:correction",
        "template": "gateway.cli.templates:template",
        "notice": "gateway.cli.notices:notice",
        "receipt": "gateway.cli.receipts:receipt",
        "evidence": "gateway.cli.evidence_packs:evidence",
        "feed": "gateway.cli.feeds:feed",
        "consumer": "gateway.cli.consuming:consumer",
        "request": "gateway.cli.asking:request",
        "batch": "gateway.cli.batches:batch",
        "obligations": "gateway.cli.owing:obligations",
        "ledger": "gateway.cli.ledgers:ledger",
        "org": "gateway.cli.parties:org",
        "client": "gateway.cli.clients:client",
        "mailbox": "gateway.cli.mailboxes:mailbox",
        "correspondent": "gateway.cli.correspondents:correspondent",
        "agreement": "gateway.cli.agreements:agreement",
        "preference": "gateway.cli.agreements:preference",
        "subscription": "gateway.cli.subscriptions:subscription",
        "cert": "gateway.cli.certificates:cert",
        "duties": "gateway.cli.duties:duties",
        "sshkey": "gateway.cli.sshkeys:sshkey",
        "key": "gateway.cli.keys:key",
        "sandbox": "gateway.cli.sandboxes:sandbox",
        "version": "gateway.cli.serving:show_version",
    },
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


click.version_option(package_name="cms-gateway", message="%(prog)s %(version)s")(root)


def every_command() -> list[tuple[str, click.Command]]:
    """Each command with its full name, for the documentation and its test."""
    found: list[tuple[str, click.Command]] = []

    def walk(name: str, command: click.Command) -> None:
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=name)
            for child in command.list_commands(context):
                inner = command.get_command(context, child)
                assert inner is not None
                walk(f"{name} {child}".strip(), inner)
        else:
            found.append((name, command))

    walk("", root)
    return found
