"""What a party might try to get out of a sandbox without doing it, or without being let in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from gateway.cli.exits import Exit
from gateway.sandbox import memory
from gateway.sandbox.faults import Asked
from gateway.sandbox.steps import Observer
from gateway.wiring import Gateway, clock
from tests.cli.conftest import Cli

TAKEN = {"rows": {"accepted": 2, "refused": 0, "nil": 0}}
AGAIN = TAKEN | {"repeat": True}


class Party:
    """What an observer makes of one party's exchanges."""

    def __init__(self, directory: Path) -> None:
        self.memory = memory.Memory(directory, 7, clock)
        self.observer = Observer(self.memory)

    def call(self, method: str, path: str, outcome: object = TAKEN, **headers: str) -> set[str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = web.Response(body=json.dumps(outcome).encode())
        self.observer.saw("bakery", make_mocked_request(method, path, named), answer)
        return set(self.memory.passed("bakery"))


@pytest.fixture
def party(tmp_path: Path) -> Party:
    return Party(tmp_path)


def test_the_pieces_of_an_upload_claim_nothing(party: Party) -> None:
    claims = {"Request_Id": "req_1", "Completes": "sub_1", "Content_Digest": "x"}
    assert party.call("PATCH", "/v1/uploads/upl_1", **claims) == {"token", "accepted", "digest"}
    assert {"answered", "mended"} <= party.call("POST", "/v1/submissions", **claims)


def test_the_same_bytes_without_a_key_are_not_the_step_of_repeating(party: Party) -> None:
    assert "repeated" not in party.call("POST", "/v1/submissions", AGAIN)
    assert "repeated" in party.call("POST", "/v1/submissions", AGAIN, Idempotency_Key="k")


def test_a_token_that_was_told_to_have_expired_is_not_another(party: Party) -> None:
    old = make_mocked_request("POST", "/v1/submissions", {"Authorization": "Bearer old"})
    party.observer.befell("bakery", Asked(fault="token_expired"), old)
    told = party.call("GET", "/v1/requests", {}, Authorization="Bearer old")
    assert "renewed_token" not in told
    told = party.call("GET", "/v1/requests", {}, Authorization="Bearer new")
    assert "renewed_token" in told


async def test_a_full_sandbox_keeps_nothing_of_who_would_join(
    sandbox: Gateway, joined: Path, practice: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "PARTIES", 1)
    ran = await cli(
        "sandbox", "join", f"https://localhost:{sandbox.port}", "--id", "dairy",
        "--class", "employer", "--ca", practice / "pki" / "server-ca.pem",
        "--directory", joined.parent.parent / "dairy",
    )  # fmt: skip
    assert ran.code != Exit.OK
    assert sandbox.store.registry.party("dairy", clock().date()) is None
