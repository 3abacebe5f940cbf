"""From the bytes of a certificate to a verified one, on every request.

A certificate arrives with the TLS connection, or from a proxy of ours in the `Client-Cert` header
(RFC 9440). `TrustStore.verify` builds the chain (RFC 5280 section 6, by the library), demands the
purpose of client authentication and looks it up in the revocation lists that are in force now; a
connection opened before a revocation is refused like any other.

If an attacker controls a configured proxy, they can be any participant whose certificate they
have seen; they cannot make up a certificate. From any other address the header is worth nothing.
"""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import ipaddress
import itertools
import re
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Protocol, Self

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from gateway.core.refusal import Reason, Refused
from gateway.edge.revocation import UNREADABLE, RevocationList

# A certificate with an RSA-4096 key, signed by RSA-4096, takes about 2 KiB.
CERTIFICATE_BYTES_MAX: Final = 16_384
# Leaf, issuing authority, root: policy.md allows one step between leaf and root.
INTERMEDIATES_MAX: Final = 1
CHAIN_CERTIFICATES_MAX: Final = 4
# Below, it can be broken; above, checking a signature becomes a way to keep us busy.
RSA_BITS: Final = range(2048, 8193)
# One entry for each certificate in use at a time; about 4 KiB each.
CACHE_ENTRIES_MAX: Final = 4096

_PARTY: Final = re.compile(r"urn:cms-gateway:((?:organisation|consumer):[a-z0-9][a-z0-9._-]{0,62})")
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class VerifiedCertificate:
    """A certificate that is valid, of the participant authority, for a client, and not revoked.

    `thumbprint` is x5t#S256 (RFC 8705 section 3.1); `serial` lowercase hexadecimal; `subject` in
    the form of RFC 4514; `sans` have their kind in front (`uri:`, `dns:`, `email:`, `ip:`);
    `party` is `organisation:<id>` or `consumer:<id>` where the certificate says so. Whether the
    certificate is registered, and for whom, is not decided here.

    Admit by thumbprint, bar by serial number: whoever has a certificate can spell its signature
    in another way, which changes the thumbprint and nothing else.
    """

    thumbprint: str
    serial: str
    subject: str
    not_after: dt.datetime
    sans: tuple[str, ...]
    party: str | None


def thumbprint(der: bytes) -> str:
    """Return the SHA-256 thumbprint of a certificate, base64url (RFC 8705 section 3.1)."""
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode("ascii")


def der_of(certificate: bytes) -> bytes:
    """Return a certificate in DER, from PEM (the first one in it) or DER; raises ValueError."""
    pem = certificate.lstrip().startswith(b"-----BEGIN")
    load = x509.load_pem_x509_certificate if pem else x509.load_der_x509_certificate
    return load(certificate).public_bytes(serialization.Encoding.DER)


class _Remembered(NamedTuple):
    verified: VerifiedCertificate
    generation: int
    not_before: dt.datetime
    not_after: dt.datetime


