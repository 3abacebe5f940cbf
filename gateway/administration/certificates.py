"""Letting a certificate in, and letting it in no more."""

from __future__ import annotations

import hashlib
from typing import Any, Final, TypeVar

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from gateway.administration.office import Office, party_of, refused
from gateway.administration.orders import SCOPES, AddCertificate, RevokeCertificate
from gateway.core.canonical import b64u

_URN: Final = "urn:cms-gateway:"
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


async def add_certificate(order: AddCertificate, office: Office) -> dict[str, Any]:
    """Let a party in with a certificate; raises Refused for one that is no client's, or another's."""
    party = party_of(order.party, office)
    try:
        certificate = x509.load_der_x509_certificate(order.certificate)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    except x509.ExtensionNotFound:
        uris = []
    except ValueError as error:
        raise refused("The certificate cannot be read; give it in PEM or DER.") from error
    _check_purpose(certificate)
    mine = f"{_URN}{party.kind}:{order.party}"
    if any(uri.startswith(_URN) and uri != mine for uri in uris):
        raise refused(f"The certificate names another party than {mine}.")
    thumbprint = b64u(hashlib.sha256(order.certificate).digest())
    holders = (p["id"] for kind in SCOPES for p in office.registry.parties(kind))
    for holder in holders:
        if any(c["thumbprint"] == thumbprint for c in office.registry.certificates(holder)):
            raise refused(f"This certificate is, or was, registered for {holder} already.")
    await office.registry.add_certificate(order.party, thumbprint, order.certificate)
    return {
        "party": order.party,
        "thumbprint": thumbprint,
        "not_after": certificate.not_valid_after_utc.isoformat(),
    }


def _check_purpose(certificate: x509.Certificate) -> None:
    """Refuse what the door would not take: an authority, or a certificate that is no client's."""
    basic = _extension(certificate, x509.BasicConstraints)
    if basic is not None and basic.ca:
        raise refused("This is the certificate of an authority, not of a party.")
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    if purposes is None or ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise refused(
            "The certificate is not for client authentication; a server's cannot be a party's."
        )


def _extension(certificate: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


async def revoke_certificate(order: RevokeCertificate, office: Office) -> dict[str, Any]:
    """Let nobody in with a certificate any more; doing it twice changes nothing."""
    party_of(order.party, office)
    found = [
        c for c in office.registry.certificates(order.party) if c["thumbprint"] == order.thumbprint
    ]
    if not found:
        raise refused(f"{order.party} has no certificate with this thumbprint.")
    if found[0]["revoked"] is None:
        await office.registry.revoke_certificate(order.thumbprint)
    return {"party": order.party, "thumbprint": order.thumbprint, "revoked": True}


def described(certificate: dict[str, Any]) -> dict[str, Any]:
    """A certificate as it is shown: serial, subject, and until when."""
    read = x509.load_der_x509_certificate(certificate["der"])
    return {
        "thumbprint": certificate["thumbprint"],
        "serial": f"{read.serial_number:x}",
        "subject": read.subject.rfc4514_string(),
        "not_after": read.not_valid_after_utc.isoformat(),
        "added": certificate["added"],
        "revoked": certificate["revoked"],
    }
