"""Figures for those who run it: by class and purpose, in /metrics, without anything of anybody."""

from __future__ import annotations

import aiohttp

from gateway.edge import tls
from tests.conftest import House


async def figures(house: House) -> str:
    await house.gateway.asking.figures.look()  # as every minute
    context = tls.client_context(house.pki.server_ca)
    async with (
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session,
        session.get(f"{house.url}/metrics") as answer,
    ):
        return await answer.text()


async def test_what_was_asked_and_answered_is_counted_by_class_and_purpose(house: House) -> None:
    first = await house.ask("tracing", "bank", "account")
    await house.ask("tracing", "bank", "account")
    await house.ask("enforcement", "employer", "employment")
    status, *_ = await house.bank.call("POST", f"/v1/requests/{first}/nil", json={})
    assert status == 201
    text = await figures(house)
    bank = '{class="deposit_taker",purpose="IDENTIFY_TRACE"}'
    assert f"cms_gateway_requests_asked{bank} 2.0" in text
    assert f"cms_gateway_requests_answered{bank} 1.0" in text
    assert f"cms_gateway_requests_median_days{bank} 0.0" in text
    assert 'cms_gateway_requests_open{class="employer",purpose="COLLECT_ENFORCE"} 1.0' in text
    assert "AA000001A" not in text
    assert first not in text