@dataclass(frozen=True, slots=True, eq=False)
class TrustStore:
    """The participant authority: its roots, its issuing certificates and its revocation lists.

    `verify` is for one event loop; the revocation lists may be refreshed from another thread.
    """

    anchors: tuple[x509.Certificate, ...]
    intermediates: tuple[x509.Certificate, ...]
    revocation: RevocationList
    _store: Store = field(init=False, repr=False)
    _cache: OrderedDict[tuple[bytes, tuple[bytes, ...]], _Remembered] = field(
        init=False, repr=False, default_factory=OrderedDict
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "_store", Store(list(self.anchors)))

    @classmethod
    def load(cls, bundle: Path, lists: Sequence[Path], now: dt.datetime) -> Self:
        """Read a PEM bundle, roots and intermediates in any order, and the revocation lists.

        Raises ValueError or OSError when something cannot be used: a gateway does not start on
        half of its trust.
        """
        certificates = x509.load_pem_x509_certificates(bundle.read_bytes())
        anchors = tuple(one for one in certificates if one.subject == one.issuer)
        intermediates = tuple(one for one in certificates if one.subject != one.issuer)
        if not anchors:
            raise ValueError(f"{bundle} holds no self-signed certificate to trust")
        revocation = RevocationList(lists, certificates)
        revocation.refresh(now)
        return cls(anchors, intermediates, revocation)

    def verify(
        self, der: bytes, now: dt.datetime, chain: tuple[bytes, ...] = ()
    ) -> VerifiedCertificate:
        """Verify a client's certificate at `now`; `chain` holds intermediates it came with.

        Raises Refused: CERTIFICATE_REVOKED, or CERTIFICATE_NOT_VALID for everything else.
        """
        generation = self.revocation.generation_in_force(now)
        known = self._cache.get((der, chain))
        if (
            known is not None
            and known.generation == generation
            and known.not_before <= now <= known.not_after
        ):
            self._cache.move_to_end((der, chain))
            return known.verified
        remembered = self._verify(der, now, chain, generation)
        self._cache[der, chain] = remembered
        self._cache.move_to_end((der, chain))
        if len(self._cache) > CACHE_ENTRIES_MAX:
            self._cache.popitem(last=False)
        return remembered.verified

    def _verify(
        self, der: bytes, now: dt.datetime, chain: tuple[bytes, ...], generation: int
    ) -> _Remembered:
        if len(chain) > CHAIN_CERTIFICATES_MAX:
            raise _not_valid("it came with more intermediates than are read")
        leaf = _load(der)
        offered = [*self.intermediates, *(_load(one) for one in chain)]
        verifier = (
            PolicyBuilder()
            .store(self._store)
            .time(now)
            .max_chain_depth(INTERMEDIATES_MAX)
            .build_client_verifier()
        )
        try:
            path = verifier.verify(leaf, offered).chain
            _check_purpose(leaf)
            _check_key(leaf)
            verified = _describe(leaf, der)
        except (VerificationError, x509.ExtensionNotFound, *UNREADABLE) as error:
            raise _explain(leaf, now) from error
        for number, (certificate, issuer) in enumerate(itertools.pairwise(path)):
            # The participant's own issuer must have a list; the root's list is the operator's choice.
            self.revocation.check(certificate, issuer, required=number == 0)
        return _Remembered(
            verified,
            generation,
            max(one.not_valid_before_utc for one in path),
            min(one.not_valid_after_utc for one in path),
        )


def _load(der: bytes) -> x509.Certificate:
    if len(der) > CERTIFICATE_BYTES_MAX:
        raise _not_valid("it is larger than a certificate may be")
    try:
        certificate = x509.load_der_x509_certificate(der)
        # The library reads these only when they are asked for; ask while a fault is expected.
        _ = certificate.extensions, certificate.public_key(), certificate.subject
    except UNREADABLE as error:
        raise _not_valid("it cannot be read") from error
    return certificate


def _check_purpose(leaf: x509.Certificate) -> None:
    """Demand an explicit purpose: the library lets a certificate without any purpose be anything."""
    purposes = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    if ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        raise _not_valid("it is not for client authentication")


def _check_key(leaf: x509.Certificate) -> None:
    """Demand a strong key: the library looks at the keys that sign certificates, not at this one."""
    match leaf.public_key():
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1() | ec.SECP384R1()):
            return
        case rsa.RSAPublicKey(key_size=bits) if bits in RSA_BITS:
            return
        case _:
            raise _not_valid("its key is not on P-256 or P-384, nor RSA of 2048 bits or more")


def _describe(leaf: x509.Certificate, der: bytes) -> VerifiedCertificate:
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris = names.get_values_for_type(x509.UniformResourceIdentifier)
    parties = [uri for uri in uris if uri.lower().startswith("urn:cms-gateway:")]
    match = _PARTY.fullmatch(parties[0]) if len(parties) == 1 else None
    if parties and match is None:
        raise _not_valid("it does not name exactly one organisation or consumer")
    sans = (
        *(f"uri:{uri}" for uri in uris),
        *(f"dns:{name}" for name in names.get_values_for_type(x509.DNSName)),
        *(f"email:{name}" for name in names.get_values_for_type(x509.RFC822Name)),
        *(f"ip:{name}" for name in names.get_values_for_type(x509.IPAddress)),
    )
    return VerifiedCertificate(
        thumbprint(der),
        f"{leaf.serial_number:x}",
        leaf.subject.rfc4514_string(),
        leaf.not_valid_after_utc,
        sans,
        match[1] if match else None,
    )


