"""The XML signature of a business message: its shape, who made it, and whether it holds.

A signature stands in AppHdr/Sgntr, encloses the wrapper that holds it (`URI="#..."` of the
wrapper's attribute `id`), and has one form only: one reference, the enveloped-signature transform
and exclusive canonicalisation, SHA-2. The signature in Rltd belongs to the question that the
answer quotes; it encloses what is not here, and is not judged.

| Outcome | When |
|---|---|
| SIGNATURE_ABSENT | there is none |
| SIGNATURE_UNTRUSTED | its signer is nobody whom the operator trusts, or not at this time |
| SIGNATURE_VALID | a trusted signer's, and it holds |
| refused with SIGNATURE_NOT_VALID | any other form or place, or a trusted signer's that fails |

If an attacker controls the message, they can strip the signature or put their own; they cannot
make anything pass for signed by a signer they are not.

Sources: XML Signature 1.1 with its best practices (2013), RFC 9231, RFC 5280.
"""

from __future__ import annotations

import base64
import datetime as dt
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

from cryptography import x509
from cryptography.x509 import verification
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from gateway.core.adapter import ReadContext
from gateway.core.hardened_xml import new_parser, text_of
from gateway.core.record import Note
from gateway.core.refusal import Reason, Refused

DS: Final = "{http://www.w3.org/2000/09/xmldsig#}"
HEAD: Final = "{urn:iso:std:iso:20022:tech:xsd:head.001.001.01}"

ENVELOPED: Final = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
EXCLUSIVE: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"

# Chains in real messages have one to three certificates.
CERTIFICATES_LIMIT: Final = 8

_SIGNATURE_METHODS: Final = frozenset(
    {
        SignatureMethod.RSA_SHA256,
        SignatureMethod.RSA_SHA384,
        SignatureMethod.RSA_SHA512,
        SignatureMethod.ECDSA_SHA256,
        SignatureMethod.ECDSA_SHA384,
        SignatureMethod.ECDSA_SHA512,
    },
)
_DIGESTS: Final = frozenset(
    {DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512},
)

ABSENT: Final = Note(code="SIGNATURE_ABSENT", message="The message is not signed.")
_VALID: Final = Note(
    code="SIGNATURE_VALID",
    message="The message is signed by a trusted signer, and it holds.",
)
_UNTRUSTED: Final = Note(
    code="SIGNATURE_UNTRUSTED",
    message="The message is signed, but not by a signer who is trusted now; it was not verified.",
)

_IDS: Final = etree.XPath(
    "//@*[local-name()='id' or local-name()='Id' or local-name()='ID']",
    smart_strings=False,
)


class Sealed(NamedTuple):
    """A wrapper whose signature has the one form that is allowed; nothing of it is verified."""

    wrapper: etree._Element
    signature: etree._Element


class Outcome(NamedTuple):
    """What to say about a signature; `signed` is what was signed, if a trusted signer did."""

    note: Note
    signed: etree._Element | None


def inspect(
    root: etree._Element,
    wrapper: etree._Element,
    header: etree._Element,
) -> Sealed | None:
    """Return the wrapper with its signature, or nothing where the message is not signed.

    Refuses every other form with SIGNATURE_NOT_VALID: whoever signed, a message that could be
    read in two ways is not read at all.
    """
    own = header.find(f"{HEAD}Sgntr")
    quoted = header.find(f"{HEAD}Rltd/{HEAD}Sgntr")
    for signature in root.iter(f"{DS}Signature"):
        parent = signature.getparent()
        if parent is None or (parent is not own and parent is not quoted):
            _refuse("A signature stands elsewhere than in the Sgntr of the AppHdr.")
    if own is None:
        return None
    if [child.tag for child in own] != [f"{DS}Signature"]:
        _refuse("Sgntr does not hold exactly one signature.")
    ids: Any = _IDS(root)
    if len(ids) != len(set(ids)):
        _refuse("Two elements have the same id.")
    _check_form(own[0], wrapper)
    return Sealed(wrapper, own[0])


def verify(sealed: Sealed, context: ReadContext) -> Outcome:
    """Verify a signature if its signer is trusted; return what was signed, to read on from.

    Refuses with SIGNATURE_NOT_VALID where a trusted signer's signature does not hold.
    """
    certificates = _certificates(sealed.signature)
    signer = _end_entity(certificates)
    if signer is None or not _trusted(signer, certificates, context):
        return Outcome(_UNTRUSTED, None)
    signed = _signed_element(sealed.wrapper, signer, context.now)
    same = signed.tag == sealed.wrapper.tag and signed.get("id") == sealed.wrapper.get("id")
    if not same:
        _refuse("What is signed is not the element that holds the message.")
    return Outcome(_VALID, signed)


