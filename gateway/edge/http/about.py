"""Handlers that anybody may call: keys, the ledger, formats, health, figures and documentation."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from gateway.core.refusal import Reason, Refused
from gateway.core.tiles import parse_path
from gateway.edge.http.exchange import credentials, small_body
from gateway.edge.http.form import form_fields
from gateway.edge.http.keys import FRONT
from gateway.edge.http.pages import documentation
from gateway.edge.http.problem import described
from gateway.edge.metrics import CONTENT_TYPE

_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_IMMUTABLE = {"Cache-Control": "public, max-age=31536000, immutable"}


async def token(request: web.Request) -> web.Response:
    """POST /oauth2/token: client credentials with private_key_jwt (RFC 6749, 7523, 8705)."""
    front = request.app[FRONT]
    shown = credentials(request)
    front.door.check_certificate(shown)  # before a byte of the body is waited for
    fields = form_fields(await small_body(request))
    if (
        fields.get("grant_type") != "client_credentials"
        or fields.get("client_assertion_type") != _ASSERTION_TYPE
        or "client_assertion" not in fields
    ):
        raise Refused(
            Reason.PARAMETER_NOT_VALID,
            "Send grant_type=client_credentials, client_assertion_type and client_assertion.",
        )
    issued = await front.door.token(
        shown,
        fields["client_assertion"],
        fields.get("scope"),
        front.issuer,
    )
    return web.json_response(
        {
            "access_token": issued.token,
            "token_type": "Bearer",
            "expires_in": issued.expires_in,
            "scope": issued.scope,
        },
    )


async def authorization_server(request: web.Request) -> web.Response:
    """GET /.well-known/oauth-authorization-server (RFC 8414, RFC 8705 section 3.3)."""
    issuer = request.app[FRONT].issuer
    return web.json_response(
        {
            "issuer": issuer,
            "token_endpoint": f"{issuer}/oauth2/token",
            "jwks_uri": f"{issuer}/.well-known/jwks.json",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256", "PS256", "EdDSA"],
            "tls_client_certificate_bound_access_tokens": True,
            "scopes_supported": ["feeds", "requests", "submissions"],
        },
    )


async def jwks(request: web.Request) -> web.Response:
    """GET /.well-known/jwks.json: the keys of tokens and receipts."""
    return web.json_response(request.app[FRONT].jwks)


async def vkey(request: web.Request) -> web.Response:
    """GET /v1/ledger/vkey: the one key with which everything can be verified."""
    return web.Response(text=request.app[FRONT].vkey + "\n")


async def checkpoint(request: web.Request) -> web.Response:
    """GET /v1/ledger/checkpoint (C2SP tlog-tiles)."""
    return web.Response(text=request.app[FRONT].evidence.checkpoint()[1])


async def tile(request: web.Request) -> web.Response:
    """GET /v1/ledger/tile/...: hashes or entries (C2SP tlog-tiles)."""
    evidence = request.app[FRONT].evidence
    try:
        wanted = parse_path("tile/" + request.match_info["path"])
        if wanted.level is None:
            body = evidence.entries_tile(wanted.index, wanted.width)
        else:
            body = evidence.tile(wanted.level, wanted.index, wanted.width)
    except (ValueError, LookupError) as error:
        raise Refused(Reason.NOT_FOUND) from error
    return web.Response(body=body, content_type="application/octet-stream", headers=_IMMUTABLE)


async def proof(request: web.Request) -> web.Response:
    """GET /v1/ledger/proof/{index}: a tlog-proof for any entry."""
    text = request.match_info["index"]
    evidence = request.app[FRONT].evidence
    if len(text) > 18 or int(text) >= evidence.size:
        raise Refused(Reason.NOT_FOUND)
    return web.Response(text=evidence.proof(int(text)))


async def formats(request: web.Request) -> web.Response:
    """GET /v1/formats: what can be sent, by whom, under which media type."""
    listed: list[dict[str, Any]] = [
        {
            "name": a.name,
            "title": a.title,
            "media_types": a.media_types,
            "general_media_types": a.general_media_types,
            "classes": sorted(a.provider_classes),
            "record_types": sorted(a.record_types),
            "accepted_in_part": a.partial,
            "limit_bytes": a.limit_bytes,
            "schema": a.schema,
        }
        for a in request.app[FRONT].formats
    ]
    return web.json_response({"formats": listed})


async def template(request: web.Request) -> web.Response:
    """GET /v1/templates/{file}: an empty table of a record type, by its file name."""
    name = request.match_info["file"]
    found = await asyncio.to_thread(request.app[FRONT].template, name)
    if found is None:
        raise Refused(Reason.NOT_FOUND)
    body, kind = found
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return web.Response(body=body, content_type=kind, headers=headers)


async def record_schema(request: web.Request) -> web.Response:
    """GET /v1/schemas/{file}: the JSON Schema of a record type."""
    body = request.app[FRONT].schemas.get(request.match_info["file"])
    if body is None:
        raise Refused(Reason.NOT_FOUND)
    return web.Response(body=body, content_type="application/schema+json")


async def problem_type(request: web.Request) -> web.Response:
    """GET /problems/{slug}: what a problem type means."""
    return web.json_response(described(request.match_info["slug"]))


async def openapi(request: web.Request) -> web.Response:
    """GET /openapi.json."""
    return web.Response(body=request.app[FRONT].openapi, content_type="application/json")


async def docs(request: web.Request) -> web.Response:
    """GET /docs: the API as a page, without anything from elsewhere."""
    page = documentation(json.loads(request.app[FRONT].openapi))
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    return web.Response(
        text=page,
        content_type="text/html",
        headers={"Content-Security-Policy": policy},
    )


async def live(_: web.Request) -> web.Response:
    """GET /health/live: the process answers."""
    return web.json_response({"status": "live"})


async def ready(request: web.Request) -> web.Response:
    """GET /health/ready: the gateway can take submissions."""
    why = request.app[FRONT].ready()
    if why is not None:
        raise Refused(Reason.STORE_UNAVAILABLE, why, retry_after=5)
    return web.json_response({"status": "ready"})


async def metrics(request: web.Request) -> web.Response:
    """GET /metrics, for Prometheus."""
    body = request.app[FRONT].metrics.render()
    return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})
