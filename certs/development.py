"""A public key infrastructure for development and tests, made of files in one directory.

    participant-root ── participant-issuing ── issued/<serial>.pem and .key
                                            └─ participants.crl
    server-ca ── server
    signing-ca ── message-signing      made when first asked for

Everything is ECDSA on P-256. Every file is 0600 and appears whole or not at all; nothing is ever
overwritten but the revocation list. Times are arguments, aware and in UTC. What cannot be done
raises `DevelopmentPkiError`.

If an attacker controls the directory, they can make themselves any participant of a gateway that
trusts it; so none but a development gateway ever does.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from certs import private_files, profiles
from certs.profiles import Authority, Validity

SERVER_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
ROOT_DAYS: Final = 3650
ISSUING_DAYS: Final = 1825
SERVER_DAYS: Final = 730
CLIENT_DAYS: Final = 365
SIGNER_DAYS: Final = 730
# A revocation list lives a week; `create` renews it once half of that has gone.
CRL_DAYS: Final = 7

_IDENTIFIER: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_SERIAL: Final = re.compile(r"[0-9a-f]{1,40}")
_SMALLEST_RSA_BITS: Final = 2048
_REQUEST_BYTES_MAX: Final = 16_384
_ISSUER: Final = "participant-issuing"
_SIGNER: Final = "message-signing"
_SIGNER_URN: Final = "urn:cms-gateway:gateway:messages"


class DevelopmentPkiError(ValueError):
    """What was asked of the development PKI cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class Party:
    """Whom a client certificate names: an organisation that answers, or a consumer that receives."""

    kind: Literal["organisation", "consumer"]
    id: str

    def __post_init__(self) -> None:
        if not _IDENTIFIER.fullmatch(self.id):
            raise DevelopmentPkiError(
                "an id is 1 to 63 of a-z, 0-9, '.', '_' and '-', and starts with a letter or digit"
            )

    @property
    def urn(self) -> str:
        """The name as it stands in the certificate's subject alternative name."""
        return f"urn:cms-gateway:{self.kind}:{self.id}"


@dataclass(frozen=True, slots=True)
class DevelopmentPki:
    """Where the files of one development PKI are; all are PEM."""

    directory: Path

    @property
    def client_ca(self) -> Path:
        """What a gateway verifies client certificates with: the issuing CA and the root."""
        return self.directory / "participants.pem"

    @property
    def crl(self) -> Path:
        """The revocation list of the issuing CA."""
        return self.directory / "participants.crl"

    @property
    def server_ca(self) -> Path:
        """What clients verify the gateway with."""
        return self.directory / "server-ca.pem"

    @property
    def server_certificate(self) -> Path:
        """The gateway's own certificate."""
        return self.directory / "server.pem"

    @property
    def server_key(self) -> Path:
        """The gateway's own private key."""
        return self.directory / "server.key"


@dataclass(frozen=True, slots=True)
class Issued:
    """A client certificate that this PKI has issued.

    `serial` is lowercase hexadecimal; `thumbprint` is x5t#S256 (RFC 8705 section 3.1);
    `certificate` is a file with the certificate and its issuer, as TLS sends them; `key` is the
    private key's, or None where the certificate was made from a signing request.
    """

    serial: str
    party: str
    subject: str
    validity: Validity
    thumbprint: str
    certificate: Path
    key: Path | None
    revoked_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageSigner:
    """With what the gateway signs its messages: `authority` is what their readers trust; PEM."""

    authority: Path
    certificate: Path
    key: Path


