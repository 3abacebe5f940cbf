"""The message and who may send it: what is refused before, and instead of, being read."""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from certs import development
from gateway.edge import tls
from tests.conftest import SAMPLES, House, house_in
from tests.edge.refused import CSV, SCHEDULE, XML, kept, refused
from tests.party import days_ahead


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
            "due": days_ahead(30),
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
        "due": days_ahead(30),
    } | changes
    assert await refused(house, house.tracing.call("POST", "/v1/requests", json=body)) == found
