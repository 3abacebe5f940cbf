"""Setting up: a gateway of one's own with a development PKI, and everything a party needs.

Nothing that is there already is ever overwritten.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from certs import development, private_files
from gateway.cli.exits import Exit, Stop
from gateway.client.profile import Profile, written
from gateway.config import Settings
from gateway.edge import client_certificate, keyring
from gateway.wiring import clock

PORT: Final = 8443
AUDITOR: Final = "auditor.toml"
VKEY: Final = "ledger.vkey"
SAMPLE: Final = "schedule.csv"

_SETTINGS: Final = """\
# Settings of a gateway with a development PKI. Paths are relative to this file.
origin = "{origin}"
issuer = "https://localhost:{port}"
data = "data"
keys = "keys"
host = "127.0.0.1"
port = {port}

[tls]
certificate = "pki/server.pem"
key = "pki/server.key"
participants = "pki/participants.pem"
revocation_lists = ["pki/participants.crl"]

[signing]
certificate = "pki/{signer}.pem"
key = "pki/{signer}.key"
"""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a party shows: files in its own directory."""

    certificate: Path
    key: Path
    ca: Path


def create(directory: Path, *, port: int, origin: str) -> Path:
    """Make settings, key ring and development PKI in a new or empty directory.

    Returns the settings' file. Raises Stop when there is anything in the directory.
    """
    keyring.check_origin(origin)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if any(directory.iterdir()):
        message = (
            f"{directory} is not empty, and nothing in it is overwritten. Name a new directory, or "
            f"serve what is there with 'cms-gateway serve --config {directory / 'config.toml'}'."
        )
        raise Stop(message, Exit.USAGE)
    now = clock()
    pki = development.create(directory / "pki", now=now)
    signer = development.message_signer(pki, now=now).certificate.stem
    keyring.create(directory / "keys")
    settings = directory / "config.toml"
    text = _SETTINGS.format(port=port, origin=origin, signer=signer)
    settings.write_text(text, encoding="utf-8")
    return settings


def write_auditor(directory: Path, url: str, vkey: str) -> None:
    """Write the ledger's public key to a file, and a profile that pins it and reads the ledger."""
    private_files.write_new(directory / VKEY, f"{vkey}\n".encode())
    profile = Profile(url=url, ca=Path("pki") / "server-ca.pem", vkey=vkey)
    private_files.write_new(directory / AUDITOR, written(profile).encode("utf-8"))


def copy_sample(directory: Path) -> Path:
    """Put a file that can be sent where whoever sets up can send it."""
    path = directory / SAMPLE
    private_files.write_new(path, (files("schemas") / "samples" / SAMPLE).read_bytes())
    return path


def pki_of(settings: Settings, given: Path | None = None) -> development.DevelopmentPki:
    """The development PKI of a gateway; raises DevelopmentPkiError where it has none."""
    return development.open_existing(given or settings.tls.participants.parent)


def der_of(certificate: bytes) -> bytes:
    """A certificate in DER, from PEM (the first one in it) or DER; raises Stop."""
    try:
        return client_certificate.der_of(certificate)
    except ValueError as error:
        message = "The certificate cannot be read. Give a file in PEM or DER."
        raise Stop(message, Exit.USAGE) from error


def check_issuer(der: bytes, bundle: Path) -> None:
    """Stop unless one of the participant authority's certificates issued this one."""
    certificate = x509.load_der_x509_certificate(der)
    try:
        authority = x509.load_pem_x509_certificates(bundle.read_bytes())
    except ValueError as error:
        message = f"{bundle} holds no certificates in PEM. It is what tls.participants names."
        raise Stop(message, Exit.USAGE) from error
    for each in authority:
        with contextlib.suppress(ValueError, TypeError, InvalidSignature):
            certificate.verify_directly_issued_by(each)
            return
    message = (
        "The participant authority did not issue this certificate, so nobody could come in with "
        f"it. Give one that an authority in {bundle} issued."
    )
    raise Stop(message, Exit.REFUSED)


def hand_over(
    pki: development.DevelopmentPki, issued: development.Issued, directory: Path
) -> Credentials:
    """Copy an issued certificate, its key and the server's authority into a party's directory."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    credentials = Credentials(
        directory / "certificate.pem", directory / "certificate.key", directory / "server-ca.pem"
    )
    copies = {credentials.certificate: issued.certificate, credentials.ca: pki.server_ca}
    if issued.key is not None:
        copies[credentials.key] = issued.key
    for to, source in copies.items():
        private_files.write_new(to, source.read_bytes())
    return credentials


def client_key(directory: Path) -> tuple[Path, dict[str, Any]]:
    """Make a client's key pair on P-256; returns the private key's file and the public JWK."""
    key = ec.generate_private_key(ec.SECP256R1())
    jwk: dict[str, Any] = json.loads(ECAlgorithm.to_jwk(key.public_key()))
    certain = {"kid": _kid(key.public_key()), "use": "sig", "alg": "ES256"}
    path = directory / "client.pem"
    if path.exists():
        message = f"{path} is there already, and is not overwritten. Name another --directory."
        raise Stop(message, Exit.USAGE)
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    private_files.write_new(
        path,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )
    return path, jwk | certain


def _kid(key: ec.EllipticCurvePublicKey) -> str:
    """A short name for a key, from its bytes."""
    point = key.public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
    )
    return point[1:9].hex()


def write_profile(directory: Path, profile: Profile) -> Path:
    """Write `profile.toml`, with paths relative to it where they are inside."""
    path = directory / "profile.toml"
    inside = {
        name: Path(value.name)
        for name in ("ca", "certificate", "key", "client_key", "state")
        if (value := getattr(profile, name)) is not None and value.parent == directory
    }
    private_files.write_new(
        path, written(msgspec.structs.replace(profile, **inside)).encode("utf-8")
    )
    return path


def remove(directory: Path) -> None:
    """Remove a temporary house with everything in it."""
    shutil.rmtree(directory, ignore_errors=True)
