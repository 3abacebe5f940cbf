"""application/x-www-form-urlencoded, read strictly (RFC 6749 appendix B)."""

from __future__ import annotations

from urllib.parse import parse_qsl

from gateway.core.refusal import Reason, Refused


def form_fields(body: bytes) -> dict[str, str]:
    """The fields of a form; a field that occurs twice is refused (RFC 6749 section 3.2)."""
    try:
        pairs = parse_qsl(
            body.decode("ascii"),
            strict_parsing=True,
            max_num_fields=20,
            errors="strict",
        )
    except ValueError as error:
        raise Refused(Reason.PARAMETER_NOT_VALID, "The form cannot be read.") from error
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Refused(Reason.PARAMETER_NOT_VALID, "A field of the form occurs twice.")
    return fields
