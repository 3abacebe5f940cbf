"""A gateway of its own process for the benchmarks: onboard, serve, say where, until told to stop."""

from __future__ import annotations

import asyncio
import json
import ssl
import sys
from pathlib import Path
from typing import Any, Literal

import jwt
import uvloop
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certs import development
from gateway.config import Settings, Tls
from gateway.edge import keyring, logs
from gateway.edge.client_certificate import thumbprint
from gateway.wiring import clock, running

PARTIES: dict[str, tuple[Literal["organisation", "consumer"], list[str]]] = {
    "employer": ("organisation", ["employer"]),
    "tracing": ("consumer", ["tracing"]),
}


def settings(directory: Path) -> Settings:
    """Settings of a gateway in a directory, with a development PKI made there."""
    pki = development.create(directory / "pki", now=clock())
    if not (directory / "keys").exists():
        keyring.create(directory / "keys")
    return Settings(
        origin="gateway.bench/ledger",
        issuer="https://gateway.bench",
        data=directory / "data",
        keys=directory / "keys",
        tls=Tls(
            certificate=pki.server_certificate,
            key=pki.server_key,
            participants=pki.client_ca,
            revocation_lists=(pki.crl,),
        ),
        port=0,
    )


async def onboard(directory: Path, gateway: Any) -> dict[str, Any]:
    """Register the parties; what they need to speak."""
    pki = development.open_existing(directory / "pki")
    told: dict[str, Any] = {"port": gateway.port, "ca": str(pki.server_ca), "parties": {}}
    for name, (kind, classes) in PARTIES.items():
        issued = development.issue(pki, development.Party(kind, name), now=clock())
        key = ec.generate_private_key(ec.SECP256R1())
        pem = issued.certificate.read_text()
        end = "-----END CERTIFICATE-----"
        der = ssl.PEM_cert_to_DER_cert(pem[: pem.index(end) + len(end)] + "\n")
        registry = gateway.store.registry
        if registry.party(name, clock().date()) is None:
            await registry.add_party(name, kind, name, classes, clock().date())
        await registry.add_certificate(name, thumbprint(der), der)
        jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key())) | {"kid": "k"}
        client = f"{name}-{issued.serial}"
        await registry.add_client(client, name, ["submissions", "feeds"], {"keys": [jwk]})
        told["parties"][name] = {
            "certificate": str(issued.certificate),
            "key": str(issued.key),
            "client": client,
            "secret": key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode(),
        }
    return told


async def main(directory: Path) -> None:
    """Serve until standard input ends."""
    directory.mkdir(parents=True, exist_ok=True)
    logs.configure()  # to stderr, as in production; a file beside the database would be flushed with it
    async with running(settings(directory)) as gateway:
        print(json.dumps(await onboard(directory, gateway)), flush=True)
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1])))
