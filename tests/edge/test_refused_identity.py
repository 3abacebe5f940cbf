"""Who is asking: credentials that do not hold each get their own problem document."""

from __future__ import annotations

import base64
import datetime as dt
import json
import ssl
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certs import development
from certs.profiles import Validity
from gateway.edge import tls
from gateway.wiring import clock
from tests.conftest import House, house_in
from tests.edge.refused import CSV, SCHEDULE, refused, slug
from tests.party import first_pem


async def _with(
    house: House,
    certificate: Any = None,
    key: Any = None,
    token: str | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, Any, dict[str, str]]:
    context = tls.client_context(house.pki.server_ca, certificate, key)
    bearer = {} if token is None else {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{house.url}/v1/submissions",
            data=SCHEDULE,
            ssl=context,
            headers={"Content-Type": CSV} | bearer | (headers or {}),
        ) as response,
    ):
        return response.status, await response.json(content_type=None), dict(response.headers)


async def test_no_certificate(house: House) -> None:
    token = await house.employer.token()
    assert await refused(house, _with(house, token=token)) == "certificate-missing"


async def test_a_certificate_that_is_not_registered(house: House) -> None:
    issued = development.issue(
        house.pki,
        development.Party("organisation", "employer"),
        now=clock(),
    )
    token = await house.employer.token()
    found = await refused(house, _with(house, issued.certificate, issued.key, token))
    assert found == "certificate-unknown"


async def test_a_revoked_certificate_also_on_an_open_connection(house: House) -> None:
    assert (await house.employer.submit(SCHEDULE, CSV))[0] == 201
    development.revoke(house.pki, house.employer.issued.serial, now=clock())
    house.gateway.trust.revocation.refresh(clock())
    found = await refused(house, house.employer.submit(b"other", CSV))
    assert found == "certificate-revoked"


async def test_a_certificate_withdrawn_here_is_refused_at_once(house: House) -> None:
    assert (await house.employer.submit(SCHEDULE, CSV))[0] == 201
    await house.gateway.store.registry.revoke_certificate(house.employer.issued.thumbprint)
    assert await refused(house, house.employer.submit(b"x", CSV)) == "certificate-revoked"


async def test_an_expired_certificate_does_not_get_through_the_handshake(house: House) -> None:
    now = clock()
    old = Validity(now - dt.timedelta(days=30), now - dt.timedelta(days=1))
    issued = development.issue(
        house.pki,
        development.Party("organisation", "employer"),
        now=now,
        validity=old,
    )
    with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
        await _with(house, issued.certificate, issued.key, "x")


async def test_a_certificate_of_another_authority_does_not_get_through(
    house: House,
    tmp_path: Any,
) -> None:
    other = development.create(tmp_path / "other", now=clock())
    issued = development.issue(other, development.Party("organisation", "employer"), now=clock())
    with pytest.raises((aiohttp.ClientError, ssl.SSLError)):
        await _with(house, issued.certificate, issued.key, "x")


def _header(issued: development.Issued) -> dict[str, str]:
    der = ssl.PEM_cert_to_DER_cert(first_pem(issued.certificate.read_text()))
    return {"Client-Cert": f":{base64.b64encode(der).decode()}:"}


async def test_a_client_cert_header_is_ignored_from_anywhere_but_the_proxy(house: House) -> None:
    token = await house.employer.token()
    found = await refused(
        house,
        _with(house, token=token, headers=_header(house.employer.issued)),
    )
    assert found == "certificate-missing"


async def test_behind_a_proxy_its_header_counts_and_is_verified_like_any_other(
    tmp_path: Any,
    pki: development.DevelopmentPki,
) -> None:
    async with house_in(tmp_path, pki, names=("employer",), proxies=("127.0.0.0/8",)) as house:
        employer = house.employer
        async with aiohttp.ClientSession() as session:
            employer.session, own = session, employer.session
            await own.close()
            context = tls.client_context(pki.server_ca)
            proxied = _header(employer.issued)
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": employer.assertion(),
            }
            async with session.post(
                f"{house.url}/oauth2/token",
                data=form,
                headers=proxied,
                ssl=context,
            ) as response:
                token = (await response.json())["access_token"]
            assert (await _with(house, token=token, headers=proxied))[0] == 201
            now = clock()
            old = Validity(now - dt.timedelta(days=30), now - dt.timedelta(days=1))
            party = development.Party("organisation", "employer")
            expired = development.issue(pki, party, now=now, validity=old)
            found = slug((await _with(house, token=token, headers=_header(expired)))[1])
            assert found == "certificate-not-valid"
            other = development.create(tmp_path / "other", now=now)
            foreign = development.issue(other, party, now=now)
            found = slug((await _with(house, token=token, headers=_header(foreign)))[1])
            assert found == "certificate-not-valid"
            found = slug((await _with(house, token=token, headers={"Client-Cert": ":x:"}))[1])
            assert found == "certificate-not-valid"
            found = slug((await _with(house, token=token))[1])
            assert found == "certificate-missing"


