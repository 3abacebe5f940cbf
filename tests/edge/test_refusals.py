"""Bad input at the door: each gets its own problem document, and nothing of it is kept."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import gzip
import hashlib
import json
import ssl
import zlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certs import development
from certs.profiles import Validity
from gateway.core.refusal import MEANINGS, Reason
from gateway.edge import tls
from gateway.wiring import clock
from tests.conftest import SAMPLES, House, house_in
from tests.party import Party, first_pem

SCHEDULE = (SAMPLES / "schedule.csv").read_bytes()
CSV = "text/csv"
XML = "application/xml"
JSON = "application/json"


def slug(answer: dict[str, Any]) -> str:
    """The problem's type, after checking that it is a whole problem document of ours."""
    assert set(answer) >= {"type", "title", "status", "detail", "fix", "instance"}, answer
    found = str(answer["type"]).rsplit("/", 1)[1]
    meaning = MEANINGS[Reason(found)]
    assert (answer["status"], answer["title"]) == (meaning.status, meaning.title)
    return found


def kept(house: House) -> dict[str, int]:
    """How many rows there are that only an accepted submission leaves."""
    reader = house.gateway.store._reader
    tables = ("submission", "body", "block", "feed_item", "idempotency", "upload")
    return {t: reader.execute(f"SELECT count(*) FROM {t}").fetchall()[0][0] for t in tables}


async def refused(house: House, call: Any) -> str:
    """Await a call that must be refused; check that nothing was kept."""
    before = kept(house)
    status, answer, headers = await call
    assert headers["Content-Type"] == "application/problem+json", (status, answer)
    assert status == answer["status"]
    assert kept(house) == before
    assert list(house.gateway.store.bodies.directory.iterdir()) == []
    return slug(answer)


# --- who is asking --------------------------------------------------------------------------------


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


# --- the message ----------------------------------------------------------------------------------


def _digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


@pytest.mark.parametrize(
    ("body", "media_type", "headers", "found"),
    [
        pytest.param(b"", CSV, {}, "body-empty", id="empty body"),
        pytest.param(SCHEDULE, None, {}, "content-type-missing", id="no type"),
        pytest.param(SCHEDULE, "image/png", {}, "content-type-unknown", id="unknown type"),
        pytest.param(SCHEDULE, "text/csv; a=b\\", {}, None, id="odd parameter is left out"),
        pytest.param(SCHEDULE, "csv", {}, "content-type-unknown", id="type without subtype"),
        pytest.param(b"a,b\r\n1,2\r\n", CSV, {}, "content-type-unknown", id="another csv"),
        pytest.param(
            SCHEDULE, CSV, {"Content-Encoding": "br"}, "content-encoding-unknown", id="brotli"
        ),
        pytest.param(
            SCHEDULE,
            CSV,
            {"Content-Digest": _digest(b"other")},
            "digest-mismatch",
            id="digest of something else",
        ),
        pytest.param(
            SCHEDULE, CSV, {"Content-Digest": "md5=:AAAA:"}, "digest-not-valid", id="digest by md5"
        ),
        pytest.param(
            SCHEDULE,
            CSV,
            {"Content-Digest": "sha-256=AAAA"},
            "digest-not-valid",
            id="digest without colons",
        ),
        pytest.param(
            SCHEDULE, CSV, {"Idempotency-Key": "x" * 65}, "idempotency-key-not-valid", id="long key"
        ),
        pytest.param(
            SCHEDULE, CSV, {"Idempotency-Key": '""'}, "idempotency-key-not-valid", id="empty key"
        ),
        pytest.param(
            SCHEDULE, CSV, {"Request-Id": "req_1"}, "request-not-found", id="no such request"
        ),
        pytest.param(
            gzip.compress(SCHEDULE)[:-9],
            CSV,
            {"Content-Encoding": "gzip"},
            "body-truncated",
            id="gzip cut off",
        ),
        pytest.param(
            b"not gzip", CSV, {"Content-Encoding": "gzip"}, "body-truncated", id="not gzip"
        ),
        pytest.param(
            gzip.compress(bytes(50_000_000), 9),
            CSV,
            {"Content-Encoding": "gzip"},
            "decompression-limit",
            id="gzip bomb",
        ),
    ],
)
async def test_a_message_that_is_not_as_it_should_be(
    house: House,
    body: bytes,
    media_type: str | None,
    headers: dict[str, str],
    found: str | None,
) -> None:
    named = {name.replace("-", "_"): value for name, value in headers.items()}
    if found is None:
        assert (await house.employer.submit(body, media_type, **named))[0] == 201
    else:
        assert await refused(house, house.employer.submit(body, media_type, **named)) == found


