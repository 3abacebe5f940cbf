"""Revocation: in force with the next request, never rolled back, never guessed."""

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certs import development, profiles
from certs.development import Party
from certs.profiles import Authority, Validity
from gateway.core.refusal import Reason, Refused
from gateway.edge import revocation
from gateway.edge.client_certificate import TrustStore
from gateway.edge.revocation import RevocationList, RevocationListError

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
WEEK = Validity(NOW - DAY, NOW + 7 * DAY)
ACME = Party("organisation", "acme")


@pytest.fixture
def pki(tmp_path):
    return development.create(tmp_path / "pki", now=NOW - DAY)


@pytest.fixture
def store(pki):
    return TrustStore.load(pki.client_ca, [pki.crl], NOW)


@pytest.fixture
def issuer(pki):
    return development._load_authority(pki, "participant-issuing")


def der_of(path):
    certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    return certificate.public_bytes(serialization.Encoding.DER)


def reason_of(store, der):
    with pytest.raises(Refused) as refused:
        store.verify(der, NOW)
    return refused.value.reason


def test_a_revocation_is_in_force_with_the_next_verification(pki, store):
    gone, stays = (development.issue(pki, ACME, now=NOW) for _ in range(2))
    for one in (gone, stays):
        store.verify(der_of(one.certificate), NOW)
    development.revoke(pki, gone.serial, now=NOW)
    generation = store.revocation.generation_in_force(NOW)
    assert store.revocation.refresh(NOW) == generation + 1
    assert reason_of(store, der_of(gone.certificate)) is Reason.CERTIFICATE_REVOKED
    assert reason_of(store, der_of(gone.certificate)) is Reason.CERTIFICATE_REVOKED
    store.verify(der_of(stays.certificate), NOW)
    assert store.revocation.refresh(NOW) == generation + 1, "unchanged files change nothing"


def test_a_list_is_used_until_its_grace_is_over_and_then_nothing_is_accepted(pki, store):
    der = der_of(development.issue(pki, ACME, now=NOW).certificate)
    due = store.revocation.next_update
    assert due == NOW - DAY + dt.timedelta(days=development.CRL_DAYS)
    store.verify(der, due + revocation.GRACE)
    late = due + revocation.GRACE + dt.timedelta(seconds=1)
    with pytest.raises(Refused, match="out of date"):
        store.verify(der, late)
    development.create(pki.directory, now=late)
    store.revocation.refresh(late)
    store.verify(der, late)


def test_without_a_list_nothing_is_accepted(pki):
    der = der_of(development.issue(pki, ACME, now=NOW).certificate)
    certificates = x509.load_pem_x509_certificates(pki.client_ca.read_bytes())
    unread = TrustStore(
        (certificates[1],), (certificates[0],), RevocationList([pki.crl], certificates)
    )
    assert reason_of(unread, der) is Reason.CERTIFICATE_NOT_VALID
    none = TrustStore.load(pki.client_ca, [], NOW)
    assert reason_of(none, der) is Reason.CERTIFICATE_NOT_VALID


def test_a_list_may_be_in_der(pki):
    crl = x509.load_pem_x509_crl(pki.crl.read_bytes())
    pki.crl.write_bytes(crl.public_bytes(serialization.Encoding.DER))
    TrustStore.load(pki.client_ca, [pki.crl], NOW)


def test_an_issuing_authority_can_be_revoked_by_the_root(pki, issuer):
    root = development._load_authority(pki, "participant-root")
    crl = profiles.revocation_list(None, issuer.certificate.serial_number, WEEK, root)
    path = pki.directory / "root.crl"
    path.write_bytes(crl.public_bytes(serialization.Encoding.PEM))
    store = TrustStore.load(pki.client_ca, [pki.crl, path], NOW)
    der = der_of(development.issue(pki, ACME, now=NOW).certificate)
    assert reason_of(store, der) is Reason.CERTIFICATE_REVOKED


def unlike(issuer, *, add=(), entry=(), start=NOW, number=9):
    """A list that is right, but for what the arguments say."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(start)
        .next_update(start + 7 * DAY)
    )
    revoked = x509.RevokedCertificateBuilder(7, NOW)
    for extension, critical in entry:
        revoked = revoked.add_extension(extension, critical)
    builder = builder.add_revoked_certificate(revoked.build())
    numbered = [(x509.CRLNumber(number), False)] if number is not None else []
    for extension, critical in (*numbered, *add):
        builder = builder.add_extension(extension, critical)
    crl = builder.sign(issuer.key, hashes.SHA256())
    return crl.public_bytes(serialization.Encoding.DER)


PART = x509.IssuingDistributionPoint(None, None, True, False, None, False, False)  # noqa: FBT003


@pytest.mark.parametrize(
    "spoil",
    {
        "forged": lambda issuer: unlike(
            Authority(issuer.certificate, ec.generate_private_key(ec.SECP256R1()))
        ),
        "delta": lambda issuer: unlike(issuer, add=((x509.DeltaCRLIndicator(1), True),)),
        "partitioned": lambda issuer: unlike(issuer, add=((PART, True),)),
        "indirect": lambda issuer: unlike(
            issuer,
            entry=(
                (x509.CertificateIssuer([x509.DirectoryName(issuer.certificate.subject)]), True),
            ),
        ),
        "from the future": lambda issuer: unlike(issuer, start=NOW + DAY),
        "rolled back": lambda issuer: unlike(issuer, number=0),
        "without a number": lambda issuer: unlike(issuer, number=None),
        "altered": lambda issuer: unlike(issuer)[:-1] + b"\0",
        "not a list": lambda issuer: b"-----BEGIN X509 CRL-----",
        "empty": lambda issuer: b"",
    }.items(),
    ids=lambda case: case[0],
)
def test_a_list_that_cannot_be_used_leaves_the_one_in_force(pki, store, issuer, spoil):
    one = development.issue(pki, ACME, now=NOW)
    development.revoke(pki, one.serial, now=NOW)
    store.revocation.refresh(NOW)
    pki.crl.write_bytes(spoil[1](issuer))
    with pytest.raises(RevocationListError, match=r"participants\.crl"):
        store.revocation.refresh(NOW)
    assert reason_of(store, der_of(one.certificate)) is Reason.CERTIFICATE_REVOKED


def test_a_list_that_disappears_or_is_doubled_leaves_the_one_in_force(pki, store):
    doubled = RevocationList([pki.crl, pki.crl], store.anchors + store.intermediates)
    with pytest.raises(RevocationListError, match="two lists"):
        doubled.refresh(NOW)
    pki.crl.unlink()
    with pytest.raises(OSError, match=r"participants\.crl"):
        store.revocation.refresh(NOW)
