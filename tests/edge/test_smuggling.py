"""Requests that two readers could take for different ones, and clients that take their time."""

from __future__ import annotations

import asyncio

import pytest

from gateway.edge import tls
from tests.conftest import SAMPLES, House

HIDDEN = b"GET /v1/ledger/vkey HTTP/1.1\r\nHost: a\r\n\r\n"

SMUGGLED = {
    "length and chunks": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "two lengths": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 41\r\n\r\n"
    + HIDDEN,
    "length with a sign": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n" + HIDDEN,
    "length with a list": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 41\r\n\r\n" + HIDDEN,
    "length in hex": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0x0\r\n\r\n" + HIDDEN,
    "odd transfer coding": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n"
    b"0\r\n\r\n" + HIDDEN,
    "chunked twice": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HIDDEN,
    "space before the colon": b"POST /x HTTP/1.1\r\nHost: a\r\nContent-Length : 41\r\n\r\n"
    + HIDDEN,
    "folded header": b"GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r\n Content-Length: 41\r\n\r\n" + HIDDEN,
    "bare line feeds": b"POST /x HTTP/1.1\nHost: a\nContent-Length: 41\n\n" + HIDDEN,
    "carriage return in a value": b"GET /x HTTP/1.1\r\nHost: a\r\nX: 1\rContent-Length: 9\r\n\r\n"
    + HIDDEN,
    "NUL in a value": b"GET /x HTTP/1.1\r\nHost: a\r\nX: 1\0\r\n\r\n" + HIDDEN,
    "chunk size with a sign": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"+0\r\n\r\n" + HIDDEN,
    "chunk size too long": b"POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"00000000000000000000000000000000f\r\n" + HIDDEN,
    "no version": b"GET /x\r\n\r\n" + HIDDEN,
    "a thousand headers": b"GET /x HTTP/1.1\r\nHost: a\r\n"
    + b"".join(b"X-%d: 1\r\n" % n for n in range(1_000))
    + b"\r\n"
    + HIDDEN,
}


@pytest.mark.parametrize("case", SMUGGLED, ids=str)
async def test_an_ambiguous_request_never_lets_a_hidden_one_through(
    house: House,
    case: str,
) -> None:
    context = tls.client_context(house.pki.server_ca)
    reader, writer = await asyncio.open_connection("localhost", house.gateway.port, ssl=context)
    writer.write(SMUGGLED[case])
    try:
        answer = await asyncio.wait_for(reader.read(100_000), 3)
        answer += await asyncio.wait_for(reader.read(100_000), 0.5)
    except TimeoutError:
        pass
    writer.close()
    vkey = house.gateway.ring.evidence.vkey.encode()
    if b" 400 " not in answer.split(b"\r\n", 1)[0]:
        # Read as one request with one meaning: then the bytes behind it are its body, or a
        # second request that everybody would see.
        assert answer.count(b"HTTP/1.1 ") <= 2
    else:
        assert vkey not in answer


async def test_slow_clients_do_not_hold_up_an_honest_one(house: House) -> None:
    context = tls.client_context(house.pki.server_ca)
    slow = []
    for _ in range(100):
        _, writer = await asyncio.open_connection("localhost", house.gateway.port, ssl=context)
        writer.write(b"POST /v1/submissions HTTP/1.1\r\nHost: a\r\nX-Slow: ")
        slow.append(writer)
    body = (SAMPLES / "schedule.csv").read_bytes()
    for number in range(20):
        sent = body.replace(b"Tamsin", f"Tamsin{number}".encode())
        status, _, _ = await asyncio.wait_for(house.employer.submit(sent, "text/csv"), 5)
        assert status == 201
        for writer in slow:
            writer.write(b"x")
    for writer in slow:
        writer.close()
