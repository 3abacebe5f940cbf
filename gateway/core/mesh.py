"""The words of the MESH API: headers, chunk ranges, workflows, filters and versions, read strictly.

From the published specification (mesh-api.yaml of NHSDigital). What a sender says in a header is
printable ASCII of a bounded length, and stands there once: it goes back out in headers.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from gateway.core.limits import (
    MESH_CHECKSUM_CHARS,
    MESH_CHUNKS,
    MESH_MAILBOX_CHARS,
    MESH_SUBJECT_CHARS,
    MESH_TEXT_CHARS,
    MESH_WORKFLOW_CHARS,
)
from gateway.core.refusal import Reason, Refused
from gateway.core.what_for import WhatFor, of_subject

# What a sender puts on a file, and what comes back for it. By MESH's convention an answer has the
# workflow of what it answers, with _ACK.
SUBMISSION: Final = "CMS_SUBMISSION"
OUTCOME: Final = "CMS_SUBMISSION_ACK"
RECEIPT: Final = "CMS_SUBMISSION_RECEIPT"
REQUEST: Final = "CMS_REQUEST"
WORKFLOWS: Final = (SUBMISSION, OUTCOME, RECEIPT, REQUEST)

BY_DEFAULT: Final = "application/octet-stream"
_RANGE: Final = re.compile(r"([0-9]{1,6})\s*:\s*([0-9]{1,6})", re.ASCII)
_VERSION: Final = re.compile(r"application/vnd\.mesh\.v([0-9]{1,3})\+json", re.ASCII)
_CHECKSUM: Final = re.compile(r"(?:(md5|sha-?1|sha-?256)[:\s-]\s*)?([0-9A-Fa-f]+)", re.ASCII)
_DIGESTS: Final = {32: "md5", 40: "sha1", 64: "sha256"}

# A header by its name: every value that was sent under it.
Header = Callable[[str], Sequence[str]]


class Labels(msgspec.Struct, frozen=True, kw_only=True):
    """What a sender wrote on a message. Names may be personal data, so these are kept sealed."""

    workflow: str
    local_id: str = ""
    subject: str = ""
    filename: str = ""
    partner_id: str = ""
    content_type: str = ""
    checksum: str = ""
    compressed: bool = False

    @property
    def what_for(self) -> WhatFor:
        """The request this answers or the submission it completes: a subject that is an id."""
        return of_subject(self.subject)


def read_labels(header: Header, mailbox: str, recipient: str) -> Labels:
    """The labels of a message from a mailbox to ours; raises Refused, naming the header."""
    if _text(header, "Mex-To", MESH_MAILBOX_CHARS).upper() != recipient:
        raise Refused(Reason.RECIPIENT_UNKNOWN)
    if _text(header, "Mex-From", MESH_MAILBOX_CHARS).upper() not in {"", mailbox}:
        raise _bad("Mex-From")
    workflow = _text(header, "Mex-WorkflowID", MESH_WORKFLOW_CHARS)
    if workflow != SUBMISSION:
        raise Refused(Reason.WORKFLOW_UNKNOWN)
    if _flag(header, "Mex-Content-Encrypted"):
        raise Refused(
            Reason.MESSAGE_HEADER_NOT_VALID,
            "Mex-Content-Encrypted: send the file itself; TLS and our sealing protect it.",
        )
    content_type = _text(header, "Mex-Content-Type", MESH_MAILBOX_CHARS)
    if not content_type:
        content_type = _text(header, "Content-Type", MESH_TEXT_CHARS)
    labels = Labels(
        workflow=workflow,
        local_id=_text(header, "Mex-LocalID", MESH_TEXT_CHARS),
        subject=_text(header, "Mex-Subject", MESH_SUBJECT_CHARS),
        filename=_text(header, "Mex-FileName", MESH_TEXT_CHARS),
        partner_id=_text(header, "Mex-PartnerID", MESH_SUBJECT_CHARS),
        content_type="" if content_type.lower().startswith(BY_DEFAULT) else content_type,
        checksum=_text(header, "Mex-Content-Checksum", MESH_CHECKSUM_CHARS),
        compressed=_flag(header, "Mex-Content-Compressed"),
    )
    checksum(labels.checksum)
    return labels


def _text(header: Header, name: str, longest: int) -> str:
    values = header(name)
    text = values[0].strip() if values else ""
    if len(values) > 1 or len(text) > longest or not text.isascii() or not text.isprintable():
        raise _bad(name)
    return text


def _flag(header: Header, name: str) -> bool:
    text = _text(header, name, MESH_MAILBOX_CHARS).upper()
    if text not in {"", "Y", "N", "TRUE", "FALSE"}:
        raise _bad(name)
    return text in {"Y", "TRUE"}


def _bad(name: str) -> Refused:
    return Refused(Reason.MESSAGE_HEADER_NOT_VALID, f"The header at fault is {name}.")


def checksum(text: str) -> tuple[str, bytes] | None:
    """The (hashlib name, digest) that a Mex-Content-Checksum says; None where it says nothing.

    MD5, SHA-1 or SHA-256 in hexadecimal, told by its length, with or without the algorithm in
    front (`sha256:...`). Raises Refused(DIGEST_NOT_VALID) for anything else: what cannot be checked
    must not look as if it had been.
    """
    if not text:
        return None
    match = _CHECKSUM.fullmatch(text.strip().lower())
    name = None if match is None else _DIGESTS.get(len(match[2]))
    if match is None or name is None or (match[1] or name).replace("-", "") != name:
        raise Refused(
            Reason.DIGEST_NOT_VALID,
            "Mex-Content-Checksum is SHA-256, or MD5 or SHA-1, of the file, in hexadecimal.",
        )
    return name, binascii.unhexlify(match[2])


def encoding(header: Header) -> str | None:
    """`gzip`, or None for a plain chunk; raises Refused(MESSAGE_ENCODING_UNKNOWN)."""
    text = ",".join(header("Content-Encoding")).strip().lower()
    if text not in {"", "identity", "gzip"}:
        raise Refused(Reason.MESSAGE_ENCODING_UNKNOWN)
    return "gzip" if text == "gzip" else None


def chunk_range(header: Header, number: int) -> int:
    """How many chunks the message has that this is number `number` of, from 1.

    Without the header it is the first of one. Raises Refused.
    """
    values = header("Mex-Chunk-Range")
    if not values and number == 1:
        return 1
    match = _RANGE.fullmatch(values[0].strip()) if len(values) == 1 else None
    if match is None or not 1 <= int(match[2]) <= MESH_CHUNKS:
        raise Refused(
            Reason.MESSAGE_HEADER_NOT_VALID,
            f"Mex-Chunk-Range is 'k:n', with n from 1 to {MESH_CHUNKS}.",
        )
    if int(match[1]) > int(match[2]):
        raise Refused(Reason.CHUNK_BEYOND_LAST)
    if int(match[1]) != number:
        raise Refused(
            Reason.MESSAGE_HEADER_NOT_VALID, "Mex-Chunk-Range names another chunk than the address."
        )
    return int(match[2])


def version(accept: str | None) -> int:
    """1 or 2: which of MESH's JSON forms an Accept header asks for; raises Refused."""
    for part in (accept or "").split(","):
        name = part.partition(";")[0].strip().lower()
        if "vnd.mesh" in name:
            match = _VERSION.fullmatch(name)
            if match is None or match[1] not in {"1", "2"}:
                raise Refused(
                    Reason.PARAMETER_NOT_VALID, "Accept is application/vnd.mesh.v2+json, or v1."
                )
            return int(match[1])
    return 1


