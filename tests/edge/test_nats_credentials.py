"""A credentials file as `nsc` makes it: the gateway shows it, and a server that knows its operator lets it in."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from pathlib import Path
from typing import Any

import nkeys
import pytest

from certs.development import DevelopmentPki
from gateway.core.carriage import NotTakenError
from gateway.core.push import Message
from gateway.edge import tls
from gateway.edge.jetstream import JetStream
from tests.brokers import broker_in
from tests.pushing import FEED
from tests.stories.test_push_streams import TERMS


def key(kind: int) -> nkeys.KeyPair:
    return nkeys.from_seed(nkeys.encode_seed(secrets.token_bytes(32), kind))


def text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(by: nkeys.KeyPair, of: nkeys.KeyPair, name: str, nats: dict[str, Any]) -> str:
    """A JWT of NATS: signed by one, about another."""
    claims = {
        "iat": 1_700_000_000, "iss": by.public_key.decode(), "name": name,
        "sub": of.public_key.decode(), "nats": nats | {"version": 2},
    }  # fmt: skip
    jti = base64.b32encode(hashlib.sha256(json.dumps(claims).encode()).digest())
    claims["jti"] = jti.decode().rstrip("=")
    head = text(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode())
    body = f"{head}.{text(json.dumps(claims).encode())}"
    return f"{body}.{text(by.sign(body.encode()))}"


async def test_the_gateway_comes_in_with_its_credentials_and_not_without(
    tmp_path: Path, pki: DevelopmentPki
) -> None:
    operator, system, account, user = (
        key(kind)
        for kind in (nkeys.PREFIX_BYTE_OPERATOR, nkeys.PREFIX_BYTE_ACCOUNT,
                     nkeys.PREFIX_BYTE_ACCOUNT, nkeys.PREFIX_BYTE_USER)
    )  # fmt: skip
    plain = {"subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1,
             "wildcards": True, "conn": -1, "leaf": -1}  # fmt: skip
    disk = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
    accounts = {
        system: token(operator, system, "SYS", {"type": "account", "limits": plain}),
        account: token(operator, account, "CMS", {"type": "account", "limits": plain | disk}),
    }
    preload = ", ".join(f"{k.public_key.decode()}: {jwt}" for k, jwt in accounts.items())
    place = tmp_path / "operator.jwt"
    own = {"type": "operator", "system_account": system.public_key.decode()}
    place.write_text(token(operator, operator, "O", own))
    extra = f'operator: "{place}"\nresolver: MEMORY\nresolver_preload {{ {preload} }}'
    jwt = token(account, user, "gateway", {"type": "user", "subs": -1, "data": -1, "payload": -1})
    file = tmp_path / "gateway.creds"
    file.write_text(
        f"-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.seed.decode()}\n------END USER NKEY SEED------\n"
    )
    async with broker_in(tmp_path, pki, extra=extra, creds=file) as broker:
        context = tls.client_context(pki.server_ca)
        streams = JetStream((broker.url,), TERMS, tls=context, credentials=file)
        await streams.check()
        held = await streams.look(FEED, FEED)
        await streams.publish(FEED, FEED, Message({}, b"x"), identity="a", after=held.sequence)
        assert (await streams.look(FEED, FEED)).message == "a"
        await streams.close()
        stranger = JetStream((broker.url,), TERMS, tls=context)
        with pytest.raises(NotTakenError) as barred:
            await stranger.check()
        assert barred.value.code == "NOT_PERMITTED"
        await stranger.close()
