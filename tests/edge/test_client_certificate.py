"""Which client certificates are believed: chain, purpose, time, revocation, and the proxy's header."""

import base64
import dataclasses
import datetime as dt
import ipaddress
import zoneinfo

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from certs import development, profiles
from certs.development import Party
from certs.profiles import Authority, Validity
from gateway.core.refusal import Reason, Refused
from gateway.edge import client_certificate
from gateway.edge.client_certificate import TrustStore, client_cert_from_header, thumbprint
from gateway.edge.revocation import RevocationList

NOW = dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
WEEK = Validity(NOW - DAY, NOW + 7 * DAY)
ACME = Party("organisation", "acme")
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


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


def make(
    issuer, *, purposes=(CLIENT,), names=(ACME.urn,), validity=WEEK, key=None, without=(), add=()
):
    """A certificate that is right, but for what the arguments say."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    extensions = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (profiles._key_usage(signs_certificates=False), True),
        (x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), False),
        (x509.ExtendedKeyUsage(purposes or [CLIENT]), False),
        (x509.SubjectAlternativeName([x509.UniformResourceIdentifier(n) for n in names]), False),
    ]
    replaced = {type(extension) for extension, _ in add}
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "acme")]))
        .issuer_name(issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(validity.start)
        .not_valid_after(validity.end)
    )
    for extension, critical in [*extensions, *add]:
        kept = type(extension) not in {*without, *replaced} or (extension, critical) in add
        if kept and not (type(extension) is x509.ExtendedKeyUsage and not purposes):
            builder = builder.add_extension(extension, critical)
    certificate = builder.sign(issuer.key, hashes.SHA256())
    return certificate.public_bytes(serialization.Encoding.DER)


def reason_of(store, der, now=NOW, chain=()):
    with pytest.raises(Refused) as refused:
        store.verify(der, now, chain)
    return refused.value.reason


def test_a_participants_certificate_is_verified(pki, store):
    one = development.issue(pki, ACME, now=NOW)
    verified = store.verify(der_of(one.certificate), NOW)
    assert verified.thumbprint == one.thumbprint == thumbprint(der_of(one.certificate))
    assert verified.serial == one.serial
    assert verified.subject == one.subject
    assert verified.not_after == one.validity.end
    assert verified.sans == (f"uri:{ACME.urn}",)
    assert verified.party == "organisation:acme"


def test_time_zones_do_not_move_the_edges_of_validity(store, issuer):
    sydney = zoneinfo.ZoneInfo("Australia/Sydney")
    for edge, inside, outside in ((WEEK.start, 0, -1), (WEEK.end, 0, 1)):
        der = make(issuer)
        store.verify(der, (edge + dt.timedelta(seconds=inside)).astimezone(sydney))
        late = (edge + dt.timedelta(seconds=outside)).astimezone(sydney)
        assert reason_of(store, der, late) is Reason.CERTIFICATE_NOT_VALID  # remembered
        assert reason_of(store, make(issuer), late) is Reason.CERTIFICATE_NOT_VALID  # not


@pytest.mark.parametrize(
    "case",
    {
        "expired": {"validity": Validity(NOW - 2 * DAY, NOW - DAY)},
        "not yet valid": {"validity": Validity(NOW + DAY, NOW + 2 * DAY)},
        "for servers": {"purposes": (SERVER,)},
        "for any purpose": {"purposes": (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,)},
        "for no stated purpose": {"purposes": ()},
        "without a name": {"without": (x509.SubjectAlternativeName,)},
        "without its issuer's key id": {"without": (x509.AuthorityKeyIdentifier,)},
        "of two parties": {"names": (ACME.urn, "urn:cms-gateway:consumer:tracing")},
        "of an unknown kind of party": {"names": ("urn:cms-gateway:minister:acme",)},
        "of a party in capitals": {"names": ("URN:CMS-GATEWAY:organisation:acme",)},
        "of an authority": {"add": ((x509.BasicConstraints(ca=True, path_length=None), True),)},
        "with a critical extension nobody knows": {
            "add": ((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\5\0"), True),)
        },
    }.items(),
    ids=lambda case: case[0],
)
def test_a_certificate_that_is_not_as_it_must_be_is_refused(store, issuer, case):
    assert reason_of(store, make(issuer, **case[1])) is Reason.CERTIFICATE_NOT_VALID


@pytest.mark.parametrize(
    "generate",
    [
        lambda: rsa.generate_private_key(65537, 1024),
        lambda: ec.generate_private_key(ec.SECP256K1()),
        lambda: ec.generate_private_key(ec.SECP224R1()),
    ],
    ids=["RSA-1024", "secp256k1", "P-224"],
)
def test_a_key_the_policy_does_not_allow_is_refused(store, issuer, generate):
    assert reason_of(store, make(issuer, key=generate())) is Reason.CERTIFICATE_NOT_VALID


def test_a_certificate_of_another_authority_is_refused_even_under_the_same_name(tmp_path, store):
    other = development.create(tmp_path / "other", now=NOW - DAY)
    one = development.issue(other, ACME, now=NOW)
    chain = tuple(map(der_of, (other.client_ca, other.directory / "participant-root.pem")))
    der = der_of(one.certificate)
    assert reason_of(store, der) is Reason.CERTIFICATE_NOT_VALID
    assert reason_of(store, der, chain=chain) is Reason.CERTIFICATE_NOT_VALID


def test_the_gateways_own_and_the_authorities_certificates_are_no_clients(pki, store):
    for name in ("server", "participant-issuing", "participant-root", "server-ca"):
        der = der_of(pki.directory / f"{name}.pem")
        assert reason_of(store, der) is Reason.CERTIFICATE_NOT_VALID, name


def test_a_self_signed_certificate_is_refused(store):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "acme")])
    der = make(Authority(_Named(name), key), key=key)
    assert reason_of(store, der) is Reason.CERTIFICATE_NOT_VALID


def test_a_participant_cannot_issue_for_others(pki, store):
    one = development.issue(pki, ACME, now=NOW)
    certificate = x509.load_pem_x509_certificates(one.certificate.read_bytes())[0]
    key = serialization.load_pem_private_key(one.key.read_bytes(), None)
    forged = make(Authority(certificate, key), names=("urn:cms-gateway:organisation:bank",))
    chain = (der_of(one.certificate),)
    assert reason_of(store, forged, chain=chain) is Reason.CERTIFICATE_NOT_VALID


def test_an_intermediate_below_the_issuing_authority_is_refused(store, issuer):
    key = ec.generate_private_key(ec.SECP256R1())
    below = profiles.authority("below", key, WEEK, issuer)
    chain = (below.public_bytes(serialization.Encoding.DER),)
    der = make(Authority(below, key))
    assert reason_of(store, der, chain=chain) is Reason.CERTIFICATE_NOT_VALID


@pytest.mark.parametrize("allowed", [True, False])
def test_name_constraints_of_an_authority_are_kept(pki, store, allowed):
    root = development._load_authority(pki, "participant-root")
    key = ec.generate_private_key(ec.SECP256R1())
    plain = profiles._builder(root.certificate.subject, key.public_key(), WEEK, root.key)
    constrained = (
        plain.issuer_name(root.certificate.subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(profiles._key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.NameConstraints([x509.DNSName("acme.example")], None), critical=True)
        .sign(root.key, hashes.SHA256())
    )
    name = x509.DNSName("pay.acme.example" if allowed else "pay.bank.example")
    der = make(Authority(constrained, key), add=((x509.SubjectAlternativeName([name]), False),))
    chain = (constrained.public_bytes(serialization.Encoding.DER),)
    # The one that is allowed gets as far as the revocation list, which this authority has not.
    with pytest.raises(Refused, match="revocation list" if allowed else "participant authority"):
        store.verify(der, NOW, chain)


def test_an_intermediate_may_come_with_the_certificate(pki):
    one = development.issue(pki, ACME, now=NOW)
    root = x509.load_pem_x509_certificate((pki.directory / "participant-root.pem").read_bytes())
    issuing = x509.load_pem_x509_certificates(pki.client_ca.read_bytes())[0]
    lists = RevocationList([pki.crl], [issuing])
    lists.refresh(NOW)
    store = TrustStore((root,), (), lists)
    der, chain = der_of(one.certificate), (issuing.public_bytes(serialization.Encoding.DER),)
    assert store.verify(der, NOW, chain).serial == one.serial
    assert reason_of(store, der) is Reason.CERTIFICATE_NOT_VALID


@given(st.data())
def test_altered_bytes_never_become_another_certificate(module_store, data):
    """A signature may have a second spelling (ECDSA's s and n - s, a bit string's unused bits).

    Such a certificate says the same of the same key, so its serial number is still the one that a
    revocation names; only its thumbprint is unknown, and so nobody's.
    """
    good, store = module_store
    known = store.verify(good, NOW)
    place = data.draw(st.integers(0, len(good) - 1))
    altered = good[:place] + data.draw(st.binary(max_size=4)) + good[place + 1 :]
    try:
        verified = store.verify(altered, NOW, (altered,))
    except Refused:
        return
    assert dataclasses.replace(verified, thumbprint=known.thumbprint) == known
    assert altered == good or verified.thumbprint != known.thumbprint


def test_another_spelling_of_a_signature_is_another_thumbprint_of_the_same_serial(module_store):
    good, store = module_store
    certificate = x509.load_der_x509_certificate(good)
    r, s = decode_dss_signature(certificate.signature)
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    other = encode_dss_signature(r, order - s)
    bits = b"\0" + other
    algorithm = bytes.fromhex("300a06082a8648ce3d040302")
    content = certificate.tbs_certificate_bytes + algorithm + b"\x03" + bytes([len(bits)]) + bits
    verified = store.verify(b"\x30\x82" + len(content).to_bytes(2) + content, NOW)
    known = store.verify(good, NOW)
    assert verified.serial == known.serial
    assert verified.thumbprint != known.thumbprint


@given(st.binary(max_size=200))
def test_no_bytes_are_mistaken_for_a_certificate(module_store, der):
    with pytest.raises(Refused):
        module_store[1].verify(der, NOW)


@pytest.fixture(scope="module")
def module_store(tmp_path_factory):
    pki = development.create(tmp_path_factory.mktemp("pki"), now=NOW - DAY)
    der = der_of(development.issue(pki, ACME, now=NOW).certificate)
    return der, TrustStore.load(pki.client_ca, [pki.crl], NOW)


def test_a_certificate_or_chain_beyond_the_limits_is_refused(store, module_store):
    too_large = bytes(client_certificate.CERTIFICATE_BYTES_MAX + 1)
    assert reason_of(store, too_large) is Reason.CERTIFICATE_NOT_VALID
    many = (module_store[0],) * (client_certificate.CHAIN_CERTIFICATES_MAX + 1)
    assert reason_of(store, module_store[0], chain=many) is Reason.CERTIFICATE_NOT_VALID


def test_a_bundle_without_a_root_is_not_trusted(pki):
    with pytest.raises(ValueError, match="self-signed"):
        TrustStore.load(pki.directory / "participant-issuing.pem", [pki.crl], NOW)


class _Named:
    """What `make` needs of an issuer's certificate."""

    def __init__(self, subject):
        self.subject = subject


