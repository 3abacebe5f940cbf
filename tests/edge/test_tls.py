"""Real TLS over loopback: who gets in, with what, and what is not spoken at all."""

import asyncio
import datetime as dt
import gc
import socket
import ssl

import aiohttp
import pytest
import uvloop
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs import development, profiles
from certs.development import Party
from certs.profiles import Validity
from gateway.core.refusal import Refused
from gateway.edge import tls
from gateway.edge.client_certificate import TrustStore, thumbprint

ACME = Party("organisation", "acme")
DAY = dt.timedelta(days=1)
CONTEXT = web.AppKey("context", ssl.SSLContext)
# What a client sees of a handshake that the server broke off; in TLS 1.3 that is after its own end.
BROKEN = (aiohttp.ClientError, ConnectionError, ssl.SSLError)


def now():
    return dt.datetime.now(dt.UTC)


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return development.create(tmp_path_factory.mktemp("pki"), now=now())


@pytest.fixture(scope="module")
def acme(pki):
    return development.issue(pki, ACME, now=now())


@pytest.fixture
def context(pki):
    return server_context(pki)


def server_context(pki):
    return tls.server_context(
        certificate=pki.server_certificate, key=pki.server_key, client_ca=pki.client_ca
    )


@pytest.fixture
async def server(pki, context, aiohttp_server):
    """A public and a protected route, as the gateway has them."""
    store = TrustStore.load(pki.client_ca, [pki.crl], now())

    async def public(request):
        return web.json_response({"version": tls_object(request).version()})

    async def protected(request):
        der = tls.peer_certificate(request.transport)
        assert der is tls.peer_certificate(request.transport), "taken once for a connection"
        if der is None:
            return web.json_response({"refused": "certificate-missing"}, status=401)
        store.revocation.refresh(now())
        try:
            verified = store.verify(der, now())
        except Refused as refused:
            return web.json_response({"refused": refused.reason.value}, status=401)
        return web.json_response({"party": verified.party, "thumbprint": verified.thumbprint})

    app = web.Application()
    app[CONTEXT] = context
    app.router.add_get("/public", public)
    app.router.add_get("/protected", protected)
    return await aiohttp_server(app, host="localhost", ssl=context)


def tls_object(request):
    return request.transport.get_extra_info("ssl_object")


async def ask(server, context, path="/protected"):
    connector = aiohttp.TCPConnector(ssl=context)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get(server.make_url(path)) as response,
    ):
        return await response.json()


def client(pki, one=None):
    return tls.client_context(
        pki.server_ca, one.certificate if one else None, one.key if one else None
    )


async def test_without_a_certificate_the_public_routes_answer_and_the_others_say_what_is_missing(
    pki, server
):
    assert await ask(server, client(pki), "/public") == {"version": "TLSv1.3"}
    assert await ask(server, client(pki)) == {"refused": "certificate-missing"}


async def test_the_right_certificate_says_who_is_there(pki, server, acme):
    expected = {"party": "organisation:acme", "thumbprint": acme.thumbprint}
    assert await ask(server, client(pki, acme)) == expected


async def test_the_servers_certificate_is_verified_by_the_client(pki, server, tmp_path, acme):
    other = development.create(tmp_path / "other", now=now())
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await ask(server, client(other, acme))


async def test_an_expired_certificate_does_not_connect(pki, server):
    past = Validity(now() - 2 * DAY, now() - DAY)
    expired = development.issue(pki, ACME, now=now(), validity=past)
    with pytest.raises(BROKEN):
        await ask(server, client(pki, expired), "/public")


async def test_a_certificate_of_another_authority_does_not_connect(pki, server, tmp_path):
    other = development.create(tmp_path / "other", now=now())
    with pytest.raises(BROKEN):
        await ask(server, client(pki, development.issue(other, ACME, now=now())))


async def test_the_servers_own_certificate_is_no_clients(pki, server):
    context = tls.client_context(pki.server_ca, pki.server_certificate, pki.server_key)
    with pytest.raises(BROKEN):
        await ask(server, context)


async def test_a_server_certificate_of_the_participant_authority_is_no_clients(
    pki, server, tmp_path
):
    issuer = development._load_authority(pki, "participant-issuing")
    key = ec.generate_private_key(ec.SECP256R1())
    validity = Validity(now() - DAY, now() + DAY)
    certificate = profiles.server(key.public_key(), ["localhost"], validity, issuer)
    with pytest.raises(BROKEN):
        await ask(server, write_client(pki, tmp_path, certificate, key))


async def test_a_certificate_not_made_to_the_letter_of_rfc_5280_does_not_connect(
    pki, server, tmp_path
):
    issuer = development._load_authority(pki, "participant-issuing")
    key = ec.generate_private_key(ec.SECP256R1())
    validity = Validity(now() - DAY, now() + DAY)
    # Without the key identifiers that RFC 5280 section 4.2.1.1 demands, it still adds up.
    certificate = (
        x509.CertificateBuilder(
            issuer.certificate.subject,
            profiles._subject("acme", "organisation"),
            key.public_key(),
            x509.random_serial_number(),
            validity.start,
            validity.end,
        )
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(issuer.key, hashes.SHA256())
    )
    context = server.app[CONTEXT]
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    asked = write_client(pki, tmp_path, certificate, key)
    assert await ask(server, asked) == {"refused": "certificate-not-valid"}
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with pytest.raises(BROKEN):
        await ask(server, write_client(pki, tmp_path, certificate, key))


def write_client(pki, directory, certificate, key):
    path = directory / "client.pem"
    path.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM) + development._private_pem(key)
    )
    return tls.client_context(pki.server_ca, path)


def held_connection(connector):
    return next(iter(connector._conns.values()))[0][0]


