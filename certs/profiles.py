"""What each kind of certificate and the revocation list look like (RFC 5280, `policy.md`).

Pure functions of keys, names and times; nothing here touches a file or a clock.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Sequence
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# Devices' clocks differ a little, and a new certificate is used at once.
BACKDATE: Final = dt.timedelta(minutes=5)

# id-kp-documentSigning (RFC 9336 section 3.1): a certificate for it is none for TLS.
DOCUMENT_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")

SubjectKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


class Validity(NamedTuple):
    """From when to when a certificate is valid, both ends included (RFC 5280 section 4.1.2.5)."""

    start: dt.datetime
    end: dt.datetime


class Authority(NamedTuple):
    """A certification authority that can sign."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey


def authority(
    name: str, key: ec.EllipticCurvePrivateKey, validity: Validity, issuer: Authority | None
) -> x509.Certificate:
    """Make a certification authority: self-signed, or under `issuer` and then for clients only."""
    subject = _subject(f"Development {name}", "authority")
    signer = issuer.key if issuer else key
    path_length = 0 if issuer else None
    builder = (
        _builder(subject, key.public_key(), validity, signer)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=path_length), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
    )
    if issuer:
        # Good for client authentication and nothing else, even if someone got it to sign a
        # server certificate.
        purpose = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(purpose, critical=False)
    return builder.sign(signer, hashes.SHA256())


def server(
    key: SubjectKey, hosts: Sequence[str], validity: Validity, issuer: Authority
) -> x509.Certificate:
    """Make the gateway's own certificate, for the names or addresses in `hosts`."""
    names = x509.SubjectAlternativeName([_host(host) for host in hosts])
    subject = _subject(hosts[0], "server")
    return _end_entity(key, subject, names, ExtendedKeyUsageOID.SERVER_AUTH, validity, issuer)


def client(
    key: SubjectKey, common_name: str, kind: str, urn: str, validity: Validity, issuer: Authority
) -> x509.Certificate:
    """Make a participant's certificate; who it is stands in the alternative name, as a URN."""
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(urn)])
    subject = _subject(common_name, kind)
    return _end_entity(key, subject, names, ExtendedKeyUsageOID.CLIENT_AUTH, validity, issuer)


def signer(
    key: SubjectKey, common_name: str, urn: str, validity: Validity, issuer: Authority
) -> x509.Certificate:
    """Make the certificate of a key that signs messages (RFC 9336), and of no connection."""
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(urn)])
    subject = _subject(common_name, "message signing")
    return _end_entity(key, subject, names, DOCUMENT_SIGNING, validity, issuer)


def revocation_list(
    previous: x509.CertificateRevocationList | None,
    revoked: int | None,
    validity: Validity,
    issuer: Authority,
) -> x509.CertificateRevocationList:
    """Make the list after `previous`, one number higher (RFC 5280 section 5.2.3), with `revoked`.

    A serial number that is on the list already keeps the date it has.
    """
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(validity.start)
        .next_update(validity.end)
    )
    number, known = 1, False
    if previous is not None:
        number += previous.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        for entry in previous:
            known = known or entry.serial_number == revoked
            builder = builder.add_revoked_certificate(entry)
    if revoked is not None and not known:
        entry = x509.RevokedCertificateBuilder(revoked, validity.start).build()
        builder = builder.add_revoked_certificate(entry)
    return (
        builder.add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(_authority_key(issuer.key), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def _end_entity(
    key: SubjectKey,
    subject: x509.Name,
    names: x509.SubjectAlternativeName,
    purpose: x509.ObjectIdentifier,
    validity: Validity,
    issuer: Authority,
) -> x509.Certificate:
    return (
        _builder(subject, key, validity, issuer.key)
        .issuer_name(issuer.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(names, critical=False)
        .sign(issuer.key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, key: SubjectKey, validity: Validity, signer: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.start)
        .not_valid_after(validity.end)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(_authority_key(signer), critical=False)
    )


def _authority_key(signer: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())


def _subject(common_name: str, unit: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "CMS information gateway (development)"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
