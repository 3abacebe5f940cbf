"""Every route, by everybody: the matrix is made from the route table, so a new route is in it."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest

from gateway.edge import tls
from gateway.edge.http.app import ROUTES, Policy, Route
from tests.conftest import SAMPLES, House
from tests.edge.guests import guest, stranger
from tests.edge.mailbox import mailbox_of
from tests.edge.refused import slug

PARTY_ROUTES = [route for route in ROUTES if route.policy in {Policy.PARTY, Policy.GUEST}]
GUEST_ROUTES = [route for route in ROUTES if route.policy is Policy.GUEST]
NO_GUEST_ROUTES = [route for route in ROUTES if route.policy in {Policy.PARTY, Policy.MAILBOX}]
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
    assert status in {200, 204, 400, 401, 422}
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
            json={"delivered": "MTp0cmFjaW5nOjE"},
        )
        assert status == 404


# --- whoever came with an access code -------------------------------------------------------------

LINES = "application/vnd.cms-gateway.records+jsonl"
NOTHING = b'{"type":"nil_return","answer":{"code":"NOT_HELD","asked":"account"}}\n'
BODIES = {"refusal": {"code": "LEGAL_PRIVILEGE"}, "clarifications": {"text": "Which branch?"}}


async def test_a_code_that_is_none_says_nothing_about_anybody(house: House) -> None:
    await house.ask("tracing", "bank", "account")
    async with stranger(house) as caller:
        for path, expected in (("/v1/access", 403), ("/v1/access/again", 202)):
            code = {"code": "0000-0000-0000-0000"}
            status, told, _ = await caller.call("POST", path, json=code)
            assert status == expected
            for word in ("Example", "AA000001A", "bank", "tracing", "req_"):
                assert word not in str(told)


@pytest.mark.parametrize("route", GUEST_ROUTES, ids=name)
async def test_a_guest_sees_and_answers_one_request_and_no_other(
    house: House, route: Route
) -> None:
    mine = await house.ask("tracing", "bank", "account")
    other = await house.ask("tracing", "bank", "account", subject={"surname": "Another"})
    sent = {"Request-Id": other, "Content-Type": LINES}
    status, outcome, _ = await house.bank.submit(NOTHING, LINES, Request_Id=other)
    assert status == 201, outcome
    about_submissions = route.path.startswith("/v1/submissions")
    wanted = outcome["id"] if about_submissions else other
    before = house.gateway.store.requests.history(other)
    async with guest(house, mine) as caller:
        more: dict[str, Any] = {"json": BODIES.get(route.path.rpartition("/")[2], {})}
        if route.path == "/v1/submissions":
            more = {"data": NOTHING, "headers": sent}
        path = filled(route, id=wanted)
        status, told, _ = await caller.call(route.method, path, **more)
        if "{id}" in route.path or route.path == "/v1/submissions":
            assert status == 404
            expected = "not-found" if "{id}" in route.path and about_submissions else None
            assert slug(told) == (expected or "request-not-found")
        else:
            assert status == 200
            assert mine in str(told)
        for word in (other, outcome["id"], "Another"):
            assert word not in str(told)
    assert house.gateway.store.requests.history(other) == before


@pytest.mark.parametrize("route", NO_GUEST_ROUTES, ids=name)
async def test_every_other_route_refuses_the_session_of_a_guest(house: House, route: Route) -> None:
    """Also beside the certificate of a party: a session is no token of anybody's."""
    mine = await house.ask("tracing", "bank", "account")
    async with guest(house, mine) as caller:
        path = filled(route, id=mine)
        status, told, _ = await caller.call(route.method, path)
        if route.policy is Policy.MAILBOX:
            assert status in {401, 403}
            return
        assert status == 401
        assert route.method == "HEAD" or slug(told) == "certificate-missing"
        bearer = {"Authorization": f"Bearer {caller.token}"}
    for party in (house.bank, house.tracing):
        status, told, _ = await party.call(route.method, path, headers=bearer)
        assert status == 401
        assert route.method == "HEAD" or slug(told) == "token-not-valid"


async def test_a_guest_submits_for_its_request_alone(house: House) -> None:
    mine = await house.ask("tracing", "bank", "account")
    other = await house.ask("tracing", "bank", "account")
    wrong = b'{"type":"account","account":{"sort_code":"1"}}\n' + NOTHING
    _, theirs, _ = await house.bank.submit(wrong, LINES, Request_Id=other)
    assert theirs["open"] == 1, theirs
    async with guest(house, mine) as caller:

        async def submit(**named: str) -> tuple[int, Any]:
            headers = {name.replace("_", "-"): value for name, value in named.items()}
            headers = {"Content-Type": LINES} | headers
            found = await caller.call("POST", "/v1/submissions", data=NOTHING, headers=headers)
            return found[:2]

        for named in (
            {},
            {"Request_Id": other},
            {"Completes": theirs["id"]},
            {"Completes": theirs["id"], "Request_Id": other},
        ):
            status, told = await submit(**named)
            assert (status, slug(told)) == (404, "request-not-found"), named
        status, told = await submit(Request_Id=mine, Completes=theirs["id"])
        assert (status, slug(told)) == (400, "parameter-not-valid")
        status, told = await submit(Request_Id=mine, Content_Type="application/zip")
        assert (status, slug(told)) == (415, "content-type-unknown")
        status, told = await submit(Request_Id=mine)
        assert (status, told["state"]) == (201, "accepted")
        status, told, _ = await caller.call("GET", f"/v1/submissions/{theirs['id']}")
        assert (status, slug(told)) == (404, "not-found")


async def test_a_guest_is_told_no_more_of_a_person_than_the_organisation_is(house: House) -> None:
    subject = {"surname": "Example", "forenames": "Robin", "nino": "AA000001A", "gender": "other"}
    subject |= {"date_of_birth": "1990-02-28"}
    mine = await house.ask("tracing", "bank", "account", subject=subject)
    _, shown, _ = await house.bank.call("GET", f"/v1/requests/{mine}")
    async with guest(house, mine) as caller:
        status, told, _ = await caller.call("GET", f"/v1/requests/{mine}")
    assert status == 200
    assert told["subject"] == shown["subject"]
    assert told["subject"].keys() == {"kind", "surname", "forenames", "date_of_birth"}
