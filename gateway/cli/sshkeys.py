"""`sshkey`: the SSH keys with which organisations reach their inbox, and the gateway's own."""

from __future__ import annotations

import base64
from pathlib import Path

import click
from cryptography.hazmat.primitives import serialization

from gateway import config as configuration
from gateway.administration.orders import AddSshKey, RevokeSshKey, ShowParty
from gateway.cli import screen
from gateway.cli.command import EXISTING, Command, Group, as_json, config_option
from gateway.cli.exits import Exit, Stop, told
from gateway.cli.office import give
from gateway.edge import keyring
from gateway.edge.sftp.door import thumbprint

_EXITS = (Exit.REFUSED, Exit.UNAVAILABLE)


@click.group(cls=Group, example="cms-gateway sshkey add example-employer payroll.pub")
def sshkey() -> None:
    """SSH keys, for sending by SFTP. The user name is the organisation's id."""


@sshkey.command(
    cls=Command, example="cms-gateway sshkey add example-employer payroll.pub", exits=_EXITS
)
@click.argument("organisation")
@click.argument("keyfile", type=EXISTING)
@config_option
@as_json
def add(organisation: str, keyfile: Path, config: Path, *, as_json: bool) -> None:
    """Let ORGANISATION in by SFTP with the public key in KEYFILE: Ed25519, ECDSA, or RSA from 3072."""
    with told():
        line = keyfile.read_bytes().decode("utf-8", "replace").strip()
    if "PRIVATE KEY" in line:
        message = f"{keyfile} holds a private key, which is nobody else's. Give its .pub file."
        raise Stop(message, Exit.USAGE)
    found = give(config, AddSshKey(party=organisation, key=line))
    if as_json:
        screen.emit(found)
    else:
        screen.say(f"{organisation} may send by SFTP with this {found['kind']} key.")
        click.echo(found["thumbprint"])


@sshkey.command(
    cls=Command,
    example="cms-gateway sshkey revoke example-employer mUxNnNpf_8BQxbpxdlou89-RHiDAg2cUTMtnufQ7kLY",
    exits=_EXITS,
)
@click.argument("organisation")
@click.argument("key")
@config_option
@as_json
def revoke(organisation: str, key: str, config: Path, *, as_json: bool) -> None:
    """Stop accepting a KEY of ORGANISATION, now; its sessions end. 'sshkey list' names the keys."""
    # OpenSSH writes the same hash in the other alphabet.
    named = key.removeprefix("SHA256:").replace("+", "-").replace("/", "_")
    found = give(config, RevokeSshKey(party=organisation, thumbprint=named))
    if as_json:
        screen.emit(found)
    else:
        screen.say(f"Revoked: SSH key {found['thumbprint']} of {organisation}.")


@sshkey.command(
    "list", cls=Command, example="cms-gateway sshkey list example-employer", exits=_EXITS
)
@click.argument("organisation")
@config_option
@as_json
def show_all(organisation: str, config: Path, *, as_json: bool) -> None:
    """List the SSH keys of ORGANISATION."""
    found = give(config, ShowParty(id=organisation))["ssh_keys"]
    if as_json:
        screen.emit({"ssh_keys": found})
        return
    lines = [(key["thumbprint"], key["added"], key["revoked"] or "") for key in found]
    screen.rows(("thumbprint", "added", "revoked"), lines)


@sshkey.command("host", cls=Command, example="cms-gateway sshkey host", exits=_EXITS)
@config_option
@as_json
def show_host(config: Path, *, as_json: bool) -> None:
    """Show the gateway's own SSH key, by which clients know it: publish it before they connect."""
    with told():
        settings = configuration.load(config)
        directory = None if settings.sftp is None else settings.sftp.host_keys
        pem = keyring.host_key(directory or settings.keys)
    public = serialization.load_pem_private_key(pem, password=None).public_key()
    line = public.public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    ).decode()
    printed = thumbprint(base64.b64decode(line.split()[1])).replace("-", "+").replace("_", "/")
    if as_json:
        screen.emit({"key": line, "fingerprint": f"SHA256:{printed}"})
    else:
        screen.say(f"Clients show it as SHA256:{printed}")
        click.echo(line)
