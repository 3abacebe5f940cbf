"""The mailbox door under attack: nobody reaches anything without certificate, mailbox and token."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import aiohttp
import pytest

from gateway import wiring
from gateway.administration.carrying_out import carry_out
from gateway.administration.orders import RemoveMailbox
from gateway.edge import tls
from gateway.judge.store import verify_store
from tests.conftest import House
from tests.edge.mailbox import ADDRESS, SCHEDULE, Mailbox, code_of, mailbox_of

GUESSED = "06H0BO3RD3B3TGPKCPGVBI5KKC"


@pytest.fixture
async def shop(house: House) -> Mailbox:
    return await mailbox_of(house, "employer", "SHOP1")


@pytest.fixture
async def bank(house: House) -> Mailbox:
    return await mailbox_of(house, "bank", "BANK1")


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "password"},
        {"key": "BackBone"},
        {"mailbox": "SHOP2"},
        {"mailbox": "shop1"},
        {"at": dt.timedelta(hours=-2, minutes=-3)},
        {"at": dt.timedelta(hours=2, minutes=3)},
        {"at": "209913450000"},
        {"at": "2026"},
        {"count": "-1"},
        {"count": ""},
        {"nonce": ""},
        {"nonce": "a" * 65},
        {"nonce": "a b"},
    ],
    ids=str,
)
async def test_a_token_that_is_not_right_opens_nothing(
    shop: Mailbox, changes: dict[str, Any]
) -> None:
    status, body, _ = await shop.call("GET", "", token=shop.token(**changes))
    assert (status, code_of(body)) == (403, "07")


@pytest.mark.parametrize("hours", [-1.9, 0, 1.9])
async def test_a_clock_may_be_two_hours_off(shop: Mailbox, hours: float) -> None:
    token = shop.token(at=dt.timedelta(hours=hours))
    assert (await shop.call("GET", "", token=token))[0] == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "NHSMESH",
        "NHSMESH SHOP1",
        "Bearer abc",
        "Basic " + base64.b64encode(b"SHOP1:x").decode(),
        "NHSMESH " + ":" * 5,
        "NHSMESH SHOP1:n:0:202611230000:" + "0" * 63,
        "NHSMESH SHOP1:n:0:202611230000:" + "0" * 65,
        "NHSMESH SHOP1:n:0:202611230000:" + "g" * 64,
        "NHSMESH " + "A" * 5_000,
    ],
    ids=lambda header: header[:40],
)
async def test_a_header_that_is_no_token_opens_nothing(shop: Mailbox, header: str) -> None:
    status, body, _ = await shop.call("GET", "", token=header or " ")
    assert (status, code_of(body)) == (403, "07")
    assert "AAAA" not in str(body)


async def test_a_token_is_good_once(shop: Mailbox) -> None:
    token = shop.token()
    assert (await shop.call("GET", "inbox", token=token))[0] == 200
    for path in ("inbox", "count", ""):
        assert (await shop.call("GET", path, token=token))[0] == 403
    scheme, mailbox_to_at, made = token.partition(" ")[0], token.rpartition(":")[0], token[-64:]
    loud = f"{scheme} {mailbox_to_at.partition(' ')[2]}:{made.upper()}"
    assert (await shop.call("GET", "", token=loud))[0] == 403
    nonce = "00000000-0000-4000-8000-000000000000"
    for count in ("0", "1", "01"):
        assert (await shop.call("GET", "", token=shop.token(nonce=nonce, count=count)))[0] == 200
    assert (await shop.call("GET", "", token=shop.token(nonce=nonce, count="1")))[0] == 403


async def test_a_refused_call_uses_the_token_up_too(shop: Mailbox) -> None:
    token = shop.token()
    path = f"inbox/{GUESSED}"
    assert (await shop.call("GET", path, token=token))[0] == 404
    assert (await shop.call("GET", path, token=token))[0] == 403


async def test_a_mailbox_is_its_organisations_alone(shop: Mailbox, bank: Mailbox) -> None:
    # The bank has somehow got hold of the shop's secrets: its certificate is not the shop's.
    status, stolen, _ = await shop.call("GET", "inbox", session=bank.party.session)
    assert (status, code_of(stolen)) == (403, "07")
    # With its own token it does not get into the shop's address.
    status, other, _ = await bank.call("GET", "/messageexchange/SHOP1/inbox")
    status_none, none, _ = await bank.call("GET", "/messageexchange/NOBODY1/inbox")
    assert status == status_none == 403
    assert other["detail"] == none["detail"] == stolen["detail"]


async def test_secrets_without_a_certificate_reach_nothing(shop: Mailbox) -> None:
    context = tls.client_context(shop.house.pki.server_ca)
    connector = aiohttp.TCPConnector(ssl=context)
    async with aiohttp.ClientSession(connector=connector) as bare:
        status, body, _ = await shop.call("GET", "inbox", session=bare)
    assert (status, code_of(body)) == (401, "certificate-missing")


async def test_a_revoked_certificate_and_a_removed_mailbox_reach_nothing(shop: Mailbox) -> None:
    gateway = shop.house.gateway
    assert (await shop.call("GET", ""))[0] == 200
    office = wiring.office(gateway.settings, gateway.store, gateway.law, gateway.ring)
    await carry_out(RemoveMailbox(id="SHOP1"), office)
    assert (await shop.call("GET", ""))[0] == 403
    other = await mailbox_of(shop.house, "employer", "SHOP2")
    assert (await other.call("GET", ""))[0] == 200
    (certificate,) = gateway.store.registry.certificates("employer")
    await gateway.store.registry.revoke_certificate(certificate["thumbprint"])
    assert (await other.call("GET", ""))[0] == 401


async def test_messages_are_anothers_byte_for_byte_as_if_they_were_not(
    shop: Mailbox, bank: Mailbox
) -> None:
    sent = await shop.send()
    chunked = (await shop.post(SCHEDULE, Mex_Chunk_Range="1:2"))[1]["message_id"]
    lying, _ = await shop.inbox()
    for method, path in (
        ("GET", "inbox/{}"),
        ("HEAD", "inbox/{}"),
        ("GET", "inbox/{}/1"),
        ("PUT", "inbox/{}/status/acknowledged"),
        ("GET", "outbox/tracking?messageID={}"),
        ("POST", "outbox/{}/2"),
    ):
        extra = {"headers": {"Mex-Chunk-Range": "2:2"}} if method == "POST" else {}
        answers = []
        for identity in (lying, sent, chunked, GUESSED, "0", "%2e%2e", "x" * 3_000):
            status, body, _ = await bank.call(method, path.format(identity), **extra)
            assert status == 404, (method, path, identity)
            answers.append(body and body["detail"])
        assert all(answer == answers[0] for answer in answers)
    assert len(await shop.inbox()) == 2


async def test_what_was_acknowledged_is_gone_and_can_be_acknowledged_again(shop: Mailbox) -> None:
    await shop.send()
    first, second = await shop.inbox()
    for _ in range(2):
        status, body, _ = await shop.call("PUT", f"inbox/{first}/status/acknowledged")
        assert (status, body) == (200, b"")
    one = {"Accept": "application/json"}
    _, body, _ = await shop.call("PUT", f"inbox/{first}/status/acknowledged", headers=one)
    assert body == {"messageId": first}
    assert await shop.inbox() == [second]
    for method, path in (("GET", f"inbox/{first}"), ("GET", f"inbox/{first}/1")):
        status, body, _ = await shop.call(method, path)
        assert (status, code_of(body)) == (410, "message-gone")
    assert (await shop.call("HEAD", f"inbox/{first}"))[0] == 410
    assert (await shop.call("HEAD", f"inbox/{second}"))[0] == 200


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Mex_To": "X26HC005"}, 417, "12"),
        ({"Mex_To": ""}, 417, "12"),
        ({"Mex_WorkflowID": "PATHOLOGY"}, 417, "17"),
        ({"Mex_WorkflowID": ""}, 417, "17"),
        ({"Mex_WorkflowID": "CMS_REQUEST"}, 417, "17"),
        ({"Mex_From": "BANK1"}, 417, "06"),
        ({"Mex_To": "A" * 101}, 417, "06"),
        ({"Mex_WorkflowID": "A" * 301}, 417, "06"),
        ({"Mex_Subject": "A" * 501}, 417, "06"),
        ({"Mex_LocalID": "A" * 301}, 417, "06"),
        ({"Mex_FileName": "A" * 301}, 417, "06"),
        ({"Mex_PartnerID": "A" * 501}, 417, "06"),
        ({"Mex_FileName": "pay\u00e9.csv"}, 417, "06"),
        ({"Mex_LocalID": "a\tb"}, 417, "06"),
        ({"Mex_Content_Encrypted": "Y"}, 417, "06"),
        ({"Mex_Content_Compressed": "perhaps"}, 417, "06"),
        ({"Mex_Content_Checksum": "crc32:abcd0123"}, 400, "digest-not-valid"),
        ({"Mex_Content_Checksum": "sha256:" + "0" * 32}, 400, "digest-not-valid"),
        ({"Mex_Content_Checksum": "0" * 40}, 400, "digest-mismatch"),
        ({"Content_Encoding": "br"}, 422, "message-encoding-unknown"),
        ({"Idempotency_Key": "x" * 65}, 400, "idempotency-key-not-valid"),
        ({"Mex_Subject": "req_" + "0" * 26}, 404, "request-not-found"),
        ({"Mex_Content_Type": "application/pdf"}, 415, "content-type-unknown"),
        ({"Accept": "application/vnd.mesh.v3+json"}, 400, "parameter-not-valid"),
    ],
    ids=str,
)
async def test_a_header_that_is_not_right_is_named_and_nothing_is_kept(
    shop: Mailbox, headers: dict[str, str], status: int, code: str
) -> None:
    found, body, _ = await shop.post(**headers)
    assert (found, code_of(body)) == (status, code), body
    for value in headers.values():
        assert len(value) < 40 or value not in str(body)
    assert await shop.inbox() == []


async def test_a_header_that_stands_twice_is_refused(shop: Mailbox) -> None:
    headers = [("Mex-To", ADDRESS), ("Mex-To", "X26"), ("Mex-WorkflowID", "CMS_SUBMISSION")]
    named = [*headers, ("Authorization", shop.token())]
    url = f"{shop.house.url}/messageexchange/SHOP1/outbox"
    async with shop.party.session.post(url, headers=named, data=SCHEDULE) as response:
        assert response.status == 417
        told = await response.json()
    assert told["errorCode"] == "06"  # version 1: flat
    assert set(told) == {"errorEvent", "errorCode", "errorDescription"}


@pytest.mark.parametrize(
    "query",
    ["max_results=9", "max_results=5001", "max_results=x", "continue_from=x", f"continue_from={GUESSED}",
     "workflow_filter=" + "A" * 301],
)  # fmt: skip
async def test_a_listing_is_asked_for_within_bounds(shop: Mailbox, query: str) -> None:
    assert (await shop.call("GET", f"inbox?{query}"))[0] == 400


async def test_a_place_in_anothers_inbox_is_no_place_to_go_on_from(
    shop: Mailbox, bank: Mailbox
) -> None:
    await shop.send()
    first, second = await shop.inbox()
    assert await shop.inbox(continue_from=first) == [second]
    assert (await bank.call("GET", f"inbox?continue_from={first}"))[0] == 400


async def test_an_organisation_sends_no_more_here_than_elsewhere(house: House) -> None:
    stranger = await mailbox_of(house, "stranger", "STRANGER1")
    status, body, _ = await stranger.post()
    assert (status, code_of(body)) == (403, "16")
    with pytest.raises(Exception, match="Only organisations"):
        await mailbox_of(house, "tracing", "TRACING1")


async def test_nothing_of_a_message_is_kept_in_clear(shop: Mailbox) -> None:
    words = {"local_id": "Tamsin Marsh 17", "subject": "for Tamsin", "filename": "Tamsin.csv"}
    await shop.send(**words)
    await shop.send(SCHEDULE.replace(b"2026", b"2O26"), **words | {"local_id": "Tamsin again"})
    assert len(await shop.inbox()) == 5
    data = shop.house.settings.data
    for path in (path for path in data.rglob("*") if path.is_file()):
        kept = path.read_bytes()
        assert b"Tamsin" not in kept
        assert b"Marsh" not in kept
        assert shop.password.encode() not in kept
        assert shop.shared_key.encode() not in kept


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE mailbox SET organisation = 'bank'",
        "UPDATE mailbox SET secret = x'00'",
        "UPDATE mailbox SET removed = '2026-01-01T00:00:00.000000Z'",
        "INSERT INTO mailbox VALUES ('BACKDOOR', 'bank', x'00', x'00', 'now', NULL)",
    ],
)
async def test_the_judge_sees_a_mailbox_that_no_entry_accounts_for(
    shop: Mailbox, change: str
) -> None:
    gateway = shop.house.gateway
    key = gateway.ring.evidence.vkey
    assert verify_store(shop.house.settings.data, key).ok
    gateway.store._db.execute("SAVEPOINT kept")
    before = gateway.store._db.execute("SELECT * FROM mailbox").fetchall()
    gateway.store._db.execute(change)
    gateway.store._db.execute("RELEASE kept")
    verdict = verify_store(shop.house.settings.data, key)
    assert any("mailbox" in str(finding) for finding in verdict.findings)
    gateway.store._db.execute("DELETE FROM mailbox")
    gateway.store._db.executemany("INSERT INTO mailbox VALUES (?, ?, ?, ?, ?, ?)", before)