def create(
    directory: Path, *, now: dt.datetime, hosts: Sequence[str] = SERVER_HOSTS
) -> DevelopmentPki:
    """Make the PKI in `directory`, or take up the one that is there; renew a half-spent CRL.

    Safe to repeat after an interruption: every file that is already there is kept.
    """
    (directory / "issued").mkdir(mode=0o700, parents=True, exist_ok=True)
    directory.chmod(0o700)
    pki = DevelopmentPki(directory)
    with private_files.locked(directory / ".lock"):
        root = _authority(pki, "participant-root", _validity(now, ROOT_DAYS), None)
        issuing = _authority(pki, _ISSUER, _validity(now, ISSUING_DAYS), root)
        private_files.write_new(pki.client_ca, _pem(issuing.certificate) + _pem(root.certificate))
        server_ca = _authority(pki, "server-ca", _validity(now, ROOT_DAYS), None)
        if not pki.server_certificate.exists():
            public = _key(pki.server_key).public_key()
            server = profiles.server(public, hosts, _validity(now, SERVER_DAYS), server_ca)
            private_files.write_new(pki.server_certificate, _pem(server))
        spent = dt.timedelta(days=CRL_DAYS / 2)
        if not pki.crl.exists() or now >= _crl(pki).last_update_utc + spent:
            _write_crl(pki, now)
    return pki


def open_existing(directory: Path) -> DevelopmentPki:
    """Take up a PKI that must be there already."""
    pki = DevelopmentPki(directory)
    # The list is written last, so where it is everything is.
    if not pki.crl.exists():
        raise DevelopmentPkiError(f"there is no development PKI in {directory}")
    return pki


def issue(
    pki: DevelopmentPki, party: Party, *, now: dt.datetime, validity: Validity | None = None
) -> Issued:
    """Issue a client certificate with a new key; `validity` may lie in the past, for tests."""
    key = ec.generate_private_key(ec.SECP256R1())
    return _issue(pki, party, key.public_key(), key, validity or _validity(now, CLIENT_DAYS))


def issue_from_request(
    pki: DevelopmentPki,
    request: bytes,
    party: Party,
    *,
    now: dt.datetime,
    validity: Validity | None = None,
) -> Issued:
    """Issue a client certificate for the key of a PKCS #10 request (RFC 2986), PEM or DER.

    Only the key is taken from the request, and only if the request proves possession of it: names
    and extensions are what the operator says, never what the requester would like.
    """
    if len(request) > _REQUEST_BYTES_MAX:
        raise DevelopmentPkiError("the signing request is too large")
    pem = request.lstrip().startswith(b"-----BEGIN")
    load = x509.load_pem_x509_csr if pem else x509.load_der_x509_csr
    try:
        parsed = load(request)
        proven = parsed.is_signature_valid
        key = parsed.public_key()
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise DevelopmentPkiError("the signing request cannot be read") from error
    if not proven:
        raise DevelopmentPkiError("the signing request is not signed with its own key")
    match key:
        case ec.EllipticCurvePublicKey(curve=ec.SECP256R1() | ec.SECP384R1()):
            pass
        case rsa.RSAPublicKey(key_size=bits) if bits >= _SMALLEST_RSA_BITS:
            pass
        case _:
            raise DevelopmentPkiError("the key must be on P-256 or P-384, or RSA of 2048 bits")
    return _issue(pki, party, key, None, validity or _validity(now, CLIENT_DAYS))


def message_signer(pki: DevelopmentPki, *, now: dt.datetime) -> MessageSigner:
    """The gateway's own key for signing messages, its certificate and authority; made at first."""
    certificate = pki.directory / f"{_SIGNER}.pem"
    key = certificate.with_suffix(".key")
    with private_files.locked(pki.directory / ".lock"):
        authority = _authority(pki, "signing-ca", _validity(now, ROOT_DAYS), None)
        if not certificate.exists():
            public = _key(key).public_key()
            validity = _validity(now, SIGNER_DAYS)
            made = profiles.signer(public, _SIGNER, _SIGNER_URN, validity, authority)
            private_files.write_new(certificate, _pem(made))
    return MessageSigner(pki.directory / "signing-ca.pem", certificate, key)


def revoke(pki: DevelopmentPki, serial: str, *, now: dt.datetime) -> Issued:
    """Put a certificate on a new revocation list; one that is on it keeps its first date."""
    found = show(pki, serial)
    with private_files.locked(pki.directory / ".lock"):
        _write_crl(pki, now, revoked=int(found.serial, 16))
    return show(pki, serial)


def renew_list(pki: DevelopmentPki, *, now: dt.datetime) -> None:
    """Write the revocation list anew, to hold from `now` on; who was on it stays on it."""
    with private_files.locked(pki.directory / ".lock"):
        _write_crl(pki, now)


