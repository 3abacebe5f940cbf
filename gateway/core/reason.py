"""Every reason for a refusal, and what there is to know of one; the table is in `meaning`."""

from __future__ import annotations

import enum
from typing import NamedTuple


class Meaning(NamedTuple):
    """What a reason is called, its HTTP status, and what the sender should do next."""

    slug: str
    status: int
    title: str
    fix: str


class Reason(enum.Enum):
    """Every reason for which the gateway refuses; the value is its stable slug."""

    # who is asking
    CERTIFICATE_MISSING = "certificate-missing"
    CERTIFICATE_NOT_VALID = "certificate-not-valid"
    CERTIFICATE_REVOKED = "certificate-revoked"
    CERTIFICATE_UNKNOWN = "certificate-unknown"
    TOKEN_MISSING = "token-missing"  # noqa: S105 - a slug, not a secret
    TOKEN_NOT_VALID = "token-not-valid"  # noqa: S105
    TOKEN_EXPIRED = "token-expired"  # noqa: S105
    TOKEN_BOUND_ELSEWHERE = "token-bound-elsewhere"  # noqa: S105
    CLIENT_NOT_VALID = "client-not-valid"
    ASSERTION_REPLAYED = "assertion-replayed"
    NOT_PERMITTED = "not-permitted"
    # what may be sent
    CLASS_NOT_ENTITLED = "class-not-entitled"
    NO_PURPOSE = "no-purpose"
    REQUEST_NOT_FOUND = "request-not-found"
    REQUEST_STATE = "request-state"
    REQUEST_WITHDRAWN = "request-withdrawn"
    CODE_NOT_VALID = "code-not-valid"
    NOT_FOUND = "not-found"
    METHOD_NOT_ALLOWED = "method-not-allowed"
    # the message
    BODY_EMPTY = "body-empty"
    BODY_TOO_LARGE = "body-too-large"
    BODY_TRUNCATED = "body-truncated"
    BODY_TOO_SLOW = "body-too-slow"
    CONTENT_TYPE_MISSING = "content-type-missing"
    CONTENT_TYPE_UNKNOWN = "content-type-unknown"
    CONTENT_ENCODING_UNKNOWN = "content-encoding-unknown"
    DECOMPRESSION_LIMIT = "decompression-limit"
    DIGEST_NOT_VALID = "digest-not-valid"
    DIGEST_MISMATCH = "digest-mismatch"
    IDEMPOTENCY_KEY_NOT_VALID = "idempotency-key-not-valid"
    IDEMPOTENCY_KEY_REUSED = "idempotency-key-reused"
    IDEMPOTENCY_KEY_IN_FLIGHT = "idempotency-key-in-flight"
    PARAMETER_NOT_VALID = "parameter-not-valid"
    NOT_OPEN = "not-open"
    AMENDED_MEANWHILE = "amended-meanwhile"
    OUTCOME_TO_COME = "outcome-to-come"
    NOT_OFFERED = "not-offered"
    CONTENT_GONE = "content-gone"
    OFFSET_MISMATCH = "offset-mismatch"
    CHECKSUM_MISMATCH = "checksum-mismatch"
    ARCHIVE_NOT_VALID = "archive-not-valid"
    # the content
    XML_NOT_WELL_FORMED = "xml-not-well-formed"
    XML_FORBIDDEN = "xml-forbidden"
    XML_NOT_VALID = "xml-not-valid"
    SIGNATURE_NOT_VALID = "signature-not-valid"
    JSON_NOT_WELL_FORMED = "json-not-well-formed"
    JSON_NOT_VALID = "json-not-valid"
    CSV_NOT_WELL_FORMED = "csv-not-well-formed"
    WORKBOOK_NOT_VALID = "workbook-not-valid"
    CHARACTER_SET = "character-set"
    FILE_RULE = "file-rule"
    NOTHING_ACCEPTED = "nothing-accepted"
    # a mailbox
    MAILBOX_TOKEN_NOT_VALID = "mailbox-token-not-valid"  # noqa: S105
    MAILBOX_TOKEN_USED = "mailbox-token-used"  # noqa: S105
    RECIPIENT_UNKNOWN = "recipient-unknown"
    WORKFLOW_UNKNOWN = "workflow-unknown"
    MESSAGE_HEADER_NOT_VALID = "message-header-not-valid"
    MESSAGE_EMPTY = "message-empty"
    MESSAGE_ENCODING_UNKNOWN = "message-encoding-unknown"
    MESSAGE_LOCKED = "message-locked"
    MESSAGE_GONE = "message-gone"
    CHUNK_BEYOND_LAST = "chunk-beyond-last"
    # the gateway itself
    BUSY = "busy"
    RATE_LIMITED = "rate-limited"
    STORE_UNAVAILABLE = "store-unavailable"
    INTERNAL = "internal"
