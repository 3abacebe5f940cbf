"""Our signature on a business message, in the one form that `adapters.banks.signature` verifies.

It stands in AppHdr/Sgntr and encloses the wrapper that holds the message, by its `id`: one
reference, enveloped-signature and exclusive canonicalisation, SHA-256, with our certificate.
The SOAP envelope around the wrapper is transport, and is not signed.

Sources: XML Signature 1.1, RFC 9231; ISO 20022 head.001.001.01, Sgntr.
"""

from __future__ import annotations

import copy
import datetime as dt
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod
from signxml.signer import XMLSigner

from adapters.banks.message import LIMIT_BYTES, SOAP
from adapters.banks.signature import DS, HEAD
from gateway.core.hardened_xml import parse

SigningKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey

_HASH: Final = "sha256"


class CannotSign(ValueError):  # noqa: N818 - says what was attempted
    """A message that cannot be signed with this key and certificate; the text says why."""


def sign(message: bytes, key: SigningKey, certificate: bytes, now: dt.datetime) -> bytes:
    """Return the message with our signature; `certificate` is DER, `now` aware and in UTC.

    Raises CannotSign where the certificate is not the key's or not in force at `now`, or where the
    message is signed already or is not as `adapters.banks.write_auth001` writes it.
    """
    ours = x509.load_der_x509_certificate(certificate)
    _check(key, ours, now)
    root = parse(message, LIMIT_BYTES)
    place = root.find(f"{SOAP}Body/*") if root.tag == f"{SOAP}Envelope" else root
    header = None if place is None else place.find(f"{HEAD}AppHdr")
    if place is None or header is None or not place.get("id"):
        raise CannotSign("The message has no AppHdr in a wrapper with an id.")
    if root.find(f".//{DS}Signature") is not None:
        raise CannotSign("The message is signed already.")
    seal = etree.SubElement(header, f"{HEAD}Sgntr")
    # The signer puts the signature where this stands.
    etree.SubElement(seal, f"{DS}Signature", {"Id": "placeholder"}, nsmap={"ds": DS[1:-1]})
    family = "rsa" if isinstance(key, rsa.RSAPrivateKey) else "ecdsa"
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=f"{family}-{_HASH}",
        digest_algorithm=_HASH,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    signed = signer.sign(
        copy.deepcopy(place),
        key=key,
        cert=ours.public_bytes(serialization.Encoding.PEM).decode(),
        reference_uri=f"#{place.get('id')}",
        id_attribute="id",
        always_add_key_value=False,
    )
    parent = place.getparent()
    if parent is None:
        root = signed
    else:
        parent.replace(place, signed)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _check(key: SigningKey, certificate: x509.Certificate, now: dt.datetime) -> None:
    if certificate.public_key() != key.public_key():
        raise CannotSign("The certificate is not that of the key.")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise CannotSign("The certificate is not in force now. Renew it.")
