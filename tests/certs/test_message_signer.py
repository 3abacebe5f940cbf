"""The development certificate with which the gateway signs its messages."""

from __future__ import annotations

import datetime as dt
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509 import verification

from certs import development, profiles
from certs.development import DevelopmentPki

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> DevelopmentPki:
    return development.create(tmp_path_factory.mktemp("pki") / "new", now=NOW)


def load(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def test_it_is_for_signing_documents_and_for_no_connection(pki: DevelopmentPki) -> None:
    signer = development.message_signer(pki, now=NOW)
    certificate = load(signer.certificate)
    extensions = certificate.extensions
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [profiles.DOCUMENT_SIGNING]
    usage = extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert not usage.key_cert_sign
    store = verification.Store([load(signer.authority)])
    with pytest.raises(verification.VerificationError):
        verification.PolicyBuilder().store(store).time(NOW).build_client_verifier().verify(
            certificate, []
        )


def test_its_authority_and_key_are_its_own(pki: DevelopmentPki) -> None:
    signer = development.message_signer(pki, now=NOW)
    certificate = load(signer.certificate)
    certificate.verify_directly_issued_by(load(signer.authority))
    key = serialization.load_pem_private_key(signer.key.read_bytes(), None)
    assert key.public_key() == certificate.public_key()
    for other in (pki.client_ca, pki.server_ca):
        with pytest.raises((ValueError, TypeError)):
            certificate.verify_directly_issued_by(load(other))


def test_it_is_made_once_and_for_its_owner_alone(pki: DevelopmentPki) -> None:
    first = development.message_signer(pki, now=NOW)
    kept = [path.read_bytes() for path in (first.authority, first.certificate, first.key)]
    again = development.message_signer(pki, now=NOW + dt.timedelta(days=3))
    assert again == first
    assert [path.read_bytes() for path in (again.authority, again.certificate, again.key)] == kept
    assert {stat.S_IMODE(path.stat().st_mode) for path in (first.certificate, first.key)} == {0o600}


def test_the_pki_itself_has_none_until_it_is_asked_for(tmp_path: Path) -> None:
    pki = development.create(tmp_path, now=NOW)
    assert not list(tmp_path.glob("message-signing*"))
    development.message_signer(pki, now=NOW)
    assert development.open_existing(tmp_path) == pki