# The header of a proxy

PROXIES = [ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("2001:db8::/32")]


def header(der):
    return f":{base64.b64encode(der).decode()}:"


def test_a_proxys_header_is_believed(module_store):
    der, store = module_store
    for remote in ("10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"):
        headers = CIMultiDict({"client-cert": header(der)})
        forwarded = client_cert_from_header(headers, remote, PROXIES)
        assert forwarded == (der, (), False)
        store.verify(forwarded.der, NOW, forwarded.chain)


def test_the_chain_is_taken_from_one_line_or_several():
    headers = CIMultiDict({"Client-Cert": ":QQ==:"})
    headers.add("Client-Cert-Chain", ":Qg==: ,\t:Qw==:")
    headers.add("Client-Cert-Chain", ":RA==:")
    assert client_cert_from_header(headers, "10.1.0.1", PROXIES) == (
        b"A",
        (b"B", b"C", b"D"),
        False,
    )


@pytest.mark.parametrize(
    "remote", ["10.2.0.1", "::1", "2001:db9::1", "", None, "unix:", "10.1.0.1 "]
)
@pytest.mark.parametrize("name", ["Client-Cert", "Client-Cert-Chain"])
def test_a_strangers_header_is_ignored_and_said_to_be(remote, name):
    headers = CIMultiDict({name: ":QQ==:"})
    assert client_cert_from_header(headers, remote, PROXIES) == (None, (), True)