async def test_a_revocation_ends_a_connection_that_is_open(pki, server):
    one = development.issue(pki, ACME, now=now())
    connector = aiohttp.TCPConnector(ssl=client(pki, one), limit=1)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def once():
            async with session.get(server.make_url("/protected")) as response:
                return await response.json()

        before = await once()
        assert before["party"] == "organisation:acme"
        held = held_connection(connector)
        development.revoke(pki, one.serial, now=now())
        after = await once()
        assert after == {"refused": "certificate-revoked"}
        assert held_connection(connector) is held, "it was the same connection"


def lax(pki, one):
    """A client that would speak anything, to show that it is the server which does not."""
    context = tls.client_context(pki.server_ca, one.certificate, one.key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.options &= ~ssl.OP_NO_RENEGOTIATION
    return context


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
async def test_old_versions_are_not_spoken(pki, server, acme, version):
    context = lax(pki, acme)
    context.minimum_version = ssl.TLSVersion[version]
    context.maximum_version = ssl.TLSVersion[version]
    with pytest.raises(BROKEN):
        await ask(server, context, "/public")


@pytest.mark.parametrize(
    ("suite", "spoken"),
    [(suite, True) for suite in tls.TLS12_SUITES if "ECDSA" in suite]
    + [
        ("ECDHE-ECDSA-AES128-SHA", False),
        ("ECDHE-ECDSA-AES256-SHA384", False),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", False),
        ("ECDHE-ECDSA-AES128-CCM8", False),
        ("AES128-GCM-SHA256", False),
        ("DHE-RSA-AES128-GCM-SHA256", False),
        ("ECDHE-ECDSA-NULL-SHA", False),
        ("AECDH-AES128-SHA", False),
    ],
)
async def test_of_tls_1_2_only_the_suites_of_rfc_9325_are_spoken(pki, server, acme, suite, spoken):
    context = lax(pki, acme)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(f"{suite}:@SECLEVEL=0")
    if spoken:
        assert await ask(server, context, "/public") == {"version": "TLSv1.2"}
    else:
        with pytest.raises(BROKEN):
            await ask(server, context, "/public")


async def test_a_server_that_is_lax_would_have_spoken_them(pki, acme, aiohttp_server):
    context = server_context(pki)
    context.set_ciphers("ALL:@SECLEVEL=0")

    async def handler(_):
        return web.json_response({})

    app = web.Application()
    app.router.add_get("/public", handler)
    server = await aiohttp_server(app, host="localhost", ssl=context)
    with_cbc = lax(pki, acme)
    with_cbc.maximum_version = ssl.TLSVersion.TLSv1_2
    with_cbc.set_ciphers("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0")
    assert await ask(server, with_cbc, "/public") == {}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_resumed_connection_is_still_bound_to_its_certificate(pki, server, acme, version):
    """Also shown: no compression, HTTP/1.1 agreed on."""
    context = client(pki, acme)
    context.maximum_version = version

    def connect(session):
        with (
            socket.create_connection(("localhost", server.port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname="localhost", session=session) as secured,
        ):
            secured.sendall(b"GET /protected HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            answer = b"".join(iter(lambda: secured.recv(4096), b""))
            assert secured.compression() is None
            assert secured.selected_alpn_protocol() == "http/1.1"
            return secured.session, secured.session_reused, answer

    session, reused, first = await asyncio.to_thread(connect, None)
    assert not reused
    _, reused, second = await asyncio.to_thread(connect, session)
    assert reused
    for answer in (first, second):
        assert acme.thumbprint.encode() in answer


def test_renegotiation_compression_and_early_data_are_off(context):
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.verify_mode is ssl.CERT_OPTIONAL
    assert context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    spoken = {suite["name"] for suite in context.get_ciphers() if suite["protocol"] != "TLSv1.3"}
    assert spoken == set(tls.TLS12_SUITES)


async def test_a_new_certificate_is_used_from_the_next_connection_on(
    pki, server, context, acme, tmp_path
):
    other = development.create(tmp_path / "other", now=now())
    with pytest.raises(ssl.SSLError):
        tls.replace_certificate(context, certificate=other.server_certificate, key=pki.server_key)
    assert (await ask(server, client(pki, acme)))["party"] == "organisation:acme"
    tls.replace_certificate(context, certificate=other.server_certificate, key=other.server_key)
    with pytest.raises(aiohttp.ClientConnectorCertificateError):
        await ask(server, client(pki, acme))
    renewed = tls.client_context(other.server_ca, acme.certificate, acme.key)
    assert (await ask(server, renewed))["party"] == "organisation:acme"


def test_a_file_that_cannot_be_used_is_told_at_the_start(pki, tmp_path):
    with pytest.raises(OSError, match="No such file"):
        tls.server_context(
            certificate=tmp_path / "none", key=pki.server_key, client_ca=pki.client_ca
        )


def test_without_a_connection_there_is_no_certificate():
    assert tls.peer_certificate(None) is None
    assert tls.peer_certificate(asyncio.Transport()) is None


def test_certificates_are_remembered_for_as_long_as_the_connection_lives(pki, acme):
    """With uvloop, whose transports cannot themselves be remembered weakly."""

    async def story():
        seen = []

        async def handle(reader, writer):
            seen.append(tls.peer_certificate(writer.transport))
            seen.append(tls.peer_certificate(writer.transport))
            writer.close()

        server = await asyncio.start_server(handle, "localhost", 0, ssl=server_context(pki))
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port, ssl=client(pki, acme))
        await reader.read()
        writer.close()
        server.close()
        return seen

    before = len(tls._peers)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        first, second = runner.run(story())
    assert thumbprint(first) == acme.thumbprint
    assert first is second
    gc.collect()
    assert len(tls._peers) <= before