def _check_form(signature: etree._Element, wrapper: etree._Element) -> None:
    """Refuse any signature but one enveloped reference to the wrapper by its id."""
    parts = [child.tag for child in signature]
    if parts not in (
        [f"{DS}SignedInfo", f"{DS}SignatureValue"],
        [f"{DS}SignedInfo", f"{DS}SignatureValue", f"{DS}KeyInfo"],
    ):
        _refuse("The signature holds more than SignedInfo, SignatureValue and KeyInfo.")
    info = signature[0]
    if [child.tag for child in info] != [
        f"{DS}CanonicalizationMethod",
        f"{DS}SignatureMethod",
        f"{DS}Reference",
    ]:
        _refuse("The signature does not have exactly one reference.")
    canonicalisation, method, reference = info
    if canonicalisation.get("Algorithm") != EXCLUSIVE:
        _refuse("The canonicalisation is not exclusive XML canonicalisation.")
    if method.get("Algorithm") not in {known.value for known in _SIGNATURE_METHODS}:
        _refuse("The signature algorithm is not RSA or ECDSA with SHA-256, SHA-384 or SHA-512.")
    identity = wrapper.get("id")
    if not identity or reference.get("URI") != f"#{identity}":
        _refuse("The reference is not to the element that holds the message, by its id.")
    if [child.tag for child in reference] != [
        f"{DS}Transforms",
        f"{DS}DigestMethod",
        f"{DS}DigestValue",
    ]:
        _refuse("The reference does not have transforms, a digest method and a digest.")
    if [child.get("Algorithm") for child in reference[0]] != [ENVELOPED, EXCLUSIVE]:
        _refuse("The transforms are not enveloped-signature and exclusive canonicalisation.")
    if reference[1].get("Algorithm") not in {known.value for known in _DIGESTS}:
        _refuse("The digest algorithm is not SHA-256, SHA-384 or SHA-512.")


def _certificates(signature: etree._Element) -> list[x509.Certificate]:
    """Return the certificates that the signature carries."""
    found = signature.findall(f"{DS}KeyInfo/{DS}X509Data/{DS}X509Certificate")
    if len(found) > CERTIFICATES_LIMIT:
        _refuse(f"The signature carries more than {CERTIFICATES_LIMIT} certificates.")
    certificates: list[x509.Certificate] = []
    for element in found:
        try:
            der = base64.b64decode("".join(text_of(element).split()), validate=True)
            certificates.append(x509.load_der_x509_certificate(der))
        except ValueError:
            _refuse("A certificate in the signature cannot be read.")
    return certificates


def _end_entity(certificates: Sequence[x509.Certificate]) -> x509.Certificate | None:
    """Return the one certificate that can be the signer's: no authority's, or the only one.

    XML Signature gives X509Data no order, so the first need not be it.
    """
    if len(certificates) == 1:
        return certificates[0]
    signers = [certificate for certificate in certificates if not _is_authority(certificate)]
    if len(signers) > 1:
        _refuse("The signature carries the certificates of more than one signer.")
    return signers[0] if signers else None


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
    return constraints.value.ca


def _trusted(
    signer: x509.Certificate,
    certificates: Sequence[x509.Certificate],
    context: ReadContext,
) -> bool:
    """Tell whether the operator trusts the signer, or its authority, at this time."""
    trusted = [x509.load_der_x509_certificate(der) for der in context.signers]
    if signer in trusted:
        return signer.not_valid_before_utc <= context.now <= signer.not_valid_after_utc
    if not trusted:
        return False
    verifier = (
        verification.PolicyBuilder()
        .store(verification.Store(trusted))
        .time(context.now)
        .extension_policies(
            ca_policy=verification.ExtensionPolicy.webpki_defaults_ca(),
            ee_policy=verification.ExtensionPolicy.permit_all().may_be_present(
                x509.KeyUsage,
                verification.Criticality.AGNOSTIC,
                _may_sign,
            ),
        )
        .build_client_verifier()
    )
    intermediates = [certificate for certificate in certificates if certificate != signer]
    try:
        verifier.verify(signer, intermediates)
    except verification.VerificationError:
        return False
    return True


def _may_sign(
    policy: verification.Policy,
    certificate: x509.Certificate,
    usage: x509.KeyUsage | None,
) -> None:
    """Demand a key for signatures; a seal's certificate may say content commitment only."""
    del policy, certificate
    if usage is not None and not (usage.digital_signature or usage.content_commitment):
        raise ValueError("The key is not for signatures.")


def _signed_element(
    wrapper: etree._Element,
    signer: x509.Certificate,
    now: dt.datetime,
) -> etree._Element:
    """Return the element that was signed, out of the very bytes whose digest was compared."""
    expected = SignatureConfiguration(
        location=f"./{HEAD}AppHdr/{HEAD}Sgntr/",
        expect_references=1,
        signature_methods=_SIGNATURE_METHODS,
        digest_algorithms=_DIGESTS,
        verification_time=now,
    )
    try:
        result: Any = XMLVerifier().verify(
            etree.tostring(wrapper, with_tail=False),
            x509_cert=signer,
            parser=new_parser(),
            id_attribute="id",
            expect_config=expected,
        )
    # Whatever the library raises on a hostile signature, it does not hold.
    except Exception:  # noqa: BLE001
        _refuse("The signature of a trusted signer does not match the message.")
    signed: etree._Element | None = result.signed_xml
    if signed is None:
        _refuse("What is signed is not XML.")
    return signed


def _refuse(detail: str) -> NoReturn:
    raise Refused(Reason.SIGNATURE_NOT_VALID, detail) from None
