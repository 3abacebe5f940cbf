"""A refusal becomes a problem document (RFC 9457); the only place that knows both."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from aiohttp import web

from gateway.core.limits import ROW_ERRORS_SHOWN
from gateway.core.refusal import MEANINGS, Reason, Refused

MEDIA_TYPE: Final = "application/problem+json"


def document(
    refusal: Refused, issuer: str, instance: str, shown: int = ROW_ERRORS_SHOWN
) -> dict[str, Any]:
    """The problem document of a refusal; `instance` is the correlation id of the exchange."""
    meaning = refusal.meaning
    body: dict[str, Any] = {
        "type": f"{issuer}/problems/{meaning.slug}",
        "title": meaning.title,
        "status": meaning.status,
        "detail": refusal.detail or meaning.title + ".",
        "fix": meaning.fix,
        "instance": f"urn:cms-gateway:exchange:{instance}",
    }
    if refusal.errors:
        body["errors"] = msgspec.to_builtins(refusal.errors[:shown])
        body["error_count"] = refusal.error_count
    if refusal.rules:
        body["rules"] = msgspec.to_builtins(refusal.rules)
    if refusal.receipt is not None:
        body["submission"] = refusal.submission
        body["receipt"] = refusal.receipt
    return body


def problem(refusal: Refused, issuer: str, instance: str) -> web.Response:
    """The answer that carries the problem document of a refusal."""
    meaning = refusal.meaning
    body = document(refusal, issuer, instance)
    headers = {}
    if refusal.retry_after is not None:
        headers["Retry-After"] = str(refusal.retry_after)
    if meaning.status == 401:
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return web.Response(
        status=meaning.status,
        body=msgspec.json.encode(body),
        content_type=MEDIA_TYPE,
        headers=headers,
    )


def described(slug: str) -> dict[str, Any]:
    """What the address of a problem type says; raises Refused(NOT_FOUND)."""
    for meaning in MEANINGS.values():
        if meaning.slug == slug:
            return {
                "type": slug,
                "title": meaning.title,
                "status": meaning.status,
                "fix": meaning.fix,
            }
    raise Refused(Reason.NOT_FOUND)