def media_type_of(accepted: int) -> str:
    """The media type of an answer in a version."""
    return "application/json" if accepted < 2 else "application/vnd.mesh.v2+json"


def workflows_matching(pattern: str | None) -> tuple[str, ...]:
    """The workflow ids of an inbox that a filter lets through.

    `!` in front turns it round, `*` at the end is any ending, `*` on both sides any place. Raises
    Refused(PARAMETER_NOT_VALID) for a filter longer than a workflow id can be.
    """
    text = (pattern or "").strip()
    if len(text) > MESH_WORKFLOW_CHARS:
        raise Refused(Reason.PARAMETER_NOT_VALID, "workflow_filter is too long.")
    if not text:
        return WORKFLOWS
    turned, text = text.startswith("!"), text.removeprefix("!")
    core = text.removeprefix("*").removesuffix("*")

    def fits(workflow: str) -> bool:
        if text.startswith("*"):
            return core in workflow if text.endswith("*") else workflow.endswith(core)
        return workflow.startswith(core) if text.endswith("*") else workflow == core

    return tuple(workflow for workflow in WORKFLOWS if fits(workflow) != turned)


def piece(data: bytes, number: int, chunk_bytes: int) -> tuple[bytes, int]:
    """Chunk `number`, from 1, of a message that goes out, and how many it has.

    Raises Refused(NOT_FOUND) beyond the last.
    """
    total = max(1, -(-len(data) // chunk_bytes))
    if not 1 <= number <= total:
        raise Refused(Reason.NOT_FOUND)
    return data[(number - 1) * chunk_bytes : number * chunk_bytes], total
