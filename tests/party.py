"""A party of the tests: its certificate, its OAuth client, and requests made as it would make them."""

from __future__ import annotations

import datetime as dt
import io
import json
import secrets
import ssl
import time
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from certs import development
from gateway.edge import tls
from gateway.edge.client_certificate import thumbprint
from gateway.wiring import Gateway, clock

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = ["submissions", "requests", "feeds"]


def days_ahead(count: int) -> str:
    """A day to come, as requests name it."""
    return (clock().date() + dt.timedelta(days=count)).isoformat()


@dataclass
class Party:
    """Speaks to a gateway over its own mutual TLS session."""

    id: str
    kind: str
    pki: development.DevelopmentPki
    issued: development.Issued
    key: ec.EllipticCurvePrivateKey
    url: str
    issuer: str
    session: aiohttp.ClientSession
    _token: str | None = field(default=None)

    def connected(self) -> aiohttp.ClientSession:
        """A new session with the same certificate."""
        context = tls.client_context(self.pki.server_ca, self.issued.certificate, self.issued.key)
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))

    @property
    def client(self) -> str:
        return f"{self.id}-client"

    def assertion(self, **changes: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": self.client,
            "sub": self.client,
            "aud": self.issuer,
            "iat": now,
            "exp": now + 60,
            "jti": secrets.token_urlsafe(16),
        } | changes
        return jwt.encode(claims, self.key, algorithm="ES256", headers={"kid": "k1"})

    async def ask_token(self, assertion: str, **fields: str) -> tuple[int, dict[str, Any]]:
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION,
            "client_assertion": assertion,
        } | fields
        async with self.session.post(f"{self.url}/oauth2/token", data=form) as response:
            return response.status, await response.json(content_type=None)

    async def token(self) -> str:
        if self._token is None:
            status, body = await self.ask_token(self.assertion())
            assert status == 200, body
            self._token = body["access_token"]
        return self._token

    async def call(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> tuple[int, Any, dict[str, str]]:
        bearer = {"Authorization": f"Bearer {await self.token()}"} | (headers or {})
        async with self.session.request(
            method,
            f"{self.url}{path}",
            headers=bearer,
            **kwargs,
        ) as response:
            raw = await response.read()
            kind = response.content_type
            body = (
                json.loads(raw)
                if raw and kind.endswith("json") and not kind.endswith("ndjson")
                else raw
            )
            return response.status, body, dict(response.headers)

    async def submit(
        self,
        body: bytes,
        media_type: str | None,
        **headers: str,
    ) -> tuple[int, Any, dict[str, str]]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if media_type is not None:
            named["Content-Type"] = media_type
        return await self.call(
            "POST",
            "/v1/submissions",
            headers=named,
            data=io.BytesIO(body) if isinstance(body, bytes) and len(body) > 500_000 else body,
            skip_auto_headers=["Content-Type"],
        )

    async def feed(self, name: str, **query: Any) -> list[dict[str, Any]]:
        status, raw, _ = await self.call("GET", f"/v1/feeds/{name}", params=query)
        assert status == 200, raw
        return [told(line) for line in raw.splitlines()]


async def enrol(
    gateway: Gateway,
    pki: development.DevelopmentPki,
    kind: str,
    identity: str,
    classes: list[str],
    url: str,
    now: dt.datetime | None = None,
) -> Party:
    """Register a party with a fresh certificate and client, and connect."""
    now = now or clock()
    issued = development.issue(pki, development.Party(kind, identity), now=now)  # type: ignore[arg-type]
    key = ec.generate_private_key(ec.SECP256R1())
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    registry = gateway.store.registry
    await registry.add_party(identity, kind, f"The {identity}", classes, now.date())
    der = ssl.PEM_cert_to_DER_cert(first_pem(issued.certificate.read_text()))
    await registry.add_certificate(identity, thumbprint(der), der)
    await registry.add_client(
        f"{identity}-client",
        identity,
        SCOPES,
        {"keys": [jwk | {"kid": "k1", "use": "sig"}]},
    )
    context = tls.client_context(pki.server_ca, issued.certificate, issued.key)
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))
    return Party(
        identity,
        kind,
        pki,
        issued,
        key,
        url,
        gateway.settings.issuer,
        session,
    )


def first_pem(text: str) -> str:
    end = "-----END CERTIFICATE-----"
    return text[: text.index(end) + len(end)] + "\n"


def told(line: bytes | str) -> dict[str, Any]:
    """What a line of a feed tells, by what it is: a block, a record or the page."""
    event = json.loads(line)
    kind = event["type"].split(".")
    return {"record" if kind[3] == "record" else kind[4]: event["data"]}
