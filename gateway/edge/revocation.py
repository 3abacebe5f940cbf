"""Which certificates have been revoked: the lists of the participant authority (RFC 5280 section 5).

A list is taken only if a known authority signed it and it is complete and not older than the one
in force. Past its `nextUpdate` a list is used for a grace, because an authority that is late must
not stop a statutory duty; after that nothing is accepted until there is a new one. A gateway that
cannot know who is revoked does not guess.

If an attacker controls the files, they can bring the gateway to refuse everybody once the grace is
over; they cannot bring back a revoked certificate while the gateway runs.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.utils import CryptographyDeprecationWarning

from gateway.core.refusal import Reason, Refused

# certs/policy.md, Revocation 4: a working day in which the authority can be reached and mend it.
GRACE: Final = dt.timedelta(hours=24)
# The authority's clock may be a little ahead of ours.
CLOCK_SKEW: Final = dt.timedelta(minutes=5)
# About 40 bytes for an entry: four hundred thousand revoked certificates.
LIST_BYTES_MAX: Final = 16 * 1024 * 1024

_UNDERSTOOD: Final = (x509.CRLNumber, x509.AuthorityKeyIdentifier, x509.IssuerAlternativeName)
# What the library raises for bytes that are not a certificate or a list it can read. It only warns
# of some; where warnings are errors, as in our tests, those are this kind of fault too.
UNREADABLE: Final = (
    ValueError,
    TypeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
    CryptographyDeprecationWarning,
)


class RevocationListError(ValueError):
    """A revocation list cannot be used; the message says which file and why."""


class _Authority(NamedTuple):
    """An authority as lists know it: its name and its key, whichever certificate it has now."""

    name: bytes
    key: bytes


class _List(NamedTuple):
    number: int
    next_update: dt.datetime
    serials: frozenset[int]


class _InForce(NamedTuple):
    """What is in force at one time; replaced as a whole, so any thread sees all of it or none."""

    generation: int
    digests: tuple[bytes, ...]
    lists: dict[_Authority, _List]
    usable_until: dt.datetime


_NOTHING: Final = _InForce(0, (), {}, dt.datetime.min.replace(tzinfo=dt.UTC))


class RevocationList:
    """The lists of all authorities, read from files (PEM or DER) and read again by `refresh`.

    Until the first `refresh` nothing is known and so nothing is accepted.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        authorities: Iterable[x509.Certificate],
        *,
        grace: dt.timedelta = GRACE,
    ) -> None:
        self._paths = tuple(paths)
        self._authorities = tuple(authorities)
        self._grace = grace
        self._in_force = _NOTHING

    @property
    def next_update(self) -> dt.datetime | None:
        """When the first of the lists in force should be replaced; None before the first refresh."""
        return min((one.next_update for one in self._in_force.lists.values()), default=None)

    def refresh(self, now: dt.datetime) -> int:
        """Read the files; what they say is in force when this returns. Returns the generation.

        Raises `RevocationListError` or OSError if a file cannot be used; then what was in force
        stays in force. Meant for a job every 30 seconds: unchanged files cost only the reading.
        """
        before = self._in_force
        contents = tuple(_read(path) for path in self._paths)
        digests = tuple(hashlib.sha256(content).digest() for content in contents)
        if digests == before.digests and before is not _NOTHING:
            return before.generation
        lists: dict[_Authority, _List] = {}
        for path, content in zip(self._paths, contents, strict=True):
            authority, found = self._parse(path, content, now)
            if authority in lists:
                raise RevocationListError(f"{path}: there are two lists of one authority")
            if (old := before.lists.get(authority)) and old.number > found.number:
                raise RevocationListError(f"{path}: the list is older than the one in force")
            lists[authority] = found
        if missing := before.lists.keys() - lists.keys():
            raise RevocationListError(f"{len(missing)} of the lists in force have disappeared")
        until = min((one.next_update for one in lists.values()), default=None)
        usable = until + self._grace if until else _NOTHING.usable_until
        self._in_force = _InForce(before.generation + 1, digests, lists, usable)
        return self._in_force.generation

    def generation_in_force(self, now: dt.datetime) -> int:
        """Return the number of the present state, which grows with every change.

        Raises Refused CERTIFICATE_NOT_VALID when a list is past its `nextUpdate` and the grace.
        """
        in_force = self._in_force
        if now > in_force.usable_until:
            raise Refused(
                Reason.CERTIFICATE_NOT_VALID,
                "No certificate can be accepted: the authority's revocation list is out of date.",
            )
        return in_force.generation

    def check(
        self, certificate: x509.Certificate, issuer: x509.Certificate, *, required: bool
    ) -> None:
        """Refuse a certificate that is on its issuer's list, or whose issuer has none.

        Where not `required`, an issuer without a list revokes nothing. An entry counts whatever
        its date: a revocation announced for tomorrow is no reason to trust today.
        """
        found = self._in_force.lists.get(_authority(issuer))
        if found is None and required:
            raise Refused(
                Reason.CERTIFICATE_NOT_VALID,
                "The certificate was refused: there is no revocation list of its issuer.",
            )
        if found is not None and certificate.serial_number in found.serials:
            raise Refused(Reason.CERTIFICATE_REVOKED)

    def _parse(self, path: Path, content: bytes, now: dt.datetime) -> tuple[_Authority, _List]:
        try:
            crl = _load(content)
            issuer = self._issuer(crl)
            number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
            _check_complete(crl)
            serials = frozenset(entry.serial_number for entry in crl)
        except (x509.ExtensionNotFound, *UNREADABLE) as error:
            raise RevocationListError(f"{path}: {error}") from error
        if crl.last_update_utc > now + CLOCK_SKEW:
            raise RevocationListError(f"{path}: the list is from the future")
        if crl.next_update_utc is None:
            raise RevocationListError(f"{path}: the list does not say when the next one comes")
        return _authority(issuer), _List(number, crl.next_update_utc, serials)

    def _issuer(self, crl: x509.CertificateRevocationList) -> x509.Certificate:
        for authority in self._authorities:
            if authority.subject != crl.issuer:
                continue
            usage = authority.extensions.get_extension_for_class(x509.KeyUsage).value
            # The library knows which keys can sign; a certificate with another kind raises.
            if usage.crl_sign and crl.is_signature_valid(authority.public_key()):  # type: ignore[arg-type]
                return authority
        raise ValueError("the list is not signed by an authority that is trusted")


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(LIST_BYTES_MAX + 1)
    if len(content) > LIST_BYTES_MAX:
        raise RevocationListError(f"{path}: the list is too large")
    return content


def _load(content: bytes) -> x509.CertificateRevocationList:
    if content.lstrip().startswith(b"-----BEGIN"):
        return x509.load_pem_x509_crl(content)
    return x509.load_der_x509_crl(content)


def _check_complete(crl: x509.CertificateRevocationList) -> None:
    """Refuse a list that is only part of the truth: delta, indirect or partitioned.

    They are told by a critical extension of the list or of an entry (RFC 5280 section 5.2.4,
    5.2.5, 5.3.3), and whoever does not understand one must not use the list (section 5.2).
    """
    for extension in crl.extensions:
        if extension.critical and not isinstance(extension.value, _UNDERSTOOD):
            raise ValueError("the list is not a complete one, or has an unknown extension")
    for entry in crl:
        if any(extension.critical for extension in entry.extensions):
            raise ValueError("an entry of the list has an extension that is not understood")


def _authority(certificate: x509.Certificate) -> _Authority:
    return _Authority(
        certificate.subject.public_bytes(),
        certificate.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
    )
