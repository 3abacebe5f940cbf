"""What the reasons of the mailbox door mean: status, title and fix.

The statuses are those of the MESH API (specification/mesh-api.yaml of NHSDigital), so that a client
that knows them knows ours.
"""

from __future__ import annotations

from typing import Final

from gateway.core.reason import Reason

MAILBOX_MEANINGS: Final[dict[Reason, tuple[int, str, str]]] = {
    Reason.MAILBOX_TOKEN_NOT_VALID: (
        403,
        "The mailbox could not be authenticated",
        "Check mailbox id, password, shared key and clock; the certificate must be the owner's.",
    ),
    Reason.MAILBOX_TOKEN_USED: (
        403,
        "The authorisation token was used before",
        "Make a new token for each request, with a fresh nonce or a higher nonce count.",
    ),
    Reason.RECIPIENT_UNKNOWN: (
        417,
        "There is no such recipient",
        "Send to the gateway's own mailbox; the endpoint lookup names it.",
    ),
    Reason.WORKFLOW_UNKNOWN: (
        417,
        "The workflow is not one we take",
        "Send files with the workflow id CMS_SUBMISSION.",
    ),
    Reason.MESSAGE_HEADER_NOT_VALID: (
        417,
        "A header of the message is not valid",
        "Mend the header named and send the message again.",
    ),
    Reason.MESSAGE_EMPTY: (
        417,
        "The message or chunk is empty",
        "Send the file, or its part, as the body of the request.",
    ),
    Reason.MESSAGE_ENCODING_UNKNOWN: (
        422,
        "The Content-Encoding is not supported",
        "Send the chunk plain, or with Content-Encoding: gzip.",
    ),
    Reason.MESSAGE_LOCKED: (
        423,
        "The message takes no such chunk any more",
        "Track the message to see what became of it; send a changed file as a new message.",
    ),
    Reason.MESSAGE_GONE: (
        410,
        "The message has been acknowledged",
        "Nothing is lost: outcomes stay at /v1/submissions, and requests at /v1/requests.",
    ),
    Reason.CHUNK_BEYOND_LAST: (
        406,
        "The chunk is beyond the last one",
        "Send chunks 1 to n of 'Mex-Chunk-Range: 1:n', and no more.",
    ),
}
