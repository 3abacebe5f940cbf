"""The development PKI: made once, kept, never overwritten; certificates issued and revoked."""

import datetime as dt
import stat

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from certs import development
from certs.development import DevelopmentPkiError, Party
from certs.profiles import Validity

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
ACME = Party("organisation", "acme")


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return development.create(tmp_path_factory.mktemp("pki") / "new", now=NOW)


def request_for(key, encoding=serialization.Encoding.PEM, name="whoever"):
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(key, algorithm).public_bytes(encoding)


def contents(pki):
    return {path: path.read_bytes() for path in pki.directory.rglob("*") if path.is_file()}


def test_every_file_is_for_its_owner_alone(pki):
    development.issue(pki, ACME, now=NOW)
    for path in (pki.directory, *pki.directory.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_making_it_again_changes_nothing(pki):
    before = contents(pki)
    assert development.create(pki.directory, now=NOW + dt.timedelta(days=1)) == pki
    assert contents(pki) == before


def test_an_interrupted_making_is_completed(tmp_path):
    pki = development.create(tmp_path, now=NOW)
    kept = pki.server_key.read_bytes()
    pki.server_certificate.unlink()
    pki.crl.unlink()
    with pytest.raises(DevelopmentPkiError):
        development.open_existing(tmp_path)
    development.create(tmp_path, now=NOW)
    certificate = x509.load_pem_x509_certificate(pki.server_certificate.read_bytes())
    key = serialization.load_pem_private_key(kept, None)
    assert certificate.public_key() == key.public_key()
    assert development.open_existing(tmp_path) == pki


def test_the_servers_certificate_names_this_machine(pki):
    server = x509.load_pem_x509_certificate(pki.server_certificate.read_bytes())
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "::1"]


def test_a_client_certificate_says_who_and_for_what(pki):
    one = development.issue(pki, Party("consumer", "tracing"), now=NOW)
    certificate = x509.load_pem_x509_certificates(one.certificate.read_bytes())[0]
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert one.party == "urn:cms-gateway:consumer:tracing"
    assert one.key is not None
    assert one.revoked_at is None
    assert one == development.show(pki, one.serial.upper())
    assert one in development.issued(pki)


def test_validity_may_lie_in_the_past(pki):
    past = Validity(NOW - dt.timedelta(days=2), NOW - dt.timedelta(days=1))
    assert development.issue(pki, ACME, now=NOW, validity=past).validity == past


@pytest.mark.parametrize(
    "validity",
    [Validity(NOW, NOW), Validity(NOW, NOW + dt.timedelta(days=development.ISSUING_DAYS, hours=1))],
    ids=["empty", "outlives its issuer"],
)
def test_validity_must_make_sense(pki, validity):
    with pytest.raises(DevelopmentPkiError):
        development.issue(pki, ACME, now=NOW, validity=validity)


@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER])
def test_a_request_gives_its_key_and_nothing_else(pki, encoding):
    key = ec.generate_private_key(ec.SECP384R1())
    request = request_for(key, encoding, name="urn:cms-gateway:organisation:somebody-else")
    one = development.issue_from_request(pki, request, ACME, now=NOW)
    certificate = x509.load_pem_x509_certificates(one.certificate.read_bytes())[0]
    assert certificate.public_key() == key.public_key()
    assert "somebody-else" not in one.subject
    assert one.party == ACME.urn
    assert one.key is None


def test_a_request_that_was_altered_is_refused(pki):
    request = bytearray(
        request_for(ec.generate_private_key(ec.SECP256R1()), serialization.Encoding.DER)
    )
    request[-1] ^= 1
    with pytest.raises(DevelopmentPkiError):
        development.issue_from_request(pki, bytes(request), ACME, now=NOW)


@pytest.mark.parametrize(
    "make",
    [
        ed25519.Ed25519PrivateKey.generate,
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: rsa.generate_private_key(65537, 1024),
    ],
    ids=["Ed25519", "secp256k1", "RSA-1024"],
)
def test_a_request_with_a_key_the_policy_does_not_allow_is_refused(pki, make):
    with pytest.raises(DevelopmentPkiError):
        development.issue_from_request(pki, request_for(make()), ACME, now=NOW)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda b: b"-----BEGIN " + b))
def test_no_bytes_are_mistaken_for_a_request(pki, request_bytes):
    with pytest.raises(DevelopmentPkiError):
        development.issue_from_request(pki, request_bytes, ACME, now=NOW)


def test_a_request_beyond_the_limit_is_refused(pki):
    with pytest.raises(DevelopmentPkiError, match="large"):
        development.issue_from_request(pki, b"0" * 16_385, ACME, now=NOW)


def test_revoking_puts_it_on_a_list_with_a_higher_number(pki):
    first, second = (development.issue(pki, ACME, now=NOW) for _ in range(2))
    number = crl_number(pki)
    later = NOW + dt.timedelta(hours=1)
    assert development.revoke(pki, first.serial, now=later).revoked_at == later
    assert development.revoke(pki, second.serial, now=later + dt.timedelta(1)).revoked_at > later
    assert development.revoke(pki, first.serial, now=later + dt.timedelta(2)).revoked_at == later
    assert crl_number(pki) == number + 3


def test_a_half_spent_list_is_renewed_and_keeps_its_entries(tmp_path):
    pki = development.create(tmp_path, now=NOW)
    one = development.issue(pki, ACME, now=NOW)
    development.revoke(pki, one.serial, now=NOW)
    development.create(tmp_path, now=NOW + dt.timedelta(days=4))
    assert crl_number(pki) == 3
    assert development.show(pki, one.serial).revoked_at == NOW


@pytest.mark.parametrize("serial", ["", "00", "abc", "../../server", "g" * 8, "f" * 41])
def test_a_serial_number_that_was_never_issued_is_not_found(pki, serial):
    with pytest.raises(DevelopmentPkiError):
        development.show(pki, serial)


@pytest.mark.parametrize("name", ["", "Acme", "a/b", "../x", "-a", "a" * 64, "a b", "a\n"])
def test_an_id_that_could_be_mistaken_for_something_else_is_refused(name):
    with pytest.raises(DevelopmentPkiError):
        Party("organisation", name)


def crl_number(pki):
    crl = x509.load_pem_x509_crl(pki.crl.read_bytes())
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
