"""TLS as the gateway speaks it; nothing else imports `ssl`.

TLS 1.3, and 1.2 with forward secrecy and authenticated encryption only. A client certificate is
asked for and verified where one is sent, but not demanded: the ledger and the health routes answer
everybody, and it is each route's policy that demands one. So the handshake decides only that a
certificate is authentic; who it names, and whether it has been revoked since, is decided on every
request by `gateway.edge.client_certificate`.

If an attacker controls the files named here, they can answer as the gateway. They cannot read
connections recorded earlier, because every key exchange is ephemeral.
"""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path
from typing import Final, Protocol
from weakref import WeakKeyDictionary

# RFC 9325 section 4.2, which is also all that FAPI 2.0 (section 5.2.2) allows with TLS 1.2. The
# suites of TLS 1.3 are all of this kind and are left as the library has them.
TLS12_SUITES: Final = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
)


class Transport(Protocol):
    """The part of an asyncio transport that is needed here."""

    def get_extra_info(self, name: str, /) -> object:
        """Return what the transport knows by this name, or None."""


# A connection's certificate never changes (there is no renegotiation), but copying it out of the
# TLS library again for each request costs more than all the rest of a cached verification.
_peers: Final[WeakKeyDictionary[ssl.SSLObject, bytes | None]] = WeakKeyDictionary()


def server_context(*, certificate: Path, key: Path, client_ca: Path) -> ssl.SSLContext:
    """Make the context of a server.

    `certificate` is the PEM chain, own certificate first; `client_ca` the PEM bundle with root and
    intermediates that client certificates are verified with. Raises OSError (`ssl.SSLError` is
    one) when a file cannot be read or the key does not fit the certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(client_ca)
    context.verify_mode = ssl.CERT_OPTIONAL
    # A participant reconnects for each file and should not pay for a full handshake each time. A
    # ticket carries the client's certificate, so a resumed connection is bound to the same one;
    # early data (0-RTT), which could be replayed, stays off as the library has it.
    context.num_tickets = 2
    return context


def client_context(
    ca: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """Make the context of a client: verify the server's certificate and name, and show our own.

    Without `ca` the machine's own trust anchors are used. Raises OSError as `server_context` does.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context)
    if ca is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(ca)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


@cache
def public_context() -> ssl.SSLContext:
    """The context of a client of public servers, to whom we show nothing; to be shared, unchanged.

    Made once a process: to load all the authorities of a machine takes tens of milliseconds.
    """
    return client_context()


def replace_certificate(context: ssl.SSLContext, *, certificate: Path, key: Path) -> None:
    """Use a new certificate for the connections that follow; open ones keep the old.

    Raises OSError, and changes nothing, when the files cannot be used.
    """
    # A context into which loading failed half-way would answer nobody, so try on another first.
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    context.load_cert_chain(certificate, key)


def peer_certificate(transport: Transport | None) -> bytes | None:
    """Return the certificate that the other side showed, in DER; None where it showed none.

    It has been verified against `client_ca` at the time of the handshake and no later. Copied out
    of the connection once; for the same connection it is the same object again.
    """
    connection = transport.get_extra_info("ssl_object") if transport is not None else None
    if not isinstance(connection, ssl.SSLObject):
        return None
    try:
        return _peers[connection]
    except KeyError:
        return _peers.setdefault(connection, connection.getpeercert(binary_form=True))


def _harden(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(":".join(TLS12_SUITES))
    context.set_alpn_protocols(["http/1.1"])
    # Compression leaks lengths (CRIME); renegotiation changes who is speaking in mid-stream.
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE | ssl.OP_SINGLE_ECDH_USE
    # Strict: a chain must follow RFC 5280 to the letter, not merely add up.
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_TRUSTED_FIRST
