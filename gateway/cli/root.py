"""The commands, by name."""

from __future__ import annotations

import click

from gateway.cli.command import Group, Lazy

root = Group(
    "cms-gateway",
    help="The Child Maintenance Service's information gateway: serve it, send to it, collect from "
    "it, and check everything it says. Results go to stdout, words to stderr.",
    example="cms-gateway demo --once",
    sections={
        "Try it": {
            "demo": Lazy(
                "demo.command:demo", "Tell the whole story over real TLS, then keep serving."
            ),
            "sandbox": Lazy(
                "sandboxes:sandbox", "A real gateway to practise on, with made-up parties."
            ),
        },
        "Send, and answer": {
            "submit": Lazy(
                "sending:submit", "Send a file, wait for its outcome, keep the receipt."
            ),
            "watch": Lazy("watching:watch", "Send every file that is put into a folder."),
            "check": Lazy("checking:check", "Judge a file offline by the gateway's own rules."),
            "template": Lazy("templates:template", "Write an empty table to fill in."),
            "submission": Lazy("submissions:submission", "What became of what was sent."),
            "correction": Lazy("correcting:correction", "Correct what was sent before."),
            "request": Lazy("asking:request", "Information requests: raise them, answer them."),
            "batch": Lazy("batches:batch", "Lists: what one organisation is asked in one file."),
            "obligations": Lazy("owing:obligations", "What is owed, by when, and on which ground."),
        },
        "Collect, and put to work": {
            "feed": Lazy("feeds:feed", "Read a feed, see how far it was taken, reject records."),
            "consumer": Lazy("consuming:consumer", "Collect, and lay proposals before an officer."),
        },
        "Prove": {
            "receipt": Lazy("receipts:receipt", "Verify receipts, offline."),
            "evidence": Lazy("evidence_packs:evidence", "Verify evidence packs, offline."),
            "ledger": Lazy("ledgers:ledger", "Copy the ledger, and verify it offline."),
        },
        "Run a gateway": {
            "init": Lazy("serving:init", "Make settings, a key ring and a development PKI."),
            "serve": Lazy("serving:serve", "Serve until a signal."),
            "version": Lazy(
                "serving:show_version", "Versions of the gateway and what it stands on."
            ),
            "key": Lazy("keys:key", "What signs receipts and tokens, and wraps data keys."),
            "duties": Lazy("duties:duties", "Who is obliged to send what, and why."),
        },
        "Know who is who": {
            "org": Lazy("parties:org", "Organisations and consumers."),
            "cert": Lazy("certificates:cert", "Their certificates."),
            "client": Lazy("clients:client", "OAuth clients: the programs that speak for them."),
            "sshkey": Lazy("sshkeys:sshkey", "SSH keys, for sending by SFTP."),
            "mailbox": Lazy("mailboxes:mailbox", "Mailboxes by the MESH API."),
            "subscription": Lazy("subscriptions:subscription", "Feeds that are pushed."),
            "correspondent": Lazy("correspondents:correspondent", "Whom notices go to."),
            "agreement": Lazy("agreements:agreement", "Who agreed to electronic notices, and how."),
            "preference": Lazy("agreements:preference", "Who wants everything by post."),
            "notice": Lazy("notices:notice", "What notices say, in English and Welsh."),
        },
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