@pytest.mark.parametrize("remote", ["10.1.0.1", "10.2.0.1"])
def test_without_the_header_there_is_no_certificate(remote):
    assert client_cert_from_header(CIMultiDict(), remote, PROXIES) == (None, (), False)


@pytest.mark.parametrize(
    "value",
    ["", ":", "::x", "QQ==", ":QQ==", ":QQ:", ":QQ=:", ":QR==:", ":Q Q==:", ":Q\nQ==:", ":Q-_=:",
     ":QQ==:;a=1", ":QQ==:, :QQ==:", ":QQ==:\n", ":é:", ":" + "A" * 40_000 + ":"],
)  # fmt: skip
def test_a_header_that_is_not_as_rfc_9440_says_is_refused(value):
    with pytest.raises(Refused) as refused:
        client_cert_from_header(CIMultiDict({"Client-Cert": value}), "10.1.0.1", PROXIES)
    assert refused.value.reason is Reason.CERTIFICATE_NOT_VALID


def test_two_headers_or_only_a_chain_are_refused():
    twice = CIMultiDict([("Client-Cert", ":QQ==:"), ("client-cert", ":QQ==:")])
    for headers in (twice, CIMultiDict({"Client-Cert-Chain": ":QQ==:"})):
        with pytest.raises(Refused, match="exactly one"):
            client_cert_from_header(headers, "10.1.0.1", PROXIES)


def test_a_chain_beyond_the_limit_is_refused():
    many = ",".join([":QQ==:"] * (client_certificate.CHAIN_CERTIFICATES_MAX + 1))
    headers = CIMultiDict({"Client-Cert": ":QQ==:", "Client-Cert-Chain": many})
    with pytest.raises(Refused, match="too long"):
        client_cert_from_header(headers, "10.1.0.1", PROXIES)


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=20))
def test_no_header_gives_anything_but_bytes_or_a_refusal(leaf, chain, remote):
    headers = CIMultiDict({"Client-Cert": leaf, "Client-Cert-Chain": chain})
    client_cert_from_header(headers, remote, PROXIES)
    try:
        assert client_cert_from_header(headers, "10.1.0.1", PROXIES).der is not None
    except Refused as refused:
        assert refused.reason is Reason.CERTIFICATE_NOT_VALID  # noqa: PT017
