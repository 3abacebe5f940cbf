"""What it says, and the rest of the door: content that is refused whole leaves nothing."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from certs import development
from gateway.core.refusal import MEANINGS
from gateway.edge import tls
from tests.conftest import House, house_in
from tests.edge.refused import CSV, SCHEDULE, refused, slug
from tests.party import Party

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
    status, _, _ = await house.employer.submit(SCHEDULE.decode().encode("utf-16"), CSV)
    assert status == 201
    formula = SCHEDULE.replace(b"Marsh", b"=1+1")
    status, _, _ = await house.employer.submit(formula, CSV)
    assert status == 201
    lines = await house.tracing.feed("tracing")
    assert any("=1+1" in json.dumps(line) for line in lines)


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
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        ),
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