async def test_a_gzip_bomb_of_many_members_is_refused_too(house: House) -> None:
    member = zlib.compressobj(9, wbits=31)
    one = member.compress(bytes(20_000)) + member.flush()
    found = await refused(
        house,
        house.employer.submit(one * 300, CSV, Content_Encoding="gzip"),
    )
    assert found == "decompression-limit"


async def test_a_body_larger_than_allowed_by_length_and_by_count(
    tmp_path: Any,
    pki: development.DevelopmentPki,
) -> None:
    async def streamed() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(10_000)

    async with house_in(tmp_path, pki, names=("employer",), body_limit_bytes=100_000) as house:
        call = house.employer.submit(bytes(100_001), CSV)
        assert await refused(house, call) == "body-too-large"
        assert await refused(house, house.employer.submit(streamed(), CSV)) == "body-too-large"


async def test_a_connection_that_ends_early_leaves_nothing(house: House) -> None:
    await house.employer.token()
    before = kept(house)
    reader, writer = await asyncio.open_connection(
        "localhost",
        house.gateway.port,
        ssl=tls.client_context(
            house.pki.server_ca,
            house.employer.issued.certificate,
            house.employer.issued.key,
        ),
    )
    head = (
        "POST /v1/submissions HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n"
        f"Authorization: Bearer {await house.employer.token()}\r\nContent-Length: 400000\r\n\r\n"
    )
    writer.write(head.encode() + SCHEDULE + b"x" * 200_000)
    await writer.drain()
    await asyncio.sleep(0.3)
    writer.transport.abort()
    await asyncio.sleep(0.3)
    assert kept(house) == before
    assert list(house.gateway.store.bodies.directory.iterdir()) == []
    del reader


# --- who may send what ----------------------------------------------------------------------------


async def test_a_class_that_may_not_send_this_format(house: House) -> None:
    assert await refused(house, house.bank.submit(SCHEDULE, CSV)) == "class-not-entitled"


async def test_an_organisation_without_any_class(house: House) -> None:
    assert await refused(house, house.stranger.submit(SCHEDULE, CSV)) == "class-not-entitled"


async def test_an_answer_nobody_asked_for(house: House) -> None:
    body = (SAMPLES / "bank-answer.xml").read_bytes()
    assert await refused(house, house.bank.submit(body, XML)) == "no-purpose"


async def test_a_request_that_is_not_theirs(house: House) -> None:
    request = await house.ask("tracing", "bank", "account")
    found = await refused(house, house.employer.submit(SCHEDULE, CSV, Request_Id=request))
    assert found == "request-not-found"


async def test_anothers_submission_is_as_if_it_were_not_there(house: House) -> None:
    _, mine, _ = await house.employer.submit(SCHEDULE, CSV)
    for path in ("", "/errors", "/receipt"):
        theirs = await house.bank.call("GET", f"/v1/submissions/{mine['id']}{path}")
        absent = await house.bank.call("GET", f"/v1/submissions/sub_0{path}")
        assert theirs[0] == absent[0] == 404
        one, other = dict(theirs[1]), dict(absent[1])
        one.pop("instance"), other.pop("instance")
        assert one == other


async def test_a_consumer_cannot_submit_and_an_organisation_cannot_read_a_feed(
    house: House,
) -> None:
    assert await refused(house, house.tracing.submit(SCHEDULE, CSV)) == "class-not-entitled"
    assert await refused(house, house.employer.call("GET", "/v1/feeds/tracing")) == "not-found"
    assert await refused(house, house.calculation.call("GET", "/v1/feeds/tracing")) == "not-found"
    assert await refused(house, house.tracing.call("GET", "/v1/feeds/nothing")) == "not-found"


