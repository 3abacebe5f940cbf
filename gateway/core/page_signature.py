"""A page of a feed, signed as an HTTP message (RFC 9421) over its content's digest (RFC 9530).

The signature covers `Content-Type` and `Content-Digest` and nothing of the transport, so that it
holds wherever a page travels: in an HTTP answer, in a message of a broker, or kept beside it. The
key is that of receipts and checkpoints. A signature base begins with a quotation mark and a
checkpoint never does, so neither can pass for the other.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from http_message_signatures.exceptions import HTTPMessageSignaturesException

MEDIA_TYPE: Final = "application/x-ndjson"
TAG: Final = "cms-feed-page"
LABEL: Final = "page"
COVERED: Final = ("content-type", "content-digest")


class NotGenuine(ValueError):  # noqa: N818 - a verdict, not a fault
    """A page whose signature does not hold; the text says what is wrong, and nothing of the page."""


@dataclass(slots=True)
class _Message:
    """A message as the library looks at one; only its header fields are signed."""

    headers: dict[str, str]
    status_code: int = 200
    request: None = field(default=None, init=False)


class _OneKey(HTTPSignatureKeyResolver):
    """Knows one key by its name, whatever the message says."""

    def __init__(self, kid: str, key: Ed25519PublicKey) -> None:
        self._kid, self._key = kid, key

    def resolve_public_key(self, key_id: str) -> Ed25519PublicKey | None:
        """The key, where it is the one that is named."""
        return self._key if key_id == self._kid else None


class _Verifier(HTTPMessageVerifier):
    """Leaves the age of a signature to its reader: what the library's clock says is of no effect."""

    max_clock_skew = dt.timedelta(days=366 * 100)


_SIGNER: Final = HTTPMessageSigner(signature_algorithm=algorithms.ED25519)


def sign_page(
    content: bytes, created: dt.datetime, kid: str, sign: Callable[[bytes], bytes]
) -> dict[str, str]:
    """The header fields of a page: its type, digest, and signature; `created` is UTC."""
    message = _Message({"Content-Type": MEDIA_TYPE})
    prepared = _SIGNER.prepare(
        message, key_id=kid, created=created, label=LABEL, tag=TAG, covered_component_ids=COVERED[:1],
        body=content,
    )  # fmt: skip
    _SIGNER.apply(message, prepared, sign(prepared.signature_base))
    return message.headers


def verify_page(
    headers: Mapping[str, str], content: bytes, kid: str, key: Ed25519PublicKey
) -> dt.datetime:
    """When a page was signed, in UTC; raises NotGenuine.

    How old it may be is for the reader to say: a page may be looked at years later. `headers` may
    be named in any case; only the four that matter are read.
    """
    named = {name.lower(): value for name, value in headers.items()}
    wanted = (*COVERED, "signature-input", "signature")
    missing = [name for name in wanted if name not in named]
    if missing:
        raise NotGenuine(f"It has no {missing[0]}.")
    if named["content-type"] != MEDIA_TYPE:
        raise NotGenuine("It is not a page of a feed.")
    verifier = _Verifier(signature_algorithm=algorithms.ED25519, key_resolver=_OneKey(kid, key))
    try:
        (found,) = verifier.verify(
            _Message({name: named[name] for name in wanted}),
            max_age=None,
            expect_tag=TAG,
            require_components=COVERED,
            body=content,
        )
        return dt.datetime.fromtimestamp(float(found.parameters["created"]), dt.UTC)
    except (HTTPMessageSignaturesException, ValueError, KeyError, OverflowError) as error:
        raise NotGenuine("Its signature does not hold.") from error
