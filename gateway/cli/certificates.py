"""`cert`: certificates of parties, in the registry and, for development, from a PKI of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from certs import development
from gateway import config as configuration
from gateway.administration.orders import AddCertificate, RevokeCertificate, ShowParty
from gateway.cli import house, screen
from gateway.cli.command import EXISTING, FOLDER, Command, Group, as_json, config_option
from gateway.cli.exits import Exit, Stop, told
from gateway.cli.office import give
from gateway.cli.parties import show_certificates
from gateway.wiring import clock

_EXITS = (Exit.REFUSED, Exit.UNAVAILABLE)
_pki_option = click.option(
    "--pki", type=FOLDER, help="The development PKI; otherwise the one of the settings."
)


@click.group(cls=Group, example="cms-gateway cert list example-bank")
def cert() -> None:
    """Certificates. Outside development they come from the participant authority: 'cert add'."""


@cert.command(
    cls=Command,
    example="cms-gateway cert issue example-bank --directory example-bank\n"
    "cms-gateway cert issue example-bank --directory example-bank --request bank.csr",
    exits=_EXITS,
)
@click.argument("party")
@click.option("--directory", type=FOLDER, required=True, help="Where to put what the party needs.")
@click.option("--request", type=EXISTING, help="A PKCS #10 request, so that the key stays theirs.")
@_pki_option
@config_option
@as_json
def issue(
    party: str,
    directory: Path,
    request: Path | None,
    pki: Path | None,
    config: Path,
    *,
    as_json: bool,
) -> None:
    """Issue a development certificate for PARTY, register it, and hand it over in a directory."""
    kind = give(config, ShowParty(id=party))["kind"]
    with told():
        settings = configuration.load(config)
        authority = house.pki_of(settings, pki)
        if (directory / "certificate.pem").exists():
            message = f"{directory} holds a certificate already. Name another --directory."
            raise Stop(message, Exit.USAGE)
        named = development.Party(kind, party)
        issued = (
            development.issue(authority, named, now=clock())
            if request is None
            else development.issue_from_request(authority, request.read_bytes(), named, now=clock())
        )
        der = house.der_of(issued.certificate.read_bytes())
    give(config, AddCertificate(party=party, certificate=der))
    with told():
        credentials = house.hand_over(authority, issued, directory)
    if as_json:
        screen.emit(
            {
                "party": party,
                "serial": issued.serial,
                "thumbprint": issued.thumbprint,
                "certificate": str(credentials.certificate),
            }
        )
        return
    screen.say(f"Issued certificate {issued.serial}, until {issued.validity.end:%Y-%m-%d}.")
    click.echo(credentials.certificate)


@cert.command(
    cls=Command, example="cms-gateway cert add example-bank certificate.pem", exits=_EXITS
)
@click.argument("party")
@click.argument("file", type=EXISTING)
@config_option
@as_json
def add(party: str, file: Path, config: Path, *, as_json: bool) -> None:
    """Register the certificate in FILE, which the participant authority issued to PARTY."""
    with told():
        der = house.der_of(file.read_bytes())
        house.check_issuer(der, configuration.load(config).tls.participants)
    found = give(config, AddCertificate(party=party, certificate=der))
    if as_json:
        screen.emit(found)
    else:
        screen.say(f"Registered for {party}, until {found['not_after']}.")
        click.echo(found["thumbprint"])


@cert.command("list", cls=Command, example="cms-gateway cert list example-bank", exits=_EXITS)
@click.argument("party")
@config_option
@as_json
def show_all(party: str, config: Path, *, as_json: bool) -> None:
    """List the certificates of PARTY."""
    found = give(config, ShowParty(id=party))["certificates"]
    if as_json:
        screen.emit({"certificates": found})
    else:
        show_certificates(found)


@cert.command(cls=Command, example="cms-gateway cert show example-bank 1f2e3d4c", exits=_EXITS)
@click.argument("party")
@click.argument("certificate")
@config_option
@as_json
def show(party: str, certificate: str, config: Path, *, as_json: bool) -> None:
    """Show one CERTIFICATE of PARTY, named by its serial number or thumbprint."""
    found = _find(party, certificate, config)
    if as_json:
        screen.emit(found)
    else:
        screen.facts((name, value or "") for name, value in found.items())


@cert.command(cls=Command, example="cms-gateway cert revoke example-bank 1f2e3d4c", exits=_EXITS)
@click.argument("party")
@click.argument("certificate")
@_pki_option
@config_option
@as_json
def revoke(party: str, certificate: str, pki: Path | None, config: Path, *, as_json: bool) -> None:
    """Stop accepting a CERTIFICATE of PARTY, now; also on the list of the development PKI."""
    found = _find(party, certificate, config)
    give(config, RevokeCertificate(party=party, thumbprint=found["thumbprint"]))
    listed = _put_on_list(config, pki, found["serial"])
    if as_json:
        screen.emit({"thumbprint": found["thumbprint"], "revocation_list": listed})
    else:
        also = " and put on the revocation list" if listed else ""
        screen.say(f"Revoked{also}: certificate {found['serial']} of {party}.")


def _put_on_list(config: Path, pki: Path | None, serial: str) -> bool:
    """Put a certificate on the development PKI's list, where there is such a PKI."""
    with told():
        settings = configuration.load(config)
        try:
            development.revoke(house.pki_of(settings, pki), serial, now=clock())
        except development.DevelopmentPkiError:
            return False
        return True


@cert.command(
    cls=Command, example="cms-gateway cert refresh --config gateway/config.toml", exits=_EXITS
)
@_pki_option
@config_option
@as_json
def refresh(pki: Path | None, config: Path, *, as_json: bool) -> None:
    """Renew the development PKI's revocation list, which lives a week; the gateway takes it up."""
    with told():
        settings = configuration.load(config)
        authority = house.pki_of(settings, pki)
        development.create(authority.directory, now=clock())
    if as_json:
        screen.emit({"revocation_list": str(authority.crl)})
    else:
        screen.say(f"{authority.crl} is good for some days more; refresh it twice a week.")


def _find(party: str, certificate: str, config: Path) -> dict[str, Any]:
    wanted = certificate.lower().replace(":", "").lstrip("0")
    found: list[dict[str, Any]] = give(config, ShowParty(id=party))["certificates"]
    for each in found:
        if each["serial"] == wanted or each["thumbprint"] == certificate:
            return each
    message = (
        f"{party} has no certificate {certificate}. 'cms-gateway cert list {party}' lists them."
    )
    raise Stop(message, Exit.REFUSED)