async def test_an_organisation_cannot_raise_a_request(house: House) -> None:
    call = house.employer.call(
        "POST",
        "/v1/requests",
        json={
            "organisation": "bank",
            "purposes": ["IDENTIFY_TRACE"],
            "citation": "x",
            "record_types": ["account"],
            "subject": {"surname": "X"},
            "due": "2027-01-01",
        },
    )
    assert await refused(house, call) == "not-permitted"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"purposes": []}, "no-purpose"),
        ({"purposes": ["COLLECT_ENFORCE"]}, "no-purpose"),
        ({"citation": " "}, "parameter-not-valid"),
        ({"organisation": "nobody"}, "parameter-not-valid"),
        ({"organisation": "calculation"}, "parameter-not-valid"),
        ({"record_types": ["deduction"]}, "parameter-not-valid"),
        ({"record_types": []}, "parameter-not-valid"),
        ({"due": "soon"}, "json-not-valid"),
        ({"surplus": 1}, "json-not-valid"),
    ],
)
async def test_a_request_the_law_does_not_allow(
    house: House,
    changes: dict[str, Any],
    found: str,
) -> None:
    body = {
        "organisation": "bank",
        "purposes": ["IDENTIFY_TRACE"],
        "citation": "reg 4",
        "record_types": ["account"],
        "subject": {"surname": "X"},
        "due": "2027-01-01",
    } | changes
    assert await refused(house, house.tracing.call("POST", "/v1/requests", json=body)) == found


# --- what it says ---------------------------------------------------------------------------------

DOCTYPE = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
LAUGHS = b'<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("sender", "body", "found"),
    [
        pytest.param("bank", DOCTYPE + b"<a>&x;</a>", "xml-forbidden", id="external entity"),
        pytest.param("bank", LAUGHS + b"<a>&b;</a>", "xml-forbidden", id="entity expansion"),
        pytest.param(
            "bank",
            b'<!DOCTYPE a SYSTEM "http://127.0.0.1/x.dtd"><a/>',
            "xml-forbidden",
            id="external dtd",
        ),
        pytest.param(
            "bank",
            b'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="x"/>',
            None,
            id="xinclude",
        ),
        pytest.param("bank", b"<a>" * 10_000, None, id="10,000 deep"),
        pytest.param("bank", b"<a><b></a>", None, id="not well formed"),
        pytest.param(
            "hmrc", b'{"taxYears":[],"taxYears":[]}', "json-not-well-formed", id="duplicate keys"
        ),
        pytest.param("hmrc", b'{"matchPattern":NaN}', "json-not-well-formed", id="NaN"),
        pytest.param(
            "hmrc",
            b'{"matchPattern":18446744073709551616}',
            "json-not-well-formed",
            id="past 64 bits",
        ),
        pytest.param(
            "hmrc", b'{"matchPattern":"\\ud800"}', "json-not-well-formed", id="lone surrogate"
        ),
        pytest.param("hmrc", b'{"matchPattern":"\xff"}', "character-set", id="invalid UTF-8"),
        pytest.param("hmrc", '{"matchPattern":1}'.encode("utf-16"), "character-set", id="UTF-16"),
        pytest.param("hmrc", b'\xef\xbb\xbf{"matchPattern":1}', "character-set", id="BOM"),
        pytest.param("hmrc", b'{"matchPattern":"\0"}', "character-set", id="NUL"),
        pytest.param("hmrc", b"[" * 10_000, None, id="10,000 deep arrays"),
        pytest.param(
            "employer",
            SCHEDULE.replace(b"Marsh", b'"Marsh'),
            "csv-not-well-formed",
            id="quote never closed",
        ),
        pytest.param("employer", SCHEDULE.decode().encode("utf-16"), None, id="UTF-16 csv"),
        pytest.param(
            "employer", SCHEDULE.replace(b"Marsh", b"Ma\0sh"), "character-set", id="NUL in csv"
        ),
    ],
)
async def test_content_that_is_refused_whole(
    house: House,
    sender: str,
    body: bytes,
    found: str | None,
) -> None:
    party: Party = house.parties[sender]
    types = {
        "bank": "application/vnd.iso20022.auth.002.001.01+xml",
        "hmrc": "application/vnd.cms-gateway.rti-income+json",
        "employer": "application/vnd.cms-gateway.deduction-schedule+csv",
    }
    headers = {}
    if sender != "employer":
        wanted = "account" if sender == "bank" else "earnings"
        headers["Request_Id"] = await house.ask("calculation", sender, wanted)
    answer = await refused(house, party.submit(body, types[sender], **headers))
    if found is not None:
        assert answer == found
    assert answer != "internal"


