"""`client add`: let a party's program in, and write the profile it needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from gateway import config as configuration
from gateway.administration.orders import SCOPES, AddClient, ShowParty
from gateway.cli import house, office, screen
from gateway.cli.command import EXISTING, FOLDER, Command, Group, as_json, config_option
from gateway.cli.exits import Exit, Stop, run
from gateway.client.profile import Profile


@click.group(cls=Group, example="cms-gateway client add example-bank --directory example-bank")
def client() -> None:
    """OAuth clients: the programs that speak for a party."""


@client.command(
    cls=Command,
    example="cms-gateway client add example-bank --directory example-bank\n"
    "cms-gateway client add example-bank --id erp --jwks erp-public-keys.json",
    exits=(Exit.REFUSED, Exit.UNAVAILABLE),
)
@click.argument("party")
@click.option("--id", "identity", help="Id of the client; otherwise PARTY-client.")
@click.option("--scope", "scopes", multiple=True, help="Otherwise all that the party may have.")
@click.option("--jwks", type=EXISTING, help="Public keys that the party made, as a JWK set.")
@click.option("--directory", type=FOLDER, help="Where to make a key pair and write profile.toml.")
@click.option("--url", help="Where the party finds the gateway; otherwise the issuer.")
@config_option
@as_json
def add(
    party: str,
    identity: str | None,
    scopes: tuple[str, ...],
    jwks: Path | None,
    directory: Path | None,
    url: str | None,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """Register an OAuth client of PARTY.

    With --jwks the party keeps its private key to itself, which is how it is done outside
    development. Without it a key pair is made in --directory, and a profile written beside it.
    """
    name = identity or f"{party}-client"
    kind = office.give(config, ShowParty(id=party))["kind"]
    scope = scopes or SCOPES[kind]
    if jwks is not None:
        keys = _key_set(jwks)
        office.give(config, AddClient(id=name, party=party, scope=scope, jwks=keys))
        _tell(name, None, as_json=as_json)
        return
    if directory is None:
        message = "Give the public keys with --jwks, or name a --directory to make a key pair in."
        raise Stop(message, Exit.USAGE)
    profile = run(enrol(config, party, name, scope, directory, url))
    _tell(name, profile, as_json=as_json)


async def enrol(
    config: Path, party: str, name: str, scope: tuple[str, ...], directory: Path, url: str | None
) -> Path:
    """Make a key pair, register it, and write the profile; returns the profile's file."""
    settings = configuration.load(config)
    path, jwk = house.client_key(directory)
    wanted = AddClient(id=name, party=party, scope=scope, jwks={"keys": [jwk]})
    try:
        await office.order(config, wanted)
    except Exception:
        path.unlink()
        raise
    profile = Profile(
        url=url or settings.issuer,
        issuer=settings.issuer,
        ca=_there(directory / "server-ca.pem"),
        certificate=directory / "certificate.pem",
        key=directory / "certificate.key",
        client=name,
        client_key=path,
        kid=jwk["kid"],
        vkey=office.vkey(settings),
        state=directory / "uploads",
    )
    return house.write_profile(directory, profile)


def _there(path: Path) -> Path | None:
    return path if path.exists() else None


def _key_set(path: Path) -> dict[str, Any]:
    try:
        keys = json.loads(path.read_bytes())
    except ValueError as error:
        message = f"{path} is not JSON. Give a JWK set: an object with 'keys' (RFC 7517)."
        raise Stop(message, Exit.USAGE) from error
    if not isinstance(keys, dict):
        message = f"{path} is not a JWK set: an object with 'keys' (RFC 7517)."
        raise Stop(message, Exit.USAGE)
    return keys


def _tell(name: str, profile: Path | None, *, as_json: bool) -> None:
    if as_json:
        screen.emit({"client": name, "profile": None if profile is None else str(profile)})
        return
    screen.say(f"Registered the client {name}.")
    if profile is None:
        return
    certificate = profile.parent / "certificate.pem"
    if not certificate.exists():
        screen.say(f"The profile expects the party's certificate in {certificate}.")
    click.echo(profile)
