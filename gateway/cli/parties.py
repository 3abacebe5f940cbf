"""`org`: organisations under a duty, and the consumers that receive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gateway.administration.orders import AddParty, Kind, ListParties, RevokeCertificate, ShowParty
from gateway.cli import screen
from gateway.cli.command import EXISTING, Command, Group, as_json, config_option
from gateway.cli.exits import Exit
from gateway.cli.office import give

_EXITS = (Exit.REFUSED, Exit.UNAVAILABLE)
_KINDS = click.Choice(["organisation", "consumer"])


@click.group(cls=Group, example="cms-gateway org list --config gateway/config.toml")
def org() -> None:
    """Organisations and consumers. Works beside a running gateway, and without one."""


@org.command(
    cls=Command,
    example="cms-gateway org add example-bank --name 'Example Bank plc' --class deposit_taker\n"
    "cms-gateway org add tracing --kind consumer --name 'Tracing team' --class tracing",
    exits=_EXITS,
)
@click.argument("identity", metavar="ID")
@click.option("--name", required=True, help="Its name, as people know it.")
@click.option("--kind", type=_KINDS, default="organisation", show_default=True, help="Which.")
@click.option(
    "--class",
    "classes",
    multiple=True,
    required=True,
    help="Provider class of an organisation, or feed of a consumer; may be given more than once.",
)
@click.option(
    "--conformance", type=EXISTING, help="Certificate of a conformance run, as a sandbox gives it."
)
@config_option
@as_json
def add(
    identity: str,
    name: str,
    kind: Kind,
    classes: tuple[str, ...],
    conformance: Path | None,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """Add a party under ID. It can speak once it has a certificate and a client."""
    shown = None if conformance is None else conformance.read_text(encoding="ascii")
    wanted = AddParty(id=identity, kind=kind, name=name, classes=classes, conformance=shown)
    told = give(config, wanted)
    if as_json:
        screen.emit(told)
    else:
        screen.say(
            f"Added {kind} {identity} ({', '.join(told['classes'])}). Next: 'cert add {identity} "
            f"FILE' and 'client add {identity} --jwks FILE' with what it gives you; or, in "
            f"development, 'cert issue {identity} --directory {identity}' and then "
            f"'client add {identity} --directory {identity}'."
        )


@org.command(
    "list", cls=Command, example="cms-gateway org list --kind consumer --json", exits=_EXITS
)
@click.option("--kind", type=_KINDS, help="Only these.")
@config_option
@as_json
def show_all(kind: Kind | None, config: Path, *, as_json: bool) -> None:
    """List the parties."""
    told = give(config, ListParties(kind=kind))
    if as_json:
        screen.emit(told)
        return
    screen.rows(
        ("id", "kind", "name", "classes", "added"),
        [
            (p["id"], p["kind"], p["name"], ",".join(p["classes"]), p["added"])
            for p in told["parties"]
        ],
    )


@org.command(cls=Command, example="cms-gateway org show example-bank", exits=_EXITS)
@click.argument("identity", metavar="ID")
@config_option
@as_json
def show(identity: str, config: Path, *, as_json: bool) -> None:
    """Show one party and its certificates."""
    told = give(config, ShowParty(id=identity))
    if as_json:
        screen.emit(told)
        return
    names = ("id", "kind", "name", "added")
    screen.facts([*((n, told[n]) for n in names), ("classes", ", ".join(told["classes"]))])
    show_certificates(told["certificates"])


def show_certificates(certificates: list[dict[str, Any]]) -> None:
    """A table of certificates, as an order tells them."""
    screen.rows(
        ("serial", "thumbprint", "not after", "revoked"),
        [(c["serial"], c["thumbprint"], c["not_after"], c["revoked"] or "") for c in certificates],
    )


@org.command(cls=Command, example="cms-gateway org revoke example-bank", exits=_EXITS)
@click.argument("identity", metavar="ID")
@config_option
@as_json
def revoke(identity: str, config: Path, *, as_json: bool) -> None:
    """Shut a party out: every certificate it has is revoked, from this moment on."""
    certificates = give(config, ShowParty(id=identity))["certificates"]
    gone = [c["thumbprint"] for c in certificates if c["revoked"] is None]
    for thumbprint in gone:
        give(config, RevokeCertificate(party=identity, thumbprint=thumbprint))
    if as_json:
        screen.emit({"id": identity, "revoked": gone})
    else:
        revoked = screen.counted(len(gone), "certificate")
        screen.say(f"Revoked {revoked} of {identity}; it cannot speak any more.")