async def test_spreadsheets_of_the_real_world_are_read(house: House) -> None:
    windows = SCHEDULE.replace(b"Marsh", "Señora".encode("cp1252"))
    status, answer, _ = await house.employer.submit(windows, CSV)
    assert status == 201
    assert "CHARACTER_SET_ASSUMED" in [note["code"] for note in answer["notes"]]
    for separator in (b";", b"\t"):
        status, _, _ = await house.employer.submit(SCHEDULE.replace(b",", separator), CSV)
        assert status == 201
    formula = SCHEDULE.replace(b"Marsh", b"=1+1")
    status, _, _ = await house.employer.submit(formula, CSV)
    assert status == 201
    lines = await house.tracing.feed("tracing")
    assert any("=1+1" in json.dumps(line) for line in lines)


# --- the rest of the door -------------------------------------------------------------------------


async def test_what_is_not_there_and_methods_that_are_not_allowed(house: House) -> None:
    assert slug((await house.employer.call("GET", "/nothing"))[1]) == "not-found"
    assert slug((await house.employer.call("PUT", "/v1/submissions"))[1]) == "method-not-allowed"
    assert slug((await house.employer.call("DELETE", "/v1/feeds/x"))[1]) == "method-not-allowed"


async def test_what_is_not_http_is_answered_without_repeating_it(house: House) -> None:
    context = tls.client_context(house.pki.server_ca)
    for sent in (
        b"BREW /secret HTTP/1.1\r\n\r\n",
        b"GET /secret\xff HTTP/9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"s" * 20_000 + b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ):
        reader, writer = await asyncio.open_connection("localhost", house.gateway.port, ssl=context)
        writer.write(sent)
        answer = await asyncio.wait_for(reader.read(), 5)
        head, _, body = answer.partition(b"\r\n\r\n")
        assert head.split(b" ")[1] == b"400", answer
        assert b"aiohttp" not in head
        assert slug(json.loads(body)) == "parameter-not-valid"
        assert b"secret" not in answer
        assert b"sss" not in answer
        writer.close()


async def test_a_request_that_takes_too_long_to_begin_is_cut_off(
    tmp_path: Any,
    pki: development.DevelopmentPki,
) -> None:
    async with house_in(tmp_path, pki, names=(), header_seconds=1) as house:
        context = tls.client_context(pki.server_ca)
        reader, writer = await asyncio.open_connection("localhost", house.gateway.port, ssl=context)
        for letter in b"GET / HTTP/1.1":
            writer.write(bytes([letter]))
            try:
                await asyncio.wait_for(reader.read(1), 0.3)
            except TimeoutError:
                continue
            break
        assert reader.at_eof()
        writer.close()


async def test_every_problem_type_has_a_page(house: House) -> None:
    for reason, meaning in MEANINGS.items():
        status, body, _ = await house.employer.call("GET", f"/problems/{reason.value}")
        assert (status, body["title"]) == (200, meaning.title)


async def test_metrics_are_for_the_operators_networks_only(
    tmp_path: Any,
    pki: development.DevelopmentPki,
) -> None:
    async with house_in(tmp_path, pki, names=("employer",), monitors=("192.0.2.0/24",)) as house:
        assert slug((await house.employer.call("GET", "/metrics"))[1]) == "not-found"