def _explain(leaf: x509.Certificate, now: dt.datetime) -> Refused:
    """Say which of the few causes it was that a participant can do something about."""
    if now > leaf.not_valid_after_utc:
        return _not_valid("it has expired")
    if now < leaf.not_valid_before_utc:
        return _not_valid("it is not valid yet")
    return _not_valid("it is not a client certificate of the participant authority")


def _not_valid(why: str) -> Refused:
    return Refused(Reason.CERTIFICATE_NOT_VALID, f"The certificate was refused: {why}.")


class Headers(Protocol):
    """The part of a request's headers that is needed here; names in any case."""

    def getall(self, key: str, default: list[str], /) -> list[str]:
        """Every value of a header, in order; `default` where there is none."""


class ForwardedCertificate(NamedTuple):
    """What the `Client-Cert` header says, in DER; `ignored` if a stranger sent it: then log it."""

    der: bytes | None
    chain: tuple[bytes, ...]
    ignored: bool


def client_cert_from_header(
    headers: Headers, remote: str | None, trusted_proxies: Sequence[Network]
) -> ForwardedCertificate:
    """Take the client's certificate from `Client-Cert` and `Client-Cert-Chain` (RFC 9440).

    Believed only if `remote`, the address of the connection, lies in `trusted_proxies`. The
    certificate of such a connection is the proxy's own, whether or not there is a header: it must
    never be taken for the client's. Raises Refused CERTIFICATE_NOT_VALID if a trusted proxy sends
    something else than RFC 9440 says. The certificates are not verified yet.
    """
    leaf = headers.getall("Client-Cert", [])
    chain = headers.getall("Client-Cert-Chain", [])
    if not is_within(remote, trusted_proxies):
        return ForwardedCertificate(None, (), ignored=bool(leaf or chain))
    if not leaf and not chain:
        return ForwardedCertificate(None, (), ignored=False)
    if len(leaf) != 1:
        # Two would let a client's own header, passed on by a careless proxy, stand beside the
        # proxy's; section 2.4 has the proxy remove it.
        raise _not_valid("there is not exactly one Client-Cert header")
    if len(chain) > CHAIN_CERTIFICATES_MAX or sum(map(len, chain)) > 4 * CERTIFICATE_BYTES_MAX:
        raise _not_valid("the Client-Cert-Chain header is too long")
    members = tuple(member for line in chain for member in line.split(","))
    if len(members) > CHAIN_CERTIFICATES_MAX:
        raise _not_valid("the Client-Cert-Chain header is too long")
    return ForwardedCertificate(
        _byte_sequence(leaf[0]), tuple(map(_byte_sequence, members)), ignored=False
    )


def is_within(remote: str | None, networks: Sequence[Network]) -> bool:
    """Tell whether an address lies in one of the networks; one that cannot be read lies in none."""
    address = _address(remote or "") if networks else None
    return address is not None and any(address in network for network in networks)


@lru_cache(4_096)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    # A socket that listens on :: shows IPv4 peers as ::ffff:192.0.2.1 (RFC 4291 section 2.5.5.2).
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _byte_sequence(text: str) -> bytes:
    """Decode a byte sequence of structured fields, `:<base64>:`, without parameters (RFC 9651)."""
    text = text.strip(" \t")
    if len(text) > 2 * CERTIFICATE_BYTES_MAX:
        raise _not_valid("the Client-Cert header is too long")
    if len(text) < 3 or not (text.startswith(":") and text.endswith(":")):
        raise _not_valid("the Client-Cert header is not ':<base64>:'")
    encoded = text[1:-1]
    try:
        decoded = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _not_valid("the Client-Cert header is not base64") from error
    # One certificate has one spelling, or what is logged and what is cached could differ.
    if base64.b64encode(decoded).decode("ascii") != encoded:
        raise _not_valid("the Client-Cert header is not canonical base64")
    return decoded
