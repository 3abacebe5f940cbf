"""Certificates and signatures as a bank, or somebody else, would make them."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, SignatureConstructionMethod
from signxml.signer import XMLSigner

from adapters.banks.message import HEAD, SOAP
from adapters.banks.signature import DS
from tests.adapters.bank_messages import NOW, SAMPLES

YEAR = dt.timedelta(days=365)

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class Identity:
    key: Key
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()


def certify(
    name: str,
    key: Key,
    issuer: Identity | None = None,
    *,
    ca: bool = False,
    start: dt.datetime = NOW - YEAR,
    signing: bool = True,
) -> Identity:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    by = issuer.certificate.subject if issuer else subject
    by_key = issuer.key if issuer else key
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + 2 * YEAR)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=signing and not ca, content_commitment=False,
                key_encipherment=not signing, data_encipherment=False, key_agreement=False,
                key_cert_sign=ca, crl_sign=ca, encipher_only=False, decipher_only=False,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by_key.public_key()), critical=False
        )
        .sign(by_key, hashes.SHA256())
    )  # fmt: skip
    return Identity(key, certificate)


def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


AUTHORITY = certify("Example Authority", ec.generate_private_key(ec.SECP256R1()), ca=True)
BANK = certify("Example Bank", rsa_key(), AUTHORITY)
EC_BANK = certify("Example Bank EC", ec.generate_private_key(ec.SECP256R1()), AUTHORITY)
STRANGER = certify("Stranger", ec.generate_private_key(ec.SECP256R1()))
FALSE_AUTHORITY = certify("Example Authority", ec.generate_private_key(ec.SECP256R1()), ca=True)
FALSE_BANK = certify("Example Bank", rsa_key(), FALSE_AUTHORITY)
NO_SIGNER = certify("Example Bank", rsa_key(), AUTHORITY, signing=False)
ISSUED_BY_BANK = certify("Example Bank", rsa_key(), BANK)


def answer(name: str = "bank-answer.xml") -> etree._Element:
    return etree.parse(SAMPLES / name).getroot()


def wrapper_of(root: etree._Element) -> etree._Element:
    return root.find(f"{SOAP}Body")[0] if root.tag == f"{SOAP}Envelope" else root


def signed(
    root: etree._Element,
    by: Identity,
    *,
    chain: tuple[Identity, ...] = (),
    target: str = "answer",
    hash_name: str = "sha256",
) -> etree._Element:
    """Sign the wrapper as a bank would: enveloped in its header, exclusive canonicalisation."""
    wrapper = wrapper_of(root)
    header = wrapper.find(f"{HEAD}AppHdr")
    envelope = etree.SubElement(header, f"{HEAD}Sgntr")
    etree.SubElement(envelope, f"{DS}Signature", Id="placeholder", nsmap={"ds": DS[1:-1]})
    family = "rsa" if isinstance(by.key, rsa.RSAPrivateKey) else "ecdsa"
    signer = XMLSigner(
        method=SignatureConstructionMethod.enveloped,
        signature_algorithm=f"{family}-{hash_name}",
        digest_algorithm=hash_name,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    pem = "".join(identity.pem for identity in (by, *chain))
    made = signer.sign(
        copy.deepcopy(wrapper), key=by.key, cert=pem, reference_uri=f"#{target}",
        id_attribute="id", always_add_key_value=False,
    )  # fmt: skip
    parent = wrapper.getparent()
    if parent is None:
        return made
    parent.replace(wrapper, made)
    return root
