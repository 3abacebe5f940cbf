"""What each reason for a refusal means: the one table."""

from __future__ import annotations

from typing import Final

from gateway.core.mailbox_meanings import MAILBOX_MEANINGS
from gateway.core.reason import Meaning, Reason


def _meaning(reason: Reason, status: int, title: str, fix: str) -> tuple[Reason, Meaning]:
    return reason, Meaning(reason.value, status, title, fix)


MEANINGS: Final[dict[Reason, Meaning]] = dict(
    [
        _meaning(
            Reason.CERTIFICATE_MISSING,
            401,
            "A client certificate is needed",
            "Connect with the certificate issued to your organisation.",
        ),
        _meaning(
            Reason.CERTIFICATE_NOT_VALID,
            401,
            "The client certificate is not valid",
            "Use a certificate of the participant authority that is valid today.",
        ),
        _meaning(
            Reason.CERTIFICATE_REVOKED,
            401,
            "The client certificate has been revoked",
            "Ask for a new certificate; this one can no longer be used.",
        ),
        _meaning(
            Reason.CERTIFICATE_UNKNOWN,
            401,
            "The client certificate is not registered",
            "Register the certificate for your organisation before using it.",
        ),
        _meaning(
            Reason.TOKEN_MISSING,
            401,
            "An access token is needed",
            "Get a token from /oauth2/token and send it as 'Authorization: Bearer ...'.",
        ),
        _meaning(
            Reason.TOKEN_NOT_VALID,
            401,
            "The access token is not valid",
            "Get a new token from /oauth2/token.",
        ),
        _meaning(
            Reason.TOKEN_EXPIRED,
            401,
            "The access token has expired",
            "Get a new token from /oauth2/token.",
        ),
        _meaning(
            Reason.TOKEN_BOUND_ELSEWHERE,
            401,
            "The token belongs to another certificate",
            "Use the token on a connection made with the certificate it was issued to.",
        ),
        _meaning(
            Reason.CLIENT_NOT_VALID,
            401,
            "The client could not be authenticated",
            "Check the client id, the key and the audience of the client assertion.",
        ),
        _meaning(
            Reason.ASSERTION_REPLAYED,
            401,
            "The client assertion was used before",
            "Make a new assertion with a fresh 'jti' for each token request.",
        ),
        _meaning(
            Reason.NOT_PERMITTED,
            403,
            "This is not permitted",
            "Use a client that has the scope this operation needs.",
        ),
        _meaning(
            Reason.CLASS_NOT_ENTITLED,
            403,
            "Your organisation may not send this",
            "Send a format that belongs to one of your organisation's provider classes.",
        ),
        _meaning(
            Reason.NO_PURPOSE,
            403,
            "No purpose in law covers this",
            "Name the information request that this answers, with the Request-Id header.",
        ),
        _meaning(
            Reason.REQUEST_NOT_FOUND,
            404,
            "There is no such information request",
            "Check the request id; it must be one that was sent to your organisation.",
        ),
        _meaning(
            Reason.REQUEST_STATE,
            409,
            "The request does not stand where this is possible",
            "Look at the request again; its state says what is still to be done.",
        ),
        _meaning(
            Reason.REQUEST_WITHDRAWN,
            409,
            "The request was withdrawn",
            "Send nothing more for it; nothing of this file was kept.",
        ),
        _meaning(
            Reason.CODE_NOT_VALID,
            403,
            "The access code cannot be used",
            "Check each letter against the notice. A code works once, and until the day it names.",
        ),
        _meaning(
            Reason.NOT_FOUND,
            404,
            "There is nothing here",
            "Check the address, or the id; it must belong to your organisation.",
        ),
        _meaning(
            Reason.METHOD_NOT_ALLOWED,
            405,
            "This method is not allowed here",
            "See /openapi.json for what each address accepts.",
        ),
        _meaning(
            Reason.BODY_EMPTY,
            400,
            "The body is empty",
            "Send the file itself as the body of the request.",
        ),
        _meaning(
            Reason.BODY_TOO_LARGE,
            413,
            "The body is larger than allowed",
            "Split the file, or send it compressed.",
        ),
        _meaning(
            Reason.BODY_TRUNCATED,
            400,
            "The body ended early",
            "Send the file again; nothing of it was kept.",
        ),
        _meaning(
            Reason.BODY_TOO_SLOW,
            408,
            "The body took too long to arrive",
            "Send the file again over a faster connection; nothing of it was kept.",
        ),
        _meaning(
            Reason.CONTENT_TYPE_MISSING,
            415,
            "The Content-Type is missing",
            "Say with Content-Type which format the body has; /v1/formats lists them.",
        ),
        _meaning(
            Reason.CONTENT_TYPE_UNKNOWN,
            415,
            "The Content-Type is not one we read",
            "Use one of the media types that /v1/formats lists.",
        ),
        _meaning(
            Reason.CONTENT_ENCODING_UNKNOWN,
            415,
            "The Content-Encoding is not supported",
            "Send the body plain, or with Content-Encoding: gzip or zstd.",
        ),
        _meaning(
            Reason.DECOMPRESSION_LIMIT,
            413,
            "The body expands beyond the limits",
            "Send the file uncompressed, or split it.",
        ),
        _meaning(
            Reason.DIGEST_NOT_VALID,
            400,
            "The Content-Digest cannot be read",
            "Send 'Content-Digest: sha-256=:<base64>:' (RFC 9530).",
        ),
        _meaning(
            Reason.DIGEST_MISMATCH,
            400,
            "The body does not match its Content-Digest",
            "Send the file again; what arrived is not what the digest was made of.",
        ),
        _meaning(
            Reason.IDEMPOTENCY_KEY_NOT_VALID,
            400,
            "The Idempotency-Key cannot be read",
            'Send a quoted string of 1 to 64 printable characters, such as "pay-2026-10".',
        ),
        _meaning(
            Reason.IDEMPOTENCY_KEY_REUSED,
            422,
            "The Idempotency-Key was used for another body",
            "Use a new key for a new file; repeat a key only with the same bytes.",
        ),
        _meaning(
            Reason.IDEMPOTENCY_KEY_IN_FLIGHT,
            409,
            "The first request with this key is running",
            "Wait a moment and send the same request again to get its outcome.",
        ),
        _meaning(
            Reason.NOT_OPEN,
            404,
            "There is no submission with rows to complete",
            "Name with Completes a submission of yours that has refused rows still to be sent.",
        ),
        _meaning(
            Reason.AMENDED_MEANWHILE,
            409,
            "Another file completed some of these rows meanwhile",
            "Send the same file again; rows that were accepted meanwhile are left out.",
        ),
        _meaning(
            Reason.OUTCOME_TO_COME,
            409,
            "The outcome of the file is still to come",
            "Wait for the outcome with ?wait=60 at the submission, then ask for this again.",
        ),
        _meaning(
            Reason.NOT_OFFERED,
            406,
            "This form is not offered for this submission",
            "Ask for the errors as CSV (Accept: text/csv) and mend your own copy of the file.",
        ),
        _meaning(
            Reason.CONTENT_GONE,
            410,
            "What was sent is not kept",
            "Mend your own copy of the file by the errors and send it again.",
        ),
        _meaning(
            Reason.PARAMETER_NOT_VALID,
            400,
            "A parameter is not valid",
            "See /openapi.json for the values that are allowed.",
        ),
        _meaning(
            Reason.OFFSET_MISMATCH,
            409,
            "The upload does not continue where it stopped",
            "Ask with HEAD how much has arrived and continue from there.",
        ),
        _meaning(
            Reason.CHECKSUM_MISMATCH,
            460,
            "The part does not match its Upload-Checksum",
            "Send the part again from the same offset; nothing of it was kept.",
        ),
        _meaning(
            Reason.ARCHIVE_NOT_VALID,
            422,
            "The archive and its manifest cannot be used",
            "Make the archive again as docs/ways-in.md says; nothing of it was taken.",
        ),
        _meaning(
            Reason.XML_NOT_WELL_FORMED,
            422,
            "The XML is not well formed",
            "Open the file in an XML editor and mend the place named.",
        ),
        _meaning(
            Reason.XML_FORBIDDEN,
            422,
            "The XML uses something that is not allowed",
            "Remove document type declarations, entities and inclusions, and send it again.",
        ),
        _meaning(
            Reason.XML_NOT_VALID,
            422,
            "The XML does not follow its schema",
            "Compare the element named with the schema published for this format.",
        ),
        _meaning(
            Reason.SIGNATURE_NOT_VALID,
            422,
            "The XML signature does not verify",
            "Sign the message again after its last change.",
        ),
        _meaning(
            Reason.JSON_NOT_WELL_FORMED,
            422,
            "The JSON is not well formed",
            "Mend the place named; names must be unique and text must be UTF-8.",
        ),
        _meaning(
            Reason.JSON_NOT_VALID,
            422,
            "The JSON does not follow its schema",
            "Compare the member named with the schema published for this format.",
        ),
        _meaning(
            Reason.CSV_NOT_WELL_FORMED,
            422,
            "The CSV cannot be read",
            "Save the file again as CSV, with the header line of the template.",
        ),
        _meaning(
            Reason.WORKBOOK_NOT_VALID,
            422,
            "The workbook cannot be read",
            "Save the file again as .xlsx, with the sheets and header lines of the template.",
        ),
        _meaning(
            Reason.CHARACTER_SET,
            422,
            "The character set cannot be read",
            "Save the file as UTF-8 and send it again.",
        ),
        _meaning(
            Reason.FILE_RULE,
            422,
            "The file breaks a rule for the whole file",
            "Mend what the errors name and send the whole file again.",
        ),
        _meaning(
            Reason.NOTHING_ACCEPTED,
            422,
            "No row could be accepted",
            "Mend the rows that the errors name and send the file again.",
        ),
        _meaning(
            Reason.BUSY,
            503,
            "The gateway is busy",
            "Send the request again after the time in Retry-After.",
        ),
        _meaning(
            Reason.RATE_LIMITED,
            429,
            "Too many requests",
            "Wait for the time in Retry-After before the next request.",
        ),
        _meaning(
            Reason.STORE_UNAVAILABLE,
            503,
            "The gateway cannot store anything at the moment",
            "Send the same request, with the same Idempotency-Key, again later.",
        ),
        _meaning(
            Reason.INTERNAL,
            500,
            "Something went wrong in the gateway",
            "Send the same request again; tell us the instance id if it persists.",
        ),
        *(_meaning(reason, *row) for reason, row in MAILBOX_MEANINGS.items()),
    ],
)
