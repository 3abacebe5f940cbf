"""Every route, by everybody: the matrix is made from the route table, so a new route is in it."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest

from gateway.edge import tls
from gateway.edge.http.app import ROUTES, Policy, Route
from tests.conftest import SAMPLES, House
from tests.edge.mailbox import mailbox_of

PARTY_ROUTES = [route for route in ROUTES if route.policy is Policy.PARTY]
MAILBOX_ROUTES = [route for route in ROUTES if route.policy is Policy.MAILBOX]
PUBLIC_ROUTES = [route for route in ROUTES if route.policy is Policy.PUBLIC]


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


def filled(route: Route, **values: str) -> str:
    """The path of a route with its parameters filled in."""
    given = {
        "id": "sub_0",
        "name": "tracing",
        "path": "0/000.p/1",
        "index": "0",
        "slug": "busy",
        "mailbox": "SHOP1",
        "chunk": "2",
        "local": "a",
        "ods": "CMS",
        "workflow": "CMS_SUBMISSION",
        "file": "vehicle.json" if "schemas" in route.path else "vehicle.xlsx",
    } | values
    return re.sub(r"{(\w+)(?::[^}]*)?}", lambda match: given[match[1]], route.path)


async def _bare(house: House, route: Route, **headers: str) -> tuple[int, bytes]:
    context = tls.client_context(house.pki.server_ca)
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            route.method,
            house.url + filled(route),
            ssl=context,
            headers=headers,
        ) as response,
    ):
        return response.status, await response.read()


def test_every_route_has_a_policy_and_stands_once() -> None:
    assert all(isinstance(route.policy, Policy) for route in ROUTES)
    assert len({name(route) for route in ROUTES}) == len(ROUTES)


@pytest.mark.parametrize("route", PARTY_ROUTES, ids=name)
async def test_a_route_of_parties_needs_a_certificate_and_a_token(
    house: House,
    route: Route,
) -> None:
    assert (await _bare(house, route))[0] == 401
    token = await house.employer.token()
    assert (await _bare(house, route, Authorization=f"Bearer {token}"))[0] == 401
    context = tls.client_context(
        house.pki.server_ca,
        house.employer.issued.certificate,
        house.employer.issued.key,
    )
    async with (
        aiohttp.ClientSession() as session,
        session.request(
            route.method,
            house.url + filled(route),
            ssl=context,
        ) as response,
    ):
        assert response.status == 401


@pytest.mark.parametrize("route", MAILBOX_ROUTES, ids=name)
async def test_a_route_of_mailboxes_needs_a_certificate_and_its_own_token(
    house: House, route: Route
) -> None:
    shop = await mailbox_of(house, "employer", "SHOP1")
    assert (await _bare(house, route, Authorization=shop.token()))[0] == 401
    bearer = f"Bearer {await house.employer.token()}"
    for token in (bearer, shop.token(password="another")):
        status, _, _ = await shop.call(route.method, filled(route), token=token)
        assert status == 403
    status, _, _ = await shop.call(route.method, filled(route))
    assert status not in {401, 403}


@pytest.mark.parametrize("route", PUBLIC_ROUTES, ids=name)
async def test_a_public_route_says_nothing_about_anybody(house: House, route: Route) -> None:
    await house.employer.submit((SAMPLES / "schedule.csv").read_bytes(), "text/csv")
    status, text = await _bare(house, route)
    assert status in {200, 204, 400, 401}
    for word in ("Marsh", "Tamsin", "AA000017A", "100000000017"):
        assert word.encode() not in text


@pytest.mark.parametrize("who", ["employer", "bank", "stranger", "tracing", "calculation"])
async def test_nobody_sees_anothers_things(house: House, who: str) -> None:
    _, mine, _ = await house.employer.submit(
        (SAMPLES / "schedule.csv").read_bytes(),
        "text/csv",
    )
    request = await house.ask("tracing", "bank", "account")
    party = house.parties[who]
    tus = {"Tus-Resumable": "1.0.0"}
    _, _, headers = await house.employer.call(
        "POST",
        "/v1/uploads",
        headers=tus
        | {
            "Upload-Length": "100",
            "Upload-Metadata": "content-type dGV4dC9jc3Y=",
        },
    )
    upload = headers["Location"]
    may = {
        f"/v1/submissions/{mine['id']}": {"employer"},
        f"/v1/submissions/{mine['id']}/errors": {"employer"},
        f"/v1/submissions/{mine['id']}/receipt": {"employer"},
        f"/v1/requests/{request}": {"bank", "tracing"},
        "/v1/feeds/tracing": {"tracing"},
        "/v1/feeds/calculation": {"calculation"},
        "/v1/feeds/enforcement": set(),
    }
    for path, allowed in may.items():
        status, _, _ = await party.call("GET", path)
        assert status == (200 if who in allowed else 404), (who, path)
    for method in ("HEAD", "PATCH", "DELETE"):
        more: dict[str, Any] = {
            "headers": tus
            | {
                "Upload-Offset": "0",
                "Content-Type": "application/offset+octet-stream",
            }
        }
        status, _, _ = await party.call(method, upload, data=b"", **more)
        assert (status < 400) == (who == "employer"), (who, method)
    _, listed, _ = await party.call("GET", "/v1/submissions")
    assert [one["id"] for one in listed["submissions"]] == (
        [mine["id"]] if who == "employer" else []
    )
    _, listed, _ = await party.call("GET", "/v1/requests")
    assert bool(listed["requests"]) == (who in {"bank", "tracing"})
    if who != "tracing":
        status, _, _ = await party.call(
            "POST",
            "/v1/feeds/tracing/ack",
            json={"cursor": "MTp0cmFjaW5nOjE"},
        )
        assert status == 404