async def _submit_with_token(house: House, token: str) -> str:
    house.employer._token = token
    return await refused(house, house.employer.submit(SCHEDULE, CSV))


async def test_no_token(house: House) -> None:
    issued = house.employer.issued
    assert await refused(house, _with(house, issued.certificate, issued.key)) == "token-missing"


async def test_a_token_bound_to_another_certificate(house: House) -> None:
    token = await house.bank.token()
    assert await _submit_with_token(house, token) == "token-bound-elsewhere"


def _forged(house: House, header: dict[str, Any], key: Any, **changes: Any) -> str:
    now = int(clock().timestamp())
    claims = {
        "iss": "https://gateway.test",
        "aud": "https://gateway.test",
        "sub": "employer-client",
        "client_id": "employer-client",
        "party": "employer",
        "scope": "submissions",
        "iat": now,
        "exp": now + 300,
        "jti": "0123456789abcdef",
        "cnf": {"x5t#S256": house.employer.issued.thumbprint},
    } | changes
    return jwt.encode(claims, key, algorithm=header.pop("alg"), headers={"typ": "at+jwt"} | header)


async def test_alg_none(house: House) -> None:
    token = _forged(house, {"alg": "none"}, None)
    assert await _submit_with_token(house, token) == "token-not-valid"


async def test_hs256_with_the_public_key(house: House) -> None:
    keys = house.gateway.ring.token_keys
    public = keys[0].public.public_bytes(
        serialization.Encoding.Raw,
        serialization.PublicFormat.Raw,
    )
    token = _forged(house, {"alg": "HS256", "kid": keys[0].kid}, public)
    assert await _submit_with_token(house, token) == "token-not-valid"


async def test_an_unknown_kid_and_a_foreign_key(house: House) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    token = _forged(house, {"alg": "ES256", "kid": "../../etc/passwd"}, key)
    assert await _submit_with_token(house, token) == "token-not-valid"


@pytest.mark.parametrize("changes", [{"aud": "https://elsewhere"}, {"iss": "https://elsewhere"}])
async def test_our_key_but_a_foreign_audience_or_issuer(
    house: House,
    changes: dict[str, str],
) -> None:
    key = house.gateway.ring.token_keys[0]
    token = _forged(house, {"alg": "EdDSA", "kid": key.kid}, key._private, **changes)
    assert await _submit_with_token(house, token) == "token-not-valid"


async def test_an_expired_token(house: House) -> None:
    key = house.gateway.ring.token_keys[0]
    now = int(clock().timestamp())
    token = _forged(
        house, {"alg": "EdDSA", "kid": key.kid}, key._private, iat=now - 700, exp=now - 100
    )
    assert await _submit_with_token(house, token) == "token-expired"


async def test_garbage_for_a_token(house: House) -> None:
    for token in ("x", "a.b.c", "e30.e30.e30", "A" * 20_000):
        house.employer._token = token
        status, answer, _ = await house.employer.submit(SCHEDULE, CSV)
        assert status in {400, 401}, token
        if answer:
            assert b"Traceback" not in json.dumps(answer).encode()


async def test_a_replayed_assertion_is_refused_also_after_a_restart(
    tmp_path: Any,
    pki: development.DevelopmentPki,
) -> None:
    async with house_in(tmp_path, pki, names=("employer",)) as house:
        assertion = house.employer.assertion()
        assert (await house.employer.ask_token(assertion))[0] == 200
        status, answer = await house.employer.ask_token(assertion)
        assert (status, slug(answer)) == (401, "assertion-replayed")
        party = house.employer
    async with house_in(tmp_path, pki, names=()) as house:
        context = tls.client_context(pki.server_ca, party.issued.certificate, party.issued.key)
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
            party.session, party.url = session, house.url
            status, answer = await party.ask_token(assertion)
            assert (status, slug(answer)) == (401, "assertion-replayed")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere"},
        {"exp": 1},
        {"iss": "bank-client"},
        {"jti": ""},
        {"exp": 4_000_000_000},
    ],
)
async def test_a_client_assertion_that_does_not_hold(
    house: House,
    changes: dict[str, Any],
) -> None:
    status, answer = await house.employer.ask_token(house.employer.assertion(**changes))
    assert (status, slug(answer)) == (401, "client-not-valid")


async def test_a_client_of_another_party_than_the_certificate(house: House) -> None:
    status, answer = await house.employer.ask_token(house.bank.assertion())
    assert (status, slug(answer)) == (401, "client-not-valid")


async def test_a_scope_wider_than_the_clients(house: House) -> None:
    status, answer = await house.employer.ask_token(house.employer.assertion(), scope="admin")
    assert (status, slug(answer)) == (403, "not-permitted")


async def test_a_token_for_another_scope(house: House) -> None:
    _, body = await house.employer.ask_token(house.employer.assertion(), scope="feeds")
    assert await _submit_with_token(house, body["access_token"]) == "not-permitted"