def show(pki: DevelopmentPki, serial: str) -> Issued:
    """Read one certificate that this PKI has issued; `serial` may have colons or capitals."""
    normal = serial.lower().replace(":", "").lstrip("0")
    path = pki.directory / "issued" / f"{normal}.pem"
    if not _SERIAL.fullmatch(normal) or not path.exists():
        raise DevelopmentPkiError("this PKI has issued no certificate with that serial number")
    return _read_issued(pki, path)


def issued(pki: DevelopmentPki) -> tuple[Issued, ...]:
    """Every certificate that this PKI has issued, the one that ends first at the front."""
    found = (_read_issued(pki, path) for path in (pki.directory / "issued").glob("*.pem"))
    return tuple(sorted(found, key=lambda one: (one.validity.end, one.serial)))


def _issue(
    pki: DevelopmentPki,
    party: Party,
    public: profiles.SubjectKey,
    private: ec.EllipticCurvePrivateKey | None,
    validity: Validity,
) -> Issued:
    issuer = _load_authority(pki, _ISSUER)
    if validity.start >= validity.end:
        raise DevelopmentPkiError("a certificate must end after it starts")
    if validity.end > issuer.certificate.not_valid_after_utc:
        raise DevelopmentPkiError("a certificate cannot outlive the authority that issues it")
    certificate = profiles.client(public, party.id, party.kind, party.urn, validity, issuer)
    path = pki.directory / "issued" / f"{certificate.serial_number:x}.pem"
    # The key first: a certificate that is there always has its key beside it.
    if private:
        private_files.write_new(path.with_suffix(".key"), _private_pem(private))
    private_files.write_new(path, _pem(certificate) + _pem(issuer.certificate))
    return _read_issued(pki, path)


def _read_issued(pki: DevelopmentPki, path: Path) -> Issued:
    certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    entry = _crl(pki).get_revoked_certificate_by_serial_number(certificate.serial_number)
    key = path.with_suffix(".key")
    digest = hashlib.sha256(certificate.public_bytes(serialization.Encoding.DER)).digest()
    return Issued(
        serial=f"{certificate.serial_number:x}",
        party=names.get_values_for_type(x509.UniformResourceIdentifier)[0],
        subject=certificate.subject.rfc4514_string(),
        validity=Validity(certificate.not_valid_before_utc, certificate.not_valid_after_utc),
        thumbprint=base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii"),
        certificate=path,
        key=key if key.exists() else None,
        revoked_at=entry.revocation_date_utc if entry else None,
    )


def _authority(
    pki: DevelopmentPki, name: str, validity: Validity, issuer: Authority | None
) -> Authority:
    """Make a certification authority, or load the one that is there."""
    if not (path := pki.directory / f"{name}.pem").exists():
        key = _key(pki.directory / f"{name}.key")
        private_files.write_new(path, _pem(profiles.authority(name, key, validity, issuer)))
    return _load_authority(pki, name)


def _load_authority(pki: DevelopmentPki, name: str) -> Authority:
    certificate = x509.load_pem_x509_certificate((pki.directory / f"{name}.pem").read_bytes())
    return Authority(certificate, _key(pki.directory / f"{name}.key"))


def _crl(pki: DevelopmentPki) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl(pki.crl.read_bytes())


def _write_crl(pki: DevelopmentPki, now: dt.datetime, revoked: int | None = None) -> None:
    previous = _crl(pki) if pki.crl.exists() else None
    validity = Validity(now, now + dt.timedelta(days=CRL_DAYS))
    crl = profiles.revocation_list(previous, revoked, validity, _load_authority(pki, _ISSUER))
    private_files.replace(pki.crl, crl.public_bytes(serialization.Encoding.PEM))


def _validity(now: dt.datetime, days: int) -> Validity:
    return Validity(now - profiles.BACKDATE, now + dt.timedelta(days=days))


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Load the private key in `path`, made first if it is not there."""
    if not path.exists():
        private_files.write_new(path, _private_pem(ec.generate_private_key(ec.SECP256R1())))
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise DevelopmentPkiError(f"{path.name} does not hold an elliptic curve key")
    return key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
